//! `smtp` probes against servers that keep to the protocol, and others.

use super::servers::Dialogue;
use super::*;

fn smtp(timeout_ms: u32) -> Monitor {
    Monitor { timeout_ms, ..monitor(MonitorKind::Smtp) }
}

#[tokio::test]
async fn a_mail_server_is_greeted_and_left() {
    let server =
        Dialogue::start(&["220 mail.example ESMTP\r\n", "250 hello\r\n", "221 bye\r\n"]).await;
    let passed = probe(&network(), smtp(SOON_MS), at(server.address)).await;
    assert_eq!((passed.reason, passed.response_code), (FailureReason::NoFailures, 221));
    assert!(passed.rtt.is_some());
    assert_eq!(server.heard().await, "HELO [127.0.0.1]\r\nQUIT\r\n");
}

#[tokio::test]
async fn replies_are_read_as_rfc_5321_has_them_and_judged_by_their_code() {
    use FailureReason::{HttpInvalidResponse, HttpTimeout, NoFailures, ResponseCodeMismatch};
    let (hello, bye) = ("250 hello\r\n", "221 bye\r\n");
    let endless = format!("220-{}\r\n", "x".repeat(500)).repeat(100);
    for (lines, reason, code) in [
        (&["220-a\r\n220-b\r\n220 c\r\n", "250-x\r\n250 y\r\n", bye][..], NoFailures, 221),
        (&["220\n", "250\n", "221\n"], NoFailures, 221),
        (&["554 no service\r\n"], ResponseCodeMismatch, 554),
        (&["421-busy\r\n421 later\r\n"], ResponseCodeMismatch, 421),
        (&["220 a\r\n", "501 who?\r\n"], ResponseCodeMismatch, 501),
        (&["220 a\r\n", hello, "500 what?\r\n"], ResponseCodeMismatch, 500),
        (&["SSH-2.0-OpenSSH_9.9\r\n"], HttpInvalidResponse, 0),
        (&["220-a\r\n250 b\r\n"], HttpInvalidResponse, 0),
        (&[&endless], HttpInvalidResponse, 0),
        (&["", "hangs up"], HttpTimeout, 0),
        (&["220 no end of line"], HttpTimeout, 0),
        (&["220 a\r\n", hello, ""], HttpTimeout, 0),
    ] {
        let timeout_ms = if reason == HttpTimeout { BRIEF_MS } else { SOON_MS };
        let server = Dialogue::start(lines).await;
        let found = probe(&network(), smtp(timeout_ms), at(server.address)).await;
        assert_eq!((found.reason, found.response_code), (reason, code), "{lines:.60?}");
    }
}

#[tokio::test]
async fn what_breaks_under_smtp_has_a_name() {
    let silent = servers::silent().await;
    let reset = servers::resetting().await;
    let (closing, _tasks) = servers::raw(b"").await;
    for (timeout_ms, address, reason) in [
        (SOON_MS, servers::refusing(), FailureReason::TcpConnectionFailed),
        (BRIEF_MS, silent.0, FailureReason::TcpTimeout),
        (SOON_MS, reset.0, FailureReason::ConnectionReset),
        // That one waits for the client to speak first.
        (BRIEF_MS, closing, FailureReason::HttpTimeout),
    ] {
        let failed = probe(&network(), smtp(timeout_ms), at(address)).await;
        assert_eq!(failed.reason, reason, "{address}");
    }
    let no_port = probe(&network(), smtp(SOON_MS), endpoint("127.0.0.1", 0)).await;
    assert_eq!(no_port.reason, FailureReason::MonitorConfig);
}
