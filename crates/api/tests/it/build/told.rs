//! A configuration in words, so that tables can say what is expected of it. Pools go by their names;
//! what is not there is not told.

use std::fmt::Display;

use evenkeel_model::{
    AffinityHeader, Config, FixedResponse, LoadBalancer, Places, PoolIx, PoolMap, PoolSetOutcome,
    RuleAction, SessionAffinity, Weight,
};

/// Pools in their order: `a b`.
pub(super) fn pools(config: &Config, pools: &[PoolIx]) -> String {
    pools.iter().map(|ix| config.pool(*ix).name.as_str()).collect::<Vec<_>>().join(" ")
}

/// Lists by place: `DE=a b, FR=c`.
fn map<K: Display>(config: &Config, map: &PoolMap<K>) -> String {
    let entries = map.iter().map(|(place, list)| format!("{place}={}", pools(config, list)));
    entries.collect::<Vec<_>>().join(", ")
}

fn weights(config: &Config, weights: &[(PoolIx, Weight)]) -> String {
    let weight = |(ix, weight): &(PoolIx, Weight)| {
        format!("{}={}", pools(config, &[*ix]), weight.hundredths())
    };
    weights.iter().map(weight).collect::<Vec<_>>().join(", ")
}

/// The geo maps: `pops LAX=a; regions WEU=b`.
pub(super) fn topology(config: &Config, lb: &LoadBalancer) -> String {
    let maps = [
        ("pops", map(config, &lb.topology.pops)),
        ("countries", map(config, &lb.topology.countries)),
        ("regions", map(config, &lb.topology.regions)),
    ];
    let told = maps.into_iter().filter(|(_, map)| !map.is_empty());
    told.map(|(name, map)| format!("{name} {map}")).collect::<Vec<_>>().join("; ")
}

fn header(header: &AffinityHeader) -> String {
    match header {
        AffinityHeader::Header(name) => name.clone(),
        AffinityHeader::Cookies(names) => format!("cookies {}", names.join("+")),
    }
}

fn headers(sent: &[AffinityHeader]) -> String {
    format!("[{}]", sent.iter().map(header).collect::<Vec<_>>().join(", "))
}

/// Affinity, its time-to-live as it counts: `Cookie 82800 Auto Auto drain 0 None`.
pub(super) fn affinity(affinity: &SessionAffinity) -> String {
    let mut told = format!(
        "{:?} {} {:?} {:?} drain {} {:?}",
        affinity.kind,
        affinity.kind.ttl_s(affinity.ttl_s),
        affinity.same_site,
        affinity.secure,
        affinity.drain_duration_s,
        affinity.failover
    );
    if !affinity.headers.is_empty() {
        told = format!("{told} {}", headers(&affinity.headers));
    }
    if affinity.require_all_headers { format!("{told} all") } else { told }
}

fn response(response: &FixedResponse) -> String {
    let headers = [&response.content_type, &response.location].into_iter().flatten();
    let mut told = format!("{} {:?}", response.status, response.body);
    for header in headers {
        told = format!("{told} {header}");
    }
    told
}

/// Rules, one line each: `name: if condition: what it does`, the condition only where there is one.
pub(super) fn rules(config: &Config, lb: &LoadBalancer) -> Vec<String> {
    let told = lb.rules.iter().map(|rule| {
        let action = match &rule.action {
            RuleAction::Respond(answer) => format!("respond {}", response(answer)),
            RuleAction::Override { overrides, terminates } => {
                let mut told = self::overrides(config, overrides);
                told.extend(terminates.then(|| "end".to_owned()));
                told.join("; ")
            }
        };
        match &rule.condition {
            always if always.is_always() => format!("{}: {action}", rule.name),
            condition => format!("{}: if {condition}: {action}", rule.name),
        }
    });
    told.collect()
}

fn overrides(config: &Config, over: &evenkeel_model::Overrides) -> Vec<String> {
    fn word<T: std::fmt::Debug>(name: &str, value: Option<T>) -> Option<String> {
        value.map(|value| format!("{name} {value:?}"))
    }
    let list = |name: &str, list: &Option<Vec<PoolIx>>| {
        list.as_ref().map(|list| format!("{name} {}", pools(config, list)))
    };
    let told = [
        list("default_pools", &over.default_pools),
        list("pools", &over.pools),
        list("fallback", &over.fallback_pool.map(|ix| vec![ix])),
        over.pops.as_ref().map(|pools| format!("pops {{{}}}", map(config, pools))),
        over.countries.as_ref().map(|pools| format!("countries {{{}}}", map(config, pools))),
        over.regions.as_ref().map(|pools| format!("regions {{{}}}", map(config, pools))),
        word("steering", over.steering),
        over.pool_weights.as_ref().map(|sent| format!("weights {{{}}}", weights(config, sent))),
        word("weight", over.pool_default_weight.map(Weight::hundredths)),
        word("failover_across_pools", over.failover_across_pools),
        word("affinity", over.affinity.kind),
        word("affinity_ttl", over.affinity.ttl_s),
        word("samesite", over.affinity.same_site),
        word("secure", over.affinity.secure),
        word("failover", over.affinity.failover),
        over.affinity.headers.as_ref().map(|sent| format!("headers {}", headers(sent))),
        word("require_all", over.affinity.require_all_headers),
        word("location", over.location_mode),
        word("prefer_ecs", over.prefer_ecs),
        word("ttl", over.ttl_s),
    ];
    told.into_iter().flatten().collect()
}

/// Pool sets, one line each: `name for places: what they get`.
pub(super) fn pool_sets(config: &Config, lb: &LoadBalancer) -> Vec<String> {
    let told = lb.pool_sets.iter().map(|set| {
        let places = set.places.as_ref().map_or_else(|| "everyone".to_owned(), places);
        let outcome = match &set.outcome {
            PoolSetOutcome::Respond(answer) => format!("respond {}", response(answer)),
            PoolSetOutcome::Pools(chosen) => {
                let rest = [
                    chosen.pool_weights.as_ref().map(|w| format!("weights {}", weights(config, w))),
                    chosen.pool_default_weight.map(|w| format!("weight {}", w.hundredths())),
                    chosen.fallback_pool.map(|ix| format!("fallback {}", pools(config, &[ix]))),
                ];
                let first = format!("{} {:?}", pools(config, &chosen.pools), chosen.steering);
                let all: Vec<_> = [first].into_iter().chain(rest.into_iter().flatten()).collect();
                all.join("; ")
            }
        };
        format!("{} for {places}: {outcome}", set.name)
    });
    told.collect()
}

fn places(places: &Places) -> String {
    fn list<T: Display>(list: Option<&std::collections::BTreeSet<T>>) -> Option<String> {
        let codes = list?.iter().map(ToString::to_string).collect::<Vec<_>>();
        Some(codes.join("/"))
    }
    let lists = [
        list(places.pops.as_ref()),
        list(places.countries.as_ref()),
        list(places.regions.as_ref()),
    ];
    lists.into_iter().flatten().collect::<Vec<_>>().join(" in ")
}
