//! A trail as one line of text: a token per note, tokens apart by single spaces.

use core::fmt::{self, Write as _};

use evenkeel_model::{EndpointIx, LoadBalancerIx, PoolIx, View};

use super::{GeoEntry, Measure, Trail, TrailStep};
use crate::Load;

/// Prints a trail, see [`Trail::describe`].
#[derive(Debug, Clone, Copy)]
pub struct Description<'a> {
    pub(super) trail: &'a Trail,
    pub(super) view: &'a View,
}

impl fmt::Display for Description<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dropped = self.trail.dropped();
        let last = self.trail.steps().len().saturating_sub(1);
        for (n, step) in self.trail.steps().iter().enumerate() {
            if n > 0 {
                f.write_char(' ')?;
            }
            if n == last && dropped > 0 {
                write!(f, "dropped={dropped} ")?;
            }
            self.step(f, *step)?;
        }
        Ok(())
    }
}

impl Description<'_> {
    fn step(&self, f: &mut fmt::Formatter<'_>, step: TrailStep) -> fmt::Result {
        match step {
            TrailStep::LoadBalancer(ix) => {
                write!(f, "lb={}", self.view.config.load_balancer(ix).host)
            }
            TrailStep::PoolSet(ix, n) => write!(f, "set={}", self.pool_set(ix, n)),
            TrailStep::PoolSetPassed(ix, n) => write!(f, "set={}:no_match", self.pool_set(ix, n)),
            TrailStep::Rule(ix, n) => write!(f, "rule={}", self.rule(ix, n)),
            TrailStep::RulePassed(ix, n) => write!(f, "rule={}:no_match", self.rule(ix, n)),
            TrailStep::Responded(status) => write!(f, "responded={status}"),
            TrailStep::Geo(GeoEntry::Pop(pop)) => write!(f, "geo=pop:{pop}"),
            TrailStep::Geo(GeoEntry::Country(country)) => write!(f, "geo=country:{country}"),
            TrailStep::Geo(GeoEntry::Region(region)) => write!(f, "geo=region:{region}"),
            TrailStep::Geo(GeoEntry::Default) => f.write_str("geo=default"),
            TrailStep::Session(finding) => write!(f, "session={}", finding.as_str()),
            TrailStep::Pinned(ix) => write!(f, "session={}", self.endpoint(ix)),
            TrailStep::Draining(ix) => write!(f, "session={}:draining", self.endpoint(ix)),
            TrailStep::PassedOver(ix, why) => write!(f, "pool={}:{}", self.pool(ix), why.as_str()),
            TrailStep::Measured(ix, measure) => {
                write!(f, "pool={}:", self.pool(ix))?;
                match measure {
                    Measure::Weight(hundredths) => write!(f, "weight:{}", Hundredths(hundredths)),
                    Measure::Load(load) => self.load(f, load),
                    Measure::LatencyUs(us) => write!(f, "latency_us:{us}"),
                    Measure::DistanceKm(km) => write!(f, "distance_km:{km}"),
                }
            }
            TrailStep::Pool(ix) => write!(f, "pool={}", self.pool(ix)),
            TrailStep::Fallback(ix) => write!(f, "fallback={}", self.pool(ix)),
            TrailStep::EndpointPassedOver(ix, why) => {
                write!(f, "endpoint={}:{}", self.endpoint(ix), why.as_str())
            }
            TrailStep::EndpointLoad(ix, load) => {
                write!(f, "endpoint={}:", self.endpoint(ix))?;
                self.load(f, load)
            }
            TrailStep::EndpointSlowness(ix, slowness) => {
                write!(f, "endpoint={}:requests:{}", self.endpoint(ix), slowness.requests)?;
                if let Some(us) = slowness.latency_us {
                    write!(f, ",latency_us:{us},trust:{}%", slowness.trust_percent)?;
                }
                Ok(())
            }
            TrailStep::Answered(count) => write!(f, "answered={count}"),
            TrailStep::Endpoint(ix) => write!(f, "endpoint={}", self.endpoint(ix)),
            TrailStep::DialFailed(ix, failure) => {
                write!(f, "failed={}:{}", self.endpoint(ix), failure.as_str())
            }
            TrailStep::Unresolved(ix) => write!(f, "unresolved={}", self.endpoint(ix)),
            TrailStep::Retry => f.write_str("retry"),
            TrailStep::GaveUp(reason) => write!(f, "gave_up={}", reason.as_str()),
        }
    }

    fn load(&self, f: &mut fmt::Formatter<'_>, load: Load) -> fmt::Result {
        write!(f, "requests:{},connections:{}", load.requests, load.connections)
    }

    fn pool_set(&self, ix: LoadBalancerIx, n: u32) -> Label<'_> {
        let sets = &self.view.config.load_balancer(ix).pool_sets;
        Label { name: sets.get(n as usize).map_or("", |set| &set.name), n }
    }

    fn rule(&self, ix: LoadBalancerIx, n: u32) -> Label<'_> {
        let rules = &self.view.config.load_balancer(ix).rules;
        Label { name: rules.get(n as usize).map_or("", |rule| &rule.name), n }
    }

    fn pool(&self, ix: PoolIx) -> Token<'_> {
        Token(&self.view.config.pool(ix).name)
    }

    fn endpoint(&self, ix: EndpointIx) -> Token<'_> {
        Token(&self.view.config.endpoint(ix).name)
    }
}

/// A name that must not fall apart into two tokens, nor break the line it is logged on.
struct Token<'a>(&'a str);

impl fmt::Display for Token<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let breaks = |c: char| c.is_whitespace() || c.is_control();
        self.0.chars().try_for_each(|c| f.write_char(if breaks(c) { '_' } else { c }))
    }
}

/// A name, or the number in its list of what has none.
struct Label<'a> {
    name: &'a str,
    n: u32,
}

impl fmt::Display for Label<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.name.is_empty() { write!(f, "#{}", self.n) } else { Token(self.name).fmt(f) }
    }
}

/// A weight as it is configured.
struct Hundredths(u32);

impl fmt::Display for Hundredths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:02}", self.0 / 100, self.0 % 100)
    }
}
