//! What is printed of a run: a table to read, or JSON to calculate with.

use serde_json::{Map, Value, json};

use crate::args::{Load, Loop, Protocol};
use crate::outcome::Kind;
use crate::run::Finished;
use crate::tally::{Durations, Percentiles};
use crate::transport::Handshakes;

/// The run as one object; durations are microseconds.
pub fn json(load: &Load, run: &Finished) -> Value {
    let tally = &run.tally;
    let statuses: Map<String, Value> =
        tally.statuses.iter().map(|(status, count)| (status.to_string(), json!(count))).collect();
    let failures: Map<String, Value> = Kind::ALL
        .iter()
        .filter_map(|kind| Some((kind.as_str().to_owned(), json!(tally.failures.get(kind)?))))
        .collect();
    let counters = &run.counters;
    let words: Map<String, Value> = counters
        .words
        .borrow()
        .iter()
        .map(|(kind, words)| (kind.as_str().to_owned(), json!(words)))
        .collect();
    let saturation = tally.saturation(run.cpu_share);
    json!({
        "load": asked(load),
        "seconds": run.duration.as_secs_f64(),
        "requests": tally.requests,
        "responses": tally.responses,
        "responses_per_second": rate(run),
        "errors": tally.errors(),
        "failures": failures,
        "first_words": words,
        "statuses": statuses,
        "body_bytes": tally.body_bytes,
        "latency_us": durations(&tally.latency),
        "service_us": durations(&tally.service),
        "warm_up_errors": tally.warm_up_errors,
        "connections_opened": counters.connections.get(),
        "handshakes": {
            "resumed": counters.handshakes_resumed.get(),
            "full": counters.handshakes_full.get(),
        },
        "retries": {
            "stale": counters.retries_stale.get(),
            "refused": counters.retries_refused.get(),
        },
        "waited_for_a_connection": counters.waits.get(),
        "generator": {
            "cpu_share": run.cpu_share,
            "lateness_us": durations(&tally.lateness),
            "saturated": !saturation.is_empty(),
            "because": saturation,
        },
    })
}

fn asked(load: &Load) -> Value {
    let (kind, rate, arrivals) = match load.kind {
        Loop::Open { rate, arrivals } => ("open", json!(rate), json!(arrivals.as_str())),
        Loop::Closed => ("closed", Value::Null, Value::Null),
    };
    json!({
        "protocol": protocol(load),
        "tls": match (load.url.tls, load.handshakes) {
            (false, _) => Value::Null,
            (true, Handshakes::Resumed) => json!("resumed"),
            (true, Handshakes::Full) => json!("full"),
        },
        "loop": kind,
        "rate": rate,
        "arrivals": arrivals,
        "connections": if load.new_connections { Value::Null } else { json!(load.connections) },
        "streams": match load.protocol {
            Protocol::Http1 => Value::Null,
            Protocol::Http2 => json!(load.streams),
        },
        "warm_up_seconds": load.warm_up.as_secs_f64(),
        "seed": load.seed,
    })
}

fn protocol(load: &Load) -> &'static str {
    match load.protocol {
        Protocol::Http1 if load.websocket => "websocket",
        Protocol::Http1 => "h1",
        Protocol::Http2 => "h2",
    }
}

fn rate(run: &Finished) -> f64 {
    run.tally.responses as f64 / run.duration.as_secs_f64().max(1e-9)
}

fn durations(durations: &Durations) -> Value {
    durations.percentiles().map_or(Value::Null, |p| {
        json!({
            "mean": p.mean, "p50": p.p50, "p90": p.p90, "p99": p.p99, "p99.9": p.p999, "max": p.max,
        })
    })
}

/// The run for a person.
pub fn text(load: &Load, run: &Finished) -> String {
    let tally = &run.tally;
    let mut lines = vec![format!(
        "{} requests, {} responses in {:.2} s: {:.1}/s, {} errors",
        tally.requests,
        tally.responses,
        run.duration.as_secs_f64(),
        rate(run),
        tally.errors()
    )];
    let mut counts: Vec<String> =
        tally.statuses.iter().map(|(status, count)| format!("status {status}: {count}")).collect();
    counts.extend(tally.failures.iter().map(|(kind, count)| format!("{}: {count}", kind.as_str())));
    if tally.warm_up_errors > 0 {
        counts.push(format!("errors while warming up: {}", tally.warm_up_errors));
    }
    lines.push(counts.join(", "));
    for (kind, words) in run.counters.words.borrow().iter() {
        lines.push(format!("{}, the first: {words}", kind.as_str()));
    }
    lines.push(format!(
        "{:<24}{:>10}{:>10}{:>10}{:>10}{:>10}",
        "ms", "p50", "p90", "p99", "p99.9", "max"
    ));
    let whence = match load.kind {
        Loop::Open { .. } => "from the meant moment",
        Loop::Closed => "from asking to answer",
    };
    lines.extend(row(whence, &tally.latency));
    lines.extend(row("on the connection", &tally.service));
    lines.extend(row("sent late by", &tally.lateness));
    let counters = &run.counters;
    lines.push(format!(
        "{} connections ({} handshakes resumed, {} full), {} requests waited for one, sent again: \
         {} stale, {} refused",
        counters.connections.get(),
        counters.handshakes_resumed.get(),
        counters.handshakes_full.get(),
        counters.waits.get(),
        counters.retries_stale.get(),
        counters.retries_refused.get()
    ));
    lines.push(format!("generator: {:.0} % of a core", run.cpu_share * 100.0));
    for reason in tally.saturation(run.cpu_share) {
        lines.push(format!("SATURATED: the generator {reason}"));
    }
    lines.join("\n") + "\n"
}

fn row(name: &str, durations: &Durations) -> Option<String> {
    let Percentiles { p50, p90, p99, p999, max, .. } = durations.percentiles()?;
    let cells = [p50, p90, p99, p999, max].map(|us| format!("{:>10.2}", us as f64 / 1e3));
    Some(format!("{name:<24}{}", cells.concat()))
}
