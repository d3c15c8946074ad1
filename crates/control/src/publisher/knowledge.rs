//! What is known of the endpoints' health, over the life of many configurations.

use std::collections::HashMap;

use evenkeel_decision::health::Report;
use evenkeel_decision::latency::{MovingAverage, profile};
use evenkeel_model::{
    Config, EndpointHealth, EndpointId, EndpointIx, FailureReason, Health, Latency, MonitorId,
    PoolIx, Timestamp, Verdict,
};

/// The last report on every endpoint, as far as the configuration still asks for it.
///
/// A verdict belongs to the monitor that reached it: an endpoint whose pool gets another monitor is
/// unknown again, and what leaves the configuration is forgotten. Bounded by the configuration.
#[derive(Debug, Default)]
pub(super) struct Knowledge {
    places: HashMap<EndpointId, EndpointIx>,
    known: HashMap<(EndpointId, MonitorId), EndpointHealth>,
    /// Round trips of the probes that passed, for steering by latency (behaviour.md 2.5).
    round_trips: HashMap<(EndpointId, MonitorId), MovingAverage>,
}

/// What a report changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum News {
    /// Nothing, or it was about something the configuration does not have.
    Nothing,
    /// The round-trip time, the status or the reason.
    Detail,
    /// The verdict.
    Verdict,
}

impl Knowledge {
    /// Nothing known of a configuration.
    pub(super) fn of(config: &Config) -> Self {
        let mut knowledge = Self::default();
        knowledge.follow(config);
        knowledge
    }

    /// Turns to another configuration and forgets what it does not have.
    pub(super) fn follow(&mut self, config: &Config) {
        self.places = config.endpoints_indexed().map(|(ix, endpoint)| (endpoint.id, ix)).collect();
        let places = &self.places;
        let is_asked_for = |endpoint: &EndpointId, monitor: &MonitorId| {
            places.get(endpoint).is_some_and(|ix| monitor_of(config, *ix) == Some(*monitor))
        };
        self.known.retain(|(endpoint, monitor), _| is_asked_for(endpoint, monitor));
        self.round_trips.retain(|(endpoint, monitor), _| is_asked_for(endpoint, monitor));
    }

    /// Takes a report in, and logs it when it flips a verdict.
    pub(super) fn learn(&mut self, config: &Config, report: &Report, now: Timestamp) -> News {
        let Some(&ix) = self.places.get(&report.endpoint) else { return News::Nothing };
        if monitor_of(config, ix) != Some(report.monitor) {
            return News::Nothing;
        }
        let key = (report.endpoint, report.monitor);
        if let (FailureReason::NoFailures, Some(rtt_us)) =
            (report.health.reason, report.health.rtt_us)
        {
            let average = match self.round_trips.get(&key) {
                Some(average) if average.is_current(now, interval_ms(config, ix)) => {
                    average.with(rtt_us, now)
                }
                _ => MovingAverage::new(rtt_us, now),
            };
            self.round_trips.insert(key, average);
        }
        let before = self.known.insert(key, report.health).unwrap_or_default();
        if before.verdict != report.health.verdict {
            log_flip(config, ix, &report.health);
            News::Verdict
        } else if before != report.health {
            News::Detail
        } else {
            News::Nothing
        }
    }

    /// The conclusions for a configuration that [`Self::follow`] was called with.
    pub(super) fn health(&self, config: &Config, now: Timestamp) -> Health {
        let of = |ix| {
            let Some(monitor) = monitor_of(config, ix) else { return EndpointHealth::default() };
            self.known.get(&(config.endpoint(ix).id, monitor)).copied().unwrap_or_default()
        };
        Health::new(config, of).with_latencies(|pool| self.latency(config, pool, now))
    }

    /// How soon the probes of a pool's enabled healthy endpoints come back.
    fn latency(&self, config: &Config, pool: PoolIx, now: Timestamp) -> Option<Latency> {
        let averages = config.pool(pool).endpoints().filter_map(|ix| {
            let endpoint = config.endpoint(ix);
            let key = (endpoint.id, monitor_of(config, ix)?);
            let is_healthy = self.known.get(&key)?.verdict == Verdict::Healthy;
            let average = self.round_trips.get(&key)?;
            let counts =
                endpoint.enabled && is_healthy && average.is_current(now, interval_ms(config, ix));
            counts.then_some(*average)
        });
        profile(averages)
    }
}

/// Time between two probes of an endpoint; 0 without a monitor.
fn interval_ms(config: &Config, ix: EndpointIx) -> u32 {
    let pool = config.pool(config.endpoint(ix).pool);
    pool.voters().next().map_or(0, |member| config.monitor(member.monitor).interval_ms)
}

fn monitor_of(config: &Config, ix: EndpointIx) -> Option<MonitorId> {
    let pool = config.pool(config.endpoint(ix).pool);
    pool.voters().next().map(|member| config.monitor(member.monitor).id)
}

fn log_flip(config: &Config, ix: EndpointIx, health: &EndpointHealth) {
    let endpoint = config.endpoint(ix);
    let pool = &config.pool(endpoint.pool).name;
    let endpoint = &endpoint.name;
    match health.verdict {
        Verdict::Healthy => tracing::info!(%pool, %endpoint, "Endpoint became healthy."),
        Verdict::Unhealthy => {
            let reason = health.reason;
            tracing::warn!(%pool, %endpoint, %reason, "Endpoint became unhealthy.");
        }
        Verdict::Unknown => tracing::info!(%pool, %endpoint, "Endpoint's health became unknown."),
    }
}
