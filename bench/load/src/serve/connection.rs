//! One connection to an endpoint: requests of HTTP/1.1 one after the other, or an echo once a
//! WebSocket has taken it over.

use std::io;
use std::rc::Rc;

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::station::Station;
use crate::body::{Body, has_token};
use crate::websocket::FrameHead;

/// What is read at once; also the longest head.
const BUFFER_BYTES: usize = 16 << 10;

/// More header lines than any proxy adds.
const HEADERS_MAX: usize = 128;

/// Longest message that is echoed.
const MESSAGE_BYTES_MAX: u64 = 16 << 20;

/// Appended to a key before it is hashed (RFC 6455 section 1.3).
const WEBSOCKET_ID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// What an endpoint answers with.
#[derive(Debug)]
pub struct Endpoint {
    /// Its servers and counts.
    pub station: Station,
    /// The whole response, head included.
    pub response: Bytes,
    /// Length of that response's head: all of it for a HEAD.
    pub head_bytes: usize,
}

impl Endpoint {
    /// Answers 200 with that body, and says which one it is.
    pub fn new(station: Station, number: usize, body_bytes: usize) -> Self {
        let mut response = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nX-Endpoint: {number}\r\n\
             Content-Length: {body_bytes}\r\n\r\n"
        )
        .into_bytes();
        let head_bytes = response.len();
        response.extend((b'a'..=b'z').cycle().take(body_bytes));
        Self { station, response: response.into(), head_bytes }
    }
}

/// What a request's head says.
struct Head {
    is_head: bool,
    is_health: bool,
    keep_alive: bool,
    body: Body,
    expects: bool,
    websocket_key: Option<String>,
}

/// Serves until the client leaves or breaks the protocol.
///
/// # Errors
///
/// The connection's.
pub async fn serve(mut stream: TcpStream, endpoint: Rc<Endpoint>) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER_BYTES];
    let mut held = 0;
    loop {
        let (mut head, head_bytes) = loop {
            match parse(&buffer[..held]) {
                Ok(Some(found)) => break found,
                Ok(None) if held < buffer.len() => {}
                _ => return stream.write_all(BAD_REQUEST).await,
            }
            match stream.read(&mut buffer[held..]).await? {
                0 => return Ok(()),
                count => held += count,
            }
        };
        take(&mut buffer, &mut held, head_bytes);
        if let Some(key) = head.websocket_key {
            stream.write_all(switching(&key).as_bytes()).await?;
            return echo(stream, buffer[..held].to_vec(), &endpoint).await;
        }
        if head.expects && held == 0 {
            stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
        }
        loop {
            let Ok(taken) = head.body.advance(&buffer[..held]) else {
                return stream.write_all(BAD_REQUEST).await;
            };
            take(&mut buffer, &mut held, taken);
            if head.body.is_done() {
                break;
            }
            if held == buffer.len() {
                return stream.write_all(BAD_REQUEST).await;
            }
            match stream.read(&mut buffer[held..]).await? {
                0 => return Ok(()),
                count => held += count,
            }
        }
        if !head.is_health && endpoint.station.serve().await.is_err() {
            stream.write_all(UNAVAILABLE).await?;
        } else {
            let length = if head.is_head { endpoint.head_bytes } else { endpoint.response.len() };
            stream.write_all(&endpoint.response[..length]).await?;
        }
        if !head.keep_alive {
            return Ok(());
        }
    }
}

const BAD_REQUEST: &[u8] =
    b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

const UNAVAILABLE: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n";

fn take(buffer: &mut [u8], held: &mut usize, taken: usize) {
    buffer.copy_within(taken..*held, 0);
    *held -= taken;
}

/// The head at the start of `bytes` and its length, once it is there.
fn parse(bytes: &[u8]) -> Result<Option<(Head, usize)>, ()> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut request = httparse::Request::new(&mut headers);
    let length = match request.parse(bytes).map_err(drop)? {
        httparse::Status::Complete(length) => length,
        httparse::Status::Partial => return Ok(None),
    };
    let mut head = Head {
        is_head: request.method == Some("HEAD"),
        is_health: request.path == Some("/health"),
        keep_alive: request.version == Some(1),
        body: Body::of_length(0),
        expects: false,
        websocket_key: None,
    };
    let mut chunked = false;
    for header in request.headers.iter() {
        let text = || std::str::from_utf8(header.value).map(str::trim).map_err(drop);
        match header.name.to_ascii_lowercase().as_str() {
            "content-length" => head.body = Body::of_length(text()?.parse().map_err(drop)?),
            "transfer-encoding" => chunked = has_token(header.value, "chunked"),
            "expect" => head.expects = has_token(header.value, "100-continue"),
            "connection" => {
                head.keep_alive |= has_token(header.value, "keep-alive");
                head.keep_alive &= !has_token(header.value, "close");
            }
            "sec-websocket-key" => head.websocket_key = Some(text()?.to_owned()),
            _ => {}
        }
    }
    if chunked {
        head.body = Body::chunked();
    }
    Ok(Some((head, length)))
}

/// The answer that takes a WebSocket's handshake.
fn switching(key: &str) -> String {
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Accept: {}\r\n\r\n",
        accept(key)
    )
}

/// What proves that a key was read.
fn accept(key: &str) -> String {
    use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
    let hash = digest(&SHA1_FOR_LEGACY_USE_ONLY, format!("{key}{WEBSOCKET_ID}").as_bytes());
    base64(hash.as_ref())
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let byte = |n: usize| u32::from(three.get(n).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for n in 0..4 {
            let letter = LETTERS[(bits >> (18 - 6 * n)) as usize & 63];
            text.push(if n > three.len() { '=' } else { char::from(letter) });
        }
    }
    text
}

/// Sends every data frame back, each after its service time; answers pings; ends on a close.
async fn echo(mut stream: TcpStream, mut held: Vec<u8>, endpoint: &Endpoint) -> io::Result<()> {
    loop {
        while let Some(head) = FrameHead::parse(&held) {
            let Some(mask) = head.mask.filter(|_| head.length <= MESSAGE_BYTES_MAX) else {
                return Ok(());
            };
            let end = head.head_bytes + head.length as usize;
            if held.len() < end {
                break;
            }
            let mut frame = head.unmasked();
            let payload = &held[head.head_bytes..end];
            frame.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, key)| byte ^ key));
            held.drain(..end);
            match head.opcode {
                0..=2 => {
                    if endpoint.station.serve().await.is_err() {
                        return Ok(());
                    }
                }
                9 => frame[0] = 0x8a,
                8 => return stream.write_all(&frame).await,
                _ => continue,
            }
            stream.write_all(&frame).await?;
        }
        let mut part = [0; 16 << 10];
        match stream.read(&mut part).await? {
            0 => return Ok(()),
            count => held.extend_from_slice(&part[..count]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_standard_s_own_handshake() {
        let got = accept(crate::target::WEBSOCKET_KEY);
        assert_eq!(got, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        for (bytes, text) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v")] {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
    }

    #[test]
    fn heads() {
        for (text, shown) in [
            ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", Some((false, true, true))),
            ("HEAD /health HTTP/1.0\r\n\r\n", Some((true, false, true))),
            (
                "PUT / HTTP/1.1\r\nContent-Length: 2\r\nConnection: close\r\n\r\n",
                Some((false, false, false)),
            ),
            ("PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", Some((false, true, false))),
            ("GET / HTTP/1.1\r\nHos", None),
        ] {
            let head = parse(text.as_bytes()).expect(text);
            let got = head.map(|(head, _)| (head.is_head, head.keep_alive, head.body.is_done()));
            assert_eq!(got, shown, "{text:?}");
        }
        assert!(parse(b"\x16\x03\x01").is_err());
    }
}
