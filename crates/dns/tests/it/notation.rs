//! Worlds, queries and responses as text, so that a test is a line of data.
//!
//! A world is lines, joined by `;` or line ends:
//!
//! * `zone NAME` begins a zone: its SOA record lives 3600 seconds, its negative answers 1800;
//! * `NAME [TTL] TYPE DATA…` is a record of it, with `proxied` or `flatten` at its
//!   end; names are below the
//!   zone's unless they end with a dot, `@` is the zone's;
//! * `lb NAME WORD… | POOL | POOL …` is a load balancer of it: `proxied`, `disabled`, `ttl=SECONDS`,
//!   `geo:CC=POOL`, `resolver` and `ecs` (`location_strategy` by the resolver's address, and by the
//!   client subnet always), `ip_cookie`, `fixed` (a rule with a fixed response), `set-fixed` (a pool
//!   set with one), `half=POOL` (a rule: the lower half of the addresses gets this pool). Its last
//!   pool is the fallback;
//! * a pool is `NAME FLAG…: ENDPOINT …` with the flags `disabled`, `hash` and `shed-hash=PERCENT`;
//! * an endpoint is an address or a host name, then `=WEIGHT`, then `!` unhealthy or `-` disabled,
//!   then `*` not to be flattened;
//! * `edge ADDRESS…` are this node's, `host NAME TTL [ADDRESS…]` is a name that resolves.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::Arc;

use evenkeel_decision::{Env, Geography, NoLoads, NoSessions, Rng, Trail};
use evenkeel_dns::wire::{EdnsOut, Name, Parsed, Query, write};
use evenkeel_dns::{Advertised, Catalog, Context, Family, Resolved, answer};
use evenkeel_model::{
    Address, AffinityKey, AffinityKeys, AffinityKind, Config, ConfigBuilder, Coordinates, Country,
    EcsPreference, EndpointHealth, EndpointSpec, EndpointSteering, Expression, FixedResponse,
    Health, HostPattern, LoadBalancer, LoadBalancerId, LoadShedding, Location, LocationMode,
    Monitor, MonitorId, MonitorKind, Node, Overrides, Percent, PoolId, PoolIx, PoolMonitor,
    PoolSet, PoolSetOutcome, PoolSpec, Record, Rule, RuleAction, SheddingPolicy, Soa, Steering,
    Timestamp, Transfer, Verdict, View, Weight, Zone, ZoneId, Zones,
};

use crate::dig::{Asked, show, type_number, wire_name};

/// SplitMix64: a seed is all it needs.
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

/// Where addresses are: `10.X.0.0/16`, X being the dialling code of the country.
#[derive(Debug)]
struct Atlas;

impl Geography for Atlas {
    fn location(&self, address: IpAddr) -> Location {
        let country = match address {
            IpAddr::V4(v4) if v4.octets()[..2] == [10, 49] => "DE",
            IpAddr::V4(v4) if v4.octets()[..2] == [10, 33] => "FR",
            _ => return Location::default(),
        };
        let country = Country::parse(country);
        Location { country, subdivision: None, coordinates: Coordinates::new(50.0, 5.0) }
    }

    fn asn(&self, _address: IpAddr) -> Option<u32> {
        None
    }
}

/// What host names resolve to.
#[derive(Debug, Default)]
struct Outside(HashMap<String, (u32, Vec<IpAddr>)>);

impl Resolved for Outside {
    fn addresses(&self, name: &str, family: Family, take: &mut dyn FnMut(IpAddr)) -> Option<u32> {
        let (ttl_s, addresses) = self.0.get(name)?;
        let of_family = addresses.iter().filter(|ip| ip.is_ipv4() == (family == Family::V4));
        of_family.copied().for_each(take);
        Some(*ttl_s)
    }
}

/// Everything that answers depend on.
pub(crate) struct World {
    pub(crate) view: View,
    catalog: Catalog,
    advertised: Advertised,
    outside: Outside,
    node: Node,
}

impl World {
    /// Reads a world. Panics on anything it does not understand.
    pub(crate) fn parse(text: &str) -> Self {
        let mut zones: Vec<Zone> = Vec::new();
        let mut balancers = Vec::new();
        let (mut advertised, mut outside) = (Advertised::default(), Outside::default());
        for line in text.split(['\n', ';']).map(str::trim).filter(|line| !line.is_empty()) {
            let mut words = line.split_whitespace();
            match words.next().expect("a word") {
                "zone" => zones.push(zone(words.next().expect("a name"), zones.len())),
                "edge" => words.for_each(|ip| match ip.parse().expect("an address") {
                    IpAddr::V4(v4) => advertised.v4.push(v4),
                    IpAddr::V6(v6) => advertised.v6.push(v6),
                }),
                "host" => {
                    let name = words.next().expect("a name").to_owned();
                    let ttl_s = words.next().expect("seconds").parse().expect("a number");
                    let addresses = words.map(|ip| ip.parse().expect("an address")).collect();
                    outside.0.insert(name, (ttl_s, addresses));
                }
                "lb" => {
                    let zone = zones.last().expect("a zone");
                    balancers.push((zone.id, text_of(&zone.name), line["lb".len()..].trim()));
                }
                _ => {
                    let zone = zones.last_mut().expect("a zone");
                    let record = record(line, &text_of(&zone.name));
                    zone.records.push(record);
                }
            }
        }
        let (config, verdicts) = configuration(&balancers);
        let config = Arc::new(config);
        let health = Health::new(&config, |ix| EndpointHealth {
            verdict: verdicts[ix.get()],
            ..EndpointHealth::default()
        });
        let zones = Arc::new(Zones::new(zones.into_iter().map(Arc::new).collect()));
        let view = View { config, health, zones, revision: 1 };
        let catalog = Catalog::new(&view, None);
        let node = Node { country: Country::parse("US"), ..Node::default() };
        Self { view, catalog, advertised, outside, node }
    }

    /// The message that answers a message, if any.
    pub(crate) fn respond(
        &self,
        message: &[u8],
        source: IpAddr,
        limit: usize,
        seed: u64,
    ) -> Vec<u8> {
        let Parsed::Query(query) = Query::parse(message) else { panic!("no query") };
        let context = self.context();
        let (mut rng, mut sessions) = (Seeded(seed), NoSessions);
        let mut env = env(&mut rng, &mut sessions);
        let answer = answer(&query, source, &context, &mut env, &mut Trail::new());
        let mut out = Vec::new();
        write(&mut out, &query, &answer, limit, &EdnsOut::default());
        assert!(out.len() <= limit, "{} bytes", out.len());
        out
    }

    pub(crate) fn context(&self) -> Context<'_> {
        Context {
            view: &self.view,
            catalog: &self.catalog,
            node: &self.node,
            geography: &Atlas,
            advertised: &self.advertised,
            resolved: &self.outside,
        }
    }

    /// What a query is answered with, as text.
    pub(crate) fn ask(&self, query: &str, seed: u64) -> String {
        let asked = Asked::parse(query);
        show(&self.respond(&asked.message, asked.source, asked.limit, seed))
    }

    /// The trail of a query, as text.
    pub(crate) fn trail(&self, query: &str) -> String {
        let asked = Asked::parse(query);
        let Parsed::Query(query) = Query::parse(&asked.message) else { panic!("no query") };
        let (mut rng, mut sessions, mut trail) = (Seeded(1), NoSessions, Trail::new());
        let mut env = env(&mut rng, &mut sessions);
        let _ = answer(&query, asked.source, &self.context(), &mut env, &mut trail);
        trail.describe(&self.view).to_string()
    }
}

pub(crate) fn env<'a>(rng: &'a mut Seeded, sessions: &'a mut NoSessions) -> Env<'a> {
    Env { now: Timestamp::from_seconds(0), rng, loads: &NoLoads, ejections: None, sessions }
}

/// Checks that a query is answered so.
#[track_caller]
pub(crate) fn check(world: &str, query: &str, expected: &str) {
    let found = World::parse(world).ask(query, 1);
    assert_eq!(found, expected, "{query}");
}

/// Checks several queries in one world.
#[track_caller]
pub(crate) fn check_all(world: &str, rows: &[(&str, &str)]) {
    let world = World::parse(world);
    for (query, expected) in rows {
        assert_eq!(world.ask(query, 1), *expected, "{query}");
    }
}

fn zone(name: &str, n: usize) -> Zone {
    let soa = Soa {
        mname: wire_name("ns", name).into(),
        rname: wire_name("dns", name).into(),
        refresh_s: 10_000,
        retry_s: 2_400,
        expire_s: 604_800,
        minimum_ttl_s: 1_800,
        ttl_s: 3_600,
    };
    Zone {
        id: ZoneId([n as u8 + 1; 16]),
        name: wire_name(name, "").into(),
        serial: 7,
        records: Vec::new(),
        soa,
        keys: Vec::new(),
        transfer: Transfer::default(),
    }
}

fn record(line: &str, zone: &str) -> Record {
    let mut words: Vec<&str> = line.split_whitespace().collect();
    let proxied = words.last() == Some(&"proxied");
    words.truncate(words.len() - usize::from(proxied));
    let flatten = words.last() == Some(&"flatten");
    words.truncate(words.len() - usize::from(flatten));
    let ttl_s = words[1].parse();
    if ttl_s.is_ok() {
        words.remove(1);
    }
    let (name, rtype, data) = (words[0], words[1], &words[2..]);
    let number = |n: usize| data[n].parse::<u16>().expect("a number").to_be_bytes();
    let rdata = match rtype {
        "A" => data[0].parse::<std::net::Ipv4Addr>().expect("IPv4").octets().to_vec(),
        "AAAA" => data[0].parse::<std::net::Ipv6Addr>().expect("IPv6").octets().to_vec(),
        "CNAME" | "NS" | "PTR" => wire_name(data[0], zone),
        "MX" => [&number(0)[..], &wire_name(data[1], zone)].concat(),
        "HTTPS" | "SVCB" => [&number(0)[..], &wire_name(data[1], zone)].concat(),
        "SRV" => [number(0), number(1), number(2)]
            .concat()
            .into_iter()
            .chain(wire_name(data[3], zone))
            .collect(),
        "TXT" => {
            let text = data.join(" ");
            [&[text.len() as u8][..], text.as_bytes()].concat()
        }
        "DS" => [0, 1, 13, 2].into_iter().chain([7; 32]).collect(),
        _ => panic!("{rtype} is not known here"),
    };
    let name = wire_name(name, zone).to_ascii_lowercase().into();
    let (rtype, ttl_s) = (type_number(rtype), ttl_s.unwrap_or(300));
    Record { name, rtype, ttl_s, rdata: rdata.into(), proxied, flatten }
}

fn text_of(name: &[u8]) -> String {
    Name::new(name).expect("a name").to_string()
}

/// The load balancers, with the verdicts of their endpoints.
fn configuration(balancers: &[(ZoneId, String, &str)]) -> (Config, Vec<Verdict>) {
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
    let mut verdicts = Vec::new();
    for (n, (zone, origin, line)) in (1..).zip(balancers) {
        let mut parts = line.split('|').map(str::trim);
        let settings = parts.next().expect("a name");
        let (mut pools, mut names) = (Vec::new(), BTreeMap::new());
        for (m, part) in (1..).zip(parts) {
            let (head, endpoints) = part.split_once(':').expect("a pool and its endpoints");
            let mut words = head.split_whitespace();
            let name = words.next().expect("a name");
            let mut id = [n; 16];
            id[0] = m;
            let mut spec = PoolSpec::new(PoolId(id), name, vec![]);
            spec.monitors = vec![PoolMonitor::plain(monitor)];
            for word in words {
                match word.split_once('=').unwrap_or((word, "")) {
                    ("disabled", "") => spec.enabled = false,
                    ("hash", "") => spec.endpoint_steering = EndpointSteering::Hash,
                    ("shed-hash", share) => {
                        spec.shedding = Some(LoadShedding {
                            default: Percent::from_number(share.parse().expect("a number"))
                                .expect("a share"),
                            default_policy: SheddingPolicy::Hash,
                            ..LoadShedding::default()
                        });
                    }
                    _ => panic!("{word} is no flag of a pool"),
                }
            }
            for text in endpoints.split_whitespace() {
                let (endpoint, verdict) = endpoint(text);
                spec.endpoints.push(endpoint);
                verdicts.push(verdict);
            }
            let ix = builder.pool(spec);
            names.insert(name, ix);
            pools.push(ix);
        }
        let mut lb = balancer(n, settings, origin, pools, &names);
        lb.zone = *zone;
        builder.load_balancer(lb).expect("one of a name");
    }
    (builder.build(), verdicts)
}

fn balancer(
    n: u8,
    settings: &str,
    origin: &str,
    pools: Vec<PoolIx>,
    names: &BTreeMap<&str, PoolIx>,
) -> LoadBalancer {
    let mut words = settings.split_whitespace();
    let host = match words.next().expect("a name") {
        "@" => origin.to_owned(),
        name => format!("{name}.{origin}"),
    };
    let host = HostPattern::parse(&host).expect("a host name");
    let fallback = *pools.last().expect("a pool");
    let mut lb = LoadBalancer::new(LoadBalancerId([n; 16]), host, pools, fallback);
    lb.proxied = false;
    let fixed =
        || FixedResponse { body: "hush".into(), content_type: None, location: None, status: 503 };
    for word in words {
        match word.split_once('=').unwrap_or((word, "")) {
            ("proxied", "") => lb.proxied = true,
            ("disabled", "") => lb.enabled = false,
            ("ttl", seconds) => lb.ttl_s = seconds.parse().expect("seconds"),
            ("resolver", "") => lb.location.mode = LocationMode::ResolverIp,
            ("ecs", "") => lb.location.prefer_ecs = EcsPreference::Always,
            ("ip_cookie", "") => lb.affinity.kind = AffinityKind::IpCookie,
            ("fixed", "") => {
                lb.rules.push(rule("ip.src ne 0.0.0.1", RuleAction::Respond(fixed())));
            }
            ("half", pool) => {
                let pools = Some(vec![names[pool]]);
                let overrides =
                    Box::new(Overrides { default_pools: pools, ..Overrides::default() });
                let action = RuleAction::Override { overrides, terminates: false };
                lb.rules.push(rule("ip.src in {0.0.0.0/1}", action));
            }
            ("set-fixed", "") => lb.pool_sets.push(PoolSet {
                name: "set".into(),
                places: None,
                outcome: PoolSetOutcome::Respond(fixed()),
            }),
            (geo, pool) => {
                let code = geo.strip_prefix("geo:").expect("a known word");
                let country = Country::parse(code).expect("a country");
                lb.steering = Steering::Geo;
                lb.topology.countries.insert(country, vec![names[pool]]);
            }
        }
    }
    lb
}

fn rule(condition: &str, action: RuleAction) -> Rule {
    let condition = Expression::parse(condition).expect("an expression");
    Rule { name: "rule".into(), condition, action }
}

fn endpoint(text: &str) -> (EndpointSpec, Verdict) {
    let text_len = text.trim_end_matches(['*', '-', '!']).len();
    let (rest, marks) = text.split_at(text_len);
    let (address, weight) = rest.split_once('=').unwrap_or((rest, "1"));
    let mut spec = EndpointSpec::new(address, Address::parse(address), 0);
    let weight = weight.parse().expect("a weight");
    spec.weight = Weight::from_fraction(weight).expect("a weight");
    spec.enabled = !marks.contains('-');
    spec.flatten_cname = !marks.contains('*');
    (spec, if marks.contains('!') { Verdict::Unhealthy } else { Verdict::Healthy })
}
