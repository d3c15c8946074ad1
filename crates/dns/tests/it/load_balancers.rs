//! Names of load balancers, row by row (behaviour.md 8.1–8.7).

use std::collections::BTreeSet;

use crate::notation::{World, check, check_all};

const NODATA: &str =
    "NOERROR aa || example.com 1800 SOA ns.example.com. dns.example.com. 7 10000 2400 604800 1800";
const NXDOMAIN: &str =
    "NXDOMAIN aa || example.com 1800 SOA ns.example.com. dns.example.com. 7 10000 2400 604800 1800";

/// Every answer that draws of chance lead to.
fn all_answers(world: &str, query: &str) -> BTreeSet<String> {
    let world = World::parse(world);
    (0..100).map(|seed| world.ask(query, seed)).collect()
}

fn a(addresses: &[&str]) -> String {
    let records = addresses.iter().map(|ip| format!(" | www.example.com 30 A {ip}"));
    format!("NOERROR aa{}", records.collect::<String>())
}

#[test]
fn row_8_1_only_eligible_endpoints_are_answered() {
    let world = "zone example.com; lb www | eu: 10.0.0.1! 10.0.0.2 10.0.0.3-; lb b | eu: 10.0.0.1!\
                 | us: 10.0.0.4";
    check_all(
        world,
        &[
            ("www.example.com A", &a(&["10.0.0.2"])),
            ("b.example.com A", "NOERROR aa | b.example.com 30 A 10.0.0.4"),
        ],
    );
}

#[test]
fn row_8_1_the_form_does_not_flip_when_an_endpoint_fails() {
    // The one whose weight differs is down, and still one is answered.
    let world = "zone example.com; lb www | eu: 10.0.0.1 10.0.0.2=0.5! 10.0.0.3";
    let answers = all_answers(world, "www.example.com A");
    assert_eq!(answers, BTreeSet::from([a(&["10.0.0.1"]), a(&["10.0.0.3"])]));
}

#[test]
fn row_8_1_the_order_is_shuffled() {
    let world = World::parse("zone example.com; lb www | eu: 10.0.0.1 10.0.0.2 10.0.0.3");
    let asked = crate::dig::Asked::parse("www.example.com A");
    let of = |seed| world.respond(&asked.message, asked.source, asked.limit, seed);
    let orders: BTreeSet<_> = (0..200).map(of).collect();
    assert_eq!(orders.len(), 6);
}

#[test]
fn row_8_1_the_fallback_pool_answers_whatever_its_health() {
    let world = "zone example.com; lb www | eu: 10.0.0.1! | us: 10.0.0.2! 10.0.0.3!";
    check(world, "www.example.com A", &a(&["10.0.0.2", "10.0.0.3"]));
}

#[test]
fn row_8_2_families_are_told_apart_after_the_pool_is_chosen() {
    let world = "zone example.com; lb www | eu: 10.0.0.1 10.0.0.2 | us: 2001:db8::1
                 lb mixed | eu: 10.0.0.1 2001:db8::1";
    check_all(
        world,
        &[
            ("www.example.com AAAA", NODATA),
            ("mixed.example.com A", "NOERROR aa | mixed.example.com 30 A 10.0.0.1"),
            ("mixed.example.com AAAA", "NOERROR aa | mixed.example.com 30 AAAA 2001:db8::1"),
        ],
    );
    // One answer is drawn among those able to answer.
    let single = "zone example.com; lb www | eu: 10.0.0.1=0.5 2001:db8::1 2001:db8::2";
    assert_eq!(all_answers(single, "www.example.com A"), BTreeSet::from([a(&["10.0.0.1"])]));
    // Names as well, whatever they resolve to besides; the pool stays what it is.
    let names =
        "zone example.com; host v4.example.net 60 10.0.0.1; host v6.example.net 60 2001:db8::1
                 lb www | eu: v4.example.net=0.5 v6.example.net 10.0.0.2
                 lb last | eu: v4.example.net=0.5 gone.example.net | us: 2001:db8::9";
    assert_eq!(
        all_answers(names, "www.example.com AAAA"),
        BTreeSet::from(["NOERROR aa | www.example.com 30 AAAA 2001:db8::1".to_owned()])
    );
    let both = ["10.0.0.1", "10.0.0.2"].map(|ip| format!("NOERROR aa | www.example.com 30 A {ip}"));
    assert_eq!(all_answers(names, "www.example.com A"), BTreeSet::from(both));
    assert_eq!(all_answers(names, "last.example.com AAAA"), BTreeSet::from([NODATA.to_owned()]));
}

#[test]
fn row_8_2_host_names_are_flattened_and_the_shorter_time_to_live_counts() {
    let world = "zone example.com; host app.example.net 5 10.0.0.8 10.0.0.9 2001:db8::9
                 lb www | eu: app.example.net 10.0.0.1; lb slow ttl=120 | eu: app.example.net
                 lb long ttl=3 | eu: app.example.net; lb twice | eu: 10.0.0.9 app.example.net";
    check_all(
        world,
        &[
            (
                "www.example.com A",
                "NOERROR aa | www.example.com 5 A 10.0.0.1 | www.example.com 5 A 10.0.0.8 \
             | www.example.com 5 A 10.0.0.9",
            ),
            ("www.example.com AAAA", "NOERROR aa | www.example.com 5 AAAA 2001:db8::9"),
            (
                "slow.example.com A",
                "NOERROR aa | slow.example.com 5 A 10.0.0.8 | slow.example.com 5 A 10.0.0.9",
            ),
            (
                "long.example.com A",
                "NOERROR aa | long.example.com 3 A 10.0.0.8 | long.example.com 3 A 10.0.0.9",
            ),
            // No two records are the same.
            (
                "twice.example.com A",
                "NOERROR aa | twice.example.com 5 A 10.0.0.8 | twice.example.com 5 A 10.0.0.9",
            ),
        ],
    );
}

#[test]
fn row_8_2_what_does_not_resolve_is_left_out_and_a_pool_of_it_passed_over() {
    let world = "zone example.com; host v4.example.net 60 10.0.0.9
                 lb www | eu: gone.example.net 10.0.0.1
                 lb next | eu: gone.example.net lost.example.net | us: 10.0.0.2
                 lb single | eu: gone.example.net 10.0.0.1=0.5
                 lb none | eu: gone.example.net; lb v4 | eu: v4.example.net";
    check_all(
        world,
        &[
            ("www.example.com A", &a(&["10.0.0.1"])),
            ("next.example.com A", "NOERROR aa | next.example.com 30 A 10.0.0.2"),
            ("single.example.com A", "NOERROR aa | single.example.com 30 A 10.0.0.1"),
            ("none.example.com A", NODATA),
            // It resolves, to addresses of the other family.
            ("v4.example.com AAAA", NODATA),
        ],
    );
}

#[test]
fn row_8_2_an_endpoint_that_is_proxied_itself_leads_to_the_edge() {
    let world = "zone example.com; edge 198.51.100.1 2001:db8::e; shop A 10.9.9.9 proxied
                 lb front proxied | eu: 10.0.0.1
                 lb www | eu: front.example.com; lb b | eu: shop.example.com";
    check_all(
        world,
        &[
            ("www.example.com A", "NOERROR aa | www.example.com 30 A 198.51.100.1"),
            ("b.example.com AAAA", "NOERROR aa | b.example.com 30 AAAA 2001:db8::e"),
        ],
    );
}

#[test]
fn row_8_2_any_is_answered_in_short() {
    let world = "zone example.com; t TXT hello; c CNAME t; x.ent TXT hello; lb www | eu: 10.0.0.1";
    check_all(
        world,
        &[
            ("www.example.com ANY", "NOERROR aa | www.example.com 3600 HINFO \"RFC8482\" \"\""),
            ("t.example.com ANY", "NOERROR aa | t.example.com 3600 HINFO \"RFC8482\" \"\""),
            ("example.com ANY", "NOERROR aa | example.com 3600 HINFO \"RFC8482\" \"\""),
            ("c.example.com ANY", "NOERROR aa | c.example.com 300 CNAME t.example.com."),
            ("ent.example.com ANY", NODATA),
            ("gone.example.com ANY", NXDOMAIN),
        ],
    );
}

#[test]
fn row_8_2_nothing_is_synthesised_for_https() {
    let world = "zone example.com; edge 198.51.100.1; lb www | eu: 10.0.0.1
                 lb front proxied | eu: 10.0.0.1; web HTTPS 1 .; lb web | eu: 10.0.0.1";
    check_all(
        world,
        &[
            ("www.example.com HTTPS", NODATA),
            ("front.example.com HTTPS", NODATA),
            ("web.example.com HTTPS", "NOERROR aa | web.example.com 300 HTTPS 1 ."),
        ],
    );
}

#[test]
fn row_8_3_one_endpoint_that_is_not_flattened_makes_the_answer_single() {
    let world = "zone example.com; lb www ttl=60 | eu: app.example.net* 10.0.0.1";
    let answers = all_answers(world, "www.example.com A");
    let cname = "NOERROR aa | www.example.com 60 CNAME app.example.net.".to_owned();
    let address = "NOERROR aa | www.example.com 60 A 10.0.0.1".to_owned();
    assert_eq!(answers, BTreeSet::from([cname, address]));
}

#[test]
fn row_8_4_the_scope_is_the_length_of_the_prefix_that_counted() {
    let by_place = "geo:DE=eu geo:FR=fr geo:US=us | eu: 10.0.0.1 | fr: 10.0.0.2 | us: 10.0.0.3";
    let world = format!(
        "zone example.com; lb node {by_place}; lb resolver resolver {by_place}
         lb ecs ecs {by_place}; txt TXT hello"
    );
    let answer = |name: &str, scope: &str, ip: &str| {
        format!("NOERROR aa{scope} | {name}.example.com 30 A {ip}")
    };
    check_all(
        &world,
        &[
            // By the PoP, whoever asks.
            ("node.example.com A from=10.49.0.1", &answer("node", "", "10.0.0.3")),
            ("node.example.com A ecs=10.49.0.0/16", &answer("node", " scope=0", "10.0.0.3")),
            // By the resolver's address, and where that is unknown by the PoP.
            ("resolver.example.com A from=10.49.0.1", &answer("resolver", "", "10.0.0.1")),
            ("resolver.example.com A from=10.33.0.1", &answer("resolver", "", "10.0.0.2")),
            ("resolver.example.com A", &answer("resolver", "", "10.0.0.3")),
            // By the client subnet, if there is one.
            ("ecs.example.com A ecs=10.49.7.0/24", &answer("ecs", " scope=24", "10.0.0.1")),
            (
                "ecs.example.com A ecs=10.33.0.0/16 from=10.49.0.1",
                &answer("ecs", " scope=16", "10.0.0.2"),
            ),
            ("ecs.example.com A from=10.49.0.1", &answer("ecs", "", "10.0.0.3")),
            // No bits at all: nobody's address is to be used.
            ("ecs.example.com A ecs=0.0.0.0/0", &answer("ecs", " scope=0", "10.0.0.3")),
            // Ordinary records are for everybody.
            (
                "txt.example.com TXT ecs=10.49.7.0/24",
                "NOERROR aa scope=0 | txt.example.com 300 TXT \"hello\"",
            ),
        ],
    );
}

#[test]
fn row_8_5_the_more_specific_wins() {
    let world = "zone example.com; *.w A 10.9.9.1; exact.w A 10.9.9.2; www A 10.9.9.3
                 *.deep.v A 10.9.9.4
                 lb *.w | eu: 10.0.0.1; lb one.w | eu: 10.0.0.2; lb www | eu: 10.0.0.3
                 lb * | eu: 10.0.0.4; lb *.v | eu: 10.0.0.5";
    check_all(
        world,
        &[
            // At the same name the load balancer.
            ("www.example.com A", &a(&["10.0.0.3"])),
            // An exact record beats a wildcard load balancer.
            ("exact.w.example.com A", "NOERROR aa | exact.w.example.com 300 A 10.9.9.2"),
            // An exact load balancer beats a wildcard record.
            ("one.w.example.com A", "NOERROR aa | one.w.example.com 30 A 10.0.0.2"),
            // A wildcard load balancer beats the wildcard record of the same name.
            ("other.w.example.com A", "NOERROR aa | other.w.example.com 30 A 10.0.0.1"),
            // The longer wildcard beats the shorter, whichever is the load balancer.
            ("x.deep.v.example.com A", "NOERROR aa | x.deep.v.example.com 300 A 10.9.9.4"),
            ("x.v.example.com A", "NOERROR aa | x.v.example.com 30 A 10.0.0.5"),
            // What load balancers leave empty exists nevertheless.
            ("w.example.com A", NODATA),
            ("v.example.com A", NODATA),
            ("below.www.example.com A", NXDOMAIN),
            // A wildcard's own name is asked for as it is written.
            ("*.v.example.com A", "NOERROR aa | *.v.example.com 30 A 10.0.0.5"),
        ],
    );
}

#[test]
fn row_8_5_other_types_come_from_the_records_of_a_wildcard_too() {
    let world = "zone example.com; *.w TXT any; *.w A 10.9.9.9; lb *.w | eu: 10.0.0.1
                 lb one.w | eu: 10.0.0.2";
    check_all(
        world,
        &[
            ("x.w.example.com TXT", "NOERROR aa | x.w.example.com 300 TXT \"any\""),
            ("x.w.example.com MX", NODATA),
            // A name with a load balancer exists, so no wildcard stands in for it.
            ("one.w.example.com TXT", NODATA),
        ],
    );
}

#[test]
fn row_8_5_letter_case_does_not_matter_and_comes_back() {
    let world = "zone example.com; lb www | eu: 10.0.0.1; t TXT hello";
    check_all(
        world,
        &[
            ("wWw.eXample.COM A", "NOERROR aa | wWw.eXample.COM 30 A 10.0.0.1"),
            ("T.Example.Com TXT", "NOERROR aa | T.Example.Com 300 TXT \"hello\""),
            (
                "No.ExAmple.Com A",
                "NXDOMAIN aa || ExAmple.Com 1800 SOA ns.ExAmple.Com. dns.ExAmple.Com. 7 10000 2400 \
             604800 1800",
            ),
        ],
    );
}

#[test]
fn row_8_6_proxied_names_are_answered_with_the_edge_for_300_seconds() {
    let world = "zone example.com; edge 198.51.100.1 198.51.100.2 2001:db8::e
                 lb www proxied ttl=60 | eu: 10.0.0.1; p 60 A 10.9.9.9 proxied; p 60 A 10.9.9.8
                 c CNAME elsewhere.example.org. proxied; *.w A 10.9.9.9 proxied; p TXT hello";
    let edge = |name: &str| {
        format!(
            "NOERROR aa | {name}.example.com 300 A 198.51.100.1 \
             | {name}.example.com 300 A 198.51.100.2"
        )
    };
    check_all(
        world,
        &[
            ("www.example.com A", &edge("www")),
            ("www.example.com AAAA", "NOERROR aa | www.example.com 300 AAAA 2001:db8::e"),
            ("www.example.com CNAME", NODATA),
            // One proxied record makes the name proxied.
            ("p.example.com A", &edge("p")),
            ("p.example.com TXT", "NOERROR aa | p.example.com 300 TXT \"hello\""),
            ("c.example.com A", &edge("c")),
            ("c.example.com CNAME", NODATA),
            ("c.example.com MX", NODATA),
            ("x.w.example.com A", &edge("x.w")),
        ],
    );
    check("zone example.com; lb www proxied | eu: 10.0.0.1", "www.example.com A", NODATA);
}

#[test]
fn row_8_6_negative_answers_live_for_the_soa_s_minimum() {
    check("zone example.com", "gone.example.com A", NXDOMAIN);
}

#[test]
fn row_8_7_persistence_by_load_shedding_answers_each_resolver_the_same() {
    let world = World::parse(
        "zone example.com; lb www | eu hash shed-hash=50: 10.0.0.1 10.0.0.2 \
         | us hash: 10.0.0.3 10.0.0.4",
    );
    let mut answered = BTreeSet::new();
    for resolver in 0..64 {
        let query = format!("www.example.com A from=203.0.113.{resolver}");
        // Both pools name several in one order; a single endpoint of the first, which sheds by hash.
        let answers: BTreeSet<_> = (0..20).map(|seed| world.ask(&query, seed)).collect();
        assert_eq!(answers.len(), 1, "{answers:?}");
        answered.extend(answers);
    }
    assert_eq!(
        answered,
        BTreeSet::from([a(&["10.0.0.1"]), a(&["10.0.0.2"]), a(&["10.0.0.3", "10.0.0.4"])])
    );
}

#[test]
fn row_8_7_persistence_by_a_rule_on_half_of_the_addresses() {
    let world = "zone example.com; lb www half=b | a: 10.0.0.1 | b: 10.0.0.2";
    check_all(
        world,
        &[
            ("www.example.com A from=100.64.0.1", &a(&["10.0.0.2"])),
            ("www.example.com A from=203.0.113.1", &a(&["10.0.0.1"])),
            // Rules see the client subnet, whatever is preferred for steering.
            (
                "www.example.com A from=203.0.113.1 ecs=100.64.0.0/24",
                "NOERROR aa scope=24 | www.example.com 30 A 10.0.0.2",
            ),
        ],
    );
}

#[test]
fn row_8_7_ip_cookie_answers_one_endpoint_per_resolver() {
    let world = World::parse("zone example.com; lb www ip_cookie | eu: 10.0.0.1 10.0.0.2 10.0.0.3");
    let mut answered = BTreeSet::new();
    for resolver in 0..64 {
        let query = format!("www.example.com A from=203.0.113.{resolver}");
        let answers: BTreeSet<_> = (0..20).map(|seed| world.ask(&query, seed)).collect();
        assert_eq!(answers.len(), 1, "{answers:?}");
        answered.extend(answers);
    }
    assert_eq!(answered.len(), 3, "{answered:?}");
}

#[test]
fn the_trail_says_why() {
    let world = World::parse("zone example.com; lb www | eu: 10.0.0.1! | us: 10.0.0.2");
    let trail = world.trail("www.example.com A");
    assert_eq!(trail, "lb=www.example.com pool=eu:critical pool=us answered=1");
    // Records need no reason.
    assert_eq!(world.trail("example.com SOA"), "");
}

#[test]
fn a_load_balancer_belongs_to_its_own_zone() {
    // The same name would lie in the zone below, which others answer for.
    let world = "zone example.com; lb www.sub | eu: 10.0.0.1; sub NS ns.sub.example.com.
                 zone sub.example.com; www A 10.9.9.9";
    check(world, "www.sub.example.com A", "NOERROR aa | www.sub.example.com 300 A 10.9.9.9");
}
