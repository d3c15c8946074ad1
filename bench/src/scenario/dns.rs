//! Names that load balancers answer, over UDP: what a query costs a name server, beside others.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use super::{Kind, Scenario};
use crate::args::Args;
use crate::cores::{Cores, LOAD_CORE, PROXY_CORE};
use crate::cpu::{CoreTime, TreeTime};
use crate::endpoint::Endpoints;
use crate::failure::{Context, Failure, Result};
use crate::machine;
use crate::name_server::{self, Job, NameServer, SUBNET_OPTION, Steering, host};
use crate::process::{self, Process};
use crate::report;
use crate::rundir::RunDir;
use crate::setup;
use crate::stats::Spread;

pub(super) const WEIGHTED: Scenario = Scenario {
    name: "dns-weighted",
    about: "DNS over UDP, one name, one of three weighted endpoints with health, one thread",
    kind: Kind::Own(|args| run(args, "dns-weighted", Steering::Weighted, 1)),
};

pub(super) const WEIGHTED_10000: Scenario = Scenario {
    name: "dns-weighted-10000",
    about: "the same with 10,000 load balancers, asked for at random",
    kind: Kind::Own(|args| run(args, "dns-weighted-10000", Steering::Weighted, 10_000)),
};

pub(super) const GEO: Scenario = Scenario {
    name: "dns-geo",
    about: "DNS over UDP, one name, the endpoint of the client's country by its subnet",
    kind: Kind::Own(|args| run(args, "dns-geo", Steering::Geo, 1)),
};

/// Queries in flight: enough that batches form, as under load.
const IN_FLIGHT: u32 = 100;
/// How much longer than asked dnsperf may take: it waits for answers in flight.
const OVERRUN_MAX: Duration = Duration::from_secs(20);
/// A large prime: one name after the other, far apart.
const STRIDE: usize = 7919;

/// One turn of one server.
#[derive(Debug, Clone, Copy)]
struct Sample {
    cpu_us: f64,
    rate: f64,
    queries: u64,
    lost: u64,
    not_answered: u64,
    load_busy: f64,
}

struct Row {
    server: NameServer,
    samples: Vec<Sample>,
    faults: Vec<String>,
}

fn run(args: &Args, scenario: &str, steering: Steering, names: usize) -> Result<bool> {
    let servers = name_server::selected(args, steering)?;
    let mut tools = vec![setup::NGINX, setup::DNSPERF];
    tools.extend(setup::UTIL_LINUX);
    tools.extend(servers.iter().filter_map(NameServer::tool));
    setup::ensure(&tools)?;
    let dir = RunDir::create()?;
    let endpoints = Endpoints::start(&dir.sub("endpoint")?, Cores::One, 16)?;
    let health_port = endpoints.addresses.a1.port();
    let job = Job { names, steering, health_port, core: PROXY_CORE };
    let queries = dir.sub("load")?.join("queries");
    let list: String = (0..names).fold(String::new(), |mut list, n| {
        let _ = writeln!(list, "{} A", host(n * STRIDE % names));
        list
    });
    std::fs::write(&queries, list).context("writing the queries")?;
    let mut rows = Vec::new();
    for server in servers {
        let mut row = Row { server, samples: Vec::new(), faults: Vec::new() };
        let folder = dir.sub(&format!("prepared-{}", row.server.name))?;
        if let Err(failure) = row.server.prepare(&job, &folder) {
            row.faults.push(failure.to_string());
        }
        rows.push((row, folder));
    }
    for round in 1..=args.rounds {
        for (row, folder) in rows.iter_mut().filter(|(row, _)| row.faults.is_empty()) {
            match measure(args, &job, &row.server, folder, &queries) {
                Ok(sample) => {
                    eprintln!(
                        "round {round}/{} {:<8} {:6.2} µs/query {:7.0} queries/s",
                        args.rounds, row.server.name, sample.cpu_us, sample.rate
                    );
                    if sample.lost + sample.not_answered > 0 {
                        let (lost, others) = (sample.lost, sample.not_answered);
                        row.faults.push(format!("{lost} lost, {others} not answered"));
                    }
                    row.samples.push(sample);
                }
                Err(failure) => row.faults.push(failure.to_string()),
            }
        }
    }
    let rows: Vec<Row> = rows.into_iter().map(|(row, _)| row).collect();
    print(args, scenario, &rows)?;
    Ok(rows.iter().all(|row| row.faults.is_empty()))
}

fn measure(
    args: &Args,
    job: &Job,
    server: &NameServer,
    dir: &Path,
    queries: &Path,
) -> Result<Sample> {
    let running = server.start(job, dir)?;
    let load = |seconds: u32| -> Result<String> {
        let mut command = process::pinned(LOAD_CORE, "dnsperf");
        let port = running.address.port().to_string();
        command.args([
            "-s",
            "127.0.0.1",
            "-p",
            &port,
            "-c",
            "8",
            "-T",
            "1",
            "-O",
            "suppress=timeout",
        ]);
        command.args(["-q", &IN_FLIGHT.to_string(), "-l", &seconds.to_string(), "-d"]).arg(queries);
        if job.steering == Steering::Geo {
            command.args(["-E", SUBNET_OPTION]);
        }
        let limit = Duration::from_secs(u64::from(seconds)) + OVERRUN_MAX;
        Process::start("dnsperf", command, dir)?.wait_end(limit)
    };
    load(args.warm_up)?;
    let core = CoreTime::read(LOAD_CORE)?;
    let before = TreeTime::read(running.process.id())?;
    let output = load(args.seconds)?;
    let used = TreeTime::read(running.process.id())?.since(&before)?;
    let load_busy = CoreTime::read(LOAD_CORE)?.since(core).busy;
    let number = |label: &str| -> Option<f64> {
        let line = output.lines().find_map(|line| line.trim().strip_prefix(label))?;
        line.split_whitespace().next()?.parse().ok()
    };
    let answered = output
        .lines()
        .find_map(|line| line.trim().strip_prefix("Response codes:"))
        .and_then(|codes| codes.trim().strip_prefix("NOERROR ")?.split(' ').next()?.parse().ok());
    let (Some(completed), Some(lost), Some(rate), Some(noerror)) = (
        number("Queries completed:"),
        number("Queries lost:"),
        number("Queries per second:"),
        answered,
    ) else {
        return Err(Failure::new(format!("dnsperf's output is not understood: {output}")));
    };
    let noerror: f64 = noerror;
    Ok(Sample {
        cpu_us: used.total.as_secs_f64() * 1e6 / completed,
        rate,
        queries: completed as u64,
        lost: lost as u64,
        not_answered: (completed - noerror) as u64,
        load_busy,
    })
}

fn print(args: &Args, scenario: &str, rows: &[Row]) -> Result<()> {
    let base = args.baseline.as_deref().unwrap_or("gdnsd");
    let of = |row: &Row, value: fn(&Sample) -> f64| -> Vec<f64> {
        row.samples.iter().map(value).collect()
    };
    let base_row = rows.iter().find(|row| row.server.name == base && row.faults.is_empty());
    let base_cpu = base_row.map(|row| of(row, |sample| sample.cpu_us));
    println!(
        "\n{scenario}: {} × {} s after {} s, {IN_FLIGHT} queries in flight\n{}",
        args.rounds,
        args.seconds,
        args.warm_up,
        machine::line()
    );
    for row in rows {
        println!("  {}: {}", row.server.name, row.server.version());
    }
    println!();
    let shown = |spread: Option<Spread>| match spread {
        Some(Spread { median, min, max }) => format!("{median:.2} [{min:.2}–{max:.2}]"),
        None => "void".to_owned(),
    };
    let mut table = report::Table::new(&[
        "server",
        "CPU µs/query",
        &format!("× {base}"),
        "queries/s",
        "queries",
        "load core busy",
    ]);
    let mut kept = Vec::new();
    for row in rows {
        let is_void = !row.faults.is_empty();
        let cpu = of(row, |sample| sample.cpu_us);
        let ratio = base_cpu.as_ref().and_then(|base| Spread::of_ratios(&cpu, base));
        let rate = Spread::of(of(row, |sample| sample.rate));
        let busy = Spread::of(of(row, |sample| sample.load_busy * 100.0));
        let queries: u64 = row.samples.iter().map(|sample| sample.queries).sum();
        table.add(vec![
            row.server.name.clone(),
            shown(Spread::of(cpu.iter().copied()).filter(|_| !is_void)),
            shown(ratio.filter(|_| !is_void)),
            rate.map_or_else(String::new, |rate| format!("{:.0}", rate.median)),
            queries.to_string(),
            busy.map_or_else(String::new, |busy| format!("{:.0} %", busy.median)),
        ]);
        kept.push(json!({
            "server": row.server.name, "version": row.server.version(), "faults": row.faults,
            "cpu_us_per_query": cpu, "queries_per_s": of(row, |sample| sample.rate),
        }));
    }
    print!("{table}");
    for row in rows.iter().filter(|row| !row.faults.is_empty()) {
        println!("note: {} is void: {}", row.server.name, row.faults.join("; "));
    }
    println!();
    let header = json!({"scenario": scenario, "machine": machine::facts()});
    report::keep_rows(scenario, header, args.json.as_deref(), Value::from(kept))
}
