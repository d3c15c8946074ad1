//! A worker and its view.

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use evenkeel_decision::passive::PassiveSettings;
use evenkeel_decision::{Load, Loads};
use evenkeel_model::{
    Address, AffinityKey, AffinityKeys, AffinityKind, Config, ConfigBuilder, EndpointHealth,
    EndpointSpec, Health, HostPattern, Live, LiveWriter, LoadBalancer, LoadBalancerId, Monitor,
    MonitorId, MonitorKind, PoolId, PoolIx, PoolMonitor, PoolSpec, SessionAffinity, Timestamp,
    Verdict, View, ZeroDowntimeFailover,
};
use evenkeel_net::drain::Drain;
use evenkeel_net::geo::Geo;
use evenkeel_net::listen::listen_shared;
use evenkeel_net::tls::client::Outbound;
use evenkeel_net::tls::server::Terminator;
use evenkeel_net::unix_time_ms;
use evenkeel_proxy::{CrowdLimits, Listener, Settings, Shared, WorkerOptions, run_worker};
use evenkeel_telemetry::{EndpointLoad, Exposition, Registry, WorkerMetrics};
use tokio::sync::watch;

use crate::client::Client;

/// What is configured: pools of endpoints, and one load balancer `lb.test` over them. The last
/// pool is also the fallback unless another one is named.
pub(crate) struct Plan {
    pub(crate) pools: Vec<Vec<EndpointSpec>>,
    pub(crate) fallback: usize,
    pub(crate) affinity: AffinityKind,
    pub(crate) failover: ZeroDowntimeFailover,
    pub(crate) failover_across_pools: bool,
    pub(crate) is_monitored: bool,
    pub(crate) proxied: bool,
    /// A pool that the user switched off.
    pub(crate) disabled_pool: Option<usize>,
    pub(crate) settings: Settings,
    pub(crate) crowd: CrowdLimits,
    /// What the listener shakes hands with, where it speaks TLS.
    pub(crate) tls: Option<Terminator>,
    pub(crate) geo: Geo,
    /// Passive health, where it is on.
    pub(crate) passive: Option<PassiveSettings>,
    /// How TLS is done with endpoints.
    pub(crate) outbound: Option<Outbound>,
    /// What else is special about the load balancer.
    pub(crate) tune: fn(&mut LoadBalancer),
    /// What else is special about every pool.
    pub(crate) tune_pool: fn(&mut PoolSpec),
}

impl Plan {
    /// One pool of these endpoints.
    pub(crate) fn pool(endpoints: &[SocketAddr]) -> Self {
        Self::pools(&[endpoints])
    }

    pub(crate) fn pools(pools: &[&[SocketAddr]]) -> Self {
        let pools: Vec<_> = pools.iter().map(|pool| pool.iter().map(spec).collect()).collect();
        Self {
            fallback: pools.len() - 1,
            pools,
            affinity: AffinityKind::None,
            failover: ZeroDowntimeFailover::None,
            failover_across_pools: false,
            is_monitored: false,
            proxied: true,
            disabled_pool: None,
            settings: Settings::default(),
            crowd: CrowdLimits::default(),
            tls: None,
            geo: Geo::builtin(),
            passive: None,
            outbound: None,
            tune: |_| {},
            tune_pool: |_| {},
        }
    }

    fn config(&self) -> Config {
        let keys = AffinityKeys { current: AffinityKey([7; 32]), previous: None };
        let mut builder = ConfigBuilder::new(keys);
        let monitor = self.is_monitored.then(|| PoolMonitor::plain(builder.monitor(any_monitor())));
        let monitors: Vec<_> = monitor.into_iter().collect();
        let mut pools: Vec<PoolIx> = Vec::new();
        for (n, endpoints) in (1u8..).zip(&self.pools) {
            let name = format!("pool-{n}");
            let enabled = self.disabled_pool != Some(usize::from(n) - 1);
            let spec = PoolSpec::new(PoolId([n; 16]), &name, endpoints.clone());
            let mut spec = PoolSpec { enabled, monitors: monitors.clone(), ..spec };
            (self.tune_pool)(&mut spec);
            pools.push(builder.pool(spec));
        }
        let affinity = SessionAffinity {
            kind: self.affinity,
            failover: self.failover,
            ..SessionAffinity::default()
        };
        let host = HostPattern::parse("lb.test").unwrap();
        let fallback = pools[self.fallback];
        let mut load_balancer = LoadBalancer {
            proxied: self.proxied,
            affinity,
            failover_across_pools: self.failover_across_pools,
            ..LoadBalancer::new(LoadBalancerId([1; 16]), host, pools, fallback)
        };
        (self.tune)(&mut load_balancer);
        builder.load_balancer(load_balancer).unwrap();
        builder.build()
    }
}

/// An endpoint of a pool: at an address,
pub(crate) fn spec(address: &SocketAddr) -> EndpointSpec {
    EndpointSpec::new("endpoint", Address::Ip(address.ip()), address.port())
}

/// or by a name.
pub(crate) fn spec_by_name(name: &str, port: u16) -> EndpointSpec {
    EndpointSpec::new("endpoint", Address::Name(name.to_owned()), port)
}

/// A short time limit, long enough for what shall not run into it on a busy machine.
pub(crate) const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// Waits for something that only its traces tell of.
pub(crate) fn eventually(what: &str, is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_secs(20), "in vain: {what}");
        std::thread::sleep(ms(1));
    }
}

fn any_monitor() -> Monitor {
    Monitor {
        id: MonitorId([9; 16]),
        kind: MonitorKind::Tcp,
        port: 0,
        interval_ms: 10_000,
        timeout_ms: 1_000,
        retries: 0,
        consecutive_up: 1,
        consecutive_down: 1,
    }
}

/// A running worker. It drains when the test is over.
pub(crate) struct World {
    pub(crate) address: SocketAddr,
    pub(crate) metrics: Arc<WorkerMetrics>,
    pub(crate) registry: Registry,
    pub(crate) shared: Shared,
    plan: Plan,
    writer: LiveWriter,
    revision: watch::Sender<u64>,
    drain: watch::Sender<Drain>,
    thread: Option<JoinHandle<()>>,
}

impl World {
    pub(crate) fn start(plan: Plan) -> Self {
        let config = Arc::new(plan.config());
        let health = Health::new(&config, |_| EndpointHealth::default());
        let (writer, live) = Live::new(View { config, health, zones: Arc::default(), revision: 1 });
        let (revision, follow) = watch::channel(1);
        let (drain, drained) = watch::channel(Drain::Not);
        let listeners = listen_shared("127.0.0.1:0".parse().unwrap(), 1).unwrap();
        let address = listeners[0].local_addr().unwrap();
        let registry = Registry::new(1);
        let metrics = Arc::clone(&registry.workers()[0]);
        let shared = Shared::new(plan.geo.clone()).with_crowd(plan.crowd);
        let shared = match plan.passive {
            Some(settings) => shared.with_passive_health(settings),
            None => shared,
        };
        let outbound = plan.outbound.clone().unwrap_or_else(|| shared.outbound.clone());
        let shared = Shared { outbound, ..shared };
        let tls = |socket| Listener { socket, tls: plan.tls.clone() };
        let listeners = listeners.into_iter().map(tls).collect();
        let options = WorkerOptions {
            live,
            revision: follow,
            listeners,
            metrics: Arc::clone(&metrics),
            settings: Arc::new(plan.settings.clone()),
            shared: shared.clone(),
            drain: drained,
        };
        let thread = std::thread::spawn(move || run_worker(options).unwrap());
        let thread = Some(thread);
        Self { address, metrics, registry, shared, plan, writer, revision, drain, thread }
    }

    /// Publishes a view in which the endpoints have these verdicts, in order.
    pub(crate) fn verdicts(&mut self, verdicts: &[Verdict]) {
        let config = Arc::clone(&self.writer.current().config);
        let health = Health::new(&config, |ix| EndpointHealth {
            verdict: verdicts[ix.get()],
            ..EndpointHealth::default()
        });
        self.publish(config, health);
    }

    /// Publishes a changed configuration, with no health known.
    pub(crate) fn change(&mut self, change: impl FnOnce(&mut Plan)) {
        change(&mut self.plan);
        let config = Arc::new(self.plan.config());
        let health = Health::new(&config, |_| EndpointHealth::default());
        self.publish(config, health);
    }

    fn publish(&mut self, config: Arc<Config>, health: Health) {
        let revision = self.writer.current().revision + 1;
        self.writer.publish(View { config, health, zones: Arc::default(), revision });
        self.revision.send_replace(revision);
    }

    /// What is counted of an endpoint, in configured order.
    pub(crate) fn load(&self, endpoint: usize) -> Load {
        let config = &self.writer.current().config;
        self.shared.loads.endpoint(config.endpoints[endpoint].id)
    }

    /// How many endpoints are left alone for what traffic met there.
    pub(crate) fn ejected(&self) -> usize {
        let now = Timestamp(unix_time_ms());
        self.shared.outliers.as_ref().map_or(0, |outliers| outliers.ejected(now))
    }

    /// What is counted, as a page of metrics.
    pub(crate) fn page(&self) -> String {
        let mut page = Exposition::default();
        self.registry.render(&mut page);
        self.registry.render_traffic(&|_| EndpointLoad::default(), &mut page);
        page.finish()
    }

    /// Waits until the page of metrics has a line: a client may have its answer a moment before it
    /// is counted.
    pub(crate) fn tells(&self, line: &str) {
        let start = Instant::now();
        loop {
            let page = self.page();
            if page.lines().any(|have| have == line) {
                return;
            }
            assert!(start.elapsed() < Duration::from_secs(20), "{line} is missing in\n{page}");
            std::thread::sleep(ms(1));
        }
    }

    /// A new client connection.
    pub(crate) fn client(&self) -> Client {
        Client::connect(self.address)
    }

    /// Waits until no client connection is left.
    pub(crate) fn wait_for_quiet(&self) {
        eventually("no client left", || self.metrics.downstream_open.get() == 0);
    }

    /// Waits until so many endpoint connections are idle.
    pub(crate) fn wait_for_idle(&self, count: u64) {
        eventually("idle connections", || self.metrics.upstream_idle.get() == count);
    }

    /// Tells the worker to stop.
    pub(crate) fn drain(&self) {
        self.drain.send_replace(Drain::Prompt);
    }

    /// Waits until the worker has stopped of its own accord.
    pub(crate) fn join(mut self) {
        self.thread.take().unwrap().join().unwrap();
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.drain();
    }
}
