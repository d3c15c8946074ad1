//! Measures what probes cost: the checker's processor time for each, and how punctual it is with
//! 20,000 endpoints. See README.md for what the columns mean.

mod process;
mod scene;
mod server;

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use evenkeel_model::{Live, LiveWriter};
use evenkeel_monitor::{Options, Stats};
use rustls::RootCertStore;
use tokio::sync::{mpsc, watch};

use process::{Thread, in_thread};
use scene::Scene;
use server::Server;

/// Reports that wait to be read; more than one round of the largest scene.
const REPORTS_MAX: usize = 65_536;

/// Intervals until endpoints that were added together share them evenly, and one more.
const WARM_UP_INTERVALS: u32 = 8;

/// Every endpoint of the large scene is asked three times.
const MEASURED: Duration = Duration::from_secs(30);

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if !words.is_empty() {
        eprintln!("usage: evenkeel-bench-monitor\n\nMeasures probes, see bench/monitor/README.md.");
        return ExitCode::from(2);
    }
    if let Err(error) = rlimit::increase_nofile_limit(65_536) {
        eprintln!("error: this machine does not allow enough open files: {error}");
        return ExitCode::FAILURE;
    }
    println!(
        "| scene | probes/s | µs/probe | share of a core | mean late, ms | worst late, ms | failed | skipped |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    let mut all_well = true;
    for scene in scene::ALL {
        let result = measure(&scene);
        println!("{result}");
        all_well &= result.failed == 0 && result.skipped == 0;
    }
    if all_well { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What one scene came to.
struct Measured {
    name: &'static str,
    took: Duration,
    cpu: Duration,
    probes: u64,
    failed: u64,
    skipped: u64,
    late_sum: Duration,
    late_max: Duration,
}

impl std::fmt::Display for Measured {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let probes = self.probes.max(1) as f64;
        let Self { name, took, cpu, failed, skipped, late_sum, late_max, .. } = self;
        write!(
            f,
            "| {name} | {:.0} | {:.1} | {:.1} % | {:.2} | {:.1} | {failed} | {skipped} |",
            probes / took.as_secs_f64(),
            cpu.as_secs_f64() * 1e6 / probes,
            cpu.as_secs_f64() / took.as_secs_f64() * 100.0,
            late_sum.as_secs_f64() * 1e3 / probes,
            late_max.as_secs_f64() * 1e3,
        )
    }
}

fn measure(scene: &Scene) -> Measured {
    let server = Server::start(scene.tls);
    let (_writer, live): (LiveWriter, Live) = Live::new(scene.view(server.port));
    let (_revision, revision) = watch::channel(1);
    let (stop, shutdown) = watch::channel(false);
    let (reports, mut inbox) = mpsc::channel(REPORTS_MAX);
    let stats = Arc::new(Stats::default());
    let options = Options {
        live,
        revision,
        reports,
        roots: Arc::new(RootCertStore::empty()),
        own_addresses: Vec::new(),
        reach: evenkeel_model::Reach::EVERYWHERE,
        stats: Arc::clone(&stats),
        restored: std::collections::HashMap::new(),
    };
    // Reports are read as the publisher would, on another thread.
    let reader = std::thread::spawn(move || while inbox.blocking_recv().is_some() {});
    let checker: Thread = in_thread("checker", async move {
        evenkeel_monitor::run(options, shutdown).await;
    });
    std::thread::sleep(Duration::from_millis(scene.interval_ms.into()) * WARM_UP_INTERVALS);
    let taken = |counter: &AtomicU64| counter.swap(0, Ordering::Relaxed);
    for counter in [
        &stats.probes,
        &stats.probes_failed,
        &stats.ticks_skipped,
        &stats.lateness_us_max,
        &stats.lateness_us_sum,
    ] {
        taken(counter);
    }
    let (begun, cpu) = (Instant::now(), checker.cpu());
    std::thread::sleep(MEASURED);
    let measured = Measured {
        name: scene.name,
        took: begun.elapsed(),
        cpu: checker.cpu() - cpu,
        probes: taken(&stats.probes),
        failed: taken(&stats.probes_failed),
        skipped: taken(&stats.ticks_skipped),
        late_sum: Duration::from_micros(taken(&stats.lateness_us_sum)),
        late_max: Duration::from_micros(taken(&stats.lateness_us_max)),
    };
    let _ = stop.send(true);
    checker.join();
    let _ = reader.join();
    measured
}
