//! Sentences below a table: what makes a row void, and what a sceptic should know of the others.

use std::fs;
use std::path::Path;
use std::time::SystemTime;

use super::Row;
use crate::cores::Cores;
use crate::measure::Sample;
use crate::proxy::Proxy;
use crate::stats::Spread;

/// A core used more than this has nothing left to give.
const SATURATED: f64 = 0.95;

/// More than this of a core going elsewhere disturbs caches and clocks.
const FOREIGN_MAX: f64 = 0.05;

/// A spread wider than this, as a share of the median, is a machine that was not quiet.
const SPREAD_MAX: f64 = 0.2;

/// Notes on a measurement.
pub(super) fn measurements(rows: &[Row], baseline: &str) -> Vec<String> {
    let mut notes = Vec::new();
    if rows.iter().all(|row| row.name != baseline) {
        notes.push(format!("no ratios: {baseline} was not part of this run"));
    }
    for row in rows {
        let name = &row.name;
        if row.is_void() {
            notes.push(format!("{name} is void: {}", row.faults.join("; ")));
        }
        let median = |spread: Option<Spread>| spread.map_or(0.0, |s| s.median);
        let percent = |share: f64| format!("{:.0} %", share * 100.0);
        let is_pinned = row.samples.iter().all(|sample| sample.cores == Cores::One);
        let load = median(row.spread(|s| s.share(s.generator + s.endpoints)));
        let proxy = median(row.spread(|s| s.share(s.proxy.total)));
        if is_pinned && load > SATURATED && proxy < SATURATED {
            notes.push(format!(
                "{name}: load generator and endpoints used {} of core 1, the proxy only {} of core \
                 0: they set the requests/s, which are a floor; CPU per request stands",
                percent(load),
                percent(proxy)
            ));
        }
        let saturated = row.samples.iter().filter(|sample| sample.load.saturated).count();
        if saturated > 0 {
            notes.push(format!(
                "{name}: in {saturated} of {} rounds the load generator was late or at its limit by \
                 its own account: it has a part in the latencies",
                row.samples.len()
            ));
        }
        if let Some(lines) = row.samples.last().and_then(|sample| sample.lines) {
            notes.push(format!(
                "{name}: of {} requests of the last turn, warm-up included, {} have a line and {} \
                 were counted as dropped: every one is accounted for",
                lines.requests, lines.written, lines.dropped
            ));
        }
        let at_proxy = median(row.spread(Sample::foreign_at_proxy));
        let at_load = median(row.spread(Sample::foreign_at_load));
        if at_proxy.max(at_load) > FOREIGN_MAX {
            let (proxy, load) = (percent(at_proxy), percent(at_load));
            notes.push(if is_pinned {
                format!(
                    "{name}: {proxy} of core 0 and {load} of core 1 went to others or were stolen; \
                     repeat on a quiet machine"
                )
            } else {
                format!(
                    "{name}: {proxy} of the machine went to others or were stolen; repeat on a \
                     quiet one"
                )
            });
        }
        if let Some(Spread { median, min, max }) = row.spread(Sample::cpu_us_per_request)
            && (max - min) > SPREAD_MAX * median
        {
            let varies = (max - min) / median * 100.0;
            notes.push(format!(
                "{name}: CPU per request varies by {varies:.0} %: the machine was not quiet"
            ));
        }
    }
    notes
}

/// Builds of this tree older than its sources. Other builds (`--also`) are meant to be.
pub(super) fn stale(proxies: &[Proxy], repository: &Path) -> Vec<String> {
    let newest = newest_source(&repository.join("crates"));
    let mut binaries: Vec<&Path> = proxies.iter().filter_map(Proxy::binary).collect();
    binaries.dedup();
    binaries
        .into_iter()
        .filter(|path| path.starts_with(repository))
        .filter_map(|binary| {
            let built = fs::metadata(binary).and_then(|meta| meta.modified()).ok()?;
            (built < newest?).then(|| format!("{} is older than the sources", binary.display()))
        })
        .collect()
}

fn newest_source(folder: &Path) -> Option<SystemTime> {
    fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let path = entry.path();
            if path.is_dir() {
                newest_source(&path)
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                entry.metadata().and_then(|meta| meta.modified()).ok()
            } else {
                None
            }
        })
        .max()
}
