//! A trail's notes as JSON and as sentences.

use evenkeel_decision::trail::{GeoEntry, Measure, Slowness};
use evenkeel_decision::{Load, Trail, TrailStep};
use evenkeel_model::{EndpointIx, LoadBalancerIx, PoolIx, View};
use serde::Serialize;

/// One step of a decision.
#[derive(Debug, Serialize)]
pub(super) struct Note {
    /// What kind of step.
    pub(super) step: &'static str,
    /// Name of the pool, endpoint, rule, … that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) subject: Option<String>,
    /// What became of it: a word, or what was measured.
    pub(super) outcome: String,
    /// The same in words.
    pub(super) text: String,
}

/// The notes of a trail, on the view that it was made on.
pub(super) fn of(trail: &Trail, view: &View) -> Vec<Note> {
    let names = Names(view);
    let mut notes: Vec<_> = trail.steps().iter().map(|step| names.note(*step)).collect();
    if trail.dropped() > 0 {
        let text = format!("{} steps found no room", trail.dropped());
        let outcome = trail.dropped().to_string();
        let at = notes.len().saturating_sub(1);
        notes.insert(at, Note { step: "dropped", subject: None, outcome, text });
    }
    notes
}

struct Names<'v>(&'v View);

impl Names<'_> {
    fn note(&self, step: TrailStep) -> Note {
        match step {
            TrailStep::LoadBalancer(ix) => {
                let name = self.0.config.load_balancer(ix).name();
                let text = format!("load balancer {name}");
                note("load_balancer", name, "found", text)
            }
            TrailStep::PoolSet(ix, n) => {
                let name = self.pool_set(ix, n);
                let text = format!("pool set {name} matches");
                note("pool_set", name, "matched", text)
            }
            TrailStep::PoolSetPassed(ix, n) => {
                let name = self.pool_set(ix, n);
                let text = format!("pool set {name} does not match");
                note("pool_set", name, "no_match", text)
            }
            TrailStep::Rule(ix, n) => {
                let name = self.rule(ix, n);
                let text = format!("rule {name} applies");
                note("rule", name, "matched", text)
            }
            TrailStep::RulePassed(ix, n) => {
                let name = self.rule(ix, n);
                let text = format!("rule {name} does not apply");
                note("rule", name, "no_match", text)
            }
            TrailStep::Responded(status) => {
                bare("response", status.to_string(), format!("a fixed response ends it: {status}"))
            }
            TrailStep::Geo(entry) => geo(entry),
            TrailStep::Session(finding) => {
                let word = finding.as_str();
                bare("session", word, format!("session: {}", word.replace('_', " ")))
            }
            TrailStep::Pinned(ix) => {
                let name = self.endpoint(ix);
                let text = format!("the session belongs to endpoint {name}");
                note("session", name, "pinned", text)
            }
            TrailStep::Draining(ix) => {
                let name = self.endpoint(ix);
                let text = format!("the session belongs to endpoint {name}, which drains");
                note("session", name, "draining", text)
            }
            TrailStep::PassedOver(ix, why) => {
                let (name, word) = (self.pool(ix), why.as_str());
                let text = format!("pool {name} is passed over: {}", word.replace('_', " "));
                note("pool", name, word, text)
            }
            TrailStep::Measured(ix, measure) => {
                let (name, measure) = (self.pool(ix), measured(measure));
                let text = format!("pool {name}: {measure}");
                note("pool", name, measure, text)
            }
            TrailStep::Pool(ix) => {
                let name = self.pool(ix);
                let text = format!("pool {name} is chosen");
                note("pool", name, "chosen", text)
            }
            TrailStep::Fallback(ix) => {
                let name = self.pool(ix);
                let text = format!("no candidate is left: fallback pool {name}");
                note("fallback", name, "chosen", text)
            }
            TrailStep::EndpointPassedOver(ix, why) => {
                let (name, word) = (self.endpoint(ix), why.as_str());
                let text = format!("endpoint {name} is passed over: {}", word.replace('_', " "));
                note("endpoint", name, word, text)
            }
            TrailStep::EndpointLoad(ix, load) => {
                let (name, measure) = (self.endpoint(ix), busy(load));
                let text = format!("endpoint {name}: {measure}");
                note("endpoint", name, measure, text)
            }
            TrailStep::EndpointSlowness(ix, slowness) => {
                let (name, measure) = (self.endpoint(ix), paced(slowness));
                let text = format!("endpoint {name}: {measure}");
                note("endpoint", name, measure, text)
            }
            TrailStep::Endpoint(ix) => {
                let name = self.endpoint(ix);
                let text = format!("endpoint {name} is chosen");
                note("endpoint", name, "chosen", text)
            }
            TrailStep::Answered(count) => {
                bare("answer", count.to_string(), format!("endpoints in the answer: {count}"))
            }
            TrailStep::DialFailed(ix, failure) => {
                note("dial", self.endpoint(ix), failure.as_str(), failure.to_string())
            }
            TrailStep::Unresolved(ix) => {
                let name = self.endpoint(ix);
                let text = format!("the name of endpoint {name} does not resolve");
                note("dial", name, "unresolved", text)
            }
            TrailStep::Retry => bare("retry", "allowed", "another endpoint may be tried".into()),
            TrailStep::GaveUp(why) => bare("end", why.as_str(), why.to_string()),
        }
    }

    fn pool(&self, ix: PoolIx) -> String {
        self.0.config.pool(ix).name.clone()
    }

    fn endpoint(&self, ix: EndpointIx) -> String {
        self.0.config.endpoint(ix).name.clone()
    }

    fn pool_set(&self, ix: LoadBalancerIx, n: u32) -> String {
        let sets = &self.0.config.load_balancer(ix).pool_sets;
        named(n, sets.get(n as usize).map(|set| set.name.as_str()))
    }

    fn rule(&self, ix: LoadBalancerIx, n: u32) -> String {
        let rules = &self.0.config.load_balancer(ix).rules;
        named(n, rules.get(n as usize).map(|rule| rule.name.as_str()))
    }
}

/// A name, or for what has none its number from 1.
fn named(n: u32, name: Option<&str>) -> String {
    match name {
        Some(name) if !name.is_empty() => name.to_owned(),
        _ => format!("#{}", n + 1),
    }
}

fn note(step: &'static str, subject: String, outcome: impl Into<String>, text: String) -> Note {
    Note { step, subject: Some(subject), outcome: outcome.into(), text }
}

fn bare(step: &'static str, outcome: impl Into<String>, text: String) -> Note {
    Note { step, subject: None, outcome: outcome.into(), text }
}

fn geo(entry: GeoEntry) -> Note {
    let (kind, name) = match entry {
        GeoEntry::Pop(pop) => ("pop", pop.to_string()),
        GeoEntry::Country(country) => ("country", country.to_string()),
        GeoEntry::Region(region) => ("region", region.to_string()),
        GeoEntry::Default => {
            return bare("geo", "default", "no map has an entry: default pools".into());
        }
    };
    let text = format!("the pools of {kind} {name}");
    note("geo", name, kind, text)
}

fn measured(measure: Measure) -> String {
    match measure {
        Measure::Weight(hundredths) => format!("weight {:.2}", f64::from(hundredths) / 100.0),
        Measure::Load(load) => busy(load),
        Measure::LatencyUs(us) => format!("latency {:.1} ms", f64::from(us) / 1000.0),
        Measure::DistanceKm(km) => format!("distance {km} km"),
    }
}

fn paced(slowness: Slowness) -> String {
    let requests = slowness.requests;
    let Some(us) = slowness.latency_us else {
        return format!("{requests} requests, latency not known");
    };
    #[expect(clippy::cast_precision_loss, reason = "shown with one digit")]
    let ms = us as f64 / 1000.0;
    format!("{requests} requests, latency {ms:.1} ms (trusted to {}%)", slowness.trust_percent)
}

fn busy(load: Load) -> String {
    format!("{} requests, {} connections", load.requests, load.connections)
}
