//! When a certificate is ordered: pure, in seconds since 1970.

/// Share of its life after which a certificate is renewed: a third is left for what goes wrong.
const RENEWAL_SHARE: f64 = 2.0 / 3.0;
/// Share of its life by which a renewal may come earlier, so that certificates that were ordered
/// together are not renewed together.
const RENEWAL_JITTER: f64 = 1.0 / 20.0;
/// Pause after the first failure, in seconds; each further one is [`BACKOFF_FACTOR`] times as long.
/// Let's Encrypt takes five failures per host and hour.
const BACKOFF_S: f64 = 60.0;
/// See [`BACKOFF_S`].
const BACKOFF_FACTOR: f64 = 4.0;
/// The longest pause: a host that is pointed here at last has its certificate within a day.
const BACKOFF_S_MAX: f64 = 24.0 * 60.0 * 60.0;
/// Share of a certificate's life that a pause before its renewal may take at most.
const BACKOFF_SHARE_MAX: f64 = 1.0 / 24.0;
/// Share of a pause by which it may be shorter.
const BACKOFF_JITTER: f64 = 0.2;

/// Orders that may be begun at once after a quiet time.
const ORDERS_AT_ONCE_MAX: f64 = 50.0;
/// Seconds per order after that. Together they stay below what Let's Encrypt takes: 300 orders in
/// three hours.
const ORDER_INTERVAL_S: f64 = 45.0;

/// When a certificate of this life is renewed. `draw` is from 0 to 1.
pub(super) fn renewal(not_before: u64, not_after: u64, draw: f64) -> u64 {
    let life = not_after.saturating_sub(not_before) as f64;
    not_before + (life * (RENEWAL_SHARE - RENEWAL_JITTER * draw)) as u64
}

/// How long to wait after so many failures in a row. `life` is that of the certificate to be
/// renewed, if there is one; `draw` is from 0 to 1.
pub(super) fn backoff(failures: u32, life: Option<u64>, draw: f64) -> u64 {
    let exponent = f64::from(failures.saturating_sub(1).min(16));
    let longest = life.map_or(BACKOFF_S_MAX, |life| life as f64 * BACKOFF_SHARE_MAX);
    let pause = (BACKOFF_S * BACKOFF_FACTOR.powf(exponent)).min(longest.min(BACKOFF_S_MAX));
    (pause * (1.0 - BACKOFF_JITTER * draw)).max(1.0) as u64
}

/// Holds the rate of orders below what authorities take.
#[derive(Debug)]
pub(super) struct Pace {
    /// Orders that may be begun.
    allowed: f64,
    /// When that was so.
    at: u64,
}

impl Pace {
    pub(super) fn new(now: u64) -> Self {
        Self { allowed: ORDERS_AT_ONCE_MAX, at: now }
    }

    /// When the next order may be begun.
    pub(super) fn next(&mut self, now: u64) -> u64 {
        let gained = now.saturating_sub(self.at) as f64 / ORDER_INTERVAL_S;
        self.allowed = (self.allowed + gained).min(ORDERS_AT_ONCE_MAX);
        self.at = now;
        now + ((1.0 - self.allowed).max(0.0) * ORDER_INTERVAL_S).ceil() as u64
    }

    /// Counts one that begins.
    pub(super) fn begin(&mut self, now: u64) {
        self.next(now);
        self.allowed -= 1.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: u64 = 24 * 60 * 60;

    #[test]
    fn renewal_comes_at_two_thirds_of_a_life_or_a_little_earlier() {
        assert_eq!(renewal(0, 90 * DAY, 0.0), 60 * DAY);
        let earliest = renewal(0, 90 * DAY, 1.0);
        assert!((55 * DAY..56 * DAY).contains(&earliest), "{earliest}");
        assert_eq!(renewal(100, 130, 0.0), 120);
        assert_eq!(renewal(100, 50, 0.5), 100);
    }

    #[test]
    fn pauses_grow_to_a_day_and_leave_time_before_the_end() {
        let pauses: Vec<u64> = (1..9).map(|failures| backoff(failures, None, 0.0)).collect();
        assert_eq!(pauses, [60, 240, 960, 3840, 15_360, 61_440, DAY, DAY]);
        assert_eq!(backoff(u32::MAX, None, 0.0), DAY);
        assert_eq!(backoff(9, Some(6 * DAY), 0.0), DAY / 4);
        assert_eq!(backoff(9, Some(24), 1.0), 1);
        assert_eq!(backoff(1, None, 1.0), 48);
    }

    #[test]
    fn an_authority_is_not_flooded() {
        let mut pace = Pace::new(0);
        let (mut now, mut begun) = (0, 0);
        while now < 3 * 60 * 60 {
            now = pace.next(now).max(now);
            pace.begin(now);
            begun += 1;
        }
        assert!((250..=300).contains(&begun), "{begun}");
        let mut quiet = Pace::new(0);
        assert_eq!(quiet.next(1000 * DAY), 1000 * DAY);
    }
}
