//! One request's stream of an HTTP/2 connection, as the rest of the proxy sees a client: a body to
//! read, and a place to write heads and bodies to.
//!
//! ```text
//!          1xx head            body
//!          ┌──────┐         ┌──────────┐
//!          ▼      │         ▼          │
//!  write ─ Head ──┴─ final ─ Body ─────┴─ end (trailers) ─▶ over
//! ```
//!
//! A head and each piece of a body are held back until the next one, or a flush: then the end can go
//! out with the last of them instead of in a frame of its own.
//!
//! On the request path.

use std::cell::RefCell;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use h2::server::SendResponse;
use h2::{Reason, RecvStream, SendStream};
use http::Response;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::fields::{from_lines, trailer_lines};
use super::piece::{Outbox, PIECE_BYTES_MAX, Piece};
use super::response;
use super::websocket::Key;
use crate::transport::{Sink, Source, Transport};

/// The sending half, shared with whoever watches for the client taking its request back.
#[derive(Debug)]
pub(super) struct Outlet(RefCell<Sending>);

#[derive(Debug)]
enum Sending {
    Head(SendResponse<Piece>),
    Body(SendStream<Piece>),
}

impl Outlet {
    pub(super) fn new(respond: SendResponse<Piece>) -> Rc<Self> {
        Rc::new(Self(RefCell::new(Sending::Head(respond))))
    }

    /// Ready when nobody waits for the response any more, whichever side saw to that.
    pub(super) fn poll_gone(&self, context: &mut Context<'_>) -> Poll<()> {
        let polled = match &mut *self.0.borrow_mut() {
            Sending::Head(respond) => respond.poll_reset(context),
            Sending::Body(send) => send.poll_reset(context),
        };
        polled.map(|_| ())
    }

    pub(super) fn reset(&self, reason: Reason) {
        match &mut *self.0.borrow_mut() {
            Sending::Head(respond) => respond.send_reset(reason),
            Sending::Body(send) => send.send_reset(reason),
        }
    }

    fn inform(&self, response: Response<()>) -> io::Result<()> {
        match &mut *self.0.borrow_mut() {
            Sending::Head(respond) => respond.send_informational(response).map_err(broken),
            Sending::Body(_) => Err(io::ErrorKind::InvalidData.into()),
        }
    }

    fn respond(&self, response: Response<()>, ends: bool) -> io::Result<()> {
        let mut sending = self.0.borrow_mut();
        let Sending::Head(respond) = &mut *sending else {
            return Err(io::ErrorKind::InvalidData.into());
        };
        let send = respond.send_response(response, ends).map_err(broken)?;
        *sending = Sending::Body(send);
        Ok(())
    }

    fn body<T>(&self, act: impl FnOnce(&mut SendStream<Piece>) -> T) -> io::Result<T> {
        match &mut *self.0.borrow_mut() {
            Sending::Body(send) => Ok(act(send)),
            Sending::Head(_) => Err(io::ErrorKind::InvalidData.into()),
        }
    }
}

fn broken(error: h2::Error) -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionReset, error)
}

/// A request's stream.
#[derive(Debug)]
pub(super) struct Stream {
    outlet: Rc<Outlet>,
    outbox: Rc<Outbox>,
    /// Of the WebSocket that the client opens.
    key: Option<Key>,
    /// Whether the final head has been written.
    has_head: bool,
    /// The final head, held back.
    head: Option<Response<()>>,
    /// The last piece of the body, held back.
    held: Option<Piece>,
    is_over: bool,
    receive: RecvStream,
    /// What was received and not read yet.
    data: Bytes,
    has_read_all: bool,
    trailers: Vec<u8>,
}

impl Stream {
    pub(super) fn new(
        receive: RecvStream,
        outlet: Rc<Outlet>,
        outbox: Rc<Outbox>,
        key: Option<Key>,
    ) -> Self {
        outbox.enter();
        Self {
            outlet,
            outbox,
            key,
            has_head: false,
            head: None,
            held: None,
            is_over: false,
            receive,
            data: Bytes::new(),
            has_read_all: false,
            trailers: Vec::new(),
        }
    }

    /// Takes a head from the start of `bytes`.
    fn take_head(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let head =
            response::read(bytes, self.key.as_ref(), self.outbox.names()).map_err(|unsent| {
                tracing::debug!(?unsent, "A response has no form in HTTP/2.");
                io::Error::from(io::ErrorKind::InvalidData)
            })?;
        if head.response.status().is_informational() {
            self.outlet.inform(head.response)?;
        } else {
            self.has_head = true;
            self.head = Some(head.response);
        }
        Ok(head.bytes)
    }

    /// Sends what is held back.
    fn let_go(&mut self) -> io::Result<()> {
        if let Some(head) = self.head.take() {
            self.outlet.respond(head, false)?;
        }
        if let Some(piece) = self.held.take() {
            self.outlet.body(|send| send.send_data(piece, false))?.map_err(broken)?;
        }
        Ok(())
    }

    /// Takes a part of a body.
    fn poll_body(&mut self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.let_go()?;
        ready!(self.outbox.poll_room(context));
        let wanted = bytes.len().min(PIECE_BYTES_MAX);
        let polled = self.outlet.body(|send| {
            // Only as much as there is: what is reserved here the other streams cannot have.
            send.reserve_capacity(wanted);
            match send.capacity() {
                0 => send.poll_capacity(context),
                some => Poll::Ready(Some(Ok(some))),
            }
        })?;
        let room = match ready!(polled) {
            Some(room) => room.map_err(broken)?,
            None => return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
        };
        let taken = wanted.min(room);
        self.held = Some(self.outbox.piece(&bytes[..taken]));
        Poll::Ready(Ok(taken))
    }

    fn poll_part(&mut self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.has_head {
            self.poll_body(context, bytes)
        } else {
            Poll::Ready(self.take_head(bytes))
        }
    }

    fn end(&mut self, trailers: &[u8]) -> io::Result<()> {
        if std::mem::replace(&mut self.is_over, true) {
            return Ok(());
        }
        if !trailers.is_empty() {
            self.let_go()?;
            let trailers =
                from_lines(&Bytes::copy_from_slice(trailers), self.outbox.names(), |_| false);
            return self.outlet.body(|send| send.send_trailers(trailers))?.map_err(broken);
        }
        match (self.head.take(), self.held.take()) {
            (Some(head), None) => self.outlet.respond(head, true),
            (head, piece) => {
                if let Some(head) = head {
                    self.outlet.respond(head, false)?;
                }
                let piece = piece.unwrap_or_else(|| self.outbox.piece(&[]));
                self.outlet.body(|send| send.send_data(piece, true))?.map_err(broken)
            }
        }
    }

    /// The next bytes to read; false at the end.
    fn poll_data(&mut self, context: &mut Context<'_>) -> Poll<io::Result<bool>> {
        while self.data.is_empty() && !self.has_read_all {
            match ready!(self.receive.poll_data(context)) {
                Some(data) => self.data = data.map_err(broken)?,
                None => {
                    let trailers = ready!(self.receive.poll_trailers(context)).map_err(broken)?;
                    self.has_read_all = true;
                    self.trailers = trailers.as_ref().map(trailer_lines).unwrap_or_default();
                }
            }
        }
        Poll::Ready(Ok(!self.data.is_empty()))
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.outbox.leave();
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        room: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let stream = self.get_mut();
        let before = room.filled().len();
        while room.remaining() > 0 {
            match stream.poll_data(context) {
                Poll::Ready(Ok(true)) => {}
                // What was read counts; the rest comes up again.
                _ if room.filled().len() > before => break,
                Poll::Ready(Ok(false)) => break,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => return Poll::Pending,
            }
            let taken = stream.data.len().min(room.remaining());
            room.put_slice(&stream.data[..taken]);
            stream.data.advance(taken);
            // Fails for a stream that is gone, and then does not matter.
            let _ = stream.receive.flow_control().release_capacity(taken);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.get_mut().poll_part(context, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let stream = self.get_mut();
        let mut written = 0;
        for part in parts.iter().filter(|part| !part.is_empty()) {
            match stream.poll_part(context, part) {
                Poll::Ready(Ok(taken)) => {
                    written += taken;
                    if taken < part.len() {
                        break;
                    }
                }
                _ if written > 0 => break,
                failed => return failed,
            }
        }
        Poll::Ready(Ok(written))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.get_mut().let_go())
    }

    fn poll_shutdown(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.get_mut().end(&[]))
    }
}

impl Source for Stream {
    fn take_trailers(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.trailers)
    }
}

impl Sink for Stream {
    fn frames_messages(&self) -> bool {
        true
    }

    fn ahead_bytes_max(&self) -> usize {
        self.outbox.ahead_bytes_max()
    }

    fn poll_end(&mut self, _context: &mut Context<'_>, trailers: &[u8]) -> Poll<io::Result<()>> {
        Poll::Ready(self.end(trailers))
    }
}

impl Transport for Stream {
    fn reset_on_close(&mut self) {
        self.outlet.reset(Reason::INTERNAL_ERROR);
    }
}
