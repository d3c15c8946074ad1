//! A response's head, from the form that responses have inside the proxy to the fields of HTTP/2
//! (RFC 9113 section 8.3.2).
//!
//! On the request path.

use bytes::Bytes;
use http::{Response, StatusCode};

use super::fields::from_lines;
use super::names::Names;
use super::websocket::Key;
use crate::refusal::Refusal;

/// Length of `HTTP/1.1 200`, with which every status line of ours begins.
const STATUS_END: usize = 12;

/// A head, and how many bytes it took up.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) response: Response<()>,
    pub(super) bytes: usize,
}

/// Why a head cannot be passed on.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unsent {
    /// It is not whole, or not one of ours.
    Malformed,
    /// An endpoint says that it opens a WebSocket, but not the one it was asked for.
    BadAccept,
}

/// Reads the head at the start of `bytes`. With the key of a WebSocket, the switch of protocols
/// becomes the success of RFC 8441 section 5, which no other answer may look like.
pub(super) fn read(bytes: &[u8], key: Option<&Key>, names: &Names) -> Result<Head, Unsent> {
    let end = memchr::memmem::find(bytes, b"\r\n\r\n").ok_or(Unsent::Malformed)? + 4;
    let lines = memchr::memchr(b'\n', &bytes[..end]).ok_or(Unsent::Malformed)? + 1;
    let status = bytes.get(STATUS_END - 3..STATUS_END).ok_or(Unsent::Malformed)?;
    let mut status = StatusCode::from_bytes(status).map_err(|_| Unsent::Malformed)?;
    let lines = Bytes::copy_from_slice(&bytes[lines..end - 2]);
    let is_accept = |name: &[u8]| name.eq_ignore_ascii_case(b"sec-websocket-accept");
    let mut fields = from_lines(&lines, names, |_| false);
    match key {
        None => {}
        Some(key) if status == StatusCode::SWITCHING_PROTOCOLS => {
            let accept = fields.get("sec-websocket-accept");
            if !accept.is_some_and(|accept| key.is_accepted_by(accept.as_bytes())) {
                return Err(Unsent::BadAccept);
            }
            fields = from_lines(&lines, names, is_accept);
            status = StatusCode::OK;
        }
        Some(_) if status.is_success() => {
            let refused = StatusCode::from_u16(Refusal::BAD_RESPONSE.status);
            status = refused.map_err(|_| Unsent::Malformed)?;
        }
        Some(_) => {}
    }
    let mut response = Response::new(());
    *response.status_mut() = status;
    *response.headers_mut() = fields;
    Ok(Head { response, bytes: end })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_read_up_to_their_end() {
        let bytes = b"HTTP/1.1 203 Fine\r\nX-A: b\r\nConnection: close\r\n\r\nbody\r\n\r\n";
        let head = read(bytes, None, &Names::default()).unwrap();
        assert_eq!((head.bytes, head.response.status().as_u16()), (bytes.len() - 8, 203));
        assert_eq!(head.response.headers().len(), 1);
        assert_eq!(head.response.headers()["x-a"], "b");
        for bytes in [&b""[..], b"HTTP/1.1 200 OK\r\n", b"HTTP\r\n\r\n", b"\r\n\r\n"] {
            assert_eq!(read(bytes, None, &Names::default()).unwrap_err(), Unsent::Malformed);
        }
    }

    #[test]
    fn only_the_right_switch_of_protocols_opens_a_websocket() {
        let key = Key::new(u128::from_be_bytes(*b"the sample nonce"));
        let switching = |accept| {
            let head = format!(
                "HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                 Sec-WebSocket-Accept: {accept}\r\nSec-WebSocket-Protocol: chat\r\n\r\n"
            );
            read(head.as_bytes(), Some(&key), &Names::default())
        };
        let opened = switching("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=").unwrap().response;
        assert_eq!(opened.status(), 200);
        let names: Vec<_> = opened.headers().keys().map(http::HeaderName::as_str).collect();
        assert_eq!(names, ["sec-websocket-protocol"]);
        assert_eq!(switching("x").unwrap_err(), Unsent::BadAccept);
        for (sent, received) in [("200 OK", 520), ("204 None", 520), ("403 No", 403)] {
            let head = format!("HTTP/1.1 {sent}\r\n\r\n");
            let head = read(head.as_bytes(), Some(&key), &Names::default()).unwrap();
            assert_eq!(head.response.status(), received);
        }
    }
}
