//! An entry of the event log: a pool as it was right after its health, or that of some of its
//! endpoints, changed (behaviour.md 7.12, api.md 2.9). Endpoints of a pool that change together
//! share an entry.

use evenkeel_api::HealthEvent;
use evenkeel_api::health_event::{EventMonitor, EventOrigin, EventPool};
use evenkeel_decision::health::ledger::PoolChange;
use evenkeel_decision::health::status;
use evenkeel_model::{
    Address, Config, EndpointHealth, EndpointIx, Health, MonitorIx, PoolMonitor, Timestamp, Verdict,
};

use crate::ids;

/// The stream of the store's journal that the event log is. Bodies are [`HealthEvent`]s as JSON,
/// whose `id` is the entry's sequence and is filled in by who reads them.
pub const HEALTH_EVENTS: &str = "health_event";

/// What is known at the time of an event.
pub(crate) struct Findings<'a, F> {
    /// The configuration that the change's places are of.
    pub(crate) config: &'a Config,
    /// What the installation has found, all monitors together.
    pub(crate) health: &'a Health,
    /// What one monitor has found of an endpoint.
    pub(crate) by_monitor: F,
}

/// The entry for a change.
pub(crate) fn describe(
    change: &PoolChange,
    findings: &Findings<'_, impl Fn(EndpointIx, MonitorIx) -> EndpointHealth>,
    now: Timestamp,
) -> HealthEvent {
    let Findings { config, health, .. } = findings;
    let pool = config.pool(change.pool);
    let has_changed = |ix| change.endpoints.iter().any(|(place, _)| *place == ix);
    let origin = |ix| {
        let endpoint = config.endpoint(ix);
        let known = health.endpoint(ix);
        EventOrigin {
            name: endpoint.name.clone(),
            address: endpoint.address.to_string(),
            ip: match &endpoint.address {
                Address::Ip(ip) => Some(ip.to_string()),
                Address::Name(_) => None,
            },
            enabled: endpoint.enabled,
            healthy: known.verdict == Verdict::Healthy,
            changed: has_changed(ix),
            failure_reason: known.reason.to_string(),
            response_code: known.response_code,
            monitors: monitors(ix, pool.monitors(), findings),
        }
    };
    HealthEvent {
        id: 0,
        timestamp: ids::rfc3339(now),
        pool: EventPool {
            id: pool.id.to_string(),
            name: pool.name.clone(),
            healthy: status::is_pool_healthy(health, change.pool) == Some(true),
            changed: change.health.is_some(),
            minimum_origins: pool.endpoints_min,
        },
        origins: pool.endpoints().map(origin).collect(),
    }
}

/// What each member of a group has found; nothing for a pool with a plain monitor.
fn monitors(
    ix: EndpointIx,
    members: &[PoolMonitor],
    findings: &Findings<'_, impl Fn(EndpointIx, MonitorIx) -> EndpointHealth>,
) -> Vec<EventMonitor> {
    if let [only] = members
        && *only == PoolMonitor::plain(only.monitor)
    {
        return Vec::new();
    }
    let monitor = |member: &PoolMonitor| {
        let found = (findings.by_monitor)(ix, member.monitor);
        EventMonitor {
            id: findings.config.monitor(member.monitor).id.to_string(),
            healthy: found.verdict == Verdict::Healthy,
            failure_reason: found.reason.to_string(),
            response_code: found.response_code,
            must_be_healthy: member.must_be_healthy,
            monitoring_only: member.monitoring_only,
        }
    };
    members.iter().map(monitor).collect()
}
