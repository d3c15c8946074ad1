//! Every steering policy: tables, and the traps about them (behaviour.md 2, 13).

use std::collections::BTreeMap;

use evenkeel_decision::{
    Env, Load, Loads, NoSessions, Pace, RequestFacts, Sighting, Trail, decide,
};
use evenkeel_model::{EndpointId, PoolId};

use crate::notation::{First, HOST, START, Seeded, World, check};

#[test]
fn the_first_geo_map_with_an_entry_gives_the_whole_list() {
    let maps = "geo pop:FRA=a country:DE=b region:WEU=c | d: d | a spare: a | b spare: b | c spare: c | z spare: z";
    for (request, expected) in [
        ("from=10.49.0.1 at=FRA/WEU", "geo=pop:FRA session=off pool=a endpoint=a → a"),
        ("from=10.49.0.1 at=AMS/WEU", "geo=country:DE session=off pool=b endpoint=b → b"),
        ("from=10.33.0.1 at=AMS/WEU", "geo=region:WEU session=off pool=c endpoint=c → c"),
        ("from=192.0.2.1 at=AMS/WEU", "geo=region:WEU session=off pool=c endpoint=c → c"),
        ("from=10.33.0.1 at=IAD/ENAM", "geo=default session=off pool=d endpoint=d → d"),
        ("", "geo=default session=off pool=d endpoint=d → d"),
    ] {
        check(maps, request, expected);
    }
}

#[test]
fn an_empty_geo_entry_is_no_entry() {
    check(
        "geo country:DE= region:WEU=c | d: d | c spare: c",
        "from=10.49.0.1 at=AMS/WEU",
        "geo=region:WEU session=off pool=c endpoint=c → c",
    );
}

#[test]
fn geo_maps_count_for_nothing_under_other_policies() {
    check(
        "country:DE=b | d: d | b spare: b",
        "from=10.49.0.1",
        "session=off pool=d endpoint=d → d",
    );
}

#[test]
fn trap_t22_a_geo_list_that_is_down_leads_to_the_fallback_not_to_a_wider_map() {
    check(
        "geo country:DE=A region:WEU=B | d: d | A spare: a! | B spare: b | last spare: z",
        "from=10.49.0.1 at=FRA/WEU",
        "geo=country:DE session=off pool=A:critical fallback=last endpoint=z → z",
    );
}

#[test]
fn trap_t23_the_region_is_the_serving_pops_not_the_clients() {
    check(
        "geo region:WEU=W region:ENAM=E | d: d | W spare: w | E spare: e",
        "from=10.49.0.1 at=IAD/ENAM",
        "geo=region:ENAM session=off pool=E endpoint=e → e",
    );
}

#[test]
fn trap_t10_a_retry_under_geo_stays_in_the_list_and_then_falls_back() {
    check(
        "geo across country:DE=A country:FR=B | d: d | A spare: a | B spare: b | last spare: z",
        "from=10.49.0.1 refused:a",
        "geo=country:DE session=off pool=A endpoint=a failed=a:refused retry pool=A:tried \
         fallback=last endpoint=z → z",
    );
}

#[test]
fn trap_t24_latency_is_list_order_without_data_and_the_least_with() {
    for (world, expected) in [
        ("latency | a: a | b: b", "session=off pool=a endpoint=a → a"),
        ("latency | a rtt=20: a | b rtt=35: b | c rtt=30: c", "session=off pool=a endpoint=a → a"),
        ("latency | a rtt=40: a | b rtt=35: b | c rtt=30: c", "session=off pool=c endpoint=c → c"),
        // Measured pools come before others; two samples are no measurement.
        ("latency | a: a | b rtt=35: b", "session=off pool=b endpoint=b → b"),
        ("latency | a: a | b rtt=35/2: b", "session=off pool=a endpoint=a → a"),
        // Less than a millisecond is noise.
        ("latency | a rtt=20.9: a | b rtt=20: b", "session=off pool=a endpoint=a → a"),
        ("latency | a rtt=21: a | b rtt=20: b", "session=off pool=b endpoint=b → b"),
        // What is down is fast for nobody.
        (
            "latency | a rtt=1: a! | b rtt=30: b | c rtt=20: c",
            "session=off pool=a:critical pool=c endpoint=c → c",
        ),
        (
            "latency | a rtt=9: a! | b: b | c: c",
            "session=off pool=a:critical pool=b endpoint=b → b",
        ),
    ] {
        check(world, "", expected);
    }
}

#[test]
fn proximity_is_the_nearest_that_is_fit() {
    let send = |text: &str, coordinates| {
        let world = World::parse(text);
        let mut request = world.request("");
        request.node.coordinates = coordinates;
        let exchange = world.send(&request, &mut First);
        world.config().endpoint(exchange.result.unwrap()).name.clone()
    };
    let frankfurt = evenkeel_model::Coordinates::new(50.1, 8.7);
    for (pools, nearest) in [
        ("us at=40.7,-74: us | eu at=48.9,2.4: eu", "eu"),
        ("us at=40.7,-74: us | eu at=48.9,2.4: eu!", "us"),
        ("x: x | us at=40.7,-74: us", "us"),
        ("x: x | y: y", "x"),
        ("one at=48.9,2.4: one | two at=48.9,2.4: two", "one"),
    ] {
        assert_eq!(send(&format!("proximity | {pools}"), frankfurt), nearest, "{pools}");
    }
    // Nobody knows where this node is.
    assert_eq!(send("proximity | us at=40.7,-74: us | eu at=48.9,2.4: eu", None), "us");
}

/// Loads by the name of pool or endpoint.
struct Busy {
    pools: BTreeMap<PoolId, Load>,
    endpoints: BTreeMap<EndpointId, Load>,
}

impl Busy {
    fn new(world: &World, loads: &[(&str, u32, u32)]) -> Self {
        let config = world.config();
        let of = |name: &str| {
            let load = loads.iter().find(|(of, ..)| *of == name);
            load.map(|&(_, requests, connections)| Load::new(requests, connections))
        };
        let pools = config.pools.iter().filter_map(|pool| Some((pool.id, of(&pool.name)?)));
        let endpoints =
            config.endpoints.iter().filter_map(|endpoint| Some((endpoint.id, of(&endpoint.name)?)));
        Self { pools: pools.collect(), endpoints: endpoints.collect() }
    }
}

impl Loads for Busy {
    fn endpoint(&self, endpoint: EndpointId) -> Load {
        self.endpoints.get(&endpoint).copied().unwrap_or_default()
    }

    fn pool(&self, pool: PoolId) -> Load {
        self.pools.get(&pool).copied().unwrap_or_default()
    }
}

const DRAWS: u32 = 40_000;

/// How often the first endpoint is drawn.
fn share_of(first: &str, world: &str, request: &str, loads: &[(&str, u32, u32)]) -> f64 {
    let world = World::parse(world);
    let (busy, request) = (Busy::new(&world, loads), world.request(request));
    let (mut rng, endpoint) = (Seeded(0x10ad), world.endpoint(first));
    let hits = (0..DRAWS)
        .filter(|_| {
            let exchange = world.send_with(&request, &mut rng, &busy, &mut NoSessions);
            exchange.result == Ok(endpoint)
        })
        .count();
    hits as f64 / f64::from(DRAWS)
}

/// Five and a half standard deviations of a share of `p` in that many draws: beyond them lies a
/// chance below 1e-7, at either side together.
#[track_caller]
fn assert_share(share: f64, p: f64) {
    let bound = 5.5 * (p * (1.0 - p) / f64::from(DRAWS)).sqrt();
    assert!((share - p).abs() <= bound, "{share} is not {p} ± {bound}");
}

#[test]
fn trap_t18_least_outstanding_is_a_weighted_draw() {
    let world = "lor A=0.4 B=0.6 | A: a | B: b";
    assert_share(share_of("a", world, "", &[("A", 3, 0)]), 1.0 / 7.0);
    // Everybody idle: the plain weights.
    assert_share(share_of("a", world, "", &[]), 0.4);
    // The same inside a pool.
    assert_share(share_of("a", "| A lor: a=0.4 b=0.6", "", &[("a", 3, 9)]), 1.0 / 7.0);
}

#[test]
fn trap_t53_connections_count_idle_ones_and_streams_do_not() {
    // One connection of HTTP/2 with fifty streams, beside nine idle ones of HTTP/1.1.
    let loads = [("A", 50, 1), ("B", 0, 9), ("a", 50, 1), ("b", 0, 9)];
    assert_share(share_of("a", "lc | A: a | B: b", "", &loads), 10.0 / 12.0);
    assert_share(share_of("a", "| A lc: a b", "", &loads), 10.0 / 12.0);
    assert_share(share_of("a", "lor | A: a | B: b", "", &loads), 1.0 / 52.0);
    assert_share(share_of("a", "| A lor: a b", "", &loads), 1.0 / 52.0);
}

#[test]
fn streams_are_balanced_by_weight_alone() {
    let loads = [("A", 50, 50), ("a", 50, 50)];
    assert_share(share_of("a", "lor A=0.4 B=0.6 | A: a | B: b", "stream", &loads), 0.4);
    assert_share(share_of("a", "| A lc: a=0.4 b=0.6", "stream", &loads), 0.4);
}

/// Loads of endpoints by name: requests in flight, and how long each of twenty answers took.
fn paced(world: &World, endpoints: &[(&str, u32, u64)]) -> Busy {
    let mut busy = Busy::new(world, &[]);
    for &(name, requests, ms) in endpoints {
        let answered = Sighting::Answered(ms * 1_000);
        let pace = (0..20).fold(Pace::default(), |pace, _| pace.see(answered, START));
        let id = world.config().endpoint(world.endpoint(name)).id;
        busy.endpoints.insert(id, Load { pace, ..Load::new(requests, requests) });
    }
    busy
}

/// How often each endpoint is drawn.
fn shares_of(world: &str, request: &str, endpoints: &[(&str, u32, u64)]) -> BTreeMap<String, f64> {
    let world = World::parse(world);
    let (busy, request) = (paced(&world, endpoints), world.request(request));
    let mut rng = Seeded(0x1a7e);
    let mut shares = BTreeMap::new();
    for _ in 0..DRAWS {
        let exchange = world.send_with(&request, &mut rng, &busy, &mut NoSessions);
        let name = &world.config().endpoint(exchange.result.expect("an answer")).name;
        *shares.entry(name.to_string()).or_default() += 1.0 / f64::from(DRAWS);
    }
    shares
}

#[test]
fn least_latency_leaves_a_slow_endpoint_alone_and_spares_a_busy_one() {
    let shares = shares_of("| A ll: a b c", "", &[("a", 0, 5), ("b", 0, 8), ("c", 0, 60)]);
    assert_share(shares["a"], 0.5);
    assert_share(shares["b"], 0.5);
    assert_eq!(shares.get("c"), None);
    let shares = shares_of("| A ll: a b", "", &[("a", 3, 5), ("b", 2, 8)]);
    assert_share(shares["a"], 1.0 / 9.0);
    // Who is not known is like the fastest, and gets its weight's share.
    let shares = shares_of("| A ll: a=0.5 b=1", "", &[("b", 0, 5)]);
    assert_share(shares["a"], 1.0 / 3.0);
}

#[test]
fn least_latency_knows_weights_only_where_loads_mean_nothing() {
    let slow = [("a", 9, 500), ("b", 0, 5)];
    assert_share(shares_of("| A ll: a=0.4 b=0.6", "stream", &slow)["a"], 0.4);
    // A session by address follows from the address.
    let shares = shares_of("ip_cookie | A ll: a b", "", &slow);
    assert_eq!(shares, shares_of("ip_cookie | A: a b", "", &[]));
    // All weights 0 are as good as equal ones, as a last resort.
    let shares = shares_of("| A: x! | last spare ll: a=0 b=0", "", &[("a", 0, 5), ("b", 0, 5)]);
    assert_share(shares["a"], 0.5);
}

#[test]
fn least_latency_never_picks_what_is_not_eligible() {
    let quick = [("a", 0, 1), ("b", 0, 1), ("c", 0, 1), ("d", 9, 900)];
    let world = "| A ll: a! b- c=0 d";
    assert_eq!(shares_of(world, "", &quick)["d"].round(), 1.0);
    let shares = shares_of("| A ll: a d", "refused:a", &[quick[0], quick[3]]);
    assert_eq!(shares.keys().collect::<Vec<_>>(), ["d"]);
    check("| A ll: a d", "ejected:a", "session=off pool=A endpoint=d → d");
}

#[test]
fn a_thorough_trail_shows_what_least_latency_compared() {
    let world = World::parse("| A ll: a b c!");
    let busy = paced(&world, &[("a", 3, 10)]);
    let facts = RequestFacts::new(HOST, [192, 0, 2, 1].into());
    let (rng, sessions) = (&mut Seeded(1), &mut NoSessions);
    let mut env = Env { now: START, rng, loads: &busy, ejections: None, sessions };
    let mut trail = Trail::thorough();
    let _ = decide(&world.view, &facts, &mut env, &mut trail);
    assert_eq!(
        world.trail(&trail),
        "session=off pool=A endpoint=c:unhealthy endpoint=a:requests:3,latency_us:10000,trust:100% \
         endpoint=b:requests:0 endpoint=b"
    );
}

#[test]
fn pools_of_weight_0_come_last_whatever_their_load() {
    check("lor A=0 B=0.5 | A: a | B: b", "", "session=off pool=B endpoint=b → b");
    check("lc A=0 B=0 | A: a! | B: b", "", "session=off pool=A:critical pool=B endpoint=b → b");
}

/// Who serves each of these clients.
fn homes(world: &str, clients: u32) -> Vec<String> {
    let world = World::parse(world);
    let mut request = world.request("");
    let mut home = |client: u32| {
        request.client = client.wrapping_mul(0x9e37_79b9).to_be_bytes().into();
        let endpoint = world.send(&request, &mut Seeded(client.into())).result.expect("an answer");
        world.config().endpoint(endpoint).name.clone()
    };
    (0..clients).map(&mut home).collect()
}

#[test]
fn trap_t45_order_means_nothing_to_a_hash_and_a_loss_moves_only_its_own() {
    let all = homes("| eu hash: a b c d e", 2_000);
    assert_eq!(all, homes("| eu hash: e c a d b", 2_000));
    for without in ["| eu hash: a b d e", "| eu hash: a b c! d e", "| eu hash: a b c=0 d e"] {
        for (before, after) in all.iter().zip(homes(without, 2_000)) {
            assert!(if before == "c" { after != "c" } else { *before == after }, "{without}");
        }
    }
}

#[test]
fn a_hash_gives_each_endpoint_its_weights_share_of_clients() {
    // Clients are spread by multiplication, hashed by SipHash: the counts are as of a fair draw. A
    // share is off by five and a half standard deviations with a chance below 1e-7.
    let homes = homes("| eu hash: a=0.5 b=0.25 c=0.25 d=0", DRAWS);
    for (name, p) in [("a", 0.5), ("b", 0.25), ("c", 0.25), ("d", 0.0)] {
        let share = homes.iter().filter(|home| *home == name).count() as f64 / f64::from(DRAWS);
        assert_share(share, p);
    }
}
