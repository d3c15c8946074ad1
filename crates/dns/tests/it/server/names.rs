//! Host names of endpoints, asked of a resolver that the test plays.

use std::collections::HashMap;
use std::net::{IpAddr, UdpSocket};
use std::sync::{Arc, Mutex};

use evenkeel_dns::resolve::ResolverAddress;
use evenkeel_dns::wire::{Parsed, Query};
use evenkeel_model::Reach;

use super::{PATIENCE, Server, ask_udp, settings};

/// What the resolver says of a name: time to live and addresses, or nothing at all. Names that are
/// not there do not exist.
type Said = Option<(u32, Vec<IpAddr>)>;

/// A resolver on a port of its own. Its thread ends with the process.
struct Upstream {
    address: ResolverAddress,
    names: Arc<Mutex<HashMap<String, Said>>>,
}

impl Upstream {
    fn new(names: &[(&str, u32, &str)]) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
        let address = ResolverAddress(socket.local_addr().expect("an address"));
        let upstream = Self { address, names: Arc::default() };
        for (name, ttl_s, addresses) in names {
            upstream.say(name, Some((*ttl_s, addresses)));
        }
        let names = Arc::clone(&upstream.names);
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok((length, client)) = socket.recv_from(&mut buffer) {
                if let Some(answer) = answer(&buffer[..length], &names.lock().expect("whole")) {
                    let _ = socket.send_to(&answer, client);
                }
            }
        });
        upstream
    }

    fn say(&self, name: &str, said: Option<(u32, &str)>) {
        let said = said.map(|(ttl_s, addresses)| {
            (
                ttl_s,
                addresses.split_whitespace().map(|ip| ip.parse().expect("an address")).collect(),
            )
        });
        self.names.lock().expect("whole").insert(name.to_owned(), said);
    }
}

fn answer(message: &[u8], names: &HashMap<String, Said>) -> Option<Vec<u8>> {
    let Parsed::Query(query) = Query::parse(message) else { return None };
    let said = match names.get(query.name.lower_text().as_str()) {
        // It keeps silent, as one that is down.
        Some(None) => return None,
        Some(Some(said)) => Some(said),
        None => None,
    };
    let code = if said.is_some() { 0 } else { 3 };
    let mut answer = [&query.id.to_be_bytes()[..], &[0x81, 0x80 | code, 0, 1]].concat();
    let (ttl_s, addresses) = said.cloned().unwrap_or_default();
    let of_type = |ip: &&IpAddr| query.qtype == if ip.is_ipv4() { 1 } else { 28 };
    let addresses: Vec<_> = addresses.iter().filter(of_type).collect();
    answer.extend([0, addresses.len() as u8, 0, 0, 0, 0]);
    answer.extend(query.question());
    for ip in addresses {
        let octets = match ip {
            IpAddr::V4(ip) => ip.octets().to_vec(),
            IpAddr::V6(ip) => ip.octets().to_vec(),
        };
        answer.extend([0xc0, 12]);
        answer.extend(query.qtype.to_be_bytes());
        answer.extend([0, 1]);
        answer.extend(ttl_s.to_be_bytes());
        answer.extend([0, octets.len() as u8]);
        answer.extend(octets);
    }
    Some(answer)
}

fn server(world: &str, upstream: &Upstream, reach: Reach) -> Server {
    let settings = super::Settings { resolvers: vec![upstream.address], reach, ..settings() };
    let mut server = Server::with(world, settings, None);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(server.running().settled(PATIENCE));
    server
}

/// Asks until the answer is this.
fn await_answer(server: &Server, query: &str, expected: &str) {
    let deadline = std::time::Instant::now() + PATIENCE;
    loop {
        let found = ask_udp(&server.udp(), query);
        if found == expected {
            return;
        }
        assert!(std::time::Instant::now() < deadline, "{query}: {found}, not {expected}");
        std::thread::yield_now();
    }
}

#[test]
fn names_are_known_before_the_first_query() {
    let upstream = Upstream::new(&[
        ("a.test", 60, "192.0.2.1 2001:db8::1"),
        ("cloud.test", 60, "192.0.2.3 169.254.169.254"),
        ("metadata.test", 60, "169.254.169.254"),
        ("short.test", 7, "192.0.2.7"),
    ]);
    let world = "zone example.com; flat CNAME short.test. flatten
                 lb a ttl=90 | p: a.test
                 lb b | p: nowhere.test | q: 192.0.2.99
                 lb c | p: cloud.test
                 lb d | p: metadata.test | q: 192.0.2.98";
    let reach = Reach { private: true, link_local: false };
    let server = server(world, &upstream, reach);
    let client = server.udp();
    for (query, expected) in [
        ("a.example.com A", "NOERROR aa | a.example.com 60 A 192.0.2.1"),
        ("a.example.com AAAA", "NOERROR aa | a.example.com 60 AAAA 2001:db8::1"),
        ("b.example.com A", "NOERROR aa | b.example.com 30 A 192.0.2.99"),
        ("c.example.com A", "NOERROR aa | c.example.com 30 A 192.0.2.3"),
        ("d.example.com A", "NOERROR aa | d.example.com 30 A 192.0.2.98"),
        ("flat.example.com A", "NOERROR aa | flat.example.com 7 A 192.0.2.7"),
    ] {
        // A second may have passed since the name was asked for.
        let found = ask_udp(&client, query).replace(" 59 ", " 60 ").replace(" 6 A", " 7 A");
        assert_eq!(found, expected, "{query}");
    }
    assert_eq!(server.metric("evenkeel_dns_names"), 5);
}

#[test]
fn names_of_a_new_view_are_asked_for_and_changes_are_seen() {
    let upstream = Upstream::new(&[("a.test", 1, "192.0.2.1"), ("b.test", 1, "192.0.2.2")]);
    let mut server = server("zone example.com", &upstream, Reach::EVERYWHERE);
    server.publish("zone example.com; lb lb | p: a.test");
    await_answer(&server, "lb.example.com A", "NOERROR aa | lb.example.com 1 A 192.0.2.1");
    upstream.say("a.test", Some((1, "192.0.2.3")));
    await_answer(&server, "lb.example.com A", "NOERROR aa | lb.example.com 1 A 192.0.2.3");
}

#[test]
fn what_was_known_serves_while_nobody_answers_and_not_when_the_name_is_gone() {
    let upstream = Upstream::new(&[("a.test", 1, "192.0.2.1")]);
    let world = "zone example.com; lb lb | p: a.test | q: 192.0.2.99";
    let server = server(world, &upstream, Reach::EVERYWHERE);
    upstream.say("a.test", None);
    // Five seconds are the life of what is stale.
    await_answer(&server, "lb.example.com A", "NOERROR aa | lb.example.com 5 A 192.0.2.1");
    while server.metric("evenkeel_dns_lookups_failed_total") == 0 {
        assert!(ask_udp(&server.udp(), "lb.example.com A").ends_with(" A 192.0.2.1"));
    }
    upstream.names.lock().expect("whole").remove("a.test");
    await_answer(&server, "lb.example.com A", "NOERROR aa | lb.example.com 30 A 192.0.2.99");
}
