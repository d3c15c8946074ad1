//! The time that requests take at an endpoint: so many servers, each busy with one request for as
//! long as the distribution says, first come, first served.
//!
//! The queue is calculated, not acted out: a request begins when the server that is free first is
//! free, and ends so much later, whether or not this process was woken in time before. A machine
//! that is busy makes single answers late but does not change the capacity, which is servers by
//! mean time. Who leaves early is served all the same, as by most servers, which do not notice.

use std::cell::{Cell, RefCell};
use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::io;
use std::time::{Duration, Instant};

use tokio::sync::{Notify, oneshot};

use super::args::Service;
use crate::arrivals::exponential;
use crate::sleeper::Sleeper;

/// Requests that may be there at once; the next is turned away.
const PRESENT_MAX: u64 = 100_000;

/// One endpoint's servers.
#[derive(Debug)]
pub struct Station {
    service: Service,
    mean: Duration,
    /// When each server is free.
    free: RefCell<BinaryHeap<Reverse<Instant>>>,
    /// Requests that are there, the next to end on top.
    due: RefCell<BinaryHeap<Due>>,
    /// The next to end is another one.
    changed: Notify,
    rng: RefCell<fastrand::Rng>,
    /// Its counts.
    pub counts: Counts,
}

/// What came to an endpoint.
#[derive(Debug, Default)]
pub struct Counts {
    /// Requests and messages taken on.
    pub arrived: Cell<u64>,
    /// Those that were served.
    pub served: Cell<u64>,
    /// Those turned away because too many were there.
    pub refused: Cell<u64>,
    /// Connections accepted.
    pub connections: Cell<u64>,
    /// Requests that are there now, waiting or served.
    pub present: Cell<u64>,
    /// The most that ever were.
    pub present_max: Cell<u64>,
}

/// A request on its way through, ordered by its end.
#[derive(Debug)]
struct Due {
    end: Instant,
    done: oneshot::Sender<()>,
}

impl Ord for Due {
    fn cmp(&self, other: &Self) -> Ordering {
        // The heap gives the greatest first.
        other.end.cmp(&self.end)
    }
}

impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Due {
    fn eq(&self, other: &Self) -> bool {
        self.end == other.end
    }
}

impl Eq for Due {}

/// Too many are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Full;

impl Station {
    /// With that many servers. Nobody is served until [`Self::run`] does.
    pub fn new(service: Service, mean: Duration, servers: usize, seed: u64) -> Self {
        let now = Instant::now();
        Self {
            service,
            mean,
            free: RefCell::new((0..servers).map(|_| Reverse(now)).collect()),
            due: RefCell::default(),
            changed: Notify::new(),
            rng: RefCell::new(fastrand::Rng::with_seed(seed)),
            counts: Counts::default(),
        }
    }

    /// Waits for a server and for its work. Dropped in the middle, the request is served to nobody.
    ///
    /// # Errors
    ///
    /// [`Full`].
    pub async fn serve(&self) -> Result<(), Full> {
        let counts = &self.counts;
        if counts.present.get() >= PRESENT_MAX {
            counts.refused.set(counts.refused.get() + 1);
            return Err(Full);
        }
        counts.arrived.set(counts.arrived.get() + 1);
        if self.service == Service::None {
            counts.served.set(counts.served.get() + 1);
            return Ok(());
        }
        counts.present.set(counts.present.get() + 1);
        counts.present_max.set(counts.present_max.get().max(counts.present.get()));
        let end = self.end(Instant::now());
        let (done, ended) = oneshot::channel();
        self.due.borrow_mut().push(Due { end, done });
        self.changed.notify_one();
        // The other half goes only with the whole endpoint.
        let _ = ended.await;
        Ok(())
    }

    /// When a request that arrives now ends: it takes the server that is free first.
    fn end(&self, now: Instant) -> Instant {
        let mut free = self.free.borrow_mut();
        let first = free.pop().map_or(now, |Reverse(moment)| moment);
        let end = first.max(now) + self.time();
        free.push(Reverse(end));
        end
    }

    fn time(&self) -> Duration {
        match self.service {
            Service::Exponential => {
                let mean = self.mean.as_secs_f64();
                Duration::from_secs_f64(exponential(&mut self.rng.borrow_mut(), mean))
            }
            Service::Fixed => self.mean,
            Service::None => Duration::ZERO,
        }
    }

    /// Ends requests when they are due, for as long as it is polled.
    ///
    /// # Errors
    ///
    /// There is no file descriptor for a timer.
    pub async fn run(&self) -> io::Result<()> {
        let mut sleeper = Sleeper::new()?;
        loop {
            let next = self.due.borrow().peek().map(|due| due.end);
            match next {
                None => self.changed.notified().await,
                Some(end) => tokio::select! {
                    slept = sleeper.until(end) => slept?,
                    () = self.changed.notified() => {}
                },
            }
            let now = Instant::now();
            let mut due = self.due.borrow_mut();
            while due.peek().is_some_and(|due| due.end <= now) {
                if let Some(Due { done, .. }) = due.pop() {
                    self.counts.present.set(self.counts.present.get() - 1);
                    self.counts.served.set(self.counts.served.get() + 1);
                    // Fails where the client has left.
                    let _ = done.send(());
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use super::*;

    const MEAN: Duration = Duration::from_millis(4);

    #[test]
    fn the_queue_is_first_come_first_served_whenever_it_is_looked_at() {
        let station = Station::new(Service::Fixed, MEAN, 2, 0);
        let start = Instant::now();
        let ends: Vec<u32> = (0..5)
            .map(|_| station.end(start))
            .map(|end| (end - start).as_millis() as u32)
            .collect();
        assert_eq!(ends, [4, 4, 8, 8, 12]);
        // Both are idle again at 60 ms: nothing is caught up on.
        let later = start + 15 * MEAN;
        assert_eq!(station.end(later), later + MEAN);
    }

    #[test]
    fn capacity_is_servers_by_mean_time() {
        let station = Station::new(Service::Exponential, MEAN, 8, 5);
        let start = Instant::now();
        let last = (0..100_000).map(|_| station.end(start)).max().expect("some");
        let rate = 100_000.0 / (last - start).as_secs_f64();
        assert!((rate / 2_000.0 - 1.0).abs() < 0.02, "{rate}");
    }

    #[tokio::test(flavor = "current_thread")]
    async fn requests_end_when_they_are_due_and_without_their_clients() {
        let station = Rc::new(Station::new(Service::Fixed, MEAN, 2, 0));
        let local = tokio::task::LocalSet::new();
        local
            .run_until(async {
                let runner = Rc::clone(&station);
                tokio::task::spawn_local(async move { runner.run().await });
                let start = Instant::now();
                let left = tokio::time::timeout(Duration::ZERO, station.serve()).await;
                assert!(left.is_err());
                let served: Vec<_> = (0..9)
                    .map(|_| {
                        let station = Rc::clone(&station);
                        tokio::task::spawn_local(async move { station.serve().await })
                    })
                    .collect();
                for request in served {
                    assert_eq!(request.await.expect("no panic"), Ok(()));
                }
                assert!(start.elapsed() >= 5 * MEAN, "{:?}", start.elapsed());
            })
            .await;
        let counts = &station.counts;
        let got = (counts.arrived.get(), counts.served.get(), counts.present.get());
        assert_eq!(got, (10, 10, 0));
        assert!(counts.present_max.get() >= 9);
    }
}
