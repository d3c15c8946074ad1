//! The traps of behaviour.md 13 that DNS answers can fall into.

use crate::notation::{World, check, check_all};

const SOA: &str = "example.com 1800 SOA ns.example.com. dns.example.com. 7 10000 2400 604800 1800";

fn nodata() -> String {
    format!("NOERROR aa || {SOA}")
}

fn nxdomain() -> String {
    format!("NXDOMAIN aa || {SOA}")
}

#[test]
fn trap_t15_with_the_fallback_disabled_the_answer_is_empty_with_the_soa() {
    let world = "zone example.com; lb www | eu disabled: 10.0.0.1";
    check(world, "www.example.com A", &nodata());
}

#[test]
fn trap_t21_equal_weights_answer_all_and_different_ones_exactly_one() {
    check(
        "zone example.com; lb www | eu: 10.0.0.1 10.0.0.2 10.0.0.3",
        "www.example.com A",
        "NOERROR aa | www.example.com 30 A 10.0.0.1 | www.example.com 30 A 10.0.0.2 \
         | www.example.com 30 A 10.0.0.3",
    );
    let world = World::parse("zone example.com; lb www | eu: 10.0.0.1 10.0.0.2=0.9 10.0.0.3");
    for seed in 0..50 {
        let answered = world.ask("www.example.com A", seed);
        assert_eq!(answered.matches(" A ").count(), 1, "{answered}");
    }
}

#[test]
fn trap_t35_an_existing_name_of_any_type_keeps_a_wildcard_load_balancer_away() {
    let world = "zone example.com; a TXT hello; x.b A 10.9.9.9; lb * | eu: 10.0.0.1";
    check_all(
        world,
        &[
            ("a.example.com A", &nodata()),
            ("a.example.com TXT", "NOERROR aa | a.example.com 300 TXT \"hello\""),
            // Names below it, too.
            ("c.a.example.com A", &nxdomain()),
            // So does an empty non-terminal.
            ("b.example.com A", &nodata()),
            ("y.b.example.com A", &nxdomain()),
            // Everything else is covered, at any depth.
            ("c.example.com A", "NOERROR aa | c.example.com 30 A 10.0.0.1"),
            ("d.c.example.com A", "NOERROR aa | d.c.example.com 30 A 10.0.0.1"),
            ("example.com A", &nodata()),
        ],
    );
}

#[test]
fn trap_t36_other_types_at_the_name_of_a_load_balancer_are_still_answered() {
    let world = "zone example.com; www TXT hello; www A 10.9.9.9; lb www | eu: 10.0.0.1";
    check_all(
        world,
        &[
            ("www.example.com TXT", "NOERROR aa | www.example.com 300 TXT \"hello\""),
            ("www.example.com A", "NOERROR aa | www.example.com 30 A 10.0.0.1"),
            ("www.example.com MX", &nodata()),
        ],
    );
}

#[test]
fn trap_t37_a_name_is_answered_by_a_cname_below_the_apex_and_by_addresses_at_it() {
    let world = "zone example.com; host app.example.net 60 10.0.0.9 2001:db8::9
                 lb @ | eu: app.example.net*; lb www | eu: app.example.net*";
    check_all(
        world,
        &[
            ("example.com A", "NOERROR aa | example.com 30 A 10.0.0.9"),
            ("example.com AAAA", "NOERROR aa | example.com 30 AAAA 2001:db8::9"),
            ("www.example.com A", "NOERROR aa | www.example.com 30 CNAME app.example.net."),
            ("www.example.com AAAA", "NOERROR aa | www.example.com 30 CNAME app.example.net."),
            ("www.example.com CNAME", "NOERROR aa | www.example.com 30 CNAME app.example.net."),
            ("example.com CNAME", &nodata()),
        ],
    );
    // Through the proxy there is no CNAME either.
    check(
        "zone example.com; edge 198.51.100.1; lb www proxied | eu: app.example.net*",
        "www.example.com A",
        "NOERROR aa | www.example.com 300 A 198.51.100.1",
    );
}

#[test]
fn trap_t38_a_disabled_load_balancer_hands_its_name_back() {
    let world = "zone example.com; www A 10.9.9.9; *.w A 10.8.8.8
                 lb www disabled | eu: 10.0.0.1; lb gone disabled | eu: 10.0.0.1
                 lb a.w disabled | eu: 10.0.0.1; lb * disabled | eu: 10.0.0.1";
    check_all(
        world,
        &[
            ("www.example.com A", "NOERROR aa | www.example.com 300 A 10.9.9.9"),
            ("gone.example.com A", &nxdomain()),
            ("www.example.com AAAA", &nodata()),
            ("a.w.example.com A", "NOERROR aa | a.w.example.com 300 A 10.8.8.8"),
            ("other.example.com A", &nxdomain()),
        ],
    );
}

#[test]
fn trap_t41_a_fixed_response_is_an_empty_answer() {
    for word in ["fixed", "set-fixed", "fixed set-fixed"] {
        let world = format!("zone example.com; lb www {word} | eu: 10.0.0.1");
        check(&world, "www.example.com A", &nodata());
    }
}
