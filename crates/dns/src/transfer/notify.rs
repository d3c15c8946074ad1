//! Telling secondaries that a zone has changed (RFC 1996).

use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use evenkeel_model::{Live, Peer, Zone, ZoneId};
use evenkeel_net::unix_time_ms;
use evenkeel_telemetry::DnsMetrics;
use tokio::net::UdpSocket;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::content::soa;
use super::tsig::Session;

/// How long an answer is waited for, the first time; twice as long each time after.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often a secondary is told before it is given up; it asks by itself after the refresh time.
const ATTEMPTS_MAX: u32 = 5;
/// Secondaries being told at once. Further ones wait.
const TOLD_AT_ONCE_MAX: usize = 64;
/// Opcode and flag of the message: NOTIFY, with authority.
const NOTIFY: u8 = 4 << 3 | 0x04;

/// What a notifier is made of.
#[derive(Debug)]
pub(crate) struct NotifyOptions {
    pub(crate) live: Live,
    /// Moves with every view published.
    pub(crate) revision: watch::Receiver<u64>,
    /// Zones whose secondaries are to be told though nothing has changed.
    pub(crate) forced: mpsc::Receiver<ZoneId>,
    pub(crate) metrics: Arc<DnsMetrics>,
}

/// Tells secondaries of the zones that change.
#[derive(Debug)]
pub(crate) struct Notifier {
    options: NotifyOptions,
    /// The zones as they were told.
    told: HashMap<ZoneId, Arc<Zone>>,
    telling: JoinSet<bool>,
}

impl Notifier {
    pub(crate) fn new(options: NotifyOptions) -> Self {
        Self { options, told: HashMap::new(), telling: JoinSet::new() }
    }

    /// Tells for ever, at first everybody: they may have missed something. Dropping the future
    /// stops telling.
    pub(crate) async fn run(mut self) {
        let mut is_forced = true;
        let mut has_publisher = true;
        loop {
            self.follow().await;
            tokio::select! {
                changed = self.options.revision.changed(), if has_publisher => {
                    has_publisher = changed.is_ok();
                }
                zone = self.options.forced.recv(), if is_forced => match zone {
                    Some(zone) => drop(self.told.remove(&zone)),
                    None => is_forced = false,
                },
                ended = self.telling.join_next(), if !self.telling.is_empty() => {
                    self.note(ended.is_some_and(|it| it.unwrap_or(false)));
                }
                else => return,
            }
        }
    }

    /// Tells those whose zones are newer than what was told, or who are new themselves.
    async fn follow(&mut self) {
        let view = self.options.live.load();
        // Of a zone that is gone, nothing has to be known.
        if self.told.len() > view.zones.len() {
            self.told.retain(|_, told| view.zones.get(&told.name).is_some());
        }
        for zone in view.zones.iter() {
            let is_told =
                |told: &Arc<Zone>| told.serial == zone.serial && told.transfer == zone.transfer;
            if self.told.get(&zone.id).is_some_and(is_told) {
                continue;
            }
            self.told.insert(zone.id, Arc::clone(zone));
            for n in 0..zone.transfer.peers.len() {
                if self.telling.len() >= TOLD_AT_ONCE_MAX
                    && let Some(ended) = self.telling.join_next().await
                {
                    self.note(ended.unwrap_or(false));
                }
                let zone = Arc::clone(zone);
                self.telling.spawn(async move { tell(&zone, &zone.transfer.peers[n]).await });
            }
        }
    }

    fn note(&self, has_heard: bool) {
        if has_heard {
            self.options.metrics.notified.increment();
        } else {
            self.options.metrics.notify_failed.increment();
        }
    }
}

/// Tells one secondary until it answers. Returns whether it did.
async fn tell(zone: &Zone, peer: &Peer) -> bool {
    let address = SocketAddr::new(peer.address, peer.port);
    for attempt in 0..ATTEMPTS_MAX {
        match timeout(PATIENCE * 2u32.pow(attempt), ask(zone, peer, address)).await {
            Ok(Ok(())) => return true,
            Ok(Err(error)) => {
                tracing::debug!(%address, %error, "A secondary could not be notified.");
                tokio::time::sleep(PATIENCE * 2u32.pow(attempt)).await;
            }
            Err(_) => {}
        }
    }
    tracing::warn!(%address, "A secondary name server does not answer notifications.");
    false
}

/// Sends one message and waits for its answer.
async fn ask(zone: &Zone, peer: &Peer, address: SocketAddr) -> io::Result<()> {
    let local: SocketAddr = match address {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let socket = UdpSocket::bind(local).await?;
    // Only what comes from there is heard.
    socket.connect(address).await?;
    let id = fastrand::u16(..);
    let mut message = message(zone, id);
    if let Some(key) = &peer.tsig {
        Session::begin(key).sign(&mut message, 0, unix_time_ms() / 1000);
    }
    socket.send(&message).await?;
    let mut answer = [0; 512];
    loop {
        let bytes = socket.recv(&mut answer).await?;
        // An answer to this message, whatever it says: it has arrived.
        if bytes >= 4 && answer[..2] == id.to_be_bytes() && answer[2] & 0xF8 == 0x80 | (4 << 3) {
            return Ok(());
        }
    }
}

/// That a zone has a new SOA record, and which.
fn message(zone: &Zone, id: u16) -> Vec<u8> {
    let [id1, id2] = id.to_be_bytes();
    let mut message = vec![id1, id2, NOTIFY, 0, 0, 1, 0, 1, 0, 0, 0, 0];
    message.extend_from_slice(&zone.name);
    message.extend_from_slice(&[0, 6, 0, 1]);
    message.extend_from_slice(&soa(zone));
    message
}
