//! Random configurations: every policy, kind of affinity and state that a document can express, at
//! sizes where they meet one another often.

mod load_balancer;

use evenkeel_model::{
    Address, EndpointSpec, EndpointSteering, LoadShedding, Monitor, MonitorId, MonitorIx,
    MonitorKind, Percent, PoolId, PoolMonitor, PoolSpec, SheddingPolicy, Weight,
};

use crate::blueprint::Blueprint;
use crate::chance::Chance;
use crate::places;

pub use load_balancer::{failover, steering};

/// Servers there are. Pools share some of them.
pub const SERVERS: u64 = 10;

/// Server `n`: the odd ones are reached by a name, which may fail to resolve.
#[must_use]
pub fn address(n: u64) -> Address {
    if n % 2 == 1 {
        Address::parse(&format!("server-{n}.test"))
    } else {
        Address::parse(&format!("192.0.2.{n}"))
    }
}

/// A whole configuration.
pub fn blueprint(chance: &mut Chance) -> Blueprint {
    let monitors: Vec<_> = (1..=chance.between(1, 3)).map(|n| monitor(n, chance)).collect();
    let count = chance.between(2, 5);
    let pools: Vec<_> = (1..=count).map(|n| pool(n, monitors.len(), chance)).collect();
    let services = (1..=chance.between(1, 4))
        .map(|n| load_balancer::service(n, pools.len(), chance))
        .collect();
    Blueprint { monitors, pools, services }
}

fn id(kind: u8, n: u64) -> [u8; 16] {
    let mut id = [kind; 16];
    id[8..].copy_from_slice(&n.to_be_bytes());
    id
}

fn monitor(n: u64, chance: &mut Chance) -> Monitor {
    Monitor {
        id: MonitorId(id(1, n)),
        kind: MonitorKind::Tcp,
        port: 0,
        interval_ms: *chance.pick(&[5_000, 10_000, 60_000]),
        timeout_ms: 1_000,
        retries: 0,
        consecutive_up: u32::try_from(chance.between(0, 2)).expect("small"),
        consecutive_down: u32::try_from(chance.between(0, 2)).expect("small"),
    }
}

fn pool(n: u64, monitors: usize, chance: &mut Chance) -> PoolSpec {
    let mut servers: Vec<u64> = (0..SERVERS).collect();
    chance.shuffle(&mut servers);
    servers.truncate(1 + chance.index(4));
    let alike = chance.percent(50);
    let mut endpoints = Vec::new();
    for server in servers {
        let mut endpoint = endpoint(server);
        if !alike {
            endpoint.weight = weight(chance);
        }
        endpoints.push(endpoint);
    }
    let mut spec = PoolSpec::new(PoolId(id(2, n)), &format!("p{n}"), endpoints);
    spec.enabled = chance.percent(95);
    spec.endpoints_min = *chance.pick(&[1, 1, 1, 2, 0]);
    spec.monitors = judges(monitors, chance);
    spec.endpoint_steering = *chance.pick(&[
        EndpointSteering::Random,
        EndpointSteering::Hash,
        EndpointSteering::LeastOutstandingRequests,
        EndpointSteering::LeastConnections,
        EndpointSteering::LeastLatency,
    ]);
    spec.shedding = shedding(chance);
    spec.coordinates = chance.percent(70).then(|| places::city(chance));
    spec
}

/// Mostly one monitor, sometimes a group of several with parts of their own, sometimes none.
fn judges(monitors: usize, chance: &mut Chance) -> Vec<PoolMonitor> {
    let place = |n| MonitorIx(u32::try_from(n).expect("few"));
    if chance.percent(30) {
        return Vec::new();
    }
    if chance.percent(60) {
        return vec![PoolMonitor::plain(place(chance.index(monitors)))];
    }
    let member = |n| PoolMonitor {
        monitor: place(n),
        must_be_healthy: chance.percent(20),
        monitoring_only: chance.percent(20),
    };
    (0..monitors).map(member).collect()
}

/// An endpoint on a server, as a document with nothing else in it means.
#[must_use]
pub fn endpoint(server: u64) -> EndpointSpec {
    EndpointSpec::new(&format!("e{server}"), address(server), 80)
}

/// A weight, often full, sometimes none.
pub fn weight(chance: &mut Chance) -> Weight {
    let hundredths = *chance.pick(&[0, 1, 30, 50, 100, 100]);
    Weight::from_hundredths(hundredths).expect("at most 100")
}

/// Load shedding, mostly none.
pub fn shedding(chance: &mut Chance) -> Option<LoadShedding> {
    let mut percent = || {
        let percent = *chance.pick(&[0.0, 10.0, 30.0, 50.0, 100.0]);
        Percent::from_number(percent).expect("at most 100")
    };
    let (default, sessions) = (percent(), percent());
    let default_policy = *chance.pick(&[SheddingPolicy::Random, SheddingPolicy::Hash]);
    chance.percent(30).then_some(LoadShedding { default, default_policy, sessions })
}
