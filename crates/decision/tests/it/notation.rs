//! Views and requests as text, so that a test is a line of data.
//!
//! A world is `SETTINGS | POOL | POOL …`:
//!
//! * settings, all optional: a policy (`random`, `geo`, `latency`, `proximity`, `lor`, `lc`; else
//!   failover order) with `POOL=WEIGHT` and `default=WEIGHT`; `pop:FRA=POOL,POOL`, `country:DE=…`
//!   and `region:WEU=…`; `cookie`, `ip_cookie` or `header=NAME,NAME` with `ttl=SECONDS`, `all-headers`,
//!   `drain=SECONDS`, `temporary` or `sticky`; `across` (the retry may leave the pool), `dns-only`,
//!   `disabled`, `fallback=POOL` (else the last one);
//! * a pool: `NAME FLAGS: ENDPOINT …` with the flags `min=N`, `unmonitored`, `disabled`, `spare` (not
//!   among the default pools), `hash`, `lor`, `lc`, `ll`, `at=LATITUDE,LONGITUDE`, `rtt=MS` (measured three
//!   times) or `rtt=MS/TIMES`, `shed=PERCENT`, `shed-hash=PERCENT` and `shed-sessions=PERCENT`;
//! * an endpoint: `NAME`, then `=WEIGHT`, then `!` unhealthy, `?` unknown or `-` disabled since
//!   [`START`]. Its address is its name, or what stands between `<` and `>` after the name, so one
//!   name in two pools is one server. `*` after that keeps the name from being flattened.
//!
//! A request is a list of words: `cookie=ENDPOINT` (a session that began at [`START`]),
//! `after=SECONDS` since then, `from=ADDRESS` (placed by [`Atlas`]), `at=POP/REGION` of the node,
//! `path=/…`, `header=NAME/VALUE`, `stream`, and `WORD:ENDPOINT` for everything that goes wrong, the
//! word being that of a dial failure, `unresolved`, or `ejected` for an endpoint that passive health
//! leaves alone.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use evenkeel_decision::passive::Cause;
use evenkeel_decision::{
    Decision, DialFailure, Ejections, Env, Geography, GiveUp, Loads, Mode, NoLoads, NoSessions,
    Plan, QueryFacts, RequestFacts, Rng, SessionCookie, Sessions, Step, Target, Trail, decide,
};
use evenkeel_model::{
    Address, AffinityHeader, AffinityKey, AffinityKeys, AffinityKind, Config, ConfigBuilder,
    Coordinates, Country, EndpointHealth, EndpointId, EndpointIx, EndpointSpec, EndpointSteering,
    Health, HostPattern, Latency, LoadBalancer, LoadBalancerId, LoadBalancerIx, LoadShedding,
    Location, Monitor, MonitorId, MonitorKind, Node, Percent, PoolId, PoolIx, PoolMonitor,
    PoolSpec, Pop, Region, SheddingPolicy, Steering, Timestamp, Verdict, View, Weight,
    ZeroDowntimeFailover,
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

/// Where the addresses of tests are: `10.X.Y.Z`, where X is the dialling code of the country and Y
/// the number of the autonomous system.
#[derive(Debug)]
pub(crate) struct Atlas;

impl Geography for Atlas {
    fn location(&self, address: IpAddr) -> Location {
        let (country, (latitude, longitude)) = match address {
            IpAddr::V4(v4) if v4.octets()[..2] == [10, 49] => ("DE", (52.5, 13.4)),
            IpAddr::V4(v4) if v4.octets()[..2] == [10, 33] => ("FR", (48.9, 2.4)),
            IpAddr::V4(v4) if v4.octets()[..2] == [10, 1] => ("US", (40.7, -74.0)),
            _ => return Location::default(),
        };
        Location {
            country: Country::parse(country),
            subdivision: None,
            coordinates: Coordinates::new(latitude, longitude),
        }
    }

    fn asn(&self, address: IpAddr) -> Option<u32> {
        match address {
            IpAddr::V4(v4) if v4.octets()[0] == 10 => Some(v4.octets()[2].into()),
            _ => None,
        }
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
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) mode: Mode,
    pub(crate) client: IpAddr,
    pub(crate) node: Node,
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    /// Values of the `Cookie` lines.
    pub(crate) cookies: Vec<Vec<u8>>,
    pub(crate) after_s: u64,
    pub(crate) failures: BTreeMap<EndpointIx, DialFailure>,
    pub(crate) unresolved: Vec<EndpointIx>,
    pub(crate) ejected: Vec<EndpointId>,
}

impl Ejections for Request {
    fn of(&self, endpoint: EndpointId, _now: Timestamp) -> Option<Cause> {
        self.ejected.contains(&endpoint).then_some(Cause::ServerErrors)
    }
}

impl Request {
    /// Whom a decision leaves alone, as the proxy says it: nothing while it is nobody.
    pub(crate) fn ejections(&self) -> Option<&dyn Ejections> {
        (!self.ejected.is_empty()).then_some(self)
    }
}

impl Default for Request {
    fn default() -> Self {
        Self {
            mode: Mode::Http,
            client: [203, 0, 113, 9].into(),
            node: Node::default(),
            target: "/".into(),
            headers: Vec::new(),
            cookies: Vec::new(),
            after_s: 0,
            failures: BTreeMap::new(),
            unresolved: Vec::new(),
            ejected: Vec::new(),
        }
    }
}

/// Sends a request and compares `trail → result`, the result being the endpoint that answered and
/// the session it set, or the status.
#[track_caller]
pub(crate) fn check(world: &str, request: &str, expected: &str) {
    check_in(&World::parse(world), request, expected);
}

/// The same in a world that is there already. A fixed response's result is its status and body.
#[track_caller]
pub(crate) fn check_in(world: &World, text: &str, expected: &str) {
    let request = world.request(text);
    let result = match world.fixed(&request) {
        Some(fixed) => fixed,
        None => world.describe(&world.send(&request, &mut First)),
    };
    assert_eq!(result, expected, "{} | {text}", world.text);
}

impl World {
    /// Reads a world. Panics on anything it does not understand.
    pub(crate) fn parse(text: &str) -> Self {
        Self::with(text, |_, _| {})
    }

    /// The same, and changes the load balancer: pools are found by name.
    pub(crate) fn with(
        text: &str,
        change: impl FnOnce(&mut LoadBalancer, &dyn Fn(&str) -> PoolIx),
    ) -> Self {
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
        let mut latencies = Vec::new();
        let mut default_pools = Vec::new();
        let mut names = BTreeMap::new();
        for (n, pool) in (1..).zip(pools.split('|')) {
            let (head, endpoints) = pool.split_once(':').expect("a colon after the pool");
            let mut flags = head.split_whitespace();
            let name = flags.next().expect("a name");
            let mut spec = PoolSpec {
                monitors: vec![PoolMonitor::plain(monitor)],
                ..PoolSpec::new(PoolId([n; 16]), name, vec![])
            };
            let mut spare = false;
            let mut latency = None;
            let mut shedding = LoadShedding::default();
            let percent = |text: &str| {
                Percent::from_number(text.parse().expect("a number")).expect("0 to 100")
            };
            for flag in flags {
                match flag.split_once('=').unwrap_or((flag, "")) {
                    ("min", n) => spec.endpoints_min = n.parse().expect("a number"),
                    ("unmonitored", "") => spec.monitors = Vec::new(),
                    ("disabled", "") => spec.enabled = false,
                    ("spare", "") => spare = true,
                    ("hash", "") => spec.endpoint_steering = EndpointSteering::Hash,
                    ("lor", "") => {
                        spec.endpoint_steering = EndpointSteering::LeastOutstandingRequests;
                    }
                    ("lc", "") => spec.endpoint_steering = EndpointSteering::LeastConnections,
                    ("ll", "") => spec.endpoint_steering = EndpointSteering::LeastLatency,
                    ("at", place) => {
                        let (latitude, longitude) = place.split_once(',').expect("two numbers");
                        spec.coordinates = Coordinates::new(
                            latitude.parse().expect("degrees"),
                            longitude.parse().expect("degrees"),
                        );
                    }
                    ("rtt", measured) => {
                        let (ms, samples) = measured.split_once('/').unwrap_or((measured, "3"));
                        let ms: f64 = ms.parse().expect("milliseconds");
                        let samples = samples.parse().expect("a count");
                        latency = Some(Latency { mean_us: (ms * 1000.0) as u32, samples });
                    }
                    ("shed", share) => shedding.default = percent(share),
                    ("shed-hash", share) => {
                        shedding.default = percent(share);
                        shedding.default_policy = SheddingPolicy::Hash;
                    }
                    ("shed-sessions", share) => shedding.sessions = percent(share),
                    _ => panic!("{flag} is no flag of a pool"),
                }
            }
            for endpoint in endpoints.split_whitespace() {
                let (spec_of, verdict) = parse_endpoint(endpoint);
                spec.endpoints.push(spec_of);
                known.push(verdict);
            }
            spec.shedding = (shedding != LoadShedding::default()).then_some(shedding);
            latencies.push(latency);
            let ix = builder.pool(spec);
            names.insert(name, ix);
            if !spare {
                default_pools.push(ix);
            }
        }
        let mut lb = parse_settings(settings, default_pools, &names);
        change(&mut lb, &|name| names[name]);
        builder.load_balancer(lb).expect("the only one");
        let config = Arc::new(builder.build());
        let health = Health::new(&config, |ix| EndpointHealth {
            verdict: known[ix.get()],
            ..EndpointHealth::default()
        })
        .with_latencies(|ix| latencies[ix.get()]);
        Self {
            text: text.into(),
            view: View { config, health, zones: Arc::default(), revision: 1 },
        }
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
            let has_value = word.find('=').is_some_and(|at| !word[..at].contains(':'));
            if word == "stream" {
                request.mode = Mode::Stream;
            } else if let Some((what, endpoint)) = word.split_once(':').filter(|_| !has_value) {
                let endpoint = self.endpoint(endpoint);
                match failure(what) {
                    Some(failure) => drop(request.failures.insert(endpoint, failure)),
                    None if what == "unresolved" => request.unresolved.push(endpoint),
                    None if what == "ejected" => {
                        request.ejected.push(self.config().endpoint(endpoint).id);
                    }
                    None => panic!("{what} does not go wrong"),
                }
            } else {
                match word.split_once('=').expect("a value") {
                    ("cookie", endpoint) => {
                        request.cookies.push(self.session(self.endpoint(endpoint)));
                    }
                    ("from", address) => request.client = address.parse().expect("an address"),
                    ("at", place) => request.node = parse_node(place),
                    ("path", target) => request.target = target.into(),
                    ("header", field) => {
                        let (name, value) = field.split_once('/').expect("a name and a value");
                        request.headers.push((name.into(), value.into()));
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
        let affinity = &self.lb().affinity;
        let session = SessionCookie {
            kind: affinity.kind,
            load_balancer: LoadBalancerIx(0),
            pool,
            endpoint,
            ttl_s: affinity.kind.ttl_s(affinity.ttl_s),
            same_site: affinity.same_site,
            secure: affinity.secure,
        };
        self.cookie(session, START)
    }

    /// What a browser sends back for a session.
    pub(crate) fn cookie(&self, session: SessionCookie, now: Timestamp) -> Vec<u8> {
        let mut value = Vec::new();
        session.write_value(&self.view, now, true, &mut value);
        value.split(|byte| *byte == b';').next().expect("the pair").to_vec()
    }

    /// Does what the decision says, until somebody answers or it gives up.
    pub(crate) fn send(&self, request: &Request, rng: &mut dyn Rng) -> Exchange {
        self.send_with(request, rng, &NoLoads, &mut NoSessions)
    }

    /// The same, with loads and remembered sessions.
    pub(crate) fn send_with(
        &self,
        request: &Request,
        rng: &mut dyn Rng,
        loads: &dyn Loads,
        sessions: &mut dyn Sessions,
    ) -> Exchange {
        let cookies: Vec<&[u8]> = request.cookies.iter().map(Vec::as_slice).collect();
        let facts = facts(request, &cookies);
        let now = START.plus_seconds(request.after_s);
        let mut env = Env { now, rng, loads, ejections: request.ejections(), sessions };
        let mut trail = Trail::new();
        let mut dialled = Vec::new();
        let (result, set) = match decide(&self.view, &facts, &mut env, &mut trail) {
            Decision::Unavailable(reason) => (Err(GiveUp::Unavailable(reason)), None),
            Decision::Respond(_) => panic!("a fixed response has no endpoint"),
            Decision::Forward(plan) => self.dial(plan, request, &mut env, &mut trail, &mut dialled),
        };
        let trail = self.trail(&trail);
        Exchange { dialled, result, set, trail }
    }

    /// `trail → status body` of a fixed response; `None` when there is none.
    pub(crate) fn fixed(&self, request: &Request) -> Option<String> {
        let cookies: Vec<&[u8]> = request.cookies.iter().map(Vec::as_slice).collect();
        let now = START.plus_seconds(request.after_s);
        let (rng, loads, sessions) = (&mut First, &NoLoads, &mut NoSessions);
        let mut env = Env { now, rng, loads, ejections: request.ejections(), sessions };
        let mut trail = Trail::new();
        match decide(&self.view, &facts(request, &cookies), &mut env, &mut trail) {
            Decision::Respond(response) => {
                let trail = self.trail(&trail);
                Some(format!("{trail} → {} {}", response.status, response.body))
            }
            _ => None,
        }
    }

    /// A trail in words, without the load balancer it begins with.
    pub(crate) fn trail(&self, trail: &Trail) -> String {
        let text = trail.describe(&self.view).to_string();
        let prefix = format!("lb={HOST}");
        text.strip_prefix(&prefix).expect("first the load balancer").trim_start().into()
    }

    fn dial(
        &self,
        mut plan: Plan<'_>,
        request: &Request,
        env: &mut Env<'_>,
        trail: &mut Trail,
        dialled: &mut Vec<Target>,
    ) -> (Result<EndpointIx, GiveUp>, Option<SessionCookie>) {
        loop {
            let target = match plan.step() {
                Step::Dial(target) => target,
                Step::GiveUp(reason) => return (Err(reason), plan.answered(env)),
            };
            // A server fails in every pool it is in.
            let server = self.endpoint(&self.config().endpoint(target.endpoint).name);
            if request.unresolved.contains(&server) {
                plan.unresolved(env, trail);
                continue;
            }
            dialled.push(target);
            match request.failures.get(&server) {
                Some(failure) => plan.failed(env, *failure, trail),
                None => return (Ok(target.endpoint), plan.answered(env)),
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

fn facts<'a>(request: &'a Request, cookies: &'a [&'a [u8]]) -> RequestFacts<'a> {
    RequestFacts {
        mode: request.mode,
        https: true,
        cookies,
        target: request.target.as_bytes(),
        headers: &request.headers,
        node: &request.node,
        geography: &Atlas,
        ..RequestFacts::new(HOST, request.client)
    }
}

/// A query for the world's name, of a type and from an address.
pub(crate) fn query(qtype: u16, resolver: &str) -> QueryFacts<'static> {
    let resolver = resolver.parse().expect("an address");
    QueryFacts { geography: &Atlas, ..QueryFacts::new(HOST, qtype, resolver) }
}

/// `POP/REGION`, a dash for what is not known.
pub(crate) fn parse_node(text: &str) -> Node {
    let (pop, region) = text.split_once('/').expect("a PoP and a region");
    Node { pop: Pop::parse(pop), region: Region::parse(region), ..Node::default() }
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
    let (name, flatten_cname) = name.strip_suffix('*').map_or((name, true), |name| (name, false));
    let (name, address) = match name.strip_suffix('>').and_then(|name| name.split_once('<')) {
        Some((name, address)) => (name, Address::parse(address)),
        None => (name, Address::parse(&format!("{name}.example"))),
    };
    let enabled = !text.ends_with('-');
    let spec = EndpointSpec {
        enabled,
        disabled_at: (!enabled).then_some(START),
        flatten_cname,
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
            ("geo", "") => lb.steering = Steering::Geo,
            ("latency", "") => lb.steering = Steering::DynamicLatency,
            ("proximity", "") => lb.steering = Steering::Proximity,
            ("lor", "") => lb.steering = Steering::LeastOutstandingRequests,
            ("lc", "") => lb.steering = Steering::LeastConnections,
            ("disabled", "") => lb.enabled = false,
            ("cookie", "") => lb.affinity.kind = AffinityKind::Cookie,
            ("ip_cookie", "") => lb.affinity.kind = AffinityKind::IpCookie,
            ("header", headers) => {
                lb.affinity.kind = AffinityKind::Header;
                lb.affinity.headers = headers
                    .split(',')
                    .map(|name| AffinityHeader::parse(&name.replace('+', ",")))
                    .collect();
            }
            ("all-headers", "") => lb.affinity.require_all_headers = true,
            ("drain", seconds) => lb.affinity.drain_duration_s = seconds.parse().expect("seconds"),
            ("ttl", seconds) => lb.affinity.ttl_s = seconds.parse().ok(),
            ("temporary", "") => lb.affinity.failover = ZeroDowntimeFailover::Temporary,
            ("sticky", "") => lb.affinity.failover = ZeroDowntimeFailover::Sticky,
            ("across", "") => lb.failover_across_pools = true,
            ("dns-only", "") => lb.proxied = false,
            ("fallback", pool) => lb.fallback_pool = names[pool],
            ("default", share) => lb.pool_weights.default = weight(share),
            (entry, pools) if entry.contains(':') => {
                let pools = pools.split(',').filter(|name| !name.is_empty());
                let pools: Vec<_> = pools.map(|name| names[name]).collect();
                let topology = &mut lb.topology;
                match entry.split_once(':').expect("checked") {
                    ("pop", code) => topology.pops.insert(Pop::parse(code).expect("a code"), pools),
                    ("country", code) => {
                        topology.countries.insert(Country::parse(code).expect("a code"), pools)
                    }
                    ("region", code) => {
                        topology.regions.insert(Region::parse(code).expect("a code"), pools)
                    }
                    (kind, _) => panic!("{kind} is no map"),
                };
            }
            (pool, share) => lb.pool_weights.of_pool.push((names[pool], weight(share))),
        }
    }
    lb
}
