//! Configuration changes while requests come: who loses some, and what does the tail look like?
//! Each turn has a quiet part and one with changes, on connections that stay and then on a new one
//! for every request.
//!
//! A change switches one of four endpoints off or on again. Ours is told by its API, ten times a
//! second; HAProxy (SIGUSR2 to its master process) and nginx (SIGHUP) read a new file once a second,
//! because each reload starts processes that outlive it. The last row replaces our process itself.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use super::{Kind, Scenario};
use crate::args::Args;
use crate::failure::{Failure, Result};
use crate::machine;
use crate::report;
use crate::rundir::RunDir;
use crate::stats::Spread;
use crate::tail::endpoints::{COUNT, Endpoints};
use crate::tail::load::{OpenLoop, Outcome};
use crate::tail::pool::{self, Pool, Product};

pub(super) const SCENARIO: Scenario = Scenario {
    name: NAME,
    about: "errors and tails at a fixed rate while the configuration changes",
    kind: Kind::Own(run),
};

const NAME: &str = "reload-under-load";

/// Requests per second: some tenths of what one core can do, so that changes have room.
const RATE: f64 = 1_000.0;

/// Seconds that a request is waited for.
const TIMEOUT_S: u32 = 10;

/// How connections are used: the word in the table, and the generator's options.
const CONNECTIONS: [(&str, &[&str]); 2] = [
    ("kept", &["--connections", "64", "--spread"]),
    ("new", &["--connections", "1000", "--new-connections"]),
];

/// Who is changed how, and how often.
const CHANGES: [(&str, Product, Change, Duration); 4] = [
    ("ours-api", Product::Evenkeel, Change::Endpoint, Duration::from_millis(100)),
    ("ours-upgrade", Product::Evenkeel, Change::Binary, Duration::from_secs(1)),
    ("haproxy-reload", Product::Haproxy, Change::Endpoint, Duration::from_secs(1)),
    ("nginx-reload", Product::Nginx, Change::Endpoint, Duration::from_secs(1)),
];

/// What an endpoint that is switched off every other time may get of what the others get: half is
/// expected; draining processes send it some more.
const EFFECT_MAX: f64 = 0.85;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    /// One of the endpoints is switched off, or on again.
    Endpoint,
    /// Another process takes over.
    Binary,
}

/// One way of changing, on one kind of connections.
struct Row {
    name: &'static str,
    product: Product,
    change: Change,
    pause: Duration,
    connections: &'static str,
    options: &'static [&'static str],
    turns: Vec<Turn>,
    faults: Vec<String>,
}

struct Turn {
    quiet: Outcome,
    changing: Outcome,
    changes: u32,
}

fn run(args: &Args) -> Result<bool> {
    let wanted = |name: &str, product: Product| {
        args.only.is_empty() || args.only.iter().any(|o| o == name || o == product.as_str())
    };
    let mut rows = Vec::new();
    for (connections, options) in CONNECTIONS {
        for (name, product, change, pause) in CHANGES {
            if wanted(name, product) {
                let (turns, faults) = (Vec::new(), Vec::new());
                rows.push(Row {
                    name,
                    product,
                    change,
                    pause,
                    connections,
                    options,
                    turns,
                    faults,
                });
            }
        }
    }
    pool::prepare(args, rows.iter().map(|row| row.product))?;
    let dir = RunDir::create()?;
    for round in 1..=args.rounds {
        for row in rows.iter_mut().filter(|row| row.faults.is_empty()) {
            match measure(args, row, round, &dir.sub(row.name)?) {
                Ok(turn) => {
                    eprintln!(
                        "round {round}/{} {:<4} {:<14} {:3} changes, {} errors {}, p99.9 {:.1} ms",
                        args.rounds,
                        row.connections,
                        row.name,
                        turn.changes,
                        turn.changing.errors + turn.changing.given_up,
                        turn.changing.failures,
                        turn.changing.latency.p999_us as f64 / 1e3
                    );
                    row.turns.push(turn);
                }
                Err(failure) => row.faults.push(failure.to_string()),
            }
        }
    }
    print(args, &rows);
    keep(args, &rows)?;
    // Errors while changing are what is measured; without changes there are none.
    let quiet_errors = |row: &Row| row.turns.iter().any(|t| t.quiet.errors + t.quiet.given_up > 0);
    Ok(!rows.iter().any(|row| !row.faults.is_empty() || quiet_errors(row)))
}

fn measure(args: &Args, row: &Row, round: u32, dir: &Path) -> Result<Turn> {
    let options = ["--service", "none"].map(str::to_owned);
    let endpoints = Endpoints::start(&options, args.cores, dir)?;
    let policy = match row.product {
        Product::Evenkeel => "random",
        Product::Haproxy => "roundrobin",
        Product::Nginx => "",
    };
    let mut pool = Pool::start(row.product, policy, endpoints.addresses, args, dir)?;
    let load = OpenLoop {
        rate: RATE,
        seconds: args.seconds,
        warm_up: args.warm_up,
        timeout: TIMEOUT_S,
        seed: round,
        options: row.options,
    };
    let quiet = load.start(pool.http, args.cores, dir)?.finish()?;
    let mut running = OpenLoop { warm_up: 0, ..load }.start(pool.http, args.cores, dir)?;
    let before = endpoints.arrived()?;
    let mut changes = 0;
    while running.goes_on(row.pause)? {
        match row.change {
            Change::Endpoint => pool.change(changes % 2 == 0)?,
            Change::Binary => pool.upgrade()?,
        }
        changes += 1;
    }
    let changing = running.finish()?;
    let after = endpoints.arrived()?;
    let counts: [u64; COUNT] = std::array::from_fn(|n| after[n] - before[n]);
    if row.change == Change::Endpoint && !had_effect(counts) {
        return Err(Failure::new(format!("{changes} changes had no effect: {counts:?} requests")));
    }
    Ok(Turn { quiet, changing, changes })
}

/// Whether the endpoint that was off for half of the time got visibly less than the others.
fn had_effect(counts: [u64; COUNT]) -> bool {
    let others = counts[..COUNT - 1].iter().sum::<u64>() as f64 / (COUNT - 1) as f64;
    (counts[COUNT - 1] as f64) < EFFECT_MAX * others
}

fn print(args: &Args, rows: &[Row]) {
    println!(
        "\n{NAME}: {}\n{RATE} requests/s, {} × {} s quiet and {} s with changes, cores {}\n{}",
        SCENARIO.about,
        args.rounds,
        args.seconds,
        args.seconds,
        args.cores.as_str(),
        machine::line()
    );
    for product in [Product::Evenkeel, Product::Haproxy, Product::Nginx] {
        if rows.iter().any(|row| row.product == product) {
            println!("  {}: {}", product.as_str(), product.version(args));
        }
    }
    println!();
    let mut table = report::Table::new(&[
        "what changes",
        "connections",
        "changes",
        "requests",
        "errors",
        "of these stale",
        "p50 ms",
        "p99 ms",
        "p99.9 ms",
        "longest ms",
        "p99 ms quiet",
        "p99.9 ms quiet",
    ]);
    for row in rows {
        let sum = |value: fn(&Turn) -> u64| row.turns.iter().map(value).sum::<u64>().to_string();
        let ms = |value: fn(&Turn) -> u64| {
            let all = Spread::of(row.turns.iter().map(|turn| value(turn) as f64 / 1e3));
            all.map_or_else(|| "–".to_owned(), |spread| format!("{:.2}", spread.median))
        };
        table.add(vec![
            row.name.to_owned(),
            row.connections.to_owned(),
            sum(|turn| u64::from(turn.changes)),
            sum(|turn| turn.changing.requests),
            sum(|turn| turn.changing.errors + turn.changing.given_up),
            sum(|turn| turn.changing.stale),
            ms(|turn| turn.changing.latency.p50_us),
            ms(|turn| turn.changing.latency.p99_us),
            ms(|turn| turn.changing.latency.p999_us),
            ms(|turn| turn.changing.latency.max_us),
            ms(|turn| turn.quiet.latency.p99_us),
            ms(|turn| turn.quiet.latency.p999_us),
        ]);
    }
    print!("{table}");
    println!();
    for row in rows {
        if !row.faults.is_empty() {
            println!("note: {} ({}) is void: {}", row.name, row.connections, row.faults.join("; "));
        }
        for turn in &row.turns {
            for (part, outcome) in [("quiet", &turn.quiet), ("with changes", &turn.changing)] {
                if outcome.errors + outcome.given_up > 0 {
                    let (name, connections) = (row.name, row.connections);
                    println!("note: {name} ({connections}), {part}: {}", outcome.failures);
                }
                if !outcome.saturation.is_empty() {
                    let why = &outcome.saturation;
                    println!(
                        "note: {} ({}), {part}: the generator {why}",
                        row.name, row.connections
                    );
                }
            }
        }
    }
}

fn keep(args: &Args, rows: &[Row]) -> Result<()> {
    let part = |outcome: &Outcome| {
        let latency = outcome.latency;
        json!({
            "requests": outcome.requests, "errors": outcome.errors, "stale": outcome.stale,
            "given_up": outcome.given_up, "failures": outcome.failures,
            "latency_us": {
                "p50": latency.p50_us, "p90": latency.p90_us, "p99": latency.p99_us,
                "p99.9": latency.p999_us, "max": latency.max_us,
            },
            "generator": outcome.saturation,
        })
    };
    let kept = rows.iter().map(|row| {
        let turns = row.turns.iter().map(|turn| {
            json!({
                "changes": turn.changes, "quiet": part(&turn.quiet),
                "changing": part(&turn.changing),
            })
        });
        json!({
            "row": row.name, "connections": row.connections, "void": row.faults,
            "turns": turns.collect::<Vec<_>>(),
        })
    });
    let rows = Value::from(kept.collect::<Vec<_>>());
    let header = json!({
        "scenario": NAME, "machine": machine::facts(), "rounds": args.rounds,
        "seconds": args.seconds, "cores": args.cores.as_str(), "requests_per_second": RATE,
    });
    report::keep_rows(NAME, header, args.json.as_deref(), rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_seen_at_the_endpoint_that_was_off() {
        assert!(had_effect([100, 100, 100, 50]));
        assert!(!had_effect([100, 100, 100, 95]));
        assert!(!had_effect([0, 0, 0, 0]));
    }
}
