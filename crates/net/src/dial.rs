//! Connecting to an endpoint, with failures told apart as behaviour.md 5.2 needs them.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Endpoint connections: probes after 30 s of silence, then every 15 s, dead after two misses
/// (behaviour.md 10, item 6).
const KEEPALIVE_IDLE: Duration = Duration::from_secs(30);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(15);
const KEEPALIVE_MISSES: u32 = 2;

/// Sets how long what was sent to an endpoint may stay unacknowledged (behaviour.md 11.4). After
/// that, reading and writing fail with [`io::ErrorKind::TimedOut`]. A peer that acknowledges but
/// keeps its window shut counts as silent too, and so does one that lets keep-alive probes go
/// unanswered: this limit takes the place of their count.
///
/// # Errors
/// When the connection has ended.
pub fn limit_unacknowledged(stream: &TcpStream, limit: Duration) -> io::Result<()> {
    SockRef::from(stream).set_tcp_user_timeout(Some(limit))
}

/// Why no connection came about. Nothing was sent in any case.
#[derive(Debug)]
pub enum DialError {
    /// The endpoint's machine answered with a reset.
    Refused(io::Error),
    /// No answer within the limit.
    TimedOut,
    /// No way there, or no way out of here.
    Unreachable(io::Error),
}

impl std::fmt::Display for DialError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Refused(_) => "connection refused",
            Self::TimedOut => "connect timed out",
            Self::Unreachable(_) => "unreachable",
        })
    }
}

impl std::error::Error for DialError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Refused(error) | Self::Unreachable(error) => Some(error),
            Self::TimedOut => None,
        }
    }
}

impl From<io::Error> for DialError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionReset => {
                Self::Refused(error)
            }
            io::ErrorKind::TimedOut => Self::TimedOut,
            _ => Self::Unreachable(error),
        }
    }
}

/// Opens a TCP connection, ready for small writes and with keep-alive probes on.
///
/// # Errors
/// See [`DialError`]. Local want of ports or descriptors counts as unreachable.
///
/// Dropping the future abandons the handshake.
pub async fn dial(address: SocketAddr, limit: Duration) -> Result<TcpStream, DialError> {
    let stream =
        timeout(limit, TcpStream::connect(address)).await.map_err(|_| DialError::TimedOut)??;
    stream.set_nodelay(true)?;
    let probes = TcpKeepalive::new()
        .with_time(KEEPALIVE_IDLE)
        .with_interval(KEEPALIVE_INTERVAL)
        .with_retries(KEEPALIVE_MISSES);
    SockRef::from(&stream).set_tcp_keepalive(&probes)?;
    Ok(stream)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_closed_port_is_refused() {
        let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let error = dial(address, Duration::from_secs(1)).await.unwrap_err();
        assert!(matches!(error, DialError::Refused(_)), "{error:?}");
    }
}
