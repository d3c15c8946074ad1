//! What holds: fields, operators by kind of value, missing values, arrays and maps.

use std::net::IpAddr;

use crate::support::{Sample, parse};

/// Rows of an expression and whether it holds.
#[track_caller]
fn check(facts: &Sample, rows: &[(&str, bool)]) {
    for (text, expected) in rows {
        assert_eq!(facts.matches(text), *expected, "{text}");
        // A second reading of the canonical text holds as often.
        let again = parse(&parse(text).to_string());
        assert_eq!(again.matches(facts), *expected, "{again}");
        let copies = Sample { owned: true, ..facts.clone() };
        assert_eq!(copies.matches(text), *expected, "{text}, of copies");
    }
}

fn request() -> Sample {
    Sample::request(
        "POST /Cart/item?a=1&b=x%20y&a=2&c&=z&&d==
Cookie: session=abc
referer: https://a.example/
X-Forwarded-Proto: https
x-list: one
X-List: Two
x-list:",
    )
}

#[test]
fn fields() {
    check(
        &request(),
        &[
            (r#"cf.load_balancer.name eq "lb.example""#, true),
            (r#"cf.load_balancer.region eq "WEU""#, true),
            ("ip.src eq 192.0.2.1", true),
            ("ip.src.asnum eq 64496", true),
            (r#"http.cookie eq "session=abc""#, true),
            (r#"http.host eq "shop.example""#, true),
            (r#"http.referer eq "https://a.example/""#, true),
            (r#"http.request.method eq "POST""#, true),
            (r#"http.request.uri eq "/Cart/item?a=1&b=x%20y&a=2&c&=z&&d==""#, true),
            (r#"http.request.uri.path eq "/Cart/item""#, true),
            (r#"http.request.uri.query eq "a=1&b=x%20y&a=2&c&=z&&d==""#, true),
            (r#"http.request.version eq "HTTP/1.1""#, true),
            ("http.request.timestamp.sec eq 1795505280", true),
            (r#"http.request.headers["x-forwarded-proto"][0] eq "https""#, true),
            (r#"http.request.uri.args["b"][0] eq "x%20y""#, true),
            (r#"any(http.request.uri.args.names[*] eq "c")"#, true),
            (r#"any(http.request.uri.args.values[*] eq "z")"#, true),
        ],
    );
    let query = Sample { unicast: true, subnet: Some("198.51.100.0".into()), ..Sample::query() };
    check(
        &query,
        &[
            (r#"cf.load_balancer.name eq "lb.example""#, true),
            (r#"cf.load_balancer.region eq "WEU""#, true),
            ("ip.src eq 192.0.2.1", true),
            ("ip.src.asnum eq 64496", true),
            (r#"dns.qry.name eq "shop.example.""#, true),
            ("dns.qry.name.len eq 13", true),
            ("dns.qry.type eq 28", true),
            ("dns.qry.qu", true),
            ("dns.rr.opt.client", true),
            (r#"dns.rr.opt.client.addr eq "198.51.100.0""#, true),
        ],
    );
}

#[test]
fn fields_of_the_other_mode_are_missing() {
    check(
        &Sample::query(),
        &[
            (r#"http.host eq "shop.example""#, false),
            (r#"http.host ne "shop.example""#, false),
            (r#"not http.host eq "shop.example""#, true),
            ("http.request.timestamp.sec gt 0", false),
            (r#"any(http.request.headers[*][*] contains "")"#, false),
            (r#"all(http.request.headers[*][*] contains "")"#, false),
            ("len(http.request.uri.args.names) ge 0", false),
            (r#"http.request.uri.args["a"][0] eq """#, false),
            ("dns.qry.qu", false),
            ("not dns.qry.qu", true),
            ("dns.qry.qu eq false", true),
        ],
    );
    check(
        &request(),
        &[
            ("dns.qry.type == 28", false),
            ("dns.qry.type != 28", false),
            ("not dns.qry.type == 28", true),
            ("dns.qry.qu", false),
            ("not dns.qry.qu", true),
            ("dns.qry.qu eq false", false),
            ("dns.qry.qu ne true", false),
            (r#"dns.qry.name contains """#, false),
            ("len(dns.qry.name) ge 0", false),
        ],
    );
}

#[test]
fn strings() {
    check(
        &request(),
        &[
            (r#"http.host == "shop.example""#, true),
            (r#"http.host eq "Shop.example""#, false),
            (r#"http.host != "shop.example""#, false),
            (r#"http.host ne "shop""#, true),
            (r#"http.host < "shop.f""#, true),
            (r#"http.host lt "shop.example""#, false),
            (r#"http.host <= "shop.example""#, true),
            (r#"http.host le "shop""#, false),
            (r#"http.host > "shop""#, true),
            (r#"http.host gt "shop.example""#, false),
            (r#"http.host >= "shop.example""#, true),
            (r#"http.host ge "t""#, false),
            (r#"http.host contains "op.ex""#, true),
            (r#"http.host contains "OP""#, false),
            (r#"http.host contains """#, true),
            (r#"http.host contains "shop.example.""#, false),
            (r#"http.host in {"a" "shop.example" "b" "a"}"#, true),
            (r#"http.host in {"a" "b"}"#, false),
            ("http.host in {}", false),
            (r#"http.host matches "^sh.p\.""#, true),
            (r#"http.host matches "^sh.p\\.""#, false),
            (r#"http.host ~ r"^sh.p\.""#, true),
            (r#"http.host matches "^h""#, false),
            (r#"http.host matches "(?i)SHOP""#, true),
            (r#"http.host matches "[^"]$""#, true),
            (r#"http.host wildcard "SHOP.*""#, true),
            (r#"http.host wildcard "hop.*""#, false),
            (r#"http.host strict wildcard "SHOP.*""#, false),
            (r#"http.host strict wildcard "shop.*""#, true),
            (r#"http.host strict  wildcard "*e*e*""#, true),
        ],
    );
    let odd = Sample { path: "a\"b\\c#é\u{1}*".into(), ..Sample::default() };
    check(
        &odd,
        &[
            (r#"http.request.uri.path eq "a\"b\\c#é\x01*""#, true),
            (r#"http.request.uri.path eq "a\x22b\x5Cc#\xc3\xA9\x01*""#, true),
            (r##"http.request.uri.path contains r#"A"b\c"#"##, false),
            (r###"http.request.uri.path contains r##"a"b\c#"##"###, true),
            (r#"http.request.uri.path matches "a\"b\\c""#, true),
            (r##"http.request.uri.path wildcard r"*\\C#É*""##, false),
            (r##"http.request.uri.path wildcard r"*\\C#é*""##, true),
            (r#"http.request.uri.path wildcard "*\\*""#, true),
            (r#"http.request.uri.path strict wildcard r"*\*""#, true),
            (r#"http.request.uri.path matches "^[\x00-\x7f]*$""#, false),
            (r##"http.request.uri.path matches "(?u)#\w\x{1}""##, true),
            (r##"http.request.uri.path matches "#\w""##, false),
            (r#"http.request.uri.path matches "\xc3.""#, true),
            (r#"http.request.uri.path matches "(?u)\p{Hangul}""#, false),
            (r#"http.request.uri.path matches "(a.b)(.)+$""#, true),
        ],
    );
}

#[test]
fn integers() {
    check(
        &request(),
        &[
            ("ip.src.asnum == 64496", true),
            ("ip.src.asnum eq 0xfbf0", true),
            ("ip.src.asnum eq -64496", false),
            ("ip.src.asnum ne 1", true),
            ("ip.src.asnum lt 64497", true),
            ("ip.src.asnum lt 64496", false),
            ("ip.src.asnum le 64496", true),
            ("ip.src.asnum gt 64495", true),
            ("ip.src.asnum gt 64496", false),
            ("ip.src.asnum ge 64496", true),
            ("ip.src.asnum ge 64497", false),
            ("ip.src.asnum gt -9223372036854775808", true),
            ("ip.src.asnum lt 9223372036854775807", true),
            ("ip.src.asnum in {1 64496 7}", true),
            ("ip.src.asnum in {1..64495 64497..70000}", false),
            ("ip.src.asnum in {-5..5 64496..64496}", true),
            ("ip.src.asnum in {}", false),
        ],
    );
    check(&Sample { asn: None, ..request() }, &[("ip.src.asnum ne 1", false)]);
}

#[test]
fn addresses() {
    check(
        &request(),
        &[
            ("ip.src == 192.0.2.1", true),
            ("ip.src == ::ffff:192.0.2.1", true),
            ("ip.src != 192.0.2.1", false),
            ("ip.src ne 192.0.2.2", true),
            ("ip.src ne 2001:db8::1", true),
            ("ip.src in {192.0.2.1}", true),
            ("ip.src in {192.0.2.0/24}", true),
            ("ip.src in {192.0.2.77/24}", true),
            ("ip.src in {192.0.2.2/31 192.0.2.4/30}", false),
            ("ip.src in {0.0.0.0/1}", false),
            ("ip.src in {128.0.0.0/1}", true),
            ("ip.src in {0.0.0.0/0}", true),
            ("ip.src in {::/0}", false),
            ("ip.src in {::ffff:192.0.2.0/120}", true),
            ("ip.src in {192.0.1.255..192.0.2.1}", true),
            ("ip.src in {192.0.2.2..192.0.2.9 10.0.0.0/8 2001:db8::/32}", false),
        ],
    );
    let v6 = |text: &str| Sample { ip: text.parse::<IpAddr>().unwrap(), ..Sample::default() };
    check(
        &v6("2001:db8::5"),
        &[
            ("ip.src eq 2001:DB8:0::5", true),
            ("ip.src in {2001:db8::/32}", true),
            ("ip.src in {2001:db8::6..2001:db8::9 fe80::1}", false),
            ("ip.src in {::/0}", true),
            ("ip.src in {0.0.0.0/0}", false),
        ],
    );
    check(
        &v6("::ffff:192.0.2.1"),
        &[("ip.src eq 192.0.2.1", true), ("ip.src in {192.0.2.0/24}", true)],
    );
}

#[test]
fn booleans() {
    let query = Sample { unicast: true, ..Sample::query() };
    check(
        &query,
        &[
            ("true", true),
            ("false", false),
            ("dns.qry.qu", true),
            ("dns.qry.qu eq true", true),
            ("dns.qry.qu == false", false),
            ("dns.qry.qu ne false", true),
            ("dns.rr.opt.client", false),
            ("(dns.rr.opt.client)", false),
        ],
    );
}

#[test]
fn precedence() {
    let (t, f) = ("ip.src.asnum eq 64496", "ip.src.asnum eq 1");
    let rows = [
        ("T or F and F", true),
        ("(T or F) and F", false),
        ("T || F && F", true),
        ("T or T xor T", true),
        ("(T or T) xor T", false),
        ("T xor F and F", true),
        ("(T xor F) and F", false),
        ("T ^^ T ^^ T", true),
        ("F xor F xor T", true),
        ("not F and F", false),
        ("not (F and F)", true),
        ("! F && F", false),
        ("!(F && F)", true),
        ("not not T", true),
        ("!!T", true),
        ("not T or T", true),
        ("not F", true),
        ("F and F or T", true),
        ("F and (F or T)", false),
    ];
    for (text, expected) in rows {
        let text = text.replace('T', t).replace('F', f);
        check(&Sample::default(), &[(&text, expected)]);
    }
    // Blanks between signs are not needed, and of every kind.
    check(
        &Sample::default(),
        &[
            ("(ip.src.asnum==64496)&&!(ip.src.asnum!=64496)", true),
            ("\t(\n ip.src.asnum \r\n eq\t64496 ) \n", true),
            ("not(ip.src.asnum in{1})", true),
        ],
    );
}

#[test]
fn trap_t40_no_comparison_with_a_missing_value_holds() {
    let rows = [
        (r#"http.request.headers["x"][0] ne "a""#, false),
        (r#"not (http.request.headers["x"][0] eq "a")"#, true),
        (r#"not http.request.headers["x"][0] eq "a""#, true),
        (r#"http.request.headers["x"][0] eq """#, false),
        (r#"http.request.headers["x"][0] le "a""#, false),
        (r#"http.request.headers["x"][0] contains """#, false),
        (r#"http.request.headers["x"][0] matches """#, false),
        (r#"http.request.headers["x"][0] wildcard "*""#, false),
        (r#"http.request.headers["x"][0] in {""}"#, false),
        (r#"len(http.request.headers["x"]) eq 0"#, false),
        (r#"len(http.request.headers["x"]) ge 0"#, false),
        (r#"not len(http.request.headers["x"]) ge 0"#, true),
        (r#"lower(http.request.headers["x"][0]) ne "a""#, false),
        (r#"concat("a", http.request.headers["x"][0]) eq "a""#, false),
        (r#"starts_with(http.host, http.request.headers["x"][0])"#, false),
        (r#"any(http.request.headers["x"][*] ne "a")"#, false),
        (r#"all(http.request.headers["x"][*] eq "a")"#, false),
        (r#"not all(http.request.headers["x"][*] eq "a")"#, true),
        (r#"any(not http.request.headers["x"][*] eq "a")"#, false),
        (r#"any(starts_with(http.request.headers["x"][*], ""))"#, false),
        (r#"all(starts_with(http.request.headers["x"][*], ""))"#, false),
        ("http.cookie ne \"\"", false),
        ("http.referer ne \"\"", false),
    ];
    check(&Sample::default(), &rows);
    // With the header, but without so many values.
    let one = Sample::request("GET /\nx: b");
    check(
        &one,
        &[
            (r#"http.request.headers["x"][0] ne "a""#, true),
            (r#"http.request.headers["x"][1] ne "a""#, false),
            (r#"not (http.request.headers["x"][1] eq "a")"#, true),
            (r#"http.request.headers["x"][4294967295] ne "a""#, false),
            (r#"len(http.request.headers["x"]) > 0"#, true),
        ],
    );
}

#[test]
fn arrays_and_maps() {
    check(
        &request(),
        &[
            (r#"http.request.headers["x-list"][0] eq "one""#, true),
            (r#"http.request.headers["x-list"][1] eq "Two""#, true),
            (r#"http.request.headers["x-list"][2] eq """#, true),
            (r#"http.request.headers["x-list"][3] eq """#, false),
            // Keys are lower-case, whatever was received.
            (r#"http.request.headers["X-List"][0] eq "one""#, false),
            (r#"len(http.request.headers["x-list"]) eq 3"#, true),
            (r#"http.request.uri.args["a"][1] eq "2""#, true),
            (r#"len(http.request.uri.args["a"]) eq 2"#, true),
            (r#"http.request.uri.args["c"][0] eq """#, true),
            (r#"http.request.uri.args[""][0] eq "z""#, true),
            (r#"http.request.uri.args["d"][0] eq "=""#, true),
            (r#"http.request.uri.args["A"][0] eq "1""#, false),
            ("len(http.request.uri.args.names) eq 6", true),
            ("len(http.request.uri.args.values) eq 6", true),
            (r#"http.request.uri.args.names[2] eq "a""#, true),
            (r#"http.request.uri.args.values[2] eq "2""#, true),
            (r#"any(http.request.headers["x-list"][*] eq "Two")"#, true),
            (r#"any(http.request.headers["x-list"][*] eq "two")"#, false),
            (r#"any(lower(http.request.headers["x-list"][*])[*] eq "two")"#, true),
            (r#"lower(http.request.headers["x-list"][*])[1] eq "two""#, true),
            (r#"all(http.request.headers["x-list"][*] ne "three")"#, true),
            (r#"all(http.request.headers["x-list"][*] ne "one")"#, false),
            (r#"all(not http.request.headers["x-list"][*] eq "three")"#, true),
            (r#"any(starts_with(http.request.headers["x-list"][*], "T"))"#, true),
            (r#"any(starts_with(http.request.headers["x-list"][*], "T")[*])"#, true),
            (r#"starts_with(http.request.headers["x-list"][*], "T")[1]"#, true),
            (r#"all(len(http.request.headers["x-list"][*])[*] in {0 3})"#, true),
            (r#"any(http.request.headers[*][*] eq "Two")"#, true),
            (r#"any(http.request.headers[*][0] eq "Two")"#, false),
            (r#"any(http.request.headers[*][1] eq "Two")"#, true),
            ("len(lower(http.request.headers[*][0])) eq 4", true),
            (r#"any(http.request.uri.args[*][1] eq "2")"#, true),
            (r#"any(http.request.uri.args[*][*] eq "x%20y")"#, true),
            (
                r#"any(http.request.headers["x-list"][*] eq "one" and http.request.headers["x-list"][*] contains "n")"#,
                true,
            ),
            (
                r#"any(http.request.headers["x-list"][*] eq "one" and http.request.headers["x-list"][*] eq "Two")"#,
                false,
            ),
            (
                r#"all(http.request.headers["x-list"][*] in {"one" "Two"} or len(http.request.headers["x-list"][*])[*] eq 0)"#,
                true,
            ),
            (
                r#"all((http.request.headers["x-list"][*] eq "one" xor http.request.headers["x-list"][*] eq "Two") xor http.request.headers["x-list"][*] eq "")"#,
                true,
            ),
            // As many as the shorter one has.
            (
                r#"all(http.request.headers["x-list"][*] eq "one" or http.request.headers["cookie"][*] eq "b")"#,
                true,
            ),
            (
                r#"any(concat(http.request.headers["x-list"], http.request.uri.args["a"])[*] eq "2")"#,
                true,
            ),
            (
                r#"len(concat(http.request.headers["x-list"], http.request.uri.args["a"])) eq 5"#,
                true,
            ),
            (
                r#"len(concat(http.request.headers["x-list"], http.request.uri.args["q"])) ge 0"#,
                false,
            ),
        ],
    );
    // No arguments at all: the arrays are there, and empty.
    check(
        &Sample::default(),
        &[
            ("len(http.request.uri.args.names) eq 0", true),
            (r#"any(http.request.uri.args.names[*] ne "a")"#, false),
            (r#"all(http.request.uri.args.names[*] eq "a")"#, true),
        ],
    );
}
