use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream as ClientStream;

use super::*;
use crate::certificate::{Identity, SelfSigned, chain, self_signed};
use crate::tls::{insecure, verifying};

/// A certificate for these names, and a client's view of it.
pub(crate) fn identity(names: &[&str]) -> (Arc<Identity>, SelfSigned) {
    let made = self_signed(names).unwrap();
    let identity =
        Identity::from_pem(made.certificate.as_bytes(), made.key.as_bytes(), None).unwrap();
    (Arc::new(identity), made)
}

fn terminator(names: &[&[&str]], default: Option<&[&str]>) -> Terminator {
    let identities = Identities::default();
    let named: Vec<_> = names.iter().map(|names| identity(names).0).collect();
    identities.publish(&named, default.map(|names| identity(names).0));
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

/// The names of the certificate that a client was shown.
fn shown(stream: &ClientStream<DuplexStream>) -> Vec<Box<str>> {
    let chain = stream.get_ref().1.peer_certificates().unwrap();
    crate::certificate::Facts::read(&chain[0]).unwrap().names
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
