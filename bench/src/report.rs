//! What is printed and kept: one Markdown table per scenario with medians, spreads and ratios,
//! notes on what may have spoiled it, and the same with every turn as JSON.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde_json::{Value, json};

use crate::args::Args;
use crate::failure::{Context, Result};
use crate::machine;
use crate::measure::Sample;
use crate::process;
use crate::proxy::Proxy;
use crate::rundir;
use crate::setup;
use crate::shape::{Drive, Shape};
use crate::stats::Spread;
use crate::strace::Count;

mod headline;
mod json;
mod notes;
mod plot;
mod table;

pub use headline::{Figure, Headline};
pub use table::Table;

/// What a result belongs to: scenario, options, machine, versions.
#[derive(Debug)]
pub struct Header {
    /// The stem of the results file's name.
    file: String,
    about: &'static str,
    title: String,
    baseline: String,
    versions: Vec<(String, String)>,
    notes: Vec<String>,
    json: Value,
}

/// All turns of one proxy.
#[derive(Debug)]
pub struct Row {
    name: String,
    product: &'static str,
    samples: Vec<Sample>,
    faults: Vec<String>,
}

impl Header {
    /// Collects it: the scenario as it was run, and the machine as it is.
    pub fn new(args: &Args, shape: &Shape, proxies: &[Proxy]) -> Self {
        let (seconds, warm_up) = (args.seconds, args.warm_up);
        let turns = if args.strace {
            format!("{seconds} s under strace after {warm_up} s")
        } else {
            format!("{} × {seconds} s after {warm_up} s", args.rounds)
        };
        let title = format!(
            "{}: {}\n{}, cores {}, {turns}",
            shape.name,
            shape.about,
            shape.details(),
            args.cores.as_str(),
        );
        let mut versions: Vec<(String, String)> = Vec::new();
        for proxy in proxies {
            // Variations are what their product is.
            let version = proxy.version();
            if versions.iter().all(|(_, known)| *known != version) {
                versions.push((proxy.name.clone(), version));
            }
        }
        let generator = match shape.load {
            Drive::Http1 { .. } => Some((setup::WRK, "-v")),
            Drive::Http2 { .. } => Some((setup::H2LOAD, "--version")),
            Drive::TlsResumed | Drive::WebSocket(_) | Drive::Open(_) => {
                versions.push(("generator".to_owned(), "evenkeel-load of this tree".to_owned()));
                None
            }
        };
        let tools = [Some(("endpoint", (setup::NGINX, "-v"))), generator.map(|g| ("generator", g))];
        for (role, (tool, option)) in tools.into_iter().flatten() {
            let text = process::output_of(tool.program, &[option]).unwrap_or_default();
            let line = text.lines().next().unwrap_or_default();
            versions.push((role.to_owned(), line.trim().to_owned()));
        }
        let repository = rundir::repository();
        Self {
            file: shape.file_name(args),
            about: shape.about,
            title,
            baseline: args.baseline.clone().unwrap_or_else(|| shape.baseline.to_owned()),
            notes: notes::stale(proxies, &repository),
            json: json::header(args, shape, &versions, &repository),
            versions,
        }
    }

    fn print(&self) {
        println!("\n{}\n{}", self.title, machine::line());
        for (name, version) in &self.versions {
            println!("  {name}: {version}");
        }
        println!();
    }

    fn print_notes(&self, more: &[String]) {
        for note in self.notes.iter().chain(more) {
            println!("note: {note}");
        }
    }
}

impl Row {
    /// A row without turns.
    pub fn new(proxy: &Proxy, rounds: u32) -> Self {
        Self {
            name: proxy.name.clone(),
            product: proxy.product(),
            samples: Vec::with_capacity(rounds as usize),
            faults: Vec::new(),
        }
    }

    /// Adds a turn. One that failed or is void makes the row void.
    pub fn add(&mut self, sample: Result<Sample>) {
        match sample {
            Ok(sample) => {
                self.faults.extend(sample.faults.iter().cloned());
                self.samples.push(sample);
            }
            Err(failure) => self.faults.push(failure.to_string()),
        }
    }

    /// Whether anything went wrong: then nothing about it counts.
    pub fn is_void(&self) -> bool {
        !self.faults.is_empty()
    }

    fn values(&self, value: impl Fn(&Sample) -> f64) -> Vec<f64> {
        self.samples.iter().map(value).collect()
    }

    fn spread(&self, value: impl Fn(&Sample) -> f64) -> Option<Spread> {
        Spread::of(self.values(value))
    }

    /// Ratios of the 99th percentile of latency, where the generator tells it.
    fn ratio_of_p99(&self, base: Option<&Self>) -> Option<Spread> {
        let p99 = |sample: &Sample| sample.load.latency.map(|latency| latency.p99_us as f64);
        let told = |row: &Self| row.samples.iter().all(|sample| p99(sample).is_some());
        let base = base.filter(|base| told(self) && told(base));
        self.ratio(base, |sample| p99(sample).unwrap_or_default())
    }

    /// Ratios to `base`, round by round. A void row has none.
    fn ratio(&self, base: Option<&Self>, value: impl Fn(&Sample) -> f64) -> Option<Spread> {
        let base = base.filter(|base| !base.is_void() && !self.is_void())?;
        Spread::of_ratios(&self.values(&value), &base.values(&value))
    }
}

#[cfg(test)]
impl Row {
    fn of_samples(name: &str, samples: &[Sample]) -> Self {
        let product = if name.starts_with("ours") { "Evenkeel" } else { "peer" };
        Self { name: name.to_owned(), product, samples: samples.to_vec(), faults: Vec::new() }
    }
}

/// Prints the table of a measurement and writes its file. False when a row is void.
pub fn measurements(header: &Header, rows: &[Row], path: Option<&Path>) -> Result<bool> {
    header.print();
    print!("{}", table::measurements(rows, &header.baseline));
    println!();
    header.print_notes(&notes::measurements(rows, &header.baseline));
    let kept = keep(header, path, "rows", json::rows(rows, &header.baseline))?;
    let picture = kept.with_extension("svg");
    let svg =
        plot::draw(header.about, &header.baseline, &[plot::group("", rows, &header.baseline)]);
    std::fs::write(&picture, svg).context(format!("writing {}", picture.display()))?;
    Ok(!rows.iter().any(Row::is_void))
}

/// Prints the calls per request of each proxy and writes their file. False when a count is void.
pub fn system_calls(header: &Header, counts: &[Count], path: Option<&Path>) -> Result<bool> {
    header.print();
    print!("{}", table::system_calls(counts));
    println!();
    let mut more = vec![
        "socket calls include read, write and close on other descriptors: an upper bound"
            .to_owned(),
        "tracing slows the proxy: polls per request may be more in a run that is not watched"
            .to_owned(),
    ];
    for count in counts.iter().filter(|count| !count.faults.is_empty()) {
        more.push(format!("{} is void: {}", count.name, count.faults.join("; ")));
    }
    header.print_notes(&more);
    keep(header, path, "system_calls", json::counts(counts))?;
    Ok(counts.iter().all(|count| count.faults.is_empty()))
}

/// Writes the results file of a scenario with a table of its own.
pub fn keep_rows(scenario: &str, header: Value, path: Option<&Path>, rows: Value) -> Result<()> {
    write(scenario, header, path, "rows", rows).map(drop)
}

/// Writes the results file: the header with `rows` under `key`. Gives its path.
fn keep(header: &Header, path: Option<&Path>, key: &str, rows: Value) -> Result<PathBuf> {
    write(&header.file, header.json.clone(), path, key, rows)
}

fn write(
    scenario: &str,
    mut document: Value,
    path: Option<&Path>,
    key: &str,
    rows: Value,
) -> Result<PathBuf> {
    let time = SystemTime::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_secs());
    let path: PathBuf = path.map_or_else(
        || rundir::results().join(format!("{scenario}-{time}.json")),
        Path::to_path_buf,
    );
    document["unix_time"] = json!(time);
    document[key] = rows;
    let text = serde_json::to_string_pretty(&document).context("writing JSON")?;
    std::fs::write(&path, text + "\n").context(format!("writing {}", path.display()))?;
    println!("results: {}", path.display());
    Ok(path)
}
