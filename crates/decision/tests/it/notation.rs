//! Views and requests as text, so that a test is a line of data.
//!
//! A world is `SETTINGS | POOL | POOL …`:
//!
//! * settings, all optional: `random` (else failover order) with `POOL=WEIGHT` and
//!   `default=WEIGHT`, `cookie` with `ttl=SECONDS`, `temporary` or `sticky`, `across` (the retry may
//!   leave the pool), `dns-only`, `fallback=POOL` (else the last one);
//! * a pool: `NAME FLAGS: ENDPOINT …` with the flags `min=N`, `unmonitored`, `disabled` and `spare`
//!   (not among the default pools);
//! * an endpoint: `NAME`, then `=WEIGHT`, then `!` unhealthy, `?` unknown or `-` disabled. Its
//!   address is its name, so one name in two pools is one server.
//!
//! A request is a list of words: `cookie=ENDPOINT` (a session that began at [`START`]),
//! `after=SECONDS` since then, and `WORD:ENDPOINT` for everything that goes wrong, the word being
//! that of a dial failure or `unresolved`.

use std::collections::BTreeMap;
use std::sync::Arc;

use evenkeel_decision::{
    Decision, DialFailure, Env, GiveUp, Plan, RequestFacts, Rng, SessionCookie, Step, Target,
    Trail, decide,
};
use evenkeel_model::{
    Address, AffinityKey, AffinityKeys, AffinityKind, Config, ConfigBuilder, EndpointHealth,
    EndpointIx, EndpointSpec, Health, HostPattern, LoadBalancer, LoadBalancerId, LoadBalancerIx,
    Monitor, MonitorId, MonitorKind, PoolId, PoolIx, PoolSpec, Steering, Timestamp, Verdict, View,
    Weight, ZeroDowntimeFailover,
};

/// The name of every world's load balancer.
pub(crate) const HOST: &str = "shop.example.com";
/// When sessions begin: 2026-11-23T08:28:00Z.
pub(crate) const START: Timestamp = Timestamp::from_seconds(1_795_422_480);

/// Always draws the first of what has a weight.
pub(crate) struct First;

impl Rng for First {
    fn next_u64(&mut self) -> u64 {
        1
    }
}

/// SplitMix64: even enough for any chi-squared test, and a seed is all it needs.
pub(crate) struct Seeded(pub(crate) u64);

impl Rng for Seeded {
    fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

/// A view, and the text it came from.
pub(crate) struct World {
    pub(crate) text: String,
    pub(crate) view: View,
}

/// What a request met on its way.
#[derive(Debug, PartialEq)]
pub(crate) struct Exchange {
    /// Everyone dialled, names that did not resolve excluded.
    pub(crate) dialled: Vec<Target>,
    /// Who answered, or why nobody did.
    pub(crate) result: Result<EndpointIx, GiveUp>,
    /// The session that was set.
    pub(crate) set: Option<SessionCookie>,
    /// The trail in words, without the load balancer it begins with.
    pub(crate) trail: String,
}

/// A request and what goes wrong with it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Request {
    /// Values of the `Cookie` lines.
    pub(crate) cookies: Vec<Vec<u8>>,
    pub(crate) after_s: u64,
    pub(crate) failures: BTreeMap<EndpointIx, DialFailure>,
    pub(crate) unresolved: Vec<EndpointIx>,
}

/// Sends a request and compares `trail → result`, the result being the endpoint that answered and
/// the session it set, or the status.
#[track_caller]
pub(crate) fn check(world: &str, request: &str, expected: &str) {
    let world = World::parse(world);
    let exchange = world.send(&world.request(request), &mut First);
    assert_eq!(world.describe(&exchange), expected, "{} | {request}", world.text);
}

impl World {
    /// Reads a world. Panics on anything it does not understand.
    pub(crate) fn parse(text: &str) -> Self {
        let keys =
            AffinityKeys { current: AffinityKey([7; 32]), previous: Some(AffinityKey([8; 32])) };
        let mut builder = ConfigBuilder::new(keys);
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
        let (settings, pools) = text.split_once('|').expect("settings and pools");
        let mut known = Vec::new();
        let mut default_pools = Vec::new();
        let mut names = BTreeMap::new();
        for (n, pool) in (1..).zip(pools.split('|')) {
            let (head, endpoints) = pool.split_once(':').expect("a colon after the pool");
            let mut flags = head.split_whitespace();
            let name = flags.next().expect("a name");
            let mut spec =
                PoolSpec { monitor: Some(monitor), ..PoolSpec::new(PoolId([n; 16]), name, vec![]) };
            let mut spare = false;
            for flag in flags {
                match flag.split_once('=').unwrap_or((flag, "")) {
                    ("min", n) => spec.endpoints_min = n.parse().expect("a number"),
                    ("unmonitored", "") => spec.monitor = None,
                    ("disabled", "") => spec.enabled = false,
                    ("spare", "") => spare = true,
                    _ => panic!("{flag} is no flag of a pool"),
                }
            }
            for endpoint in endpoints.split_whitespace() {
                let (spec_of, verdict) = parse_endpoint(endpoint);
                spec.endpoints.push(spec_of);
                known.push(verdict);
            }
            let ix = builder.pool(spec);
            names.insert(name, ix);
            if !spare {
                default_pools.push(ix);
            }
        }
        let lb = parse_settings(settings, default_pools, &names);
        builder.load_balancer(lb).expect("the only one");
        let config = Arc::new(builder.build());
        let health = Health::new(&config, |ix| EndpointHealth {
            verdict: known[ix.get()],
            ..EndpointHealth::default()
        });
        Self { text: text.into(), view: View { config, health, revision: 1 } }
    }

    pub(crate) fn config(&self) -> &Config {
        &self.view.config
    }

    pub(crate) fn lb(&self) -> &LoadBalancer {
        self.config().load_balancer(LoadBalancerIx(0))
    }

    /// The endpoint of a name, the first if there are several.
    pub(crate) fn endpoint(&self, name: &str) -> EndpointIx {
        let mut endpoints = self.config().endpoints_indexed();
        endpoints.find(|(_, endpoint)| endpoint.name == name).expect("an endpoint's name").0
    }

    /// Reads a request. Panics on anything it does not understand.
    pub(crate) fn request(&self, text: &str) -> Request {
        let mut request = Request::default();
        for word in text.split_whitespace() {
            if let Some((what, endpoint)) = word.split_once(':') {
                let endpoint = self.endpoint(endpoint);
                match failure(what) {
                    Some(failure) => drop(request.failures.insert(endpoint, failure)),
                    None if what == "unresolved" => request.unresolved.push(endpoint),
                    None => panic!("{what} does not go wrong"),
                }
            } else {
                match word.split_once('=').expect("a value") {
                    ("cookie", endpoint) => {
                        request.cookies.push(self.session(self.endpoint(endpoint)));
                    }
                    ("after", seconds) => request.after_s = seconds.parse().expect("seconds"),
                    (name, _) => panic!("{name} is no part of a request"),
                }
            }
        }
        request
    }

    /// The cookie line of a session with an endpoint, begun at [`START`].
    pub(crate) fn session(&self, endpoint: EndpointIx) -> Vec<u8> {
        let pool = self.config().endpoint(endpoint).pool;
        self.cookie(SessionCookie { load_balancer: LoadBalancerIx(0), pool, endpoint }, START)
    }

    /// What a browser sends back for a session.
    pub(crate) fn cookie(&self, session: SessionCookie, now: Timestamp) -> Vec<u8> {
        let mut value = Vec::new();
        session.write_value(&self.view, now, true, &mut value);
        value.split(|byte| *byte == b';').next().expect("the pair").to_vec()
    }

    /// Does what the decision says, until somebody answers or it gives up.
    pub(crate) fn send(&self, request: &Request, rng: &mut dyn Rng) -> Exchange {
        let cookies: Vec<&[u8]> = request.cookies.iter().map(Vec::as_slice).collect();
        let facts = RequestFacts {
            host: HOST,
            client: [203, 0, 113, 9].into(),
            https: true,
            cookies: &cookies,
        };
        let mut env = Env { now: START.plus_seconds(request.after_s), rng };
        let mut trail = Trail::new();
        let mut dialled = Vec::new();
        let (result, set) = match decide(&self.view, &facts, &mut env, &mut trail) {
            Decision::Unavailable(reason) => (Err(GiveUp::Unavailable(reason)), None),
            Decision::Forward(plan) => self.dial(plan, request, &mut env, &mut trail, &mut dialled),
        };
        let trail = trail.describe(&self.view).to_string();
        let prefix = format!("lb={HOST} ");
        let trail = trail.strip_prefix(&prefix).expect("first the load balancer").into();
        Exchange { dialled, result, set, trail }
    }

    fn dial(
        &self,
        mut plan: Plan,
        request: &Request,
        env: &mut Env<'_>,
        trail: &mut Trail,
        dialled: &mut Vec<Target>,
    ) -> (Result<EndpointIx, GiveUp>, Option<SessionCookie>) {
        loop {
            let target = match plan.step() {
                Step::Dial(target) => target,
                Step::GiveUp(reason) => return (Err(reason), plan.answered()),
            };
            // A server fails in every pool it is in.
            let server = self.endpoint(&self.config().endpoint(target.endpoint).name);
            if request.unresolved.contains(&server) {
                plan.unresolved(&self.view, env, trail);
                continue;
            }
            dialled.push(target);
            match request.failures.get(&server) {
                Some(failure) => plan.failed(&self.view, env, *failure, trail),
                None => return (Ok(target.endpoint), plan.answered()),
            }
        }
    }

    /// `trail → result`.
    pub(crate) fn describe(&self, exchange: &Exchange) -> String {
        let name = |ix| &self.config().endpoint(ix).name;
        let result = match exchange.result {
            Ok(endpoint) => name(endpoint).clone(),
            Err(reason) => match reason.error_code() {
                Some(code) => format!("{}/{code}", reason.status()),
                None => reason.status().to_string(),
            },
        };
        let set =
            exchange.set.map_or(String::new(), |set| format!(", sets {}", name(set.endpoint)));
        format!("{} → {result}{set}", exchange.trail)
    }
}

fn weight(text: &str) -> Weight {
    Weight::from_fraction(text.parse().expect("a number")).expect("hundredths up to 1")
}

fn failure(word: &str) -> Option<DialFailure> {
    use DialFailure::{Certificate, Refused, TimedOut, Tls, Unreachable};
    let all = [Refused, TimedOut, Unreachable, Tls, Certificate];
    all.into_iter().find(|failure| failure.as_str() == word)
}

fn parse_endpoint(text: &str) -> (EndpointSpec, Verdict) {
    let (rest, verdict) = match text.as_bytes()[text.len() - 1] {
        b'!' => (&text[..text.len() - 1], Verdict::Unhealthy),
        b'?' => (&text[..text.len() - 1], Verdict::Unknown),
        b'-' => (&text[..text.len() - 1], Verdict::Healthy),
        _ => (text, Verdict::Healthy),
    };
    let (name, share) = rest.split_once('=').unwrap_or((rest, "1"));
    let address = Address::parse(&format!("{name}.example"));
    let spec = EndpointSpec {
        enabled: !text.ends_with('-'),
        weight: weight(share),
        ..EndpointSpec::new(name, address, 80)
    };
    (spec, verdict)
}

fn parse_settings(
    text: &str,
    default_pools: Vec<PoolIx>,
    names: &BTreeMap<&str, PoolIx>,
) -> LoadBalancer {
    let host = HostPattern::parse(HOST).expect("a name");
    let fallback = *names.values().max().expect("a pool");
    let mut lb = LoadBalancer::new(LoadBalancerId([1; 16]), host, default_pools, fallback);
    for word in text.split_whitespace() {
        match word.split_once('=').unwrap_or((word, "")) {
            ("random", "") => lb.steering = Steering::Random,
            ("cookie", "") => lb.affinity.kind = AffinityKind::Cookie,
            ("ttl", seconds) => lb.affinity.ttl_s = seconds.parse().ok(),
            ("temporary", "") => lb.affinity.failover = ZeroDowntimeFailover::Temporary,
            ("sticky", "") => lb.affinity.failover = ZeroDowntimeFailover::Sticky,
            ("across", "") => lb.failover_across_pools = true,
            ("dns-only", "") => lb.proxied = false,
            ("fallback", pool) => lb.fallback_pool = names[pool],
            ("default", share) => lb.pool_weights.default = weight(share),
            (pool, share) => lb.pool_weights.of_pool.push((names[pool], weight(share))),
        }
    }
    lb
}
