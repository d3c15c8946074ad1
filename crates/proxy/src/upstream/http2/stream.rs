//! One request and its response on an HTTP/2 connection, in the form of HTTP/1.1.
//!
//! What is written is taken apart: the head, held back until it is known whether a body follows,
//! then the body. What is read is put together: heads, interim ones included, then the body to its
//! end. The endpoint may send one window more than was read. Dropped before its end, the stream is
//! cancelled.
//!
//! On the request path.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use h2::client::ResponseFuture;
use h2::{RecvStream, SendStream};
use http::Request;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::fate::Fate;
use super::message;
use super::session::Slot;
use crate::transport::{Sink, Source};

/// How much of a body is handed to the connection at once. More would be copied before there is
/// a window for it.
const WRITE_BYTES_MAX: usize = 64 * 1024;

/// A stream, or one to be.
#[derive(Debug)]
pub(crate) struct Stream {
    request: Outgoing,
    response: Incoming,
    /// What was received and not read yet.
    unread: Bytes,
    /// Whether that is a part of the body, which the endpoint waits to be read.
    owes_window: bool,
    trailers: Vec<u8>,
    fate: Option<Fate>,
    slot: Slot,
}

/// How far the request is.
///
/// ```text
///  Waiting ─ head written ─▶ Head ─ body or flush ─▶ Body ─▶ Ended
///                             └─────── no body ──────────────▲
/// ```
#[derive(Debug)]
enum Outgoing {
    Waiting,
    Head(Box<Request<()>>),
    Body(SendStream<Bytes>),
    Ended,
}

/// How far the response is.
#[derive(Debug)]
enum Incoming {
    /// The request has not left.
    Waiting,
    Head(ResponseFuture),
    Body(RecvStream),
    Ended,
}

impl Stream {
    pub(super) fn new(slot: Slot) -> Self {
        Self {
            request: Outgoing::Waiting,
            response: Incoming::Waiting,
            unread: Bytes::new(),
            owes_window: false,
            trailers: Vec::new(),
            fate: None,
            slot,
        }
    }

    /// Why it ended before its response did, if it has.
    pub(crate) fn fate(&self) -> Option<Fate> {
        self.fate
    }

    /// Whether its connection had served a request before it was opened.
    pub(crate) fn is_on_proven_connection(&self) -> bool {
        self.slot.is_proven()
    }

    /// Sends the head if it is still held back.
    fn release_head(&mut self, is_all: bool) -> io::Result<()> {
        if !matches!(self.request, Outgoing::Head(_)) {
            return Ok(());
        }
        let head = std::mem::replace(&mut self.request, Outgoing::Ended);
        let Outgoing::Head(request) = head else { return Ok(()) };
        match self.slot.send(*request, is_all) {
            Ok((response, body)) => {
                self.response = Incoming::Head(response);
                if !is_all {
                    self.request = Outgoing::Body(body);
                }
                Ok(())
            }
            Err(error) => Err(self.end(Fate::unsent(&error), &error)),
        }
    }

    /// Notes how it ends.
    fn end(&mut self, fate: Fate, error: &h2::Error) -> io::Error {
        tracing::debug!(%error, ?fate, "A stream to an endpoint broke.");
        self.fate = Some(fate);
        io::Error::new(fate.kind(error), error.to_string())
    }

    /// Receives the next part of the response. Ready with `false` at its end.
    fn poll_receive(&mut self, context: &mut Context<'_>) -> Poll<io::Result<bool>> {
        if self.fate.is_some() {
            return Poll::Ready(Err(io::ErrorKind::NotConnected.into()));
        }
        match ready!(self.poll_part(context)) {
            Ok(Some(part)) => {
                self.unread = part;
                Poll::Ready(Ok(true))
            }
            Ok(None) => Poll::Ready(Ok(false)),
            Err(error) => Poll::Ready(Err(self.end(Fate::of(&error), &error))),
        }
    }

    fn poll_part(&mut self, context: &mut Context<'_>) -> Poll<Result<Option<Bytes>, h2::Error>> {
        match &mut self.response {
            // Nothing can come before the request has left; what it waits for wakes the task.
            Incoming::Waiting => Poll::Pending,
            Incoming::Head(response) => {
                if let Some(interim) = ready!(response.poll_informational(context)).transpose()? {
                    let head = message::write_response(interim.status(), interim.headers());
                    return Poll::Ready(Ok(Some(head)));
                }
                let (head, body) = ready!(Pin::new(response).poll(context))?.into_parts();
                self.slot.note_served();
                self.response = Incoming::Body(body);
                Poll::Ready(Ok(Some(message::write_response(head.status, &head.headers))))
            }
            Incoming::Body(body) => {
                if let Some(data) = ready!(body.poll_data(context)).transpose()? {
                    self.owes_window = true;
                    return Poll::Ready(Ok(Some(data)));
                }
                if let Some(fields) = ready!(body.poll_trailers(context))? {
                    self.trailers = message::write_trailers(&fields);
                }
                self.response = Incoming::Ended;
                Poll::Ready(Ok(None))
            }
            Incoming::Ended => Poll::Ready(Ok(None)),
        }
    }

    /// Copies what was received as far as there is room, and lets the endpoint send as much again.
    fn copy_into(&mut self, room: &mut ReadBuf<'_>) {
        let bytes = self.unread.len().min(room.remaining());
        room.put_slice(&self.unread.split_to(bytes));
        if let (true, Incoming::Body(body)) = (self.owes_window, &mut self.response) {
            // No more is given back than was received, so this cannot fail.
            let _ = body.flow_control().release_capacity(bytes);
            self.owes_window = !self.unread.is_empty();
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        room: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = room.filled().len();
        loop {
            if !this.unread.is_empty() {
                this.copy_into(room);
            }
            if room.remaining() == 0 {
                return Poll::Ready(Ok(()));
            }
            match this.poll_receive(context) {
                Poll::Ready(Ok(true)) => {}
                Poll::Ready(Ok(false)) => return Poll::Ready(Ok(())),
                // What was read counts first; that there was an error is remembered.
                _ if room.filled().len() > before => return Poll::Ready(Ok(())),
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}

impl AsyncWrite for Stream {
    /// Takes the head, which comes whole in the first write, and then the body.
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if matches!(this.request, Outgoing::Waiting) {
            return Poll::Ready(match message::request(bytes, this.slot.scheme()) {
                Ok(request) => {
                    this.request = Outgoing::Head(Box::new(request));
                    Ok(bytes.len())
                }
                Err(error) => {
                    this.fate = Some(Fate::Untranslatable);
                    Err(io::Error::new(io::ErrorKind::InvalidInput, error))
                }
            });
        }
        this.release_head(false)?;
        let Outgoing::Body(body) = &mut this.request else {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        };
        let wanted = bytes.len().min(WRITE_BYTES_MAX);
        body.reserve_capacity(wanted);
        while body.capacity() == 0 {
            match ready!(body.poll_capacity(context)) {
                Some(Ok(_)) => {}
                Some(Err(error)) => return Poll::Ready(Err(broken_write(&error))),
                // Reading tells why.
                None => return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
            }
        }
        let bytes = &bytes[..wanted.min(body.capacity())];
        let sent = body.send_data(Bytes::copy_from_slice(bytes), false);
        Poll::Ready(sent.map(|()| bytes.len()).map_err(|error| broken_write(&error)))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.get_mut().release_head(false))
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().poll_end(context, &[])
    }
}

/// A write that failed. What it means is said by reading.
fn broken_write(error: &h2::Error) -> io::Error {
    io::Error::new(io::ErrorKind::BrokenPipe, error.to_string())
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

    fn poll_end(&mut self, _: &mut Context<'_>, trailers: &[u8]) -> Poll<io::Result<()>> {
        self.release_head(trailers.is_empty())?;
        if let Outgoing::Body(mut body) = std::mem::replace(&mut self.request, Outgoing::Ended) {
            let ended = if trailers.is_empty() {
                body.send_data(Bytes::new(), true)
            } else {
                body.send_trailers(message::trailers(trailers))
            };
            return Poll::Ready(ended.map_err(|error| broken_write(&error)));
        }
        Poll::Ready(Ok(()))
    }
}
