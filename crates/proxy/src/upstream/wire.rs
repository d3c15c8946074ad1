//! What a connection to an endpoint speaks over.
//!
//! On the request path.

use std::io::{self, IoSlice};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::task::unconstrained;
use tokio_rustls::client::TlsStream;

use super::http2::{self, Fate};
use crate::transport::{Sink, Source};

/// A transport to an endpoint.
#[derive(Debug)]
pub(crate) enum Wire {
    Tcp(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
    /// One stream of many; it carries one request.
    Http2(Box<http2::Stream>),
}

impl Wire {
    /// Whether nothing has arrived while nothing is due. Costs no system call while the event loop
    /// has seen nothing.
    pub(crate) fn is_quiet(&mut self) -> bool {
        match self {
            Self::Tcp(tcp) => matches!(
                tcp.try_read(&mut [0]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock
            ),
            // Session tickets and key updates may come at any time, and are taken in here.
            Self::Tls(tls) => {
                let mut context = Context::from_waker(Waker::noop());
                let mut byte = [0];
                let mut room = ReadBuf::new(&mut byte);
                let read = std::future::poll_fn(|context| {
                    Pin::new(&mut **tls).poll_read(context, &mut room)
                });
                // A task that has used up its turn would hear "pending" whatever has come.
                pin!(unconstrained(read)).poll(&mut context).is_pending()
            }
            Self::Http2(_) => false,
        }
    }

    /// The socket, where nothing lies between it and the messages.
    fn plain(&self) -> Option<&TcpStream> {
        match self {
            Self::Tcp(tcp) => Some(tcp),
            Self::Tls(_) | Self::Http2(_) => None,
        }
    }

    /// What it means that a stream has ended early.
    pub(crate) fn fate(&self) -> Option<Fate> {
        match self {
            Self::Tcp(_) | Self::Tls(_) => None,
            Self::Http2(stream) => stream.fate(),
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        room: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(tcp) => Pin::new(tcp).poll_read(context, room),
            Self::Tls(tls) => Pin::new(&mut **tls).poll_read(context, room),
            Self::Http2(stream) => Pin::new(&mut **stream).poll_read(context, room),
        }
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(tcp) => Pin::new(tcp).poll_write(context, bytes),
            Self::Tls(tls) => Pin::new(&mut **tls).poll_write(context, bytes),
            Self::Http2(stream) => Pin::new(&mut **stream).poll_write(context, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(tcp) => Pin::new(tcp).poll_write_vectored(context, parts),
            Self::Tls(tls) => Pin::new(&mut **tls).poll_write_vectored(context, parts),
            Self::Http2(stream) => Pin::new(&mut **stream).poll_write_vectored(context, parts),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(tcp) => Pin::new(tcp).poll_flush(context),
            Self::Tls(tls) => Pin::new(&mut **tls).poll_flush(context),
            Self::Http2(stream) => Pin::new(&mut **stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(tcp) => Pin::new(tcp).poll_shutdown(context),
            Self::Tls(tls) => Pin::new(&mut **tls).poll_shutdown(context),
            Self::Http2(stream) => Pin::new(&mut **stream).poll_shutdown(context),
        }
    }
}

impl Source for Wire {
    fn take_trailers(&mut self) -> Vec<u8> {
        match self {
            Self::Tcp(_) | Self::Tls(_) => Vec::new(),
            Self::Http2(stream) => stream.take_trailers(),
        }
    }

    fn socket(&self) -> Option<&TcpStream> {
        self.plain()
    }
}

impl Sink for Wire {
    fn frames_messages(&self) -> bool {
        matches!(self, Self::Http2(_))
    }

    fn socket(&self) -> Option<&TcpStream> {
        self.plain()
    }

    fn poll_end(&mut self, context: &mut Context<'_>, trailers: &[u8]) -> Poll<io::Result<()>> {
        match self {
            Self::Tcp(_) | Self::Tls(_) => Pin::new(self).poll_flush(context),
            Self::Http2(stream) => stream.poll_end(context, trailers),
        }
    }
}
