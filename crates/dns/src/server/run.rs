//! Starts the name server's threads, and ends them.
//!
//! ```text
//! dns        follows views, keeps host names resolved
//! dns-tcp    every TCP connection
//! dns-udp-N  one socket each
//! dns-log    writes the query log, where there is one
//! ```

use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use evenkeel_model::{Live, ZoneId};
use evenkeel_net::drain::Drain;
use evenkeel_net::listen::listen;
use evenkeel_net::udp::{adopt_shared, bind_shared};
use evenkeel_telemetry::DnsRegistry;
use tokio::runtime::{Builder, LocalOptions};
use tokio::sync::{mpsc, watch};

use super::follow::{Serving, follow};
use super::log::QueryLog;
use super::rate::RateLimiter;
use super::rehearsal::Rehearsal;
use super::respond::{Responder, Shared, Transport};
use super::settings::Settings;
use super::{tcp, udp};
use crate::resolve::{KeepOptions, keep};
use crate::transfer::{Histories, Notifier, NotifyOptions};

/// Ports tried where any will do: one is wanted that is free for UDP and TCP alike.
const PORTS_TRIED: usize = 16;

/// The sockets of one address.
#[derive(Debug)]
pub struct Sockets {
    /// The address, with the port that was chosen if any would do.
    pub address: SocketAddr,
    udp: Vec<UdpSocket>,
    tcp: TcpListener,
}

/// Binds one address for both transports, with as many sockets for UDP as there are workers.
///
/// # Errors
/// When the address is taken by another program or not on this machine.
pub fn bind(address: SocketAddr, workers: usize) -> io::Result<Sockets> {
    let mut tries = if address.port() == 0 { PORTS_TRIED } else { 1 };
    loop {
        tries -= 1;
        let tcp = listen(address)?;
        let bound = tcp.local_addr()?;
        match bind_shared(bound, workers, udp::PATIENCE) {
            Ok(udp) => return Ok(Sockets { address: bound, udp, tcp }),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && tries > 0 => {}
            Err(error) => return Err(error),
        }
    }
}

impl Sockets {
    /// Makes do with sockets of one address that others have bound, as [`bind`] would have bound
    /// them. What is missing is bound beside them.
    ///
    /// # Errors
    /// When there is none at all, or what is missing cannot be bound.
    pub fn adopt(udp: Vec<UdpSocket>, tcp: Vec<TcpListener>, workers: usize) -> io::Result<Self> {
        let mut tcp = tcp.into_iter();
        let tcp = match (tcp.next(), udp.first()) {
            (Some(tcp), _) => tcp,
            (None, Some(udp)) => listen(udp.local_addr()?)?,
            (None, None) => return Err(io::Error::other("no socket to make do with")),
        };
        tcp.set_nonblocking(true)?;
        let address = tcp.local_addr()?;
        let udp = match udp.is_empty() {
            true => bind_shared(address, workers, udp::PATIENCE)?,
            false => adopt_shared(udp, workers, udp::PATIENCE)?,
        };
        Ok(Self { address, udp, tcp })
    }

    /// The same sockets once more.
    ///
    /// # Errors
    /// When the process has no descriptors left.
    pub fn try_clone(&self) -> io::Result<Self> {
        let udp = self.udp.iter().map(UdpSocket::try_clone).collect::<io::Result<_>>()?;
        Ok(Self { address: self.address, udp, tcp: self.tcp.try_clone()? })
    }

    /// Their descriptors, to be passed on.
    pub fn descriptors(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        std::iter::once(self.tcp.as_fd()).chain(self.udp.iter().map(UdpSocket::as_fd))
    }
}

/// What a name server is made of.
#[derive(Debug)]
pub struct ServerOptions {
    /// The view that queries are answered from.
    pub live: Live,
    /// Moves with every view published.
    pub revision: watch::Receiver<u64>,
    /// Where to listen.
    pub sockets: Vec<Sockets>,
    /// What to count in: [`DnsRegistry::new`] with the number of sockets for UDP.
    pub registry: DnsRegistry,
    /// See [`Settings`].
    pub settings: Settings,
    /// Where a sample of the queries is written.
    pub log: Option<QueryLog>,
    /// Tells when the node shall stop, and how.
    pub drain: watch::Receiver<Drain>,
    /// Zones whose secondaries are to be told though nothing has changed.
    pub notices: mpsc::Receiver<ZoneId>,
    /// Hears of each thread that ends.
    pub ended: mpsc::UnboundedSender<()>,
}

impl ServerOptions {
    /// How many threads answer by UDP.
    #[must_use]
    pub fn udp_threads(sockets: &[Sockets]) -> usize {
        sockets.iter().map(|sockets| sockets.udp.len()).sum()
    }
}

/// A name server that answers.
#[derive(Debug)]
pub struct Running {
    threads: Vec<JoinHandle<io::Result<()>>>,
    shared: Arc<Shared>,
    log: Option<QueryLog>,
    settled: watch::Receiver<bool>,
}

/// Starts to answer.
///
/// # Errors
/// When a thread or a runtime cannot be started.
pub fn start(options: ServerOptions) -> io::Result<Running> {
    let ServerOptions { live, revision, sockets, registry, settings, log, drain, notices, ended } =
        options;
    let mut rate_key = [0; 16];
    getrandom::fill(&mut rate_key)?;
    let shared = Arc::new(Shared {
        serving: Arc::new(ArcSwap::from_pointee(Serving::first(&live))),
        names: Arc::default(),
        histories: Histories::default(),
        rate: settings.rate.map(|rate| RateLimiter::new(rate, rate_key)),
        log: log.as_ref().map(QueryLog::sender),
        started: Instant::now(),
        is_draining: AtomicBool::new(false),
        settings,
    });
    let (settled, is_settled) = watch::channel(false);
    let mut threads = Vec::new();
    let mut spawn = |name: String, run: Box<dyn FnOnce() -> io::Result<()> + Send>| {
        let ended = Ended(ended.clone());
        let thread = std::thread::Builder::new().name(name).spawn(move || {
            let _ended = ended;
            run()
        })?;
        threads.push(thread);
        io::Result::Ok(())
    };

    let keeping = KeepOptions {
        names: Arc::clone(&shared.names),
        live: live.clone(),
        revision: revision.clone(),
        resolvers: shared.settings.resolvers.clone(),
        reach: shared.settings.reach,
        metrics: Arc::clone(&registry.names),
        settled,
        started: shared.started,
    };
    let notifying = NotifyOptions {
        live: live.clone(),
        revision: revision.clone(),
        forced: notices,
        metrics: Arc::clone(&registry.names),
    };
    let of_house = (Arc::clone(&shared), drain.clone());
    spawn(
        "dns".to_owned(),
        Box::new(move || house(&of_house.0, live, revision, keeping, notifying, of_house.1)),
    )?;

    let mut listeners = Vec::new();
    let mut cells = registry.udp.iter();
    for (at, Sockets { address, udp, tcp }) in sockets.into_iter().enumerate() {
        listeners.push(tcp);
        for (n, (socket, metrics)) in udp.into_iter().zip(&mut cells).enumerate() {
            let responder =
                Responder::new(Arc::clone(&shared), Arc::clone(metrics), Transport::Udp);
            let run = move || {
                udp::serve(&responder, &socket, address);
                Ok(())
            };
            spawn(format!("dns-udp-{at}-{n}"), Box::new(run))?;
        }
    }
    let responder = (Arc::clone(&shared), Arc::clone(&registry.tcp));
    let run = move || {
        let responder = Responder::new(responder.0, responder.1, Transport::Tcp);
        let runtime =
            Builder::new_current_thread().enable_all().build_local(LocalOptions::default())?;
        runtime.block_on(tcp::serve(responder, listeners, drain))
    };
    spawn("dns-tcp".to_owned(), Box::new(run))?;
    Ok(Running { threads, shared, log, settled: is_settled })
}

/// Follows views and keeps names resolved until the node ends.
fn house(
    shared: &Arc<Shared>,
    live: Live,
    revision: watch::Receiver<u64>,
    keeping: KeepOptions,
    notifying: NotifyOptions,
    mut drain: watch::Receiver<Drain>,
) -> io::Result<()> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let noting = Arc::clone(shared);
        let note = move |before: &Serving, next: &Serving| {
            let advertised = &noting.settings.advertised;
            noting.histories.follow(&before.view.zones, &next.catalog, advertised);
        };
        let following = tokio::spawn(follow(Arc::clone(&shared.serving), note, live, revision));
        let notifying = tokio::spawn(Notifier::new(notifying).run());
        let keeping = tokio::spawn(keep(keeping));
        // An error means that the sender is gone: then the process is ending as well.
        let _ = drain.wait_for(|drain| drain.is_on()).await;
        following.abort();
        keeping.abort();
        notifying.abort();
    });
    shared.is_draining.store(true, Relaxed);
    Ok(())
}

impl Running {
    /// Opens the query log anew under its name, for whoever has renamed the file.
    pub fn reopen_log(&self) {
        if let Some(log) = &self.log {
            log.reopen();
        }
    }

    /// Waits until the host names of the first view have been asked for, and not longer than this.
    /// To drop the future changes nothing.
    pub async fn settled(&mut self, within: Duration) {
        // Whoever is too slow is asked again while we answer.
        let _ = tokio::time::timeout(within, self.settled.wait_for(|settled| *settled)).await;
    }

    /// What its answers are made with, for whoever explains them.
    #[must_use]
    pub fn rehearsal(&self) -> Rehearsal {
        let Shared { serving, names, settings, started, .. } = &*self.shared;
        Rehearsal::new(Arc::clone(serving), Arc::clone(names), settings.clone(), *started)
    }

    /// Waits for the threads, which end with the drain once what was asked is answered.
    ///
    /// # Errors
    /// With what a thread failed with.
    pub fn join(self) -> io::Result<()> {
        let mut outcome = Ok(());
        for thread in self.threads {
            outcome = match thread.join() {
                Ok(Ok(())) => outcome,
                Ok(Err(error)) => Err(error),
                Err(_) => Err(io::Error::other("a thread of the name server panicked")),
            };
        }
        drop(self.shared);
        if let Some(log) = self.log {
            log.close();
        }
        outcome
    }
}

/// Tells that a thread is gone, even when it panicked.
struct Ended(mpsc::UnboundedSender<()>);

impl Drop for Ended {
    fn drop(&mut self) {
        // Nobody listens any more while the node stops.
        let _ = self.0.send(());
    }
}
