//! Getting messages to their destinations: each destination has a queue and a task of its own, so
//! that its messages arrive in the order of what happened, and a silent one delays only itself.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use http_body_util::Full;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls::RootCertStore;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::Record;
use crate::mail::{MailError, MailRelay};
use crate::message::{AlertType, Message};
use crate::names::{Names, Refuses};
use crate::policy::Destination;
use crate::stats::Stats;

/// How often one message is tried at most (behaviour.md 7.11).
pub const TRIES_MAX: u32 = 5;

/// Pause after the first failure; each further one is [`BACKOFF_FACTOR`] times as long.
const BACKOFF: Duration = Duration::from_secs(1);
/// See [`BACKOFF`]: 1, 4, 16 and 64 s.
const BACKOFF_FACTOR: u32 = 4;
/// The longest pause, whatever a receiver asks for by `Retry-After`.
const BACKOFF_MAX: Duration = Duration::from_secs(120);
/// How long a webhook may take to answer.
const TRY_TIMEOUT: Duration = Duration::from_secs(10);
/// Messages that wait for one destination. A thousand changes of health that nobody took are no
/// news any more; further ones are dropped and counted.
const QUEUE_MAX: usize = 1000;
/// Destinations served at once, each with a task. Further ones are dropped and counted.
const DESTINATIONS_MAX: usize = 1000;
/// How long deliveries under way may take once the notifier is told to stop. What is not delivered
/// by then is recorded as failed: a silent webhook must not hold up the process.
const STOP_GRACE: Duration = Duration::from_secs(1);
/// How long recording those may take.
const STOP_TIMEOUT: Duration = Duration::from_secs(1);
/// Why they failed.
const STOPPED: &str = "the server was stopped before it could be delivered";
/// A destination without messages for this long gives its task back.
const IDLE_TIMEOUT: Duration = Duration::from_secs(600);

/// How one message to one destination ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivery {
    /// When, in milliseconds since 1970.
    pub at_ms: u64,
    /// What was told.
    pub message: Arc<Message>,
    /// Where to.
    pub destination: Destination,
    /// How often it was tried.
    pub tries: u32,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The receiver took it.
    Delivered,
    /// It did not, for this reason.
    Failed(String),
}

impl Delivery {
    /// Of which kind the message is.
    #[must_use]
    pub fn alert_type(&self) -> AlertType {
        self.message.alert_type
    }
}

type HttpsClient = Client<HttpsConnector<HttpConnector<Names>>, Full<Bytes>>;

/// Queues and tasks of all destinations.
pub(crate) struct Dispatcher {
    courier: Arc<Courier>,
    queues: HashMap<String, mpsc::Sender<(Destination, Arc<Message>)>>,
    tasks: JoinSet<()>,
    stopping: watch::Sender<bool>,
}

/// What every task delivers with.
struct Courier {
    client: HttpsClient,
    relay: Option<MailRelay>,
    record: Record,
    stats: Arc<Stats>,
    backoff: Duration,
    stopping: watch::Receiver<bool>,
}

impl Dispatcher {
    pub(crate) fn new(
        relay: Option<MailRelay>,
        roots: Arc<RootCertStore>,
        refuses: Refuses,
        record: Record,
        stats: Arc<Stats>,
    ) -> Self {
        Self::with_backoff(relay, roots, refuses, record, stats, BACKOFF)
    }

    fn with_backoff(
        relay: Option<MailRelay>,
        roots: Arc<RootCertStore>,
        refuses: Refuses,
        record: Record,
        stats: Arc<Stats>,
        backoff: Duration,
    ) -> Self {
        let mut http = HttpConnector::new_with_resolver(Names(refuses));
        // TLS comes on top of it where the URL says so.
        http.enforce_http(false);
        let connector = hyper_rustls::HttpsConnectorBuilder::new()
            .with_tls_config(evenkeel_net::tls::verifying(roots))
            .https_or_http()
            .enable_http1()
            .wrap_connector(http);
        let client = Client::builder(TokioExecutor::new()).build(connector);
        let (stop, stopping) = watch::channel(false);
        let courier = Courier { client, relay, record, stats, backoff, stopping };
        let (queues, tasks) = (HashMap::new(), JoinSet::new());
        Self { courier: Arc::new(courier), queues, tasks, stopping: stop }
    }

    /// Puts a message into its destination's queue.
    pub(crate) fn send(&mut self, destination: &Destination, message: &Arc<Message>) {
        while self.tasks.try_join_next().is_some() {}
        let key = key(destination);
        let job = (destination.clone(), Arc::clone(message));
        let job = match self.queues.get(&key).map(|queue| queue.try_send(job.clone())) {
            Some(Ok(())) => return,
            Some(Err(TrySendError::Full(_))) => return self.drop_one(destination),
            // Its task has given itself back.
            Some(Err(TrySendError::Closed(job))) => job,
            None => job,
        };
        self.queues.retain(|_, queue| !queue.is_closed());
        if self.queues.len() >= DESTINATIONS_MAX {
            return self.drop_one(destination);
        }
        let (queue, jobs) = mpsc::channel(QUEUE_MAX);
        // The queue is empty and its receiver is here.
        let _ = queue.try_send(job);
        self.queues.insert(key, queue);
        self.tasks.spawn(Arc::clone(&self.courier).run(jobs));
    }

    fn drop_one(&self, destination: &Destination) {
        self.courier.stats.dropped.increment();
        tracing::warn!(?destination, "A notification was dropped: too many wait already.");
    }

    /// Delivers what can be delivered at once, and records the rest as failed.
    pub(crate) async fn stop(mut self) {
        // Tasks end with their queue.
        self.queues.clear();
        if timeout(STOP_GRACE, ended(&mut self.tasks)).await.is_err() {
            self.stopping.send_replace(true);
            let _ = timeout(STOP_TIMEOUT, ended(&mut self.tasks)).await;
        }
        self.tasks.shutdown().await;
    }
}

async fn ended(tasks: &mut JoinSet<()>) {
    while tasks.join_next().await.is_some() {}
}

/// What has a queue of its own.
fn key(destination: &Destination) -> String {
    match destination {
        Destination::Webhook { id, .. } => format!("webhook {id}"),
        Destination::Email { address } => format!("e-mail {address}"),
    }
}

/// How one try failed.
struct Failure {
    why: String,
    /// `None` when trying again is of no use, else how long the receiver wants to be left alone.
    again: Option<Duration>,
}

impl Courier {
    async fn run(self: Arc<Self>, mut jobs: mpsc::Receiver<(Destination, Arc<Message>)>) {
        while let Ok(Some((destination, message))) = timeout(IDLE_TIMEOUT, jobs.recv()).await {
            let mut tries = 0;
            let outcome = tokio::select! {
                biased;
                () = self.stopped() => Outcome::Failed(STOPPED.to_owned()),
                outcome = self.deliver(&destination, &message, &mut tries) => outcome,
            };
            let count = match &outcome {
                Outcome::Delivered => &self.stats.delivered,
                Outcome::Failed(why) => {
                    tracing::warn!(?destination, tries, why, "A notification was not delivered.");
                    &self.stats.failed
                }
            };
            count.increment();
            (self.record)(Delivery { at_ms: now_ms(), message, destination, tries, outcome });
        }
    }

    async fn stopped(&self) {
        // An error means that the dispatcher is gone, which is a stop as well.
        let _ = self.stopping.clone().wait_for(|stop| *stop).await;
    }

    async fn deliver(
        &self,
        destination: &Destination,
        message: &Message,
        tries: &mut u32,
    ) -> Outcome {
        let mut pause = self.backoff;
        loop {
            *tries += 1;
            let Err(failure) = self.attempt(destination, message).await else {
                return Outcome::Delivered;
            };
            let Some(asked) = failure.again.filter(|_| *tries < TRIES_MAX) else {
                return Outcome::Failed(failure.why);
            };
            self.stats.retries.increment();
            sleep(pause.max(asked).min(BACKOFF_MAX).mul_f64(0.8 + 0.4 * fastrand::f64())).await;
            pause *= BACKOFF_FACTOR;
        }
    }

    async fn attempt(&self, destination: &Destination, message: &Message) -> Result<(), Failure> {
        match destination {
            Destination::Webhook { url, secret, shape, .. } => {
                let request = shape.request(url, secret.as_deref(), message);
                let request =
                    request.map_err(|error| Failure { why: error.to_string(), again: None })?;
                let passing = |why| Failure { why, again: Some(Duration::ZERO) };
                match timeout(TRY_TIMEOUT, self.client.request(request)).await {
                    Ok(Ok(response)) => judge(response.status(), response.headers()),
                    Ok(Err(error)) => Err(passing(chain(&error))),
                    Err(_) => Err(passing(format!("no answer within {} s", TRY_TIMEOUT.as_secs()))),
                }
            }
            Destination::Email { address } => {
                let Some(relay) = &self.relay else {
                    let why = "no mail relay is configured (--smtp-relay)".to_owned();
                    return Err(Failure { why, again: None });
                };
                relay.send(address, message).await.map_err(|error| match error {
                    MailError::Permanent(why) => Failure { why, again: None },
                    MailError::Passing(why) => Failure { why, again: Some(Duration::ZERO) },
                })
            }
        }
    }
}

/// What a webhook's answer means. Redirects are not followed: the secret is for the URL it was
/// given with.
fn judge(status: StatusCode, headers: &HeaderMap) -> Result<(), Failure> {
    if status.is_success() {
        return Ok(());
    }
    let may_pass = status.is_server_error()
        || matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS);
    let asked = headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok());
    let asked = Duration::from_secs(asked.and_then(|text| text.parse().ok()).unwrap_or_default());
    Err(Failure { why: format!("it answered {status}"), again: may_pass.then_some(asked) })
}

/// An error and what caused it, in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

fn now_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
