//! The configurations: one load balancer as people have them, alone or among 10,000.

use std::sync::Arc;

use evenkeel_decision::{Env, NoLoads, NoSessions, RequestFacts, Rng, Trail, decide};
use evenkeel_model::{
    Address, AffinityKey, AffinityKeys, AffinityKind, Config, ConfigBuilder, EndpointHealth,
    EndpointSpec, Expression, Health, HostPattern, LoadBalancer, LoadBalancerId, Monitor,
    MonitorId, MonitorIx, MonitorKind, PoolId, PoolIx, PoolMonitor, PoolSpec, Rule, RuleAction,
    SessionAffinity, Timestamp, Verdict, View,
};

/// The present.
pub(crate) const NOW: Timestamp = Timestamp::from_seconds(1_795_505_280);

/// Load balancers and pools of the larger configuration.
const MANY: u32 = 10_000;

/// What is configured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scale {
    /// One load balancer and its two pools.
    One,
    /// [`MANY`] load balancers like it, and as many pools.
    Many,
}

impl Scale {
    pub(crate) fn parse(word: &str) -> Option<Self> {
        match word {
            "one" => Some(Self::One),
            "many" => Some(Self::Many),
            _ => None,
        }
    }

    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::One => "one",
            Self::Many => "many",
        }
    }
}

/// A view, and requests into it.
#[derive(Debug)]
pub(crate) struct Scene {
    pub(crate) view: View,
    /// Names of all load balancers, of one length.
    pub(crate) hosts: Vec<String>,
    /// Fields of a head as a browser sends it, but for `Cookie`.
    pub(crate) headers: Vec<(&'static str, &'static str)>,
    /// A `Cookie` line with the session of the load balancer in the middle.
    pub(crate) cookie: String,
}

impl Scene {
    pub(crate) fn new(scale: Scale) -> Self {
        let (services, pools) = match scale {
            Scale::One => (1, 2),
            Scale::Many => (MANY, MANY),
        };
        let hosts: Vec<_> = (0..services).map(|n| format!("shop-{n:05}.example.com")).collect();
        let config = Arc::new(config(&hosts, pools));
        let healthy = EndpointHealth { verdict: Verdict::Healthy, ..EndpointHealth::default() };
        let health = Health::new(&config, |_| healthy);
        let view = View { config, health, zones: Arc::default(), revision: 1 };
        let mut scene = Self { view, hosts, headers: HEADERS.to_vec(), cookie: String::new() };
        scene.cookie = format!("theme=dark; {}; _ga=GA1.1.1234567890", scene.begin_session());
        scene
    }

    /// The load balancer in the middle: neither the first nor the last of anything.
    pub(crate) fn host(&self) -> &str {
        &self.hosts[self.hosts.len() / 2]
    }

    /// A request for a host.
    pub(crate) fn facts<'a>(&'a self, host: &'a str, cookies: &'a [&'a [u8]]) -> RequestFacts<'a> {
        RequestFacts {
            https: true,
            target: b"/catalogue/shoes?size=42",
            cookies,
            headers: &self.headers,
            ..RequestFacts::new(host, [203, 0, 113, 9].into())
        }
    }

    /// `__cflb=…` of a new session.
    fn begin_session(&self) -> String {
        let mut env = Env {
            now: NOW,
            rng: &mut Draws(1),
            loads: &NoLoads,
            ejections: None,
            sessions: &mut NoSessions,
        };
        let facts = self.facts(self.host(), &[]);
        let decision = decide(&self.view, &facts, &mut env, &mut Trail::new());
        let mut value = Vec::new();
        crate::case::write_session(&self.view, decision, &mut env, &mut value);
        let value = String::from_utf8(value).expect("cookies are ASCII");
        value.split(';').next().unwrap_or_default().to_owned()
    }
}

fn config(hosts: &[String], pools: u32) -> Config {
    let key = AffinityKey([7; 32]);
    let mut builder = ConfigBuilder::new(AffinityKeys { current: key, previous: None });
    let monitor = builder.monitor(Monitor {
        id: MonitorId([1; 16]),
        kind: MonitorKind::Tcp,
        port: 0,
        interval_ms: 60_000,
        timeout_ms: 5_000,
        retries: 2,
        consecutive_up: 1,
        consecutive_down: 1,
    });
    let pools: Vec<_> = (0..pools).map(|n| builder.pool(pool(n, monitor))).collect();
    for (n, host) in (0..).zip(hosts) {
        let at = usize::try_from(n).expect("fits") % pools.len();
        let own = vec![pools[at], pools[(at + 1) % pools.len()]];
        builder.load_balancer(load_balancer(n, host, own)).expect("names are not shared");
    }
    builder.build()
}

fn id(n: u32) -> [u8; 16] {
    let mut id = [0; 16];
    id[..4].copy_from_slice(&n.to_be_bytes());
    id
}

fn pool(n: u32, monitor: MonitorIx) -> PoolSpec {
    let [_, a, b, c] = n.to_be_bytes();
    let address = |m| Address::parse(&format!("10.{}.{b}.{c}", a + m));
    let endpoints = (0..3).map(|m| EndpointSpec::new("endpoint", address(m), 80)).collect();
    let mut pool = PoolSpec::new(PoolId(id(n)), &format!("pool-{n:05}"), endpoints);
    pool.monitors = vec![PoolMonitor::plain(monitor)];
    pool
}

fn load_balancer(n: u32, host: &str, pools: Vec<PoolIx>) -> LoadBalancer {
    let conditions = [
        "starts_with(http.request.uri.path, \"/admin/\")",
        "any(http.request.headers[\"x-canary\"][*] eq \"1\")",
        "http.request.method eq \"POST\" and ip.src in {192.0.2.0/24 198.51.100.0/24}",
    ];
    let fallback = pools[1];
    let pattern = HostPattern::parse(host).expect("a name");
    LoadBalancer {
        affinity: SessionAffinity { kind: AffinityKind::Cookie, ..SessionAffinity::default() },
        rules: conditions.iter().map(|condition| rule(condition)).collect(),
        ..LoadBalancer::new(LoadBalancerId(id(n)), pattern, pools, fallback)
    }
}

fn rule(condition: &str) -> Rule {
    Rule {
        name: "rule".to_owned(),
        condition: Expression::parse(condition).expect("a condition"),
        action: RuleAction::Override { overrides: Box::default(), terminates: false },
    }
}

const HEADERS: [(&str, &str); 14] = [
    ("host", "shop-05000.example.com"),
    ("connection", "keep-alive"),
    ("cache-control", "max-age=0"),
    ("sec-ch-ua", "\"Chromium\";v=\"140\", \"Not=A?Brand\";v=\"24\""),
    ("sec-ch-ua-mobile", "?0"),
    ("sec-ch-ua-platform", "\"Linux\""),
    ("upgrade-insecure-requests", "1"),
    ("user-agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)"),
    ("accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"),
    ("sec-fetch-site", "none"),
    ("sec-fetch-mode", "navigate"),
    ("sec-fetch-dest", "document"),
    ("accept-encoding", "gzip, deflate, br"),
    ("accept-language", "en-GB,en;q=0.9"),
];

/// SplitMix64.
#[derive(Debug)]
pub(crate) struct Draws(pub(crate) u64);

impl Rng for Draws {
    fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}
