//! Body bytes on their way to a client: what waits in the codec, and how much of it may.
//!
//! The codec bounds what one stream may leave with it. A client with a hundred streams and large
//! windows that does not read makes a hundred times that, so there is a bound for all of them.
//!
//! On the request path.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use bytes::Buf;

use super::names::Names;
use crate::buffer::{LARGE_BYTES, MODEST_BYTES, SMALL_BYTES};
use crate::worker::Worker;

/// Longest piece in bytes: one frame.
pub(super) const PIECE_BYTES_MAX: usize = 16 * 1024;
/// Bytes of all streams of a connection that may wait for the client. They only have to last from one
/// write to the next: what is on its way is in the socket.
const QUEUED_BYTES_MAX: usize = 256 * 1024;

/// Streams of a connection up to which each response may be read in large steps. A hundred of them
/// would have 25 MB in hand for a client that takes nothing.
const EAGER_STREAMS_MAX: usize = 2;

/// Streams of a connection up to which each response is read in ordinary steps.
const USUAL_STREAMS_MAX: usize = 64;

/// What waits for one client.
#[derive(Debug)]
pub(super) struct Outbox {
    worker: Rc<Worker>,
    streams: Cell<usize>,
    queued: Cell<usize>,
    /// Streams that wait for room; each is in it once at most, as it only waits when polled.
    waiting: RefCell<Vec<Waker>>,
}

impl Outbox {
    pub(super) fn new(worker: Rc<Worker>) -> Rc<Self> {
        Rc::new(Self {
            worker,
            streams: Cell::new(0),
            queued: Cell::new(0),
            waiting: RefCell::default(),
        })
    }

    /// The names of fields that have been sent.
    pub(super) fn names(&self) -> &Names {
        &self.worker.field_names
    }

    /// Counts a stream as one that has something to send.
    pub(super) fn enter(&self) {
        self.streams.set(self.streams.get() + 1);
    }

    /// Counts it no more.
    pub(super) fn leave(&self) {
        self.streams.set(self.streams.get() - 1);
    }

    /// Most bytes to read ahead for one stream.
    pub(super) fn ahead_bytes_max(&self) -> usize {
        let streams = self.streams.get();
        if streams <= EAGER_STREAMS_MAX {
            LARGE_BYTES
        } else if streams <= USUAL_STREAMS_MAX {
            SMALL_BYTES
        } else {
            MODEST_BYTES
        }
    }

    /// Ready when another piece may be made.
    pub(super) fn poll_room(&self, context: &Context<'_>) -> Poll<()> {
        if self.queued.get() < QUEUED_BYTES_MAX {
            return Poll::Ready(());
        }
        let mut waiting = self.waiting.borrow_mut();
        if !waiting.iter().any(|waker| waker.will_wake(context.waker())) {
            waiting.push(context.waker().clone());
        }
        Poll::Pending
    }

    /// A copy of bytes; none for an end without data.
    pub(super) fn piece(self: &Rc<Self>, bytes: &[u8]) -> Piece {
        let mut storage = Vec::new();
        if !bytes.is_empty() {
            storage = self.worker.buffers.take_scratch();
            storage.extend_from_slice(bytes);
            self.queued.set(self.queued.get() + bytes.len());
        }
        Piece { storage, at: 0, outbox: Rc::clone(self) }
    }
}

/// A part of a body.
#[derive(Debug)]
pub(super) struct Piece {
    storage: Vec<u8>,
    at: usize,
    outbox: Rc<Outbox>,
}

impl Buf for Piece {
    fn remaining(&self) -> usize {
        self.storage.len() - self.at
    }

    fn chunk(&self) -> &[u8] {
        &self.storage[self.at..]
    }

    fn advance(&mut self, count: usize) {
        self.at += count;
        debug_assert!(self.at <= self.storage.len(), "advanced beyond the end");
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        if self.storage.is_empty() {
            return;
        }
        let Outbox { worker, queued, waiting, .. } = &*self.outbox;
        queued.set(queued.get() - self.storage.len());
        worker.buffers.give_scratch(std::mem::take(&mut self.storage));
        if queued.get() < QUEUED_BYTES_MAX {
            waiting.borrow_mut().drain(..).for_each(Waker::wake);
        }
    }
}
