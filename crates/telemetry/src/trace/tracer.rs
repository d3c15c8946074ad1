//! Who decides what is traced, and the queue of what is to be exported.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::{RequestSpan, SpanContext, TraceParent, TraceStats};
use crate::RequestRecord;

/// Traced requests that wait for export, of about a kilobyte each. When full they are dropped and
/// counted: a collector that is away costs neither memory nor time.
const REQUESTS_MAX: usize = 16 * 1024;

/// The share of traces that are recorded of those that begin here. Others are up to their callers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceShare {
    /// Of the low 56 bits of a trace's id, which are random: those below it are recorded.
    below: u64,
}

impl TraceShare {
    /// All of them.
    pub const ALL: Self = Self { below: 1 << 56 };

    /// A share from 0 to 1; `None` for what is none.
    #[must_use]
    pub fn new(share: f64) -> Option<Self> {
        let is_share = (0.0..=1.0).contains(&share);
        is_share.then_some(Self { below: (share * 2f64.powi(56)) as u64 })
    }

    fn takes(self, trace_id: [u8; 16]) -> bool {
        u128::from_be_bytes(trace_id) as u64 & ((1 << 56) - 1) < self.below
    }
}

/// Begins and ends the spans of requests. Clones are the same.
#[derive(Debug, Clone)]
pub struct Tracer {
    share: TraceShare,
    queue: mpsc::Sender<RequestSpan>,
    stats: Arc<TraceStats>,
}

/// What is to be exported.
#[derive(Debug)]
pub struct SpanQueue {
    queue: mpsc::Receiver<RequestSpan>,
    stats: Arc<TraceStats>,
}

impl Tracer {
    /// A tracer, and where its spans come out.
    #[must_use]
    pub fn new(share: TraceShare) -> (Self, SpanQueue) {
        let (sender, queue) = mpsc::channel(REQUESTS_MAX);
        let stats = Arc::<TraceStats>::default();
        (Self { share, queue: sender, stats: Arc::clone(&stats) }, SpanQueue { queue, stats })
    }

    /// Finds a request its place: in the trace of a valid `traceparent`, whose caller decides
    /// whether it is recorded, or in a new one. `chance` is three numbers, each equally likely.
    #[must_use]
    pub fn begin(&self, traceparent: Option<&[u8]>, chance: [u64; 3]) -> SpanContext {
        let parent = traceparent.and_then(TraceParent::parse);
        let [high, low, span] = chance;
        // Zeros are no ids (section 3.2.2).
        let trace_id = match parent {
            Some(parent) => parent.trace_id,
            None => (u128::from(high) << 64 | u128::from(low)).max(1).to_be_bytes(),
        };
        let server = span.max(1);
        // One draw serves both spans: an odd step never leads back, but for the sum of zero.
        let client = server.wrapping_add(0x9e37_79b9_7f4a_7c15).max(1);
        SpanContext {
            trace_id,
            parent_id: parent.map(|parent| parent.span_id),
            server_id: server.to_be_bytes(),
            client_id: client.to_be_bytes(),
            is_sampled: parent.map_or_else(|| self.share.takes(trace_id), |it| it.is_sampled),
        }
    }

    /// Hands the spans of a request over to be exported, if it is sampled. Never waits.
    pub fn end(&self, span: &SpanContext, record: &RequestRecord<'_>) {
        if !span.is_sampled {
            return;
        }
        // A queue that is full costs no copy of the record.
        match self.queue.try_reserve() {
            Ok(place) => place.send(RequestSpan::new(*span, record)),
            Err(_) => self.stats.dropped(1 + u64::from(record.attempts > 0)),
        }
    }

    /// What became of spans.
    #[must_use]
    pub fn stats(&self) -> &Arc<TraceStats> {
        &self.stats
    }
}

impl SpanQueue {
    /// Waits for traced requests and adds those that wait, up to `max`, to `batch`. Returns how many
    /// there were: none once every tracer is gone. Dropping the future loses nothing.
    pub async fn take(&mut self, batch: &mut Vec<RequestSpan>, max: usize) -> usize {
        self.queue.recv_many(batch, max).await
    }

    /// No more come in. What waits can still be taken.
    pub fn close(&mut self) {
        self.queue.close();
    }

    /// What became of spans.
    #[must_use]
    pub fn stats(&self) -> &Arc<TraceStats> {
        &self.stats
    }
}
