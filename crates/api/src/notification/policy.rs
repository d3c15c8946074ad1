//! Policies: of what somebody is told, and how.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::NAME_CHARS_MAX;
use super::alerts::AlertType;
use crate::context::{Context, Verb};
use crate::problem::{Problem, Problems};
use crate::read::{Clipped, Node, Object, unique};
use crate::{DESCRIPTION_CHARS_MAX, Map, body};

/// Most receivers of one sort in a policy.
const RECEIVERS_MAX: usize = 100;
/// Longest mail address, in characters (RFC 5321 section 4.5.3.1.3).
const EMAIL_CHARS_MAX: usize = 254;
/// Most values of one filter: as many as there may be pools in the largest load balancer.
const FILTER_VALUES_MAX: usize = 1000;
/// Longest time between two reminders, in minutes: a week.
const ALERT_INTERVAL_MINUTES_MAX: u64 = 7 * 24 * 60;

/// A notification policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Policy {
    /// 32 lower-case hexadecimal digits.
    #[schemars(extend("readOnly" = true))]
    pub id: String,
    /// What people call it.
    pub name: String,
    /// Free text, at most 1024 characters; absent while unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The user's wish.
    pub enabled: bool,
    /// Of what is told.
    pub alert_type: AlertType,
    /// Kept as sent, such as `30m`; absent while unset. What goes on is never told again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alert_interval: Option<String>,
    /// Which alerts are told; absent while unset, and without filter all are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filters: Option<Filters>,
    /// Who is told.
    pub mechanisms: Mechanisms,
    /// When it was created; constant.
    #[schemars(extend("readOnly" = true))]
    pub created: String,
    /// When it was last written.
    #[schemars(extend("readOnly" = true))]
    pub modified: String,
}

/// `filters`: for each the values that pass, in the order sent. One that is absent or empty lets
/// everything pass.
pub type Filters = Map<Vec<String>>;

/// `mechanisms`: who is told, by sort. Sorts are absent while unset.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Mechanisms {
    /// Mail addresses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<Vec<Mechanism>>,
    /// Identifiers of webhooks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhooks: Option<Vec<Mechanism>>,
    /// Integration keys of `PagerDuty`'s Events API, version 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pagerduty: Option<Vec<Mechanism>>,
}

/// One receiver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Mechanism {
    /// A mail address or an identifier.
    pub id: String,
}

impl Policy {
    /// The webhooks it names.
    pub fn webhooks(&self) -> impl Iterator<Item = &str> {
        self.mechanisms.webhooks.iter().flatten().map(|webhook| webhook.id.as_str())
    }

    /// Whether a filter lets a value pass.
    #[must_use]
    pub fn passes(&self, filter: &str, value: &str) -> bool {
        let values = self.filters.as_ref().and_then(|filters| filters.get(filter));
        values
            .is_none_or(|values| values.is_empty() || values.iter().any(|passing| passing == value))
    }
}

/// The document a request leaves behind. `webhook_exists` tells which webhooks the account has,
/// `pool_exists` which pools a filter may name. Beyond these it may name those that the document has
/// named before: they may have been deleted since.
///
/// # Errors
/// Everything wrong with the body, or with the document it would result in.
pub fn apply(
    verb: Verb,
    body: &[u8],
    current: Option<&Policy>,
    webhook_exists: &dyn Fn(&str) -> bool,
    pool_exists: &dyn Fn(&str) -> bool,
    cx: &Context<'_>,
) -> Result<Policy, Vec<Problem>> {
    let sent = body::parse(body)?;
    let current = current.filter(|_| verb != Verb::Create);
    let whole = match current {
        Some(current) if verb == Verb::Patch => body::overlaid(current, sent, &[]),
        _ => sent,
    };
    let problems = Problems::default();
    let object = Object::root(&whole, &problems);
    for required in ["name", "alert_type", "enabled", "mechanisms"] {
        object.require(required);
    }
    let alert_type = object.word("alert_type").unwrap_or(AlertType::LoadBalancingHealthAlert);
    let policy = Policy {
        id: current.map_or(cx.id, |current| &current.id).to_owned(),
        name: object.text_within("name", 1..=NAME_CHARS_MAX).unwrap_or_default(),
        description: object.text_within("description", 0..=DESCRIPTION_CHARS_MAX),
        enabled: object.boolean("enabled").unwrap_or_default(),
        alert_type,
        alert_interval: alert_interval(&object),
        filters: object
            .object("filters")
            .map(|filters| read_filters(&filters, alert_type, current, pool_exists)),
        mechanisms: object
            .object("mechanisms")
            .map(|mechanisms| read_mechanisms(&mechanisms, webhook_exists))
            .unwrap_or_default(),
        created: current.map_or(cx.now, |current| &current.created).to_owned(),
        modified: cx.now.to_owned(),
    };
    problems.unless_any(policy)
}

/// Numbers with the units s, m and h, as Go writes durations. Empty means unset.
fn alert_interval(object: &Object<'_>) -> Option<String> {
    let text = object.text("alert_interval")?;
    let is_too_long = |seconds| seconds > ALERT_INTERVAL_MINUTES_MAX * 60;
    if !text.is_empty() && seconds(text).is_none_or(is_too_long) {
        let reason = format_args!("alert_interval must be a duration of at most 168h, such as 30m");
        object.problem_at("alert_interval", reason);
    }
    Some(text.to_owned())
}

fn seconds(text: &str) -> Option<u64> {
    let mut rest = text;
    let mut sum = 0_u64;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, after) = rest.split_at(digits);
        let unit = match after.bytes().next()? {
            b's' => 1,
            b'm' => 60,
            b'h' => 3600,
            _ => return None,
        };
        sum = sum.checked_add(number.parse::<u64>().ok()?.checked_mul(unit)?)?;
        rest = &after[1..];
    }
    (sum > 0).then_some(sum)
}

fn read_filters(
    object: &Object<'_>,
    alert_type: AlertType,
    current: Option<&Policy>,
    pool_exists: &dyn Fn(&str) -> bool,
) -> Filters {
    let known = alert_type.filters();
    let named = current.and_then(|current| current.filters.as_ref()?.get("pool_id"));
    let filter = |(name, node): (&String, Node<'_>)| {
        let Some((_, words)) = known.iter().find(|(known, _)| known == name) else {
            let word = alert_type.as_str();
            node.problem(format_args!("{} is no filter of {word}", Clipped(name)));
            return None;
        };
        let values = unique(node.items(name, 0..=FILTER_VALUES_MAX)?, |item| {
            let text = item.text()?;
            let is_known = match words {
                [] => {
                    let is_named = named.is_some_and(|named| named.iter().any(|id| id == text));
                    is_named || pool_exists(text)
                }
                words => words.contains(&text),
            };
            if !is_known && words.is_empty() {
                item.problem(format_args!("pool \"{}\" does not exist", Clipped(text)));
            } else if !is_known {
                item.problem(format_args!("{name} must be one of {}", words.join(", ")));
            }
            Some((text, text.to_owned()))
        });
        Some((name.clone(), values))
    };
    let sent = object.members().filter(|(name, _)| object.has(name));
    sent.filter_map(filter).collect()
}

fn read_mechanisms(object: &Object<'_>, webhook_exists: &dyn Fn(&str) -> bool) -> Mechanisms {
    let email = |item: &Node<'_>, id: &str| {
        if !is_mail_address(id) {
            item.problem(format_args!("\"{}\" is not a mail address", Clipped(id)));
        }
    };
    let webhook = |item: &Node<'_>, id: &str| {
        if !webhook_exists(id) {
            item.problem(format_args!("webhook \"{}\" does not exist", Clipped(id)));
        }
    };
    let key = |item: &Node<'_>, id: &str| {
        if id.len() != 32 || !id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            item.problem(format_args!(
                "a pagerduty id must be an integration key of 32 letters and digits"
            ));
        }
    };
    let mechanisms = Mechanisms {
        email: receivers(object, "email", &email),
        webhooks: receivers(object, "webhooks", &webhook),
        pagerduty: receivers(object, "pagerduty", &key),
    };
    let sorts = [&mechanisms.email, &mechanisms.webhooks, &mechanisms.pagerduty];
    let names_any = sorts.into_iter().flatten().any(|receivers| !receivers.is_empty());
    if !names_any {
        object.problem(format_args!("mechanisms must name who is told"));
    }
    mechanisms
}

fn receivers(
    object: &Object<'_>,
    sort: &'static str,
    check: &dyn Fn(&Node<'_>, &str),
) -> Option<Vec<Mechanism>> {
    let items = object.items(sort, sort, 0..=RECEIVERS_MAX)?;
    Some(unique(items, |item| {
        let object = item.object()?;
        object.require("id");
        let id = object.get("id").and_then(|node| {
            let id = node.text()?;
            check(&node, id);
            Some(id)
        });
        let id = id.unwrap_or_default();
        Some((id, Mechanism { id: id.to_owned() }))
    }))
}

/// Something before and after one @, without what would end a line or an address.
fn is_mail_address(text: &str) -> bool {
    let is_part = |part: &str| {
        !part.is_empty()
            && !part
                .chars()
                .any(|char| char.is_control() || char.is_whitespace() || "<>,;\"".contains(char))
    };
    let at = text.rsplit_once('@');
    text.chars().count() <= EMAIL_CHARS_MAX
        && at.is_some_and(|(name, host)| is_part(name) && is_part(host) && !name.contains('@'))
}
