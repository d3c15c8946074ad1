//! TCP (RFC 7766, RFC 9210): one thread for all connections, each of which is bounded in time, in
//! what it may make us remember, and in number.
//!
//! Queries of one connection are answered in their order, as many with one write as came with one
//! read. A connection is closed when it was silent for too long, when its client does not take what
//! it asked for, and when a younger one needs its place; an honest client opens another.

mod connections;

use std::cell::RefCell;
use std::io;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::rc::Rc;
use std::time::Duration;

use evenkeel_net::drain::Drain;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout, timeout_at};

use self::connections::{Connections, Entry};
use super::respond::{Moment, Responder, TCP_IDLE_DS};
use crate::transfer::Outgoing;

/// How long a connection may be without a whole query that is answered.
const IDLE: Duration = Duration::from_millis(TCP_IDLE_DS as u64 * 100);
/// How long connections go on by themselves once another process serves those that come: those that
/// have fallen silent are gone by then.
const GENTLE_LIMIT: Duration = Duration::from_secs(30);
/// How long a client may take nothing of what is sent to it.
const WRITE_LIMIT: Duration = Duration::from_secs(5);
/// Longest query. What is longer is no query, and is not waited for.
const QUERY_BYTES_MAX: usize = 4096;
/// Most that is read at once, by all connections into one buffer.
const READ_BYTES: usize = 16 * 1024;
/// Answers are sent when they have so many bytes, though there are more queries: a client that asks
/// and does not read makes us keep no more than this and one answer.
const WRITE_BYTES: usize = 16 * 1024;
/// Queries of one connection; then it has to be opened anew, so that none is for ever.
const QUERIES_MAX: u32 = 50_000;
/// Pause after a failed accept, as the proxy's.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);

/// What all connections share.
pub(super) struct Tcp {
    responder: Responder,
    connections: Connections,
    scratch: RefCell<Vec<u8>>,
    /// Becomes true when connections shall end after what they have asked.
    dismissed: watch::Receiver<bool>,
}

/// Why a connection ends by our wish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// Nothing more will come, or should.
    Done,
    /// The client takes nothing.
    Slow,
}

/// Serves until the node ends and what was asked until then is answered.
///
/// # Errors
/// When a listener is unusable.
pub(super) async fn serve(
    responder: Responder,
    listeners: Vec<StdListener>,
    mut drain: watch::Receiver<Drain>,
) -> io::Result<()> {
    let (dismiss, dismissed) = watch::channel(false);
    let connections = Connections::new(std::sync::Arc::clone(&responder.metrics));
    let scratch = RefCell::new(vec![0; READ_BYTES]);
    let tcp = Rc::new(Tcp { responder, connections, scratch, dismissed });
    let mut accepting = JoinSet::new();
    for listener in listeners {
        let listener = TcpListener::from_std(listener)?;
        accepting.spawn_local(accept(Rc::clone(&tcp), listener));
    }
    // An error means that the sender is gone: then the process is ending as well.
    let how = drain.wait_for(|drain| drain.is_on()).await.map_or(Drain::Prompt, |how| *how);
    accepting.shutdown().await;
    if how == Drain::Gentle {
        // Nothing can tell a client of DNS to go; most leave by themselves.
        tokio::select! {
            () = tcp.connections.all_gone() => {}
            () = tokio::time::sleep(GENTLE_LIMIT) => {}
            _ = drain.wait_for(|drain| *drain == Drain::Prompt) => {}
        }
    }
    dismiss.send_replace(true);
    // Each connection hears of it itself; one that does not take its answers is bounded.
    tcp.connections.all_gone().await;
    Ok(())
}

async fn accept(tcp: Rc<Tcp>, listener: TcpListener) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                tcp.responder.metrics.tcp_accepted.increment();
                let of_task = Rc::clone(&tcp);
                tcp.connections.enter(peer.ip(), |entry| {
                    tokio::task::spawn_local(connection(of_task, entry, stream, peer))
                        .abort_handle()
                });
            }
            Err(error) => {
                tracing::debug!(%error, "A connection could not be accepted.");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn connection(tcp: Rc<Tcp>, entry: Entry, mut stream: TcpStream, peer: SocketAddr) {
    // One write holds all that there is to say.
    let _ = stream.set_nodelay(true);
    let mut buffers = Buffers::default();
    match converse(&tcp, &entry, &mut stream, peer, &mut buffers).await {
        Ok(End::Slow) => tcp.responder.metrics.tcp_slow.increment(),
        Ok(End::Done) => {
            let _ = timeout(WRITE_LIMIT, stream.shutdown()).await;
        }
        // The client is gone.
        Err(_) => {}
    }
}

/// What a connection keeps between two reads.
#[derive(Default)]
struct Buffers {
    /// Received and not answered: less than one query.
    received: Vec<u8>,
    /// Answers to be sent.
    answers: Vec<u8>,
    /// One answer, before its length is known.
    answer: Vec<u8>,
}

async fn converse(
    tcp: &Tcp,
    entry: &Entry,
    stream: &mut TcpStream,
    peer: SocketAddr,
    buffers: &mut Buffers,
) -> io::Result<End> {
    let mut deadline = Instant::now() + IDLE;
    let mut queries = 0;
    let mut dismissed = tcp.dismissed.clone();
    loop {
        let is_dismissed = tokio::select! {
            biased;
            readable = timeout_at(deadline, stream.readable()) => match readable {
                Ok(readable) => readable.map(|()| false)?,
                Err(_) => return Ok(End::Done),
            },
            _ = dismissed.wait_for(|dismissed| *dismissed) => true,
        };
        match receive(tcp, stream, &mut buffers.received) {
            Ok(0) => return Ok(End::Done),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock && !is_dismissed => continue,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(End::Done),
            Err(error) => return Err(error),
        }
        let mut at = 0;
        while let Some(frame) = Frame::next(&buffers.received[at..]) {
            let Frame::Whole(message) = frame else {
                return flush(stream, &mut buffers.answers).await;
            };
            at += 2 + message.len();
            queries += 1;
            if let Some(mut transfer) = begin(tcp, message, peer) {
                while transfer_next(tcp, &mut transfer, &mut buffers.answer, &mut buffers.answers) {
                    let is_full = buffers.answers.len() >= WRITE_BYTES;
                    if is_full && flush(stream, &mut buffers.answers).await? == End::Slow {
                        return Ok(End::Slow);
                    }
                }
            } else {
                answer(tcp, message, peer, &mut buffers.answer, &mut buffers.answers);
            }
            if buffers.answers.len() >= WRITE_BYTES
                && flush(stream, &mut buffers.answers).await? == End::Slow
            {
                return Ok(End::Slow);
            }
        }
        buffers.received.drain(..at);
        if !buffers.answers.is_empty() {
            if flush(stream, &mut buffers.answers).await? == End::Slow {
                return Ok(End::Slow);
            }
            deadline = Instant::now() + IDLE;
            entry.touch();
        }
        if is_dismissed || queries >= QUERIES_MAX {
            return Ok(End::Done);
        }
        buffers.release();
    }
}

/// Reads what is there, without waiting, behind what was read before.
fn receive(tcp: &Tcp, stream: &TcpStream, received: &mut Vec<u8>) -> io::Result<usize> {
    let mut scratch = tcp.scratch.borrow_mut();
    let length = stream.try_read(&mut scratch)?;
    received.extend_from_slice(&scratch[..length]);
    Ok(length)
}

/// The transfer that a message asks for, if it is granted.
fn begin(tcp: &Tcp, message: &[u8], peer: SocketAddr) -> Option<Outgoing> {
    let shared = &tcp.responder.shared;
    tcp.responder.transfer(&shared.serving.load(), Moment::now(shared), message, peer)
}

/// Puts the next message of a transfer behind the others; returns whether there was one.
fn transfer_next(
    tcp: &Tcp,
    transfer: &mut Outgoing,
    message: &mut Vec<u8>,
    answers: &mut Vec<u8>,
) -> bool {
    message.clear();
    let has_more = transfer.next(message, Moment::now(&tcp.responder.shared).now.seconds());
    put(message, answers);
    has_more
}

/// Puts a message behind the others, with its length before it.
fn put(message: &[u8], answers: &mut Vec<u8>) {
    if let Ok(length @ 1..) = u16::try_from(message.len()) {
        answers.extend_from_slice(&length.to_be_bytes());
        answers.extend_from_slice(message);
    }
}

/// Puts the answer to a query behind the others, with its length before it.
fn answer(
    tcp: &Tcp,
    message: &[u8],
    peer: SocketAddr,
    answer: &mut Vec<u8>,
    answers: &mut Vec<u8>,
) {
    answer.clear();
    let shared = &tcp.responder.shared;
    let moment = Moment::now(shared);
    tcp.responder.respond(&shared.serving.load(), moment, message, peer, answer);
    put(answer, answers);
}

/// Sends the answers. Done means that the client has taken them.
async fn flush(stream: &mut TcpStream, answers: &mut Vec<u8>) -> io::Result<End> {
    let mut rest = &**answers;
    while !rest.is_empty() {
        match timeout(WRITE_LIMIT, stream.write(rest)).await {
            Ok(written) => rest = &rest[written?..],
            Err(_) => return Ok(End::Slow),
        }
    }
    answers.clear();
    Ok(End::Done)
}

impl Buffers {
    /// Gives memory back: most connections wait most of the time.
    fn release(&mut self) {
        if self.received.is_empty() {
            self.received = Vec::new();
        }
        self.answers = Vec::new();
        self.answer = Vec::new();
    }
}

/// A query with its length before it (RFC 1035 section 4.2.2).
#[derive(Debug, PartialEq, Eq)]
enum Frame<'b> {
    Whole(&'b [u8]),
    /// A length that no query has.
    Impossible,
}

impl<'b> Frame<'b> {
    /// The one that begins these bytes, once it is all there.
    fn next(bytes: &'b [u8]) -> Option<Self> {
        let (length, rest) = bytes.split_first_chunk::<2>()?;
        match usize::from(u16::from_be_bytes(*length)) {
            0 => Some(Self::Impossible),
            length if length > QUERY_BYTES_MAX => Some(Self::Impossible),
            length => rest.get(..length).map(Self::Whole),
        }
    }
}

#[cfg(test)]
mod tests;
