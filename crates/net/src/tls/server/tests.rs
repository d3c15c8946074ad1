mod hostile;
mod sessions;

use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, HandshakeKind, SupportedProtocolVersion};
use tokio::io::{AsyncReadExt, DuplexStream, duplex};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream as ClientStream;

use super::*;
use crate::certificate::{Facts, Identity, self_signed};
use crate::tls::{AnyCertificate, insecure};

fn identity(names: &[&str]) -> Arc<Identity> {
    let made = self_signed(names).unwrap();
    let (chain, key) = (made.certificate.as_bytes(), made.key.as_bytes());
    Arc::new(Identity::from_pem(chain, key, None).unwrap())
}

fn terminator(names: &[&[&str]], default: Option<&[&str]>) -> Terminator {
    let identities = Identities::default();
    let named: Vec<_> = names.iter().map(|names| identity(names)).collect();
    identities.publish(&named, default.map(identity));
    Terminator::new(identities, &ClientAuth::off()).unwrap()
}

/// Both ends of one handshake.
async fn shake(
    terminator: &Terminator,
    config: &Arc<ClientConfig>,
    name: &str,
) -> (Result<Accepted<DuplexStream>, HandshakeError>, io::Result<ClientStream<DuplexStream>>) {
    let (near, far) = duplex(64 * 1024);
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let client = TlsConnector::from(Arc::clone(config)).connect(name, near);
    tokio::join!(terminator.accept(far), client)
}

fn client(alpn: &[&[u8]]) -> Arc<ClientConfig> {
    let mut config = insecure();
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    Arc::new(config)
}

/// A client that takes any certificate and speaks these versions.
fn speaking(versions: &[&'static SupportedProtocolVersion]) -> ClientConfig {
    let provider = aws_lc_rs::default_provider();
    let schemes = provider.signature_verification_algorithms.supported_schemes();
    ClientConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(versions)
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AnyCertificate { schemes }))
        .with_no_client_auth()
}

/// The names of the certificate that a client was shown.
fn shown(stream: &ClientStream<DuplexStream>) -> Vec<Box<str>> {
    let chain = stream.get_ref().1.peer_certificates().unwrap();
    Facts::read(&chain[0]).unwrap().names
}

#[tokio::test]
async fn the_name_asked_for_decides_which_certificate_is_shown() {
    let terminator = terminator(
        &[&["a.example", "b.example"], &["*.a.example"], &["x.a.example"]],
        Some(&["default"]),
    );
    for (name, expected, sni) in [
        ("a.example", "a.example", Some("a.example")),
        ("B.Example", "a.example", Some("b.example")),
        ("y.a.example", "*.a.example", Some("y.a.example")),
        ("x.a.example", "x.a.example", Some("x.a.example")),
        ("z.y.a.example", "default", Some("z.y.a.example")),
        ("other.example", "default", Some("other.example")),
        ("a.example.", "a.example", Some("a.example")),
        ("192.0.2.1", "default", None),
        ("::1", "default", None),
    ] {
        let (accepted, client) = shake(&terminator, &client(&[]), name).await;
        let accepted = accepted.unwrap();
        assert_eq!(&*shown(&client.unwrap())[0], expected, "{name}");
        assert_eq!(accepted.sni.as_deref(), sni, "{name}");
        assert_eq!(accepted.version, TlsVersion::Tls13);
    }
}

#[tokio::test]
async fn without_a_default_only_names_with_a_certificate_are_served() {
    let terminator = terminator(&[&["a.example"]], None);
    assert!(shake(&terminator, &client(&[]), "a.example").await.0.is_ok());
    let (accepted, client) = shake(&terminator, &client(&[]), "b.example").await;
    assert!(matches!(accepted, Err(HandshakeError::NoCertificate)));
    let alert = rustls::Error::AlertReceived(rustls::AlertDescription::UnrecognisedName);
    assert_eq!(crate::tls::in_tls(&client.unwrap_err()), Some(&alert));
}

#[tokio::test]
async fn protocols_and_versions_are_agreed_on_as_the_name_allows() {
    let terminator = terminator(&[], Some(&["default"]));
    use Protocol::{Http1, Http2};
    use TlsVersion::{Tls12, Tls13};
    let strict = Policy { version_min: Tls13, http2: true };
    let old = Policy { version_min: Tls12, http2: false };
    terminator.identities().publish_policies([("strict.example", strict), ("*.old", old)]);
    let (both, http1) = ([&b"h2"[..], b"http/1.1"], [&b"http/1.1"[..]]);
    for (name, alpn, versions, expected) in [
        ("a", &both[..], &[&version::TLS13, &version::TLS12][..], Some((Http2, Tls13))),
        ("a", &http1, &[&version::TLS12], Some((Http1, Tls12))),
        ("a", &[], &[&version::TLS13], Some((Http1, Tls13))),
        ("a", &[b"spdy/3"], &[&version::TLS13], None),
        ("strict.example", &both, &[&version::TLS13, &version::TLS12], Some((Http2, Tls13))),
        ("strict.example.", &both, &[&version::TLS12], None),
        ("STRICT.example", &both, &[&version::TLS12], None),
        ("b.a.old", &both, &[&version::TLS12], Some((Http1, Tls12))),
        ("b.a.old", &[b"h2"], &[&version::TLS13], None),
    ] {
        let mut config = speaking(versions);
        config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
        let (accepted, client) = shake(&terminator, &Arc::new(config), name).await;
        let got = accepted.as_ref().ok().map(|accepted| (accepted.protocol, accepted.version));
        assert_eq!(got, expected, "{name} {alpn:?} {versions:?}");
        if expected.is_none() {
            assert!(matches!(accepted, Err(HandshakeError::Client(_))), "{accepted:?}");
            let error = client.unwrap_err();
            let alert = crate::tls::in_tls(&error);
            assert!(matches!(alert, Some(rustls::Error::AlertReceived(_))), "{name}: {error:?}");
        }
    }
}

#[tokio::test]
async fn of_several_certificates_for_a_name_the_first_is_shown_that_the_client_can_check() {
    let rsa = {
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap();
        let names = ["a.example".to_owned(), "rsa".to_owned()];
        let made = rcgen::CertificateParams::new(names).unwrap().self_signed(&key).unwrap();
        let (chain, key) = (made.pem(), key.serialize_pem());
        Arc::new(Identity::from_pem(chain.as_bytes(), key.as_bytes(), None).unwrap())
    };
    let identities = Identities::default();
    identities.publish(&[identity(&["a.example"]), rsa], None);
    let terminator = Terminator::new(identities, &ClientAuth::off()).unwrap();
    let checking = |schemes: &[rustls::SignatureScheme]| {
        let mut config = insecure();
        let verifier = AnyCertificate { schemes: schemes.to_vec() };
        config.dangerous().set_certificate_verifier(Arc::new(verifier));
        Arc::new(config)
    };
    use rustls::SignatureScheme::{ECDSA_NISTP256_SHA256, RSA_PSS_SHA256};
    for (schemes, expected) in [
        (&[ECDSA_NISTP256_SHA256, RSA_PSS_SHA256][..], 1),
        (&[RSA_PSS_SHA256, ECDSA_NISTP256_SHA256], 1),
        (&[RSA_PSS_SHA256], 2),
    ] {
        let client = shake(&terminator, &checking(schemes), "a.example").await.1.unwrap();
        assert_eq!(shown(&client).len(), expected, "{schemes:?}");
    }
}
