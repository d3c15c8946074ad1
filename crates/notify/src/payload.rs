//! The shapes that receivers of webhooks read.
//!
//! | shape | documented by its receiver as | the secret goes into |
//! |---|---|---|
//! | generic | Cloudflare's webhook payload schema | `cf-webhook-auth` |
//! | Slack, Discord, Google Chat, Feishu | incoming webhook | `cf-webhook-auth`; theirs is in the URL |
//! | `PagerDuty` | Events API v2 | `routing_key` |
//! | Opsgenie | Alert API: create, close by alias | `Authorization: GenieKey` |
//! | Datadog | Events API v1 | `DD-API-KEY` |
//! | Splunk | HTTP Event Collector | `Authorization: Splunk` |

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use http::{HeaderName, HeaderValue, Request, Uri};
use http_body_util::Full;
use serde_json::{Value, json};

use crate::message::Message;

/// Carries the secret of the generic shape.
const CF_WEBHOOK_AUTH: HeaderName = HeaderName::from_static("cf-webhook-auth");
/// Carries Datadog's key.
const DD_API_KEY: HeaderName = HeaderName::from_static("dd-api-key");
/// The longest text that Discord takes, in characters.
const DISCORD_CHARS_MAX: usize = 2000;
/// The longest summary that Opsgenie takes, in characters.
const OPSGENIE_CHARS_MAX: usize = 130;
/// The longest summary that PagerDuty takes, in characters.
const PAGERDUTY_CHARS_MAX: usize = 1024;

/// What the receiver of a webhook reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Cloudflare's own.
    Generic,
    /// An incoming webhook of Slack.
    Slack,
    /// A webhook of Discord.
    Discord,
    /// A webhook of Google Chat.
    GoogleChat,
    /// The Events API of PagerDuty.
    PagerDuty,
    /// The Alert API of Opsgenie.
    Opsgenie,
    /// The Events API of Datadog.
    Datadog,
    /// A bot of Feishu.
    Feishu,
    /// The HTTP Event Collector of Splunk.
    Splunk,
}

impl Shape {
    /// The shape of a webhook's `type` (api.md 6.4); anything unknown reads the generic one.
    #[must_use]
    pub fn of_type(word: &str) -> Self {
        match word {
            "slack" => Self::Slack,
            "discord" => Self::Discord,
            "gchat" => Self::GoogleChat,
            "pagerduty" => Self::PagerDuty,
            "opsgenie" => Self::Opsgenie,
            "datadog" => Self::Datadog,
            "feishu" => Self::Feishu,
            "splunk" => Self::Splunk,
            _ => Self::Generic,
        }
    }

    /// The request that tells a message.
    ///
    /// # Errors
    /// When the URL or the secret cannot be sent.
    pub(crate) fn request(
        self,
        url: &str,
        secret: Option<&str>,
        message: &Message,
    ) -> Result<Request<Full<Bytes>>, http::Error> {
        let body = self.body(secret, message);
        let url = match self {
            Self::Opsgenie => opsgenie_url(url, message),
            _ => url.to_owned(),
        };
        let mut request = Request::post(url.parse::<Uri>()?)
            .header(CONTENT_TYPE, "application/json")
            .header(USER_AGENT, concat!("Evenkeel/", env!("CARGO_PKG_VERSION")));
        if let Some(secret) = secret {
            let (name, value) = match self {
                Self::PagerDuty => (None, String::new()),
                Self::Opsgenie => (Some(AUTHORIZATION), format!("GenieKey {secret}")),
                Self::Splunk => (Some(AUTHORIZATION), format!("Splunk {secret}")),
                Self::Datadog => (Some(DD_API_KEY), secret.to_owned()),
                _ => (Some(CF_WEBHOOK_AUTH), secret.to_owned()),
            };
            if let Some(name) = name {
                let mut value = HeaderValue::try_from(value)?;
                value.set_sensitive(true);
                request = request.header(name, value);
            }
        }
        request.body(Full::new(Bytes::from(body.to_string())))
    }

    fn body(self, secret: Option<&str>, message: &Message) -> Value {
        let text = &message.text;
        match self {
            Self::Generic => json!(message),
            Self::Slack => json!({
                "text": text,
                "attachments": [{ "color": colour(message), "text": text, "ts": message.ts }],
            }),
            Self::Discord => json!({ "content": shortened(text, DISCORD_CHARS_MAX) }),
            Self::GoogleChat => json!({ "text": text }),
            Self::Feishu => json!({ "msg_type": "text", "content": { "text": text } }),
            Self::PagerDuty => pagerduty(secret.unwrap_or_default(), message),
            Self::Opsgenie => opsgenie(message),
            Self::Datadog => json!({
                "title": message.name,
                "text": text,
                "date_happened": message.ts,
                "alert_type": if is_bad(message) { "error" } else { "success" },
                "aggregation_key": message.alert_correlation_id,
                "source_type_name": "evenkeel",
            }),
            Self::Splunk => json!({
                "time": message.ts,
                "source": "evenkeel",
                "sourcetype": "_json",
                "event": message,
            }),
        }
    }
}

fn pagerduty(routing_key: &str, message: &Message) -> Value {
    json!({
        "routing_key": routing_key,
        "event_action": if is_recovery(message) { "resolve" } else { "trigger" },
        "dedup_key": alert_key(message),
        "payload": {
            "summary": shortened(&message.text, PAGERDUTY_CHARS_MAX),
            "source": message.data["pool_name"],
            "severity": if is_bad(message) { "critical" } else { "info" },
            "timestamp": timestamp(message.ts),
            "class": message.alert_type,
            "custom_details": message.data,
        },
    })
}

fn opsgenie(message: &Message) -> Value {
    if is_recovery(message) {
        return json!({ "source": "evenkeel", "note": message.text });
    }
    json!({
        "message": shortened(&message.name, OPSGENIE_CHARS_MAX),
        "alias": alert_key(message),
        "description": message.text,
        "source": "evenkeel",
        "priority": if is_bad(message) { "P1" } else { "P5" },
        "details": details(&message.data),
    })
}

/// Opsgenie takes texts only.
fn details(data: &Value) -> Value {
    let members = data.as_object().into_iter().flatten();
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    members.map(|(name, value)| (name.clone(), Value::from(text(value)))).collect()
}

/// Where an alert is created, or the one that ends is closed.
fn opsgenie_url(url: &str, message: &Message) -> String {
    match alert_key(message) {
        Some(key) if is_recovery(message) => {
            format!("{}/{key}/close?identifierType=alias", url.trim_end_matches('/'))
        }
        _ => url.to_owned(),
    }
}

/// Whether it says that something serves again.
fn is_recovery(message: &Message) -> bool {
    message.data["new_health"] == "Healthy"
}

/// Under what a pager keeps the alert about a pool or an endpoint, which has at most one at a time;
/// nothing for what is no matter of health. Unlike `alert_correlation_id` it is the same after a
/// restart, and a recovery whose outage nobody remembers still closes what is open, and wakes
/// nobody when nothing is.
fn alert_key(message: &Message) -> Option<String> {
    let data = &message.data;
    data.get("new_health")?;
    let subject = ["pool_id", "origin_name", "observed_by"]
        .map(|name| data[name].as_str().unwrap_or_default());
    // FNV-1a: names may hold what has no place in a URL. Nobody gains by a collision.
    let hash = subject
        .join("/")
        .bytes()
        .fold(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d, |hash: u128, byte| {
            (hash ^ u128::from(byte)).wrapping_mul(0x0100_0000_0000_0000_0000_013b)
        });
    Some(format!("{hash:032x}"))
}

/// Whether it is about something that does not serve any more.
fn is_bad(message: &Message) -> bool {
    message.data["new_health"] == "Unhealthy" || message.data["enabled"] == false
}

fn colour(message: &Message) -> &'static str {
    if is_bad(message) { "danger" } else { "good" }
}

fn timestamp(seconds: u64) -> String {
    let seconds = i64::try_from(seconds).unwrap_or_default();
    jiff::Timestamp::from_second(seconds).unwrap_or_default().to_string()
}

fn shortened(text: &str, chars_max: usize) -> String {
    if text.chars().count() <= chars_max {
        return text.to_owned();
    }
    text.chars().take(chars_max - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::tests::outage;
    use crate::occasion::What;
    use crate::occasion::tests::{endpoint, occasion};
    use crate::outage::Outage;
    use crate::policy::tests::policy;

    fn sent(shape: Shape, message: &Message) -> (String, Vec<(String, String)>, Value) {
        let url = "https://receiver.example/v2/alerts";
        let request = shape.request(url, Some("s3cret"), message).unwrap();
        let headers = request.headers().iter().filter(|(name, _)| **name != USER_AGENT);
        let headers = headers
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
            .collect();
        (request.uri().to_string(), headers, shape.body(Some("s3cret"), message))
    }

    #[test]
    fn every_shape_carries_its_secret_where_its_receiver_looks() {
        for (shape, header) in [
            (Shape::Generic, Some(("cf-webhook-auth", "s3cret"))),
            (Shape::Slack, Some(("cf-webhook-auth", "s3cret"))),
            (Shape::Discord, Some(("cf-webhook-auth", "s3cret"))),
            (Shape::GoogleChat, Some(("cf-webhook-auth", "s3cret"))),
            (Shape::PagerDuty, None),
            (Shape::Opsgenie, Some(("authorization", "GenieKey s3cret"))),
            (Shape::Datadog, Some(("dd-api-key", "s3cret"))),
            (Shape::Splunk, Some(("authorization", "Splunk s3cret"))),
        ] {
            let (_, headers, body) = sent(shape, &outage());
            let secrets: Vec<_> =
                headers.iter().filter(|(name, _)| name != "content-type").collect();
            let expected = header.map(|(name, value)| (name.to_owned(), value.to_owned()));
            assert_eq!(secrets, expected.iter().collect::<Vec<_>>(), "{shape:?}");
            assert_eq!(body.to_string().contains("s3cret"), shape == Shape::PagerDuty, "{shape:?}");
        }
        assert!(Shape::Generic.request("https://a.example/", Some("a\nb"), &outage()).is_err());
        assert!(Shape::Generic.request("not a url", None, &outage()).is_err());
    }

    #[test]
    fn chats_are_told_the_sentence() {
        let text = json!(outage().text);
        assert_eq!(sent(Shape::Slack, &outage()).2["text"], text);
        assert_eq!(sent(Shape::Discord, &outage()).2, json!({ "content": text }));
        assert_eq!(sent(Shape::GoogleChat, &outage()).2, json!({ "text": text }));
        let long = Message { text: "ü".repeat(3000), ..outage() };
        let content = sent(Shape::Discord, &long).2["content"].as_str().unwrap().to_owned();
        assert_eq!((content.chars().count(), content.ends_with("ü…")), (2000, true));
    }

    #[test]
    fn pagers_are_told_of_the_end_under_the_same_key() {
        let told = |what, tie: &Outage| Message::new(&policy(), &occasion(what), tie);
        let forgotten = told(endpoint("a", true), &Outage::Untied);
        let ended = told(endpoint("a", true), &Outage::Ends("7".repeat(32)));
        let (_, _, trigger) = sent(Shape::PagerDuty, &outage());
        let key = trigger["dedup_key"].as_str().unwrap().to_owned();
        assert_eq!((key.len(), &trigger["event_action"]), (32, &json!("trigger")));
        assert_eq!(trigger["routing_key"], "s3cret");
        assert_eq!(trigger["payload"]["severity"], "critical");
        assert_eq!(trigger["payload"]["timestamp"], "2023-11-14T22:13:20Z");
        let (url, _, alert) = sent(Shape::Opsgenie, &outage());
        assert_eq!(
            (url.as_str(), &alert["alias"]),
            ("https://receiver.example/v2/alerts", &json!(key))
        );
        for end in [ended, forgotten] {
            let (_, _, resolve) = sent(Shape::PagerDuty, &end);
            assert_eq!(
                (&resolve["event_action"], &resolve["dedup_key"]),
                (&json!("resolve"), &json!(key))
            );
            let (url, _, _) = sent(Shape::Opsgenie, &end);
            let closed = format!("https://receiver.example/v2/alerts/{key}/close");
            assert_eq!(url, format!("{closed}?identifierType=alias"));
        }

        let others = [endpoint("b", false), What::PoolHealth { healthy: false }];
        for other in others.map(|what| told(what, &Outage::Untied)) {
            assert_ne!(sent(Shape::PagerDuty, &other).2["dedup_key"], key);
        }
        let off = told(What::PoolEnabled { enabled: false }, &Outage::Untied);
        let off = sent(Shape::PagerDuty, &off).2;
        assert_eq!((&off["event_action"], &off["dedup_key"]), (&json!("trigger"), &Value::Null));
    }
}
