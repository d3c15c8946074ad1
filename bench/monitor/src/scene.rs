//! What is probed: endpoints on addresses of their own, all on loopback.

use std::net::Ipv4Addr;
use std::sync::Arc;

use evenkeel_model::{
    Address, AffinityKey, AffinityKeys, BodyMatch, ConfigBuilder, EndpointHealth, EndpointSpec,
    ExpectedCodes, Health, Method, Monitor, MonitorId, MonitorKind, PoolId, PoolMonitor, PoolSpec,
    View,
};

/// Endpoints of one pool.
const POOL: u32 = 100;

/// Endpoints, and how they are probed.
pub(crate) struct Scene {
    pub name: &'static str,
    pub endpoints: u32,
    pub interval_ms: u32,
    pub tls: bool,
    pub kind: fn() -> MonitorKind,
}

/// The scenes measured, in order.
pub(crate) const ALL: [Scene; 6] = [
    Scene {
        name: "tcp, 1,000 at 1 s",
        endpoints: 1_000,
        interval_ms: 1_000,
        tls: false,
        kind: || MonitorKind::Tcp,
    },
    Scene {
        name: "http, 1,000 at 1 s",
        endpoints: 1_000,
        interval_ms: 1_000,
        tls: false,
        kind: || http(false, ""),
    },
    Scene {
        name: "http with a body, 1,000 at 1 s",
        endpoints: 1_000,
        interval_ms: 1_000,
        tls: false,
        kind: || http(false, "all is well"),
    },
    Scene {
        name: "http, 100 at 100 ms",
        endpoints: 100,
        interval_ms: 100,
        tls: false,
        kind: || http(false, ""),
    },
    Scene {
        name: "https, 200 at 1 s",
        endpoints: 200,
        interval_ms: 1_000,
        tls: true,
        kind: || http(true, ""),
    },
    Scene {
        name: "http, 20,000 at 10 s",
        endpoints: 20_000,
        interval_ms: 10_000,
        tls: false,
        kind: || http(false, ""),
    },
];

fn http(tls: bool, body: &str) -> MonitorKind {
    MonitorKind::Http {
        tls,
        allow_insecure: tls,
        method: Method::Get,
        path: "/health".to_owned(),
        headers: Vec::new(),
        expected_codes: ExpectedCodes::parse("2xx").expect("a class of codes"),
        expected_body: BodyMatch::new(body),
        follow_redirects: false,
    }
}

impl Scene {
    /// The view that asks for it, of servers that listen on this port of every address.
    pub(crate) fn view(&self, port: u16) -> View {
        let key = AffinityKey([7; 32]);
        let mut builder = ConfigBuilder::new(AffinityKeys { current: key, previous: None });
        let monitor = builder.monitor(Monitor {
            id: MonitorId([1; 16]),
            kind: (self.kind)(),
            port,
            interval_ms: self.interval_ms,
            timeout_ms: self.interval_ms.min(5_000) * 9 / 10,
            retries: 0,
            consecutive_up: 0,
            consecutive_down: 0,
        });
        for pool in 0..self.endpoints.div_ceil(POOL) {
            let mut id = [0; 16];
            id[..4].copy_from_slice(&pool.to_be_bytes());
            let range = pool * POOL..self.endpoints.min((pool + 1) * POOL);
            let endpoints = range.map(|n| {
                // 127.1.0.0 and up.
                let ip = Ipv4Addr::from(0x7f01_0000 + n);
                EndpointSpec::new("endpoint", Address::Ip(ip.into()), 0)
            });
            let spec = PoolSpec::new(PoolId(id), &format!("pool-{pool}"), endpoints.collect());
            builder.pool(PoolSpec { monitors: vec![PoolMonitor::plain(monitor)], ..spec });
        }
        let config = Arc::new(builder.build());
        let health = Health::new(&config, |_| EndpointHealth::default());
        View { config, health, zones: Arc::default(), revision: 1 }
    }
}
