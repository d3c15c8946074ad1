//! Settings of zones: what `/zones/{zone_id}/settings` shows and takes, and what it means for
//! connections on both sides ([`Edge`]).
//!
//! | name | value | without being set |
//! |---|---|---|
//! | `always_use_https` | `on`, `off` | `off` |
//! | `http2` | `on`, `off` | `on` |
//! | `max_upload` | MiB of a request's body, 0 for no limit | 0 |
//! | `min_tls_version` | `1.0`, `1.1`, `1.2`, `1.3`; nothing older than 1.2 is spoken | `1.2` |
//! | `origin_max_http_version` | `1`, `2` | `2` |
//! | `proxy_read_timeout` | seconds | 125, or what the node was started with |
//! | `ssl` | `off`, `flexible`, `full`, `strict` | `off` |
//! | `tls_1_3` | `on`, `off`, `zrt`; kept, not acted on | `on` |
//! | `tls_client_auth` | `on`, `off` | `off` |
//! | `websockets` | `on`, `off` | `on` |
//!
//! Only these exist here. Whoever asks for another is told that there is none, in the words by which
//! clients of the published API know it: a wish that would be kept and never granted is worse.

mod table;

use alloc::borrow::ToOwned;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use evenkeel_model::{Edge, EndpointTls, TlsVersion};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use self::table::{Definition, find};
use crate::body;
use crate::envelope::ApiMessage;
use crate::problem::{
    INVALID_SETTING, MISSING_ITEMS, Problem, Problems, UNDEFINED_SETTING, UNRECOGNIZED_SETTING,
};
use crate::read::{Clipped, Object};
use crate::time;

/// What a MiB of `max_upload` has, in bytes.
const MIB: u64 = 1024 * 1024;

/// A setting as answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ZoneSetting {
    /// Its name.
    pub id: String,
    /// A word, or a number for some.
    pub value: Value,
    /// Always true: everything is included.
    #[schemars(extend("readOnly" = true))]
    pub editable: bool,
    /// When it was last set; null while it never was.
    #[schemars(extend("readOnly" = true))]
    pub modified_on: Option<String>,
}

/// The settings of one zone, as stored: those that somebody has set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ZoneSettings {
    /// Whose they are.
    pub zone_id: String,
    /// By name.
    pub settings: BTreeMap<String, SetValue>,
}

/// The value that a setting was given.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SetValue {
    /// As sent.
    pub value: Value,
    /// When.
    pub modified_on: String,
}

impl ZoneSettings {
    /// Those of a zone that nobody has set anything for.
    #[must_use]
    pub fn of_zone(zone_id: &str) -> Self {
        Self { zone_id: zone_id.to_owned(), settings: BTreeMap::new() }
    }

    /// All settings, by name.
    #[must_use]
    pub fn all(&self) -> Vec<ZoneSetting> {
        table::ALL.iter().map(|definition| self.answered(definition)).collect()
    }

    /// Those that somebody has set, by name.
    #[must_use]
    pub fn set(&self) -> Vec<ZoneSetting> {
        let set = table::ALL.iter().filter(|of| self.settings.contains_key(of.name));
        set.map(|definition| self.answered(definition)).collect()
    }

    /// One setting.
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn get(&self, name: &str) -> Result<ZoneSetting, Problem> {
        find(name).map(|definition| self.answered(definition)).ok_or_else(|| {
            let message = format!("Undefined zone setting: {}", Clipped(name));
            Problem { code: UNDEFINED_SETTING, pointer: String::new(), message }
        })
    }

    fn answered(&self, definition: &Definition) -> ZoneSetting {
        let set = self.settings.get(definition.name);
        ZoneSetting {
            id: definition.name.to_owned(),
            value: set.map_or_else(|| definition.values.default(), |set| set.value.clone()),
            editable: true,
            modified_on: set.map(|set| set.modified_on.clone()),
        }
    }

    /// Gives a setting a value that was found right.
    fn insert(&mut self, name: &str, value: Value, now: &str) {
        self.settings.insert(name.to_owned(), SetValue { value, modified_on: now.to_owned() });
    }

    /// Says whether endpoints are shown the zone's client certificate, the other way than by the
    /// setting `tls_client_auth`.
    pub fn show_client_certificate(&mut self, show: bool, now: &str) {
        self.insert("tls_client_auth", Value::from(if show { "on" } else { "off" }), now);
    }

    /// Whether endpoints are shown the zone's client certificate.
    #[must_use]
    pub fn shows_client_certificate(&self) -> bool {
        self.is_on("tls_client_auth")
    }

    /// What they mean for connections on both sides.
    #[must_use]
    pub fn edge(&self) -> Edge {
        Edge {
            endpoint_tls: match self.word("ssl").as_str() {
                "flexible" => EndpointTls::Flexible,
                "full" => EndpointTls::Full,
                "strict" => EndpointTls::Strict,
                _ => EndpointTls::Off,
            },
            always_use_https: self.is_on("always_use_https"),
            tls_min: match self.word("min_tls_version").as_str() {
                "1.3" => TlsVersion::Tls13,
                _ => TlsVersion::Tls12,
            },
            endpoint_certificate: self.shows_client_certificate(),
            http2: self.is_on("http2"),
            endpoint_http2: self.word("origin_max_http_version") == "2",
            websockets: self.is_on("websockets"),
            request_body_bytes_max: match self.whole("max_upload") {
                Some(0) | None => None,
                Some(mib) => Some(u64::from(mib) * MIB),
            },
            upstream_read_ms: self
                .whole("proxy_read_timeout")
                .map(|seconds| seconds.saturating_mul(1000)),
        }
    }

    fn is_on(&self, name: &str) -> bool {
        self.word(name) == "on"
    }

    /// The word that a setting has; the default where a hand has damaged it.
    fn word(&self, name: &str) -> String {
        let definition = find(name).expect("every name here is in the table");
        let set = self.settings.get(name).map(|set| &set.value);
        let value = set.filter(|value| definition.values.allow(value));
        let value = value.cloned().unwrap_or_else(|| definition.values.default());
        value.as_str().unwrap_or_default().to_owned()
    }

    /// The number that a setting was given.
    fn whole(&self, name: &str) -> Option<u32> {
        table::whole(&self.settings.get(name)?.value)
    }
}

/// The settings after a PATCH of one: `{"value": …}`, or `{"enabled": true}` for what is on or off.
///
/// # Errors
/// When there is no such setting, or what is wrong with the body.
pub fn patch(
    name: &str,
    body: &[u8],
    current: &ZoneSettings,
    now: &str,
) -> Result<ZoneSettings, Vec<Problem>> {
    let definition = find(name).ok_or_else(|| unrecognized(name, ""))?;
    let sent = body::parse(body)?;
    let problems = Problems::default();
    let mut settings = current.clone();
    if let Some(value) = value(definition, &sent, "", &problems) {
        settings.insert(name, value, now);
    }
    problems.unless_any(settings)
}

/// The settings after a PATCH of several, `{"items": [{"id": …, "value": …}]}`, and those that were
/// named, in the order sent.
///
/// # Errors
/// Everything wrong with the body; then none is changed.
pub fn patch_many(
    body: &[u8],
    current: &ZoneSettings,
    now: &str,
) -> Result<(ZoneSettings, Vec<ZoneSetting>), Vec<Problem>> {
    let sent = body::parse(body)?;
    let problems = Problems::default();
    let object = Object::root(&sent, &problems);
    if !object.has("items") {
        let (pointer, message) = (String::new(), "Missing 'items'".to_owned());
        return Err(Problem { code: MISSING_ITEMS, pointer, message }.into());
    }
    object.items("items", "items", 1..=table::ALL.len());
    let items = sent.get("items").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let named = items_of(items, "/items", &problems);
    let mut settings = current.clone();
    for (definition, value, _) in &named {
        settings.insert(definition.name, value.clone(), now);
    }
    let changed = named.iter().map(|(definition, _, _)| settings.answered(definition)).collect();
    problems.unless_any((settings, changed))
}

/// The settings that a file of all documents has: those in it, and no others. A value that is there
/// already keeps its time.
///
/// # Errors
/// Everything wrong with the list.
pub(crate) fn replaced(
    list: &Value,
    zone_id: &str,
    current: Option<&ZoneSettings>,
    now: &str,
) -> Result<ZoneSettings, Vec<Problem>> {
    let problems = Problems::default();
    let items = list.as_array().map_or(&[][..], Vec::as_slice);
    let mut settings = ZoneSettings::of_zone(zone_id);
    for (definition, value, sent) in items_of(items, "", &problems) {
        let there = current.and_then(|current| current.settings.get(definition.name));
        let modified_on = match there.filter(|there| there.value == value) {
            Some(there) => there.modified_on.as_str(),
            None => sent
                .get("modified_on")
                .and_then(Value::as_str)
                .filter(|text| time::parse(text).is_some())
                .unwrap_or(now),
        };
        settings.insert(definition.name, value, modified_on);
    }
    problems.unless_any(settings)
}

/// What whoever has set these should know, though it is accepted.
#[must_use]
pub fn remarks<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<ApiMessage> {
    let notes = names.into_iter().filter_map(|name| find(name)?.kept_only.map(|why| (name, why)));
    notes
        .map(|(name, why)| ApiMessage::new(10_000, &format!("{name} is kept, not acted on: {why}")))
        .collect()
}

/// Whether there is such a setting here, and the value is another than it has by itself: what is
/// worth taking over from elsewhere.
#[must_use]
pub fn is_worth_moving(name: &str, value: &Value) -> bool {
    find(name).is_some_and(|definition| definition.values.default() != *value)
}

/// A setting, the value that it is to have, and the item that says so.
type Item<'a> = (&'static Definition, Value, &'a Map<String, Value>);

/// The settings that a list names, each once.
fn items_of<'a>(items: &'a [Value], pointer: &str, problems: &Problems) -> Vec<Item<'a>> {
    let mut named: Vec<Item<'a>> = Vec::new();
    for (place, item) in items.iter().enumerate() {
        let pointer = format!("{pointer}/{place}");
        let Some(members) = item.as_object() else {
            problems.invalid(&pointer, format_args!("an item must be an object"));
            continue;
        };
        let object = Object::at(members, pointer.clone(), problems);
        object.require("id");
        let Some(id) = object.text("id") else { continue };
        let Some(definition) = find(id) else {
            problems.add(|| unrecognized(id, &format!("{pointer}/id")));
            continue;
        };
        if named.iter().any(|(named, _, _)| named.name == definition.name) {
            problems.not_unique(&format!("{pointer}/id"));
        } else if let Some(value) = value(definition, members, &pointer, problems) {
            named.push((definition, value, members));
        }
    }
    named
}

/// The value that an object says a setting shall have.
fn value(
    definition: &Definition,
    sent: &Map<String, Value>,
    pointer: &str,
    problems: &Problems,
) -> Option<Value> {
    let name = definition.name;
    let invalid = |member: &str, way_out: &str| {
        problems.add(|| Problem {
            code: INVALID_SETTING,
            pointer: format!("{pointer}/{member}"),
            message: format!("Invalid value for zone setting {name}: {way_out}"),
        });
    };
    match (sent.get("value"), sent.get("enabled")) {
        (Some(value), _) if definition.values.allow(value) => return Some(value.clone()),
        (Some(_), _) => invalid("value", &format!("it must be {}", definition.values)),
        (None, Some(Value::Bool(enabled))) if definition.values.is_switch() => {
            return Some(Value::from(if *enabled { "on" } else { "off" }));
        }
        (None, Some(_)) if definition.values.is_switch() => {
            invalid("enabled", "enabled must be true or false");
        }
        (None, Some(_)) => invalid("enabled", "it is not on or off, so send its value"),
        (None, None) => invalid("value", "value is required"),
    }
    None
}

/// A setting that does not exist is asked to change.
fn unrecognized(name: &str, pointer: &str) -> Problem {
    let message = format!("Unrecognized zone setting name: {}", Clipped(name));
    Problem { code: UNRECOGNIZED_SETTING, pointer: pointer.to_owned(), message }
}
