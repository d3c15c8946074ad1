//! Ordinary records (RFC 1034, RFC 2308, RFC 4592), delegations, chains, and what fits a response.

use crate::notation::{World, check, check_all};

const NODATA: &str =
    "NOERROR aa || example.com 1800 SOA ns.example.com. dns.example.com. 7 10000 2400 604800 1800";
const NXDOMAIN: &str =
    "NXDOMAIN aa || example.com 1800 SOA ns.example.com. dns.example.com. 7 10000 2400 604800 1800";

#[test]
fn names_in_no_zone_are_refused() {
    check_all(
        "zone example.com; www A 10.0.0.1",
        &[
            ("www.example.org A", "REFUSED"),
            ("com A", "REFUSED"),
            (". NS", "REFUSED"),
            ("badexample.com A", "REFUSED"),
        ],
    );
}

#[test]
fn the_apex_has_its_soa_and_name_servers() {
    let world = "zone example.com; @ NS ns1; @ NS ns2.example.net.; ns1 A 10.0.0.1
                 ns1 AAAA 2001:db8::1";
    check_all(
        world,
        &[
            (
                "example.com SOA",
                "NOERROR aa | example.com 3600 SOA ns.example.com. dns.example.com. 7 10000 2400 \
             604800 1800",
            ),
            (
                "example.com NS",
                "NOERROR aa | example.com 300 NS ns1.example.com. | example.com 300 NS \
             ns2.example.net. || || ns1.example.com 300 A 10.0.0.1 | ns1.example.com 300 AAAA \
             2001:db8::1",
            ),
            ("example.com A", NODATA),
            ("www.example.com SOA", NXDOMAIN),
            ("ns1.example.com SOA", NODATA),
        ],
    );
}

#[test]
fn the_deepest_zone_answers() {
    let world = "zone example.com; www A 10.0.0.1; sub NS ns.sub; sub DS -; ns.sub A 10.0.0.9
                 zone sub.example.com; www A 10.0.0.2; ns A 10.0.0.9";
    check_all(
        world,
        &[
            ("www.example.com A", "NOERROR aa | www.example.com 300 A 10.0.0.1"),
            ("www.sub.example.com A", "NOERROR aa | www.sub.example.com 300 A 10.0.0.2"),
            // Digests of a zone's keys are the parent's (RFC 4035 section 3.1.4.1).
            (
                "sub.example.com DS",
                "NOERROR aa | sub.example.com 300 DS 1 13 2 \
             0707070707070707070707070707070707070707070707070707070707070707",
            ),
            (
                "sub.example.com TXT",
                "NOERROR aa || sub.example.com 1800 SOA ns.sub.example.com. dns.sub.example.com. 7 \
             10000 2400 604800 1800",
            ),
        ],
    );
    // Without the parent, or when that does not know of it, the zone itself says that there are none.
    check("zone example.com", "example.com DS", NODATA);
    check("zone com; zone example.com", "example.com DS", NODATA);
}

/// The example zone of RFC 4592 section 2.2.1 and what it says of it.
#[test]
fn rfc_4592_section_2_2_1_wildcards() {
    let world = "zone example; @ NS ns.example.com.; *.@ TXT this; *.@ MX 10 host1
                 sub.*.@ TXT that; host1 A 192.0.2.1; _ssh._tcp.host1 SRV 0 0 22 host1
                 _ssh._tcp.host2 SRV 0 0 22 host1; subdel NS ns.example.com.";
    // `*` alone is below the zone's name already.
    let world = &world.replace("*.@", "*");
    let soa = "example 1800 SOA ns.example. dns.example. 7 10000 2400 604800 1800";
    let (nodata, nxdomain) = (format!("NOERROR aa || {soa}"), format!("NXDOMAIN aa || {soa}"));
    let mx = |name: &str| {
        format!("NOERROR aa | {name} 300 MX 10 host1.example. || || host1.example 300 A 192.0.2.1")
    };
    check_all(
        world,
        &[
            ("host3.example MX", &mx("host3.example")),
            ("host3.example A", &nodata),
            ("foo.bar.example TXT", "NOERROR aa | foo.bar.example 300 TXT \"this\""),
            ("host1.example MX", &nodata),
            ("sub.*.example MX", &nodata),
            ("_telnet._tcp.host1.example SRV", &nxdomain),
            ("host.subdel.example A", "NOERROR || subdel.example 300 NS ns.example.com."),
            ("ghost.*.example MX", &nxdomain),
        ],
    );
}

#[test]
fn empty_non_terminals_exist() {
    check_all(
        "zone example.com; a.b.c A 10.0.0.1",
        &[
            ("b.c.example.com A", NODATA),
            ("c.example.com TXT", NODATA),
            ("x.c.example.com A", NXDOMAIN),
            ("x.a.b.c.example.com A", NXDOMAIN),
        ],
    );
}

#[test]
fn a_set_lives_as_long_as_its_shortest_record() {
    check(
        "zone example.com; w 60 A 10.0.0.1; w 600 A 10.0.0.2",
        "w.example.com A",
        "NOERROR aa | w.example.com 60 A 10.0.0.1 | w.example.com 60 A 10.0.0.2",
    );
}

#[test]
fn cname_chains_are_followed_inside_the_zone() {
    let world = "zone example.com; a CNAME b; b CNAME c; c A 10.0.0.1; out CNAME x.example.net.
                 shop CNAME www; lost CNAME gone; *.w CNAME c; t CNAME c; t TXT beside
                 lb www | eu: 10.0.0.2; cut NS ns.example.net.; under CNAME x.cut
                 zone other.example; far A 10.0.0.3";
    check_all(
        world,
        &[
            (
                "a.example.com A",
                "NOERROR aa | a.example.com 300 CNAME b.example.com. | b.example.com 300 CNAME \
             c.example.com. | c.example.com 300 A 10.0.0.1",
            ),
            ("a.example.com CNAME", "NOERROR aa | a.example.com 300 CNAME b.example.com."),
            ("out.example.com A", "NOERROR aa | out.example.com 300 CNAME x.example.net."),
            // To a load balancer, which is how one is shared (api.md 6.3).
            (
                "shop.example.com A",
                "NOERROR aa | shop.example.com 300 CNAME www.example.com. | www.example.com 30 A \
             10.0.0.2",
            ),
            // The code is that of the last name (RFC 6604).
            (
                "lost.example.com A",
                "NXDOMAIN aa | lost.example.com 300 CNAME gone.example.com. || example.com 1800 SOA \
             ns.example.com. dns.example.com. 7 10000 2400 604800 1800",
            ),
            (
                "c.example.com AAAA",
                "NOERROR aa || example.com 1800 SOA ns.example.com. dns.example.com. 7 10000 2400 \
             604800 1800",
            ),
            (
                "x.w.example.com A",
                "NOERROR aa | x.w.example.com 300 CNAME c.example.com. | c.example.com 300 A 10.0.0.1",
            ),
            ("t.example.com TXT", "NOERROR aa | t.example.com 300 TXT \"beside\""),
            // Others know what is behind a cut.
            ("under.example.com A", "NOERROR aa | under.example.com 300 CNAME x.cut.example.com."),
        ],
    );
}

#[test]
fn circles_of_cname_records_are_cut() {
    let world = "zone example.com; a CNAME b; b CNAME a; self CNAME SELF";
    check_all(
        world,
        &[
            (
                "a.example.com A",
                "NOERROR aa | a.example.com 300 CNAME b.example.com. | b.example.com 300 CNAME \
             a.example.com.",
            ),
            ("self.example.com A", "NOERROR aa | self.example.com 300 CNAME self.example.com."),
        ],
    );
    let long: Vec<String> = (0..20).map(|n| format!("n{n} CNAME n{}", n + 1)).collect();
    let answered =
        World::parse(&format!("zone example.com; {}", long.join(";"))).ask("n0.example.com A", 1);
    assert_eq!(answered.matches("CNAME").count(), 9, "{answered}");
}

#[test]
fn a_cname_record_at_the_apex_is_answered_by_addresses() {
    let world = "zone example.com; @ 200 CNAME app.example.net.; @ TXT hello
                 host app.example.net 60 10.0.0.1
                 zone lb.example; @ CNAME www; lb www | eu: 10.0.0.2
                 zone in.example; @ CNAME a; a 100 CNAME b flatten; b 90 A 10.0.0.3
                 zone gone.example; @ CNAME nowhere.example.net.
                 zone round.example; @ CNAME a; a CNAME @
                 zone cut.example; @ CNAME x.sub; sub NS ns.example.net.
                 zone deep.example; @ CNAME www; www CNAME x.sub; sub NS ns.example.net.
                 host x.sub.deep.example 60 10.0.0.4
                 zone none.example; @ CNAME x; @ TXT hello";
    let soa =
        |zone: &str| format!("{zone} 1800 SOA ns.{zone}. dns.{zone}. 7 10000 2400 604800 1800");
    check_all(
        world,
        &[
            ("example.com A", "NOERROR aa | example.com 60 A 10.0.0.1"),
            ("example.com AAAA", &format!("NOERROR aa || {}", soa("example.com"))),
            ("example.com CNAME", &format!("NOERROR aa || {}", soa("example.com"))),
            ("example.com TXT", "NOERROR aa | example.com 300 TXT \"hello\""),
            ("lb.example A", "NOERROR aa | lb.example 30 A 10.0.0.2"),
            ("in.example A", "NOERROR aa | in.example 90 A 10.0.0.3"),
            ("a.in.example A", "NOERROR aa | a.in.example 90 A 10.0.0.3"),
            ("gone.example A", "SERVFAIL"),
            ("round.example A", "SERVFAIL"),
            ("cut.example A", "SERVFAIL"),
            ("deep.example A", "NOERROR aa | deep.example 60 A 10.0.0.4"),
            // The apex exists, whatever becomes of the other name.
            ("none.example A", &format!("NOERROR aa || {}", soa("none.example"))),
        ],
    );
}

#[test]
fn delegated_names_are_referred_to_their_servers_with_glue() {
    let world = "zone example.com; sub NS ns1.sub; sub NS ns2; sub NS ns.example.net.; sub DS -
                 ns1.sub A 10.0.0.1; ns1.sub AAAA 2001:db8::1; ns2 A 10.0.0.2; www.sub A 10.9.9.9
                 lb lb.sub | eu: 10.0.0.3; deep.sub NS ns.example.org.";
    let servers = "sub.example.com 300 NS ns.example.net. | sub.example.com 300 NS \
                   ns1.sub.example.com. | sub.example.com 300 NS ns2.example.com.";
    let digest = "sub.example.com 300 DS 1 13 2 \
                  0707070707070707070707070707070707070707070707070707070707070707";
    let glue = "ns1.sub.example.com 300 A 10.0.0.1 | ns1.sub.example.com 300 AAAA 2001:db8::1 \
                | ns2.example.com 300 A 10.0.0.2";
    let referral = format!("NOERROR || {servers} || {glue}");
    check_all(
        world,
        &[
            ("sub.example.com A", &referral),
            ("sub.example.com NS", &referral),
            ("www.sub.example.com A", &referral),
            // Not even load balancers are ours there.
            ("lb.sub.example.com A", &referral),
            ("x.deep.sub.example.com TXT", &referral),
            ("www.sub.example.com A do", &format!("NOERROR || {servers} | {digest} || {glue}")),
            ("sub.example.com DS", &format!("NOERROR aa | {digest}")),
            ("deep.sub.example.com DS", &referral),
        ],
    );
}

#[test]
fn referrals_show_nothing_that_is_behind_the_proxy() {
    let world = "zone example.com; edge 198.51.100.1; sub NS front; sub NS own.sub; sub NS www
                 front A 10.9.9.9 proxied; own.sub A 10.9.9.8 proxied; www A 10.9.9.7
                 lb www proxied | eu: 10.0.0.1";
    check_all(
        world,
        &[(
            "x.sub.example.com A",
            "NOERROR || sub.example.com 300 NS front.example.com. | sub.example.com 300 NS \
             own.sub.example.com. | sub.example.com 300 NS www.example.com.",
        )],
    );
}

#[test]
fn hosts_that_records_lead_to_have_their_addresses_beside() {
    let world = "zone example.com; @ MX 10 mail; @ MX 20 mail; @ MX 30 mx.example.net.
                 mail A 10.0.0.1; _s SRV 1 2 3 mail; h HTTPS 1 mail; m MX 1 www; p MX 1 front
                 front A 10.9.9.9 proxied; lb www | eu: 10.0.0.2";
    check_all(
        world,
        &[
            (
                "example.com MX",
                "NOERROR aa | example.com 300 MX 10 mail.example.com. | example.com 300 MX 20 \
             mail.example.com. | example.com 300 MX 30 mx.example.net. || || mail.example.com 300 \
             A 10.0.0.1",
            ),
            (
                "_s.example.com SRV",
                "NOERROR aa | _s.example.com 300 SRV 1 2 3 mail.example.com || || mail.example.com \
             300 A 10.0.0.1",
            ),
            (
                "h.example.com HTTPS",
                "NOERROR aa | h.example.com 300 HTTPS 1 mail.example.com. || || mail.example.com 300 A \
             10.0.0.1",
            ),
            ("m.example.com MX", "NOERROR aa | m.example.com 300 MX 1 www.example.com."),
            ("p.example.com MX", "NOERROR aa | p.example.com 300 MX 1 front.example.com."),
        ],
    );
}

#[test]
fn unknown_types_are_just_not_there() {
    check_all(
        "zone example.com; www A 10.0.0.1",
        &[
            ("www.example.com TYPE1000", NODATA),
            ("www.example.com TYPE65280", NODATA),
            ("www.example.com DNSKEY", NODATA),
        ],
    );
}

#[test]
fn what_does_not_fit_is_left_out_by_whole_sets() {
    let many: Vec<String> = (0..60).map(|n| format!("w A 10.0.0.{n}")).collect();
    let texts: Vec<String> =
        (0..3).map(|n| format!("t TXT {}", format!("{n}").repeat(200))).collect();
    let glue: Vec<String> = (0..20)
        .map(|n| format!("sub NS n{n}.sub; n{n}.sub A 10.0.0.1; n{n}.sub AAAA 2001:db8::1"))
        .collect();
    let world = World::parse(&format!(
        "zone example.com; {}; {}; c CNAME t; {}; @ MX 1 w",
        many.join(";"),
        texts.join(";"),
        glue.join(";"),
    ));
    // 60 records of 16 bytes: too many for a client without EDNS, not for others.
    assert_eq!(world.ask("w.example.com A", 1), "NOERROR aa tc");
    assert_eq!(world.ask("w.example.com A edns=512", 1), "NOERROR aa tc");
    assert_eq!(world.ask("w.example.com A edns=100", 1), "NOERROR aa tc");
    assert_eq!(world.ask("w.example.com A edns=1232", 1).matches(" A ").count(), 60);
    assert_eq!(world.ask("w.example.com A limit=65535", 1).matches(" A ").count(), 60);
    // What fits before stays.
    assert_eq!(
        world.ask("c.example.com TXT", 1),
        "NOERROR aa tc | c.example.com 300 CNAME t.example.com."
    );
    // Additional records are nobody's right,
    assert_eq!(world.ask("example.com MX", 1), "NOERROR aa | example.com 300 MX 1 w.example.com.");
    // but glue is (RFC 9471).
    let referral = world.ask("x.sub.example.com A", 1);
    assert!(referral.starts_with("NOERROR tc || sub"), "{referral}");
}

#[test]
fn names_with_any_bytes_are_answered() {
    check_all(
        "zone example.com; lb * | eu: 10.0.0.1",
        &[("a\u{e4}b.example.com A", "NOERROR aa | a\\195\\164b.example.com 30 A 10.0.0.1")],
    );
}
