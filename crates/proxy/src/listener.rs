//! Accepts client connections, within the bound on how many are served at once.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use evenkeel_net::listen::prepare_accepted;
use tokio::net::{TcpListener, TcpStream};

use crate::arrival::Arrival;
use crate::downstream;
use crate::worker::Worker;

/// Pause after a failed accept. Without descriptors every accept fails at once; the pause keeps
/// the thread for the connections it has, whose end brings descriptors back.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);

/// Accepts for ever. Dropping the future closes the listener.
pub(crate) async fn accept(worker: Rc<Worker>, listener: TcpListener) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) if worker.connections.len() >= worker.settings.connections_max => {
                worker.metrics.downstream_shed.increment();
                drop(stream);
            }
            Ok((stream, peer)) => {
                worker.metrics.downstream_accepted.increment();
                if prepare_accepted(&stream).is_ok() {
                    // Entered before its task runs: a burst of them must not get past the bound.
                    let entry = Entry::new(&worker);
                    tokio::task::spawn_local(serve(entry, stream, peer));
                }
            }
            Err(error) => {
                worker.metrics.accept_errors.increment();
                tracing::debug!(%error, "Accept failed.");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn serve(entry: Entry, stream: TcpStream, peer: SocketAddr) {
    let waker = poll_fn(|context| Poll::Ready(context.waker().clone())).await;
    entry.worker.connections.wake_by(entry.key, waker);
    let port = stream.local_addr().map_or(0, |address| address.port());
    let arrival = Arrival::plain(peer.ip().to_canonical(), port);
    downstream::serve(Rc::clone(&entry.worker), stream, arrival).await;
}

/// A connection's place among its worker's connections; it leaves even if its task panics.
struct Entry {
    key: u64,
    worker: Rc<Worker>,
}

impl Entry {
    fn new(worker: &Rc<Worker>) -> Self {
        worker.metrics.downstream_open.increment();
        Self { key: worker.connections.enter(), worker: Rc::clone(worker) }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.worker.metrics.downstream_open.decrement();
        self.worker.connections.leave(self.key);
    }
}
