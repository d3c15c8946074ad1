//! What an import changes, and what is wrong with a file, in lines for people.

use std::fmt::Write as _;

use evenkeel_api::transfer::{Kind, Plan};
use serde_json::Value;

use crate::commands::output::{Style, printable};

/// What clients of the API match on, and people need not read.
const SUFFIX: &str = ": validation failed";

/// The server's answer to an import: one line to a document, and below it one to a field.
pub(super) fn changes(answer: &Value, style: Style) -> String {
    let mut text = String::new();
    for change in answer["changes"].as_array().map(Vec::as_slice).unwrap_or_default() {
        let (sign, colour) = match change["action"].as_str() {
            Some("add") => ('+', "32"),
            Some("remove") => ('-', "31"),
            _ => ('~', "33"),
        };
        let word = |member: &str| printable(change[member].as_str().unwrap_or_default());
        let kind = word("kind").replace('_', " ");
        let name = match word("name") {
            name if name.is_empty() => name,
            name => format!("{name:?} "),
        };
        let line = format!("{sign} {kind} {name}({})", word("id"));
        let line = match style {
            Style::Plain => line,
            Style::Terminal => format!("\u{1b}[{colour}m{line}\u{1b}[0m"),
        };
        writeln!(text, "{line}").expect("strings grow");
        for field in change["fields"].as_array().map(Vec::as_slice).unwrap_or_default() {
            let path = printable(field["path"].as_str().unwrap_or_default());
            let shown = |member: &str| match field.get(member) {
                None => "(absent)".to_owned(),
                Some(value) => printable(&value.to_string()),
            };
            let (before, after) = (shown("before"), shown("after"));
            writeln!(text, "    {path}: {before} → {after}").expect("strings grow");
        }
    }
    let count = |member: &str| answer[member].as_u64().unwrap_or_default();
    let (added, changed, removed) = (count("added"), count("changed"), count("removed"));
    let unchanged = count("unchanged");
    let line = if answer["dry_run"] == true {
        format!("{added} to add, {changed} to change, {removed} to remove, {unchanged} unchanged")
    } else {
        format!("{added} added, {changed} changed, {removed} removed, {unchanged} unchanged")
    };
    writeln!(text, "{line}").expect("strings grow");
    text
}

/// Problems below each other.
pub(super) fn refused(problems: impl Iterator<Item = String>) -> String {
    problems.fold("the file was refused".to_owned(), |text, problem| text + "\n  " + &problem)
}

/// One problem on a line: where in the file, in which document, what.
pub(super) fn problem(file: &Value, pointer: &str, message: &str) -> String {
    let message = printable(message.trim_end_matches(SUFFIX));
    match (pointer, document(file, pointer)) {
        ("", _) => message,
        (pointer, None) => format!("{pointer}: {message}"),
        (pointer, Some(name)) => format!("{pointer} ({name}): {message}"),
    }
}

/// The document that a pointer points into, by its kind and name.
fn document(file: &Value, pointer: &str) -> Option<String> {
    let steps: Vec<&str> = pointer.split('/').skip(1).collect();
    let (at, noun) = match steps.as_slice() {
        ["accounts", _, "zones", _, "load_balancers", _, ..] => (6, "load balancer"),
        ["accounts", _, "zones", _, "dns_records", _, ..] => (6, "DNS record"),
        ["accounts", _, "zones", _, "zone", ..] => (5, "zone"),
        ["accounts", _, "pools", _, ..] => (4, "pool"),
        ["accounts", _, "monitors", _, ..] => (4, "monitor"),
        ["accounts", _, "monitor_groups", _, ..] => (4, "monitor group"),
        ["accounts", _, "load_balancers", _, ..] => (4, "load balancer"),
        ["accounts", _, "notification_webhooks", _, ..] => (4, "notification webhook"),
        ["accounts", _, "notification_policies", _, ..] => (4, "notification policy"),
        _ => return None,
    };
    let document = file.pointer(&format!("/{}", steps[..at].join("/")))?;
    let name = document["name"].as_str().or_else(|| document["description"].as_str());
    Some(format!("{noun} {:?}", printable(name.unwrap_or("without a name"))))
}

/// How much of each kind a file has.
pub(super) fn counted(plan: &Plan) -> String {
    let kinds = [
        Kind::Zone,
        Kind::ZoneSettings,
        Kind::Monitor,
        Kind::MonitorGroup,
        Kind::Pool,
        Kind::LoadBalancer,
        Kind::DnsRecord,
        Kind::NotificationWebhook,
        Kind::NotificationPolicy,
    ];
    let counts = kinds.into_iter().filter_map(|kind| {
        let count = plan.steps.iter().filter(|step| step.document().kind() == kind).count();
        match count {
            0 => None,
            1 => Some(format!("1 {kind}")),
            count => Some(format!("{count} {}", plural(kind))),
        }
    });
    let counts: Vec<_> = counts.collect();
    if counts.is_empty() { "nothing is in it".to_owned() } else { counts.join(", ") + ": good" }
}

fn plural(kind: Kind) -> String {
    match (kind, kind.noun().strip_suffix('y')) {
        (Kind::ZoneSettings, _) => "settings of zones".to_owned(),
        (_, Some(stem)) => format!("{stem}ies"),
        (_, None) => format!("{kind}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn changes_are_told_field_by_field() {
        let answer = json!({
            "dry_run": true, "added": 1, "changed": 1, "removed": 0, "unchanged": 7,
            "changes": [
                { "action": "add", "kind": "load_balancer", "id": "1", "name": "a.example", "fields": [] },
                { "action": "change", "kind": "pool", "id": "2", "name": "eu", "fields": [
                    { "path": "origins.a.weight", "before": 1, "after": 0.5 },
                    { "path": "monitor", "after": "9" },
                ] },
            ],
        });
        let expected = "\
+ load balancer \"a.example\" (1)
~ pool \"eu\" (2)
    origins.a.weight: 1 → 0.5
    monitor: (absent) → \"9\"
1 to add, 1 to change, 0 to remove, 7 unchanged
";
        assert_eq!(changes(&answer, Style::Plain), expected);
        assert!(changes(&answer, Style::Terminal).contains("\u{1b}[32m+ load"));
    }

    #[test]
    fn a_problem_names_its_document() {
        let file = json!({ "accounts": [{ "pools": [{ "name": "eu" }], "monitors": [{}],
            "zones": [{ "zone": { "name": "a.example" }, "dns_records": [{ "name": "b" }] }] }] });
        for (pointer, expected) in [
            ("/accounts/0/pools/0/origins/0", "/accounts/0/pools/0/origins/0 (pool \"eu\"): bad"),
            ("/accounts/0/monitors/0", "/accounts/0/monitors/0 (monitor \"without a name\"): bad"),
            (
                "/accounts/0/zones/0/zone/name",
                "/accounts/0/zones/0/zone/name (zone \"a.example\"): bad",
            ),
            ("/format", "/format: bad"),
            ("", "bad"),
        ] {
            assert_eq!(problem(&file, pointer, "bad: validation failed"), expected);
        }
        let record = problem(&file, "/accounts/0/zones/0/dns_records/0/ttl", "bad");
        assert!(record.contains("(DNS record \"b\")"), "{record}");
    }
}
