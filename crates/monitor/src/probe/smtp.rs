//! The `smtp` monitor: a greeting, `HELO`, `QUIT` (behaviour.md 7.1, U28; RFC 5321).

use std::io;
use std::net::{IpAddr, SocketAddr};

use evenkeel_model::FailureReason;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::dial::Place;
use super::tls::stream_reason;
use super::{Attempt, Miss, Pass, Prober, dial, required_port};
use crate::ask::Ask;
use crate::trace::PhaseName;

/// The longest reply, in bytes: sixteen lines of the length that RFC 5321 4.5.3.1.5 allows.
const REPLY_BYTES_MAX: usize = 16 * 512;

/// Connects and converses until the deadline. Dropping the future closes the connection.
pub(crate) async fn attempt(
    prober: &Prober,
    ask: &Ask<'_>,
    attempt: Attempt<'_>,
) -> Result<Pass, Miss> {
    let port = required_port(ask, attempt)?;
    let address = prober.resolver.resolve(Place::of(ask, port), attempt).await?;
    let started = Instant::now();
    let stream = dial::connect(address, attempt).await?;
    attempt.within(FailureReason::HttpTimeout, converse(stream, started, attempt)).await?
}

async fn converse(stream: TcpStream, started: Instant, attempt: Attempt<'_>) -> Result<Pass, Miss> {
    let own = stream.local_addr().map_err(|error| broken(&error, attempt))?;
    let mut session = Session { stream, received: Vec::new(), attempt };
    let first_byte = session.expect(PhaseName::Greeting, "", 220).await?;
    session.expect(PhaseName::Hello, &format!("HELO {}\r\n", literal(own)), 250).await?;
    session.expect(PhaseName::Quit, "QUIT\r\n", 221).await?;
    Ok(Pass { response_code: 221, rtt: first_byte.duration_since(started) })
}

/// Who greets: machines that cannot be sure of their name tell their address (RFC 5321 4.1.4).
fn literal(own: SocketAddr) -> String {
    match own.ip() {
        IpAddr::V4(ip) => format!("[{ip}]"),
        IpAddr::V6(ip) => format!("[IPv6:{ip}]"),
    }
}

fn broken(error: &io::Error, attempt: Attempt<'_>) -> Miss {
    attempt.trace.because(error);
    stream_reason(error).unwrap_or(FailureReason::HttpInvalidResponse).into()
}

struct Session<'a> {
    stream: TcpStream,
    /// Read and not yet used; at most [`REPLY_BYTES_MAX`].
    received: Vec<u8>,
    attempt: Attempt<'a>,
}

impl Session<'_> {
    /// Sends a command, or nothing, and reads the reply that should have this code. Returns when
    /// the first of it was read.
    async fn expect(
        &mut self,
        phase: PhaseName,
        command: &str,
        code: u16,
    ) -> Result<Instant, Miss> {
        let attempt = self.attempt;
        attempt.trace.begin(phase);
        let failed = |error: io::Error| broken(&error, attempt);
        self.stream.write_all(command.as_bytes()).await.map_err(failed)?;
        let mut first_byte = None;
        let (found, used) = loop {
            if !self.received.is_empty() {
                first_byte.get_or_insert_with(Instant::now);
            }
            match reply(&self.received) {
                Reply::Whole { code, bytes } => break (code, bytes),
                Reply::Begun if self.received.len() < REPLY_BYTES_MAX => {}
                Reply::Begun | Reply::Nonsense => {
                    attempt.trace.because(&"that is no reply of SMTP");
                    return Err(FailureReason::HttpInvalidResponse.into());
                }
            }
            let room = REPLY_BYTES_MAX - self.received.len();
            let mut rest = (&mut self.stream).take(room as u64);
            if rest.read_buf(&mut self.received).await.map_err(failed)? == 0 {
                attempt.trace.because(&"the server hung up");
                return Err(FailureReason::HttpInvalidResponse.into());
            }
        };
        let text = String::from_utf8_lossy(&self.received[..used]).into_owned();
        self.received.drain(..used);
        if found != code {
            attempt.trace.because(&text.trim_end());
            return Err(Miss::Failed {
                reason: FailureReason::ResponseCodeMismatch,
                response_code: found,
            });
        }
        attempt.trace.done(|| text.trim_end().to_owned());
        Ok(first_byte.unwrap_or_else(Instant::now))
    }
}

/// What the bytes received so far are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reply {
    /// A reply, and how many bytes it takes.
    Whole { code: u16, bytes: usize },
    /// The beginning of one.
    Begun,
    /// Something else.
    Nonsense,
}

/// Reads a reply of one line or several: `250-` goes on, `250 ` and `250` are the last (RFC 5321
/// 4.2.1). A line may end with LF alone.
fn reply(received: &[u8]) -> Reply {
    let mut bytes = 0;
    let mut first = None;
    for line in received.split_inclusive(|byte| *byte == b'\n') {
        let digits = &line[..line.len().min(3)];
        let is_code = digits.iter().enumerate().all(|(n, digit)| {
            if n == 0 { (b'2'..=b'5').contains(digit) } else { digit.is_ascii_digit() }
        });
        if !is_code || first.is_some_and(|first: &[u8]| !first.starts_with(digits)) {
            return Reply::Nonsense;
        }
        if line.last() != Some(&b'\n') {
            return Reply::Begun;
        }
        bytes += line.len();
        first = Some(digits);
        match line[digits.len()..] {
            [b'-', ..] => {}
            [b' ' | b'\r' | b'\n', ..] => {
                let code = digits.iter().fold(0, |code, digit| code * 10 + u16::from(digit - b'0'));
                return Reply::Whole { code, bytes };
            }
            _ => return Reply::Nonsense,
        }
    }
    Reply::Begun
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_have_one_line_or_several() {
        use Reply::{Begun, Nonsense};
        let whole = |code, bytes| Reply::Whole { code, bytes };
        for (received, expected) in [
            ("", Begun),
            ("2", Begun),
            ("220", Begun),
            ("220 mail.example ESMTP\r", Begun),
            ("220 mail.example ESMTP\r\n", whole(220, 24)),
            ("220\r\n", whole(220, 5)),
            ("220 a\n", whole(220, 6)),
            ("220-a\r\n", Begun),
            ("220-a\r\n220", Begun),
            ("220-a\r\n220-b\r\n220 c\r\n250 next", whole(220, 21)),
            ("554 no\r\n", whole(554, 8)),
            ("220-a\r\n250 b\r\n", Nonsense),
            ("220-a\r\n25", Nonsense),
            ("22\r\n", Nonsense),
            ("2200\r\n", Nonsense),
            ("120 a\r\n", Nonsense),
            ("SSH-2.0-OpenSSH\r\n", Nonsense),
            ("H", Nonsense),
            ("\r\n", Nonsense),
        ] {
            assert_eq!(reply(received.as_bytes()), expected, "{received:?}");
        }
    }

    #[test]
    fn we_are_called_by_our_address() {
        for (own, name) in
            [("192.0.2.1:9", "[192.0.2.1]"), ("[2001:db8::1]:9", "[IPv6:2001:db8::1]")]
        {
            assert_eq!(literal(own.parse().unwrap()), name);
        }
    }
}
