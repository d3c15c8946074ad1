//! Read buffers, lent from a per-worker pool only while there is something in them.
//!
//! A connection that waits holds no buffer: one is borrowed for each read attempt and given back
//! when nothing came. Ten thousand idle connections then cost their tasks and sockets only.
//!
//! On the request path.

use std::cell::RefCell;
use std::io;
use std::ops::Range;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, ReadBuf};

use crate::relay::splice::Pipes;

/// Size of an ordinary buffer in bytes: a usual head and a small body in one read.
pub(crate) const SMALL_BYTES: usize = 16 * 1024;
/// Size of a buffer for large bodies in bytes. Reads this large cost half of what 16 KiB reads do,
/// per byte; larger ones gain nothing, as the socket's own buffer holds no more.
pub(crate) const LARGE_BYTES: usize = 256 * 1024;
/// Size of a buffer where many wait for one peer, in bytes.
pub(crate) const MODEST_BYTES: usize = 4 * 1024;
/// Initial size of a buffer for a head about to be written, in bytes: a usual one fits.
const SCRATCH_BYTES: usize = 4 * 1024;
/// Free buffers kept per worker; more are given back to the allocator.
const SMALL_FREE_MAX: usize = 256;
const LARGE_FREE_MAX: usize = 16;
const MODEST_FREE_MAX: usize = 256;

/// One worker's free buffers.
#[derive(Debug, Default)]
pub(crate) struct BufferPool {
    small: RefCell<Vec<Vec<u8>>>,
    large: RefCell<Vec<Vec<u8>>>,
    modest: RefCell<Vec<Vec<u8>>>,
    scratch: RefCell<Vec<Vec<u8>>>,
    /// What takes the place of buffers where bytes are not looked at.
    pub(crate) pipes: Pipes,
}

impl BufferPool {
    fn take(&self, large: bool) -> Vec<u8> {
        let (free, bytes) =
            if large { (&self.large, LARGE_BYTES) } else { (&self.small, SMALL_BYTES) };
        free.borrow_mut().pop().unwrap_or_else(|| vec![0; bytes])
    }

    fn take_modest(&self) -> Vec<u8> {
        self.modest.borrow_mut().pop().unwrap_or_else(|| vec![0; MODEST_BYTES])
    }

    fn give(&self, storage: Vec<u8>) {
        let (free, max) = match storage.len() {
            SMALL_BYTES => (&self.small, SMALL_FREE_MAX),
            LARGE_BYTES => (&self.large, LARGE_FREE_MAX),
            MODEST_BYTES => (&self.modest, MODEST_FREE_MAX),
            _ => return,
        };
        let mut free = free.borrow_mut();
        if free.len() < max {
            free.push(storage);
        }
    }

    /// An empty growable buffer for a head about to be written.
    pub(crate) fn take_scratch(&self) -> Vec<u8> {
        self.scratch.borrow_mut().pop().unwrap_or_else(|| Vec::with_capacity(SCRATCH_BYTES))
    }

    /// Gives one back.
    pub(crate) fn give_scratch(&self, mut scratch: Vec<u8>) {
        let mut free = self.scratch.borrow_mut();
        if (SCRATCH_BYTES..=SMALL_BYTES).contains(&scratch.capacity())
            && free.len() < SMALL_FREE_MAX
        {
            scratch.clear();
            free.push(scratch);
        }
    }
}

/// Bytes read from a peer and not used yet.
#[derive(Debug, Default)]
pub(crate) struct Buffer {
    storage: Vec<u8>,
    start: usize,
    end: usize,
    /// The last read filled all the room it had: the peer has more.
    is_hot: bool,
    /// Whether to make do with [`MODEST_BYTES`] at first.
    is_modest: bool,
}

/// What a read attempt brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Filled {
    /// This many bytes.
    Bytes(usize),
    /// The peer will send nothing more.
    End,
    /// There is no room below the bound the caller set.
    Full,
}

impl Buffer {
    /// Holds these bytes, and their storage until they are used.
    pub(crate) fn holding(bytes: Vec<u8>) -> Self {
        Self { end: bytes.len(), storage: bytes, start: 0, is_hot: false, is_modest: false }
    }

    /// The unused bytes.
    pub(crate) fn filled(&self) -> &[u8] {
        &self.storage[self.start..self.end]
    }

    /// Whether nothing is left to use.
    pub(crate) fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// Whether the peer had more to say than the last read took.
    pub(crate) fn is_hot(&self) -> bool {
        self.is_hot
    }

    /// Marks bytes as used.
    pub(crate) fn consume(&mut self, bytes: usize) {
        self.start += bytes;
        debug_assert!(self.start <= self.end, "consumed more than was there");
        if self.start == self.end {
            self.start = 0;
            self.end = 0;
        }
    }

    /// Sets whether to make do with little storage at first.
    pub(crate) fn set_modest(&mut self, is_modest: bool) {
        self.is_modest = is_modest;
    }

    /// Forgets what was not used.
    pub(crate) fn clear(&mut self) {
        self.start = 0;
        self.end = 0;
    }

    /// Moves a piece of the unused bytes to another place in them; both given from the first
    /// unused byte.
    pub(crate) fn move_within(&mut self, from: Range<usize>, to: usize) {
        let from = self.start + from.start..self.start + from.end;
        self.storage.copy_within(from, self.start + to);
    }

    /// Gives the storage back if nothing is in it.
    pub(crate) fn release(&mut self, pool: &BufferPool) {
        if self.is_empty() && !self.storage.is_empty() {
            pool.give(std::mem::take(&mut self.storage));
            self.is_hot = false;
        }
    }

    /// Reads once, into at most `max` bytes of storage. Holds no storage while pending, unless
    /// bytes are in it.
    pub(crate) fn poll_fill<R: AsyncRead + Unpin>(
        &mut self,
        context: &mut Context<'_>,
        from: &mut R,
        pool: &BufferPool,
        max: usize,
    ) -> Poll<io::Result<Filled>> {
        if !self.make_room(pool, max) {
            return Poll::Ready(Ok(Filled::Full));
        }
        let mut room = ReadBuf::new(&mut self.storage[self.end..]);
        match Pin::new(from).poll_read(context, &mut room) {
            Poll::Pending => {
                self.release(pool);
                Poll::Pending
            }
            Poll::Ready(Err(error)) => {
                self.release(pool);
                Poll::Ready(Err(error))
            }
            Poll::Ready(Ok(())) => {
                let bytes = room.filled().len();
                self.is_hot = room.remaining() == 0;
                self.end += bytes;
                if bytes == 0 {
                    self.release(pool);
                    return Poll::Ready(Ok(Filled::End));
                }
                Poll::Ready(Ok(Filled::Bytes(bytes)))
            }
        }
    }

    /// Makes sure that at least one byte fits.
    fn make_room(&mut self, pool: &BufferPool, max: usize) -> bool {
        if self.is_empty() {
            let large = self.is_hot && max >= LARGE_BYTES;
            // Storage that came with a head is only as long as the head.
            if self.is_modest && self.storage.len() < MODEST_BYTES {
                self.storage = pool.take_modest();
            } else if !self.is_modest
                && (self.storage.len() < SMALL_BYTES || (large && self.storage.len() < LARGE_BYTES))
            {
                self.release(pool);
                self.storage = pool.take(large);
            }
            return true;
        }
        if self.end < self.storage.len() {
            return true;
        }
        if self.start > 0 {
            self.storage.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
            return true;
        }
        if self.storage.len() >= max {
            return false;
        }
        let mut grown = vec![0; (self.storage.len() * 2).min(max)];
        grown[..self.end].copy_from_slice(&self.storage);
        pool.give(std::mem::replace(&mut self.storage, grown));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;
    use tokio::io::AsyncWriteExt;

    #[tokio::test]
    async fn a_pending_read_holds_no_storage() {
        let pool = BufferPool::default();
        let (mut near, mut far) = tokio::io::duplex(64);
        let mut buffer = Buffer::default();
        poll_fn(|context| {
            assert!(buffer.poll_fill(context, &mut near, &pool, SMALL_BYTES).is_pending());
            Poll::Ready(())
        })
        .await;
        assert_eq!((buffer.storage.len(), pool.small.borrow().len()), (0, 1));
        far.write_all(b"abc").await.unwrap();
        let filled =
            poll_fn(|cx| buffer.poll_fill(cx, &mut near, &pool, SMALL_BYTES)).await.unwrap();
        assert_eq!((filled, buffer.filled()), (Filled::Bytes(3), &b"abc"[..]));
        buffer.consume(3);
        buffer.release(&pool);
        assert_eq!(pool.small.borrow().len(), 1);
    }

    #[tokio::test]
    async fn grows_up_to_the_bound_and_no_further() {
        let pool = BufferPool::default();
        let max = SMALL_BYTES * 2;
        let (mut near, mut far) = tokio::io::duplex(max * 2);
        far.write_all(&vec![b'x'; max + 1]).await.unwrap();
        let mut buffer = Buffer::default();
        let last = loop {
            match poll_fn(|cx| buffer.poll_fill(cx, &mut near, &pool, max)).await.unwrap() {
                Filled::Bytes(_) => {}
                other => break other,
            }
        };
        assert_eq!((last, buffer.filled().len()), (Filled::Full, max));
    }
}
