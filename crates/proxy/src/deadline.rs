//! One timer per connection, moved as rarely as possible.
//!
//! Every step of a request has its own limit, but setting a timer for each would cost more than
//! the step. The timer here is armed for some moment at or before the deadline that counts; when
//! it fires early it is set again. Under steady traffic it is touched once in tens of seconds.
//!
//! On the request path.

use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::task::unconstrained;
use tokio::time::{Instant, Sleep, sleep_until};

/// The moment by which the current step must be done.
#[derive(Debug)]
pub(crate) struct Deadline {
    at: Instant,
    armed: Instant,
    is_registered: bool,
    timer: Pin<Box<Sleep>>,
}

impl Deadline {
    /// A first deadline, this long from now.
    pub(crate) fn after(limit: Duration) -> Self {
        let at = Instant::now() + limit;
        Self { at, armed: at, is_registered: false, timer: Box::pin(sleep_until(at)) }
    }

    /// Replaces the deadline.
    pub(crate) fn set(&mut self, limit: Duration) {
        self.at = Instant::now() + limit;
        if self.at < self.armed {
            self.arm();
        }
    }

    /// Ready once the deadline has passed.
    pub(crate) fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        loop {
            // A registered timer wakes this task by itself; asking it again each time is waste.
            let has_fired = if self.is_registered {
                self.timer.is_elapsed()
            } else {
                self.is_registered = true;
                // To a task that has used up its turn, tokio's timers answer "pending" without taking
                // note of it: the deadline would never fire.
                pin!(unconstrained(self.timer.as_mut())).poll(context).is_ready()
            };
            if !has_fired {
                return Poll::Pending;
            }
            if self.at <= self.armed {
                return Poll::Ready(());
            }
            self.arm();
        }
    }

    fn arm(&mut self) {
        self.armed = self.at;
        self.timer.as_mut().reset(self.at);
        self.is_registered = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;

    #[tokio::test(start_paused = true)]
    async fn the_last_deadline_set_is_the_one_that_counts() {
        let start = Instant::now();
        let mut deadline = Deadline::after(Duration::from_secs(400));
        deadline.set(Duration::from_secs(30));
        let first = poll_fn(|cx| Poll::Ready(deadline.poll(cx))).await;
        assert!(first.is_pending());
        deadline.set(Duration::from_secs(125));
        poll_fn(|cx| deadline.poll(cx)).await;
        assert_eq!(start.elapsed().as_secs(), 125);
        deadline.set(Duration::from_secs(5));
        poll_fn(|cx| deadline.poll(cx)).await;
        assert_eq!(start.elapsed().as_secs(), 130);
    }

    #[tokio::test(start_paused = true)]
    async fn a_deadline_polled_at_the_end_of_a_turn_still_fires() {
        let start = Instant::now();
        let mut deadline = Deadline::after(Duration::from_secs(5));
        poll_fn(|cx| {
            while tokio::task::coop::has_budget_remaining() {
                let _ = pin!(tokio::task::coop::consume_budget()).poll(cx);
            }
            deadline.poll(cx)
        })
        .await;
        assert_eq!(start.elapsed().as_secs(), 5);
    }
}
