//! Health over a restart of the program.

use std::net::{Ipv4Addr, TcpListener};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::node::{Node, endpoint};

#[test]
fn a_restart_goes_on_with_the_health_it_had_and_tells_nothing_twice() {
    // A port that nobody listens on.
    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
    let node = Node::start(&[]);
    let monitor = json!({ "type": "http", "expected_codes": "200" });
    let monitor = node.create_in_account("/load_balancers/monitors", &monitor);
    node.balance(
        "shop",
        &[(endpoint(0), 1.0), (silent, 1.0)],
        json!({ "monitor": monitor }),
        json!({}),
    );
    node.wait_for_log("Endpoint became unhealthy.");
    let events = "/user/load_balancing_analytics/events";
    // Both endpoints are judged by then, or soon; what became of them is written a second later.
    let changed = |told: &Value| {
        let origins = told.as_array().unwrap().iter().flat_map(|event| event["origins"].as_array());
        origins.flatten().filter(|origin| origin["changed"] == true).count()
    };
    let begin = Instant::now();
    while changed(&node.get(events)) < 2 {
        assert!(begin.elapsed() < Duration::from_secs(20), "{}", node.get(events));
        std::thread::sleep(Duration::from_millis(50));
    }
    let told = node.get(events);

    let node = node.restart(&[]);
    // Before the first probe, which comes within two seconds.
    let pools = node.get("/user/load_balancers/pools");
    let pool = &pools[0];
    assert_eq!(pool["healthy"], true, "{pools}");
    let origins: Vec<_> = pool["origins"].as_array().unwrap().iter().collect();
    assert_eq!([&origins[0]["healthy"], &origins[1]["healthy"]], [true, false], "{pools}");
    assert_eq!(origins[1]["failure_reason"], "TCP connection failed");
    assert_eq!(node.get(events), told);
}
