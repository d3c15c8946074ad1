//! The metrics page: what the workers and the monitors counted, and the view in short.

mod node;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use evenkeel_control::health::HealthStats;
use evenkeel_control::publisher::ConfigStats;
use evenkeel_model::{Live, PoolStatus, Timestamp, Verdict, View};
use evenkeel_monitor::Stats;
use evenkeel_net::unix_time_ms;
use evenkeel_proxy::{OutlierTable, Shared};
use evenkeel_telemetry::{Counter, DnsRegistry, Exposition, MetricKind, Registry, render_process};

use crate::records::Records;
use crate::serve::Upgrades;

/// What the page is made from.
#[derive(Debug, Clone)]
pub(crate) struct Sources {
    pub(crate) workers: Registry,
    /// `None` while there is no name server.
    pub(crate) dns: Option<DnsRegistry>,
    pub(crate) monitors: Arc<Stats>,
    pub(crate) health: Arc<HealthStats>,
    /// What workers share.
    pub(crate) shared: Shared,
    pub(crate) config: Arc<ConfigStats>,
    /// Times that a geographic database was read again.
    pub(crate) geo_reloads: Arc<Counter>,
    pub(crate) upgrades: Arc<Upgrades>,
    pub(crate) notifications: Arc<evenkeel_notify::Stats>,
    pub(crate) certificates: Arc<evenkeel_certificate::Stats>,
    pub(crate) records: Records,
    pub(crate) live: Live,
}

/// Writes the page.
pub(crate) fn render(sources: &Sources) -> String {
    let mut page = Exposition::default();
    page.metric("evenkeel_build_info", MetricKind::Gauge, "Always 1; the version is a label.");
    page.sample("evenkeel_build_info", &[("version", env!("CARGO_PKG_VERSION"))], 1);
    render_process(&mut page);
    sources.workers.render(&mut page);
    node::traffic(&mut page, &sources.workers, &sources.shared);
    if let Some(dns) = &sources.dns {
        dns.render(&mut page);
    }
    monitors(&mut page, &sources.monitors);
    health(&mut page, &sources.health);
    passive_health(&mut page, sources.shared.outliers.as_deref());
    notifications(&mut page, &sources.notifications);
    certificates(&mut page, &sources.certificates);
    sources.records.render(&mut page);
    node::memory(&mut page, &sources.shared, &sources.geo_reloads);
    node::config(&mut page, &sources.config);
    node::upgrades(&mut page, &sources.upgrades);
    view(&mut page, &sources.live.load());
    page.finish()
}

fn monitors(page: &mut Exposition, stats: &Stats) {
    let mut metric = |name, kind, help, value: &AtomicU64| {
        page.metric(name, kind, help);
        page.sample(name, &[], value.load(Ordering::Relaxed));
    };
    use MetricKind::{Counter, Gauge};
    metric("evenkeel_monitored_endpoints", Gauge, "Endpoints being probed.", &stats.endpoints);
    metric("evenkeel_probes_total", Counter, "Probes ended.", &stats.probes);
    metric(
        "evenkeel_probes_failed_total",
        Counter,
        "Probes that did not pass.",
        &stats.probes_failed,
    );
    metric(
        "evenkeel_probes_abstained_total",
        Counter,
        "Probes that this machine had no means for.",
        &stats.probes_abstained,
    );
    metric(
        "evenkeel_probe_ticks_skipped_total",
        Counter,
        "Probes left out because the one before still ran.",
        &stats.ticks_skipped,
    );
    metric(
        "evenkeel_probe_reports_dropped_total",
        Counter,
        "Probe reports the publisher had no room for.",
        &stats.reports_dropped,
    );
    let seconds = |micros: &AtomicU64| micros.load(Ordering::Relaxed) as f64 / 1e6;
    page.metric(
        "evenkeel_probe_lateness_seconds_total",
        Counter,
        "Time that probes began after they were due, of all probes together.",
    );
    page.sample("evenkeel_probe_lateness_seconds_total", &[], seconds(&stats.lateness_us_sum));
    page.metric(
        "evenkeel_probe_lateness_seconds_max",
        Gauge,
        "The longest that a probe began after it was due.",
    );
    page.sample("evenkeel_probe_lateness_seconds_max", &[], seconds(&stats.lateness_us_max));
}

fn health(page: &mut Exposition, stats: &HealthStats) {
    let mut metric = |name, kind, help, value: &AtomicU64| {
        page.metric(name, kind, help);
        page.sample(name, &[], value.load(Ordering::Relaxed));
    };
    use MetricKind::{Counter, Gauge};
    metric(
        "evenkeel_endpoints_silent",
        Gauge,
        "Endpoints that nobody has had a result of for too long; their last health stays.",
        &stats.endpoints_silent,
    );
    metric(
        "evenkeel_health_events_dropped_total",
        Counter,
        "Entries of the health event log that could not be written.",
        &stats.events_dropped,
    );
    metric(
        "evenkeel_health_occasions_missed_total",
        Counter,
        "Changes of health that came too fast to be notified of.",
        &stats.occasions_missed,
    );
    metric(
        "evenkeel_health_saves_failed_total",
        Counter,
        "Times that health could not be written down.",
        &stats.saves_failed,
    );
}

fn notifications(page: &mut Exposition, stats: &evenkeel_notify::Stats) {
    for (name, help, value) in [
        (
            "evenkeel_notifications_delivered_total",
            "Messages that their receiver took.",
            &stats.delivered,
        ),
        (
            "evenkeel_notifications_failed_total",
            "Messages given up after the last try.",
            &stats.failed,
        ),
        (
            "evenkeel_notifications_dropped_total",
            "Messages dropped because too many waited for their receiver.",
            &stats.dropped,
        ),
        ("evenkeel_notification_retries_total", "Tries after the first.", &stats.retries),
    ] {
        page.metric(name, MetricKind::Counter, help);
        page.sample(name, &[], value.get());
    }
}

fn certificates(page: &mut Exposition, stats: &evenkeel_certificate::Stats) {
    use MetricKind::{Counter, Gauge};
    let expiry = "evenkeel_certificate_expiry_timestamp_seconds";
    page.metric(
        expiry,
        Gauge,
        "When the life of a certificate shown to clients ends, in seconds since 1970.",
    );
    for shown in stats.shown().iter() {
        let labels = [("name", &*shown.name), ("origin", shown.origin.as_str())];
        page.sample(expiry, &labels, shown.not_after);
    }
    for (name, kind, help, value) in [
        (
            "evenkeel_certificate_files_broken",
            Gauge,
            "Files of certificates that cannot be used; what was read before stays.",
            &stats.files_broken,
        ),
        (
            "evenkeel_certificate_reloads_total",
            Counter,
            "Times that files of certificates were read again and used.",
            &stats.files_reloaded,
        ),
        (
            "evenkeel_acme_orders_total",
            Counter,
            "Certificates ordered from an authority.",
            &stats.orders,
        ),
        (
            "evenkeel_acme_orders_failed_total",
            Counter,
            "Orders that led to no certificate.",
            &stats.orders_failed,
        ),
        (
            "evenkeel_acme_hosts_waiting",
            Gauge,
            "Hosts that an authority has yet to give a first certificate for.",
            &stats.hosts_waiting,
        ),
    ] {
        page.metric(name, kind, help);
        page.sample(name, &[], value.get());
    }
}

fn passive_health(page: &mut Exposition, outliers: Option<&OutlierTable>) {
    let now = Timestamp(unix_time_ms());
    page.metric(
        "evenkeel_endpoints_ejected",
        MetricKind::Gauge,
        "Endpoints left alone for what real traffic met there.",
    );
    let ejected = outliers.map_or(0, |outliers| outliers.ejected(now));
    page.sample("evenkeel_endpoints_ejected", &[], ejected);
    page.metric(
        "evenkeel_ejections_total",
        MetricKind::Counter,
        "Times that an endpoint was left alone for what real traffic met there.",
    );
    page.sample("evenkeel_ejections_total", &[], outliers.map_or(0, OutlierTable::ejections));
}

fn view(page: &mut Exposition, view: &View) {
    page.metric(
        "evenkeel_view_revision",
        MetricKind::Gauge,
        "Grows with every change of configuration or health.",
    );
    page.sample("evenkeel_view_revision", &[], view.revision);
    page.metric("evenkeel_load_balancers", MetricKind::Gauge, "Load balancers configured.");
    page.sample("evenkeel_load_balancers", &[], view.config.load_balancers.len());
    page.metric(
        "evenkeel_pool_healthy",
        MetricKind::Gauge,
        "1 while the pool has enough healthy endpoints; pools without a result are left out.",
    );
    for (ix, pool) in (0..).map(evenkeel_model::PoolIx).zip(&view.config.pools) {
        let healthy = match view.health.pool(ix).status {
            PoolStatus::Healthy | PoolStatus::Degraded => 1,
            PoolStatus::Critical => 0,
            PoolStatus::Unknown | PoolStatus::Disabled => continue,
        };
        page.sample("evenkeel_pool_healthy", &[("pool", &pool.name)], healthy);
    }
    page.metric(
        "evenkeel_endpoint_healthy",
        MetricKind::Gauge,
        "1 while the endpoint passes its monitor; endpoints without a result are left out.",
    );
    for (ix, endpoint) in view.config.endpoints_indexed() {
        let healthy = match view.health.endpoint(ix).verdict {
            Verdict::Unknown => continue,
            Verdict::Healthy => 1,
            Verdict::Unhealthy => 0,
        };
        let pool = &view.config.pool(endpoint.pool).name;
        page.sample(
            "evenkeel_endpoint_healthy",
            &[("pool", pool), ("endpoint", &endpoint.name)],
            healthy,
        );
    }
}
