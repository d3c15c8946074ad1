//! Previews: every endpoint of some pools probed once with settings that nobody relies on yet
//! (api.md 2.6). Changes no health and tells nobody; kept in memory, by the node that was asked.
//! Single probes, whose every step is told, are made here too.
//!
//! The probing itself is the monitors', who are met through [`Prober`].

use std::collections::VecDeque;
use std::fmt;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use evenkeel_api::pool_health::{HealthReport, OriginHealth};
use evenkeel_api::preview::{PreviewCreated, PreviewResult};
use evenkeel_api::{Documents, Map, Monitor, Pool, build};
use evenkeel_model::{
    Address, AffinityKey, AffinityKeys, Config, Endpoint, EndpointIx, FailureReason, MonitorIx,
};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::ids::new_id;

/// How long an outcome can be asked for (api.md 9 item 21).
const KEPT_FOR: Duration = Duration::from_secs(60 * 60);

/// Previews kept at once. When there are more, the oldest gives way, whether it is done or not:
/// whoever asks for dozens in an hour looks at the latest.
const PREVIEWS_MAX: usize = 64;

/// Endpoints of one preview: five of the largest pools. Bounds, with [`PREVIEWS_MAX`], what is kept.
pub(crate) const PREVIEW_ENDPOINTS_MAX: usize = 5000;

/// Probes of all previews that run at once. They share a network with the monitors, whose probes
/// must not wait.
const PROBES_MAX: usize = 64;

/// Single probes that run at once. Each has somebody who waits for it, so they do not queue behind
/// previews of thousands.
const SINGLE_PROBES_MAX: usize = 16;

/// One probe that is wanted.
#[derive(Debug, Clone)]
pub struct PreviewAsk {
    /// Made for the preview: its pools and its only monitor.
    pub config: Arc<Config>,
    /// Whom to probe, enabled or not.
    pub endpoint: EndpointIx,
    /// How.
    pub monitor: MonitorIx,
}

/// What the probe saw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PreviewOutcome {
    /// Why it failed; `NoFailures` when it passed.
    pub reason: FailureReason,
    /// Status of the response that was judged, 0 without one.
    pub response_code: u16,
    /// The round trip of a probe that passed, in microseconds.
    pub rtt_us: Option<u32>,
}

/// What the probe saw, and how it went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probed {
    /// What it saw.
    pub outcome: PreviewOutcome,
    /// Whether that says something about the endpoint: not when this machine lacked what a probe
    /// takes.
    pub is_telling: bool,
    /// The endpoint's address, if one was found.
    pub address: Option<IpAddr>,
    /// What was done, in order; bounded by whoever probes.
    pub phases: Vec<ProbedPhase>,
}

/// One step of a probe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProbedPhase {
    /// What was done, as people say it: `connect`, `first byte`.
    pub name: &'static str,
    /// In which attempt, from 1 on.
    pub attempt: u16,
    /// When it began, in microseconds since the probe did.
    pub at_us: u64,
    /// How long it took, in microseconds.
    pub took_us: u64,
    /// What came of it, for people; without control characters.
    pub note: String,
    /// Whether the attempt failed here.
    pub failed: bool,
}

/// A probe under way. Dropping it ends the probe.
pub type Probing = Pin<Box<dyn Future<Output = Probed> + Send>>;

/// Who can probe: the monitors' plane, wired by the binary.
pub trait Prober: Send + Sync {
    /// Probes once, the monitor's retries included, within the monitor's time limits.
    fn probe(self: Arc<Self>, ask: PreviewAsk) -> Probing;
}

/// All previews of this node.
pub(crate) struct Previews {
    prober: Arc<dyn Prober>,
    permits: Arc<Semaphore>,
    /// Of single probes.
    singles: Semaphore,
    /// Oldest first.
    kept: Mutex<VecDeque<Preview>>,
}

struct Preview {
    id: String,
    account: String,
    until: Instant,
    /// Pools that are done, as they come to be.
    done: Arc<Mutex<Vec<(String, HealthReport)>>>,
    /// Ends with the preview.
    _probes: JoinSet<()>,
}

impl fmt::Debug for Previews {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Previews").finish_non_exhaustive()
    }
}

impl Previews {
    /// None yet.
    pub(crate) fn new(prober: Arc<dyn Prober>) -> Self {
        let permits = Arc::new(Semaphore::new(PROBES_MAX));
        let singles = Semaphore::new(SINGLE_PROBES_MAX);
        Self { prober, permits, singles, kept: Mutex::default() }
    }

    /// Probes one endpoint of a pool at once, whatever monitor the pool has. `None` when the pool has
    /// no endpoint in that place that could be probed.
    ///
    /// # Dropping
    /// Ends the probe.
    pub(crate) async fn probe(
        &self,
        pool: &Pool,
        place: usize,
        monitor: &Monitor,
    ) -> Option<Probed> {
        let alone = Pool { origins: vec![pool.origins.get(place)?.clone()], ..pool.clone() };
        let config = Arc::new(config(&[&alone], monitor));
        let endpoint = config.pools.first()?.endpoints().next()?;
        let _permit = self.singles.acquire().await.expect("the semaphore is never closed");
        let ask = PreviewAsk { config, endpoint, monitor: MONITOR };
        Some(Arc::clone(&self.prober).probe(ask).await)
    }

    /// Starts to try a monitor on pools of an account, whatever monitors they have. The caller keeps
    /// to [`PREVIEW_ENDPOINTS_MAX`]. Needs a tokio runtime.
    pub(crate) fn start(
        &self,
        account: &str,
        pools: &[&Pool],
        monitor: &Monitor,
    ) -> PreviewCreated {
        let id = format!("p{}", new_id());
        let config = Arc::new(config(pools, monitor));
        let done = Arc::new(Mutex::new(Vec::new()));
        let run = Run {
            prober: Arc::clone(&self.prober),
            permits: Arc::clone(&self.permits),
            pools: pools.iter().map(|pool| Tried::of(pool, &config)).collect(),
            config,
            done: Arc::clone(&done),
        };
        let mut probes = JoinSet::new();
        probes.spawn(run.run());
        let now = Instant::now();
        let (account, until) = (account.to_owned(), now + KEPT_FOR);
        let preview = Preview { id: id.clone(), account, until, done, _probes: probes };
        let mut kept = self.kept(now);
        if kept.len() == PREVIEWS_MAX {
            kept.pop_front();
        }
        kept.push_back(preview);
        let names = pools.iter().map(|pool| (pool.id.clone(), pool.name.clone()));
        PreviewCreated { preview_id: id, pools: names.collect() }
    }

    /// The pools of a preview that are done; `None` when the account has no such preview, or no
    /// longer.
    pub(crate) fn result(&self, account: &str, id: &str) -> Option<PreviewResult> {
        let kept = self.kept(Instant::now());
        let preview = kept.iter().find(|preview| preview.id == id && preview.account == account)?;
        let done = preview.done.lock().unwrap_or_else(PoisonError::into_inner);
        Some(done.iter().cloned().collect())
    }

    fn kept(&self, now: Instant) -> MutexGuard<'_, VecDeque<Preview>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        while kept.front().is_some_and(|preview| preview.until <= now) {
            kept.pop_front();
        }
        kept
    }
}

/// The pools with the monitor in place of whatever judges them.
fn config(pools: &[&Pool], monitor: &Monitor) -> Config {
    let pools: Vec<_> = pools
        .iter()
        .map(|pool| Pool {
            monitor: Some(monitor.id.clone()),
            monitor_group: None,
            ..Pool::clone(pool)
        })
        .collect();
    // What cannot be built has no endpoints to probe, and its pool is reported without any.
    let (config, _) = build(&Documents {
        zones: Vec::new(),
        zone_settings: Vec::new(),
        load_balancers: Vec::new(),
        pools: pools.iter().collect(),
        monitors: vec![monitor],
        monitor_groups: Vec::new(),
        // No session is ever signed here.
        affinity_keys: AffinityKeys { current: AffinityKey([0; 32]), previous: None },
    });
    config
}

/// The only monitor of a preview's configuration.
const MONITOR: MonitorIx = MonitorIx(0);

/// A preview under way.
struct Run {
    prober: Arc<dyn Prober>,
    permits: Arc<Semaphore>,
    config: Arc<Config>,
    pools: Vec<Tried>,
    done: Arc<Mutex<Vec<(String, HealthReport)>>>,
}

/// A pool that is being tried.
struct Tried {
    id: String,
    endpoints_min: u32,
    /// With what came of them, in document order.
    endpoints: Vec<(EndpointIx, Option<PreviewOutcome>)>,
    missing: usize,
}

impl Run {
    /// Probes every endpoint, one permit each. Previews take turns: each waits for one permit at a
    /// time, however many endpoints it has left.
    ///
    /// # Dropping
    /// Ends all probes.
    async fn run(mut self) {
        for pool in 0..self.pools.len() {
            self.report_if_done(pool);
        }
        let places = self.pools.iter().enumerate().flat_map(|(pool, tried)| {
            let endpoints = tried.endpoints.iter().enumerate();
            endpoints.map(move |(endpoint, (ix, _))| (pool, endpoint, *ix))
        });
        let mut probes = JoinSet::new();
        for (pool, place, endpoint) in places.collect::<Vec<_>>() {
            let permit = loop {
                tokio::select! {
                    permit = Arc::clone(&self.permits).acquire_owned() => break permit,
                    Some(Ok((pool, place, outcome))) = probes.join_next() => {
                        self.learn(pool, place, outcome);
                    }
                }
            };
            let permit = permit.expect("the semaphore is never closed");
            let config = Arc::clone(&self.config);
            let probing =
                Arc::clone(&self.prober).probe(PreviewAsk { config, endpoint, monitor: MONITOR });
            probes.spawn(async move {
                let outcome = probing.await.outcome;
                drop(permit);
                (pool, place, outcome)
            });
        }
        while let Some(Ok((pool, place, outcome))) = probes.join_next().await {
            self.learn(pool, place, outcome);
        }
    }

    fn learn(&mut self, pool: usize, place: usize, outcome: PreviewOutcome) {
        let tried = &mut self.pools[pool];
        tried.endpoints[place].1 = Some(outcome);
        tried.missing -= 1;
        self.report_if_done(pool);
    }

    fn report_if_done(&self, pool: usize) {
        let tried = &self.pools[pool];
        if tried.missing == 0 {
            let report = tried.report(&self.config);
            let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
            done.push((tried.id.clone(), report));
        }
    }
}

impl Tried {
    fn of(pool: &Pool, config: &Config) -> Self {
        let known = config.pools.iter().find(|known| known.id.to_string() == pool.id);
        let endpoints: Vec<_> = known
            .into_iter()
            .flat_map(evenkeel_model::Pool::endpoints)
            .map(|ix| (ix, None))
            .collect();
        let missing = endpoints.len();
        Self { id: pool.id.clone(), endpoints_min: pool.minimum_origins, endpoints, missing }
    }

    /// As the pool's health would be: enough of its enabled endpoints pass.
    fn report(&self, config: &Config) -> HealthReport {
        let mut passing = 0;
        let outcomes = self.endpoints.iter().filter_map(|(ix, outcome)| Some((*ix, (*outcome)?)));
        let origins = outcomes.map(|(ix, outcome)| {
            let endpoint = config.endpoint(ix);
            let PreviewOutcome { reason, response_code, rtt_us } = outcome;
            let health = OriginHealth::of_probe(reason, response_code, rtt_us);
            passing += u32::from(endpoint.enabled && health.healthy);
            Map::from_iter([(label(endpoint), health)])
        });
        let origins = origins.collect();
        HealthReport { healthy: passing >= self.endpoints_min, origins }
    }
}

/// The address; a name with its final dot, as the published example has it.
fn label(endpoint: &Endpoint) -> String {
    match &endpoint.address {
        Address::Ip(ip) => ip.to_string(),
        Address::Name(name) => format!("{name}."),
    }
}

#[cfg(test)]
pub(crate) mod tests;
