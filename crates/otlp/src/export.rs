//! Batches on their way to the collector, one after the other.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use evenkeel_telemetry::{RequestSpan, SpanQueue, TraceStats};
use http::header::{CONTENT_TYPE, RETRY_AFTER, USER_AGENT};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use prost::Message;
use rustls::RootCertStore;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use crate::collector::Collector;
use crate::spans;
use crate::wire::{ExportTraceServiceResponse, Resource};

/// Requests of one message: some hundred kilobytes, far below what collectors take (4 MiB).
const BATCH_MAX: usize = 512;
/// How long a batch waits for more, so that few messages are sent.
const LINGER: Duration = Duration::from_secs(1);
/// How often a batch is tried before its spans are given up.
const TRIES_MAX: u32 = 5;
/// The pause after the first failure; each further one is twice as long.
const BACKOFF: Duration = Duration::from_secs(1);
/// The longest pause, whatever a collector asks for by `Retry-After`.
const BACKOFF_MAX: Duration = Duration::from_secs(30);
/// How long a collector may take to answer.
const TRY_TIMEOUT: Duration = Duration::from_secs(10);
/// What is read of an answer: a few numbers and a sentence.
const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// How long the last spans may take once the process ends.
const STOP_TIMEOUT: Duration = Duration::from_secs(3);

/// What an exporter is made of.
#[derive(Debug, Clone)]
pub struct ExportOptions {
    /// Where spans go.
    pub collector: Collector,
    /// Whom to believe about the collector's name, over HTTPS.
    pub roots: Arc<RootCertStore>,
    /// The version of this program.
    pub version: String,
    /// What this process is told from others by.
    pub instance: String,
}

/// Exports spans until `stop` becomes true; then what waits is sent, within three seconds, and what
/// is left counts as dropped. Dropping the future loses what waits, uncounted.
pub async fn run(mut queue: SpanQueue, options: ExportOptions, mut stop: watch::Receiver<bool>) {
    let exporter = Exporter::new(options, Arc::clone(queue.stats()), BACKOFF);
    exporter.run(&mut queue, &mut stop).await;
}

pub(crate) struct Exporter {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    collector: Collector,
    resource: Resource,
    version: String,
    stats: Arc<TraceStats>,
    backoff: Duration,
}

/// What became of one try.
enum Answer {
    /// Taken, but for so many spans.
    Taken { rejected: u64 },
    /// To be tried again, not before the time that was asked for.
    Later { after: Option<Duration>, why: String },
    /// Not to be tried again.
    Refused { why: String },
}

impl Exporter {
    pub(crate) fn new(options: ExportOptions, stats: Arc<TraceStats>, backoff: Duration) -> Self {
        let ExportOptions { collector, roots, version, instance } = options;
        let mut http = HttpConnector::new();
        // TLS comes on top of it where the URL says so.
        http.enforce_http(false);
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(evenkeel_net::tls::verifying(roots))
            .https_or_http()
            .enable_http1()
            .wrap_connector(http);
        let client = Client::builder(TokioExecutor::new()).build(connector);
        let resource = spans::resource(&version, &instance);
        Self { client, collector, resource, version, stats, backoff }
    }

    pub(crate) async fn run(self, queue: &mut SpanQueue, stop: &mut watch::Receiver<bool>) {
        let mut batch = Vec::with_capacity(BATCH_MAX);
        let is_over = tokio::select! {
            () = self.export_all(queue, &mut batch) => true,
            // An error means that nobody is left to say so.
            _ = stop.wait_for(|stop| *stop) => false,
        };
        if is_over {
            return;
        }
        // What was being tried is tried once more with the rest.
        queue.close();
        let last = async {
            loop {
                if batch.is_empty() && queue.take(&mut batch, BATCH_MAX).await == 0 {
                    return;
                }
                // Counted there; the process ends anyway.
                let _ = self.export(&mut batch, 1).await;
            }
        };
        let in_time = timeout(STOP_TIMEOUT, last).await.is_ok();
        if !in_time {
            let mut lost = spans_of(&batch);
            batch.clear();
            while queue.take(&mut batch, BATCH_MAX).await > 0 {
                lost += spans_of(&batch);
                batch.clear();
            }
            self.stats.dropped(lost);
            tracing::warn!(spans = lost, "Traces end without spans that were not taken in time.");
        }
    }

    async fn export_all(&self, queue: &mut SpanQueue, batch: &mut Vec<RequestSpan>) {
        let mut was_taken = true;
        while queue.take(batch, BATCH_MAX).await > 0 {
            let fill = async {
                while batch.len() < BATCH_MAX {
                    let room = BATCH_MAX - batch.len();
                    if queue.take(batch, room).await == 0 {
                        return;
                    }
                }
            };
            let _ = timeout(LINGER, fill).await;
            match (self.export(batch, TRIES_MAX).await, was_taken) {
                (Err(why), true) => {
                    tracing::warn!(collector = self.collector.url(), %why, "Spans are not taken.");
                    was_taken = false;
                }
                (Ok(()), false) => {
                    tracing::info!(collector = self.collector.url(), "Spans are taken again.");
                    was_taken = true;
                }
                _ => {}
            }
        }
    }

    /// Sends a batch, which is empty afterwards: taken, or given up and counted.
    ///
    /// Dropping the future leaves the batch as it is.
    async fn export(&self, batch: &mut Vec<RequestSpan>, tries_max: u32) -> Result<(), String> {
        let spans = spans_of(batch);
        let message = spans::message(&self.resource, &self.version, batch);
        let body = Bytes::from(message.encode_to_vec());
        let mut tries = 0;
        let why = loop {
            tries += 1;
            let (after, why) = match self.post(body.clone()).await {
                Answer::Taken { rejected } => {
                    let rejected = rejected.min(spans);
                    self.stats.exported(spans - rejected);
                    self.stats.dropped(rejected);
                    batch.clear();
                    return Ok(());
                }
                Answer::Later { after, why } => (after, why),
                Answer::Refused { why } => {
                    self.stats.export_failed();
                    break why;
                }
            };
            self.stats.export_failed();
            if tries >= tries_max {
                break why;
            }
            sleep(self.pause(tries, after)).await;
        };
        self.stats.dropped(spans);
        batch.clear();
        Err(why)
    }

    /// Grows with every try, and differs a little between nodes that failed together.
    fn pause(&self, tries: u32, asked_for: Option<Duration>) -> Duration {
        let own = self.backoff * 2_u32.saturating_pow(tries - 1);
        let own = own.mul_f64(0.75 + 0.5 * fastrand::f64());
        asked_for.map_or(own, |asked| asked.max(own)).min(BACKOFF_MAX)
    }

    async fn post(&self, body: Bytes) -> Answer {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.collector.uri.clone();
        let headers = request.headers_mut();
        headers.insert(CONTENT_TYPE, http::HeaderValue::from_static("application/x-protobuf"));
        headers.insert(USER_AGENT, http::HeaderValue::from_static("evenkeel"));
        headers.extend(self.collector.headers.clone());
        let exchange = async {
            let response = self.client.request(request).await.map_err(|error| told(&error))?;
            let (head, body) = response.into_parts();
            let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await;
            let body = body.map(http_body_util::Collected::to_bytes);
            Ok::<_, String>((head.status, head.headers, body.unwrap_or_default()))
        };
        match timeout(TRY_TIMEOUT, exchange).await {
            Err(_) => Answer::Later { after: None, why: "no answer in time".to_owned() },
            Ok(Err(why)) => Answer::Later { after: None, why },
            Ok(Ok((status, headers, body))) => judge(status, &headers, &body),
        }
    }
}

/// What an answer means (OTLP specification, "OTLP/HTTP response").
fn judge(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Answer {
    match status.as_u16() {
        200..=299 => {
            let response = ExportTraceServiceResponse::decode(body).unwrap_or_default();
            let partial = response.partial_success.unwrap_or_default();
            let rejected = u64::try_from(partial.rejected_spans).unwrap_or_default();
            if rejected > 0 {
                tracing::warn!(rejected, why = partial.error_message, "Spans were rejected.");
            }
            Answer::Taken { rejected }
        }
        429 | 502 | 503 | 504 => {
            let seconds =
                headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
            Answer::Later { after: seconds.map(Duration::from_secs), why: status.to_string() }
        }
        _ => Answer::Refused { why: status.to_string() },
    }
}

fn spans_of(batch: &[RequestSpan]) -> u64 {
    batch.iter().map(RequestSpan::spans).sum()
}

/// An error with its causes.
fn told(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests;
