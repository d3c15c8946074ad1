//! Passive health: what real traffic meets at endpoints, and what becomes of it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use evenkeel_decision::passive::PassiveSettings;
use evenkeel_model::{AffinityKind, Weight};

use crate::endpoint::Endpoint;
use crate::world::{Plan, World, eventually, ms};

const ERROR: &str = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 3\r\n\r\nbad";

/// One pool of two, where nearly all traffic is the first one's; three failures in a row or more
/// than half of four eject for so long.
fn pair(first: SocketAddr, second: SocketAddr, ejection_ms: u64) -> Plan {
    let mut plan = Plan::pool(&[first, second]);
    plan.pools[0][1].weight = Weight::from_hundredths(1).unwrap();
    plan.settings.timeouts.upstream_read = ms(200);
    plan.passive = Some(PassiveSettings {
        failures_max: 3,
        requests_min: 4,
        ejection_ms,
        ..PassiveSettings::default()
    });
    plan
}

#[test]
fn an_endpoint_that_answers_with_errors_is_left_alone() {
    let (bad, good) = (Endpoint::saying(ERROR), Endpoint::named("good"));
    let world = World::start(pair(bad.address, good.address, 60_000));
    let mut client = world.client();
    eventually("an ejection", || {
        world.client().get("");
        world.ejected() == 1
    });
    let before = bad.requests().len();
    assert!(before >= 4, "{before}");
    for _ in 0..50 {
        assert_eq!(client.get("").text(), "good");
    }
    assert_eq!(bad.requests().len(), before);
    assert_eq!(world.shared.outliers.as_ref().unwrap().ejections(), 1);
}

#[test]
fn it_comes_back_after_its_time() {
    let is_well = Arc::new(AtomicBool::new(false));
    let condition = Arc::clone(&is_well);
    let first = Endpoint::scripted(move |mut conversation| {
        while conversation.request().is_some() {
            match condition.load(Ordering::SeqCst) {
                true => conversation.answer("first"),
                false => conversation.send(ERROR),
            }
        }
    });
    let second = Endpoint::named("second");
    let world = World::start(pair(first.address, second.address, 300));
    let asked = || world.client().get("").text().to_owned();
    eventually("an ejection", || asked() == "second" && world.ejected() == 1);
    is_well.store(true, Ordering::SeqCst);
    eventually("its return", || asked() == "first");
    assert_eq!(world.ejected(), 0);
}

#[test]
fn an_endpoint_that_takes_no_connections_is_not_tried_for_long() {
    let good = Endpoint::named("good");
    for (is_on, failovers) in [(true, 3..=3), (false, 20..=50)] {
        let mut plan = pair(Endpoint::refusing(), good.address, 60_000);
        plan.passive = plan.passive.filter(|_| is_on);
        let world = World::start(plan);
        let mut client = world.client();
        for _ in 0..50 {
            assert_eq!(client.get("").text(), "good");
        }
        let found = world.metrics.failovers.get();
        assert!(failovers.contains(&found), "{found}, passive health on: {is_on}");
    }
}

#[test]
fn what_counts_against_an_endpoint_and_what_does_not() {
    let silent = Endpoint::mute();
    let reset = Endpoint::scripted(|mut conversation| {
        conversation.request();
        conversation.reset();
    });
    let garbage = Endpoint::saying("what?\r\n\r\n");
    let half = Endpoint::saying_once("HTTP/1.1 200 OK\r\nContent-Le");
    let error = Endpoint::saying(ERROR);
    let endless = Endpoint::scripted(|mut conversation| {
        conversation.request();
        conversation.send("HTTP/1.1 500 No\r\nContent-Length: 9\r\n\r\nhalf");
        conversation.wait_for_end();
    });
    let missing = Endpoint::saying("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
    let beyond = Endpoint::saying("HTTP/1.1 600 Strange\r\nContent-Length: 0\r\n\r\n");
    let early =
        Endpoint::saying("HTTP/1.1 103 Early\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    let good = Endpoint::named("good");
    for (n, (endpoint, counts)) in [
        (&silent, true),
        (&reset, true),
        (&garbage, true),
        (&half, true),
        (&error, true),
        (&endless, true),
        (&missing, false),
        (&beyond, false),
        (&early, false),
    ]
    .into_iter()
    .enumerate()
    {
        let world = World::start(pair(endpoint.address, good.address, 60_000));
        for _ in 0..8 {
            let mut client = world.client();
            client.send("GET / HTTP/1.1\r\nHost: lb.test\r\n\r\n");
            client.head();
        }
        assert_eq!(world.ejected(), usize::from(counts), "{n}");
    }
}

#[test]
fn a_client_s_faults_are_no_evidence() {
    let (first, good) = (Endpoint::named("first"), Endpoint::named("good"));
    let mut plan = pair(first.address, good.address, 60_000);
    plan.settings.timeouts.request_body = ms(50);
    let world = World::start(plan);
    let head = "POST / HTTP/1.1\r\nHost: lb.test\r\nTransfer-Encoding: chunked\r\n\r\n";
    for _ in 0..8 {
        for (body, status) in [("nonsense\r\n", 400), ("5\r\nhal", 408)] {
            let mut client = world.client();
            client.send(format!("{head}{body}"));
            assert_eq!(client.response().status, status);
        }
    }
    assert_eq!(world.ejected(), 0);
}

#[test]
fn a_session_moves_on() {
    let (bad, good) = (Endpoint::saying(ERROR), Endpoint::named("good"));
    let mut plan = pair(bad.address, good.address, 60_000);
    plan.affinity = AffinityKind::Cookie;
    let world = World::start(plan);
    let mut client = world.client();
    // The weight lets one in a hundred begin on the good one.
    let session = loop {
        let first = client.get("");
        if first.status == 503 {
            break first.session().expect("a session").to_owned();
        }
    };
    let line = format!("Cookie: {session}\r\n");
    while world.ejected() == 0 {
        assert_eq!(client.get(&line).session(), None);
    }
    let moved = client.get(&line);
    assert_eq!(moved.text(), "good");
    let session = moved.session().expect("a session of its own");
    let kept = client.get(&format!("Cookie: {session}\r\n"));
    assert_eq!((kept.text(), kept.session()), ("good", None));
}

#[test]
fn the_whole_pool_goes_on_when_all_of_it_fails() {
    let bad = [Endpoint::saying(ERROR), Endpoint::saying(ERROR)];
    let mut plan = pair(bad[0].address, bad[1].address, 60_000);
    plan.pools[0][1].weight = Weight::ONE;
    let world = World::start(plan);
    let mut client = world.client();
    for _ in 0..100 {
        assert_eq!(client.get("").text(), "bad");
    }
    assert_eq!(world.ejected(), 1);
}
