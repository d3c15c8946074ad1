//! What the proxy needs of a connection beyond reading and writing, whichever protocol it speaks.
//!
//! Inside the proxy a message is a head in the form of HTTP/1.1 and a body of plain bytes. TCP and
//! TLS carry both as they are, and the head says how the body ends. An HTTP/2 stream shows the end
//! of a message itself: it *frames* messages, takes a head apart as it is written, and puts one
//! together as it is read.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use crate::buffer::LARGE_BYTES;

/// Where a message comes from.
pub(crate) trait Source: AsyncRead + Unpin {
    /// The trailer lines after a body that was read to its end, each with its line end. Only a
    /// transport that frames messages has any: in HTTP/1.1 they are part of the chunked coding.
    fn take_trailers(&mut self) -> Vec<u8> {
        Vec::new()
    }

    /// The socket itself, where what is read from it is what the peer wrote.
    fn socket(&self) -> Option<&TcpStream> {
        None
    }
}

/// Where a message goes.
pub(crate) trait Sink: AsyncWrite + Unpin {
    /// Whether the transport shows the end of a message itself.
    fn frames_messages(&self) -> bool {
        false
    }

    /// Most bytes to have in hand for it: what is read ahead waits in memory while it takes none.
    fn ahead_bytes_max(&self) -> usize {
        LARGE_BYTES
    }

    /// The socket itself, where what is written to it is what the peer reads.
    fn socket(&self) -> Option<&TcpStream> {
        None
    }

    /// Ends the message, with these trailer lines. Called for transports that frame messages.
    fn poll_end(&mut self, context: &mut Context<'_>, _trailers: &[u8]) -> Poll<io::Result<()>> {
        Pin::new(self).poll_flush(context)
    }
}

/// A client's connection, or one request's stream of it.
pub(crate) trait Transport: Source + Sink {
    /// Whether an end without a word could be an attacker's work, so that the client has to be told
    /// of it (RFC 8446 section 6.1).
    const SAYS_GOODBYE: bool = false;

    /// Makes the coming close a reset, so that a response cut short cannot pass for a whole one.
    fn reset_on_close(&mut self);

    /// Ready once it is known that the client waits for no answer any more. That it sends nothing
    /// more is not enough: it may have ended its half of the connection and still listen.
    fn poll_gone(&mut self, _context: &mut Context<'_>) -> Poll<()> {
        Poll::Pending
    }
}

impl Source for TcpStream {
    fn socket(&self) -> Option<&TcpStream> {
        Some(self)
    }
}

impl Sink for TcpStream {
    fn socket(&self) -> Option<&TcpStream> {
        Some(self)
    }
}

impl Transport for TcpStream {
    fn reset_on_close(&mut self) {
        // A failure leaves an ordinary close, and the peer is gone anyway.
        let _ = SockRef::from(&*self).set_linger(Some(Duration::ZERO));
    }

    fn poll_gone(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let mut byte = [0];
        match self.poll_peek(context, &mut ReadBuf::new(&mut byte)) {
            Poll::Ready(Err(_)) => Poll::Ready(()),
            Poll::Ready(Ok(_)) | Poll::Pending => Poll::Pending,
        }
    }
}

impl Source for TlsStream<TcpStream> {}
impl Sink for TlsStream<TcpStream> {}
impl Transport for TlsStream<TcpStream> {
    const SAYS_GOODBYE: bool = true;

    fn reset_on_close(&mut self) {
        self.get_mut().0.reset_on_close();
    }

    fn poll_gone(&mut self, context: &mut Context<'_>) -> Poll<()> {
        self.get_mut().0.poll_gone(context)
    }
}

impl Source for tokio::io::Empty {}

#[cfg(test)]
impl Source for tokio::io::DuplexStream {}
#[cfg(test)]
impl Sink for tokio::io::DuplexStream {}
#[cfg(test)]
impl Transport for tokio::io::DuplexStream {
    fn reset_on_close(&mut self) {}
}
