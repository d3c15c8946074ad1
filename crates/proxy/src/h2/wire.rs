//! The bytes of a client's HTTP/2 connection on their way to and from the codec.
//!
//! Three things happen here that the codec knows nothing of. What is read is counted, so that
//! floods end ([`super::floods`]). It is read in turns, so that requests are taken up, and others
//! get the thread, while a client sends without a pause. And what is written is put together: the
//! frames of all streams that had something to say leave in one system call.
//!
//! On the request path.

use std::cell::RefCell;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use arrayvec::ArrayVec;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use super::floods::{Flood, Floods};
use crate::buffer::Buffer;
use crate::worker::Worker;

/// Bytes read in a turn. The requests in them are taken up, and their decoded fields freed, before
/// more is read: compression makes a megabyte of fields from them at most.
const TURN_BYTES_MAX: usize = 32 * 1024;
/// Bytes put together for one write, at most. More would leave the processor's first cache.
const OUT_BYTES_MAX: usize = 16 * 1024;
/// From this size on bytes are written where they are: then copying them costs more than a system
/// call saves.
const DIRECT_BYTES_MIN: usize = 4 * 1024;
/// Pieces of one write: the codec gives a frame's head and payload, behind what was put together.
const PIECES_MAX: usize = 8;

/// A connection's bytes. One handle is the codec's, the other its owner's.
#[derive(Debug)]
pub(super) struct Wire<I>(Rc<RefCell<Inner<I>>>);

impl<I> Clone for Wire<I> {
    fn clone(&self) -> Self {
        Self(Rc::clone(&self.0))
    }
}

#[derive(Debug)]
struct Inner<I> {
    io: I,
    /// What was read before the protocol was known.
    input: Buffer,
    worker: Rc<Worker>,
    floods: Floods,
    flood: Option<Flood>,
    start: Instant,
    turn_left: usize,
    is_paused: bool,
    /// Put together and not written yet. Only holds storage while there is something in it.
    out: Vec<u8>,
    out_sent: usize,
    needs_flush: bool,
    is_blocked: bool,
    /// Grows whenever the client takes something.
    progress: u64,
}

impl<I: AsyncRead + AsyncWrite + Unpin> Wire<I> {
    pub(super) fn new(io: I, input: Buffer, worker: Rc<Worker>) -> Self {
        Self(Rc::new(RefCell::new(Inner {
            io,
            input,
            worker,
            floods: Floods::new(),
            flood: None,
            start: Instant::now(),
            turn_left: TURN_BYTES_MAX,
            is_paused: false,
            out: Vec::new(),
            out_sent: 0,
            needs_flush: false,
            is_blocked: false,
            progress: 0,
        })))
    }

    /// Lets a turn's worth be read again, or nothing while there are too many requests to see to.
    pub(super) fn begin_turn(&self, is_paused: bool) {
        let mut inner = self.0.borrow_mut();
        inner.turn_left = TURN_BYTES_MAX;
        inner.is_paused = is_paused;
    }

    /// The flood that was seen, after which nothing more is read.
    pub(super) fn flood(&self) -> Option<Flood> {
        self.0.borrow().flood
    }

    /// Notes that so many requests were answered to the end.
    pub(super) fn answered(&self, requests: u32) {
        if requests > 0 {
            self.0.borrow_mut().floods.answered(requests);
        }
    }

    /// The header block that has begun and not ended, by its number.
    pub(super) fn open_block(&self) -> Option<u64> {
        self.0.borrow().floods.open_block()
    }

    /// While the client takes nothing of what there is for it: how far it has come.
    pub(super) fn stalled_at(&self) -> Option<u64> {
        let inner = self.0.borrow();
        inner.is_blocked.then_some(inner.progress)
    }

    /// Writes what was put together.
    pub(super) fn poll_send(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.borrow_mut().poll_send(context)
    }

    /// Reads and forgets. Ready with the number of bytes; none at the end.
    pub(super) fn poll_discard(&self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let mut bytes = [0; 2048];
        let mut room = ReadBuf::new(&mut bytes);
        ready!(Pin::new(&mut self.0.borrow_mut().io).poll_read(context, &mut room))?;
        Poll::Ready(Ok(room.filled().len()))
    }
}

impl<I: AsyncRead + AsyncWrite + Unpin> Inner<I> {
    fn note(&mut self, result: Result<(), Flood>) {
        if let Err(flood) = result {
            self.flood.get_or_insert(flood);
        }
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn poll_read(
        &mut self,
        context: &mut Context<'_>,
        room: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.input.is_empty() {
            return Pin::new(&mut self.io).poll_read(context, room);
        }
        let bytes = self.input.filled().len().min(room.remaining());
        room.put_slice(&self.input.filled()[..bytes]);
        self.input.consume(bytes);
        self.input.release(&self.worker.buffers);
        Poll::Ready(Ok(()))
    }

    fn note_written(&mut self, written: &Poll<io::Result<usize>>) {
        self.is_blocked = written.is_pending();
        if let Poll::Ready(Ok(1..)) = written {
            self.progress += 1;
            self.needs_flush = true;
        }
    }

    /// Counts the first bytes of some pieces as sent.
    fn count_sent(&mut self, parts: &[IoSlice<'_>], mut bytes: usize) {
        let now_ms = self.now_ms();
        for part in parts {
            let sent = part.len().min(bytes);
            let counted = self.floods.send(&part[..sent], now_ms);
            self.note(counted);
            bytes -= sent;
        }
    }

    fn poll_send(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.out_sent < self.out.len() {
            let written = Pin::new(&mut self.io).poll_write(context, &self.out[self.out_sent..]);
            self.note_written(&written);
            self.advance(ready!(written)?)?;
        }
        if self.needs_flush {
            // TLS takes some before the socket does.
            let flushed = Pin::new(&mut self.io).poll_flush(context);
            self.is_blocked = flushed.is_pending();
            ready!(flushed)?;
            self.needs_flush = false;
        }
        Poll::Ready(Ok(()))
    }

    /// Notes that some of what was put together is out.
    fn advance(&mut self, bytes: usize) -> io::Result<()> {
        if bytes == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        self.out_sent += bytes;
        if self.out_sent == self.out.len() {
            self.out_sent = 0;
            self.worker.buffers.give_scratch(std::mem::take(&mut self.out));
        }
        Ok(())
    }

    fn poll_write(
        &mut self,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let bytes = parts.iter().map(|part| part.len()).sum::<usize>();
        if bytes < DIRECT_BYTES_MIN {
            if self.out.len() + bytes > OUT_BYTES_MAX {
                ready!(self.poll_send(context))?;
            }
            if self.out.capacity() == 0 {
                self.out = self.worker.buffers.take_scratch();
            }
            parts.iter().for_each(|part| self.out.extend_from_slice(part));
            self.count_sent(parts, bytes);
            return Poll::Ready(Ok(bytes));
        }
        loop {
            let held = self.out.len() - self.out_sent;
            let written = if held == 0 {
                Pin::new(&mut self.io).poll_write_vectored(context, parts)
            } else {
                let mut all = ArrayVec::<_, PIECES_MAX>::new();
                all.push(IoSlice::new(&self.out[self.out_sent..]));
                all.extend(parts.iter().take(PIECES_MAX - 1).map(|part| IoSlice::new(part)));
                Pin::new(&mut self.io).poll_write_vectored(context, &all)
            };
            self.note_written(&written);
            let written = ready!(written)?;
            if held > 0 {
                self.advance(written.min(held))?;
            }
            if written > held || held == 0 {
                self.count_sent(parts, written - held);
                return Poll::Ready(Ok(written - held));
            }
        }
    }
}

impl<I: AsyncRead + AsyncWrite + Unpin> AsyncRead for Wire<I> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        room: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut inner = self.0.borrow_mut();
        // The owner looks at both after each poll, and wakes the codec when it may go on.
        if inner.flood.is_some() || inner.is_paused {
            return Poll::Pending;
        }
        if inner.turn_left == 0 {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let before = room.filled().len();
        ready!(inner.poll_read(context, room))?;
        let read = &room.filled()[before..];
        inner.turn_left = inner.turn_left.saturating_sub(read.len());
        let now_ms = inner.now_ms();
        let counted = inner.floods.receive(read, now_ms);
        inner.note(counted);
        Poll::Ready(Ok(()))
    }
}

impl<I: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Wire<I> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.0.borrow_mut().poll_write(context, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.0.borrow_mut().poll_write(context, parts)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    /// Does nothing: the owner writes once the codec has nothing more to say.
    fn poll_flush(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut inner = self.0.borrow_mut();
        ready!(inner.poll_send(context))?;
        Pin::new(&mut inner.io).poll_shutdown(context)
    }
}
