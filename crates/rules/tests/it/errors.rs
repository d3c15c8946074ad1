//! What is refused: where, and in which words. `▲` stands before the byte that an error is at.

use evenkeel_rules::Expression;

const MARK: &str = "▲";

#[track_caller]
fn check(rows: &[(&str, &str)]) {
    let mut wrong = String::new();
    for (marked, message) in rows {
        let at = marked.find(MARK).expect("a mark");
        let text = marked.replace(MARK, "");
        match Expression::parse(&text) {
            Ok(parsed) => wrong += &format!("{text}\n  parses as {parsed}\n"),
            Err(error) if error.at == at && error.message == *message => {}
            Err(error) => {
                let mut text = text.clone();
                text.insert_str(error.at, MARK);
                wrong += &format!("{text}\n  {}\nexpected {marked}\n  {message}\n", error.message);
            }
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn names() {
    check(&[
        ("▲http.hst eq \"a\"", "unknown field `http.hst`, did you mean `http.host`?"),
        ("▲HTTP.HOST eq \"a\"", "unknown field `HTTP.HOST`, did you mean `http.host`?"),
        ("true and ▲cf.zone.plan eq 1", "unknown field `cf.zone.plan`"),
        ("▲http.host. eq \"a\"", "unknown field `http.host.`, did you mean `http.host`?"),
        ("▲lowr(http.host) eq \"a\"", "unknown function `lowr`, did you mean `lower`?"),
        ("▲sha256 (http.host) eq \"a\"", "unknown function `sha256`"),
        ("lower▲ eq \"a\"", "`lower` is a function, expected `(`; found ` `"),
        (
            "▲aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            "unknown field `aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa…`",
        ),
    ]);
}

#[test]
fn structure() {
    check(&[
        ("(▲", "expected a field, a function, `not` or `(`; found the end"),
        ("▲)", "expected a field, a function, `not` or `(`; found `)`"),
        ("(▲)", "expected a field, a function, `not` or `(`; found `)`"),
        ("(true▲", "expected `)` for the `(` at byte 0; found the end"),
        ("true and (false or true▲", "expected `)` for the `(` at byte 9; found the end"),
        ("true▲)", "expected an operator or the end; found `)`"),
        ("true ▲true", "expected an operator or the end; found `true`"),
        ("true and▲", "expected a field, a function, `not` or `(`; found the end"),
        ("true and ▲or true", "expected a field, a function, `not` or `(`; found `or`"),
        ("▲and true", "expected a field, a function, `not` or `(`; found `and`"),
        ("true ▲& true", "expected an operator or the end; found `&`"),
        ("true ▲AND true", "operators and constants are lower-case, expected `and`; found `AND`"),
        ("▲NOT true", "operators and constants are lower-case, expected `not`; found `NOT`"),
        ("▲True", "operators and constants are lower-case, expected `true`; found `True`"),
        (
            "http.host ▲EQ \"a\"",
            "operators and constants are lower-case, expected `eq`; found `EQ`",
        ),
        ("http.host ▲= \"a\"", "expected `==` or `eq`; found `=`"),
        ("http.host ▲equals \"a\"", "expected an operator or the end; found `equals`"),
        (
            "http.host ▲starts_with \"a\"",
            "`starts_with` is a function, write `starts_with(…)`; found `starts_with`",
        ),
        ("http.host strict ▲eq \"a\"", "expected `wildcard` after `strict`; found `eq`"),
        ("▲\"a\" eq http.host", "expected a field, a function, `not` or `(`; found `\"`"),
        ("▲1 eq 1", "expected a field, a function, `not` or `(`; found `1`"),
        ("▲\u{7}", "expected a field, a function, `not` or `(`; found character 0x07"),
        ("▲é", "expected a field, a function, `not` or `(`; found `é`"),
        ("▲`", "expected a field, a function, `not` or `(`; found a backquote"),
    ]);
}

#[test]
fn values() {
    const EXPECTED: &str = "expected a value: a string in quotes, an integer or an IP address";
    check(&[
        ("http.host eq▲", &format!("{EXPECTED}; found the end")),
        ("http.host eq ▲)", &format!("{EXPECTED}; found `)`")),
        (
            "http.host eq ▲http.referer",
            "`http.referer` is neither an integer nor an IP address; strings need quotes",
        ),
        ("http.host eq ▲shop.example.org.", "`shop.example.org.` is not an IP address"),
        ("http.host eq ▲\"abc", "the string does not end"),
        ("http.host eq ▲\"abc\\\"", "the string does not end"),
        ("http.host eq ▲r#\"abc\"", "the string does not end"),
        ("http.host eq r#▲abc", "expected `\"` of a raw string; found `abc`"),
        (
            "http.host eq \"a▲\\d\"",
            "unknown escape `\\d`; a backslash is written `\\\\`, or in a raw string: r\"…\"",
        ),
        ("http.host eq \"a▲\\x4\"", "`\\x` needs two hexadecimal digits"),
        ("http.host eq \"a▲\\xgg\"", "`\\x` needs two hexadecimal digits"),
        ("http.host eq ▲{\"a\"}", "expected one value, a list needs `in`; found `{`"),
        ("ip.src eq ▲192.0.2.0/24", "a range of values needs a list: `in {…}`"),
        ("ip.src.asnum eq ▲1..5", "a range of values needs a list: `in {…}`"),
        (
            "ip.src.asnum eq ▲12a",
            "`12a` is neither an integer nor an IP address; strings need quotes",
        ),
        ("ip.src.asnum eq ▲007", "`007` has leading zeros"),
        ("ip.src.asnum eq ▲-", "`-` is neither an integer nor an IP address; strings need quotes"),
        (
            "ip.src.asnum eq ▲0x",
            "`0x` is neither an integer nor an IP address; strings need quotes",
        ),
        ("ip.src.asnum eq ▲9223372036854775808", "`9223372036854775808` does not fit into 64 bits"),
        (
            "ip.src.asnum eq ▲99999999999999999999999999999999999999999999",
            "`9999999999999999999999999999999999999999…` does not fit into 64 bits",
        ),
        ("ip.src eq ▲192.0.2.256", "`192.0.2.256` is not an IP address"),
        ("ip.src eq ▲2001:db8:::1", "`2001:db8:::1` is not an IP address"),
    ]);
}

#[test]
fn lists() {
    check(&[
        (
            "ip.src in ▲$office",
            "named lists (`$name`) are not supported in load balancing rules; write the values: \
             `in {…}`",
        ),
        (
            "ip.src in ▲192.0.2.0/24",
            "expected a list: `{`, values separated by spaces, `}`; found `192.0.2.0`",
        ),
        ("ip.src in {192.0.2.1▲", "expected `}` for the `{` at byte 10; found the end"),
        (
            "ip.src in {192.0.2.1▲, 192.0.2.2}",
            "values of a list are separated by spaces; found `,`",
        ),
        ("ip.src in {▲192.0.2.0/33}", "`33` is not the length of a prefix, 0 to 32"),
        ("ip.src in {▲192.0.2.0/08}", "`08` is not the length of a prefix, 0 to 32"),
        ("ip.src in {▲::/129}", "`129` is not the length of a prefix, 0 to 128"),
        ("ip.src in {▲::/}", "`` is not the length of a prefix, 0 to 128"),
        ("ip.src in {▲10/8}", "`10` is not an IP address"),
        ("ip.src in {▲192.0.2.9..192.0.2.1}", "the range's end lies before its start"),
        (
            "ip.src in {▲192.0.2.1..::1}",
            "a range goes from integer to integer, or from address to address of the same version",
        ),
        (
            "ip.src.asnum in {1..▲x}",
            "`x` is neither an integer nor an IP address; strings need quotes",
        ),
        ("ip.src.asnum in {▲5..1}", "the range's end lies before its start"),
        ("ip.src.asnum in {1 ▲\"2\"}", "expected an integer, found a string"),
        ("ip.src.asnum in {1 ▲192.0.2.1}", "expected an integer, found an IP address"),
        ("ip.src in {▲1..5}", "expected an IP address, found an integer"),
        ("http.host in {\"a\" ▲1}", "expected a string, found an integer"),
        ("http.host in {\"a\" ▲192.0.2.0/24}", "expected a string, found an IP address"),
        ("ip.src in {▲true}", "expected an IP address, found a boolean"),
    ]);
}

#[test]
fn operators_by_kind() {
    const INTEGER: &str = "expected `eq`, `ne`, `lt`, `le`, `gt`, `ge` or `in`";
    const IP: &str = "expected `eq`, `ne` or `in`";
    const BOOLEAN: &str = "expected `eq` or `ne`";
    let mut rows = Vec::new();
    let mut refuse = |field: &str, sign: &str, word: &str, kind: &str, expected: &str| {
        let value = if sign == "in" { "{true}" } else { "\"1\"" };
        rows.push((
            format!("{field} {MARK}{sign} {value}"),
            format!("`{word}` does not apply to {kind}: {expected}"),
        ));
    };
    let orders = [("lt", "lt"), ("<", "lt"), ("le", "le"), (">", "gt"), (">=", "ge")];
    let of_text = [
        ("contains", "contains"),
        ("matches", "matches"),
        ("~", "matches"),
        ("wildcard", "wildcard"),
        ("strict wildcard", "strict wildcard"),
    ];
    for (sign, word) in of_text {
        refuse("ip.src.asnum", sign, word, "an integer", INTEGER);
        refuse("len(http.host)", sign, word, "an integer", INTEGER);
    }
    for (sign, word) in orders.into_iter().chain(of_text) {
        refuse("ip.src", sign, word, "an IP address", IP);
    }
    for (sign, word) in orders.into_iter().chain(of_text).chain([("in", "in")]) {
        refuse("dns.qry.qu", sign, word, "a boolean", BOOLEAN);
    }
    let rows: Vec<_> = rows.iter().map(|(text, message)| (&**text, &**message)).collect();
    check(&rows);

    check(&[
        ("http.host eq ▲1", "expected a string, found an integer"),
        ("http.host eq ▲192.0.2.1", "expected a string, found an IP address"),
        ("http.host eq ▲true", "expected a string, found a boolean"),
        ("http.host contains ▲1", "expected a string, found an integer"),
        ("http.host wildcard ▲1", "expected a string, found an integer"),
        ("http.host matches ▲1", "expected a regular expression in quotes; found `1`"),
        ("ip.src.asnum eq ▲\"1\"", "expected an integer, found a string"),
        ("ip.src.asnum lt ▲192.0.2.1", "expected an integer, found an IP address"),
        ("ip.src eq ▲\"192.0.2.1\"", "expected an IP address, found a string"),
        ("ip.src eq ▲1", "expected an IP address, found an integer"),
        ("dns.qry.qu eq ▲1", "expected a boolean, found an integer"),
        ("▲http.host", "`http.host` is a string: expected an operator after it"),
        ("not ▲ip.src", "`ip.src` is an IP address: expected an operator after it"),
        ("▲lower(http.host) or true", "`lower(…)` is a string: expected an operator after it"),
    ]);
}

#[test]
fn patterns() {
    check(&[
        ("http.host wildcard ▲\"a**b\"", "`**` is not allowed in a wildcard pattern"),
        ("http.host strict wildcard ▲\"**\"", "`**` is not allowed in a wildcard pattern"),
        (
            "http.host wildcard ▲r\"\\a\"",
            "in a wildcard pattern `\\` must be followed by `*` or `\\`",
        ),
        ("http.host matches ▲\"(\"", "malformed regular expression: unclosed group"),
        (
            "http.host matches ▲\"a{2,1}\"",
            "malformed regular expression: invalid repetition count range, the start must be <= \
             the end",
        ),
        ("http.host matches ▲\"abc", "the string does not end"),
        ("http.host matches ▲\"abc\\", "the string does not end"),
        (
            "http.host matches ▲\"[a-z]{1000}{10}\"",
            "the regular expression is too large: compiled it exceeds 64 KiB",
        ),
        (
            "http.host matches ▲\"(?u)\\w{10}\"",
            "the regular expression is too large: compiled it exceeds 64 KiB",
        ),
    ]);
}

#[test]
fn indexes() {
    check(&[
        (
            "▲http.request.headers eq \"a\"",
            "`http.request.headers` is a map of arrays: index it by a string, as in \
             `http.request.headers[\"name\"][0]`",
        ),
        (
            "▲http.request.headers[\"a\"] eq \"a\"",
            "`http.request.headers[…]` is an array of strings: take one value with `[0]`, or each \
             with `[*]` within `any(…)` or `all(…)`",
        ),
        (
            "▲http.request.uri.args.names",
            "`http.request.uri.args.names` is an array of strings: take one value with `[0]`, or \
             each with `[*]` within `any(…)` or `all(…)`",
        ),
        (
            "any(▲lower(http.request.uri.args.names[*]) eq \"a\")",
            "`lower(…)` is an array of strings: take one value with `[0]`, or each with `[*]` \
             within `any(…)` or `all(…)`",
        ),
        (
            "any(▲http.request.headers[*] eq \"a\")",
            "`http.request.headers[…]` is each array of a map: index each by a number or `*`",
        ),
        (
            "▲http.request.headers[\"a\"][*] eq \"a\"",
            "`[*]` gives one truth value for each value of the array: put it into `any(…)` or \
             `all(…)`",
        ),
        (
            "true and (▲http.request.headers[\"a\"][*] eq \"a\")",
            "`and` joins either single truth values or, within `any(…)` and `all(…)`, those of \
             arrays; not one with the other",
        ),
        (
            "any(http.request.headers[\"a\"][*] eq \"a\" or ▲http.host eq \"a\")",
            "`or` joins either single truth values or, within `any(…)` and `all(…)`, those of \
             arrays; not one with the other",
        ),
        ("http.host▲[0] eq \"a\"", "a string cannot be indexed"),
        ("http.request.headers▲[0] eq \"a\"", "a map is indexed by a string or `*`"),
        ("http.request.headers[\"a\"]▲[\"b\"] eq \"a\"", "an array is indexed by a number or `*`"),
        ("any(http.request.headers[*]▲[\"b\"] eq \"a\")", "an array is indexed by a number or `*`"),
        ("http.request.headers[\"a\"][0]▲[0] eq \"a\"", "a string cannot be indexed"),
        ("any(http.request.headers[\"a\"][*]▲[0] eq \"a\")", "a string cannot be indexed"),
        (
            "http.request.headers[▲a][0] eq \"a\"",
            "expected an index: a number, a string or `*`; found `a`",
        ),
        (
            "http.request.headers[\"a\"][▲-1] eq \"a\"",
            "expected an index: a number, a string or `*`; found `-`",
        ),
        (
            "http.request.headers[\"a\"][▲4294967296] eq \"a\"",
            "`4294967296` is not an index of an array",
        ),
        ("http.request.headers[\"a\" ▲eq \"a\"", "expected `]`; found `eq`"),
        ("http.request.headers ▲[\"a\"][0] eq \"a\"", "expected an operator or the end; found `[`"),
    ]);
}

#[test]
fn arguments() {
    check(&[
        ("▲lower() eq \"a\"", "`lower` takes 1 argument, found 0"),
        ("true or ▲lower(http.host, http.host) eq \"a\"", "`lower` takes 1 argument, found 2"),
        ("▲starts_with(http.host)", "`starts_with` takes 2 arguments, found 1"),
        ("▲substring(http.host) eq \"a\"", "`substring` takes 2 to 3 arguments, found 1"),
        ("▲concat(http.host) eq \"a\"", "`concat` takes at least 2 arguments, found 1"),
        ("lower(http.host▲", "expected `,` or `)`; found the end"),
        (
            "lower(http.host ▲http.host) eq \"a\"",
            "expected an operator or the end; found `http.host`",
        ),
        ("lower(http.host, ▲) eq \"a\"", "expected a field, a function, `not` or `(`; found `)`"),
        ("starts_with(\"a\" ▲\"b\")", "expected `,` or `)`; found `\"`"),
        ("lower(▲ip.src) eq \"a\"", "argument 1 of `lower` must be a string, found an IP address"),
        (
            "lower(▲http.request.headers[\"a\"]) eq \"a\"",
            "argument 1 of `lower` is an array: take one value with `[0]`, or each with `[*]`",
        ),
        (
            "lower(▲http.request.headers) eq \"a\"",
            "argument 1 of `lower` must be a string, found a map of arrays",
        ),
        (
            "lower(▲http.host eq \"a\") eq \"a\"",
            "argument 1 of `lower` must be a string, found a boolean",
        ),
        (
            "starts_with(http.host, ▲1)",
            "argument 2 of `starts_with` must be a string, found an integer",
        ),
        (
            "any(starts_with(http.host, ▲http.request.uri.args.names[*]))",
            "argument 2 of `starts_with` cannot have `[*]`, only the first can",
        ),
        (
            "to_string(▲http.host) eq \"a\"",
            "argument 1 of `to_string` must be an integer, a boolean or an IP address, found a \
             string",
        ),
        (
            "len(▲ip.src) eq 1",
            "argument 1 of `len` must be a string or an array, found an IP address",
        ),
        (
            "any(▲http.host eq \"a\")",
            "argument 1 of `any` must be an array of booleans, such as a comparison with `[*]`, \
             found a boolean",
        ),
        (
            "any(▲http.request.uri.args.names)",
            "argument 1 of `any` must be an array of booleans, such as a comparison with `[*]`, \
             found an array of strings",
        ),
        (
            "all(▲http.request.uri.args.names[*])",
            "argument 1 of `all` must be an array of booleans, such as a comparison with `[*]`, \
             found each of an array of strings",
        ),
        (
            "len(concat(http.request.uri.args.names, ▲http.host)) eq 1",
            "argument 2 of `concat` must be an array like the first, found a string",
        ),
        (
            "concat(http.host, ▲http.request.uri.args.names) eq \"a\"",
            "argument 2 of `concat` must be a string or an integer, found an array of strings",
        ),
        (
            "substring(http.host, ▲\"1\") eq \"a\"",
            "argument 2 of `substring` must be an integer, found a string",
        ),
        (
            "url_decode(http.host, ▲\"x\") eq \"a\"",
            "argument 2 of `url_decode` must be a string of the options `r` and `u`",
        ),
        (
            "url_decode(http.host, ▲http.host) eq \"a\"",
            "argument 2 of `url_decode` must be a string of the options `r` and `u`, written out",
        ),
        (
            "lookup_json_string(http.host, \"a\", ▲-1) eq \"a\"",
            "argument 3 of `lookup_json_string` must be a name or an index from 0",
        ),
        (
            "regex_replace(http.host, ▲\"(\", \"\") eq \"a\"",
            "malformed regular expression: unclosed group",
        ),
        (
            "regex_replace(http.host, ▲1, \"\") eq \"a\"",
            "argument 2 of `regex_replace` must be a regular expression in quotes",
        ),
        (
            "regex_replace(http.host, \"a\", ▲\"$1\") eq \"a\"",
            "`$` must be followed by `{`, the number of a group and `}`, or by another `$`",
        ),
        (
            "regex_replace(http.host, \"a\", ▲\"${1}\") eq \"a\"",
            "the regular expression has no group 1",
        ),
        (
            "regex_replace(http.host, \"a\", ▲\"${0}${0}${0}${0}${0}${0}${0}${0}${0}\") eq \"a\"",
            "more than 8 references to groups",
        ),
        (
            "cidr(ip.src, ▲33, 1) eq 192.0.2.1",
            "argument 2 of `cidr` must be the length of a prefix, 1 to 32",
        ),
        (
            "cidr6(ip.src, ▲len(http.host)) eq 192.0.2.1",
            "argument 2 of `cidr6` must be the length of a prefix, 1 to 128, written out",
        ),
        (
            "any(▲\"a\")",
            "argument 1 of `any` must be an array of booleans, such as a comparison with `[*]`, found a string",
        ),
    ]);
}

#[test]
fn an_error_shows_its_place() {
    let error = Expression::parse("ip.src contains \"192\"").unwrap_err();
    assert_eq!(
        error.to_string(),
        "at byte 7: `contains` does not apply to an IP address: expected `eq`, `ne` or `in`"
    );
}
