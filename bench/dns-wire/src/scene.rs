//! What is asked, and what is configured.

use std::net::IpAddr;
use std::sync::Arc;

use evenkeel_decision::Geography;
use evenkeel_dns::{Advertised, Catalog, Context, Family, Resolved};
use evenkeel_model::{
    Address, AffinityKey, AffinityKeys, ConfigBuilder, Country, EndpointHealth, EndpointSpec,
    Health, HostPattern, LoadBalancer, LoadBalancerId, Location, LocationMode, Node, PoolId,
    PoolSpec, Soa, Steering, Transfer, Verdict, View, Weight, Zone, ZoneId, Zones,
};

/// `www.example.com A IN` with an OPT record and a client's cookie: what resolvers send.
const QUERY: &[u8] = b"\x12\x34\0\0\0\x01\0\0\0\0\0\x01\x03www\x07example\x03com\0\0\x01\0\x01\
    \0\0\x29\x04\xd0\0\0\x80\0\0\x0c\0\x0a\0\x08\x01\x02\x03\x04\x05\x06\x07\x08";

/// The same for `geo.example.com`.
const GEO_QUERY: &[u8] = b"\x12\x34\0\0\0\x01\0\0\0\0\0\x01\x03geo\x07example\x03com\0\0\x01\0\x01\
    \0\0\x29\x04\xd0\0\0\x80\0\0\x0c\0\x0a\0\x08\x01\x02\x03\x04\x05\x06\x07\x08";

/// What is asked, and what is configured.
pub(crate) struct Scene {
    pub(crate) query: Vec<u8>,
    pub(crate) geo_query: Vec<u8>,
    alone: World,
    many: World,
}

impl Scene {
    pub(crate) fn new() -> Self {
        let (query, geo_query) = (QUERY.to_vec(), GEO_QUERY.to_vec());
        Self { query, geo_query, alone: World::new(0), many: World::new(9_998) }
    }

    pub(crate) fn alone(&self) -> Configured<'_> {
        Configured { scene: self, world: &self.alone }
    }

    pub(crate) fn among_many(&self) -> Configured<'_> {
        Configured { scene: self, world: &self.many }
    }
}

/// What is asked in one of the configurations.
#[derive(Clone, Copy)]
pub(crate) struct Configured<'s> {
    pub(crate) scene: &'s Scene,
    pub(crate) world: &'s World,
}

/// One configuration.
pub(crate) struct World {
    view: View,
    catalog: Catalog,
    advertised: Advertised,
    node: Node,
}

impl World {
    /// A load balancer of three endpoints with weights, one steered by country, and so many others.
    fn new(others: u32) -> Self {
        let key = AffinityKey([7; 32]);
        let mut builder = ConfigBuilder::new(AffinityKeys { current: key, previous: None });
        for n in 0..others + 2 {
            let endpoints = (1..4u8)
                .map(|m| {
                    let [.., b, c] = n.to_be_bytes();
                    let mut spec =
                        EndpointSpec::new(&format!("e{m}"), Address::Ip([10, b, c, m].into()), 0);
                    let weight = Weight::from_hundredths(100 - m);
                    spec.weight = weight.expect("a weight");
                    spec
                })
                .collect();
            let mut id = [0; 16];
            id[..4].copy_from_slice(&n.to_be_bytes());
            let pool = builder.pool(PoolSpec::new(PoolId(id), &format!("p{n}"), endpoints));
            let host = match n {
                0 => "www.example.com".to_owned(),
                1 => "geo.example.com".to_owned(),
                n => format!("n{n}.example.com"),
            };
            let host = HostPattern::parse(&host).expect("a host name");
            let mut lb = LoadBalancer::new(LoadBalancerId(id), host, vec![pool], pool);
            (lb.proxied, lb.zone) = (false, ZoneId([1; 16]));
            if n == 1 {
                lb.steering = Steering::Geo;
                lb.location.mode = LocationMode::ResolverIp;
                let country = Country::parse("DE").expect("a country");
                lb.topology.countries.insert(country, vec![pool]);
            }
            builder.load_balancer(lb).expect("one of a name");
        }
        let config = Arc::new(builder.build());
        let health = Health::new(&config, |_| EndpointHealth {
            verdict: Verdict::Healthy,
            ..EndpointHealth::default()
        });
        let soa = Soa {
            mname: (*b"\x02ns\x07example\x03com\0").into(),
            rname: (*b"\x03dns\x07example\x03com\0").into(),
            refresh_s: 10_000,
            retry_s: 2_400,
            expire_s: 604_800,
            minimum_ttl_s: 1_800,
            ttl_s: 3_600,
        };
        let zone = Zone {
            id: ZoneId([1; 16]),
            name: (*b"\x07example\x03com\0").into(),
            serial: 1,
            records: Vec::new(),
            soa,
            keys: Vec::new(),
            transfer: Transfer::default(),
        };
        let zones = Arc::new(Zones::new(vec![Arc::new(zone)]));
        let view = View { config, health, zones, revision: 1 };
        let catalog = Catalog::new(&view, None);
        Self { view, catalog, advertised: Advertised::default(), node: Node::default() }
    }

    pub(crate) fn context(&self) -> Context<'_> {
        Context {
            view: &self.view,
            catalog: &self.catalog,
            node: &self.node,
            geography: &Germany,
            advertised: &self.advertised,
            resolved: &Nowhere,
        }
    }
}

/// Every address is in one country, found at no cost: databases are measured elsewhere.
#[derive(Debug)]
struct Germany;

impl Geography for Germany {
    fn location(&self, _address: IpAddr) -> Location {
        Location { country: Country::parse("DE"), ..Location::default() }
    }

    fn asn(&self, _address: IpAddr) -> Option<u32> {
        None
    }
}

/// No name resolves; none is asked for.
#[derive(Debug)]
struct Nowhere;

impl Resolved for Nowhere {
    fn addresses(&self, _: &str, _: Family, _: &mut dyn FnMut(IpAddr)) -> Option<u32> {
        None
    }
}
