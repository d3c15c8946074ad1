//! Webhooks: where alerts are posted to.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::NAME_CHARS_MAX;
use crate::body;
use crate::context::{Context, Verb};
use crate::pool::check_address;
use crate::problem::{Problem, Problems};
use crate::read::Object;
use crate::words::words;

/// Longest URL, in characters: what any server reads.
const URL_CHARS_MAX: usize = 2048;
/// Longest secret, in characters: it is sent as a header.
const SECRET_CHARS_MAX: usize = 1024;

/// A webhook as answered: without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Webhook {
    /// 32 lower-case hexadecimal digits.
    pub id: String,
    /// What people call it; told along with alerts.
    pub name: String,
    /// Where alerts are posted to.
    pub url: String,
    /// In which form, told by the URL.
    pub r#type: WebhookType,
    /// When it was created; constant.
    pub created_at: String,
    /// When an alert was last delivered; null while none was. Filled in by whoever answers and
    /// knows.
    pub last_success: Option<String>,
    /// When one could last not be delivered, likewise.
    pub last_failure: Option<String>,
}

/// A webhook as stored.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredWebhook {
    /// What may be told of it.
    pub webhook: Webhook,
    /// Sent along as the header `cf-webhook-auth`, never answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
}

impl fmt::Debug for StoredWebhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredWebhook").field("webhook", &self.webhook).finish_non_exhaustive()
    }
}

words! {
    /// `type` of a webhook: the form in which its receiver wants to be told.
    WebhookType {
        /// The published JSON.
        Generic = "generic",
        /// Slack.
        Slack = "slack",
        /// Google Chat.
        Gchat = "gchat",
        /// Discord.
        Discord = "discord",
        /// Datadog.
        Datadog = "datadog",
        /// Feishu.
        Feishu = "feishu",
        /// OpsGenie.
        Opsgenie = "opsgenie",
        /// Splunk.
        Splunk = "splunk",
    }
}

impl WebhookType {
    /// The receiver behind a host, told by its name.
    #[must_use]
    pub fn of_host(host: &str) -> Self {
        const RECEIVERS: [(&str, WebhookType); 10] = [
            ("hooks.slack.com", WebhookType::Slack),
            ("chat.googleapis.com", WebhookType::Gchat),
            ("discord.com", WebhookType::Discord),
            ("discordapp.com", WebhookType::Discord),
            ("datadoghq.com", WebhookType::Datadog),
            ("datadoghq.eu", WebhookType::Datadog),
            ("feishu.cn", WebhookType::Feishu),
            ("larksuite.com", WebhookType::Feishu),
            ("opsgenie.com", WebhookType::Opsgenie),
            ("splunkcloud.com", WebhookType::Splunk),
        ];
        let host = host.to_ascii_lowercase();
        let is_below = |domain: &str| {
            host.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        };
        let found = RECEIVERS.iter().find(|(domain, _)| is_below(domain));
        found.map_or(Self::Generic, |(_, receiver)| *receiver)
    }
}

/// The document a request leaves behind. PUT without a secret takes the secret away (api.md 1.8).
///
/// # Errors
/// Everything wrong with the body, or with the document it would result in.
pub fn apply(
    verb: Verb,
    body: &[u8],
    current: Option<&StoredWebhook>,
    cx: &Context<'_>,
) -> Result<StoredWebhook, Vec<Problem>> {
    let sent = body::parse(body)?;
    let current = current.filter(|_| verb != Verb::Create).map(|current| &current.webhook);
    let problems = Problems::default();
    let object = Object::root(&sent, &problems);
    object.require("name");
    object.require("url");
    let url = object.text_within("url", 1..=URL_CHARS_MAX).unwrap_or_default();
    let host = if url.is_empty() { "" } else { check_url(&object, &url, cx) };
    let secret = object.text_within("secret", 0..=SECRET_CHARS_MAX);
    let is_sendable = |char: char| char == ' ' || char.is_ascii_graphic();
    if secret.as_ref().is_some_and(|secret| !secret.chars().all(is_sendable)) {
        object.problem_at("secret", format_args!("secret must be printable ASCII"));
    }
    let webhook = Webhook {
        id: current.map_or(cx.id, |current| &current.id).to_owned(),
        name: object.text_within("name", 1..=NAME_CHARS_MAX).unwrap_or_default(),
        r#type: WebhookType::of_host(host),
        created_at: current.map_or(cx.now, |current| &current.created_at).to_owned(),
        last_success: None,
        last_failure: None,
        url: url.clone(),
    };
    problems.unless_any(StoredWebhook { webhook, secret: secret.filter(|text| !text.is_empty()) })
}

/// Notes what is wrong with a URL and returns its host.
fn check_url<'u>(object: &Object<'_>, url: &'u str, cx: &Context<'_>) -> &'u str {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let authority = rest.map(|rest| rest.split(['/', '?', '#']).next().unwrap_or_default());
    let Some(authority) = authority.filter(|_| url.bytes().all(|byte| byte.is_ascii_graphic()))
    else {
        let reason = format_args!("url must begin with https:// or http:// and be percent-encoded");
        object.problem_at("url", reason);
        return "";
    };
    if authority.contains('@') {
        object.problem_at("url", format_args!("url must not contain a user name or password"));
        return "";
    }
    let (host, port) = match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, port)) => (host, port),
        None => authority.split_at(authority.find(':').unwrap_or(authority.len())),
    };
    let is_port = |port: &str| port.parse::<u16>().is_ok_and(|number| number > 0);
    if !port.is_empty() && !port.strip_prefix(':').is_some_and(is_port) {
        object.problem_at("url", format_args!("the port of url is not in range [1, 65535]"));
    }
    if let Some(node) = object.get("url") {
        check_address(&node, host, cx.limits);
    }
    host
}
