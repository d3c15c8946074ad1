//! What is asked, of whom: the URL's parts and one request, ready for the wire.

use std::net::SocketAddr;

use bytes::Bytes;

use crate::failure::{Context, Failure, Result};

/// Key of every handshake of ours (RFC 6455 section 1.3's example): nothing depends on its chance.
pub const WEBSOCKET_KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

/// Largest body of a request: it is held in memory whole.
pub const BODY_BYTES_MAX: usize = 64 << 20;

/// Size of every chunk but the last.
const CHUNK_BYTES: usize = 16 << 10;

/// A URL, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Url {
    /// Over TLS.
    pub tls: bool,
    /// Name or address, brackets of IPv6 removed.
    pub host: String,
    /// 80 or 443 where the URL has none.
    pub port: u16,
    /// Host and port as `Host` has them: the port only where the URL has it.
    pub authority: String,
    /// Path and query.
    pub path: String,
}

impl Url {
    /// Understands `http://…` and `https://…` (`ws` and `wss` alike).
    ///
    /// # Errors
    ///
    /// It is neither, or its port is none.
    pub fn parse(text: &str) -> Result<Self> {
        let wrong = || Failure::new(format!("{text:?} is no URL like http://127.0.0.1:8080/path"));
        let (scheme, rest) = text.split_once("://").ok_or_else(wrong)?;
        let tls = match scheme {
            "http" | "ws" => false,
            "https" | "wss" => true,
            _ => return Err(wrong()),
        };
        let (authority, path) = match rest.find(['/', '?']) {
            Some(at) if rest[at..].starts_with('/') => (&rest[..at], rest[at..].to_owned()),
            Some(at) => (&rest[..at], format!("/{}", &rest[at..])),
            None => (rest, "/".to_owned()),
        };
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => {
                (host, port.parse().map_err(|_| wrong())?)
            }
            _ => (authority, if tls { 443 } else { 80 }),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        if host.is_empty() {
            return Err(wrong());
        }
        Ok(Self { tls, host, port, authority: authority.to_owned(), path })
    }

    /// The first address that the name has.
    ///
    /// # Errors
    ///
    /// It has none.
    pub async fn resolve(&self) -> Result<SocketAddr> {
        let at = (self.host.as_str(), self.port);
        let mut found =
            tokio::net::lookup_host(at).await.context(format!("looking up {}", self.host))?;
        found.next().ok_or_else(|| Failure::new(format!("{} has no address", self.host)))
    }
}

/// How the body of a request is framed over HTTP/1.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// `Content-Length`.
    Length,
    /// In chunks of 16 KiB.
    Chunked,
}

/// The one request that is sent over and over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// GET, POST, …
    pub method: String,
    /// Path and query.
    pub path: String,
    /// `Host` or `:authority`, and the name that TLS asks for.
    pub host: String,
    /// More headers.
    pub headers: Vec<(String, String)>,
    /// Size of the body, 0 for none.
    pub body_bytes: usize,
    /// Of that body.
    pub framing: Framing,
}

impl Request {
    /// As bytes of HTTP/1.1; `closing` says that the connection is for this one request.
    pub fn http1(&self, closing: bool) -> Bytes {
        let mut head = format!("{} {} HTTP/1.1\r\nHost: {}\r\n", self.method, self.path, self.host);
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if closing {
            head.push_str("Connection: close\r\n");
        }
        let body = self.body();
        match self.framing {
            _ if body.is_empty() => head.push_str("\r\n"),
            Framing::Length => head.push_str(&format!("Content-Length: {}\r\n\r\n", body.len())),
            Framing::Chunked => head.push_str("Transfer-Encoding: chunked\r\n\r\n"),
        }
        let mut bytes = head.into_bytes();
        if self.framing == Framing::Chunked && !body.is_empty() {
            for chunk in body.chunks(CHUNK_BYTES) {
                bytes.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
                bytes.extend_from_slice(chunk);
                bytes.extend_from_slice(b"\r\n");
            }
            bytes.extend_from_slice(b"0\r\n\r\n");
        } else {
            bytes.extend_from_slice(&body);
        }
        bytes.into()
    }

    /// The head of a WebSocket's handshake.
    pub fn websocket(&self) -> Bytes {
        let mut head = format!("GET {} HTTP/1.1\r\nHost: {}\r\n", self.path, self.host);
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n");
        head.push_str(&format!("Sec-WebSocket-Key: {WEBSOCKET_KEY}\r\n\r\n"));
        head.into_bytes().into()
    }

    /// As the head of HTTP/2, without a body.
    ///
    /// # Errors
    ///
    /// The method, the path or a header is not what HTTP allows.
    pub fn http2(&self, tls: bool) -> Result<http::Request<()>> {
        let scheme = if tls { "https" } else { "http" };
        let mut request = http::Request::builder()
            .method(self.method.as_str())
            .uri(format!("{scheme}://{}{}", self.host, self.path))
            .version(http::Version::HTTP_2);
        for (name, value) in &self.headers {
            let own = name.to_ascii_lowercase();
            if !matches!(own.as_str(), "connection" | "keep-alive" | "upgrade") {
                request = request.header(own, value);
            }
        }
        if self.body_bytes > 0 && self.framing == Framing::Length {
            request = request.header("content-length", self.body_bytes);
        }
        request.body(()).context("the request")
    }

    /// The body: the letters over and over.
    pub fn body(&self) -> Bytes {
        (b'a'..=b'z').cycle().take(self.body_bytes).collect::<Vec<u8>>().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls() {
        for (text, expected) in [
            ("http://a", Some((false, "a", 80, "a", "/"))),
            ("https://a:8443/x?y", Some((true, "a", 8443, "a:8443", "/x?y"))),
            ("http://[::1]:81?q", Some((false, "::1", 81, "[::1]:81", "/?q"))),
            ("https://[::1]", Some((true, "::1", 443, "[::1]", "/"))),
            ("ws://127.0.0.1:1/", Some((false, "127.0.0.1", 1, "127.0.0.1:1", "/"))),
            ("127.0.0.1", None),
            ("ftp://a/", None),
            ("http://a:b/", None),
            ("http:///x", None),
        ] {
            let url = Url::parse(text).ok();
            let shown = url.as_ref().map(|url| {
                (url.tls, &*url.host, url.port, url.authority.as_str(), url.path.as_str())
            });
            assert_eq!(shown, expected, "{text:?}");
        }
    }

    fn request(body_bytes: usize, framing: Framing) -> Request {
        let headers = vec![("A".to_owned(), "b".to_owned())];
        let (method, path, host) = ("PUT".to_owned(), "/p".to_owned(), "h".to_owned());
        Request { method, path, host, headers, body_bytes, framing }
    }

    #[test]
    fn requests_on_the_wire() {
        for (request, closing, expected) in [
            (request(0, Framing::Chunked), false, "PUT /p HTTP/1.1\r\nHost: h\r\nA: b\r\n\r\n"),
            (
                request(3, Framing::Length),
                true,
                "PUT /p HTTP/1.1\r\nHost: h\r\nA: b\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc",
            ),
            (
                request(3, Framing::Chunked),
                false,
                "PUT /p HTTP/1.1\r\nHost: h\r\nA: b\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
            ),
        ] {
            assert_eq!(request.http1(closing), expected.as_bytes());
        }
        let chunks = request(CHUNK_BYTES + 1, Framing::Chunked).http1(false);
        assert!(chunks.ends_with(b"\r\n1\r\ne\r\n0\r\n\r\n"));
    }

    #[test]
    fn http2_has_no_headers_of_the_connection() {
        let mut request = request(2, Framing::Length);
        request.headers.push(("Connection".to_owned(), "keep-alive".to_owned()));
        let head = request.http2(true).expect("valid");
        assert_eq!(head.uri(), "https://h/p");
        assert_eq!(head.headers().len(), 2);
        request.method = "not one".to_owned();
        assert!(request.http2(true).is_err());
    }
}
