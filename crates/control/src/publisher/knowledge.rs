//! What is known of the endpoints' health, over the life of many configurations.

use std::collections::HashMap;

use evenkeel_decision::health::Report;
use evenkeel_model::{Config, EndpointHealth, EndpointId, EndpointIx, Health, MonitorId, Verdict};

/// The last report on every endpoint, as far as the configuration still asks for it.
///
/// A verdict belongs to the monitor that reached it: an endpoint whose pool gets another monitor is
/// unknown again, and what leaves the configuration is forgotten. Bounded by the configuration.
#[derive(Debug, Default)]
pub(super) struct Knowledge {
    places: HashMap<EndpointId, EndpointIx>,
    known: HashMap<(EndpointId, MonitorId), EndpointHealth>,
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
        self.known.retain(|(endpoint, monitor), _| {
            places.get(endpoint).is_some_and(|ix| monitor_of(config, *ix) == Some(*monitor))
        });
    }

    /// Takes a report in, and logs it when it flips a verdict.
    pub(super) fn learn(&mut self, config: &Config, report: &Report) -> News {
        let Some(&ix) = self.places.get(&report.endpoint) else { return News::Nothing };
        if monitor_of(config, ix) != Some(report.monitor) {
            return News::Nothing;
        }
        let key = (report.endpoint, report.monitor);
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
    pub(super) fn health(&self, config: &Config) -> Health {
        Health::new(config, |ix| {
            let Some(monitor) = monitor_of(config, ix) else { return EndpointHealth::default() };
            self.known.get(&(config.endpoint(ix).id, monitor)).copied().unwrap_or_default()
        })
    }
}

fn monitor_of(config: &Config, ix: EndpointIx) -> Option<MonitorId> {
    let pool = config.pool(config.endpoint(ix).pool);
    pool.monitor.map(|monitor| config.monitor(monitor).id)
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
