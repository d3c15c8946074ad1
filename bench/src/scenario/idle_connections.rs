//! Connections that have had an answer and wait for their next request: what each costs in memory.
//! Keep-alive is minutes long, so that most connections of a busy proxy are such.

use std::fmt;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{Kind, Scenario};
use crate::args::Args;
use crate::endpoint::Endpoints;
use crate::failure::{Context, Failure, Result};
use crate::load::h2load;
use crate::machine;
use crate::memory;
use crate::process::{self, Process};
use crate::proxy::{self, Job, Proxy};
use crate::report;
use crate::request;
use crate::rundir::RunDir;
use crate::setup;
use crate::tls::Certificate;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "idle-connections",
    about: "memory of each of 10,000 connections between two requests: plain, TLS, HTTP/2",
    kind: Kind::Own(run),
};

/// Connections, where a process may have twice as many files: HAProxy reserves two for each.
const CONNECTIONS: u32 = 10_000;

/// Files of a proxy beside those of clients: listeners, endpoints, its own.
const OTHER_FILES: u32 = 500;

/// Connections opened each second: no backlog overflows, no handshake waits long.
const OPENED_PER_SECOND: u32 = 1_000;

/// When the next request would come: long after all has been read.
const NEXT_REQUEST_MS: u32 = 600_000;

/// Longest for all of them to have had their answer.
const OPEN_LIMIT: Duration = Duration::from_secs(120);

/// Until buffers that are given back when idle have been.
const SETTLE: Duration = Duration::from_secs(4);

/// What a connection speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Speaks {
    Http1,
    Tls,
    Http2,
}

impl fmt::Display for Speaks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Http1 => "HTTP/1.1",
            Self::Tls => "HTTP/1.1 over TLS",
            Self::Http2 => "HTTP/2 over TLS",
        })
    }
}

const ALL: [Speaks; 3] = [Speaks::Http1, Speaks::Tls, Speaks::Http2];

fn run(args: &Args) -> Result<bool> {
    let proxies = proxy::selected(args, &[])?;
    let mut tools = vec![setup::NGINX, setup::H2LOAD, setup::OPENSSL];
    tools.extend(setup::UTIL_LINUX);
    tools.extend(proxies.iter().filter_map(Proxy::tool));
    setup::ensure(&tools)?;
    proxies.iter().try_for_each(Proxy::fetch)?;

    let dir = RunDir::create()?;
    let endpoints = Endpoints::start(&dir.sub("endpoint")?, args.cores, 1024)?;
    let files = machine::open_files().1;
    let connections = CONNECTIONS.min(files.saturating_sub(OTHER_FILES) / 2);
    let job = Job {
        tls: Some(Certificate::create(&dir.sub("tls")?)?),
        files_max: files.min(2 * CONNECTIONS + OTHER_FILES),
        clients_max: Some(connections + OTHER_FILES / 2),
        ..Job::plain(endpoints.addresses, args.cores)
    };

    println!(
        "\n{}: {}, {connections} connections\n{}",
        SCENARIO.name,
        SCENARIO.about,
        machine::line()
    );
    for proxy in &proxies {
        println!("  {}: {}", proxy.name, proxy.version());
    }
    let headings = ALL.map(|speaks| format!("{speaks}, KiB"));
    let mut heading = vec!["proxy"];
    heading.extend(headings.iter().map(String::as_str));
    let mut table = report::Table::new(&heading);
    let (mut kept, mut notes) = (Vec::new(), Vec::new());
    for proxy in &proxies {
        let mut cells = vec![proxy.name.clone()];
        for speaks in ALL {
            let folder = dir.sub(&proxy.name)?;
            let bytes = measure(proxy, &job, &folder, &endpoints, speaks, connections);
            let void = bytes.as_ref().err().map(ToString::to_string);
            cells.push(
                bytes
                    .as_ref()
                    .map_or_else(|_| "void".to_owned(), |bytes| format!("{:.1}", bytes / 1024.0)),
            );
            eprintln!("{:<10} {speaks}: {}", proxy.name, cells.last().map_or("", String::as_str));
            kept.push(json!({
                "proxy": proxy.name, "speaks": speaks.to_string(), "connections": connections,
                "bytes_per_connection": bytes.ok(), "void": void,
            }));
            notes.extend(void.map(|what| format!("{}, {speaks}: void: {what}", proxy.name)));
        }
        table.add(cells);
    }
    print!("\n{table}\n");
    for note in &notes {
        println!("note: {note}");
    }
    let header = json!({"scenario": SCENARIO.name, "machine": machine::facts()});
    report::keep_rows(SCENARIO.name, header, args.json.as_deref(), Value::from(kept))?;
    Ok(notes.is_empty())
}

/// Bytes that each connection adds to the proxy's memory.
fn measure(
    proxy: &Proxy,
    job: &Job,
    dir: &Path,
    endpoints: &Endpoints,
    speaks: Speaks,
    connections: u32,
) -> Result<f64> {
    let running = proxy.start(job, dir, endpoints)?;
    let arrived = endpoints.arrived()?;
    let before = memory::of_tree(running.process.id())?;

    let script = dir.join("timing");
    let next = f64::from(NEXT_REQUEST_MS);
    std::fs::write(&script, format!("0.0\t/\n{next:.1}\t/\n"))
        .context("writing h2load's script")?;
    let mut command = process::on(&job.cores.load(), "h2load");
    command.args(["-n", "2", "-c", &connections.to_string()]);
    command.args(["-r", &OPENED_PER_SECOND.to_string()]);
    command.arg("--timing-script-file").arg(&script);
    h2load::headers(&mut command, &request::get("/", None));
    let base = match speaks {
        Speaks::Http1 => {
            command.args(["-p", "http/1.1"]);
            format!("http://{}/", running.http)
        }
        Speaks::Tls | Speaks::Http2 => {
            let protocol = if speaks == Speaks::Tls { "http/1.1" } else { "h2" };
            command.args(["--npn-list", protocol]);
            format!("https://localhost:{}/", running.https.unwrap_or(running.http).port())
        }
    };
    command.args(["-B", &base]);
    let mut load = Process::start("h2load", command, dir)?;

    let deadline = Instant::now() + OPEN_LIMIT;
    loop {
        let answered = endpoints.arrived()?.requests - arrived.requests;
        if answered >= u64::from(connections) {
            break;
        }
        if load.ended_within(Duration::from_millis(200))?.is_some() {
            return Err(Failure::new(format!("h2load ended early: {}", load.output()?)));
        }
        if Instant::now() >= deadline {
            return Err(Failure::new(format!("{answered} of {connections} had their answer")));
        }
    }
    if load.ended_within(SETTLE)?.is_some() {
        return Err(Failure::new("the connections did not stay"));
    }
    let after = memory::of_tree(running.process.id())?;
    Ok(after.saturating_sub(before) as f64 / f64::from(connections))
}
