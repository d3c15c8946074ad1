//! The time that requests take at an endpoint: so many servers, each busy with one request for as
//! long as the distribution says, first come, first served. Capacity follows: servers by mean time.

use std::cell::{Cell, RefCell};
use std::io;
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;

use super::args::Service;
use crate::arrivals::exponential;
use crate::sleeper::Sleeper;

/// Requests that may wait at one endpoint; the next is turned away.
const WAITING_MAX: usize = 100_000;

/// One endpoint's servers.
#[derive(Debug)]
pub struct Station {
    service: Service,
    mean: Duration,
    free: Semaphore,
    sleepers: RefCell<Vec<Sleeper>>,
    rng: RefCell<fastrand::Rng>,
    /// Its counts.
    pub counts: Counts,
}

/// What came to an endpoint.
#[derive(Debug, Default)]
pub struct Counts {
    /// Requests served, and messages echoed.
    pub served: Cell<u64>,
    /// Requests turned away because too many waited.
    pub refused: Cell<u64>,
    /// Connections accepted.
    pub connections: Cell<u64>,
    /// Requests that are there now, waiting or served.
    pub present: Cell<u64>,
    /// The most that ever were.
    pub present_max: Cell<u64>,
}

/// Too many wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Full;

impl Station {
    /// With that many servers.
    ///
    /// # Errors
    ///
    /// There are not enough file descriptors for their timers.
    pub fn new(service: Service, mean: Duration, servers: usize, seed: u64) -> io::Result<Self> {
        let sleepers = match service {
            Service::None => Vec::new(),
            _ => (0..servers).map(|_| Sleeper::new()).collect::<io::Result<_>>()?,
        };
        Ok(Self {
            service,
            mean,
            free: Semaphore::new(servers),
            sleepers: RefCell::new(sleepers),
            rng: RefCell::new(fastrand::Rng::with_seed(seed)),
            counts: Counts::default(),
        })
    }

    /// Waits for a server and for its work. Dropped in the middle, the server is free again.
    ///
    /// # Errors
    ///
    /// [`Full`].
    pub async fn serve(&self) -> Result<(), Full> {
        let counts = &self.counts;
        if self.service != Service::None {
            if counts.present.get() >= WAITING_MAX as u64 {
                counts.refused.set(counts.refused.get() + 1);
                return Err(Full);
            }
            let _present = Present::at(counts);
            let _server = self.free.acquire().await;
            // As many timers as servers: one is there.
            let sleeper = self.sleepers.borrow_mut().pop();
            if let Some(sleeper) = sleeper {
                let mut borrowed = Borrowed { sleeper: Some(sleeper), of: &self.sleepers };
                borrowed.until(Instant::now() + self.time()).await;
            }
        }
        counts.served.set(counts.served.get() + 1);
        Ok(())
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
}

/// Counts a request while it is there.
struct Present<'a>(&'a Counts);

impl<'a> Present<'a> {
    fn at(counts: &'a Counts) -> Self {
        counts.present.set(counts.present.get() + 1);
        counts.present_max.set(counts.present_max.get().max(counts.present.get()));
        Self(counts)
    }
}

impl Drop for Present<'_> {
    fn drop(&mut self) {
        self.0.present.set(self.0.present.get() - 1);
    }
}

/// A timer that goes back.
struct Borrowed<'a> {
    sleeper: Option<Sleeper>,
    of: &'a RefCell<Vec<Sleeper>>,
}

impl Borrowed<'_> {
    async fn until(&mut self, moment: Instant) {
        if let Some(sleeper) = &mut self.sleeper {
            // The kernel takes every moment that `Instant` can say.
            let _ = sleeper.until(moment).await;
        }
    }
}

impl Drop for Borrowed<'_> {
    fn drop(&mut self) {
        self.of.borrow_mut().extend(self.sleeper.take());
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use super::*;

    #[tokio::test(flavor = "current_thread")]
    async fn servers_bound_what_is_served_in_a_time() {
        let mean = Duration::from_millis(4);
        let station = Rc::new(Station::new(Service::Fixed, mean, 2, 0).expect("timers"));
        let local = tokio::task::LocalSet::new();
        let start = Instant::now();
        for _ in 0..10 {
            let station = Rc::clone(&station);
            local.spawn_local(async move { station.serve().await });
        }
        local.await;
        // Five rounds of two; never faster, whatever the machine does.
        assert!(start.elapsed() >= 5 * mean, "{:?}", start.elapsed());
        let counts = &station.counts;
        let got = (counts.served.get(), counts.present.get(), counts.present_max.get());
        assert_eq!(got, (10, 0, 10));
    }

    #[tokio::test(flavor = "current_thread")]
    async fn who_leaves_frees_the_server() {
        let hour = Duration::from_secs(3_600);
        let station = Station::new(Service::Fixed, hour, 1, 0).expect("timers");
        for _ in 0..3 {
            let left = tokio::time::timeout(Duration::from_millis(1), station.serve()).await;
            assert!(left.is_err());
            assert_eq!(station.sleepers.borrow().len(), 1);
            assert_eq!(station.free.available_permits(), 1);
        }
        assert_eq!((station.counts.served.get(), station.counts.present.get()), (0, 0));
    }
}
