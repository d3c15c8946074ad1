//! Waiting for a moment to some tens of microseconds. Timers of the runtime tick once per
//! millisecond, which is longer than most requests take: a `timerfd` in its poller is as exact as
//! the kernel.

use std::io;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};
use tokio::io::unix::AsyncFd;

/// One timer of the kernel's.
#[derive(Debug)]
pub struct Sleeper {
    timer: AsyncFd<OwnedFd>,
}

impl Sleeper {
    /// Takes a timer: one file descriptor.
    ///
    /// # Errors
    ///
    /// Descriptors have run out, or there is no runtime.
    pub fn new() -> io::Result<Self> {
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let timer = timerfd_create(TimerfdClockId::Monotonic, flags)?;
        // SAFETY: an `OwnedFd` is open until it is dropped and is always the same descriptor; it is
        // private to this type, which only lends it.
        Ok(Self { timer: unsafe { AsyncFd::register(timer) }? })
    }

    /// Waits until `moment`, never shorter. Dropped in the middle it leaves the timer fit for use.
    ///
    /// # Errors
    ///
    /// The kernel refuses the timer, which it does for no valid moment.
    pub async fn until(&mut self, moment: Instant) -> io::Result<()> {
        loop {
            let left = moment.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            let setting =
                Itimerspec { it_interval: timespec(Duration::ZERO), it_value: timespec(left) };
            timerfd_settime(self.timer.get_ref(), TimerfdTimerFlags::empty(), &setting)?;
            let mut ready = self.timer.readable().await?;
            // What is read is how often it rang; an alarm left over from a wait that was dropped
            // is noticed by the clock above.
            let _ = rustix::io::read(self.timer.get_ref(), &mut [0_u8; 8]);
            ready.clear_ready();
        }
    }
}

fn timespec(duration: Duration) -> Timespec {
    Timespec {
        tv_sec: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: i64::from(duration.subsec_nanos()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn never_early_and_fit_after_being_dropped() {
        let mut sleeper = Sleeper::new().expect("a descriptor");
        for _ in 0..2 {
            let short = Instant::now() + Duration::from_micros(300);
            let dropped = tokio::time::timeout(Duration::ZERO, sleeper.until(short)).await;
            assert!(dropped.is_err() || Instant::now() >= short);
            let moment = Instant::now() + Duration::from_micros(1_700);
            sleeper.until(moment).await.expect("valid");
            assert!(Instant::now() >= moment);
        }
        sleeper.until(Instant::now() - Duration::from_secs(1)).await.expect("past is no wait");
    }
}
