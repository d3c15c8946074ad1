//! `icmp_ping` and `udp_icmp` probes, and ways that lead nowhere.

use tokio::net::UdpSocket;

use super::namespace::{Rights, allow_pings, furnish, inside};
use super::*;

fn ping(timeout_ms: u32) -> Monitor {
    Monitor { timeout_ms, ..monitor(MonitorKind::IcmpPing) }
}

fn knock(timeout_ms: u32) -> Monitor {
    Monitor { timeout_ms, ..monitor(MonitorKind::UdpIcmp) }
}

fn tcp(timeout_ms: u32) -> Monitor {
    Monitor { timeout_ms, ..monitor(MonitorKind::Tcp) }
}

/// A UDP port that nobody listens on.
async fn closed() -> SocketAddr {
    UdpSocket::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
}

/// Checks both monitors against loopback.
async fn judge_loopback() {
    let pinged = probe(&network(), ping(SOON_MS), endpoint("127.0.0.1", 0)).await;
    assert_eq!((pinged.reason, pinged.response_code), (FailureReason::NoFailures, 0));
    assert!(pinged.rtt.is_some());

    let silent = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let at_silent = at(silent.local_addr().unwrap());
    let started = Instant::now();
    let quiet = probe(&network(), knock(BRIEF_MS), at_silent).await;
    let took = started.elapsed();
    assert_eq!(quiet.reason, FailureReason::NoFailures, "silence within the timeout");
    assert!(took >= Duration::from_millis(BRIEF_MS.into()), "{took:?}");
    assert!(quiet.rtt.unwrap() < took, "the echo's round trip");
    assert_eq!(silent.recv(&mut [0; 8]).await.unwrap(), 1, "a datagram came");

    let talkative = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let endpoint = at(talkative.local_addr().unwrap());
    let answer = async {
        let (_, from) = talkative.recv_from(&mut [0; 8]).await.unwrap();
        talkative.send_to(b"what?", from).await.unwrap();
    };
    let network = network();
    let (answered, ()) = tokio::join!(probe(&network, knock(SOON_MS), endpoint), answer);
    assert_eq!(answered.reason, FailureReason::NoFailures);

    let refused = probe(&network, knock(SOON_MS), at(closed().await)).await;
    assert_eq!((refused.reason, refused.rtt), (FailureReason::Other, None), "port unreachable");
}

#[tokio::test]
async fn an_echo_comes_back_and_closed_udp_ports_are_told_from_silent_ones() {
    if inside(
        Rights::Root,
        module_path!(),
        "an_echo_comes_back_and_closed_udp_ports_are_told_from_silent_ones",
    ) && furnish()
    {
        judge_loopback().await;
        if allow_pings() {
            judge_loopback().await;
        }
    }
}

#[tokio::test]
async fn ways_that_lead_nowhere_have_names() {
    if !inside(Rights::Root, module_path!(), "ways_that_lead_nowhere_have_names") || !furnish() {
        return;
    }
    let (nowhere, unreachable, quiet) = ("192.0.2.1", "198.51.100.1", "203.0.113.2");
    let forbidden = "198.18.0.1";
    for (monitor, address, reason) in [
        (tcp(SOON_MS), nowhere, FailureReason::NetworkUnreachable),
        (tcp(SOON_MS), unreachable, FailureReason::NoRouteToHost),
        (tcp(BRIEF_MS), quiet, FailureReason::TcpTimeout),
        (tcp(SOON_MS), forbidden, FailureReason::Other),
        (http(HttpAsk::default(), SOON_MS), nowhere, FailureReason::NetworkUnreachable),
        (http(HttpAsk::default(), SOON_MS), unreachable, FailureReason::NoRouteToHost),
        (http(HttpAsk::default(), BRIEF_MS), quiet, FailureReason::TcpTimeout),
        (ping(SOON_MS), nowhere, FailureReason::NetworkUnreachable),
        (ping(SOON_MS), unreachable, FailureReason::NoRouteToHost),
        (ping(BRIEF_MS), quiet, FailureReason::Other),
        (knock(SOON_MS), unreachable, FailureReason::NoRouteToHost),
        (knock(BRIEF_MS), quiet, FailureReason::Other),
    ] {
        let what = format!("{:?} of {address}", monitor.kind);
        let failed = probe(&network(), monitor, endpoint(address, 80)).await;
        assert_eq!(failed.reason, reason, "{what}");
    }
    let patient = Monitor { retries: 2, ..ping(BRIEF_MS) };
    let started = Instant::now();
    probe(&network(), patient, endpoint(quiet, 0)).await;
    assert!(started.elapsed() >= 3 * Duration::from_millis(BRIEF_MS.into()), "tried again");
}

#[tokio::test]
async fn who_may_not_ping_is_told_the_way_out() {
    if !inside(Rights::Nobody, module_path!(), "who_may_not_ping_is_told_the_way_out") {
        return;
    }
    let target = target(ping(SOON_MS), endpoint("127.0.0.1", 0));
    let ProbeResult { health, phases, .. } = network().probe(target.ask()).await;
    assert_eq!(health.reason, FailureReason::MonitorConfig);
    let note = &phases.last().unwrap().note;
    assert!(note.contains("ping_group_range") && note.contains("CAP_NET_RAW"), "{note}");
}
