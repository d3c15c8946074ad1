//! Moves one message (a head and its body) from one peer to the other, with back-pressure: nothing
//! is read while something waits to be written, so what is held is one buffer.
//!
//! The body is re-framed on the way. What arrives chunked is decoded and leaves in our own chunks,
//! so that no leniency of ours can become a smuggled request on the other side. A long body that
//! is the same on both sides goes through [`super::splice`] where both are plain sockets.
//!
//! On the request path. Cancel safe: all state is in the value, a dropped poll loses nothing.

use std::fmt;
use std::io::{self, IoSlice};
use std::ops::Range;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use evenkeel_h1::{ChunkError, ChunkedDecoder, LAST_CHUNK, chunk_head};
use tokio::net::TcpStream;

use super::splice::{Splice, Spliced};
use crate::buffer::{Buffer, BufferPool, Filled, SMALL_BYTES};
use crate::transport::{Sink, Source};

/// How much of a body is kept so that it can be sent again (behaviour.md 5.2). Calls between
/// programs are smaller; of anything larger only the sender has another copy.
const KEPT_BYTES_MAX: usize = 64 * 1024;

/// Bodies with less to come are copied: what splicing saves them is less than the pipe costs.
const SPLICED_BYTES_MIN: u64 = 64 * 1024;

/// How the end of a body is recognised where it comes from.
#[derive(Debug)]
pub(crate) enum BodyFrom {
    /// So many bytes are still to come; 0 for no body.
    Length(u64),
    /// By its chunks.
    Chunked(Box<ChunkedDecoder>),
    /// By the end of the connection.
    UntilClose,
    /// By the transport, which may have trailers then.
    Framed,
}

/// How the end of a body is shown where it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BodyTo {
    /// The head says it, or closing the connection does.
    Plain,
    /// By chunks.
    Chunked,
    /// By the transport.
    Framed,
}

/// Why a message could not be moved whole.
#[derive(Debug)]
pub(crate) enum PumpError {
    /// Reading failed.
    Read(io::Error),
    /// The sender closed before the body's end.
    Truncated,
    /// The sender broke the chunked coding.
    Malformed(ChunkError),
    /// The body is longer than it may be.
    TooLong,
    /// Writing failed.
    Write(io::Error),
}

impl fmt::Display for PumpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(error) => write!(f, "reading failed: {error}"),
            Self::Truncated => f.write_str("the sender closed before the end of its message"),
            Self::Malformed(error) => error.fmt(f),
            Self::TooLong => f.write_str("the body is longer than it may be"),
            Self::Write(error) => write!(f, "writing failed: {error}"),
        }
    }
}

/// What a pump that is not done waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Waiting {
    /// More from the sender.
    Read,
    /// Room at the receiver.
    Write,
    /// Nothing: it is done.
    Done,
}

/// One message on its way.
#[derive(Debug)]
pub(crate) struct Pump {
    from: BodyFrom,
    to: BodyTo,
    /// Goes out before the data: the head at first, later chunk heads.
    before: Vec<u8>,
    before_sent: usize,
    /// The data on its way, as a place in the sender's buffer.
    data: Range<usize>,
    /// How much of the sender's buffer is used up once the data is out.
    used: usize,
    /// Goes out after the data: ends of chunks and trailers.
    after: Vec<u8>,
    after_sent: usize,
    /// Goes with the end of a framed message.
    trailers: Vec<u8>,
    /// All that was taken of the body, while it can still be sent again.
    kept: Option<Vec<u8>>,
    /// How much of a body is still let through.
    allowed: u64,
    has_whole_body: bool,
    waiting: Waiting,
    has_written: bool,
    is_stopped: bool,
    has_shut_down: bool,
    moved: u64,
    counts: Counts,
    has_taken_body: bool,
    splice: Splice,
    splicing: Splicing,
}

/// Whether the body is moved without being looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Splicing {
    /// Not now: too little comes, or it comes in small pieces.
    Off,
    On,
    /// It cannot be.
    Refused,
}

/// What a pump has moved since it was last asked, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Taken of the body, without the sender's framing.
    pub(crate) taken: u64,
    /// Written: head, body and our framing.
    pub(crate) written: u64,
}

impl Pump {
    /// A message whose head is written out already and whose body is still to be read.
    pub(crate) fn new(head: Vec<u8>, from: BodyFrom, to: BodyTo) -> Self {
        let has_whole_body = matches!(from, BodyFrom::Length(0));
        Self {
            from,
            to,
            before: head,
            before_sent: 0,
            data: 0..0,
            used: 0,
            after: Vec::new(),
            after_sent: 0,
            trailers: Vec::new(),
            kept: None,
            allowed: u64::MAX,
            has_whole_body,
            waiting: Waiting::Write,
            has_written: false,
            is_stopped: false,
            has_shut_down: false,
            moved: 0,
            counts: Counts::default(),
            has_taken_body: false,
            splice: Splice::default(),
            splicing: Splicing::Off,
        }
    }

    /// The same, keeping the start of a body that the transport frames, so that it can be sent
    /// again.
    pub(crate) fn keeping_body(mut self) -> Self {
        self.kept = (self.to == BodyTo::Framed).then(Vec::new);
        self
    }

    /// The same, for a body no longer than this.
    pub(crate) fn up_to(mut self, bytes: u64) -> Self {
        self.allowed = bytes;
        self
    }

    /// Whether the message is for a transport that frames messages.
    pub(crate) fn is_framed(&self) -> bool {
        self.to == BodyTo::Framed
    }

    /// Gives up on the rest of the message: its receiver wants no more, or its sender is gone.
    pub(crate) fn stop(&mut self) {
        self.is_stopped = true;
        self.waiting = Waiting::Done;
    }

    /// Whether the message was given up. Then neither connection may carry another.
    pub(crate) fn is_stopped(&self) -> bool {
        self.is_stopped
    }

    /// Whether the message can be sent again from its start, on another connection.
    pub(crate) fn can_rewind(&self) -> bool {
        !self.has_written || !self.has_taken_body || self.kept.is_some()
    }

    /// Starts over, for another connection. Only when [`Self::can_rewind`] says so.
    pub(crate) fn rewind(&mut self) {
        debug_assert!(self.can_rewind(), "a body is read once");
        self.before_sent = 0;
        if let Some(kept) = &self.kept {
            // Among it is what has not left the sender's buffer yet.
            self.after.clone_from(kept);
            self.after_sent = 0;
            self.data = 0..0;
        }
        self.is_stopped = false;
        self.has_written = false;
        self.waiting = Waiting::Write;
    }

    /// What it waits for.
    pub(crate) fn waiting(&self) -> Waiting {
        self.waiting
    }

    /// Whether all that was taken of the body is still at hand.
    pub(crate) fn has_all(&self) -> bool {
        !self.has_taken_body || self.kept.is_some()
    }

    /// Gives a message that starts over another head, for another receiver.
    pub(crate) fn replace_head(&mut self, head: Vec<u8>) {
        debug_assert!(!self.has_written, "nothing has left");
        self.before = head;
    }

    /// Gives a message that starts over to a transport that does not frame messages: what was taken
    /// of its body goes right behind the head. It is not kept for another time.
    pub(crate) fn reframe(&mut self, head: Vec<u8>, to: BodyTo) {
        debug_assert!(self.is_framed() && self.has_all(), "what has left is framed already");
        self.replace_head(head);
        self.to = to;
        let body = self.kept.take().unwrap_or_default();
        self.after_sent = 0;
        if to == BodyTo::Plain {
            self.after = body;
            return;
        }
        self.after.clear();
        if !body.is_empty() {
            let mut storage = [0; 18];
            self.after.extend_from_slice(chunk_head(body.len() as u64, &mut storage));
            self.after.extend_from_slice(&body);
            self.after.extend_from_slice(b"\r\n");
        }
        if self.has_whole_body {
            self.end_chunks();
        }
    }

    /// Whether the whole message is out.
    pub(crate) fn is_done(&self) -> bool {
        self.waiting == Waiting::Done && !self.is_stopped
    }

    /// Grows whenever something was read or written: progress, for time limits.
    pub(crate) fn moved(&self) -> u64 {
        self.moved
    }

    /// What was moved since the last call.
    pub(crate) fn take_counts(&mut self) -> Counts {
        std::mem::take(&mut self.counts)
    }

    /// Whether a part of the body, be it only its framing, has left the sender's buffer or is
    /// about to.
    pub(crate) fn has_taken_body(&self) -> bool {
        self.has_taken_body
    }

    /// Whether any byte went out.
    pub(crate) fn has_written(&self) -> bool {
        self.has_written
    }

    /// The head's storage, for its next use. The message cannot be sent again without.
    pub(crate) fn take_storage(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.before)
    }

    /// Moves as much as goes without waiting. Ready when the whole message is out.
    pub(crate) fn poll<R, W>(
        &mut self,
        context: &mut Context<'_>,
        sender: &mut R,
        input: &mut Buffer,
        receiver: &mut W,
        pool: &BufferPool,
    ) -> Poll<Result<(), PumpError>>
    where
        R: Source,
        W: Sink,
    {
        loop {
            if !self.has_whole_body && self.used == 0 {
                self.take_from(input)?;
            }
            self.waiting = Waiting::Write;
            ready!(self.poll_write(context, input, receiver))?;
            ready!(self.poll_drain(context, receiver))?;
            if self.has_whole_body && self.used == 0 {
                self.splice.release(&pool.pipes);
                let ended = match self.to {
                    BodyTo::Framed => receiver.poll_end(context, &self.trailers),
                    BodyTo::Plain | BodyTo::Chunked => Pin::new(&mut *receiver).poll_flush(context),
                };
                ready!(ended).map_err(PumpError::Write)?;
                self.waiting = Waiting::Done;
                return Poll::Ready(Ok(()));
            }
            self.waiting = Waiting::Read;
            if self.is_for_splicing(input)
                && receiver.socket().is_some()
                && let Some(socket) = sender.socket()
            {
                input.release(pool);
                ready!(self.poll_splice(context, socket, pool))?;
                continue;
            }
            self.splice.release(&pool.pipes);
            let ahead = receiver.ahead_bytes_max();
            let Poll::Ready(filled) = input.poll_fill(context, sender, pool, ahead) else {
                // What the transport holds back must not wait for what is still to come.
                return match Pin::new(&mut *receiver).poll_flush(context) {
                    Poll::Ready(Err(error)) => Poll::Ready(Err(PumpError::Write(error))),
                    _ => Poll::Pending,
                };
            };
            match (filled.map_err(PumpError::Read)?, &self.from) {
                (Filled::Bytes(_), _) => self.moved += 1,
                (Filled::End, BodyFrom::UntilClose) => self.end(),
                (Filled::End, BodyFrom::Framed) => {
                    self.trailers = sender.take_trailers();
                    self.end();
                }
                (Filled::End | Filled::Full, _) => {
                    return Poll::Ready(Err(PumpError::Truncated));
                }
            }
        }
    }

    /// As [`Self::poll`], and passes the sender's end on: for tunnels, whose sides end one by one.
    pub(crate) fn poll_through<R, W>(
        &mut self,
        context: &mut Context<'_>,
        sender: &mut R,
        input: &mut Buffer,
        receiver: &mut W,
        pool: &BufferPool,
    ) -> Poll<Result<(), PumpError>>
    where
        R: Source,
        W: Sink,
    {
        if !self.is_done() {
            ready!(self.poll(context, sender, input, receiver, pool))?;
        }
        if !self.has_shut_down {
            ready!(Pin::new(receiver).poll_shutdown(context)).map_err(PumpError::Write)?;
            self.has_shut_down = true;
        }
        Poll::Ready(Ok(()))
    }

    /// Takes what the buffer holds of the body.
    fn take_from(&mut self, input: &mut Buffer) -> Result<(), PumpError> {
        let held = input.filled().len();
        if held == 0 {
            return Ok(());
        }
        match &mut self.from {
            BodyFrom::Length(left) => {
                let taken = usize::try_from(*left).map_or(held, |left| left.min(held));
                *left -= taken as u64;
                self.has_whole_body = *left == 0;
                self.data = 0..taken;
                self.used = taken;
            }
            BodyFrom::UntilClose | BodyFrom::Framed => {
                self.data = 0..held;
                self.used = held;
            }
            BodyFrom::Chunked(decoder) => {
                let mut data = 0..0;
                let mut used = 0;
                while !self.has_whole_body && used < held {
                    let step =
                        decoder.step(&input.filled()[used..]).map_err(PumpError::Malformed)?;
                    if step.consumed == 0 {
                        break;
                    }
                    let piece = used + step.data.start..used + step.data.end;
                    used += step.consumed;
                    self.has_whole_body = step.done;
                    if data.is_empty() {
                        data = piece;
                    } else if !piece.is_empty() {
                        // Small chunks are pushed together, so that they leave in one write.
                        let bytes = piece.len();
                        input.move_within(piece, data.end);
                        data.end += bytes;
                    }
                }
                self.data = data;
                self.used = used;
            }
        }
        if self.used > 0 {
            self.note_taken(self.data.len())?;
        }
        if let Some(kept) = &mut self.kept {
            let data = &input.filled()[self.data.clone()];
            if kept.len() + data.len() <= KEPT_BYTES_MAX {
                kept.extend_from_slice(data);
            } else {
                self.kept = None;
            }
        }
        self.frame();
        Ok(())
    }

    /// Notes the end of a body that the transport shows.
    fn end(&mut self) {
        self.has_whole_body = true;
        self.frame();
    }

    fn frame(&mut self) {
        match self.to {
            BodyTo::Plain => return,
            BodyTo::Framed => {
                if let (true, BodyFrom::Chunked(decoder)) = (self.has_whole_body, &self.from) {
                    self.trailers = decoder.trailers().to_vec();
                }
                return;
            }
            BodyTo::Chunked => {}
        }
        if !self.data.is_empty() {
            let mut storage = [0; 18];
            self.before.extend_from_slice(chunk_head(self.data.len() as u64, &mut storage));
            self.after.extend_from_slice(b"\r\n");
        }
        if self.has_whole_body {
            self.end_chunks();
        }
    }

    /// Writes what comes behind the last chunk with data.
    fn end_chunks(&mut self) {
        self.after.extend_from_slice(LAST_CHUNK);
        self.after.extend_from_slice(match &self.from {
            BodyFrom::Chunked(decoder) => decoder.trailers(),
            _ => &self.trailers,
        });
        self.after.extend_from_slice(b"\r\n");
    }

    /// Whether what comes next is to be spliced, where the transports are such that it can be.
    fn is_for_splicing(&mut self, input: &Buffer) -> bool {
        let is_worth_it = match (&self.from, self.splicing) {
            _ if self.to != BodyTo::Plain => false,
            (_, Splicing::Refused) | (BodyFrom::Chunked(_) | BodyFrom::Framed, _) => false,
            (_, Splicing::On) => true,
            (BodyFrom::Length(left), Splicing::Off) => *left >= SPLICED_BYTES_MIN,
            // How much is to come is not known; a full buffer is a sign of much.
            (BodyFrom::UntilClose, Splicing::Off) => input.is_hot(),
        };
        // What was read with a head, or before the peer became quick, goes out first.
        is_worth_it && input.is_empty()
    }

    /// Takes some of the body into the pipe.
    fn poll_splice(
        &mut self,
        context: &mut Context<'_>,
        sender: &TcpStream,
        pool: &BufferPool,
    ) -> Poll<Result<(), PumpError>> {
        let max = match self.from {
            BodyFrom::Length(left) => left,
            _ => u64::MAX,
        };
        self.splicing = Splicing::On;
        let spliced = ready!(self.splice.poll_fill(context, sender, &pool.pipes, max));
        match (spliced.map_err(PumpError::Read)?, &mut self.from) {
            (Spliced::Bytes(bytes), from) => {
                if let BodyFrom::Length(left) = from {
                    *left -= bytes as u64;
                    self.has_whole_body = *left == 0;
                } else if bytes < SMALL_BYTES {
                    // Small messages are copied, in fewer calls.
                    self.splicing = Splicing::Off;
                }
                self.moved += 1;
                self.note_taken(bytes)?;
            }
            (Spliced::End, BodyFrom::UntilClose) => self.end(),
            (Spliced::End, _) => return Poll::Ready(Err(PumpError::Truncated)),
            (Spliced::Refused, _) => self.splicing = Splicing::Refused,
        }
        Poll::Ready(Ok(()))
    }

    /// Sends on what is in the pipe.
    fn poll_drain<W: Sink>(
        &mut self,
        context: &mut Context<'_>,
        receiver: &W,
    ) -> Poll<Result<(), PumpError>> {
        while self.splice.held() > 0
            && let Some(socket) = receiver.socket()
        {
            let sent = self.splice.poll_drain(context, socket);
            let sent = ready!(sent).map_err(PumpError::Write)?;
            self.moved += 1;
            self.counts.written += sent as u64;
            self.has_written = true;
        }
        Poll::Ready(Ok(()))
    }

    /// Counts a piece of the body that was taken from the sender.
    fn note_taken(&mut self, bytes: usize) -> Result<(), PumpError> {
        self.has_taken_body = true;
        self.counts.taken += bytes as u64;
        self.allowed = self.allowed.checked_sub(bytes as u64).ok_or(PumpError::TooLong)?;
        Ok(())
    }

    fn poll_write<W: Sink>(
        &mut self,
        context: &mut Context<'_>,
        input: &mut Buffer,
        receiver: &mut W,
    ) -> Poll<Result<(), PumpError>> {
        loop {
            let before = &self.before[self.before_sent..];
            let data = &input.filled()[self.data.clone()];
            let after = &self.after[self.after_sent..];
            let receiver = Pin::new(&mut *receiver);
            let written = match (before, data, after) {
                ([], [], []) => break,
                (only, [], []) | ([], only, []) | ([], [], only) => {
                    receiver.poll_write(context, only)
                }
                _ => {
                    let parts = [IoSlice::new(before), IoSlice::new(data), IoSlice::new(after)];
                    receiver.poll_write_vectored(context, &parts)
                }
            };
            let mut written = ready!(written).map_err(PumpError::Write)?;
            if written == 0 {
                return Poll::Ready(Err(PumpError::Write(io::ErrorKind::WriteZero.into())));
            }
            self.moved += 1;
            self.counts.written += written as u64;
            self.has_written = true;
            let part = written.min(before.len());
            self.before_sent += part;
            written -= part;
            let part = written.min(data.len());
            self.data.start += part;
            self.after_sent += written - part;
        }
        // The head's storage is kept for chunk heads; what was sent is forgotten.
        if self.used > 0 || !self.after.is_empty() {
            if self.kept.is_none() {
                self.before.clear();
                self.before_sent = 0;
            }
            self.after.clear();
            self.after_sent = 0;
        }
        input.consume(self.used);
        self.used = 0;
        self.data = 0..0;
        Poll::Ready(Ok(()))
    }
}
