//! The first message of a handshake, read before anything is decided about it.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use rustls::server::{Accepted, Acceptor};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};

use super::HandshakeError;

/// Bytes read for a ClientHello, records' heads included. With a post-quantum key share it takes
/// some 2 KiB; in records of one byte each, six times that.
const HELLO_BYTES_MAX: usize = 64 * 1024;
/// Bytes of a plain-text request that are read after it has been answered, so that the answer
/// arrives: a close with bytes unread resets the connection.
const PLAIN_BYTES_MAX: usize = 64 * 1024;
/// What those get who speak HTTP where TLS is spoken.
const PLAIN_ANSWER: &[u8] = b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\n\
    Content-Length: 59\r\nConnection: close\r\n\r\n\
    This port speaks HTTPS. Ask again with https:// in the URL\n";

/// Alerts sent before there is a connection that would send them (RFC 8446 section 6.2).
#[derive(Debug, Clone, Copy)]
pub(super) enum Alert {
    Decode = 50,
    UnrecognizedName = 112,
}

/// Reads a ClientHello. Dropping the future loses what was read.
pub(super) async fn read<S>(stream: &mut S) -> Result<Accepted, HandshakeError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut acceptor = Acceptor::default();
    let mut seen = Seen::default();
    loop {
        let read = poll_fn(|cx| {
            let mut tap = Tap { stream: &mut *stream, cx, seen: &mut seen };
            match acceptor.read_tls(&mut tap) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => Poll::Pending,
                read => Poll::Ready(read),
            }
        });
        match read.await {
            Ok(0) => return Err(HandshakeError::Io(io::ErrorKind::UnexpectedEof.into())),
            Ok(_) => {}
            // So rustls calls its own bound.
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                return Err(too_long(stream).await);
            }
            Err(error) => return Err(HandshakeError::Io(error)),
        }
        if seen.first.is_some_and(is_text) {
            answer_plain(stream).await?;
            return Err(HandshakeError::PlainHttp);
        }
        match acceptor.accept() {
            Ok(Some(accepted)) => return Ok(accepted),
            Ok(None) if seen.bytes < HELLO_BYTES_MAX => {}
            Ok(None) => return Err(too_long(stream).await),
            Err((error, mut written)) => {
                let mut bytes = Vec::new();
                written.write_all(&mut bytes)?;
                // Some refusals of broken records come without one.
                if bytes.is_empty() {
                    alert(stream, Alert::Decode).await?;
                }
                stream.write_all(&bytes).await?;
                stream.flush().await?;
                return Err(HandshakeError::Client(error));
            }
        }
    }
}

async fn too_long<S>(stream: &mut S) -> HandshakeError
where
    S: AsyncWrite + Unpin,
{
    match alert(stream, Alert::Decode).await {
        Ok(()) => {
            let error = rustls::InvalidMessage::HandshakePayloadTooLarge;
            HandshakeError::Client(error.into())
        }
        Err(error) => HandshakeError::Io(error),
    }
}

/// Tells the client what is wrong with its ClientHello.
pub(super) async fn alert<S>(stream: &mut S, alert: Alert) -> io::Result<()>
where
    S: AsyncWrite + Unpin,
{
    // A record of type alert, two bytes long: fatal, and why.
    stream.write_all(&[21, 3, 3, 0, 2, 2, alert as u8]).await?;
    stream.flush().await
}

/// No record of any version of TLS begins like a method of HTTP.
fn is_text(first: u8) -> bool {
    first.is_ascii_uppercase()
}

async fn answer_plain<S>(stream: &mut S) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    stream.write_all(PLAIN_ANSWER).await?;
    stream.shutdown().await?;
    let mut rest = stream.take(PLAIN_BYTES_MAX as u64);
    tokio::io::copy(&mut rest, &mut tokio::io::sink()).await.map(drop)
}

/// What was read from the socket so far.
#[derive(Debug, Default)]
struct Seen {
    first: Option<u8>,
    bytes: usize,
}

/// The socket as rustls reads it: straight into its own buffer, so that nothing that follows the
/// ClientHello is lost.
struct Tap<'a, 'b, S> {
    stream: &'a mut S,
    cx: &'a mut Context<'b>,
    seen: &'a mut Seen,
}

impl<S: AsyncRead + Unpin> io::Read for Tap<'_, '_, S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut buffer = ReadBuf::new(buffer);
        match Pin::new(&mut *self.stream).poll_read(self.cx, &mut buffer) {
            Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
            Poll::Ready(Err(error)) => Err(error),
            Poll::Ready(Ok(())) => {
                let bytes = buffer.filled();
                self.seen.first = self.seen.first.or(bytes.first().copied());
                self.seen.bytes += bytes.len();
                Ok(bytes.len())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plain_answer_says_its_length() {
        let text = std::str::from_utf8(PLAIN_ANSWER).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("Content-Length: {}\r\n", body.len())), "{}", body.len());
    }
}
