//! What no client should send (hostile-inputs.md rows 35 and 36): answered by an alert, never by a
//! panic, in bounded memory.

use super::*;

use rustls::ClientConnection;

/// How much a handshake under test may send before somebody reads it.
const PIPE_BYTES: usize = 256 * 1024;

/// A ClientHello as rustls writes it: one record.
fn hello(config: ClientConfig, name: &str) -> Vec<u8> {
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let mut client = ClientConnection::new(Arc::new(config), name).unwrap();
    let mut bytes = Vec::new();
    client.write_tls(&mut bytes).unwrap();
    bytes
}

/// The same message in records of other sizes.
fn in_records(hello: &[u8], of: usize) -> Vec<u8> {
    let records = hello[5..].chunks(of).map(record);
    records.flatten().collect()
}

fn record(bytes: &[u8]) -> Vec<u8> {
    [&[22, 3, 1], &u16::try_from(bytes.len()).unwrap().to_be_bytes()[..], bytes].concat()
}

/// The same ClientHello, with one name put in the place of another of the same length.
fn with_name(hello: &[u8], name: &[u8], other: &[u8]) -> Vec<u8> {
    assert_eq!(name.len(), other.len());
    let at = hello.windows(name.len()).position(|bytes| bytes == name).unwrap();
    [&hello[..at], other, &hello[at + name.len()..]].concat()
}

/// Sends bytes and the end of the stream; returns what came of it and what was answered.
async fn send(bytes: &[u8]) -> (Result<(), HandshakeError>, Vec<u8>) {
    let terminator = terminator(&[&["a.example"]], Some(&["default"]));
    let (mut near, far) = duplex(PIPE_BYTES);
    near.write_all(bytes).await.unwrap();
    near.shutdown().await.unwrap();
    let outcome = terminator.accept(far).await.map(drop);
    let mut answer = Vec::new();
    near.read_to_end(&mut answer).await.unwrap();
    (outcome, answer)
}

/// What follows the head of a record of type alert.
fn alert_in(answer: &[u8]) -> Option<u8> {
    match answer {
        [21, 3, _, 0, 2, 2, alert] => Some(*alert),
        _ => None,
    }
}

#[tokio::test]
async fn a_hello_in_many_records_is_still_one() {
    let hello = hello(insecure(), "a.example");
    let half = hello.len() / 2;
    for bytes in [in_records(&hello, 1), in_records(&hello, half), in_records(&hello, 16_000)] {
        let (outcome, answer) = send(&bytes).await;
        // The client falls silent after it, so the handshake ends there; ours was a ServerHello.
        assert!(matches!(outcome, Err(HandshakeError::Io(_))), "{outcome:?}");
        assert_eq!((answer[0], answer[5]), (22, 2), "{} bytes", bytes.len());
    }
}

#[tokio::test]
async fn what_is_no_handshake_gets_an_alert() {
    let good = hello(insecure(), "a.example");
    let sslv2 = [0x80, 0x2e, 0x01, 0x03, 0x01, 0x00, 0x15, 0x00, 0x00, 0x00, 0x10];
    let endless = [vec![22, 3, 1, 0x40, 0], vec![1, 0xff, 0xff, 0xff], vec![0; 0x4000]].concat();
    let huge = [&[1, 1, 0, 0][..], &[0; 16_000]].concat();
    let (empty, application, change) = ([22, 3, 1, 0, 0], [23, 3, 3, 0, 1, 0], [20, 3, 3, 0, 1, 1]);
    let cases: &[(&str, Vec<u8>)] = &[
        ("SSLv2", sslv2.to_vec()),
        ("zeros", vec![0; 64]),
        ("lower-case text", b"get / http/1.1\r\n\r\n".to_vec()),
        ("a handshake message of 16 MiB", endless),
        ("a message that ends in no record", in_records(&record(&huge), 1000).repeat(8)),
        ("empty fragments", empty.repeat(1000)),
        ("application data first", application.to_vec()),
        ("a change of ciphers first", change.repeat(100)),
        ("a record above the limit", [&[22, 3, 1, 0xff, 0xff][..], &[1; 0x10000]].concat()),
        ("a length beyond the message", with_name(&good, &good[5..9], &[1, 0, 0, 4])),
        ("another message than a ClientHello", [&good[..5], &[2], &good[6..]].concat()),
    ];
    for (what, bytes) in cases {
        let (outcome, answer) = send(bytes).await;
        assert!(matches!(outcome, Err(HandshakeError::Client(_))), "{what}: {outcome:?}");
        assert!(alert_in(&answer).is_some(), "{what}: {answer:?}");
    }
}

#[tokio::test]
async fn a_hello_cut_anywhere_ends_quietly() {
    let hello = hello(insecure(), "a.example");
    for end in (0..hello.len()).step_by(7) {
        let (outcome, answer) = send(&hello[..end]).await;
        assert!(matches!(outcome, Err(HandshakeError::Io(_))), "{end}: {outcome:?}");
        assert_eq!(answer, [], "{end}");
    }
}

#[tokio::test]
async fn a_hello_with_any_byte_changed_makes_nothing_panic() {
    let hello = hello(insecure(), "a.example");
    for at in (0..hello.len().min(400)).chain((400..hello.len()).step_by(97)) {
        let mut bytes = hello.clone();
        bytes[at] ^= 0x55;
        let (outcome, _) = send(&bytes).await;
        assert!(outcome.is_err(), "{at}");
    }
}

#[tokio::test]
async fn http_on_a_tls_port_is_told_where_it_is() {
    for request in [
        "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n".to_owned(),
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(),
        format!("POST / HTTP/1.1\r\nContent-Length: 200000\r\n\r\n{}", "x".repeat(200_000)),
    ] {
        let (outcome, answer) = send(request.as_bytes()).await;
        assert!(matches!(outcome, Err(HandshakeError::PlainHttp)), "{outcome:?}");
        assert!(answer.starts_with(b"HTTP/1.1 400 Bad Request\r\n"));
    }
}

#[tokio::test]
async fn names_that_are_none_get_the_default_or_an_alert() {
    let named = hello(insecure(), "aaaaaaaaa.example");
    let mut nameless = insecure();
    nameless.enable_sni = false;
    let long = format!("{}.example", vec!["a".repeat(60); 4].join("."));
    let letters = |other: &[u8]| with_name(&named, b"aaaaaaaaa.example", other);
    for (what, bytes, is_served) in [
        ("absent", hello(nameless, "a.example"), true),
        ("longest", hello(insecure(), &long), true),
        ("a final dot", letters(b"aaaaaaaa.example."), true),
        ("an address", letters(b"2001:db8:00::1:12"), true),
        ("a dotted address", letters(b"255.255.255.255  "), false),
        ("not ASCII", letters("aaaaaaaä.example".as_bytes()), false),
        ("NUL", letters(b"aaaaaaaa\0.example"), false),
        ("two dots", letters(b"aaaaaaaa..example"), false),
        ("spaces", letters(b"aaaaaaaa .example"), false),
    ] {
        let (outcome, answer) = send(&bytes).await;
        if is_served {
            assert_eq!(answer[0], 22, "{what}: {outcome:?}");
        } else {
            assert!(matches!(outcome, Err(HandshakeError::Client(_))), "{what}: {outcome:?}");
            assert!(alert_in(&answer).is_some(), "{what}");
        }
    }
}

#[tokio::test]
async fn a_handshake_reads_no_more_than_it_may() {
    // Records of a message that never ends, for as long as they are taken.
    let terminator = terminator(&[], Some(&["default"]));
    let (mut near, far) = duplex(1024);
    let flood = async {
        let mut sent = 0;
        let first = record(&[1, 0, 0xff, 0xff]);
        let mut next = near.write_all(&first).await;
        while next.is_ok() {
            sent += 6;
            next = near.write_all(&record(&[0])).await;
        }
        sent
    };
    let (sent, outcome) = tokio::join!(flood, async { terminator.accept(far).await.map(drop) });
    assert!(matches!(outcome, Err(HandshakeError::Client(_))), "{outcome:?}");
    assert!(sent < 80 * 1024, "{sent}");
}

#[tokio::test]
async fn renegotiation_and_key_updates_without_end_are_refused() {
    use rustls::version::{TLS12, TLS13};
    // Both after a finished handshake. A renegotiation that decrypted would be refused as well; this
    // one is in plain text, which ends the connection sooner.
    for version in [&TLS12, &TLS13] {
        let terminator = terminator(&[], Some(&["default"]));
        let (accepted, client) =
            shake(&terminator, &Arc::new(speaking(&[version])), "a.example").await;
        let mut accepted = accepted.unwrap();
        let (mut raw, mut connection) = client.unwrap().into_inner();
        let server = tokio::spawn(async move {
            let mut byte = [0];
            accepted.stream.read(&mut byte).await
        });
        if version.version == rustls::ProtocolVersion::TLSv1_3 {
            let mut bytes = Vec::new();
            for _ in 0..10_000 {
                connection.refresh_traffic_keys().unwrap();
                connection.write_tls(&mut bytes).unwrap();
            }
            // The server hangs up half-way.
            let _ = raw.write_all(&bytes).await;
        } else {
            raw.write_all(&record(&[1, 0, 0, 0])).await.unwrap();
        }
        let error = server.await.unwrap().unwrap_err();
        assert!(crate::tls::in_tls(&error).is_some(), "{error:?}");
    }
}
