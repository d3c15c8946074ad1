//! Datagrams: both families, views that change, cookies, rates, and what is never answered.

use domain::base::Message;
use domain::base::opt::ExtendedError;
use evenkeel_dns::server::{QueryLog, QueryLogSettings, RateSettings};

use crate::dig::show;

use super::{PATIENCE, SILENCE, Server, ask_tcp, ask_udp, message, settings, tcp_to, udp_to};

const WORLD: &str = "zone example.com; www A 10.0.0.1; lb lb | p: 192.0.2.1";
const WWW: &str = "NOERROR aa | www.example.com 300 A 10.0.0.1";

#[test]
fn both_families_and_both_transports_are_answered() {
    let server = Server::of(WORLD);
    for address in server.addresses {
        for query in ["www.example.com A", "www.example.com A edns=1232"] {
            assert_eq!(ask_udp(&udp_to(address), query), WWW);
            assert_eq!(ask_tcp(&mut tcp_to(address), query), WWW);
        }
        let balanced = "NOERROR aa | lb.example.com 30 A 192.0.2.1";
        assert_eq!(ask_udp(&udp_to(address), "lb.example.com A"), balanced);
    }
    assert_eq!(server.metric("evenkeel_dns_queries_total{transport=\"udp\",type=\"A\"}"), 6);
    assert_eq!(
        server.metric("evenkeel_dns_responses_total{transport=\"tcp\",code=\"NOERROR\"}"),
        4
    );
}

#[test]
fn a_new_view_is_followed_by_every_thread() {
    let mut server = Server::of(WORLD);
    assert_eq!(ask_udp(&server.udp(), "new.example.com A").split(' ').next(), Some("NXDOMAIN"));
    server.publish("zone example.com; new A 10.0.0.2");
    // Each new socket may meet another thread.
    let mut right = 0;
    while right < 20 {
        let is_new = ask_udp(&server.udp(), "new.example.com A").starts_with("NOERROR");
        assert!(is_new || right == 0, "an old view after a new one");
        right += usize::from(is_new);
    }
}

#[test]
fn what_is_no_query_is_not_answered_and_harms_no_other() {
    let server = Server::of(WORLD);
    let client = server.udp();
    let mut response = message("www.example.com A");
    response[2] |= 0x80;
    for silent in [&b""[..], b"\x12", &[0; 11], &response, &[0xff; 4096], &[0x12; 5000]] {
        client.send(silent).expect("sent");
    }
    assert_eq!(ask_udp(&client, "www.example.com A"), WWW);
    client.set_read_timeout(Some(SILENCE)).expect("a limit");
    assert!(client.recv(&mut [0; 512]).is_err(), "answers to what is no query");
    // An empty datagram is passed over before it is looked at.
    assert!(server.metric("evenkeel_dns_ignored_total") >= 5);
}

#[test]
fn mutations_of_a_query_are_survived() {
    let server = Server::of(WORLD);
    let client = server.udp();
    client.set_nonblocking(true).expect("an option");
    let whole = message("www.example.com A edns=1232 do ecs=10.1.0.0/16");
    let mut seed = 7_u64;
    for _ in 0..20_000 {
        let mut bent = whole.clone();
        for _ in 0..3 {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let at = (seed >> 33) as usize % bent.len();
            bent[at] ^= (seed >> 24) as u8;
        }
        let _ = client.send(&bent);
        let _ = client.recv(&mut [0; 4096]);
    }
    // What waits may have left no room for one more.
    let client = server.udp();
    client.set_read_timeout(Some(SILENCE)).expect("a limit");
    let mut answer = [0; 512];
    let answered = (0..50).find_map(|_| {
        client.send(&message("www.example.com A")).expect("sent");
        client.recv(&mut answer).ok()
    });
    assert_eq!(show(&answer[..answered.expect("an answer")]), WWW);
}

/// A query with a COOKIE option.
fn with_cookie(cookie: &[u8]) -> Vec<u8> {
    let mut query = message("www.example.com A");
    query[11] = 1;
    let length = cookie.len() as u8;
    query.extend([0, 0, 41, 4, 208, 0, 0, 0, 0, 0, length + 4, 0, 10, 0, length]);
    query.extend(cookie);
    query
}

#[test]
fn a_cookie_is_given_and_known_again() {
    let server = Server::of(WORLD);
    let client = server.udp();
    let ask = |cookie: &[u8]| {
        client.send(&with_cookie(cookie)).expect("sent");
        let mut buffer = [0; 1232];
        let length = client.recv(&mut buffer).expect("an answer");
        // The option is the last thing in the message.
        buffer[length - 28..length].to_vec()
    };
    let first = ask(b"12345678");
    assert_eq!(first[..12], *b"\x00\x0a\x00\x1812345678");
    assert_eq!(ask(&first[4..]), first);
    assert_eq!(server.metric("evenkeel_dns_cookies_total{cookie=\"known\"}"), 1);
    assert_eq!(server.metric("evenkeel_dns_cookies_total{cookie=\"unknown\"}"), 1);
}

#[test]
fn a_network_that_asks_too_much_gets_few_answers_and_a_way_out() {
    let rate = Some(RateSettings { per_second: 5, slip: 2 });
    let server = Server::with(WORLD, super::Settings { rate, ..settings() }, None);
    let client = server.udp();
    client.set_read_timeout(Some(SILENCE)).expect("a limit");
    let (mut whole, mut truncated, mut asked) = (0, 0, 0);
    for _ in 0..200 {
        client.send(&message("www.example.com A")).expect("sent");
        asked += 1;
    }
    let mut buffer = [0; 1232];
    while let Ok(length) = client.recv(&mut buffer) {
        let response = &buffer[..length];
        match response[2] & 0x02 {
            0 => whole += 1,
            _ => {
                truncated += 1;
                assert_eq!(response.len(), asked_bytes(), "no more than was asked");
            }
        }
    }
    assert!((5..=15).contains(&whole), "{whole} whole");
    assert!((40..160).contains(&truncated), "{truncated} truncated");
    assert!(whole + truncated < asked - 40);
    assert_eq!(server.metric("evenkeel_dns_rate_limited_total{fate=\"slipped\"}"), truncated);
    // By TCP, and with a cookie, nobody is limited.
    let mut connection = server.tcp();
    for _ in 0..50 {
        assert_eq!(ask_tcp(&mut connection, "www.example.com A"), WWW);
    }
    client.set_read_timeout(Some(PATIENCE)).expect("a limit");
    let cookie = loop {
        client.send(&with_cookie(b"12345678")).expect("sent");
        client.set_read_timeout(Some(SILENCE)).expect("a limit");
        if let Ok(length) = client.recv(&mut buffer) {
            break buffer[length - 24..length].to_vec();
        }
    };
    client.set_read_timeout(Some(PATIENCE)).expect("a limit");
    for _ in 0..50 {
        client.send(&with_cookie(&cookie)).expect("sent");
        client.recv(&mut buffer).expect("an answer");
        assert_eq!(buffer[2] & 0x02, 0);
    }
}

fn asked_bytes() -> usize {
    message("www.example.com A").len()
}

#[test]
fn networks_can_be_exempt() {
    let rate = Some(RateSettings { per_second: 1, slip: 0 });
    let rate_exempt = vec!["127.0.0.0/8".parse().expect("a network")];
    let server = Server::with(WORLD, super::Settings { rate, rate_exempt, ..settings() }, None);
    let client = server.udp();
    for _ in 0..100 {
        assert_eq!(ask_udp(&client, "www.example.com A"), WWW);
    }
}

#[test]
fn the_log_has_a_line_with_the_trail_for_each_query() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("log");
    let log = QueryLog::open(&QueryLogSettings { path: path.clone(), sample: 1 }).expect("a file");
    let mut server = Server::with(WORLD, settings(), Some(log));
    ask_udp(&server.udp(), "lb.example.com A ecs=10.49.0.0/16");
    ask_tcp(&mut server.tcp(), "nothing.example.com MX");
    server.end().expect("a good end");
    let text = std::fs::read_to_string(path).expect("the log");
    let lines: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(lines.len(), 2, "{text}");
    let of = |line: usize, key: &str| lines[line][key].clone();
    assert_eq!(of(0, "name"), "lb.example.com");
    assert_eq!(of(0, "client_subnet"), "10.49.0.0/16");
    assert_eq!(of(0, "trail"), "lb=lb.example.com pool=p answered=1");
    assert_eq!((of(0, "transport"), of(1, "transport")), ("udp".into(), "tcp".into()));
    assert_eq!((of(1, "code"), of(1, "type")), ("NXDOMAIN".into(), "MX".into()));
}

#[test]
fn refusals_say_why_to_who_understands_it() {
    let server = Server::of("zone example.com; flat CNAME nowhere.test. flatten");
    let client = server.udp();
    let mut transfer = message("example.com A edns=1232");
    transfer[12 + b"\x07example\x03com\0".len() + 1] = 252;
    for (query, code) in [
        (message("www.example.org A edns=1232"), Some(20)),
        (transfer, Some(18)),
        (message("flat.example.com A edns=1232"), Some(22)),
        (message("www.example.com A edns=1232"), None),
    ] {
        client.send(&query).expect("sent");
        let mut buffer = [0; 1232];
        let length = client.recv(&mut buffer).expect("an answer");
        let read = Message::from_slice(&buffer[..length]).expect("a message");
        let opt = read.opt().expect("EDNS");
        let error = opt.opt().iter::<ExtendedError<_>>().next();
        let error = error.map(|error| error.expect("valid").code().to_int());
        assert_eq!(error, code, "{}", query.escape_ascii());
    }
}
