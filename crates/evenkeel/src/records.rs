//! What is told of each request: the access log, and spans for a collector of traces. Both live as
//! long as requests do, and end after the last one.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use evenkeel_otlp::ExportOptions;
use evenkeel_telemetry::{
    AccessLog, AccessLogOptions, AccessLogStats, Exposition, LogTo, TraceStats, Tracer,
};
use rustls::RootCertStore;
use tokio::runtime::Builder;
use tokio::sync::watch;

use crate::exit::Failure;
use crate::settings::{Settings, TraceSettings};

/// How long a node that ends waits for its last lines to be written. A disk that is only slow takes
/// all of them; one that hangs must not hold up the process.
const FINISH_LIMIT: Duration = Duration::from_secs(5);

/// Access log and traces of a node, each if it is wanted. Clones are the same.
#[derive(Debug, Clone)]
pub(crate) struct Records {
    pub(crate) access_log: Option<AccessLog>,
    pub(crate) tracer: Option<Tracer>,
    exporter: Option<Exporter>,
}

/// The thread that hands spans over.
#[derive(Debug, Clone)]
struct Exporter {
    stop: watch::Sender<bool>,
    thread: Arc<Mutex<Option<JoinHandle<()>>>>,
}

impl Records {
    /// Opens the access log and starts to export spans.
    ///
    /// # Errors
    /// When the file or a thread is not to be had.
    pub(crate) fn start(settings: &Settings, roots: &Arc<RootCertStore>) -> Result<Self, Failure> {
        let access_log = match &settings.access_log {
            None => None,
            Some(options) => {
                let doing = Failure::doing(format!("opening the access log at {}", named(options)));
                Some(AccessLog::start(options.clone()).map_err(doing)?)
            }
        };
        let Some(traces) = &settings.traces else {
            return Ok(Self { access_log, tracer: None, exporter: None });
        };
        let (tracer, exporter) =
            export(traces, roots).map_err(Failure::doing("starting the export of traces"))?;
        Ok(Self { access_log, tracer: Some(tracer), exporter: Some(exporter) })
    }

    /// Opens the access log anew under its name.
    pub(crate) fn reopen(&self) {
        if let Some(log) = &self.access_log {
            log.reopen();
        }
    }

    /// Writes their metrics, zeros where there is nothing.
    pub(crate) fn render(&self, page: &mut Exposition) {
        match &self.access_log {
            Some(log) => log.stats().render(page),
            None => AccessLogStats::default().render(page),
        }
        match &self.tracer {
            Some(tracer) => tracer.stats().render(page),
            None => TraceStats::default().render(page),
        }
    }

    /// Writes and sends what waits, and ends both. To be called when the workers are gone. Takes
    /// seconds at most.
    pub(crate) fn finish(self) {
        if let Some(Exporter { stop, thread }) = self.exporter {
            stop.send_replace(true);
            let thread = thread.lock().unwrap_or_else(PoisonError::into_inner).take();
            if thread.is_some_and(|thread| thread.join().is_err()) {
                tracing::error!("The thread that exports traces panicked.");
            }
        }
        if let Some(log) = self.access_log {
            log.finish(FINISH_LIMIT);
        }
    }
}

fn named(options: &AccessLogOptions) -> String {
    match &options.to {
        LogTo::File(path) => path.display().to_string(),
        LogTo::Stdout => "standard output".to_owned(),
    }
}

/// Starts a thread of its own: spans are sent for as long as there are requests, which may outlive
/// the control plane.
fn export(traces: &TraceSettings, roots: &Arc<RootCertStore>) -> io::Result<(Tracer, Exporter)> {
    let (tracer, queue) = Tracer::new(traces.share);
    let options = ExportOptions {
        collector: traces.collector.clone(),
        roots: Arc::clone(roots),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        instance: host_name(),
    };
    let (stop, stopping) = watch::channel(false);
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let run = move || {
        runtime.block_on(evenkeel_otlp::run(queue, options, stopping));
        // A look-up that hangs in the system's resolver is not waited for.
        runtime.shutdown_background();
    };
    let thread = std::thread::Builder::new().name("traces".to_owned()).spawn(run)?;
    Ok((tracer, Exporter { stop, thread: Arc::new(Mutex::new(Some(thread))) }))
}

/// What this machine is called among others; nodes are told apart by it.
fn host_name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    name.trim().to_owned()
}
