//! What a zone finds at a name, held against a plain reading of RFC 1034 section 4.3.2 and RFC 4592
//! over lists.

use std::collections::BTreeSet;

use evenkeel_dns::wire::Name;
use evenkeel_dns::zone::{Found, Owned, Path};
use proptest::prelude::*;

use crate::dig::wire_name;
use crate::notation::World;

/// Labels from the left, those of the zone excluded.
type Labels = Vec<&'static str>;

/// Names of records with their types, and of load balancers.
#[derive(Debug, Clone)]
struct Names {
    records: Vec<(Labels, &'static str)>,
    load_balancers: BTreeSet<Labels>,
}

impl Names {
    fn world(&self) -> World {
        let full = |labels: &Labels| match labels.join(".") {
            apex if apex.is_empty() => "@".to_owned(),
            name => name,
        };
        let records = self.records.iter().map(|(name, rtype)| {
            let data = if *rtype == "NS" { "ns.example.net." } else { "192.0.2.1" };
            format!("{} {rtype} {data}", full(name))
        });
        let load_balancers =
            self.load_balancers.iter().map(|name| format!("lb {} | p: 192.0.2.2", full(name)));
        let lines: Vec<String> = records.chain(load_balancers).collect();
        World::parse(&format!("zone z; {}", lines.join(";")))
    }

    fn has(&self, name: &[&str]) -> (bool, bool) {
        let owns = self.records.iter().any(|(owner, _)| owner == name);
        (owns, self.load_balancers.iter().any(|owner| owner == name))
    }

    /// Whether a name exists: it, or something below it, has records or a load balancer.
    fn exists(&self, name: &[&str]) -> bool {
        let mut all = self.records.iter().map(|(owner, _)| owner).chain(&self.load_balancers);
        name.is_empty() || all.any(|owner| owner.ends_with(name))
    }

    /// What is to be found at a name, in words.
    fn find(&self, name: &[&'static str]) -> String {
        let is_cut =
            |at: &[&str]| self.records.iter().any(|(owner, rtype)| owner == at && *rtype == "NS");
        for n in (0..name.len()).rev() {
            if is_cut(&name[n..]) {
                return format!("cut {} {}", name[n..].join("."), n == 0);
            }
        }
        let owned = |at: &[&str]| {
            let (records, load_balancer) = self.has(at);
            format!("{} {records} {load_balancer}", at.join("."))
        };
        if self.exists(name) {
            return format!("name {}", owned(name));
        }
        let encloser = (1..=name.len()).map(|n| &name[n..]).find(|at| self.exists(at));
        let wildcard = [&["*"], encloser.expect("the apex exists")].concat();
        if self.exists(&wildcard) {
            format!("wildcard {}", owned(&wildcard))
        } else {
            "nothing".into()
        }
    }
}

/// The same of what the zone finds.
fn found(world: &World, name: &[&str]) -> String {
    let full = if name.is_empty() { "z".to_owned() } else { format!("{}.z", name.join(".")) };
    let wire = wire_name(&full, "");
    let path = Path::new(Name::new(&wire).expect("a name"));
    let (apex, served) = world.context().catalog.find(&path, 0).expect("the zone");
    let config = &world.view.config;
    let owned = |Owned { node, load_balancer }: Owned<'_>| {
        let records = node.is_some_and(|node| !node.sets().is_empty());
        let of_lb = load_balancer.map(|ix| config.load_balancer(ix).name());
        let of_node = node.map(|node| Name::new(&node.name).expect("a name").to_string());
        (of_lb.or(of_node), records, load_balancer.is_some())
    };
    let below =
        |name: &str| name.strip_suffix('z').expect("in the zone").trim_end_matches('.').to_owned();
    match served.find(&path, apex) {
        Found::Cut { node, is_here } => {
            format!("cut {} {is_here}", below(&Name::new(&node.name).expect("a name").to_string()))
        }
        Found::Name(it) => {
            let (_, records, load_balancer) = owned(it);
            format!("name {} {records} {load_balancer}", name.join("."))
        }
        Found::Wildcard(it) => {
            let (of, records, load_balancer) = owned(it);
            format!("wildcard {} {records} {load_balancer}", below(&of.expect("a name")))
        }
        Found::Nothing => "nothing".to_owned(),
    }
}

/// A name of a record. `*` is only special as the first label, and may be elsewhere.
fn owner() -> impl Strategy<Value = Labels> {
    prop::collection::vec(prop::sample::select(vec!["a", "b", "c", "*"]), 0..4)
}

/// A name of a load balancer.
fn host() -> impl Strategy<Value = Labels> {
    let labels = prop::collection::vec(prop::sample::select(vec!["a", "b", "c"]), 0..4);
    (labels, any::<bool>()).prop_map(|(mut labels, is_wildcard)| {
        if is_wildcard {
            labels.insert(0, "*");
        }
        labels
    })
}

fn names() -> impl Strategy<Value = Names> {
    let rtype = prop::sample::select(vec!["A", "TXT", "A", "NS", "A"]);
    let records = prop::collection::vec((owner(), rtype), 0..8);
    (records, prop::collection::btree_set(host(), 0..6))
        .prop_map(|(records, load_balancers)| Names { records, load_balancers })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn a_zone_finds_what_a_plain_reading_finds(names in names(), asked in prop::collection::vec(owner(), 20)) {
        let world = names.world();
        for name in &asked {
            prop_assert_eq!(found(&world, name), names.find(name), "{:?}", name);
        }
    }
}
