//! Notifications: who is told when the health of a pool or an endpoint changes, or a pool is
//! switched on or off (behaviour.md 7.11, api.md 6.4).
//!
//! ```text
//! occasion ──▶ policies that ask for it ──▶ message ──▶ queue per destination ──▶ webhook, e-mail
//!              (`policy`)      (`outage`: which one      (`delivery`: in order,      (`payload`,
//!                               began or ended)           again after a failure)      `mail`)
//! ```
//!
//! Nobody waits for a notification: occasions come in over a bounded queue, destinations have one
//! each, and what finds its queue full is dropped and counted. What an occasion is (a change of the
//! published status, never a probe) is decided by `control`, which also keeps policies and the
//! record of deliveries.

mod delivery;
mod mail;
mod message;
mod names;
mod occasion;
mod outage;
mod payload;
mod policy;
mod stats;

use std::sync::Arc;

use rustls::RootCertStore;
use tokio::sync::{mpsc, watch};

pub use delivery::{Delivery, Outcome, TRIES_MAX};
pub use mail::{MailRelay, RelayError};
pub use message::{AlertEvent, AlertType, Message};
pub use names::Refuses;
pub use occasion::{Occasion, What};
pub use payload::Shape;
pub use policy::{Destination, HealthWanted, Policy, SwitchWanted};
pub use stats::Stats;

use delivery::Dispatcher;
use outage::Outages;

/// Tells which policies are in force. Asked once per occasion.
pub type Policies = Arc<dyn Fn() -> Arc<Vec<Policy>> + Send + Sync>;

/// Takes the record of a delivery that has come to its end. Must not block.
pub type Record = Arc<dyn Fn(Delivery) + Send + Sync>;

/// What the notifier works with.
pub struct Options {
    /// What happened, one after another.
    pub occasions: mpsc::Receiver<Occasion>,
    /// Who wants to hear of it.
    pub policies: Policies,
    /// How e-mail leaves; without a relay, e-mail is recorded as failed.
    pub relay: Option<MailRelay>,
    /// Whom webhooks over TLS are believed by, see [`evenkeel_net::tls::machine_roots`].
    pub roots: Arc<RootCertStore>,
    /// Where the names of webhooks may not lead.
    pub refuses: Refuses,
    /// Where ended deliveries are written down.
    pub record: Record,
    /// Messages that an earlier process recorded, as JSON ([`Message`]), the newest first: the
    /// outages that they began and did not end go on.
    pub recorded: Vec<String>,
    /// Counted here.
    pub stats: Arc<Stats>,
}

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options").field("relay", &self.relay).finish_non_exhaustive()
    }
}

/// Notifies until `shutdown` holds true or the occasions end. What waits then has a second to be
/// delivered; the rest is recorded as failed, since a notifier that is told to stop must not hold up
/// the process for a silent webhook.
///
/// Needs a tokio runtime with I/O and time.
pub async fn run(options: Options, mut shutdown: watch::Receiver<bool>) {
    let Options { mut occasions, policies, relay, roots, refuses, record, recorded, stats } =
        options;
    let mut outages = Outages::of_recorded(recorded.iter().map(String::as_str));
    drop(recorded);
    let mut dispatcher = Dispatcher::new(relay, roots, refuses, record, Arc::clone(&stats));
    loop {
        let occasion = tokio::select! {
            _ = shutdown.wait_for(|stop| *stop) => break,
            occasion = occasions.recv() => match occasion {
                Some(occasion) => occasion,
                None => break,
            },
        };
        stats.occasions.increment();
        let outage = outages.follow(&occasion, fastrand::u128(..));
        for policy in policies().iter().filter(|policy| policy.wants(&occasion)) {
            let message = Arc::new(Message::new(policy, &occasion, &outage));
            for destination in &policy.destinations {
                dispatcher.send(destination, &message);
            }
        }
    }
    dispatcher.stop().await;
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;
    use crate::occasion::tests::{endpoint, occasion};
    use crate::policy::tests::policy;

    /// From occasions to the record, with a real receiver: one message per change, tied to its
    /// outage, and none for what no policy asks for.
    #[tokio::test]
    async fn each_change_is_told_once_to_those_who_asked() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let server = tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let _ = stream.read(&mut [0; 16 * 1024]).await;
                let answer = "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n";
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        let webhook =
            Destination::Webhook { id: "w".to_owned(), url, secret: None, shape: Shape::Generic };
        let told = Policy { destinations: vec![webhook.clone()], ..policy() };
        let other = Policy { account_id: "another".to_owned(), ..told.clone() };
        let policies = Arc::new(vec![told, other]);
        let (sender, mut records) = mpsc::unbounded_channel();
        let (occasions, inbox) = mpsc::channel(16);
        let (stop, shutdown) = watch::channel(false);
        let options = Options {
            occasions: inbox,
            policies: Arc::new(move || Arc::clone(&policies)),
            relay: None,
            roots: Arc::new(RootCertStore::empty()),
            refuses: Arc::new(|_| None),
            record: Arc::new(move |delivery| sender.send(delivery).unwrap()),
            recorded: Vec::new(),
            stats: Arc::default(),
        };
        let running = tokio::spawn(run(options, shutdown));
        for healthy in [false, true, false] {
            occasions.send(occasion(endpoint("a", healthy))).await.unwrap();
        }
        occasions.send(occasion(What::PoolEnabled { enabled: false })).await.unwrap();

        let mut told = Vec::new();
        for _ in 0..3 {
            let delivery = records.recv().await.unwrap();
            assert_eq!(delivery.outcome, Outcome::Delivered);
            told.push((
                delivery.message.alert_event,
                delivery.message.alert_correlation_id.clone(),
            ));
        }
        let events: Vec<_> = told.iter().map(|(event, _)| *event).collect();
        assert_eq!(
            events,
            [Some(AlertEvent::Start), Some(AlertEvent::End), Some(AlertEvent::Start)]
        );
        assert!(told[0].1 == told[1].1 && told[1].1 != told[2].1, "{told:?}");
        stop.send(true).unwrap();
        running.await.unwrap();
        assert!(records.try_recv().is_err());
        server.abort();
    }
}
