//! Heads that were refused before they became requests: malformed, too long, or never finished.
//! What is known of them is who sent them and what they were told.

use evenkeel_decision::Rng;
use evenkeel_telemetry::RequestEnd;
use tokio::time::Instant;

use super::record::Told;
use super::{Meter, Outcome, microseconds};
use crate::arrival::Visitor;
use crate::downstream::Downstream;
use crate::exchange::Delivered;
use crate::ray::Ray;
use crate::refusal::{Occasion, Refusal};
use crate::transport::Transport;
use crate::worker::Worker;

/// Answers a head that is no request. Dropping the future leaves the answer where it is, counted by
/// what was sent of it.
pub(crate) async fn refuse_unread<D: Transport>(
    worker: &Worker,
    downstream: &mut Downstream<D>,
    visitor: &Visitor,
    refusal: Refusal,
) {
    let ray = Ray::new(worker.chance().next_u64(), &worker.settings.pop);
    let mut unread = Unread {
        worker,
        visitor,
        before: downstream.meter,
        downstream,
        ray,
        status: refusal.status,
        began: Instant::now(),
        is_whole: false,
    };
    let occasion = Occasion::malformed(&ray);
    let delivered = unread.downstream.refuse(worker, refusal, &occasion).await;
    unread.is_whole = delivered == Delivered::Whole;
}

/// Settles when it is dropped.
struct Unread<'a, D> {
    worker: &'a Worker,
    downstream: &'a mut Downstream<D>,
    visitor: &'a Visitor,
    ray: Ray,
    status: u16,
    began: Instant,
    before: Meter,
    is_whole: bool,
}

impl<D> Drop for Unread<'_, D> {
    fn drop(&mut self) {
        let metrics = &self.worker.metrics;
        let moved = self.downstream.meter.since(&self.before);
        let status = if moved.sent > 0 { self.status } else { 0 };
        let end = if self.is_whole { RequestEnd::Own } else { RequestEnd::ClientGone };
        if status > 0 {
            metrics.responded(status);
            metrics.own_error(status);
        }
        metrics.request_ended(end);
        let total_us = microseconds(self.began, Instant::now());
        let outcome = Outcome { status, end, total_us };
        Told::of_nothing(self.visitor, &self.ray, moved).tell(self.worker, None, &outcome);
    }
}
