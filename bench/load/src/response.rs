//! A response of HTTP/1.1, counted instead of kept: status, where it ends, whether the connection
//! stays (RFC 9112 section 6.3, 9.3). Bytes come from the caller; nothing here reads a socket.

use crate::body::{Body, Malformed, has_token};

/// More header lines than any proxy adds.
const HEADERS_MAX: usize = 128;

/// A response on its way.
#[derive(Debug, Clone)]
pub struct Response {
    to_head: bool,
    /// Nothing before the head of the final response is there.
    body: Option<Body>,
    /// Status of the final response, 0 before its head is there.
    pub status: u16,
    /// Whether another request may follow on this connection.
    pub keep_alive: bool,
}

impl Response {
    /// Nothing has come yet. The response to a HEAD has no body whatever its head says.
    pub fn new(to_head: bool) -> Self {
        Self { to_head, body: None, status: 0, keep_alive: true }
    }

    /// Whether all of it was seen.
    pub fn is_done(&self) -> bool {
        self.body.as_ref().is_some_and(Body::is_done)
    }

    /// Bytes of the body so far.
    pub fn body_bytes(&self) -> u64 {
        self.body.as_ref().map_or(0, |body| body.bytes)
    }

    /// Takes as much of `bytes` as it understands and says how much that was; what is left is to
    /// be shown again with more behind it.
    ///
    /// # Errors
    ///
    /// This is no response: the connection is of no use any more.
    pub fn advance(&mut self, bytes: &[u8]) -> Result<usize, Malformed> {
        let mut taken = 0;
        loop {
            if let Some(body) = &mut self.body {
                return Ok(taken + body.advance(&bytes[taken..])?);
            }
            match self.head(&bytes[taken..])? {
                0 => return Ok(taken),
                length => taken += length,
            }
        }
    }

    /// The connection has ended. True when the response is whole.
    pub fn ended(&mut self) -> bool {
        self.body.as_mut().is_some_and(Body::ended)
    }

    /// Length of the head at the start of `rest`, 0 while it is not all there.
    fn head(&mut self, rest: &[u8]) -> Result<usize, Malformed> {
        let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
        let mut head = httparse::Response::new(&mut headers);
        let length = match head.parse(rest).map_err(|_| Malformed)? {
            httparse::Status::Complete(length) => length,
            httparse::Status::Partial => return Ok(0),
        };
        let status = head.code.ok_or(Malformed)?;
        if (100..200).contains(&status) && status != 101 {
            return Ok(length); // an interim response; the final one follows
        }
        self.status = status;
        self.keep_alive = head.version == Some(1);
        let (mut content_length, mut chunked) = (None, false);
        for header in head.headers.iter() {
            let value = header.value;
            if header.name.eq_ignore_ascii_case("content-length") {
                let text = std::str::from_utf8(value).map_err(|_| Malformed)?;
                content_length = Some(text.trim().parse::<u64>().map_err(|_| Malformed)?);
            } else if header.name.eq_ignore_ascii_case("transfer-encoding") {
                chunked = has_token(value, "chunked");
            } else if header.name.eq_ignore_ascii_case("connection") {
                self.keep_alive |= has_token(value, "keep-alive");
                self.keep_alive &= !has_token(value, "close");
            }
        }
        let body = match (chunked, content_length) {
            _ if self.to_head || matches!(status, 101 | 204 | 304) => Body::of_length(0),
            (true, _) => Body::chunked(),
            (false, Some(length)) => Body::of_length(length),
            (false, None) => {
                self.keep_alive = false;
                Body::until_close()
            }
        };
        self.body = Some(body);
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds `text` in pieces of every size and expects the same each time.
    fn check(text: &str, to_head: bool, expected: (u16, u64, bool, bool)) {
        for piece in 1..=text.len() {
            let mut response = Response::new(to_head);
            let mut held: Vec<u8> = Vec::new();
            for part in text.as_bytes().chunks(piece) {
                held.extend_from_slice(part);
                let taken = response.advance(&held).expect(text);
                held.drain(..taken);
            }
            let Response { status, keep_alive, .. } = response;
            let got = (status, response.body_bytes(), keep_alive, response.is_done());
            assert_eq!(got, expected, "{text:?} in pieces of {piece}");
            assert!(held.is_empty() || !response.is_done(), "{text:?}");
        }
    }

    #[test]
    fn framing() {
        for (text, status, body, keep_alive, done) in [
            ("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", 200, 3, true, true),
            ("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabc", 200, 3, true, false),
            ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 200, 0, true, true),
            ("HTTP/1.1 204 No\r\n\r\n", 204, 0, true, true),
            (
                "HTTP/1.1 200 OK\r\nconnection: x, Close\r\nContent-Length: 0\r\n\r\n",
                200,
                0,
                false,
                true,
            ),
            ("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", 200, 0, false, true),
            (
                "HTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 404 No\r\nContent-Length: 1\r\n\r\nx",
                404,
                1,
                true,
                true,
            ),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\n\r\n",
                200,
                13,
                true,
                true,
            ),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nT: x\r\n\r\n",
                200,
                1,
                true,
                true,
            ),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n",
                200,
                1,
                true,
                false,
            ),
            ("HTTP/1.1 200 OK\r\n\r\nabc", 200, 3, false, false),
        ] {
            check(text, false, (status, body, keep_alive, done));
        }
        check("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", true, (200, 0, true, true));
    }

    #[test]
    fn an_end_is_an_end_only_where_nothing_else_says_so() {
        for (text, whole) in [
            ("HTTP/1.1 200 OK\r\n\r\nabc", true),
            ("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabc", false),
            ("HTTP/1.1 200 OK\r\nConte", false),
        ] {
            let mut response = Response::new(false);
            response.advance(text.as_bytes()).expect(text);
            assert_eq!(response.ended(), whole, "{text:?}");
        }
    }

    #[test]
    fn nonsense_is_noticed() {
        for text in [
            "SSH-2.0-OpenSSH\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n",
        ] {
            assert_eq!(Response::new(false).advance(text.as_bytes()), Err(Malformed), "{text:?}");
        }
    }
}
