//! What the proxy needs of a client's connection beyond reading and writing.

use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

/// A client's connection.
pub(crate) trait Transport: AsyncRead + AsyncWrite + Unpin {
    /// Makes the coming close a reset, so that a response cut short cannot pass for a whole one.
    fn reset_on_close(&self);
}

impl Transport for TcpStream {
    fn reset_on_close(&self) {
        // A failure leaves an ordinary close, and the peer is gone anyway.
        let _ = SockRef::from(self).set_linger(Some(Duration::ZERO));
    }
}

#[cfg(test)]
impl Transport for tokio::io::DuplexStream {
    fn reset_on_close(&self) {}
}
