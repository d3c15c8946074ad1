//! Health as the store keeps it, so that a restart does not begin with everything down
//! (behaviour.md 7.4).
//!
//! Each pool has a document with the verdicts on its endpoints, written when one of them changes.
//! Until when all of them are known to hold stands in a document of its own, which is renewed all
//! the time: most verdicts hold for months, and need not be written again for that.

use evenkeel_decision::health::Report;
use evenkeel_decision::health::vote::outlives_restart;
use evenkeel_model::{EndpointHealth, EndpointId, FailureReason, Timestamp, Verdict};
use evenkeel_store::{Change, Expected, Key, Snapshot, Write};
use serde::{Deserialize, Serialize};

use crate::records::{encode, kind};

/// Identifier of the document that says until when the others hold. No pool has it.
const HELD: &str = "held";

/// Until when the verdicts of all other documents are known to hold.
#[derive(Debug, Serialize, Deserialize)]
struct Held {
    until_ms: u64,
}

/// The verdicts on a pool's endpoints.
#[derive(Debug, Serialize, Deserialize)]
struct PoolRecord {
    endpoints: Vec<EndpointRecord>,
}

/// One monitor's verdict on an endpoint.
#[derive(Debug, Serialize, Deserialize)]
struct EndpointRecord {
    id: String,
    monitor: String,
    healthy: bool,
    failure_reason: String,
    response_code: u16,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rtt_us: Option<u32>,
}

/// What was known when the process ended, if that is not too long ago. What cannot be read is not
/// known.
pub(crate) fn restore(snapshot: &Snapshot, now: Timestamp) -> Vec<Report> {
    let held = snapshot.document(kind::HEALTH, HELD);
    let held = held.and_then(|document| serde_json::from_slice::<Held>(&document.body).ok());
    if !held.is_some_and(|held| outlives_restart(Timestamp(held.until_ms), now)) {
        return Vec::new();
    }
    let documents = snapshot.documents(kind::HEALTH).filter(|document| &*document.key.id != HELD);
    documents
        .filter_map(|document| serde_json::from_slice::<PoolRecord>(&document.body).ok())
        .flat_map(|pool| pool.endpoints)
        .filter_map(|endpoint| endpoint.report())
        .collect()
}

/// The pools that have a document.
pub(super) fn pools(snapshot: &Snapshot) -> impl Iterator<Item = &str> {
    let ids = snapshot.documents(kind::HEALTH).map(|document| &*document.key.id);
    ids.filter(|id| *id != HELD)
}

/// The change that says until when everything holds.
pub(super) fn held(until: Timestamp) -> Change {
    change(HELD, Write::Put(encode(&Held { until_ms: until.0 }).into()))
}

/// The change that keeps what is known of a pool, or forgets it where nothing is.
pub(super) fn pool(id: &str, known: &[Report]) -> Change {
    if known.is_empty() {
        return change(id, Write::Delete);
    }
    let record = PoolRecord { endpoints: known.iter().map(EndpointRecord::of).collect() };
    change(id, Write::Put(encode(&record).into()))
}

fn change(id: &str, write: Write) -> Change {
    Change { key: Key::new(kind::HEALTH, id), expected: Expected::Anything, write }
}

impl EndpointRecord {
    fn of(report: &Report) -> Self {
        let Report { endpoint, monitor, health } = report;
        Self {
            id: endpoint.to_string(),
            monitor: monitor.to_string(),
            healthy: health.verdict == Verdict::Healthy,
            failure_reason: health.reason.to_string(),
            response_code: health.response_code,
            rtt_us: health.rtt_us,
        }
    }

    fn report(&self) -> Option<Report> {
        let endpoint = u64::from_str_radix(&self.id, 16).ok()?;
        let verdict = if self.healthy { Verdict::Healthy } else { Verdict::Unhealthy };
        Some(Report {
            endpoint: EndpointId(endpoint),
            monitor: self.monitor.parse().ok()?,
            health: EndpointHealth {
                verdict,
                reason: FailureReason::parse(&self.failure_reason).unwrap_or(FailureReason::Other),
                response_code: self.response_code,
                rtt_us: self.rtt_us,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use evenkeel_model::MonitorId;
    use evenkeel_store::{Batch, MemoryStore, Store};

    use super::*;

    fn report(healthy: bool) -> Report {
        let (verdict, reason, rtt_us) = if healthy {
            (Verdict::Healthy, FailureReason::NoFailures, Some(1_200))
        } else {
            (Verdict::Unhealthy, FailureReason::TlsNameMismatch, None)
        };
        let health = EndpointHealth { verdict, reason, response_code: 200, rtt_us };
        Report { endpoint: EndpointId(0xab), monitor: MonitorId([7; 16]), health }
    }

    async fn commit(store: &MemoryStore, changes: Vec<Change>) {
        store.commit(Batch { changes, ..Batch::new() }).await.unwrap();
    }

    #[tokio::test]
    async fn what_was_known_comes_back_within_ten_minutes() {
        let store = MemoryStore::new();
        let known = [report(true), report(false)];
        let at = Timestamp::from_seconds(1_000_000);
        commit(&store, vec![pool("a", &known), held(at)]).await;
        for (after_s, restored) in [(0, &known[..]), (600, &known), (601, &[])] {
            let now = at.plus_seconds(after_s);
            assert_eq!(restore(&store.snapshot(), now), restored, "{after_s} s");
        }
        assert_eq!(restore(&store.snapshot(), Timestamp(at.0 - 1)), [], "from the future");
        assert_eq!(pools(&store.snapshot()).collect::<Vec<_>>(), ["a"]);
        commit(&store, vec![pool("a", &[])]).await;
        assert_eq!(restore(&store.snapshot(), at), []);
    }

    #[test]
    fn every_reason_is_read_back() {
        for reason in FailureReason::ALL {
            assert_eq!(FailureReason::parse(reason.as_str()), Some(reason));
        }
    }

    #[tokio::test]
    async fn what_cannot_be_read_is_not_known() {
        let store = MemoryStore::new();
        let at = Timestamp::from_seconds(1);
        let garbage = change("b", Write::Put(b"{\"endpoints\":[{}]}"[..].into()));
        commit(&store, vec![pool("a", &[report(true)]), garbage, held(at)]).await;
        assert_eq!(restore(&store.snapshot(), at), [report(true)]);
        commit(&store, vec![change(HELD, Write::Put(b"soon"[..].into()))]).await;
        assert_eq!(restore(&store.snapshot(), at), []);
    }
}
