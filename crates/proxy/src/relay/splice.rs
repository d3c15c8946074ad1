//! Bytes that go from socket to socket without passing through this process: `splice(2)`, by way
//! of a pipe.
//!
//! A copied byte is read once and written once more; a spliced one stays where the network put it,
//! and only its page changes hands. What has to be looked at cannot go this way: chunks, TLS, and
//! messages of HTTP/2 are copied by [`super::pump`], which also decides when splicing is worth it.
//!
//! A pipe is filled only when empty, and emptied before anything else is done: an attempt to fill
//! that finds nothing then means that the *sender* has nothing, and never that the pipe is full.
//!
//! On the request path. Cancel safe: what is in the pipe stays there.

use std::cell::{Cell, RefCell};
use std::io;
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use rustix::pipe::{
    PipeFlags, SpliceFlags, fcntl_getpipe_size, fcntl_setpipe_size, pipe_with, splice,
};
use tokio::io::Interest;
use tokio::net::TcpStream;

/// Most bytes taken from a socket at once. A pipe holds this many in the worst case of one page to
/// each of its places, and what is in a pipe waits in memory for a client that does not read.
const AT_ONCE_BYTES: usize = 256 * 1024;

/// A pipe with room for less is not worth its two descriptors. The kernel hands out such pipes to
/// users who have very many (`fs.pipe-user-pages-soft`).
const PIPE_BYTES_MIN: usize = 64 * 1024;

/// Pipes of one worker, those in use included; a body that gets none is copied. Each is two
/// descriptors, which connections need as well.
const PIPES_MAX: usize = 256;

/// Empty pipes kept per worker, so that a body does not have to make its own.
const FREE_MAX: usize = 32;

/// One worker's pipes.
#[derive(Debug, Default)]
pub(crate) struct Pipes {
    free: RefCell<Vec<Pipe>>,
    count: Rc<Cell<usize>>,
}

impl Pipes {
    /// An empty pipe, unless there are too many, or no descriptors or memory for another.
    fn take(&self) -> Option<Pipe> {
        if let Some(pipe) = self.free.borrow_mut().pop() {
            return Some(pipe);
        }
        if self.count.get() >= PIPES_MAX {
            return None;
        }
        Pipe::new(&self.count).ok().filter(|pipe| pipe.bytes_max >= PIPE_BYTES_MIN)
    }

    fn give(&self, pipe: Pipe) {
        debug_assert_eq!(pipe.held, 0, "bytes of one body must not get into another");
        let mut free = self.free.borrow_mut();
        if free.len() < FREE_MAX {
            free.push(pipe);
        }
    }
}

/// A pipe, and how much is in it.
#[derive(Debug)]
struct Pipe {
    reader: OwnedFd,
    writer: OwnedFd,
    bytes_max: usize,
    held: usize,
    /// Of all pipes of the worker.
    count: Rc<Cell<usize>>,
}

impl Pipe {
    fn new(count: &Rc<Cell<usize>>) -> io::Result<Self> {
        let (reader, writer) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?;
        // More than a user may have in all is refused; what the pipe has is then enough or not.
        let bytes_max = match fcntl_setpipe_size(&writer, AT_ONCE_BYTES) {
            Ok(bytes) => bytes,
            Err(_) => fcntl_getpipe_size(&writer)?,
        };
        count.set(count.get() + 1);
        Ok(Self { reader, writer, bytes_max, held: 0, count: Rc::clone(count) })
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        self.count.set(self.count.get() - 1);
    }
}

/// What an attempt to fill brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spliced {
    /// This many bytes, which wait to be sent on.
    Bytes(usize),
    /// The sender will send nothing more.
    End,
    /// It cannot be done with these sockets or now; nothing was lost.
    Refused,
}

/// The pipe of one message on its way, while there is one.
#[derive(Debug, Default)]
pub(super) struct Splice {
    pipe: Option<Pipe>,
}

impl Splice {
    /// Bytes that were taken from the sender and have not gone out yet.
    pub(super) fn held(&self) -> usize {
        self.pipe.as_ref().map_or(0, |pipe| pipe.held)
    }

    /// Takes up to `max` bytes from the sender; none may be held. Has no pipe while pending.
    pub(super) fn poll_fill(
        &mut self,
        context: &mut Context<'_>,
        sender: &TcpStream,
        pipes: &Pipes,
        max: u64,
    ) -> Poll<io::Result<Spliced>> {
        debug_assert_eq!(self.held(), 0, "a pipe is filled only when empty");
        loop {
            if sender.poll_read_ready(context)?.is_pending() {
                self.release(pipes);
                return Poll::Pending;
            }
            let pipe = match &mut self.pipe {
                Some(pipe) => pipe,
                none => match pipes.take() {
                    Some(pipe) => none.insert(pipe),
                    None => return Poll::Ready(Ok(Spliced::Refused)),
                },
            };
            let bytes = usize::try_from(max).map_or(AT_ONCE_BYTES, |max| max.min(AT_ONCE_BYTES));
            let taken = sender.try_io(Interest::READABLE, || {
                Ok(splice(sender, None, &pipe.writer, None, bytes, flags())?)
            });
            return Poll::Ready(match taken {
                Ok(0) => Ok(Spliced::End),
                Ok(bytes) => {
                    pipe.held = bytes;
                    Ok(Spliced::Bytes(bytes))
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
                Err(error) if is_refusal(&error) => Ok(Spliced::Refused),
                Err(error) => Err(error),
            });
        }
    }

    /// Sends on some of what is held, and says how much.
    pub(super) fn poll_drain(
        &mut self,
        context: &mut Context<'_>,
        receiver: &TcpStream,
    ) -> Poll<io::Result<usize>> {
        let Some(pipe) = self.pipe.as_mut().filter(|pipe| pipe.held > 0) else {
            return Poll::Ready(Ok(0));
        };
        loop {
            ready!(receiver.poll_write_ready(context))?;
            let sent = receiver.try_io(Interest::WRITABLE, || {
                Ok(splice(&pipe.reader, None, receiver, None, pipe.held, flags())?)
            });
            match sent {
                Ok(0) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Ok(bytes) => {
                    pipe.held -= bytes;
                    return Poll::Ready(Ok(bytes));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }

    /// Gives the pipe back, if nothing is in it.
    pub(super) fn release(&mut self, pipes: &Pipes) {
        if let Some(pipe) = self.pipe.take_if(|pipe| pipe.held == 0) {
            pipes.give(pipe);
        }
    }
}

fn flags() -> SpliceFlags {
    SpliceFlags::MOVE | SpliceFlags::NONBLOCK
}

/// Whether the kernel, or whoever filters its calls, does not do this at all.
fn is_refusal(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidInput, OutOfMemory, PermissionDenied, Unsupported};
    matches!(error.kind(), InvalidInput | OutOfMemory | PermissionDenied | Unsupported)
}

#[cfg(test)]
mod tests {
    use super::*;

    use std::future::poll_fn;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;
    use tokio::sync::oneshot;

    /// A connection to ourselves.
    async fn pair() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let near = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        (near, listener.accept().await.unwrap().0)
    }

    #[tokio::test]
    async fn no_more_is_taken_than_was_asked_for_and_the_rest_stays() {
        let pipes = Pipes::default();
        let (mut writer, mut sender) = pair().await;
        let (receiver, mut reader) = pair().await;
        let mut splice = Splice::default();
        writer.write_all(b"bodynext").await.unwrap();
        let filled = poll_fn(|cx| splice.poll_fill(cx, &sender, &pipes, 4)).await.unwrap();
        assert_eq!((filled, splice.held()), (Spliced::Bytes(4), 4));
        splice.release(&pipes);
        assert_eq!(splice.held(), 4, "a pipe with bytes in it is not given back");
        assert_eq!(poll_fn(|cx| splice.poll_drain(cx, &receiver)).await.unwrap(), 4);
        let mut body = [0; 4];
        reader.read_exact(&mut body).await.unwrap();
        assert_eq!(&body, b"body");
        drop(writer);
        let mut rest = Vec::new();
        sender.read_to_end(&mut rest).await.unwrap();
        assert_eq!(rest, b"next");
        let ended = poll_fn(|cx| splice.poll_fill(cx, &sender, &pipes, 4)).await.unwrap();
        assert_eq!(ended, Spliced::End);
    }

    #[tokio::test]
    async fn who_waits_for_bytes_has_no_pipe() {
        let pipes = Pipes::default();
        let (mut writer, sender) = pair().await;
        let mut splice = Splice::default();
        poll_fn(|cx| {
            assert!(splice.poll_fill(cx, &sender, &pipes, u64::MAX).is_pending());
            Poll::Ready(())
        })
        .await;
        assert!(splice.pipe.is_none());
        writer.write_all(b"bytes").await.unwrap();
        let filled = poll_fn(|cx| splice.poll_fill(cx, &sender, &pipes, u64::MAX)).await.unwrap();
        assert_eq!(filled, Spliced::Bytes(5));
        drop(splice);
        assert_eq!((pipes.count.get(), pipes.free.borrow().len()), (0, 0), "it had bytes in it");
    }

    #[tokio::test]
    async fn without_a_pipe_nothing_is_taken() {
        let pipes = Pipes::default();
        pipes.count.set(PIPES_MAX);
        let (mut writer, sender) = pair().await;
        writer.write_all(b"bytes").await.unwrap();
        let mut splice = Splice::default();
        let filled = poll_fn(|cx| splice.poll_fill(cx, &sender, &pipes, 5)).await.unwrap();
        assert_eq!((filled, splice.held()), (Spliced::Refused, 0));
    }

    #[tokio::test]
    async fn what_cannot_be_sent_stays_until_there_is_room() {
        let pipes = Pipes::default();
        let (mut writer, sender) = pair().await;
        let (receiver, mut reader) = pair().await;
        let body: Vec<u8> = (0..251).cycle().take(64 * 1024 * 1024).collect();
        let sent = body.clone();
        let writing = tokio::spawn(async move { writer.write_all(&sent).await });
        let (full, is_full) = oneshot::channel();
        let moving = async move {
            let (mut splice, mut full) = (Splice::default(), Some(full));
            loop {
                let filled = poll_fn(|cx| splice.poll_fill(cx, &sender, &pipes, u64::MAX)).await;
                if filled.unwrap() == Spliced::End {
                    break;
                }
                while splice.held() > 0 {
                    let drained = poll_fn(|cx| {
                        let polled = splice.poll_drain(cx, &receiver);
                        if let Some(full) = full.take_if(|_| polled.is_pending()) {
                            full.send(()).unwrap();
                        }
                        polled
                    });
                    drained.await.unwrap();
                }
            }
        };
        let reading = async {
            is_full.await.unwrap();
            let mut received = Vec::new();
            reader.read_to_end(&mut received).await.unwrap();
            received
        };
        let ((), received) = tokio::join!(moving, reading);
        assert!(received == body);
        writing.await.unwrap().unwrap();
    }
}
