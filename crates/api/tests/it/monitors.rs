//! Monitors: what is accepted, what it becomes, and what is refused in which words.

use evenkeel_api::{Limits, Monitor};
use serde_json::{Value, json};

use crate::world::{Resource, World, created, echoed, refused, refused_in};

#[test]
fn every_member_comes_back_as_sent() {
    let sent = json!({
        "type": "https", "description": "d", "method": "HEAD", "path": "/live?a=1&b=%20",
        "header": {"X-B": ["2", "1"], "Host": ["example.com:8443"], "x-a": []},
        "port": 8443, "interval": 30, "timeout": 9, "retries": 0, "consecutive_up": 2,
        "consecutive_down": 10, "expected_codes": "200, 2xx,301", "expected_body": "OK ü",
        "follow_redirects": true, "allow_insecure": true, "probe_zone": "example.com",
    });
    let answer = Monitor::create(&sent).unwrap().answer();
    for (name, value) in sent.as_object().unwrap() {
        assert_eq!(answer[name].to_string(), value.to_string(), "{name}");
    }
}

#[test]
fn defaults_follow_the_type() {
    for (kind, port, method, path) in [
        ("tcp", 80, "connection_established", ""),
        ("udp_icmp", 53, "", ""),
        ("smtp", 25, "", ""),
        ("icmp_ping", 0, "", ""),
        ("grpc", 50_051, "", "/"),
        ("grpcs", 443, "", "/"),
    ] {
        // The zero values that Terraform sends with every type.
        let zeros = json!({"type": kind, "port": port, "allow_insecure": false,
            "follow_redirects": false, "expected_body": "", "expected_codes": "", "probe_zone": ""});
        let expected = json!({"type": kind, "method": method, "path": path, "header": {},
            "allow_insecure": false, "follow_redirects": false, "expected_body": "",
            "expected_codes": "", "probe_zone": ""});
        echoed::<Monitor>(vec![(zeros, expected)]);
    }
    // Members without meaning for the type are kept as sent.
    let idle = json!({"type": "tcp", "port": 80, "method": "GET", "path": "/x",
        "expected_codes": "200", "header": {"A": ["b"]}});
    echoed::<Monitor>(vec![(idle.clone(), idle)]);
}

#[test]
fn a_change_of_type_takes_filled_in_values_along() {
    let http: Monitor = created(json!({}));
    let tcp = http.patch(json!({"type": "tcp", "port": 80})).unwrap();
    assert_eq!((tcp.method.as_str(), tcp.path.as_str()), ("connection_established", ""));
    let back = tcp.patch(json!({"type": "http", "path": "/x"})).unwrap();
    assert_eq!((back.method.as_str(), back.path.as_str()), ("GET", "/x"));
    let chosen = back.patch(json!({"type": "icmp_ping"})).unwrap();
    assert_eq!((chosen.method.as_str(), chosen.path.as_str()), ("", "/x"));
}

#[test]
fn numbers_stay_in_their_ranges() {
    refused::<Monitor>(vec![
        (
            json!({"interval": 9}),
            &["/interval: interval is not in range [10, 3600]: validation failed"],
        ),
        (
            json!({"interval": 3601}),
            &["/interval: interval is not in range [10, 3600]: validation failed"],
        ),
        (
            json!({"interval": 0}),
            &["/interval: interval is not in range [10, 3600]: validation failed"],
        ),
        (json!({"timeout": 0}), &["/timeout: timeout is not in range [1, 10]: validation failed"]),
        (json!({"timeout": 11}), &["/timeout: timeout is not in range [1, 10]: validation failed"]),
        (
            json!({"interval": 10, "timeout": 10}),
            &["/timeout: timeout must be less than interval: validation failed"],
        ),
        (json!({"retries": 6}), &["/retries: retries is not in range [0, 5]: validation failed"]),
        (
            json!({"consecutive_up": 11}),
            &["/consecutive_up: consecutive_up is not in range [0, 10]: validation failed"],
        ),
        (
            json!({"consecutive_down": -1}),
            &["/consecutive_down: consecutive_down is not in range [0, 10]: validation failed"],
        ),
        (json!({"port": 65_536}), &["/port: port is not in range [0, 65535]: validation failed"]),
        (
            json!({"interval": 60.5}),
            &[
                "/interval: interval must be a whole number: this server allows no interval below a \
               second: validation failed",
            ],
        ),
    ]);
    // The shortest interval is the installation's.
    let world = World::limited(Limits { interval_min_ms: 60_000, ..Limits::default() });
    refused_in::<Monitor>(
        &world,
        vec![(
            json!({"interval": 30}),
            &["/interval: interval is not in range [60, 3600]: validation failed"],
        )],
    );
    let world = World::limited(Limits { interval_min_ms: 2000, ..Limits::default() });
    let body = Monitor::with(json!({"interval": 2}));
    let quick = Monitor::apply(&world, evenkeel_api::Verb::Create, &body, None).unwrap();
    assert_eq!(quick.timeout_ms(), 1000, "the default gives way to a short interval");
}

#[test]
fn fractions_of_a_second_are_for_installations_that_allow_intervals_below_one() {
    let world = World::limited(Limits { interval_min_ms: 200, ..Limits::default() });
    let apply =
        |members| Monitor::apply(&world, evenkeel_api::Verb::Create, &Monitor::with(members), None);
    for (members, interval, timeout, ms) in [
        (json!({"interval": 0.2, "timeout": 0.15}), "0.2", "0.15", (200, 150)),
        (json!({"interval": 0.25}), "0.25", "0.125", (250, 125)),
        (json!({"interval": 1}), "1", "0.5", (1000, 500)),
        (json!({"interval": 2.5}), "2.5", "1.5", (2500, 1500)),
        (json!({"interval": 30, "timeout": 0.01}), "30", "0.01", (30_000, 10)),
        (json!({}), "60", "5", (60_000, 5000)),
    ] {
        let monitor = apply(members).unwrap();
        let answer = serde_json::to_value(&monitor).unwrap();
        assert_eq!(
            (&*answer["interval"].to_string(), &*answer["timeout"].to_string()),
            (interval, timeout)
        );
        assert_eq!((monitor.interval_ms(), monitor.timeout_ms()), ms);
    }
    let late = apply(json!({"interval": 0.5, "timeout": 0.4, "retries": 1})).unwrap();
    assert!(late.remarks()[0].contains("0.8 s"), "{:?}", late.remarks());
    refused_in::<Monitor>(
        &world,
        vec![
            (
                json!({"interval": 0.19, "timeout": 0.1}),
                &["/interval: interval is not in range [0.2, 3600]: validation failed"],
            ),
            (
                json!({"interval": 0.3, "timeout": 0.3}),
                &["/timeout: timeout must be less than interval: validation failed"],
            ),
            (
                json!({"timeout": 0.009}),
                &["/timeout: timeout is not in range [0.01, 10]: validation failed"],
            ),
            (
                json!({"interval": 0.2505, "timeout": 0.1}),
                &["/interval: interval must be a multiple of 0.001: validation failed"],
            ),
        ],
    );
}

#[test]
fn each_type_has_its_needs() {
    let codes = |kind: &str| {
        format!("/expected_codes: expected_codes is required for type {kind}: validation failed")
    };
    for kind in ["http", "https"] {
        for value in [Value::Null, json!("")] {
            let members = json!({"type": kind, "expected_codes": value});
            refused::<Monitor>(vec![(members, &[&codes(kind)])]);
        }
    }
    for kind in ["tcp", "udp_icmp", "smtp", "grpc", "grpcs"] {
        let port = format!("/port: port is required for type {kind}: validation failed");
        for value in [Value::Null, json!(0)] {
            refused::<Monitor>(vec![(json!({"type": kind, "port": value}), &[&port])]);
        }
    }
    refused::<Monitor>(vec![
        (
            json!({"type": "HTTP", "expected_codes": null}),
            &[
                "/type: type must be one of http, https, tcp, udp_icmp, icmp_ping, smtp, grpc, grpcs: validation failed",
            ],
        ),
        (
            json!({"method": "POST"}),
            &["/method: method must be one of GET, HEAD: validation failed"],
        ),
        (
            json!({"method": "connection_established"}),
            &["/method: method must be one of GET, HEAD: validation failed"],
        ),
        (
            json!({"type": "tcp", "port": 1, "method": "x"}),
            &["/method: method must be connection_established: validation failed"],
        ),
        (json!({"path": "live"}), &["/path: path must start with /: validation failed"]),
        (
            json!({"path": "/a b"}),
            &["/path: path must be percent-encoded and without spaces: validation failed"],
        ),
        (
            json!({"path": "/\r\nHost: x"}),
            &["/path: path must be percent-encoded and without spaces: validation failed"],
        ),
    ]);
    for codes in ["200-299", "2x", "abc", "200 204", "200,,204", "099"] {
        refused::<Monitor>(vec![(
            json!({"expected_codes": codes}),
            &[
                "/expected_codes: expected_codes must be a comma list of codes such as 200 or 2xx: validation failed",
            ],
        )]);
    }
}

#[test]
fn headers_cannot_become_anything_else() {
    let with = |name: &str, values: Value| json!({"header": {name: values}});
    refused::<Monitor>(vec![
        (
            with("User-Agent", json!(["x"])),
            &["/header/User-Agent: header User-Agent cannot be set: validation failed"],
        ),
        (
            with("user-agent", json!(["x"])),
            &["/header/user-agent: header User-Agent cannot be set: validation failed"],
        ),
        (
            with("Content-Length", json!(["5"])),
            &["/header/Content-Length: header Content-Length cannot be set: validation failed"],
        ),
        (
            with("A", json!(["b\r\nC: d"])),
            &["/header/A/0: header values must not contain control characters: validation failed"],
        ),
        (
            with("A", json!(["b\u{0}"])),
            &["/header/A/0: header values must not contain control characters: validation failed"],
        ),
        (with("A", json!("b")), &["/header/A: A must be a list: validation failed"]),
        (with("A", json!(["ok", 7])), &["/header/A/1: A must be a string: validation failed"]),
        (
            with("Host", json!(["a", "b"])),
            &["/header/Host: header Host must have one value: validation failed"],
        ),
        (
            with("host", json!(["a b"])),
            &["/header/host/0: header Host must be a host name: validation failed"],
        ),
    ]);
    for name in ["", "a b", "a:", "a\r\nb", "ü"] {
        let problems = Monitor::create(&Monitor::with(with(name, json!(["x"])))).unwrap_err();
        assert!(
            problems[0].message.ends_with("is not a header name: validation failed"),
            "{name:?}"
        );
    }
    let many: Value = (0..33).map(|n| (format!("h{n}"), json!([]))).collect();
    let problems = Monitor::create(&Monitor::with(json!({ "header": many }))).unwrap_err();
    assert_eq!(problems[0].pointer, "/header");
    for host in ["example.com", "example.com:80", "192.0.2.1:80", "[2001:db8::1]:80", "[::1]"] {
        created::<Monitor>(with("Host", json!([host])));
    }
}
