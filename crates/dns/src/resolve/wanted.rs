//! Which host names a view may need the addresses of: those of endpoints that DNS-only load
//! balancers may answer with, and those that records are flattened to.

use std::collections::BTreeSet;

use evenkeel_model::{
    Address, Config, LoadBalancer, Overrides, PoolIx, PoolSetOutcome, Record, RuleAction, View,
    Zone,
};
use hashbrown::HashMap;

use crate::answer::CHAIN_MAX;
use crate::wire::{Name, parent, rtype};

/// Names kept resolved. Each is asked for twice every few seconds; beyond this no resolver of one
/// machine would answer in time. Further names do not resolve, which the log says.
pub(super) const NAMES_MAX: usize = 50_000;

/// The names, lower case and without a final dot.
pub(super) fn wanted(view: &View) -> BTreeSet<Box<str>> {
    let mut names = BTreeSet::new();
    let config = &view.config;
    for ix in pools(config) {
        for endpoint in config.pool(ix).endpoints().map(|ix| config.endpoint(ix)) {
            // Nobody outside reaches private ones, so that they are never answered.
            if let Address::Name(name) = &endpoint.address
                && endpoint.enabled
                && endpoint.virtual_network.is_none()
            {
                names.insert(name.as_str().into());
            }
        }
    }
    names.extend(view.zones.iter().flat_map(|zone| flattened(zone)));
    if names.len() > NAMES_MAX {
        tracing::warn!(names = names.len(), NAMES_MAX, "Too many host names to keep resolved.");
        while names.len() > NAMES_MAX {
            names.pop_last();
        }
    }
    names
}

/// Every pool that some query may lead to.
fn pools(config: &Config) -> BTreeSet<PoolIx> {
    let mut pools = BTreeSet::new();
    for lb in config.load_balancers.iter().filter(|lb| lb.enabled && !lb.proxied) {
        pools.extend(&lb.default_pools);
        pools.insert(lb.fallback_pool);
        let maps = &lb.topology;
        pools.extend(maps.pops.values().flatten());
        pools.extend(maps.countries.values().flatten());
        pools.extend(maps.regions.values().flatten());
        of_pool_sets(lb, &mut pools);
        for rule in &lb.rules {
            if let RuleAction::Override { overrides, .. } = &rule.action {
                of_rule(overrides, &mut pools);
            }
        }
    }
    pools
}

fn of_pool_sets(lb: &LoadBalancer, pools: &mut BTreeSet<PoolIx>) {
    for set in &lb.pool_sets {
        if let PoolSetOutcome::Pools(set) = &set.outcome {
            pools.extend(&set.pools);
            pools.extend(set.fallback_pool);
        }
    }
}

fn of_rule(rule: &Overrides, pools: &mut BTreeSet<PoolIx>) {
    pools.extend(rule.default_pools.iter().flatten());
    pools.extend(rule.pools.iter().flatten());
    pools.extend(rule.fallback_pool);
    pools.extend(rule.pops.iter().flat_map(|map| map.values().flatten()));
    pools.extend(rule.countries.iter().flat_map(|map| map.values().flatten()));
    pools.extend(rule.regions.iter().flat_map(|map| map.values().flatten()));
}

/// The names that a zone's CNAME records lead to, step by step, where addresses are answered in
/// their place: whichever of them lies elsewhere has to be known.
fn flattened(zone: &Zone) -> BTreeSet<Box<str>> {
    let is_alias = |record: &&Record| record.rtype == rtype::CNAME && !record.proxied;
    let is_flattened = |record: &&Record| record.flatten || record.name == zone.name;
    let first: Vec<&[u8]> = (zone.records.iter().filter(is_alias).filter(is_flattened))
        .map(|record| &*record.rdata)
        .collect();
    if first.is_empty() {
        return BTreeSet::new();
    }
    let aliases: HashMap<&[u8], &[u8]> = (zone.records.iter().filter(is_alias))
        .map(|record| (&*record.name, &*record.rdata))
        .collect();
    let mut names = BTreeSet::new();
    for target in first {
        let steps = core::iter::successors(Some(target), |target| alias_of(&aliases, target));
        names.extend(steps.take(CHAIN_MAX + 1).filter_map(text));
    }
    names
}

/// Where a name's CNAME record leads, or that of the wildcard closest above.
fn alias_of<'z>(aliases: &HashMap<&[u8], &'z [u8]>, name: &[u8]) -> Option<&'z [u8]> {
    let name = Name::new(name)?.lower();
    let wildcards = core::iter::successors(parent(&name), |name| parent(name))
        .map(|above| [b"\x01*", above].concat());
    let exact = aliases.get(name.as_slice()).copied();
    exact.or_else(|| wildcards.filter_map(|name| aliases.get(name.as_slice()).copied()).next())
}

/// A name in wire format as a host name is written; `None` for one that none can be.
fn text(wire: &[u8]) -> Option<Box<str>> {
    let name = Name::new(wire)?;
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_".contains(byte);
    let is_host = name.labels().next().is_some() && name.labels().flatten().all(is_plain);
    is_host.then(|| name.lower_text().as_str().into())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use evenkeel_model::{
        AffinityKey, AffinityKeys, ConfigBuilder, Country, EndpointSpec, Expression, Health,
        HostPattern, LoadBalancerId, PoolId, PoolSet, PoolSetPools, PoolSpec, Pop, Region, Rule,
        Zones,
    };

    use super::*;

    /// The names of a configuration with pools `p0`, `p1` and so on, whose endpoints are
    /// `p0.test` and so on. The load balancer has the last pool as its fallback, and nothing else
    /// yet.
    fn names(change: impl FnOnce(&[PoolIx], &mut LoadBalancer)) -> Vec<String> {
        let key = AffinityKey([0; 32]);
        let mut builder = ConfigBuilder::new(AffinityKeys { current: key, previous: None });
        let endpoint = |name: &str| EndpointSpec::new(name, Address::parse(name), 0);
        let pools: Vec<_> = (0..12)
            .map(|n| {
                let mut off = endpoint("off.test");
                off.enabled = false;
                let mut private = endpoint("private.test");
                private.virtual_network = Some("vnet".to_owned());
                let endpoints =
                    vec![endpoint(&format!("P{n}.test")), endpoint("192.0.2.1"), off, private];
                builder.pool(PoolSpec::new(PoolId([n; 16]), &format!("p{n}"), endpoints))
            })
            .collect();
        let host = HostPattern::parse("lb.example").unwrap();
        let mut lb = LoadBalancer::new(LoadBalancerId([1; 16]), host, vec![], pools[11]);
        lb.proxied = false;
        change(&pools, &mut lb);
        builder.load_balancer(lb).unwrap();
        let config = Arc::new(builder.build());
        let health = Health::new(&config, |_| evenkeel_model::EndpointHealth::default());
        let view = View { config, health, zones: Arc::new(Zones::default()), revision: 1 };
        wanted(&view).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn every_pool_that_a_query_may_lead_to_counts() {
        let found = names(|pools, lb| {
            lb.default_pools = vec![pools[0]];
            lb.topology.pops.insert(Pop::parse("FRA").unwrap(), vec![pools[1]]);
            lb.topology.countries.insert(Country::parse("DE").unwrap(), vec![pools[2]]);
            lb.topology.regions.insert(Region::Weu, vec![pools[3]]);
            let set = PoolSetPools {
                pools: vec![pools[4]],
                fallback_pool: Some(pools[5]),
                ..PoolSetPools::default()
            };
            let outcome = PoolSetOutcome::Pools(set);
            lb.pool_sets.push(PoolSet { name: String::new(), places: None, outcome });
            let overrides = Overrides {
                default_pools: Some(vec![pools[6]]),
                pools: Some(vec![pools[7]]),
                fallback_pool: Some(pools[8]),
                regions: Some([(Region::Eeu, vec![pools[9]])].into()),
                ..Overrides::default()
            };
            let action = RuleAction::Override { overrides: Box::new(overrides), terminates: false };
            let condition = Expression::parse("ip.src in {0.0.0.0/1}").unwrap();
            lb.rules.push(Rule { name: String::new(), condition, action });
        });
        let expected: BTreeSet<_> =
            (0..12).filter(|n| *n != 10).map(|n| format!("p{n}.test")).collect();
        assert_eq!(found, expected.into_iter().collect::<Vec<_>>());
    }

    #[test]
    fn load_balancers_that_are_not_answered_so_want_nothing() {
        assert_eq!(names(|_, _| {}), ["p11.test"]);
        assert_eq!(names(|_, lb| lb.enabled = false), [""; 0]);
        assert_eq!(names(|_, lb| lb.proxied = true), [""; 0]);
    }

    #[test]
    fn flattened_records_are_followed_to_where_they_lead() {
        let wire =
            |name: &str| Box::<[u8]>::from(crate::wire::host_to_wire(name).unwrap().as_slice());
        let record = |(name, target, flatten): &(&str, &str, bool)| Record {
            name: match name.strip_prefix("*.") {
                Some(above) => [b"\x01*", &*wire(above)].concat().into(),
                None => wire(name),
            },
            rtype: rtype::CNAME,
            ttl_s: 300,
            rdata: wire(target),
            proxied: false,
            flatten: *flatten,
        };
        let root: Box<[u8]> = [0].into();
        let soa = evenkeel_model::Soa {
            mname: root.clone(),
            rname: root,
            refresh_s: 1,
            retry_s: 1,
            expire_s: 1,
            minimum_ttl_s: 1,
            ttl_s: 1,
        };
        for (records, expected) in [
            (&[("www.z.test", "a.test", false)][..], &[][..]),
            (&[("z.test", "a.test", false)], &["a.test"]),
            (
                &[("z.test", "WWW.z.test", false), ("www.z.test", "a.test", false)],
                &["a.test", "www.z.test"],
            ),
            (
                &[("flat.z.test", "x.y.w.z.test", true), ("*.w.z.test", "a.test", false)],
                &["a.test", "x.y.w.z.test"],
            ),
            (
                &[("z.test", "b.z.test", false), ("b.z.test", "z.test", false)],
                &["b.z.test", "z.test"],
            ),
        ] {
            let zone = Zone {
                id: evenkeel_model::ZoneId([1; 16]),
                name: wire("z.test"),
                serial: 1,
                records: records.iter().map(record).collect(),
                soa: soa.clone(),
                keys: Vec::new(),
                transfer: evenkeel_model::Transfer::default(),
            };
            let found: Vec<_> = flattened(&zone).into_iter().collect();
            assert_eq!(found.iter().map(|it| &**it).collect::<Vec<_>>(), expected, "{records:?}");
        }
    }

    #[test]
    fn host_names_are_written_as_configured_ones_are() {
        for (wire, expected) in [
            (&b"\x01A\x07eXample\0"[..], Some("a.example")),
            (b"\x04_srv\x02x-\0", Some("_srv.x-")),
            (b"\0", None),
            (b"", None),
            (b"\x03a.b\0", None),
            (b"\x02\xc3\xa4\0", None),
            (b"\x05ab", None),
        ] {
            assert_eq!(text(wire).as_deref(), expected, "{}", wire.escape_ascii());
        }
    }
}
