//! What is known of health: of pools now, tried in previews, and told of in events (api.md 2.5, 2.6,
//! 2.9).

use evenkeel_model::{EndpointHealth, FailureReason, Verdict};
use evenkeel_store::Append;

use super::*;

/// A pool of two, and the monitor that it has.
async fn monitored(api: &Api) -> (String, String) {
    let monitor = api.monitor().await;
    let mut body = pool_body("eu");
    body["monitor"] = json!(monitor);
    body["origins"] =
        json!([{"name": "a", "address": "192.0.2.1"}, {"name": "b", "address": "b.example"}]);
    (api.create(&pools(), body).await, monitor)
}

/// Reports about the first endpoints of the configuration, live once this returns.
async fn report(api: &Api, monitor: &str, healths: &[EndpointHealth]) {
    let mut revisions = api.revisions.clone();
    revisions.mark_unchanged();
    let view = api.live.load();
    let monitor = monitor.parse().unwrap();
    for (endpoint, health) in view.config.endpoints.iter().zip(healths) {
        let report = Report { endpoint: endpoint.id, monitor, health: *health };
        api.reports.send(report).await.unwrap();
    }
    revisions.changed().await.unwrap();
}

fn known(verdict: Verdict, reason: FailureReason, code: u16, rtt_us: u32) -> EndpointHealth {
    let rtt_us = Some(rtt_us).filter(|rtt| *rtt > 0);
    EndpointHealth { verdict, reason, response_code: code, rtt_us }
}

#[tokio::test]
async fn a_pools_health_is_nothing_then_unavailable_then_told_by_pop() {
    let api = Api::start().await;
    let plain = api.pool("plain").await;
    let health = api.get(&format!("{}/{plain}/health", pools())).await.result();
    assert_eq!(health, json!({"pool_id": plain, "pop_health": {}}), "nobody judges it");

    let (pool, monitor) = monitored(&api).await;
    let at = format!("{}/{pool}/health", pools());
    let refused = api.get(&at).await;
    assert_eq!(
        (refused.failure().as_str(), refused.message()),
        ("404/1004", "Health info unavailable")
    );

    let up = known(Verdict::Healthy, FailureReason::NoFailures, 200, 12_100);
    let down = known(Verdict::Unhealthy, FailureReason::TcpConnectionFailed, 0, 0);
    let endpoints = api.live.load();
    let ours = endpoints.config.endpoints.iter().position(|e| e.address.to_string() == "b.example");
    let mut healths = vec![down; ours.unwrap() + 1];
    healths[ours.unwrap() - 1] = up;
    report(&api, &monitor, &healths).await;
    let health = api.get(&at).await.result();
    assert_eq!(
        health,
        json!({"pool_id": pool, "pop_health": {"LOC": {"healthy": true, "origins": [
            {"192.0.2.1": {"healthy": true, "rtt": "12.1ms", "failure_reason": "No failures",
                "response_code": 200}},
            {"b.example": {"healthy": false, "failure_reason": "TCP connection failed",
                "response_code": 0}}]}}})
    );
    let twin = api.get(&format!("/user/load_balancers/pools/{pool}/health")).await.result();
    assert_eq!(twin, health);
    let missing = format!("{}/{NOBODY}/health", pools());
    assert_eq!(api.get(&missing).await.failure(), "404/1001");
}

/// The outcome of a preview once it has all its pools.
async fn outcome(api: &Api, base: &str, created: &Value) -> Value {
    let at = format!("{base}/preview/{}", created["preview_id"].as_str().unwrap());
    loop {
        let result = api.get(&at).await.result();
        if result.as_object().unwrap().len() == created["pools"].as_object().unwrap().len() {
            return result;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn settings_are_tried_on_one_pool_or_on_all_that_a_monitor_judges() {
    let api = Api::start().await;
    let base = format!("/accounts/{ACCOUNT}/load_balancers");
    let (pool, monitor) = monitored(&api).await;
    let plain = api.pool("plain").await;
    let group = api.create(&groups(), group_body(&[&monitor])).await;
    let mut body = pool_body("grouped");
    body["monitor_group"] = json!(group);
    let grouped = api.create(&pools(), body).await;
    let settings = json!({"type": "tcp", "port": 80});
    let passed = json!({"healthy": true, "rtt": "7ms", "failure_reason": "No failures",
        "response_code": 200});
    for (path, tried) in [
        (format!("{}/{plain}/preview", pools()), json!({ plain.as_str(): "plain" })),
        (format!("{}/{pool}/preview", pools()), json!({ pool.as_str(): "eu" })),
        (
            format!("{}/{monitor}/preview", monitors()),
            json!({ pool.as_str(): "eu", grouped.as_str(): "grouped" }),
        ),
    ] {
        let created = api.post(&path, settings.clone()).await.result();
        assert_eq!(created["pools"], tried, "{path}");
        let result = outcome(&api, &base, &created).await;
        if tried.get(&pool).is_some() {
            let wanted = json!({"healthy": true, "origins": [{"192.0.2.1": passed},
                {"b.example.": passed}]});
            assert_eq!(result[pool.as_str()], wanted, "{path}");
        }
        // The account's previews are the user's.
        assert_eq!(outcome(&api, "/user/load_balancers", &created).await, result);
    }
    let lonely = api.monitor().await;
    let created = api.post(&format!("{}/{lonely}/preview", monitors()), settings).await.result();
    assert_eq!((&created["pools"], outcome(&api, &base, &created).await), (&json!({}), json!({})));

    // Nothing came of it elsewhere.
    assert_eq!(api.get(&format!("{}/{pool}/health", pools())).await.failure(), "404/1004");
    assert_eq!(api.get(&monitors()).await.result().as_array().unwrap().len(), 2);

    for (path, body, outcome) in [
        (format!("{}/{plain}/preview", pools()), json!({}), "400/1002"),
        (
            format!("{}/{plain}/preview", pools()),
            json!({"type": "gopher", "expected_codes": "2xx"}),
            "400/1002",
        ),
        (format!("{}/{NOBODY}/preview", pools()), json!({"type": "icmp_ping"}), "404/1001"),
        (format!("{}/{NOBODY}/preview", monitors()), json!({"type": "icmp_ping"}), "404/1001"),
    ] {
        assert_eq!(api.post(&path, body).await.failure(), outcome, "{path}");
    }
    for id in ["p", "x", NOBODY, "%ff", "p%2F"] {
        let answer = api.get(&format!("{base}/preview/{id}")).await;
        let expected = if id == "%ff" { "404/7003,7000" } else { "404/1001" };
        assert_eq!(answer.failure(), expected, "{id}");
    }
}

#[tokio::test]
async fn a_preview_has_so_many_endpoints_at_most() {
    let api = Api::start().await;
    let monitor = api.monitor().await;
    for pool in 0..6 {
        let origin = |n| json!({"name": format!("{n}"), "address": format!("e{n}.example")});
        let origins: Vec<_> = (0..1000).map(origin).collect();
        let body = json!({"name": format!("p{pool}"), "monitor": monitor, "origins": origins});
        api.create(&pools(), body).await;
    }
    let path = format!("{}/{monitor}/preview", monitors());
    let refused = api.post(&path, json!({"type": "icmp_ping"})).await;
    assert_eq!(refused.failure(), "400/1002");
    assert!(refused.message().contains("6000 origins"), "{refused:?}");
}

async fn happened(api: &Api, minutes_ago: u64, pool: &str, name: &str, healthy: [bool; 2]) {
    let now = u64::try_from(jiff::Timestamp::now().as_millisecond()).unwrap();
    let at_ms = now - minutes_ago * 60_000;
    let body = json!({"id": 0, "timestamp": format!("{minutes_ago} minutes ago"),
        "pool": {"id": pool, "name": name, "healthy": healthy[0], "changed": true,
            "minimum_origins": 1},
        "origins": [{"name": "a", "address": "192.0.2.1", "ip": "192.0.2.1", "enabled": true,
            "healthy": healthy[1], "changed": true, "failure_reason": "TCP Timeout",
            "response_code": 0}]});
    let body = body.to_string().into_bytes().into();
    let append = Append { stream: "health_event".into(), at_ms, body };
    let batch = Batch { appends: vec![append], ..Batch::new() };
    api.store.commit(batch).await.unwrap();
}

#[tokio::test]
async fn events_are_the_journals_newest_first() {
    let api = Api::start().await;
    let pool = api.pool("eu").await;
    let other = api.pool("us").await;
    happened(&api, 60 * 30, &pool, "eu", [false, false]).await;
    happened(&api, 60, &other, "us", [true, false]).await;
    happened(&api, 30, &pool, "old name", [true, true]).await;
    happened(&api, 10, NOBODY, "gone", [false, false]).await;
    let time = |minutes: i64| {
        let at = jiff::Timestamp::now() - jiff::SignedDuration::from_mins(minutes);
        at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
    };
    let path = "/user/load_balancing_analytics/events";
    for (query, found) in [
        ("", "10 30 60"),
        (&*format!("since={}", time(60 * 31)), "10 30 60 1800"),
        (&format!("since={}", time(45)), "10 30"),
        (&format!("until={}", time(20)), "30 60"),
        (&format!("until={}", time(60 * 24 + 30)), "1800"),
        (&format!("since={}&until={}", time(45), time(20)), "30"),
        (&format!("since={}", time(45).replace('Z', "+00:00")), "10 30"),
        (&format!("pool_id={pool}"), "30"),
        ("pool_name=us", "60"),
        ("pool_name=eu", ""),
        ("pool_healthy=true", "30 60"),
        ("pool_healthy=false", "10"),
        ("origin_name=a&origin_healthy=true", "30"),
        ("origin_healthy=false", "10 60"),
        ("origin_name=b", ""),
        ("unknown=1", "10 30 60"),
    ] {
        let answer = api.get(&format!("{path}?{query}")).await;
        let info = answer.body["result_info"].clone();
        let events = answer.result();
        let events = events.as_array().unwrap();
        assert_eq!(info["total_count"], events.len(), "{query}");
        let times = events.iter().map(|event| event["timestamp"].as_str().unwrap());
        let times: Vec<_> = times.map(|time| time.split(' ').next().unwrap()).collect();
        assert_eq!(times.join(" "), found, "{query}");
        let ids: Vec<_> = events.iter().map(|event| event["id"].as_u64().unwrap()).collect();
        assert!(ids.is_sorted_by(|a, b| a > b) && !ids.contains(&0), "{query}: {ids:?}");
    }
    for query in ["since=yesterday", "until=2026-01-05", "pool_healthy=yes", "pool_healthy="] {
        assert_eq!(api.get(&format!("{path}?{query}")).await.failure(), "400/1002", "{query}");
    }
    let crossed = format!("{path}?since={}&until={}", time(1), time(2));
    assert_eq!(api.get(&crossed).await.failure(), "400/1002");
}
