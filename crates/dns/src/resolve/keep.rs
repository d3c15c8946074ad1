//! When each name is looked up again: ahead of the end of its time, so that queries find fresh
//! addresses, and at most a few at once.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use evenkeel_model::{Live, Reach};
use evenkeel_telemetry::DnsMetrics;
use hashbrown::HashMap;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::names::{Known, Names};
use super::upstream::{Found, ResolverAddress, Upstream};
use super::wanted::wanted;
use crate::answer::Family;

/// Look-ups under way at once: what a resolver answers within milliseconds is two thousand names in
/// a moment; one that is slow is not drowned.
const LOOKUPS_MAX: usize = 64;
/// A name is asked for again no later than this (behaviour.md 1.3)…
const KEPT: Duration = Duration::from_secs(5);
/// … and no sooner than this, whatever is said of it.
const KEPT_MIN: Duration = Duration::from_millis(500);
/// How long before the end of its time a name is asked for again. What takes longer than this to
/// answer is used for a little longer than it says.
const AHEAD: Duration = Duration::from_millis(500);
/// How often the machine's list of resolvers and of hosts is read again.
const REREAD: Duration = Duration::from_secs(60);

/// What names are kept with.
#[derive(Debug)]
pub struct KeepOptions {
    /// The table to keep.
    pub names: Arc<Names>,
    /// Whose names.
    pub live: Live,
    /// Moves with every view published.
    pub revision: watch::Receiver<u64>,
    /// Whom to ask; nobody for the machine's resolvers.
    pub resolvers: Vec<ResolverAddress>,
    /// Where names may lead.
    pub reach: Reach,
    /// What to count in. Nobody else may.
    pub metrics: Arc<DnsMetrics>,
    /// Becomes true once every name has been asked for.
    pub settled: watch::Sender<bool>,
    /// Where the clock begins that [`Names::at`] is told.
    pub started: std::time::Instant,
}

/// One name's turn.
#[derive(Debug, Default)]
struct Turn {
    /// Both families have been asked for since the name was wanted.
    is_asked: bool,
    /// When it is next.
    due: Option<Instant>,
}

struct Keeper {
    options: KeepOptions,
    turns: HashMap<Box<str>, Turn>,
    /// The names that wait, by their time. A name that is being looked up is not among them.
    queue: BTreeSet<(Instant, Box<str>)>,
    lookups: JoinSet<Looked>,
    upstream: Option<Arc<Upstream>>,
    read_at: Instant,
    /// Names that were never asked for.
    unasked: usize,
}

/// A look-up that ended.
struct Looked {
    name: Box<str>,
    /// IPv4 and IPv6.
    found: [Option<Found>; 2],
}

/// Keeps the names of each view resolved, for ever. Dropping the future ends every look-up.
pub async fn keep(options: KeepOptions) {
    let mut revision = options.revision.clone();
    let mut keeper = Keeper {
        options,
        turns: HashMap::new(),
        queue: BTreeSet::new(),
        lookups: JoinSet::new(),
        upstream: None,
        read_at: Instant::now(),
        unasked: 0,
    };
    keeper.follow();
    loop {
        keeper.begin_due();
        let next = keeper.queue.first().map(|(due, _)| *due);
        let next = next.filter(|_| keeper.lookups.len() < LOOKUPS_MAX);
        tokio::select! {
            changed = revision.changed() => match changed {
                Ok(()) => keeper.follow(),
                // No publisher any more: the process is ending.
                Err(_) => return,
            },
            Some(looked) = keeper.lookups.join_next() => {
                match looked {
                    Ok(looked) => keeper.learn(looked),
                    // What is known of its name stays in use until it is too old.
                    Err(error) => tracing::error!(%error, "A look-up ended by itself."),
                }
            }
            () = tokio::time::sleep_until(next.unwrap_or_else(Instant::now)), if next.is_some() => {}
        }
    }
}

impl Keeper {
    /// Takes the names of the present view.
    fn follow(&mut self) {
        let wanted = wanted(&self.options.live.load());
        let is_same = wanted.len() == self.turns.len()
            && wanted.iter().all(|name| self.turns.contains_key(name));
        if !is_same {
            self.options.names.replace(wanted.iter().cloned());
            self.options.metrics.names.set(wanted.len() as u64);
            let queue = &mut self.queue;
            self.turns.retain(|name, turn| {
                let is_wanted = wanted.contains(name);
                if let (false, Some(due)) = (is_wanted, turn.due) {
                    queue.remove(&(due, name.clone()));
                }
                is_wanted
            });
            let now = Instant::now();
            for name in wanted {
                self.turns.entry(name.clone()).or_insert_with(|| {
                    queue.insert((now, name));
                    Turn { is_asked: false, due: Some(now) }
                });
            }
            self.unasked = self.turns.values().filter(|turn| !turn.is_asked).count();
        }
        self.settle();
    }

    /// Begins the look-ups whose time has come, as far as the bound goes.
    fn begin_due(&mut self) {
        while self.lookups.len() < LOOKUPS_MAX
            && self.queue.first().is_some_and(|(due, _)| *due <= Instant::now())
        {
            let Some((_, name)) = self.queue.pop_first() else { return };
            if let Some(turn) = self.turns.get_mut(&name) {
                turn.due = None;
            }
            let upstream = self.upstream();
            self.options.metrics.lookups.increment();
            self.lookups.spawn(async move {
                let found = match upstream {
                    Some(upstream) => look_up(&upstream, &name).await,
                    None => [None, None],
                };
                Looked { name, found }
            });
        }
    }

    fn upstream(&mut self) -> Option<Arc<Upstream>> {
        let now = Instant::now();
        if self.upstream.is_none() || now - self.read_at >= REREAD {
            self.read_at = now;
            match Upstream::new(&self.options.resolvers) {
                Ok(upstream) => self.upstream = Some(Arc::new(upstream)),
                Err(error) => tracing::warn!(%error, "The resolvers cannot be used."),
            }
        }
        self.upstream.clone()
    }

    /// Notes what was found, and when the name's next turn is.
    fn learn(&mut self, Looked { name, found }: Looked) {
        let now = Instant::now();
        let at_ms = self.options.started.elapsed().as_millis() as u64;
        let mut kept = KEPT;
        if found.iter().any(Option::is_none) {
            self.options.metrics.lookups_failed.increment();
            kept = KEPT_MIN;
        }
        let reach = self.options.reach;
        for (found, family) in found.into_iter().zip([Family::V4, Family::V6]) {
            let Some(Found { mut addresses, ttl_s }) = found else { continue };
            addresses.retain(|ip: &mut IpAddr| reach.refuses(*ip).is_none());
            kept = kept.min(Duration::from_secs(ttl_s.into()));
            self.options.names.learn(&name, family, Known { addresses, ttl_s, at_ms });
        }
        let due = now + kept.saturating_sub(AHEAD).max(KEPT_MIN);
        let Some(turn) = self.turns.get_mut(&name) else { return };
        if !std::mem::replace(&mut turn.is_asked, true) {
            self.unasked -= 1;
        }
        // A name that was given up and wanted again meanwhile has a turn already.
        if let Some(earlier) = turn.due.replace(due) {
            self.queue.remove(&(earlier, name.clone()));
        }
        self.queue.insert((due, name));
        self.settle();
    }

    /// Tells when every name has been asked for.
    fn settle(&self) {
        if self.unasked == 0 {
            self.options.settled.send_if_modified(|settled| !std::mem::replace(settled, true));
        }
    }
}

async fn look_up(upstream: &Upstream, name: &str) -> [Option<Found>; 2] {
    let one = |family| async move {
        let found = upstream.look_up(name, family).await;
        found
            .inspect_err(|error| tracing::debug!(name, ?family, %error, "A name was not resolved."))
            .ok()
    };
    tokio::join!(one(Family::V4), one(Family::V6)).into()
}
