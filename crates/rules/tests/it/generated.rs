//! Expressions and facts made up at random, over few enough values that they often meet.

use std::net::IpAddr;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use crate::oracle::{Call, Item, Many, One, Test, Truth, Truths, Value};
use crate::support::Sample;

const TEXTS: &[&str] =
    &["", "a", "A", "b", "ab", "aB", "ba", "a.b", "/a/b", "a\"b", "a\\b*", "é", "x=1&y", "\u{1}"];
const KEYS: &[&str] = &["", "a", "b", "x"];
const IPS: &[&str] = &["192.0.2.1", "192.0.2.2", "192.0.3.1", "10.0.0.1", "2001:db8::1", "::1"];
const MAPS: &[&str] = &["http.request.headers", "http.request.uri.args"];

fn text() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        8 => select(TEXTS).prop_map(|text| text.as_bytes().to_vec()),
        1 => vec(any::<u8>(), 0..4),
    ]
}

fn integer() -> impl Strategy<Value = i64> {
    prop_oneof![4 => -2..6_i64, 1 => any::<i64>(), 1 => Just(28), 1 => Just(64496)]
}

fn ip() -> impl Strategy<Value = IpAddr> {
    select(IPS).prop_map(|text| text.parse().expect("an address"))
}

/// Facts of either mode.
pub(crate) fn facts() -> impl Strategy<Value = Sample> {
    let words = || select(&TEXTS[..9]).prop_map(str::to_owned);
    let pair = (select(KEYS), select(&["", "=", "=a", "=ab", "=A"][..]));
    let header = (select(&["a", "A", "b", "cookie", "x"][..]), text());
    (
        (any::<bool>(), ip(), option::of(integer()), words(), words(), words()),
        (vec(pair, 0..4), integer(), vec(header, 0..5), words()),
        (integer(), any::<bool>(), option::of(words()), any::<bool>()),
    )
        .prop_map(
            |(
                (proxied, ip, asn, host, method, path),
                (pairs, timestamp, headers, query_name),
                (query_type, unicast, subnet, owned),
            )| {
                let pairs: Vec<_> =
                    pairs.iter().map(|(name, value)| format!("{name}{value}")).collect();
                let headers =
                    headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
                Sample {
                    proxied,
                    ip,
                    asn,
                    host,
                    method,
                    path,
                    query: pairs.join("&"),
                    timestamp,
                    headers,
                    query_name,
                    query_type,
                    unicast,
                    subnet,
                    owned,
                }
            },
        )
}

/// An expression.
pub(crate) fn truth() -> impl Strategy<Value = Truth> {
    truth_of(3)
}

fn truth_of(depth: u32) -> BoxedStrategy<Truth> {
    let leaf = prop_oneof![
        1 => any::<bool>().prop_map(Truth::Constant),
        2 => select(&["dns.qry.qu", "dns.rr.opt.client"][..])
            .prop_map(|name| Truth::Bare(One::Field(name))),
        6 => (one_text(0), text_test()).prop_map(|(one, test)| Truth::Is(one, test)),
        3 => (one_integer(0), integer_test()).prop_map(|(one, test)| Truth::Is(one, test)),
        2 => ip_test().prop_map(|test| Truth::Is(One::Field("ip.src"), test)),
    ];
    if depth == 0 {
        return leaf.boxed();
    }
    let below = depth - 1;
    prop_oneof![
        1 => leaf,
        2 => truth_of(below).prop_map(|truth| Truth::Not(Box::new(truth))),
        4 => (logic(), vec(truth_of(below), 2..4)).prop_map(|(op, items)| Truth::Logic(op, items)),
        2 => (one_text(below), text_test()).prop_map(|(one, test)| Truth::Is(one, test)),
        2 => (one_integer(below), integer_test()).prop_map(|(one, test)| Truth::Is(one, test)),
        2 => one_boolean(below).prop_map(Truth::Bare),
        1 => (one_boolean(below), boolean_test()).prop_map(|(one, test)| Truth::Is(one, test)),
    ]
    .boxed()
}

fn logic() -> impl Strategy<Value = &'static str> {
    select(&["and", "or", "xor"][..])
}

fn one_text(depth: u32) -> BoxedStrategy<One> {
    let field = select(
        &[
            "http.host",
            "http.request.method",
            "http.request.uri.path",
            "http.request.uri.query",
            "http.cookie",
            "dns.qry.name",
            "dns.rr.opt.client.addr",
        ][..],
    )
    .prop_map(One::Field);
    let nth = (many_text(0), 0..3_usize).prop_map(|(many, nth)| One::Nth(Box::new(many), nth));
    if depth == 0 {
        return prop_oneof![field, nth].boxed();
    }
    let below = depth - 1;
    prop_oneof![
        1 => field,
        1 => (many_text(below), 0..3_usize)
            .prop_map(|(many, nth)| One::Nth(Box::new(many), nth)),
        4 => (text_call(below), one_text(below))
            .prop_map(|(call, one)| One::Call(call, Box::new(one))),
        1 => one_integer(below).prop_map(to_string),
        1 => one_boolean(below).prop_map(to_string),
        1 => truth_of(below).prop_map(|truth| to_string(One::Truth(Box::new(truth)))),
        1 => Just(to_string(One::Field("ip.src"))),
    ]
    .boxed()
}

fn to_string(one: One) -> One {
    One::Call(Call { name: "to_string", arguments: vec![] }, Box::new(one))
}

fn one_integer(depth: u32) -> BoxedStrategy<One> {
    let field = select(
        &["ip.src.asnum", "http.request.timestamp.sec", "dns.qry.type", "dns.qry.name.len"][..],
    )
    .prop_map(One::Field);
    if depth == 0 {
        return field.boxed();
    }
    let below = depth - 1;
    let len = || Call { name: "len", arguments: vec![] };
    prop_oneof![
        field,
        many_text(below).prop_map(|many| One::Len(Box::new(many))),
        one_text(below).prop_map(move |one| One::Call(len(), Box::new(one))),
        (many_text(below), 0..3_usize).prop_map(move |(many, nth)| One::Nth(
            Box::new(Many::Mapped(len(), Box::new(many))),
            nth
        )),
    ]
    .boxed()
}

fn one_boolean(depth: u32) -> BoxedStrategy<One> {
    let field = select(&["dns.qry.qu", "dns.rr.opt.client"][..]).prop_map(One::Field);
    if depth == 0 {
        return field.boxed();
    }
    let below = depth - 1;
    prop_oneof![
        1 => field,
        2 => (boolean_call(below), one_text(below))
            .prop_map(|(call, one)| One::Call(call, Box::new(one))),
        4 => (select(&["any", "all"][..]), truths(below))
            .prop_map(|(name, truths)| One::Quantified(name, Box::new(truths))),
    ]
    .boxed()
}

/// A function that makes a text of a text.
fn text_call(depth: u32) -> BoxedStrategy<Call> {
    let argument = move || {
        prop_oneof![
            3 => text().prop_map(|text| One::Literal(Value::Text(text))),
            1 => one_text(depth.saturating_sub(1)),
        ]
    };
    let index = || (-4..5_i64).prop_map(|index| One::Literal(Value::Integer(index)));
    prop_oneof![
        select(&["lower", "upper"][..]).prop_map(|name| Call { name, arguments: vec![] }),
        vec(argument(), 1..3).prop_map(|arguments| Call { name: "concat", arguments }),
        argument().prop_map(|one| Call { name: "remove_bytes", arguments: vec![one] }),
        vec(index(), 1..3).prop_map(|arguments| Call { name: "substring", arguments }),
    ]
    .boxed()
}

/// A function that makes a boolean of a text.
fn boolean_call(depth: u32) -> impl Strategy<Value = Call> {
    let argument = prop_oneof![
        3 => text().prop_map(|text| One::Literal(Value::Text(text))),
        1 => one_text(depth.saturating_sub(1)),
    ];
    (select(&["starts_with", "ends_with"][..]), argument)
        .prop_map(|(name, argument)| Call { name, arguments: vec![argument] })
}

fn many_text(depth: u32) -> BoxedStrategy<Many> {
    let leaf = prop_oneof![
        select(&["http.request.uri.args.names", "http.request.uri.args.values"][..])
            .prop_map(Many::Field),
        (select(MAPS), select(KEYS)).prop_map(|(map, key)| Many::Key(map, key.to_owned())),
    ];
    if depth == 0 {
        return leaf.boxed();
    }
    let below = depth - 1;
    prop_oneof![
        2 => leaf,
        2 => (text_call(below), many_text(below))
            .prop_map(|(call, many)| Many::Mapped(call, Box::new(many))),
        1 => (many_text(below), many_text(below))
            .prop_map(|(first, second)| Many::Joined(Box::new(first), Box::new(second))),
    ]
    .boxed()
}

fn truths(depth: u32) -> BoxedStrategy<Truths> {
    let below = depth.saturating_sub(1);
    // Every value of a map comes in no order, so only what does not depend on it is asked.
    let every = prop_oneof![
        select(MAPS).prop_map(Many::Each),
        (select(MAPS), 0..2_usize).prop_map(|(map, nth)| Many::EachNth(map, nth)),
    ];
    let leaf = prop_oneof![
        3 => (many_text(below), text_test()).prop_map(|(many, test)| Truths::Is(many, test)),
        1 => (every, text_test()).prop_map(|(many, test)| Truths::Is(many, test)),
        1 => (many_text(below), integer_test()).prop_map(|(many, test)| {
            let len = Call { name: "len", arguments: vec![] };
            Truths::Is(Many::Mapped(len, Box::new(many)), test)
        }),
        1 => (boolean_call(below), many_text(below))
            .prop_map(|(call, many)| Truths::Bare(Many::Mapped(call, Box::new(many)))),
    ];
    if depth == 0 {
        return leaf.boxed();
    }
    let ordered = prop_oneof![
        (many_text(below), text_test()).prop_map(|(many, test)| Truths::Is(many, test)),
        (boolean_call(below), many_text(below))
            .prop_map(|(call, many)| Truths::Bare(Many::Mapped(call, Box::new(many)))),
    ];
    prop_oneof![
        4 => leaf,
        1 => truths(below).prop_map(|truths| Truths::Not(Box::new(truths))),
        1 => (logic(), vec(ordered, 2..4)).prop_map(|(op, items)| Truths::Logic(op, items)),
    ]
    .boxed()
}

fn order() -> impl Strategy<Value = &'static str> {
    select(&["eq", "ne", "lt", "le", "gt", "ge"][..])
}

fn text_test() -> impl Strategy<Value = Test> {
    prop_oneof![
        4 => (order(), text()).prop_map(|(word, text)| Test::Order(word, Value::Text(text))),
        2 => text().prop_map(Test::Contains),
        1 => select(&["^a", "b$", "(?i)AB", r#"["/]"#, r"\."][..]).prop_map(Test::Matches),
        2 => (
            any::<bool>(),
            select(&["", "*", "a*", "*b", "A*B", "*a*b*", r"*\\*\*", "a.*b", "/*/*"][..]),
        )
            .prop_map(|(strict, pattern)| Test::Wildcard { strict, pattern }),
        2 => vec(text().prop_map(|text| Item::Value(Value::Text(text))), 0..4)
            .prop_map(Test::In),
    ]
}

fn integer_test() -> impl Strategy<Value = Test> {
    let item = prop_oneof![
        integer().prop_map(|value| Item::Value(Value::Integer(value))),
        (integer(), integer())
            .prop_map(|(a, b)| Item::Range(Value::Integer(a.min(b)), Value::Integer(a.max(b)))),
    ];
    prop_oneof![
        (order(), integer()).prop_map(|(word, value)| Test::Order(word, Value::Integer(value))),
        vec(item, 0..4).prop_map(Test::In),
    ]
}

fn ip_test() -> impl Strategy<Value = Test> {
    let item = prop_oneof![
        ip().prop_map(|address| Item::Value(Value::Ip(address))),
        (ip(), ip())
            .prop_filter("one version", |(a, b)| a.is_ipv4() == b.is_ipv4())
            .prop_map(|(a, b)| Item::Range(Value::Ip(a.min(b)), Value::Ip(a.max(b)))),
        (ip(), 0..=32_u8).prop_map(|(address, bits)| Item::Network(address, bits)),
    ];
    prop_oneof![
        (select(&["eq", "ne"][..]), ip())
            .prop_map(|(word, address)| Test::Order(word, Value::Ip(address))),
        vec(item, 0..4).prop_map(Test::In),
    ]
}

fn boolean_test() -> impl Strategy<Value = Test> {
    (select(&["eq", "ne"][..]), any::<bool>())
        .prop_map(|(word, value)| Test::Order(word, Value::Boolean(value)))
}
