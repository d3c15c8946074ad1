//! What functions give, by comparing it.

use crate::support::Sample;

fn request() -> Sample {
    let mut request = Sample::request(
        "GET /Blog/First%20Post?q=%2520&r=a+b
x-json: {\"a\": {\"b\": [1, \"two\"]}, \"n\": -7, \"f\": 42.0}
x-word: asdfghjk
x-word: AsDf",
    );
    request.host = "WWW.shop.example".into();
    request
}

#[test]
fn functions() {
    let request = request();
    for text in [
        r#"lower(http.host) eq "www.shop.example""#,
        r#"upper(http.host) eq "WWW.SHOP.EXAMPLE""#,
        r#"lower("É") eq "É""#,
        "len(http.host) eq 16",
        r#"len("é") eq 2"#,
        r#"starts_with(http.request.uri.path, "/Blog")"#,
        r#"not starts_with(http.request.uri.path, "/blog")"#,
        r#"starts_with(lower(http.request.uri.path), "/blog/")"#,
        r#"ends_with(http.request.uri.path, "Post")"#,
        r#"not ends_with(http.request.uri.path, "First")"#,
        r#"starts_with(http.request.uri, http.request.uri.path)"#,
        r#"starts_with(http.host, "W") eq true"#,
        r#"concat("String1", " ", "String", 2) eq "String1 String2""#,
        r#"concat(http.host, http.request.uri.path) contains "example/Blog""#,
        r#"concat(http.request.headers["x-word"][*], "!")[1] eq "AsDf!""#,
        r#"any(concat(http.request.headers["x-word"][*], "-", 1)[*] eq "AsDf-1")"#,
        r#"remove_bytes(http.host, "\x2e\x57") eq "shopexample""#,
        r#"remove_bytes(http.host, "") eq http.host"#,
        r#"substring(http.request.headers["x-word"][0], 2, 5) eq "dfg""#,
        r#"substring(http.request.headers["x-word"][0], 2) eq "dfghjk""#,
        r#"substring(http.request.headers["x-word"][0], -2) eq "jk""#,
        r#"substring(http.request.headers["x-word"][0], 0, -2) eq "asdfgh""#,
        r#"substring(http.host, 0, len(http.method)) eq "WWW""#,
        r#"to_string(ip.src.asnum) eq "64496""#,
        r#"to_string(ip.src) eq "192.0.2.1""#,
        r#"to_string(http.host contains "WWW") eq "true""#,
        r#"to_string(true) eq "true""#,
        r#"to_string(dns.qry.qu or false) eq "false""#,
        r#"url_decode(http.request.uri.path) eq "/Blog/First Post""#,
        r#"url_decode(http.request.uri.args["q"][0]) eq "%20""#,
        r#"url_decode(http.request.uri.args["q"][0], "r") eq " ""#,
        r#"url_decode(http.request.uri.args["r"][0]) eq "a b""#,
        r#"url_decode("%u2601", "ur") eq "☁""#,
        r#"url_decode("%u2601", "") eq "%u2601""#,
        r#"any(url_decode(http.request.uri.args.values[*])[*] contains "a b")"#,
        r#"lookup_json_integer(http.request.headers["x-json"][0], "n") eq -7"#,
        r#"lookup_json_integer(http.request.headers["x-json"][0], "a", "b", 0) eq 1"#,
        r#"lookup_json_string(http.request.headers["x-json"][0], "a", "b", 1) eq "two""#,
        r#"not lookup_json_integer(http.request.headers["x-json"][0], "f") ge 0"#,
        r#"not lookup_json_string(http.request.headers["x-json"][0], "n") ge """#,
        r#"not lookup_json_string(http.host, "n") ge """#,
        r#"lookup_json_string(lower(http.request.headers["x-json"][0]), "a", "b", 1) eq "two""#,
        r#"lookup_json_string(concat("{\"a\":\"\\u0041", "\"}"), "a") eq "A""#,
        r#"regex_replace("/foo/bar", "/bar$", "/baz") eq "/foo/baz""#,
        r#"regex_replace("/x", "^/y$", "/mumble") eq "/x""#,
        r#"regex_replace("/foo", "^/FOO$", "/x") eq "/foo""#,
        r#"regex_replace("/a/a", "/a", "/b") eq "/b/a""#,
        r#"regex_replace("/b", "^/b$", "/b$$") eq "/b$""#,
        r#"regex_replace("/foo/a/path", "^/foo/([^/]*)/(.*)$", "/bar/${2}/${1}") eq "/bar/path/a""#,
        r#"regex_replace("b", "(a)?b", "<${1}${0}>") eq "<b>""#,
        r#"regex_replace(http.host, r"\.", "\\") eq "WWW\\shop.example""#,
        "cidr(ip.src, 24, 48) eq 192.0.2.0",
        "cidr(ip.src, 32, 1) eq 192.0.2.1",
        "cidr(113.10.0.2, 24, 24) eq 113.10.0.0",
        "cidr(2001:0000:130F:0000:0000:09C0:876A:130B, 24, 24) eq 2001::",
        "cidr6(ip.src, 24) eq 192.0.2.1",
        "cidr6(2001:db8:1:2::1, 48) eq 2001:db8:1::",
    ] {
        // The right side is a constant everywhere; a field stands there for readability.
        let text = text.replace("eq http.host", r#"eq "WWW.shop.example""#);
        let text = text.replace("http.method", r#""GET""#);
        assert!(request.matches(&text), "{text}");
        let copies = Sample { owned: true, ..request.clone() };
        assert!(copies.matches(&text), "{text}, of copies");
    }
}

#[test]
fn concatenations_are_bounded() {
    let mut request = request();
    request.path = "x".repeat(100 << 10);
    assert!(request.matches(r#"len(concat(http.request.uri.path, "")) eq 102400"#));
    let twice = "len(concat(http.request.uri.path, http.request.uri.path))";
    assert!(request.matches(&format!("not {twice} ge 0")));
}
