//! Answers about health: pools, previews, events.

use evenkeel_api::HealthEvent;
use evenkeel_api::health_event::HealthEventFilter;
use evenkeel_api::pool_health::{HealthReport, OriginHealth, PoolHealth};
use evenkeel_api::preview::PreviewCreated;
use evenkeel_model::{EndpointHealth, FailureReason, Verdict};
use serde_json::{Value, json};

#[test]
fn a_pools_health_has_the_published_shape() {
    let known = |verdict, reason, response_code, rtt_us| {
        OriginHealth::of(&EndpointHealth { verdict, reason, response_code, rtt_us })
    };
    let healthy = known(Verdict::Healthy, FailureReason::NoFailures, 200, Some(12_100)).unwrap();
    let failed = known(Verdict::Unhealthy, FailureReason::TcpConnectionFailed, 0, None).unwrap();
    assert_eq!(known(Verdict::Unknown, FailureReason::NoFailures, 0, None), None);
    let origins = [("192.0.2.10", healthy), ("b.example", failed)];
    let origins = origins.map(|(address, health)| [(address.to_owned(), health)].into_iter());
    let report = HealthReport {
        healthy: true,
        origins: origins.into_iter().map(FromIterator::from_iter).collect(),
    };
    let health = PoolHealth {
        pool_id: "1a2b".to_owned(),
        pop_health: [("Lisbon, PT".to_owned(), report)].into_iter().collect(),
    };
    assert_eq!(
        serde_json::to_value(health).unwrap(),
        json!({"pool_id": "1a2b", "pop_health": {"Lisbon, PT": {"healthy": true, "origins": [
            {"192.0.2.10": {"healthy": true, "rtt": "12.1ms", "failure_reason": "No failures",
                "response_code": 200}},
            {"b.example": {"healthy": false, "failure_reason": "TCP connection failed",
                "response_code": 0}}]}}})
    );
    let created = PreviewCreated {
        preview_id: "p1".to_owned(),
        pools: [("1a2b".to_owned(), "eu".to_owned())].into_iter().collect(),
    };
    assert_eq!(
        serde_json::to_value(created).unwrap(),
        json!({"preview_id": "p1", "pools": {"1a2b": "eu"}})
    );
}

fn event() -> Value {
    json!({"id": 17, "timestamp": "2026-01-05T10:00:00.000000Z",
        "pool": {"id": "1a2b", "name": "eu-west", "healthy": false, "changed": true,
            "minimum_origins": 1},
        "origins": [
            {"name": "a", "address": "192.0.2.10", "ip": "192.0.2.10", "enabled": true,
                "healthy": false, "changed": true, "failure_reason": "TCP connection failed",
                "response_code": 0},
            {"name": "b", "address": "b.example", "enabled": true, "healthy": true,
                "changed": false, "failure_reason": "No failures", "response_code": 200,
                "monitors": [{"id": "0f1e", "healthy": true, "failure_reason": "No failures",
                    "response_code": 200, "must_be_healthy": true, "monitoring_only": false}]}]})
}

#[test]
fn events_have_the_published_shape() {
    let read: HealthEvent = serde_json::from_value(event()).unwrap();
    assert_eq!(serde_json::to_value(read).unwrap(), event());
}

#[test]
fn events_are_filtered_by_every_member_asked_for() {
    let event: HealthEvent = serde_json::from_value(event()).unwrap();
    let text = |text: &str| Some(text.to_owned());
    let all = HealthEventFilter::default;
    for (filter, passes) in [
        (all(), true),
        (HealthEventFilter { pool_id: text("1a2b"), ..all() }, true),
        (HealthEventFilter { pool_id: text("1a2"), ..all() }, false),
        (HealthEventFilter { pool_name: text("eu-west"), ..all() }, true),
        (HealthEventFilter { pool_name: text("eu"), ..all() }, false),
        (HealthEventFilter { pool_healthy: Some(false), ..all() }, true),
        (HealthEventFilter { pool_healthy: Some(true), ..all() }, false),
        (HealthEventFilter { origin_name: text("b"), ..all() }, true),
        (HealthEventFilter { origin_name: text("c"), ..all() }, false),
        (HealthEventFilter { origin_healthy: Some(true), ..all() }, true),
        (HealthEventFilter { origin_name: text("a"), origin_healthy: Some(true), ..all() }, false),
        (HealthEventFilter { pool_id: text("1a2b"), pool_healthy: Some(true), ..all() }, false),
    ] {
        assert_eq!(filter.passes(&event), passes, "{filter:?}");
    }
}
