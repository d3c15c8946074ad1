//! Notification policies and webhooks.

use evenkeel_api::notification::{AlertType, Policy, StoredWebhook, apply_policy, apply_webhook};
use evenkeel_api::{Limits, Problem, Verb, transfer};
use serde_json::{Value, json};

use crate::world::{EARLY, LATE, NEW, POOL_A, Resource, World, created, refused};

const ACCOUNT: &str = "0a1b2c3d4e5f60718293a4b5c6d7e8f9";
const WEBHOOK: &str = "5f1e2d3c4b5a69788796a5b4c3d2e1f0";

impl Resource for Policy {
    fn minimal() -> Value {
        json!({"name": "on call", "alert_type": "load_balancing_health_alert", "enabled": true,
            "mechanisms": {"email": [{"id": "ops@example.com"}]}})
    }

    fn apply(
        world: &World,
        verb: Verb,
        body: &Value,
        current: Option<&Self>,
    ) -> Result<Self, Vec<Problem>> {
        let body = body.to_string();
        let cx = world.context();
        let pool_exists = |id: &str| cx.lookup.pool_exists(id);
        apply_policy(verb, body.as_bytes(), current, &|id| id == WEBHOOK, &pool_exists, &cx)
    }
}

impl Resource for StoredWebhook {
    fn minimal() -> Value {
        json!({"name": "chat", "url": "https://hooks.slack.com/services/a/b"})
    }

    fn apply(
        world: &World,
        verb: Verb,
        body: &Value,
        current: Option<&Self>,
    ) -> Result<Self, Vec<Problem>> {
        apply_webhook(verb, body.to_string().as_bytes(), current, &world.context())
    }
}

#[test]
fn a_policy_comes_back_as_sent() {
    let minimal = Policy::create(&Policy::minimal()).unwrap();
    let mut expected = json!({"id": NEW, "created": EARLY, "modified": EARLY});
    expected = crate::world::merged(expected, Policy::minimal());
    assert_eq!(minimal.answer(), expected, "what was not sent is absent");

    let sent = json!({"description": "d", "alert_interval": "1h30m",
        "filters": {"new_health": ["Unhealthy"], "pool_id": [POOL_A], "event_source": []},
        "mechanisms": {"email": [], "webhooks": [{"id": WEBHOOK}],
            "pagerduty": [{"id": "0123456789abcdef0123456789abcdef"}]}});
    let policy: Policy = created(sent.clone());
    for (member, value) in sent.as_object().unwrap() {
        assert_eq!(&policy.answer()[member], value, "{member}");
    }
    assert_eq!(policy.webhooks().collect::<Vec<_>>(), [WEBHOOK]);
    assert!(policy.passes("new_health", "Unhealthy") && !policy.passes("new_health", "Healthy"));
    assert!(policy.passes("event_source", "pool") && policy.passes("elsewhere", "x"));

    let replaced = policy.replace(Policy::minimal()).unwrap();
    assert_eq!((replaced.filters, replaced.description), (None, None));
    assert_eq!((replaced.created.as_str(), replaced.modified.as_str()), (EARLY, LATE));
}

#[test]
fn policies_are_refused() {
    let interval = "/alert_interval: alert_interval must be a duration of at most 168h, such as 30m: validation failed";
    refused::<Policy>(vec![
        (json!({"name": null}), &["/name: name is required: validation failed"]),
        (json!({"enabled": null}), &["/enabled: enabled is required: validation failed"]),
        (json!({"mechanisms": null}), &["/mechanisms: mechanisms is required: validation failed"]),
        (
            json!({"mechanisms": {}}),
            &["/mechanisms: mechanisms must name who is told: validation failed"],
        ),
        (
            json!({"mechanisms": {"email": [], "webhooks": null}}),
            &["/mechanisms: mechanisms must name who is told: validation failed"],
        ),
        (
            json!({"alert_type": "dos_attack_l7"}),
            &[
                "/alert_type: alert_type must be one of load_balancing_health_alert, load_balancing_pool_enablement_alert: validation failed",
            ],
        ),
        (
            json!({"mechanisms": {"email": [{"id": "x"}, {"id": "a@b\r\nBcc: c@d"}]}}),
            &[
                "/mechanisms/email/0/id: \"x\" is not a mail address: validation failed",
                "/mechanisms/email/1/id: \"a@b\u{fffd}\u{fffd}Bcc: c@d\" is not a mail address: validation failed",
            ],
        ),
        (
            json!({"mechanisms": {"webhooks": [{"id": NEW}]}}),
            &[
                "/mechanisms/webhooks/0/id: webhook \"9f8e7d6c5b4a39281706f5e4d3c2b1a0\" does not exist: validation failed",
            ],
        ),
        (
            json!({"mechanisms": {"pagerduty": [{}]}}),
            &["/mechanisms/pagerduty/0/id: id is required: validation failed"],
        ),
        (
            json!({"filters": {"enabled": ["true"]}}),
            &[
                "/filters/enabled: enabled is no filter of load_balancing_health_alert: validation failed",
            ],
        ),
        (
            json!({"filters": {"new_health": ["healthy"]}}),
            &[
                "/filters/new_health/0: new_health must be one of Healthy, Unhealthy: validation failed",
            ],
        ),
        (
            json!({"filters": {"pool_id": [NEW]}}),
            &[
                "/filters/pool_id/0: pool \"9f8e7d6c5b4a39281706f5e4d3c2b1a0\" does not exist: validation failed",
            ],
        ),
        (json!({"alert_interval": "30"}), &[interval]),
        (json!({"alert_interval": "m"}), &[interval]),
        (json!({"alert_interval": "0s"}), &[interval]),
        (json!({"alert_interval": "169h"}), &[interval]),
        (json!({"alert_interval": "99999999999999999999h"}), &[interval]),
    ]);
}

#[test]
fn a_pool_that_is_gone_may_stay_in_a_filter() {
    let mut policy: Policy = created(json!({"filters": {"pool_id": [POOL_A]}}));
    let gone = "00000000000000000000000000000000";
    policy.filters = Some([("pool_id".to_owned(), vec![gone.to_owned()])].into_iter().collect());
    policy.replace(Policy::with(json!({"filters": {"pool_id": [gone]}}))).unwrap();
    policy.replace(Policy::with(json!({"filters": {"pool_id": [NEW]}}))).unwrap_err();
}

#[test]
fn a_filter_moves_with_the_pools_that_are_gone() {
    let file = |pool: &str| {
        let policy = Policy::with(json!({"id": NEW, "filters": {"pool_id": [pool]}}));
        let account = json!({"account": {"id": ACCOUNT}, "notification_policies": [policy]});
        json!({"format": 1, "accounts": [account]})
    };
    let checked = |pool| transfer::check(&file(pool), &Limits::default(), EARLY);
    assert_eq!(checked("00000000000000000000000000000000").unwrap().steps.len(), 1);
    let problems = checked("web").unwrap_err();
    assert_eq!(problems[0].pointer, "/accounts/0/notification_policies/0/filters/pool_id/0");
}

#[test]
fn a_webhook_tells_its_receiver_and_keeps_its_secret() {
    for (url, kind) in [
        ("https://hooks.slack.com/services/a", "slack"),
        ("https://chat.googleapis.com/v1/spaces/a", "gchat"),
        ("https://Discord.com/api/webhooks/1/a", "discord"),
        ("https://app.datadoghq.com/x", "datadog"),
        ("https://open.feishu.cn/x", "feishu"),
        ("https://api.opsgenie.com/v2/alerts", "opsgenie"),
        ("https://http-inputs-a.splunkcloud.com/x", "splunk"),
        ("https://notslack.com/", "generic"),
        ("https://hooks.slack.com.example/", "generic"),
        ("http://192.0.2.1:8080/hook?a=b", "generic"),
        ("http://[2001:db8::1]:80/", "generic"),
    ] {
        let webhook: StoredWebhook = created(json!({"url": url}));
        assert_eq!(webhook.webhook.r#type.as_str(), kind, "{url}");
        assert_eq!(webhook.webhook.url, url, "comes back as sent");
    }
    let with: StoredWebhook = created(json!({"secret": "s3cret"}));
    assert_eq!(with.secret.as_deref(), Some("s3cret"));
    assert!(!format!("{with:?}").contains("s3cret"));
    assert_eq!(
        serde_json::to_value(&with.webhook).unwrap(),
        json!({"id": NEW, "name": "chat", "url": "https://hooks.slack.com/services/a/b",
            "type": "slack", "created_at": EARLY, "last_success": null, "last_failure": null})
    );
    let replaced = with.replace(StoredWebhook::minimal()).unwrap();
    assert_eq!((replaced.secret, replaced.webhook.created_at.as_str()), (None, EARLY));
}

#[test]
fn webhooks_are_refused() {
    let form =
        "/url: url must begin with https:// or http:// and be percent-encoded: validation failed";
    let port = "/url: the port of url is not in range [1, 65535]: validation failed";
    refused::<StoredWebhook>(vec![
        (json!({"url": null}), &["/url: url is required: validation failed"]),
        (
            json!({"name": ""}),
            &["/name: the name length must be in range [1, 255]: validation failed"],
        ),
        (json!({"url": "ftp://a.example"}), &[form]),
        (json!({"url": "https://a.example/\r\nx"}), &[form]),
        (json!({"url": "https://a.example:0/"}), &[port]),
        (json!({"url": "https://a.example:x/"}), &[port]),
        (
            json!({"url": "https://u:p@a.example/"}),
            &["/url: url must not contain a user name or password: validation failed"],
        ),
        (
            json!({"url": "http://169.254.169.254/latest"}),
            &[
                "/url: address \"169.254.169.254\" is link-local or unspecified, which is not allowed: validation failed",
            ],
        ),
        (
            json!({"url": "http://127.1/"}),
            &["/url: address \"127.1\" is not an IP address or host name: validation failed"],
        ),
        (
            json!({"url": "http:///x"}),
            &["/url: address \"\" is not an IP address or host name: validation failed"],
        ),
        (
            json!({"secret": "a\nb"}),
            &["/secret: secret must be printable ASCII: validation failed"],
        ),
    ]);
}

#[test]
fn available_alerts_name_their_filters() {
    let available = serde_json::to_value(AlertType::available()).unwrap();
    let health = &available["Load Balancing"][0];
    assert_eq!(health["type"], "load_balancing_health_alert");
    assert_eq!(
        health["filter_options"][1],
        json!({"Key": "new_health", "ComparisonOperator": "==", "Range": "0-n", "Optional": true,
            "AvailableValues": ["Healthy", "Unhealthy"]})
    );
}
