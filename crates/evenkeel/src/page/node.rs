//! The node itself on the metrics page: its configuration, what it remembers, and how busy its
//! endpoints are now.

use std::sync::atomic::Ordering;

use evenkeel_control::publisher::ConfigStats;
use evenkeel_decision::Loads;
use evenkeel_model::EndpointId;
use evenkeel_proxy::Shared;
use evenkeel_telemetry::{Counter, EndpointLoad, Exposition, MetricKind, Registry};

use crate::serve::Upgrades;

/// Load balancers, pools and endpoints by their traffic.
pub(super) fn traffic(page: &mut Exposition, workers: &Registry, shared: &Shared) {
    let load = |id: u128| {
        // What is counted together has no identifier, and none that fits.
        let load = u64::try_from(id).map(|id| shared.loads.endpoint(EndpointId(id)));
        let load = load.unwrap_or_default();
        EndpointLoad { requests: load.requests.into(), connections: load.connections.into() }
    };
    workers.render_traffic(&load, page);
}

/// The configuration in force.
pub(super) fn config(page: &mut Exposition, stats: &ConfigStats) {
    use MetricKind::Gauge;
    let of = |value: &std::sync::atomic::AtomicU64| value.load(Ordering::Relaxed);
    page.metric(
        "evenkeel_config_problems",
        Gauge,
        "What is wrong with documents; each is named in the log, and the rest is in force.",
    );
    page.sample("evenkeel_config_problems", &[], of(&stats.problems));
    page.metric("evenkeel_config_revision", Gauge, "The revision of the documents in force.");
    page.sample("evenkeel_config_revision", &[], of(&stats.revision));
    page.metric(
        "evenkeel_config_changed_timestamp_seconds",
        Gauge,
        "When the documents in force were read, in seconds since 1970.",
    );
    let changed_at_s = of(&stats.changed_at_ms) as f64 / 1e3;
    page.sample("evenkeel_config_changed_timestamp_seconds", &[], changed_at_s);
}

/// What the node remembers and reads again.
pub(super) fn memory(page: &mut Exposition, shared: &Shared, geo_reloads: &Counter) {
    page.metric(
        "evenkeel_sessions_kept",
        MetricKind::Gauge,
        "Sessions by request headers that are remembered, expired ones that nobody asked for included.",
    );
    page.sample("evenkeel_sessions_kept", &[], shared.sessions.len());
    page.metric(
        "evenkeel_geo_reloads_total",
        MetricKind::Counter,
        "Times that a geographic database was read again and used.",
    );
    page.sample("evenkeel_geo_reloads_total", &[], geo_reloads.get());
}

/// How processes took over from each other.
pub(super) fn upgrades(page: &mut Exposition, upgrades: &Upgrades) {
    page.metric(
        "evenkeel_upgrades_total",
        MetricKind::Counter,
        "Upgrades of this service since its first process, by how they ended.",
    );
    for (result, number) in upgrades.all() {
        page.sample("evenkeel_upgrades_total", &[("result", result)], number);
    }
}
