//! Writes a file as Terraform configuration for version 5 of the Cloudflare provider, with an import
//! block to each resource: after `terraform apply` nothing has changed, and from then on the
//! configuration is what counts.
//!
//! References are written as such, so that Terraform knows the order. What the provider has no
//! attribute for is named in a comment.

mod text;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use text::{Names, expression, quoted};

/// Attributes of each resource that can be written, in their order (the provider's schemas).
const MONITOR: &[&str] = &[
    "type",
    "description",
    "method",
    "path",
    "header",
    "port",
    "interval",
    "timeout",
    "retries",
    "consecutive_up",
    "consecutive_down",
    "expected_codes",
    "expected_body",
    "follow_redirects",
    "allow_insecure",
    "probe_zone",
];
const POOL: &[&str] = &[
    "name",
    "description",
    "enabled",
    "minimum_origins",
    "monitor",
    "monitor_group",
    "check_regions",
    "health_sources",
    "latitude",
    "longitude",
    "load_shedding",
    "origin_steering",
    "notification_email",
    "notification_filter",
    "origins",
];
const LOAD_BALANCER: &[&str] = &[
    "name",
    "description",
    "enabled",
    "proxied",
    "ttl",
    "networks",
    "default_pools",
    "fallback_pool",
    "region_pools",
    "country_pools",
    "pop_pools",
    "steering_policy",
    "random_steering",
    "session_affinity",
    "session_affinity_ttl",
    "session_affinity_attributes",
    "adaptive_routing",
    "location_strategy",
    "rules",
];
const MONITOR_GROUP: &[&str] = &["description", "members"];
const DNS_RECORD: &[&str] = &[
    "name", "type", "content", "data", "priority", "ttl", "proxied", "comment", "tags", "settings",
];

const ZONE_SETTING: &[&str] = &["setting_id", "value"];

/// Members of answers that are nobody's to write, by the attribute whose items have them.
const UNWRITTEN: [(&str, &[&str]); 2] = [
    ("origins", &["disabled_at", "healthy", "failure_reason"]),
    ("members", &["created_at", "updated_at"]),
];

/// What every load balancer has that says nothing of networks.
const NETWORKS_OF_ALL: &str = "cloudflare";

/// One kind of resource.
struct Resource {
    kind: &'static str,
    attributes: &'static [&'static str],
    /// The member that its name is made of.
    label: &'static str,
}

const MONITORS: Resource = Resource {
    kind: "cloudflare_load_balancer_monitor",
    attributes: MONITOR,
    label: "description",
};
const MONITOR_GROUPS: Resource = Resource {
    kind: "cloudflare_load_balancer_monitor_group",
    attributes: MONITOR_GROUP,
    label: "description",
};
const POOLS: Resource =
    Resource { kind: "cloudflare_load_balancer_pool", attributes: POOL, label: "name" };
const LOAD_BALANCERS: Resource =
    Resource { kind: "cloudflare_load_balancer", attributes: LOAD_BALANCER, label: "name" };
const DNS_RECORDS: Resource =
    Resource { kind: "cloudflare_dns_record", attributes: DNS_RECORD, label: "name" };
const ZONE_SETTINGS: Resource =
    Resource { kind: "cloudflare_zone_setting", attributes: ZONE_SETTING, label: "label" };

/// The configuration of a whole file.
pub(super) fn write(file: &Value) -> String {
    let mut hcl = Hcl::default();
    hcl.text.push_str(
        "# Written by evenkeel export --terraform for cloudflare/cloudflare, version 5.\n",
    );
    for part in items(file, "accounts") {
        hcl.account(part);
    }
    hcl.text
}

#[derive(Default)]
struct Hcl {
    text: String,
    names: Names,
    /// Expressions that stand for ids, such as `cloudflare_load_balancer_pool.eu.id`.
    references: BTreeMap<String, String>,
}

impl Hcl {
    fn account(&mut self, part: &Value) {
        let account = ("account_id", id(&part["account"]));
        // Whoever is named comes first.
        let lists =
            [("monitors", &MONITORS), ("monitor_groups", &MONITOR_GROUPS), ("pools", &POOLS)];
        for (list, resource) in lists {
            for document in items(part, list) {
                self.resource(resource, account, document);
            }
        }
        for balancer in items(part, "load_balancers") {
            let name = balancer["name"].as_str();
            self.left_out("load balancer of an account", name, id(balancer));
        }
        for part in items(part, "zones") {
            let zone = ("zone_id", id(&part["zone"]));
            let name = part["zone"]["name"].as_str().unwrap_or_default();
            writeln!(self.text, "\n# {}", text::commented(name)).expect("strings grow");
            for setting in items(part, "settings") {
                let label = format!("{name} {}", id(setting));
                let document = json!({
                    "id": setting["id"], "setting_id": setting["id"], "value": setting["value"],
                    "label": label,
                });
                self.resource(&ZONE_SETTINGS, zone, &document);
            }
            for document in items(part, "load_balancers") {
                if !items(document, "pool_sets").is_empty() {
                    let name = document["name"].as_str();
                    self.left_out("the pool sets of load balancer", name, id(document));
                }
                self.resource(&LOAD_BALANCERS, zone, document);
            }
            for document in items(part, "dns_records") {
                self.resource(&DNS_RECORDS, zone, document);
            }
        }
    }

    /// Says that the provider has no word for something.
    fn left_out(&mut self, what: &str, name: Option<&str>, id: &str) {
        let name = text::commented(name.unwrap_or_default());
        writeln!(
            self.text,
            "\n# Left out, for the provider has no such resource: {what} {name} ({id})."
        )
        .expect("strings grow");
    }

    fn resource(&mut self, resource: &Resource, owner: (&str, &str), document: &Value) {
        let Resource { kind, attributes, label } = resource;
        let name = self.names.make(kind, document[label].as_str().unwrap_or_default());
        let (id, (owner, owner_id)) = (id(document), owner);
        // Settings go by a word, which other attributes may say as well.
        if *kind != ZONE_SETTINGS.kind {
            self.references.insert(id.to_owned(), format!("{kind}.{name}.id"));
        }
        let import = quoted(&format!("{owner_id}/{id}"));
        writeln!(self.text, "\nimport {{\n  to = {kind}.{name}\n  id = {import}\n}}")
            .expect("strings grow");
        writeln!(self.text, "\nresource \"{kind}\" \"{name}\" {{").expect("strings grow");
        let written = attributes.iter().filter_map(|attribute| {
            let value = written(kind, attribute, document)?;
            Some(((*attribute).to_owned(), expression(&value, 1, &self.references)))
        });
        let pairs =
            [(owner.to_owned(), quoted(owner_id))].into_iter().chain(written).collect::<Vec<_>>();
        self.text.push_str(&text::attributes(&pairs, "  "));
        if *kind == POOLS.kind && has_policy_of_ours(document) {
            self.text.push_str(LEFT_AS_IT_IS);
        }
        self.text.push_str("}\n");
    }
}

/// The value of an attribute; none where the provider's own default says the same.
fn written(kind: &str, attribute: &str, document: &Value) -> Option<Value> {
    let value = document.get(attribute).filter(|value| !is_nothing(value))?;
    match (kind, attribute) {
        // The lifetime counts for DNS-only load balancers, and the provider refuses both together.
        ("cloudflare_load_balancer", "ttl") if document["proxied"] == true => None,
        // Where a record says its parts, the provider wants those alone.
        ("cloudflare_dns_record", "content") if has_parts(document) => None,
        ("cloudflare_dns_record", "data") if !has_parts(document) => None,
        ("cloudflare_load_balancer", "networks") if *value == json!([NETWORKS_OF_ALL]) => None,
        ("cloudflare_load_balancer_pool", "origin_steering") if has_policy_of_ours(document) => {
            None
        }
        ("cloudflare_load_balancer_pool", "origins") => {
            Some(as_provider(&in_order(value), attribute))
        }
        (_, attribute) => Some(as_provider(value, attribute)),
    }
}

/// Whether a pool is steered by a policy that the provider refuses to be told of.
fn has_policy_of_ours(pool: &Value) -> bool {
    pool["origin_steering"]["policy"] == "least_latency"
}

/// What a pool has instead: its policy stays what it is, through all other changes.
const LEFT_AS_IT_IS: &str = r"
  # The provider has no word for the policy least_latency, and leaves it alone like this.
  lifecycle {
    ignore_changes = [origin_steering]
  }
";

/// Endpoints by name, and by address where names are the same: the provider takes them from an import
/// in that order, and would plan any other.
fn in_order(origins: &Value) -> Value {
    let text =
        |origin: &Value, member: &str| origin[member].as_str().unwrap_or_default().to_owned();
    let mut origins = origins.as_array().cloned().unwrap_or_default();
    origins.sort_by_cached_key(|origin| (text(origin, "name"), text(origin, "address")));
    Value::Array(origins)
}

/// Whether the provider takes a record by its parts: types whose content is more than one word.
fn has_parts(record: &Value) -> bool {
    const PLAIN: [&str; 8] = ["A", "AAAA", "CNAME", "MX", "NS", "OPENPGPKEY", "PTR", "TXT"];
    record["data"].is_object() && !PLAIN.iter().any(|kind| record["type"] == *kind)
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(members) => members.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}

/// A value with the provider's names, and without what nobody writes. An origin's header `Host` has
/// a small letter there; a monitor's headers are a map, whose keys stay.
fn as_provider(value: &Value, attribute: &str) -> Value {
    let unwritten = UNWRITTEN.iter().find(|(of, _)| *of == attribute).map_or(&[][..], |(_, it)| it);
    match value {
        Value::Object(members) => {
            let kept = members
                .iter()
                .filter(|(key, value)| !unwritten.contains(&key.as_str()) && !is_nothing(value));
            let renamed = kept.map(|(key, value)| {
                let key = if attribute == "origins" && key == "Host" { "host" } else { key };
                (key.to_owned(), as_provider(value, attribute))
            });
            Value::Object(renamed.collect::<Map<_, _>>())
        }
        Value::Array(items) => items.iter().map(|item| as_provider(item, attribute)).collect(),
        value => value.clone(),
    }
}

fn items<'a>(value: &'a Value, list: &str) -> &'a [Value] {
    value[list].as_array().map(Vec::as_slice).unwrap_or_default()
}

fn id(document: &Value) -> &str {
    document["id"].as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_that_the_provider_does_not_know_is_left_as_it_is() {
        let pool = |policy| {
            let steering = json!({ "policy": policy });
            write(&json!({ "accounts": [{
                "account": { "id": "acc" },
                "pools": [{ "id": "p", "name": "eu", "origin_steering": steering, "origins": [] }],
            }]}))
        };
        let (ours, theirs) = (pool("least_latency"), pool("hash"));
        assert!(!ours.contains("origin_steering ="), "{ours}");
        assert!(ours.contains("    ignore_changes = [origin_steering]\n  }\n}\n"), "{ours}");
        assert!(theirs.contains("policy = \"hash\"") && !theirs.contains("lifecycle"), "{theirs}");
    }

    #[test]
    fn resources_name_each_other_and_are_imported() {
        let file = json!({ "accounts": [{
            "account": { "id": "acc" },
            "monitors": [{ "id": "m", "description": "live", "type": "http", "header": { "Host": ["h"] }, "port": 80 }],
            "pools": [{
                "id": "p", "name": "eu", "monitor": "m", "check_regions": null,
                "disabled_at": "2026-01-01T00:00:00Z", "created_on": "…",
                "origins": [{ "name": "a", "address": "192.0.2.1", "header": { "Host": ["b"] }, "healthy": true }],
            }],
            "zones": [{
                "zone": { "id": "z", "name": "example.com" },
                "load_balancers": [{
                    "id": "l", "name": "www.example.com", "proxied": true, "ttl": 30, "default_pools": ["p"],
                    "fallback_pool": "p", "region_pools": {}, "rules": [{ "name": "r", "overrides": {} }],
                }],
                "dns_records": [
                    { "id": "d", "name": "a.example.com", "type": "A", "content": "192.0.2.1", "ttl": 1 },
                    { "id": "s", "name": "s.example.com", "type": "SRV", "content": "1 2 3 t",
                      "data": { "port": 3 }, "ttl": 1 },
                ],
            }],
        }]});
        let expected = r#"# Written by evenkeel export --terraform for cloudflare/cloudflare, version 5.

import {
  to = cloudflare_load_balancer_monitor.live
  id = "acc/m"
}

resource "cloudflare_load_balancer_monitor" "live" {
  account_id  = "acc"
  type        = "http"
  description = "live"
  header = {
    Host = ["h"]
  }
  port = 80
}

import {
  to = cloudflare_load_balancer_pool.eu
  id = "acc/p"
}

resource "cloudflare_load_balancer_pool" "eu" {
  account_id = "acc"
  name       = "eu"
  monitor    = cloudflare_load_balancer_monitor.live.id
  origins = [
    {
      name    = "a"
      address = "192.0.2.1"
      header = {
        host = ["b"]
      }
    },
  ]
}

# example.com

import {
  to = cloudflare_load_balancer.www_example_com
  id = "z/l"
}

resource "cloudflare_load_balancer" "www_example_com" {
  zone_id       = "z"
  name          = "www.example.com"
  proxied       = true
  default_pools = [cloudflare_load_balancer_pool.eu.id]
  fallback_pool = cloudflare_load_balancer_pool.eu.id
  rules = [
    {
      name = "r"
    },
  ]
}

import {
  to = cloudflare_dns_record.a_example_com
  id = "z/d"
}

resource "cloudflare_dns_record" "a_example_com" {
  zone_id = "z"
  name    = "a.example.com"
  type    = "A"
  content = "192.0.2.1"
  ttl     = 1
}

import {
  to = cloudflare_dns_record.s_example_com
  id = "z/s"
}

resource "cloudflare_dns_record" "s_example_com" {
  zone_id = "z"
  name    = "s.example.com"
  type    = "SRV"
  data = {
    port = 3
  }
  ttl = 1
}
"#;
        assert_eq!(write(&file), expected);
    }

    #[test]
    fn members_are_kept_or_left_by_where_they_stand() {
        let origin = |name: &str, address: &str| json!({ "name": name, "address": address });
        let cases = [
            (
                "cloudflare_load_balancer_pool",
                "notification_filter",
                json!({ "pool": { "healthy": false }, "origin": {} }),
                json!({ "pool": { "healthy": false } }),
            ),
            (
                "cloudflare_load_balancer_pool",
                "origins",
                json!([origin("b", "1"), { "name": "a", "address": "2", "healthy": true }, origin("a", "1")]),
                json!([origin("a", "1"), origin("a", "2"), origin("b", "1")]),
            ),
            (
                "cloudflare_load_balancer_monitor_group",
                "members",
                json!([{ "monitor_id": "m", "enabled": false, "created_at": "…", "updated_at": "…" }]),
                json!([{ "monitor_id": "m", "enabled": false }]),
            ),
            (
                "cloudflare_load_balancer",
                "networks",
                json!(["cloudflare", "jdcloud"]),
                json!(["cloudflare", "jdcloud"]),
            ),
        ];
        for (kind, attribute, answered, expected) in cases {
            let document = json!({ attribute: answered });
            assert_eq!(written(kind, attribute, &document), Some(expected), "{attribute}");
        }
        let document = json!({ "networks": ["cloudflare"] });
        assert_eq!(written("cloudflare_load_balancer", "networks", &document), None);
    }

    #[test]
    fn what_the_provider_cannot_say_is_named() {
        let file = json!({ "accounts": [{
            "account": { "id": "acc" },
            "load_balancers": [{ "id": "l", "name": "priv\n}" }],
            "zones": [{ "zone": { "id": "z", "name": "a.example" },
                "load_balancers": [{ "id": "k", "name": "b", "pool_sets": [{}] }] }],
        }]});
        let hcl = write(&file);
        for left_out in ["an account priv } (l).", "load balancer b (k)."] {
            assert!(hcl.contains(left_out), "{hcl}");
        }
    }
}
