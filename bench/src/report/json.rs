//! The results file: the header, the medians, and every turn, so that others can do their own sums.

use std::path::Path;

use serde_json::{Map, Value, json};

use super::Row;
use crate::args::Args;
use crate::machine;
use crate::measure::{OwnMetrics, Sample};
use crate::shape::Shape;
use crate::stats::Spread;
use crate::strace::Count;

/// Scenario, options, machine and versions.
pub(super) fn header(
    args: &Args,
    shape: &Shape,
    versions: &[(String, String)],
    repository: &Path,
) -> Value {
    let versions: Map<String, Value> =
        versions.iter().map(|(name, version)| (name.clone(), json!(version))).collect();
    json!({
        "scenario": shape.name,
        "about": shape.about,
        "details": shape.details(),
        "connections": shape.connections,
        "hosts": shape.hosts,
        "cores": args.cores.as_str(),
        "rounds": args.rounds,
        "seconds": args.seconds,
        "warm_up_seconds": args.warm_up,
        "affinity": shape.affinity.as_str(),
        "monitors": shape.monitors,
        "access_log": shape.access_log.is_on(),
        "baseline": args.baseline.as_deref().unwrap_or(shape.baseline),
        "commit": machine::commit(repository),
        "machine": machine::facts(),
        "versions": versions,
    })
}

/// One object per proxy.
pub(super) fn rows(rows: &[Row], baseline: &str) -> Value {
    let base = rows.iter().find(|row| row.name == baseline);
    rows.iter()
        .map(|row| {
            let rate = |sample: &Sample| sample.load.rate();
            json!({
                "proxy": row.name,
                "void": row.faults,
                "cpu_us_per_request": spread(row.spread(Sample::cpu_us_per_request)),
                "cpu_ratio": spread(row.ratio(base, Sample::cpu_us_per_request)),
                "requests_per_second": spread(row.spread(rate)),
                "requests_per_second_ratio": spread(row.ratio(base, rate)),
                "p99_ratio": spread(row.ratio_of_p99(base)),
                "turns": row.samples.iter().map(turn).collect::<Vec<_>>(),
            })
        })
        .collect()
}

/// One object per proxy whose system calls were counted.
pub(super) fn counts(counts: &[Count]) -> Value {
    counts
        .iter()
        .map(|count| {
            json!({
                "proxy": count.name,
                "void": count.faults,
                "requests": count.requests,
                "socket_calls_per_request": count.socket_calls_per_request(),
                "calls": count.calls,
                "endpoint_connections": count.arrived.connections,
                "endpoint_requests": count.arrived.requests,
                "own_reuse": count.own_metrics.map(OwnMetrics::reuse),
            })
        })
        .collect()
}

fn spread(spread: Option<Spread>) -> Value {
    spread.map_or(Value::Null, |s| json!({"median": s.median, "min": s.min, "max": s.max}))
}

/// One turn; shares are of a core, 0 to 1.
fn turn(sample: &Sample) -> Value {
    let latency = sample.load.latency.map(|latency| {
        json!({
            "p50": latency.p50_us, "p90": latency.p90_us, "p99": latency.p99_us,
            "p99.9": latency.p999_us, "max": latency.max_us,
        })
    });
    json!({
        "cpu_us_per_request": sample.cpu_us_per_request(),
        "kernel_share": sample.proxy.kernel_share,
        "requests": sample.load.requests,
        "requests_per_second": sample.load.rate(),
        "errors": sample.load.errors,
        "latency_us": latency,
        "proxy_cpu_share": sample.share(sample.proxy.total),
        "generator_saturated": sample.load.saturated,
        "generator_cpu_share": sample.share(sample.generator),
        "endpoint_cpu_share": sample.share(sample.endpoints),
        "proxy_core": {"busy": sample.proxy_core.busy, "steal": sample.proxy_core.steal},
        "load_core": {"busy": sample.load_core.busy, "steal": sample.load_core.steal},
        "endpoint_connections": sample.arrived.connections,
        "endpoint_requests": sample.arrived.requests,
        "reuse": sample.reuse(),
        "own_reuse": sample.own_metrics.map(OwnMetrics::reuse),
        "log": sample.lines.map(|lines| json!({
            "requests": lines.requests, "lines": lines.written, "dropped": lines.dropped,
        })),
        "void": sample.faults,
    })
}
