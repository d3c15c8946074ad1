//! Settings of zones: which there are, what they may be, what they mean.

use evenkeel_api::ZoneSettings;
use evenkeel_api::zone_setting::{is_worth_moving, patch, patch_many, remarks};
use evenkeel_model::{Edge, EndpointTls, TlsVersion};
use serde_json::{Value, json};

use crate::world::{EARLY, LATE, ZONE};

fn unset() -> ZoneSettings {
    ZoneSettings::of_zone(ZONE)
}

/// The settings after these were sent.
fn set(items: &Value) -> ZoneSettings {
    let body = json!({ "items": items }).to_string();
    patch_many(body.as_bytes(), &unset(), EARLY).unwrap().0
}

fn refusals(name: &str, body: &Value) -> Vec<String> {
    let problems = patch(name, body.to_string().as_bytes(), &unset(), EARLY).unwrap_err();
    let told = |problem: &evenkeel_api::Problem| format!("{} {problem}", problem.code);
    problems.iter().map(told).collect()
}

#[test]
fn every_setting_has_a_value_before_anybody_sets_it() {
    let all = unset().all();
    let shown: Vec<_> = all.iter().map(|setting| (&*setting.id, setting.value.clone())).collect();
    assert_eq!(
        shown,
        [
            ("always_use_https", json!("off")),
            ("http2", json!("on")),
            ("max_upload", json!(0)),
            ("min_tls_version", json!("1.2")),
            ("origin_max_http_version", json!("2")),
            ("proxy_read_timeout", json!(125)),
            ("ssl", json!("off")),
            ("tls_1_3", json!("on")),
            ("tls_client_auth", json!("off")),
            ("websockets", json!("on")),
        ]
    );
    assert!(all.iter().all(|setting| setting.editable && setting.modified_on.is_none()));
    assert_eq!(unset().edge(), Edge::default());
}

#[test]
fn a_setting_is_answered_as_it_was_sent() {
    for (name, sent) in [
        ("ssl", json!("strict")),
        ("proxy_read_timeout", json!("900")),
        ("proxy_read_timeout", json!(900)),
        ("max_upload", json!(100)),
        ("tls_1_3", json!("zrt")),
        ("origin_max_http_version", json!("1")),
    ] {
        let body = json!({"id": name, "value": sent}).to_string();
        let settings = patch(name, body.as_bytes(), &unset(), EARLY).unwrap();
        assert_eq!(
            serde_json::to_value(settings.get(name).unwrap()).unwrap(),
            json!({"id": name, "value": sent, "editable": true, "modified_on": EARLY})
        );
        let stored = serde_json::to_vec(&settings).unwrap();
        assert_eq!(serde_json::from_slice::<ZoneSettings>(&stored).unwrap(), settings);
        assert_eq!(settings.set().len(), 1);
        let changed = patch(name, body.as_bytes(), &settings, LATE).unwrap();
        assert_eq!(changed.get(name).unwrap().modified_on.as_deref(), Some(LATE));
    }
    for enabled in [true, false] {
        let body = json!({ "enabled": enabled }).to_string();
        let settings = patch("http2", body.as_bytes(), &unset(), EARLY).unwrap();
        assert_eq!(settings.get("http2").unwrap().value, if enabled { "on" } else { "off" });
    }
}

#[test]
fn wrong_settings_are_refused_in_the_words_that_clients_know() {
    let words = "must be one of off, flexible, full, strict";
    let invalid = |name: &str, why: &str| {
        format!("1007 /value: Invalid value for zone setting {name}: it {why}")
    };
    for (name, body, refusal) in [
        ("ssl", json!({"value": "origin_pull"}), invalid("ssl", words)),
        ("ssl", json!({"value": null}), invalid("ssl", words)),
        ("http2", json!({"value": true}), invalid("http2", "must be on or off")),
        (
            "max_upload",
            json!({"value": -1}),
            invalid("max_upload", "must be a whole number in range [0, 1048576]"),
        ),
        (
            "proxy_read_timeout",
            json!({"value": 6001}),
            invalid("proxy_read_timeout", "must be a whole number in range [1, 6000]"),
        ),
        (
            "ssl",
            json!({}),
            "1007 /value: Invalid value for zone setting ssl: value is required".into(),
        ),
        (
            "ssl",
            json!({"enabled": true}),
            "1007 /enabled: Invalid value for zone setting ssl: it is not on or off, so send its \
             value"
                .into(),
        ),
        (
            "http2",
            json!({"enabled": "on"}),
            "1007 /enabled: Invalid value for zone setting http2: enabled must be true or false"
                .into(),
        ),
        ("mirage", json!({"value": "on"}), "1006 Unrecognized zone setting name: mirage".into()),
    ] {
        assert_eq!(refusals(name, &body), [refusal], "{body}");
    }
    let problem = unset().get("mirage").unwrap_err();
    assert_eq!((problem.code, problem.status()), (1003, 400));
    assert_eq!(problem.message, "Undefined zone setting: mirage");
}

#[test]
fn several_settings_are_changed_together_or_not_at_all() {
    let body =
        json!({"items": [{"id": "ssl", "value": "full"}, {"id": "http2", "enabled": false}]});
    let (settings, changed) = patch_many(body.to_string().as_bytes(), &unset(), EARLY).unwrap();
    let names: Vec<_> = changed.iter().map(|setting| &*setting.id).collect();
    assert_eq!(names, ["ssl", "http2"]);
    assert_eq!(settings.edge().endpoint_tls, EndpointTls::Full);
    for (body, refusals) in [
        (json!({}), vec!["1004 Missing 'items'"]),
        (
            json!({"items": []}),
            vec!["1002 /items: the items list length must be in range [1, 10]: validation failed"],
        ),
        (
            json!({"items": [
                {"id": "ssl", "value": "full"}, {"id": "ssl", "value": "off"}, {"value": 1}, 7,
                {"id": "brotli", "value": "on"}, {"id": "http2", "value": 2},
            ]}),
            vec![
                "1003 /items/1/id: value not unique",
                "1002 /items/2/id: id is required: validation failed",
                "1002 /items/3: an item must be an object: validation failed",
                "1006 /items/4/id: Unrecognized zone setting name: brotli",
                "1007 /items/5/value: Invalid value for zone setting http2: it must be on or off",
            ],
        ),
    ] {
        let problems = patch_many(body.to_string().as_bytes(), &unset(), EARLY).unwrap_err();
        let told: Vec<_> =
            problems.iter().map(|problem| format!("{} {problem}", problem.code)).collect();
        assert_eq!(told, refusals);
    }
}

#[test]
fn settings_mean_what_they_say() {
    let unchanged = Edge::default();
    for (name, value, meant) in [
        ("ssl", json!("flexible"), Edge { endpoint_tls: EndpointTls::Flexible, ..unchanged }),
        ("ssl", json!("full"), Edge { endpoint_tls: EndpointTls::Full, ..unchanged }),
        ("ssl", json!("strict"), Edge { endpoint_tls: EndpointTls::Strict, ..unchanged }),
        ("always_use_https", json!("on"), Edge { always_use_https: true, ..unchanged }),
        ("min_tls_version", json!("1.0"), unchanged),
        ("min_tls_version", json!("1.3"), Edge { tls_min: TlsVersion::Tls13, ..unchanged }),
        ("tls_client_auth", json!("on"), Edge { endpoint_certificate: true, ..unchanged }),
        ("http2", json!("off"), Edge { http2: false, ..unchanged }),
        ("origin_max_http_version", json!("1"), Edge { endpoint_http2: false, ..unchanged }),
        ("websockets", json!("off"), Edge { websockets: false, ..unchanged }),
        ("max_upload", json!(0), unchanged),
        ("max_upload", json!(100), Edge { request_body_bytes_max: Some(104_857_600), ..unchanged }),
        ("proxy_read_timeout", json!("900"), Edge { upstream_read_ms: Some(900_000), ..unchanged }),
        ("tls_1_3", json!("off"), unchanged),
    ] {
        let settings = set(&json!([{"id": name, "value": value}]));
        assert_eq!(settings.edge(), meant, "{name} {value}");
    }
    let mut settings = unset();
    settings.show_client_certificate(true, EARLY);
    assert!(settings.shows_client_certificate() && settings.edge().endpoint_certificate);
    assert_eq!(settings.get("tls_client_auth").unwrap().value, "on");
}

#[test]
fn what_is_known_and_unusual_is_worth_moving() {
    for (name, value, is_worth) in [
        ("ssl", json!("full"), true),
        ("ssl", json!("off"), false),
        ("max_upload", json!(100), true),
        ("mirage", json!("on"), false),
    ] {
        assert_eq!(is_worth_moving(name, &value), is_worth, "{name} {value}");
    }
}

#[test]
fn what_is_only_kept_is_said_to_be() {
    let notes = remarks(["ssl", "tls_1_3"]);
    let told: Vec<_> = notes.iter().map(|note| note.message.as_str()).collect();
    assert_eq!(
        told,
        ["tls_1_3 is kept, not acted on: TLS 1.3 is always offered, and never with early data"]
    );
}
