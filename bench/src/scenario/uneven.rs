//! One of four endpoints is ten times slower than the others: how soon do requests get answers, and
//! who gets the requests, under each way of choosing?
//!
//! Each endpoint has eight servers with exponential service times of 10 ms on average; the slow one
//! takes 100 ms. Together they can do 2,480 requests/s, of which the proxy needs a small part of a
//! core: what waits, waits at the endpoints. Requests come as those of independent users do.
//!
//! Who sends the slow endpoint a quarter of the requests sends it more than it can do: its queue
//! grows for as long as the turn lasts, and percentiles say how long that was.

use std::path::Path;

use serde_json::{Value, json};

use super::{Kind, Scenario};
use crate::args::Args;
use crate::cpu::TreeTime;
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
    about: "tail latency, one of four endpoints 10 × slower, at 70 and 90 % of their capacity",
    kind: Kind::Own(run),
};

const NAME: &str = "uneven-endpoints";

/// Shares of what all endpoints together can do.
const LOADS: [f64; 2] = [0.7, 0.9];

/// Who gives up after this many seconds counts in the percentiles with them.
const TIMEOUT_S: u32 = 5;

/// What the endpoints are started with.
const ENDPOINTS: [&str; 6] = ["--mean-ms", "10", "--concurrency", "8", "--slow", "10x"];

/// Connections: those whose answers are five seconds away hold theirs.
const OPTIONS: &[&str] = &["--connections", "8000"];

/// Ways of choosing: the name of the row, who does it, and what it is called there.
const CHOICES: [(&str, Product, &str); 9] = [
    (BASELINE, Product::Evenkeel, "random"),
    ("ours-least-outstanding", Product::Evenkeel, "least_outstanding_requests"),
    ("ours-least-connections", Product::Evenkeel, "least_connections"),
    ("ours-least-latency", Product::Evenkeel, "least_latency"),
    ("haproxy-random", Product::Haproxy, "random"),
    ("haproxy-leastconn", Product::Haproxy, "leastconn"),
    ("haproxy-roundrobin", Product::Haproxy, "roundrobin"),
    ("nginx-least-conn", Product::Nginx, "least_conn;"),
    ("nginx-random-two", Product::Nginx, "random two least_conn;"),
];

const BASELINE: &str = "ours-random";

/// One way of choosing under one load.
struct Row {
    name: &'static str,
    product: Product,
    policy: &'static str,
    load: f64,
    turns: Vec<Turn>,
    faults: Vec<String>,
}

/// One turn of it.
struct Turn {
    outcome: Outcome,
    /// Share of the requests that came to each endpoint, the slow one last.
    shares: [f64; COUNT],
    /// Of a core.
    proxy_cpu: f64,
}

impl Turn {
    fn p99_ms(&self) -> f64 {
        self.outcome.latency.p99_us as f64 / 1e3
    }

    /// The least and the most that one of the identical endpoints got, of what each should get.
    fn identical(&self) -> (f64, f64) {
        let alike = &self.shares[..COUNT - 1];
        let mean = alike.iter().sum::<f64>() / alike.len() as f64;
        let of_mean = alike.iter().map(|share| share / mean.max(f64::MIN_POSITIVE));
        of_mean.fold((f64::MAX, 0.0), |(least, most), share| (least.min(share), most.max(share)))
    }
}

fn run(args: &Args) -> Result<bool> {
    let wanted = |name: &str, product: Product| {
        args.only.is_empty() || args.only.iter().any(|o| o == name || o == product.as_str())
    };
    let mut rows = Vec::new();
    for load in LOADS {
        for (name, product, policy) in CHOICES {
            if wanted(name, product) {
                let (turns, faults) = (Vec::new(), Vec::new());
                rows.push(Row { name, product, policy, load, turns, faults });
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
                        "round {round}/{} {:.0} % {:<23} p99 {:8.1} ms, {:.1} % to the slow one",
                        args.rounds,
                        row.load * 100.0,
                        row.name,
                        turn.p99_ms(),
                        turn.shares[COUNT - 1] * 100.0
                    );
                    if turn.outcome.errors > 0 {
                        row.faults.push(turn.outcome.failures.clone());
                    }
                    row.turns.push(turn);
                }
                Err(failure) => row.faults.push(failure.to_string()),
            }
        }
    }
    print(args, &rows);
    keep(args, &rows)?;
    Ok(rows.iter().all(|row| row.faults.is_empty()))
}

/// One turn, everything started afresh; arrivals and service times are the same for all of a round.
fn measure(args: &Args, row: &Row, round: u32, dir: &Path) -> Result<Turn> {
    let mut options = ENDPOINTS.map(str::to_owned).to_vec();
    options.extend(["--seed".to_owned(), round.to_string()]);
    let endpoints = Endpoints::start(&options, args.cores, dir)?;
    let Some(capacity) = endpoints.capacity else {
        return Err(Failure::new("the endpoints tell no capacity"));
    };
    let pool = Pool::start(row.product, row.policy, endpoints.addresses, args, dir)?;
    let load = OpenLoop {
        rate: row.load * capacity,
        seconds: args.seconds,
        warm_up: args.warm_up,
        timeout: TIMEOUT_S,
        seed: round,
        options: OPTIONS,
    };
    let cpu_before = TreeTime::read(pool.process.id())?;
    let arrived_before = endpoints.arrived()?;
    let outcome = load.start(pool.http, args.cores, dir)?.finish()?;
    let arrived = endpoints.arrived()?;
    let used = TreeTime::read(pool.process.id())?.since(&cpu_before)?;
    let counts: [u64; COUNT] = std::array::from_fn(|n| arrived[n] - arrived_before[n]);
    let all = counts.iter().sum::<u64>().max(1) as f64;
    Ok(Turn {
        outcome,
        shares: counts.map(|count| count as f64 / all),
        proxy_cpu: used.total.as_secs_f64() / f64::from(args.seconds + args.warm_up),
    })
}

impl Row {
    fn median(&self, value: impl Fn(&Turn) -> f64) -> f64 {
        Spread::of(self.turns.iter().map(value)).map_or(f64::NAN, |spread| spread.median)
    }

    /// Of the 99th percentiles, round by round.
    fn ratio(&self, base: Option<&Self>) -> Option<Spread> {
        let base = base.filter(|base| base.faults.is_empty() && self.faults.is_empty())?;
        let p99s = |row: &Self| row.turns.iter().map(Turn::p99_ms).collect::<Vec<_>>();
        Spread::of_ratios(&p99s(self), &p99s(base))
    }

    fn identical(&self) -> (f64, f64) {
        let each = self.turns.iter().map(Turn::identical);
        each.fold((f64::MAX, 0.0), |(least, most), (l, m)| (least.min(l), most.max(m)))
    }
}

fn base<'a>(args: &Args, rows: &'a [Row], load: f64) -> Option<&'a Row> {
    let name = args.baseline.as_deref().unwrap_or(BASELINE);
    rows.iter().find(|row| row.name == name && row.load == load)
}

fn print(args: &Args, rows: &[Row]) {
    println!(
        "\n{NAME}: {}\n{} × {} s after {} s, cores {}\n{}",
        SCENARIO.about,
        args.rounds,
        args.seconds,
        args.warm_up,
        args.cores.as_str(),
        machine::line()
    );
    for product in [Product::Evenkeel, Product::Haproxy, Product::Nginx] {
        if rows.iter().any(|row| row.product == product) {
            println!("  {}: {}", product.as_str(), product.version(args));
        }
    }
    for load in LOADS {
        println!("\n{:.0} % of the endpoints' capacity\n", load * 100.0);
        print!("{}", table(args, rows, load));
    }
    println!();
    for row in rows {
        if !row.faults.is_empty() {
            println!("note: {} is void: {}", row.name, row.faults.join("; "));
        }
        let saturated = row.turns.iter().find(|turn| !turn.outcome.saturation.is_empty());
        if let Some(turn) = saturated {
            let (name, why) = (row.name, &turn.outcome.saturation);
            println!("note: {name} at {:.0} %: the generator {why}", row.load * 100.0);
        }
    }
}

fn table(args: &Args, rows: &[Row], load: f64) -> report::Table {
    let against = format!("p99 ÷ {}", args.baseline.as_deref().unwrap_or(BASELINE));
    let mut table = report::Table::new(&[
        "choice",
        "p50 ms",
        "p90 ms",
        "p99 ms",
        "p99.9 ms",
        &against,
        "to the slow one",
        "to each other one, of its share",
        "given up",
        "requests",
        "errors",
        "proxy",
    ]);
    for row in rows.iter().filter(|row| row.load == load) {
        let ms = |value: fn(&Turn) -> u64| format!("{:.1}", row.median(|t| value(t) as f64 / 1e3));
        let sum = |value: fn(&Turn) -> u64| row.turns.iter().map(value).sum::<u64>().to_string();
        let (least, most) = row.identical();
        table.add(vec![
            row.name.to_owned(),
            ms(|turn| turn.outcome.latency.p50_us),
            ms(|turn| turn.outcome.latency.p90_us),
            ms(|turn| turn.outcome.latency.p99_us),
            ms(|turn| turn.outcome.latency.p999_us),
            row.ratio(base(args, rows, load)).map_or_else(
                || "–".to_owned(),
                |s| format!("{:.3} ({:.3}–{:.3})", s.median, s.min, s.max),
            ),
            format!("{:.1} %", row.median(|turn| turn.shares[COUNT - 1]) * 100.0),
            format!("{least:.2}–{most:.2}"),
            sum(|turn| turn.outcome.given_up),
            sum(|turn| turn.outcome.requests),
            sum(|turn| turn.outcome.errors),
            format!("{:.0} %", row.median(|turn| turn.proxy_cpu) * 100.0),
        ]);
    }
    table
}

fn keep(args: &Args, rows: &[Row]) -> Result<()> {
    let kept = rows.iter().map(|row| {
        let (least, most) = row.identical();
        let ratio = row.ratio(base(args, rows, row.load));
        let turns = row.turns.iter().map(|turn| {
            let latency = turn.outcome.latency;
            json!({
                "latency_us": {
                    "p50": latency.p50_us, "p90": latency.p90_us, "p99": latency.p99_us,
                    "p99.9": latency.p999_us, "max": latency.max_us,
                },
                "requests": turn.outcome.requests, "errors": turn.outcome.errors,
                "given_up": turn.outcome.given_up, "shares": turn.shares,
                "proxy_cpu_share": turn.proxy_cpu, "generator": turn.outcome.saturation,
            })
        });
        json!({
            "choice": row.name, "policy": row.policy, "load": row.load, "void": row.faults,
            "p99_ratio": ratio.map(|s| json!({"median": s.median, "min": s.min, "max": s.max})),
            "identical": {"min": least, "max": most},
            "turns": turns.collect::<Vec<_>>(),
        })
    });
    let rows = Value::from(kept.collect::<Vec<_>>());
    let header = json!({
        "scenario": NAME, "machine": machine::facts(), "rounds": args.rounds,
        "seconds": args.seconds, "cores": args.cores.as_str(), "endpoints": ENDPOINTS,
    });
    report::keep_rows(NAME, header, args.json.as_deref(), rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::Latency;

    #[test]
    fn shares_of_the_identical_ones_are_of_their_mean() {
        let latency = Latency { p50_us: 1, p90_us: 2, p99_us: 3_000, p999_us: 4, max_us: 5 };
        let outcome = Outcome {
            requests: 1,
            errors: 0,
            stale: 0,
            given_up: 0,
            failures: String::new(),
            latency,
            saturation: String::new(),
        };
        let turn = Turn { outcome, shares: [0.2, 0.3, 0.4, 0.1], proxy_cpu: 0.1 };
        let (least, most) = turn.identical();
        assert!((least - 2.0 / 3.0).abs() < 1e-9 && (most - 4.0 / 3.0).abs() < 1e-9);
        assert_eq!(turn.p99_ms(), 3.0);
    }
}
