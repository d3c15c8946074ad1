//! The smallest HTTP/1.1 client that serves the harness: one request, one connection, an answer
//! held in memory. For probes, the REST API and metrics; never for load.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use serde_json::Value;

use crate::failure::{Context, Failure, Result};

/// Longest wait for any one read, write or connect.
const IO_TIMEOUT: Duration = Duration::from_secs(5);

/// The same for a call of an API: ten thousand documents take a while on a busy machine.
const CALL_TIMEOUT: Duration = Duration::from_secs(60);

/// Largest answer held: metrics of a large configuration are some megabytes.
const ANSWER_BYTES_MAX: u64 = 64 << 20;

/// An answer, read to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Status code.
    pub status: u16,
    /// Header names as sent, with their values.
    pub headers: Vec<(String, String)>,
    /// The body, chunks joined.
    pub body: Vec<u8>,
    /// Length of the answer on the wire, head included.
    pub wire_bytes: usize,
}

impl Answer {
    /// The first header of that name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
    }

    /// The body as text, what is not UTF-8 replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// Sends `request` byte for byte and reads one answer, whether or not the connection then stays.
pub fn exchange(to: SocketAddr, request: &[u8]) -> Result<Answer> {
    exchange_within(IO_TIMEOUT, to, request)
}

fn exchange_within(limit: Duration, to: SocketAddr, request: &[u8]) -> Result<Answer> {
    let mut stream =
        TcpStream::connect_timeout(&to, IO_TIMEOUT).context(format!("connecting to {to}"))?;
    stream.set_read_timeout(Some(limit)).context("setting a timeout")?;
    stream.set_write_timeout(Some(limit)).context("setting a timeout")?;
    stream.write_all(request).context(format!("sending to {to}"))?;
    let mut bytes = Vec::new();
    let mut buffer = vec![0; 64 << 10];
    loop {
        let count = stream.read(&mut buffer).context(format!("reading from {to}"))?;
        bytes.extend_from_slice(&buffer[..count]);
        if let Some(answer) = parse(&bytes, count == 0)? {
            return Ok(answer);
        }
        if count == 0 || bytes.len() as u64 > ANSWER_BYTES_MAX {
            return Err(Failure::new(format!("{to} gave no whole answer")));
        }
    }
}

/// GET on a connection of its own.
pub fn get(to: SocketAddr, host: &str, path: &str) -> Result<Answer> {
    let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    exchange(to, request.as_bytes())
}

/// One call of a JSON API with a bearer token; anything but 200 is a failure that shows the answer.
pub fn call(
    to: SocketAddr,
    token: &str,
    method: &str,
    path: &str,
    body: Option<&Value>,
) -> Result<Value> {
    let body = body.map(Value::to_string).unwrap_or_default();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: {to}\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    let answer = exchange_within(CALL_TIMEOUT, to, request.as_bytes())?;
    if answer.status != 200 {
        let text = answer.text();
        return Err(Failure::new(format!("{method} {path} answered {}: {text}", answer.status)));
    }
    serde_json::from_slice(&answer.body).context(format!("{method} {path}: answer is not JSON"))
}

/// A whole answer if `bytes` hold one, nothing if more must come.
pub fn parse(bytes: &[u8], ended: bool) -> Result<Option<Answer>> {
    let Some(head_end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
        return Ok(None);
    };
    let head = String::from_utf8_lossy(&bytes[..head_end]);
    let mut lines = head.split("\r\n");
    let status = lines
        .next()
        .and_then(|line| line.split(' ').nth(1)?.parse().ok())
        .ok_or_else(|| Failure::new(format!("not an HTTP answer: {head:?}")))?;
    let headers = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
        .collect();
    let mut answer = Answer { status, headers, body: Vec::new(), wire_bytes: 0 };
    let rest = &bytes[head_end + 4..];
    let chunked = answer.header("transfer-encoding").is_some();
    let length = answer.header("content-length").and_then(|value| value.parse::<usize>().ok());
    let taken = if chunked {
        match dechunk(rest) {
            Some((body, taken)) => {
                answer.body = body;
                taken
            }
            None => return Ok(None),
        }
    } else {
        let taken = match length {
            Some(length) if rest.len() >= length => length,
            None if ended => rest.len(),
            _ => return Ok(None),
        };
        answer.body = rest[..taken].to_vec();
        taken
    };
    answer.wire_bytes = head_end + 4 + taken;
    Ok(Some(answer))
}

/// Body and length on the wire of a chunked body without trailers, once it is whole.
fn dechunk(bytes: &[u8]) -> Option<(Vec<u8>, usize)> {
    let mut body = Vec::new();
    let mut at = 0;
    loop {
        let line = bytes[at..].windows(2).position(|two| two == b"\r\n")?;
        let size = std::str::from_utf8(&bytes[at..at + line]).ok()?;
        let size = usize::from_str_radix(size.split(';').next()?.trim(), 16).ok()?;
        at += line + 2;
        let chunk = bytes.get(at..at.checked_add(size)?)?;
        bytes.get(at + size..at + size + 2)?;
        body.extend_from_slice(chunk);
        at += size + 2;
        if size == 0 {
            return Some((body, at));
        }
    }
}

/// A port that is free now on every loopback address.
pub fn free_port() -> Result<u16> {
    let probe = TcpListener::bind("0.0.0.0:0").context("looking for a free port")?;
    Ok(probe.local_addr().context("looking for a free port")?.port())
}

/// Sum over all label sets of one counter in a Prometheus text exposition; nothing when absent.
pub fn counter(exposition: &str, name: &str) -> Option<f64> {
    exposition
        .lines()
        .filter_map(|line| {
            let rest = line.strip_prefix(name)?;
            let value = match rest.as_bytes().first()? {
                b'{' => rest.rsplit_once('}')?.1,
                b' ' => rest,
                _ => return None,
            };
            value.split_whitespace().next()?.parse::<f64>().ok()
        })
        .reduce(|sum, value| sum + value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_end_where_their_framing_says() {
        for (text, ended, expected) in [
            ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab", false, Some((200, "ab", 40))),
            ("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\na", false, None),
            ("HTTP/1.1 404 No\r\n\r\nab", true, Some((404, "ab", 21))),
            ("HTTP/1.1 404 No\r\n\r\nab", false, None),
            ("HTTP/1.1 200 OK\r\nContent-L", false, None),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1;x\r\nc\r\n0\r\n\r\n",
                false,
                Some((200, "abc", 67)),
            ),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n", false, None),
        ] {
            let answer = parse(text.as_bytes(), ended).expect(text);
            let shown = answer.map(|a| (a.status, a.text(), a.wire_bytes));
            let expected = expected.map(|(status, body, wire)| (status, body.to_owned(), wire));
            assert_eq!(shown, expected, "{text:?}");
        }
        assert!(parse(b"nonsense\r\n\r\n", true).is_err());
    }

    #[test]
    fn counters_are_summed_over_labels() {
        let text = "# TYPE a counter\na{x=\"1\"} 2\na{x=\"} 9\"} 3 1700000000\na_total 7\nb 1e3\n";
        assert_eq!(counter(text, "a"), Some(5.0));
        assert_eq!(counter(text, "b"), Some(1000.0));
        assert_eq!(counter(text, "c"), None);
    }
}
