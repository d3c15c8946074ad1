//! DNS messages: judged, answered and written; what is written is read by a library.

use std::net::IpAddr;
use std::sync::{Arc, LazyLock};

use domain::base::Message;
use domain::base::iana::Rtype;
use evenkeel_decision::{Env, NoGeography, NoLoads, NoSessions, Rng, Trail};
use evenkeel_dns::wire::{EdnsOut, Name, Parsed, Query, rtype, write, write_rejection};
use evenkeel_dns::{Advertised, Catalog, Context, Family, Resolved, answer};
use evenkeel_model::{
    Address, AffinityKey, AffinityKeys, ConfigBuilder, EndpointHealth, EndpointSpec, Health,
    HostPattern, LoadBalancer, LoadBalancerId, Node, PoolId, PoolSpec, Record, Soa, Timestamp,
    Transfer, Verdict, View, Zone, ZoneId, Zones,
};

/// Checks one message: two bytes that say how much room the response has, then the message.
pub fn check(input: &[u8]) {
    let Some(([high, low], message)) = input.split_first_chunk::<2>() else { return };
    let limit = usize::from(u16::from_be_bytes([*high, *low])).clamp(512, 4096);
    let world = &*WORLD;
    let extra =
        EdnsOut { cookie: &[7; 24], nsid: b"here", keepalive_ds: Some(80), ..EdnsOut::default() };
    let mut out = Vec::new();
    match Query::parse(message) {
        Parsed::Silent => {
            assert!(message.len() < 12 || message[2] & 0x80 != 0);
            return;
        }
        Parsed::Refuse(rejection) => {
            write_rejection(&mut out, &rejection, limit, &extra);
        }
        Parsed::Query(query) | Parsed::Transfer(query) => {
            assert_eq!(Name::new(query.name.as_wire()), Some(query.name));
            let context = Context {
                view: &world.view,
                catalog: &world.catalog,
                node: &world.node,
                geography: &NoGeography,
                advertised: &world.advertised,
                resolved: &Outside,
            };
            let mut env = Env {
                now: Timestamp::from_seconds(0),
                rng: &mut First,
                loads: &NoLoads,
                ejections: None,
                sessions: &mut NoSessions,
            };
            let source = [192, 0, 2, 1].into();
            let answer = answer(&query, source, &context, &mut env, &mut Trail::new());
            write(&mut out, &query, &answer, limit, &extra);
            assert!(out[12..].starts_with(query.question()), "the question as asked");
        }
    }
    assert!(out.len() <= limit, "{} bytes", out.len());
    assert_eq!(out[..2], message[..2], "the id");
    assert!(out[2] & 0x80 != 0, "a response");
    let response = Message::from_slice(&out).expect("a header");
    let opts = response.iter().map(|record| record.expect("a record").0);
    assert!(opts.filter(|record| record.rtype() == Rtype::OPT).count() <= 1);
    let mut counted = response.question().answer().expect("sections");
    while let Some(next) = counted.next_section().expect("a section") {
        counted = next;
    }
}

/// Always draws the first.
struct First;

impl Rng for First {
    fn next_u64(&mut self) -> u64 {
        1
    }
}

/// One name resolves.
#[derive(Debug)]
struct Outside;

impl Resolved for Outside {
    fn addresses(&self, name: &str, family: Family, take: &mut dyn FnMut(IpAddr)) -> Option<u32> {
        (name == "app.example.net").then(|| {
            take(match family {
                Family::V4 => [10, 0, 0, 9].into(),
                Family::V6 => IpAddr::V6(std::net::Ipv6Addr::LOCALHOST),
            });
            60
        })
    }
}

struct World {
    view: View,
    catalog: Catalog,
    advertised: Advertised,
    node: Node,
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let key = AffinityKey([7; 32]);
    let mut builder = ConfigBuilder::new(AffinityKeys { current: key, previous: None });
    let hosts = ["a.z", "*.w.z", "c.a.z", "z"];
    for (n, (host, address)) in
        (1..).zip(hosts.into_iter().zip(["10.0.0.1", "app.example.net", "gone.example", "::1"]))
    {
        let endpoints = vec![
            EndpointSpec::new("e", Address::parse(address), 0),
            EndpointSpec::new("f", Address::parse("10.0.0.2"), 0),
        ];
        let pool = builder.pool(PoolSpec::new(PoolId([n; 16]), "p", endpoints));
        let host = HostPattern::parse(host).expect("a host name");
        let mut lb = LoadBalancer::new(LoadBalancerId([n; 16]), host, vec![pool], pool);
        (lb.zone, lb.proxied) = (ZoneId([1; 16]), n == 3);
        builder.load_balancer(lb).expect("one of a name");
    }
    let config = Arc::new(builder.build());
    let health = Health::new(&config, |_| EndpointHealth {
        verdict: Verdict::Healthy,
        ..EndpointHealth::default()
    });
    let record = |name: &[u8], rtype: u16, rdata: &[u8]| Record {
        name: name.into(),
        rtype,
        ttl_s: 300,
        rdata: rdata.into(),
        proxied: false,
        flatten: false,
    };
    let records = vec![
        record(b"\x01z\0", rtype::NS, b"\x01n\x01z\0"),
        record(b"\x01n\x01z\0", rtype::A, &[10, 0, 0, 3]),
        record(b"\x01a\x01z\0", rtype::TXT, b"\x05hello"),
        record(b"\x01m\x01z\0", rtype::MX, b"\0\x01\x01n\x01z\0"),
        record(b"\x01b\x01z\0", rtype::CNAME, b"\x01c\x01z\0"),
        record(b"\x01c\x01z\0", rtype::CNAME, b"\x01a\x01z\0"),
        record(b"\x01l\x01z\0", rtype::CNAME, b"\x01l\x01z\0"),
        record(b"\x01*\x01x\x01z\0", rtype::HTTPS, b"\0\x01\x01n\x01z\0"),
        record(b"\x01s\x01z\0", rtype::NS, b"\x01n\x01s\x01z\0"),
        record(b"\x01n\x01s\x01z\0", rtype::AAAA, &[1; 16]),
    ];
    let name = |name: &[u8]| -> Box<[u8]> { name.into() };
    let soa = Soa {
        mname: name(b"\x01n\x01z\0"),
        rname: name(b"\x01r\x01z\0"),
        refresh_s: 1,
        retry_s: 1,
        expire_s: 1,
        minimum_ttl_s: 1,
        ttl_s: 1,
    };
    let zone = Zone {
        id: ZoneId([1; 16]),
        name: name(b"\x01z\0"),
        serial: 1,
        records,
        soa,
        keys: Vec::new(),
        transfer: Transfer::default(),
    };
    let zones = Arc::new(Zones::new(vec![Arc::new(zone)]));
    let view = View { config, health, zones, revision: 1 };
    let catalog = Catalog::new(&view, None);
    let advertised = Advertised { v4: vec![[198, 51, 100, 1].into()], v6: Vec::new() };
    World { view, catalog, advertised, node: Node::default() }
});
