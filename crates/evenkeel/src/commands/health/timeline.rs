//! From health events to a story: how the pool and each of its endpoints fare, and which changes
//! came before, for how long, and why. Pure; what is asked for is the command's.

use std::fmt::Write as _;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::commands::object::text;
use crate::commands::output::{Style, printable, table};

/// A pool and its endpoints over time.
#[derive(Debug)]
pub(super) struct Story {
    pool: Value,
    since: Timestamp,
    until: Timestamp,
    /// The pool first.
    subjects: Vec<Subject>,
}

/// Somebody whose health has a history.
#[derive(Debug, Default)]
struct Subject {
    noun: &'static str,
    name: String,
    /// Of endpoints, as the pool has it.
    address: Option<String>,
    port: Option<u64>,
    /// Now; unknown while nobody judged.
    healthy: Option<bool>,
    /// Whether events name it and the pool does not any more.
    is_gone: bool,
    /// What else there is to say of now.
    facts: Vec<String>,
    reason: Option<String>,
    response_code: Option<u64>,
    rtt: Option<String>,
    /// Whether a measurement was taken for it: addresses can stand several times in a pool.
    is_measured: bool,
    /// Oldest first.
    changes: Vec<Change>,
}

/// A change of health.
#[derive(Debug, PartialEq)]
struct Change {
    at: Timestamp,
    healthy: bool,
    reason: String,
    response_code: u64,
}

impl Story {
    /// Puts it together from the pool as it is and its events, oldest first.
    pub(super) fn of(pool: &Value, events: &[Value], since: Timestamp, until: Timestamp) -> Self {
        let mut subjects = vec![Subject::of_pool(pool)];
        subjects.extend(list(pool, "origins").iter().map(Subject::of_origin));
        let mut story = Self { pool: pool.clone(), since, until, subjects };
        for event in events {
            story.learn(event);
        }
        story
    }

    fn learn(&mut self, event: &Value) {
        let Some(at) = moment(event) else { return };
        if event["pool"]["changed"] == true {
            let healthy = event["pool"]["healthy"] == true;
            let reason = counted(list(event, "origins"), &event["pool"]["minimum_origins"]);
            self.subjects[0].changes.push(Change { at, healthy, reason, response_code: 0 });
        }
        for origin in list(event, "origins").iter().filter(|origin| origin["changed"] == true) {
            let name = text(origin, "name");
            let known = self.subjects.iter().skip(1).position(|subject| subject.name == name);
            let place = known.map_or(self.subjects.len(), |place| place + 1);
            if known.is_none() {
                let gone =
                    Subject { is_gone: true, facts: Vec::new(), ..Subject::of_origin(origin) };
                self.subjects.push(Subject { healthy: None, reason: None, ..gone });
            }
            self.subjects[place].changes.push(Change {
                at,
                healthy: origin["healthy"] == true,
                reason: text(origin, "failure_reason"),
                response_code: origin["response_code"].as_u64().unwrap_or_default(),
            });
        }
    }

    /// Adds what the last probe of an address measured. In the order of the pool, where endpoints
    /// share an address.
    pub(super) fn measure(&mut self, address: &str, health: &Value) {
        let is_next = |subject: &&mut Subject| {
            !subject.is_measured && subject.address.as_deref() == Some(address)
        };
        let Some(subject) = self.subjects.iter_mut().find(is_next) else { return };
        subject.is_measured = true;
        subject.rtt = health["rtt"].as_str().map(str::to_owned);
        subject.response_code = health["response_code"].as_u64();
    }

    /// For people.
    pub(super) fn to_text(&self, style: Style) -> String {
        let span = lasted(self.since, self.until);
        self.subjects.iter().fold(String::new(), |mut story, subject| {
            if !story.is_empty() {
                story.push('\n');
            }
            writeln!(story, "{}", printable(&subject.headline())).expect("strings grow");
            if subject.changes.is_empty() {
                writeln!(story, "  no change in {span}").expect("strings grow");
                return story;
            }
            let table =
                table(&["TIME", "BECAME", "FOR", "REASON"], &subject.rows(self.until), style);
            for line in table.lines() {
                writeln!(story, "  {line}").expect("strings grow");
            }
            story
        })
    }

    /// For programs.
    pub(super) fn to_json(&self) -> Value {
        let changes = |subject: &Subject| {
            let changes = subject.changes.iter().zip(subject.ends(self.until));
            changes.map(|(change, end)| change.to_json(end)).collect::<Vec<_>>()
        };
        let endpoint = |subject: &Subject| {
            json!({
                "name": subject.name, "address": subject.address, "port": subject.port,
                "healthy": subject.healthy, "failure_reason": subject.reason,
                "response_code": subject.response_code, "rtt": subject.rtt,
                "changes": changes(subject),
            })
        };
        json!({
            "since": self.since.to_string(),
            "until": self.until.to_string(),
            "pool": {
                "id": self.pool["id"], "name": self.pool["name"],
                "healthy": self.subjects[0].healthy, "changes": changes(&self.subjects[0]),
            },
            "endpoints": self.subjects[1..].iter().map(endpoint).collect::<Vec<_>>(),
        })
    }
}

impl Subject {
    fn of_pool(pool: &Value) -> Self {
        Self {
            noun: "pool",
            name: text(pool, "name"),
            healthy: pool["healthy"].as_bool(),
            facts: vec![counted(list(pool, "origins"), &pool["minimum_origins"])],
            ..Self::default()
        }
    }

    fn of_origin(origin: &Value) -> Self {
        let is_disabled = origin["enabled"] == false;
        Self {
            noun: "endpoint",
            name: text(origin, "name"),
            address: origin["address"].as_str().map(str::to_owned),
            port: origin["port"].as_u64().filter(|port| *port != 0),
            healthy: origin["healthy"].as_bool(),
            reason: origin["failure_reason"].as_str().map(str::to_owned),
            facts: if is_disabled { vec!["disabled".to_owned()] } else { Vec::new() },
            ..Self::default()
        }
    }

    /// How it fares now.
    fn headline(&self) -> String {
        let place = match (&self.address, self.port) {
            (None, _) => String::new(),
            (Some(address), None) => format!(" ({address})"),
            (Some(address), Some(port)) if address.contains(':') => {
                format!(" ([{address}]:{port})")
            }
            (Some(address), Some(port)) => format!(" ({address}:{port})"),
        };
        let mut facts: Vec<String> =
            self.healthy.map(|healthy| word(healthy).to_owned()).into_iter().collect();
        if facts.is_empty() {
            let word = if self.is_gone { "no longer in the pool" } else { "unknown" };
            facts.push(word.to_owned());
        }
        facts.extend(self.reason.clone().filter(|_| self.healthy == Some(false)));
        facts.extend(
            self.response_code.filter(|code| *code != 0).map(|code| format!("status {code}")),
        );
        facts.extend(self.rtt.clone());
        facts.extend(self.facts.iter().cloned());
        format!("{} {}{place}: {}", self.noun, self.name, facts.join(", "))
    }

    /// When each change was overtaken by the next; the last lasts.
    fn ends(&self, until: Timestamp) -> impl Iterator<Item = Timestamp> {
        self.changes.iter().skip(1).map(|change| change.at).chain([until])
    }

    fn rows(&self, until: Timestamp) -> Vec<Vec<String>> {
        let row = |(change, end): (&Change, Timestamp)| {
            let is_last = change == self.changes.last().unwrap_or(change);
            let so_far = if is_last && !self.is_gone { " so far" } else { "" };
            let reason = match change.response_code {
                0 => change.reason.clone(),
                code => format!("{}, status {code}", change.reason),
            };
            vec![
                change.at.strftime("%Y-%m-%d %H:%M:%SZ").to_string(),
                word(change.healthy).to_owned(),
                format!("{}{so_far}", lasted(change.at, end)),
                reason,
            ]
        };
        self.changes.iter().zip(self.ends(until)).map(row).collect()
    }
}

impl Change {
    fn to_json(&self, end: Timestamp) -> Value {
        json!({
            "at": self.at.to_string(),
            "healthy": self.healthy,
            "lasted_s": end.duration_since(self.at).as_secs_f64().max(0.0),
            "reason": self.reason,
            "response_code": self.response_code,
        })
    }
}

/// When an event happened.
pub(super) fn moment(event: &Value) -> Option<Timestamp> {
    event["timestamp"].as_str()?.parse().ok()
}

fn list<'a>(object: &'a Value, member: &str) -> &'a [Value] {
    object[member].as_array().map(Vec::as_slice).unwrap_or_default()
}

/// How many endpoints serve, and how many would be enough.
fn counted(origins: &[Value], needed: &Value) -> String {
    let enabled = || origins.iter().filter(|origin| origin["enabled"] != false);
    let healthy = enabled().filter(|origin| origin["healthy"] == true).count();
    let needed = needed.as_u64().unwrap_or(1);
    format!("{healthy} of {} endpoints healthy, {needed} needed", enabled().count())
}

const fn word(healthy: bool) -> &'static str {
    if healthy { "healthy" } else { "unhealthy" }
}

/// How long, in the two largest units that say something.
fn lasted(from: Timestamp, to: Timestamp) -> String {
    let seconds = to.duration_since(from).as_secs().max(0);
    let (days, hours) = (seconds / 86_400, seconds / 3600 % 24);
    let (minutes, seconds) = (seconds / 60 % 60, seconds % 60);
    let parts = [(days, "d"), (hours, "h"), (minutes, "m"), (seconds, "s")];
    let from = parts.iter().position(|(count, _)| *count > 0).unwrap_or(parts.len() - 1);
    let said = parts[from..].iter().take(2).filter(|(count, _)| *count > 0);
    let said: Vec<_> = said.map(|(count, unit)| format!("{count}{unit}")).collect();
    if said.is_empty() { "less than 1s".to_owned() } else { said.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        format!("2026-11-22T{text}Z").parse().unwrap()
    }

    fn pool() -> Value {
        json!({
            "id": "1", "name": "web", "healthy": false, "minimum_origins": 2,
            "origins": [
                { "name": "a", "address": "192.0.2.1", "port": 8080, "enabled": true, "healthy": true,
                    "failure_reason": "No failures" },
                { "name": "b", "address": "2001:db8::1", "port": 81, "enabled": true, "healthy": false,
                    "failure_reason": "TCP Timeout" },
                { "name": "c", "address": "192.0.2.1", "enabled": false },
            ],
        })
    }

    /// An event: when, the pool if it changed, and the origins that did.
    fn event(time: &str, pool: Option<bool>, origins: &[(&str, bool, &str, u16)]) -> Value {
        let origin = |(name, healthy, reason, code): &(&str, bool, &str, u16)| {
            json!({ "name": name, "address": "192.0.2.9", "enabled": true, "healthy": healthy,
                "changed": true, "failure_reason": reason, "response_code": code })
        };
        json!({
            "timestamp": at(time).to_string(),
            "pool": { "healthy": pool == Some(true), "changed": pool.is_some(), "minimum_origins": 2 },
            "origins": origins.iter().map(origin).collect::<Vec<_>>(),
        })
    }

    fn story() -> Story {
        let events = [
            event("10:00:00", None, &[("b", false, "Response code mismatch error", 503)]),
            event(
                "10:01:05",
                None,
                &[("b", true, "No failures", 200), ("old", true, "No failures", 0)],
            ),
            event("11:59:58.5", Some(false), &[("b", false, "TCP Timeout", 0)]),
        ];
        let mut story = Story::of(&pool(), &events, at("09:00:00"), at("12:00:00"));
        story.measure("192.0.2.1", &json!({ "rtt": "1.2ms", "response_code": 200 }));
        story
    }

    #[test]
    fn everybody_has_a_story() {
        let expected = "\
pool web: unhealthy, 1 of 2 endpoints healthy, 2 needed
  TIME                  BECAME     FOR        REASON
  2026-11-22 11:59:58Z  unhealthy  1s so far  0 of 1 endpoints healthy, 2 needed

endpoint a (192.0.2.1:8080): healthy, status 200, 1.2ms
  no change in 3h

endpoint b ([2001:db8::1]:81): unhealthy, TCP Timeout
  TIME                  BECAME     FOR        REASON
  2026-11-22 10:00:00Z  unhealthy  1m 5s      Response code mismatch error, status 503
  2026-11-22 10:01:05Z  healthy    1h 58m     No failures, status 200
  2026-11-22 11:59:58Z  unhealthy  1s so far  TCP Timeout

endpoint c (192.0.2.1): unknown, disabled
  no change in 3h

endpoint old (192.0.2.9): no longer in the pool
  TIME                  BECAME   FOR     REASON
  2026-11-22 10:01:05Z  healthy  1h 58m  No failures
";
        assert_eq!(story().to_text(Style::Plain), expected);
    }

    #[test]
    fn programs_read_the_same() {
        let story = story().to_json();
        assert_eq!(story["since"], "2026-11-22T09:00:00Z");
        assert_eq!(
            (&story["pool"]["name"], &story["pool"]["healthy"]),
            (&json!("web"), &json!(false))
        );
        assert_eq!(story["endpoints"][0]["rtt"], "1.2ms");
        assert_eq!(story["endpoints"][0]["changes"], json!([]));
        let change = json!({
            "at": "2026-11-22T10:00:00Z", "healthy": false, "lasted_s": 65.0,
            "reason": "Response code mismatch error", "response_code": 503,
        });
        assert_eq!(story["endpoints"][1]["changes"][0], change);
        assert_eq!(story["endpoints"][2]["healthy"], Value::Null);
    }

    #[test]
    fn times_are_as_long_as_they_need_to_be() {
        for (from, to, said) in [
            ("10:00:00", "10:00:00.9", "less than 1s"),
            ("10:00:00", "10:00:59", "59s"),
            ("10:00:00", "11:00:00", "1h"),
            ("10:00:00", "11:00:10", "1h"),
            ("00:00:00", "23:59:59", "23h 59m"),
            ("10:00:01", "10:00:00", "less than 1s"),
        ] {
            assert_eq!(lasted(at(from), at(to)), said);
        }
    }
}
