use std::sync::Arc;

use rustls::HandshakeKind;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

use super::*;
use crate::certificate::{Identity, self_signed};
use crate::tls::authority::Authority;
use crate::tls::server::{Accepted, ClientAuth, HandshakeError, Identities, Terminator};

const ZONE: ZoneKey = [1; 16];
const OTHER_ZONE: ZoneKey = [2; 16];

fn endpoint(identity: Identity, auth: &ClientAuth) -> Terminator {
    let identities = Identities::default();
    identities.publish(&[], Some(Arc::new(identity)));
    Terminator::new(identities, auth).unwrap()
}

fn target(checks: Checks) -> Target<'static> {
    Target {
        zone: ZONE,
        checks,
        identity: true,
        http2: true,
        host: "app.a.example",
        endpoint: "192.0.2.1",
        requested: "app.a.example",
    }
}

fn trusting(authority: &Authority) -> ZoneTrust {
    ZoneTrust { authorities: vec![authority.certificate.clone()], identity: None }
}

fn outbound(zones: &[(ZoneKey, ZoneTrust)]) -> Outbound {
    let outbound = Outbound::new(Arc::new(RootCertStore::empty()));
    outbound.publish(zones.iter().cloned());
    outbound
}

type Ends =
    (Result<Accepted<DuplexStream>, HandshakeError>, Result<Connected<DuplexStream>, ConnectError>);

async fn connect(outbound: &Outbound, target: &Target<'_>, endpoint: &Terminator) -> Ends {
    let (near, far) = duplex(64 * 1024);
    tokio::join!(endpoint.accept(far), outbound.connect(near, target))
}

async fn fault(outbound: &Outbound, target: &Target<'_>, endpoint: &Terminator) -> Option<Fault> {
    connect(outbound, target, endpoint).await.1.err().map(|error| error.fault)
}

#[tokio::test]
async fn strict_asks_for_date_chain_and_name_and_full_for_nothing() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let outbound = outbound(&[(ZONE, trusting(&authority))]);
    let self_made = || {
        let made = self_signed(&["app.a.example"]).unwrap();
        Identity::from_pem(made.certificate.as_bytes(), made.key.as_bytes(), None).unwrap()
    };
    for (what, identity, expected) in [
        ("good", authority.issue(&["app.a.example"]), None),
        ("wildcard", authority.issue(&["*.a.example"]), None),
        ("expired", authority.issue_until(&["app.a.example"], 2020), Some(Fault::Certificate)),
        ("of a stranger", stranger.issue(&["app.a.example"]), Some(Fault::Certificate)),
        ("self-signed", self_made(), Some(Fault::Certificate)),
        ("for another name", authority.issue(&["b.example"]), Some(Fault::Certificate)),
    ] {
        let endpoint = endpoint(identity, &ClientAuth::off());
        assert_eq!(fault(&outbound, &target(Checks::Full), &endpoint).await, expected, "{what}");
        assert_eq!(fault(&outbound, &target(Checks::None), &endpoint).await, None, "{what}");
    }
}

#[tokio::test]
async fn a_certificate_may_be_for_the_host_asked_for_or_the_endpoints_own() {
    let authority = Authority::new();
    let outbound = outbound(&[(ZONE, trusting(&authority))]);
    for (host, endpoint_name, requested, certified, sni, is_good) in [
        ("svc.example", "e.internal", "www.example", "svc.example", Some("svc.example"), true),
        ("svc.example", "e.internal", "www.example", "www.example", Some("svc.example"), true),
        ("svc.example", "e.internal", "www.example", "e.internal", Some("svc.example"), true),
        ("svc.example", "e.internal", "www.example", "x.example", Some("svc.example"), false),
        ("Svc.Example.", "192.0.2.1", "www.example", "svc.example", Some("svc.example"), true),
        ("svc.example", "192.0.2.1", "www.example", "192.0.2.1", Some("svc.example"), true),
        ("192.0.2.9", "e.internal", "192.0.2.9", "e.internal", Some("e.internal"), true),
        ("192.0.2.9", "192.0.2.1", "192.0.2.9", "192.0.2.9", None, true),
        ("[2001:db8::1]", "192.0.2.1", "x", "2001:db8::1", None, true),
        ("no host", "also none", "", "svc.example", None, false),
    ] {
        let server = endpoint(authority.issue(&[certified]), &ClientAuth::off());
        let target = Target { host, endpoint: endpoint_name, requested, ..target(Checks::Full) };
        let (accepted, connected) = connect(&outbound, &target, &server).await;
        // Where the name is not good, the endpoint sees us leave before or after its last word.
        if let Ok(accepted) = accepted {
            assert_eq!(accepted.sni.as_deref(), sni, "{host}");
        }
        let fault = connected.err().map(|error| error.fault);
        assert_eq!(fault, (!is_good).then_some(Fault::Certificate), "{certified} for {host}");
    }
}

#[tokio::test]
async fn zones_share_neither_authorities_nor_sessions_nor_identities() {
    let authority = Authority::new();
    let identity = Arc::clone(authority.issue(&["us.example"]).key());
    let ours = ZoneTrust { identity: Some(identity), ..trusting(&authority) };
    let outbound = outbound(&[(ZONE, ours.clone()), (OTHER_ZONE, ZoneTrust::default())]);
    let auth = ClientAuth::request(authority.roots()).unwrap();
    let server = endpoint(authority.issue(&["app.a.example"]), &auth);
    let there = |zone, checks, identity| Target { zone, identity, ..target(checks) };
    let unknown = [9; 16];
    // Whether the endpoint is believed, how the handshake went, whether it knows who we are.
    use HandshakeKind::{Full, Resumed};
    for (what, target, expected) in [
        ("first", there(ZONE, Checks::Full, true), Some((Full, true))),
        ("again", there(ZONE, Checks::Full, true), Some((Resumed, true))),
        ("unchecked", there(ZONE, Checks::None, true), Some((Full, true))),
        ("nameless", there(ZONE, Checks::Full, false), Some((Full, false))),
        ("another zone", there(OTHER_ZONE, Checks::None, true), Some((Full, false))),
        ("another zone again", there(OTHER_ZONE, Checks::None, true), Some((Resumed, false))),
        ("another zone, strict", there(OTHER_ZONE, Checks::Full, true), None),
        ("unknown", there(unknown, Checks::None, true), Some((Full, false))),
        ("unknown again", there(unknown, Checks::None, true), Some((Full, false))),
        ("third", there(ZONE, Checks::Full, true), Some((Resumed, true))),
    ] {
        let (accepted, connected) = connect(&outbound, &target, &server).await;
        assert_eq!(connected.is_ok(), expected.is_some(), "{what}");
        let (Ok(mut accepted), Ok(mut connected)) = (accepted, connected) else { continue };
        let kind = connected.stream.get_ref().1.handshake_kind().unwrap();
        let is_known = accepted.client_certificate.is_some();
        assert_eq!(Some((kind, is_known)), expected, "{what}");
        // Lets the tickets through.
        accepted.stream.write_all(b"x").await.unwrap();
        accepted.stream.flush().await.unwrap();
        connected.stream.read_u8().await.unwrap();
    }
    // Publishing the same again keeps sessions, another identity ends them.
    let again = |trust: ZoneTrust| (ZONE, trust);
    outbound.publish([again(ours.clone())]);
    let strict = there(ZONE, Checks::Full, true);
    let kind = |ends: Ends| ends.1.unwrap().stream.get_ref().1.handshake_kind();
    assert_eq!(kind(connect(&outbound, &strict, &server).await), Some(Resumed));
    outbound.publish([again(ZoneTrust { identity: None, ..ours })]);
    assert_eq!(kind(connect(&outbound, &strict, &server).await), Some(Full));
}

#[tokio::test]
async fn faults_are_told_apart() {
    let authority = Authority::new();
    let outbound = outbound(&[(ZONE, trusting(&authority))]);
    let strict = target(Checks::Full);
    // It wants a certificate that we have not; in TLS 1.3 it says so once data flows.
    let auth = ClientAuth::require(Authority::new().roots()).unwrap();
    let server = endpoint(authority.issue(&["app.a.example"]), &auth);
    let (_, connected) = connect(&outbound, &strict, &server).await;
    let error = connected.unwrap().stream.read_u8().await.unwrap_err();
    assert_eq!(judge(&error), Fault::Handshake, "{error:?}");
    for (answer, expected) in [
        (&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], Fault::Handshake),
        (b"\x15\x03\x03\x00\x02\x02\x28", Fault::Handshake),
        (b"", Fault::Io),
    ] {
        let (near, mut far) = duplex(64 * 1024);
        far.write_all(answer).await.unwrap();
        far.shutdown().await.unwrap();
        let error = outbound.connect(near, &strict).await.unwrap_err();
        assert_eq!(error.fault, expected, "{error:?}");
    }
}

#[tokio::test]
async fn http2_is_offered_when_it_may_be_spoken() {
    let authority = Authority::new();
    let outbound = outbound(&[]);
    let server = endpoint(authority.issue(&["app.a.example"]), &ClientAuth::off());
    for (http2, expected) in [(true, Protocol::Http2), (false, Protocol::Http1)] {
        let target = Target { http2, ..target(Checks::None) };
        let (accepted, connected) = connect(&outbound, &target, &server).await;
        assert_eq!(accepted.unwrap().protocol, expected);
        assert_eq!(connected.unwrap().protocol, expected);
    }
}
