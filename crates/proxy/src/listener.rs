//! Accepts client connections within the bounds on them, and greets each: the PROXY header of a
//! load balancer in front, then TLS. What is left is a connection that speaks HTTP.
//!
//! ```text
//! accept ─ place free? ─ PROXY header, from peers that send one ─ TLS, on TLS listeners ─▶ HTTP
//! ```

use std::future::poll_fn;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use evenkeel_model::TlsVersion;
use evenkeel_net::drain::Drain;
use evenkeel_net::listen::{BACKLOG, prepare};
use evenkeel_net::proxy_protocol;
use evenkeel_net::tls::server::{HandshakeError, Terminator};
use evenkeel_net::tls::{self, Protocol as Alpn};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::arrival::{Arrival, Protocol, Tls};
use crate::buffer::Buffer;
use crate::crowd::{Place, Shed};
use crate::downstream;
use crate::h2;
use crate::worker::Worker;

/// Pause after a failed accept. Without descriptors every accept fails at once; the pause keeps
/// the thread for the connections it has, whose end brings descriptors back.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);

/// A connection that is served to its end.
type Served = Pin<Box<dyn Future<Output = ()>>>;

/// A socket that clients connect to.
#[derive(Debug)]
pub struct Listener {
    /// Bound, listening, not blocking.
    pub socket: StdListener,
    /// Shakes hands with clients; `None` for plain HTTP.
    pub tls: Option<Terminator>,
}

impl Listener {
    /// For plain HTTP.
    #[must_use]
    pub fn plain(socket: StdListener) -> Self {
        Self { socket, tls: None }
    }
}

/// Accepts until the node drains. Where nobody else accepts after us, those are let in as well who
/// wait in the queue by then: closing it would reset them.
///
/// Dropping the future closes the listener, and with it a connection that is being let in.
pub(crate) async fn accept(
    worker: Rc<Worker>,
    listener: TcpListener,
    tls: Option<Terminator>,
    mut drain: watch::Receiver<Drain>,
) {
    // So many may wait in the queue of a socket that was given to us, for longer than we have it.
    let mut older = match prepare(&listener) {
        Ok(()) => BACKLOG.unsigned_abs() + 1,
        Err(_) => u32::MAX,
    };
    while *drain.borrow() != Drain::Gentle {
        let accepted = tokio::select! {
            biased;
            accepted = listener.accept() => accepted,
            _ = drain.wait_for(|drain| drain.is_on()) => return,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                worker.metrics.accept_errors.increment();
                tracing::debug!(%error, "Accept failed.");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        // Taken before its task runs: a burst of them must not get past the bound.
        let place = match admit(&worker).await {
            Ok(place) => place,
            Err(shed) => {
                note_shed(&worker, shed);
                continue;
            }
        };
        worker.metrics.downstream_accepted.increment();
        let is_prepared = older == 0 || prepare(&stream).is_ok();
        older = older.saturating_sub(1);
        if is_prepared {
            let entry = Entry::new(&worker, place);
            tokio::task::spawn_local(serve(entry, stream, peer, tls.clone()));
        }
    }
}

/// A place for a new connection: a waiting one goes for it if it must.
async fn admit(worker: &Worker) -> Result<Place, Shed> {
    let crowd = &worker.shared.crowd;
    match crowd.admit() {
        Err(Shed::Connections) if worker.connections.make_room(&mut worker.chance()) => {
            // Those who were asked run before this task does again.
            tokio::task::yield_now().await;
            worker.connections.room_is_made();
            crowd.admit()
        }
        admitted => admitted,
    }
}

fn note_shed(worker: &Worker, shed: Shed) {
    let metrics = &worker.metrics;
    match shed {
        Shed::Connections => metrics.downstream_shed.increment(),
        Shed::Address => metrics.downstream_shed_address.increment(),
        Shed::Memory => metrics.downstream_shed_memory.increment(),
    }
}

/// Serves a connection to its end. What greets it and what serves it have storage of their own, each
/// while it runs: neither takes up the room of the other, nor HTTP/2 that of HTTP/1.1.
async fn serve(mut entry: Entry, stream: TcpStream, peer: SocketAddr, tls: Option<Terminator>) {
    let waker = poll_fn(|context| Poll::Ready(context.waker().clone())).await;
    entry.worker.connections.wake_by(entry.key, waker);
    let served = Box::pin(greet(&mut entry, stream, peer, tls)).await;
    if let Some(served) = served {
        served.await;
    }
}

/// Lets a connection in, up to where it speaks HTTP. `None`: it does not.
async fn greet(
    entry: &mut Entry,
    mut stream: TcpStream,
    peer: SocketAddr,
    tls: Option<Terminator>,
) -> Option<Served> {
    let worker = Rc::clone(&entry.worker);
    let limit = worker.settings.timeouts.handshake;
    let (mut client, mut client_port) = (peer.ip().to_canonical(), peer.port());
    if worker.settings.fronts.sends_proxy_headers(client) {
        match timeout(limit, proxy_protocol::receive(&mut stream)).await {
            Ok(Ok(header)) => {
                if let Some((source, _)) = header.addresses {
                    (client, client_port) = (source.ip().to_canonical(), source.port());
                }
            }
            other => {
                tracing::debug!(%peer, ?other, "No PROXY header came from a peer that sends one.");
                worker.metrics.proxy_headers_bad.increment();
                return None;
            }
        }
    }
    if let Err(shed) = entry.place.take_for(client) {
        note_shed(&worker, shed);
        return None;
    }
    let unknown = SocketAddr::from(([0, 0, 0, 0], 0));
    let own = stream.local_addr().unwrap_or(unknown);
    let arrival = Arrival {
        client_port,
        address: own.ip().to_canonical(),
        is_trusted: worker.settings.fronts.trusts(client),
        ..Arrival::plain(client, own.port())
    };
    let Some(terminator) = tls else {
        return Some(Box::pin(downstream::serve(worker, stream, arrival)));
    };
    let accepted = match timeout(limit, terminator.accept(stream)).await {
        Ok(Ok(accepted)) => accepted,
        Ok(Err(HandshakeError::AcmeChallenge)) => return None,
        Ok(Err(error)) => {
            tracing::debug!(%peer, %error, cause = ?std::error::Error::source(&error), "No TLS came about.");
            worker.metrics.tls_handshakes_failed.increment();
            return None;
        }
        Err(_) => {
            tracing::debug!(%peer, "A TLS handshake took too long.");
            worker.metrics.tls_handshakes_failed.increment();
            return None;
        }
    };
    worker.metrics.tls_handshakes.increment();
    let version = match accepted.version {
        tls::TlsVersion::Tls12 => TlsVersion::Tls12,
        tls::TlsVersion::Tls13 => TlsVersion::Tls13,
    };
    let tls = Some(Tls { version });
    Some(match accepted.protocol {
        Alpn::Http1 => {
            let arrival = Arrival { tls, ..arrival };
            Box::pin(downstream::serve(worker, accepted.stream, arrival))
        }
        Alpn::Http2 => {
            let arrival = Arrival { tls, protocol: Protocol::Http2, ..arrival };
            Box::pin(h2::serve(worker, accepted.stream, Buffer::default(), arrival))
        }
    })
}

/// A connection's place among its worker's connections; it leaves even if its task panics.
struct Entry {
    key: u64,
    worker: Rc<Worker>,
    place: Place,
}

impl Entry {
    fn new(worker: &Rc<Worker>, place: Place) -> Self {
        worker.metrics.downstream_open.increment();
        Self { key: worker.connections.enter(), worker: Rc::clone(worker), place }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.worker.metrics.downstream_open.decrement();
        self.worker.connections.leave(self.key);
    }
}
