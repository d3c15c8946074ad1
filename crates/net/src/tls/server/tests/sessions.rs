//! Sessions and those who begin them: resumption, client certificates, challenges of authorities.

use super::*;

use rustls::sign::SingleCertAndKey;

use crate::tls::authority::Authority;

/// Shakes hands, lets the tickets through, and says how it went.
async fn visit(terminator: &Terminator, config: &Arc<ClientConfig>, name: &str) -> HandshakeKind {
    let (accepted, client) = shake(terminator, config, name).await;
    let (mut accepted, mut client) = (accepted.unwrap(), client.unwrap());
    let kind = accepted.stream.get_ref().1.handshake_kind().unwrap();
    accepted.stream.write_all(b"x").await.unwrap();
    accepted.stream.flush().await.unwrap();
    client.read_u8().await.unwrap();
    kind
}

#[tokio::test]
async fn sessions_resume_on_every_worker_but_not_for_another_name_or_policy() {
    let terminator = terminator(&[], Some(&["default"]));
    let strict = Policy { version_min: TlsVersion::Tls13, http2: true };
    for versions in [&[&version::TLS13][..], &[&version::TLS12]] {
        let config = Arc::new(speaking(versions));
        assert_eq!(visit(&terminator, &config, "a.example").await, HandshakeKind::Full);
        // Clones are what workers have.
        assert_eq!(visit(&terminator.clone(), &config, "a.example").await, HandshakeKind::Resumed);
        assert_eq!(visit(&terminator, &config, "b.example").await, HandshakeKind::Full);
    }
    let config = Arc::new(speaking(&[&version::TLS13]));
    visit(&terminator, &config, "a.example").await;
    terminator.identities().publish_policies([("a.example", strict)]);
    assert_eq!(visit(&terminator, &config, "a.example").await, HandshakeKind::Full);
    assert_eq!(visit(&terminator, &config, "a.example").await, HandshakeKind::Resumed);
    terminator.ask_clients(&ClientAuth::off()).unwrap();
    assert_eq!(visit(&terminator, &config, "a.example").await, HandshakeKind::Full);
}

#[tokio::test]
async fn a_ticket_of_one_name_opens_no_session_of_another() {
    // The client is made to offer the ticket of a name to another: its store forgets names.
    #[derive(Debug)]
    struct OneForAll(rustls::client::ClientSessionMemoryCache);
    impl rustls::client::ClientSessionStore for OneForAll {
        fn set_kx_hint(&self, _: ServerName<'static>, group: rustls::NamedGroup) {
            self.0.set_kx_hint(any(), group);
        }
        fn kx_hint(&self, _: &ServerName<'_>) -> Option<rustls::NamedGroup> {
            self.0.kx_hint(&any())
        }
        fn set_tls12_session(
            &self,
            _: ServerName<'static>,
            value: rustls::client::Tls12ClientSessionValue,
        ) {
            self.0.set_tls12_session(any(), value);
        }
        fn tls12_session(
            &self,
            _: &ServerName<'_>,
        ) -> Option<rustls::client::Tls12ClientSessionValue> {
            self.0.tls12_session(&any())
        }
        fn remove_tls12_session(&self, _: &ServerName<'static>) {
            self.0.remove_tls12_session(&any());
        }
        fn insert_tls13_ticket(
            &self,
            _: ServerName<'static>,
            value: rustls::client::Tls13ClientSessionValue,
        ) {
            self.0.insert_tls13_ticket(any(), value);
        }
        fn take_tls13_ticket(
            &self,
            _: &ServerName<'static>,
        ) -> Option<rustls::client::Tls13ClientSessionValue> {
            self.0.take_tls13_ticket(&any())
        }
    }
    fn any() -> ServerName<'static> {
        ServerName::try_from("any").unwrap()
    }
    let terminator = terminator(&[], Some(&["default"]));
    for versions in [&[&version::TLS13][..], &[&version::TLS12]] {
        let mut config = speaking(versions);
        let store = OneForAll(rustls::client::ClientSessionMemoryCache::new(8));
        config.resumption = rustls::client::Resumption::store(Arc::new(store));
        let config = Arc::new(config);
        assert_eq!(visit(&terminator, &config, "a.example").await, HandshakeKind::Full);
        assert_eq!(visit(&terminator, &config, "a.example").await, HandshakeKind::Resumed);
        assert_eq!(visit(&terminator, &config, "b.example").await, HandshakeKind::Full);
    }
}

/// A client that shows a certificate by this authority.
fn known(authority: &Authority) -> Arc<ClientConfig> {
    let mut config = insecure();
    let key = SingleCertAndKey::from(Arc::clone(authority.issue(&["client.example"]).key()));
    config.client_auth_cert_resolver = Arc::new(key);
    Arc::new(config)
}

#[tokio::test]
async fn clients_show_certificates_as_they_are_asked() {
    let (ours, other) = (Authority::new(), Authority::new());
    let (us, them, nobody) = (known(&ours), known(&other), client(&[]));
    let off = ClientAuth::off();
    let request = ClientAuth::request(ours.roots()).unwrap();
    let require = ClientAuth::require(ours.roots()).unwrap();
    let terminator = terminator(&[], Some(&["default"]));
    for (auth, config, is_served, is_known) in [
        (&off, &us, true, false),
        (&request, &nobody, true, false),
        (&request, &them, false, false),
        (&request, &us, true, true),
        (&require, &nobody, false, false),
        (&require, &them, false, false),
        (&require, &us, true, true),
    ] {
        terminator.ask_clients(auth).unwrap();
        let (accepted, _) = shake(&terminator, config, "a.example").await;
        assert_eq!(accepted.is_ok(), is_served, "{auth:?}");
        let Ok(first) = accepted else { continue };
        visit(&terminator, config, "a.example").await;
        // Who they are is known when a session is resumed, too.
        let second = shake(&terminator, config, "a.example").await.0.unwrap();
        assert_eq!(second.stream.get_ref().1.handshake_kind(), Some(HandshakeKind::Resumed));
        for accepted in [first, second] {
            let names = accepted.client_certificate.map(|der| {
                Facts::read(&rustls::pki_types::CertificateDer::from(der.to_vec())).unwrap().names
            });
            assert_eq!(names.is_some(), is_known, "{auth:?}");
            assert!(names.is_none_or(|names| &*names[0] == "client.example"));
        }
    }
    assert!(ClientAuth::require(RootCertStore::empty()).is_err());
}

#[tokio::test]
async fn an_authority_is_shown_the_answer_while_there_is_one() {
    let terminator = terminator(&[&["a.example"]], Some(&["default"]));
    let answer = identity(&["challenge.example"]);
    let authority = client(&[b"acme-tls/1"]);
    terminator.identities().begin_challenge("A.example", answer.key());
    let (accepted, authority_sees) = shake(&terminator, &authority, "a.example").await;
    assert!(matches!(accepted, Err(HandshakeError::AcmeChallenge)), "{accepted:?}");
    let authority_sees = authority_sees.unwrap();
    assert_eq!(&*shown(&authority_sees)[0], "challenge.example");
    assert_eq!(authority_sees.get_ref().1.alpn_protocol(), Some(&b"acme-tls/1"[..]));
    // Those who offer other protocols as well are clients.
    let both = client(&[b"acme-tls/1", b"http/1.1"]);
    let (accepted, sees) = shake(&terminator, &both, "a.example").await;
    assert_eq!(accepted.unwrap().protocol, Protocol::Http1);
    assert_eq!(&*shown(&sees.unwrap())[0], "a.example");
    let (accepted, _) = shake(&terminator, &authority, "b.example").await;
    assert!(matches!(accepted, Err(HandshakeError::Client(_))), "{accepted:?}");
    terminator.identities().end_challenge("a.example");
    let (accepted, _) = shake(&terminator, &authority, "a.example").await;
    assert!(matches!(accepted, Err(HandshakeError::Client(_))), "{accepted:?}");
}

#[tokio::test]
async fn the_key_exchange_withstands_quantum_computers() {
    let terminator = terminator(&[], Some(&["default"]));
    let (accepted, _) = shake(&terminator, &client(&[]), "a.example").await;
    let accepted = accepted.unwrap();
    let group = accepted.stream.get_ref().1.negotiated_key_exchange_group().unwrap();
    assert_eq!(group.name(), rustls::NamedGroup::X25519MLKEM768);
}

#[tokio::test]
async fn a_staple_is_shown_with_its_certificate() {
    let made = self_signed(&["a.example"]).unwrap();
    let staple = vec![0x30, 0x03, 0x0a, 0x01, 0x00];
    let (chain, key) = (made.certificate.as_bytes(), made.key.as_bytes());
    let identity = Identity::from_pem(chain, key, Some(staple.clone())).unwrap();
    #[derive(Debug)]
    struct Sees(std::sync::Mutex<Vec<u8>>, AnyCertificate);
    impl rustls::client::danger::ServerCertVerifier for Sees {
        fn verify_server_cert(
            &self,
            _: &rustls::pki_types::CertificateDer<'_>,
            _: &[rustls::pki_types::CertificateDer<'_>],
            _: &ServerName<'_>,
            staple: &[u8],
            _: rustls::pki_types::UnixTime,
        ) -> Result<rustls::client::danger::ServerCertVerified, rustls::Error> {
            *self.0.lock().unwrap() = staple.to_vec();
            Ok(rustls::client::danger::ServerCertVerified::assertion())
        }
        fn verify_tls12_signature(
            &self,
            message: &[u8],
            certificate: &rustls::pki_types::CertificateDer<'_>,
            signed: &rustls::DigitallySignedStruct,
        ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
            self.1.verify_tls12_signature(message, certificate, signed)
        }
        fn verify_tls13_signature(
            &self,
            message: &[u8],
            certificate: &rustls::pki_types::CertificateDer<'_>,
            signed: &rustls::DigitallySignedStruct,
        ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
            self.1.verify_tls13_signature(message, certificate, signed)
        }
        fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
            self.1.schemes.clone()
        }
    }
    let terminator = terminator(&[], None);
    terminator.identities().publish(&[Arc::new(identity)], None);
    let schemes =
        aws_lc_rs::default_provider().signature_verification_algorithms.supported_schemes();
    let sees = Arc::new(Sees(Default::default(), AnyCertificate { schemes }));
    let mut config = insecure();
    config.dangerous().set_certificate_verifier(Arc::clone(&sees) as _);
    shake(&terminator, &Arc::new(config), "a.example").await.0.unwrap();
    assert_eq!(*sees.0.lock().unwrap(), staple);
}
