//! Response-rate limiting: who is asked in the name of a victim sends the victim few answers.
//!
//! Answers over UDP go to whoever the query says it is from, and anybody can write anything there.
//! Each network (/24 or /56) therefore gets so many answers a second of each kind. Further ones are
//! dropped, except that every few of them is sent without records and marked as truncated: an honest
//! client repeats over TCP, where nobody can speak for another, and a victim is sent no more than
//! was sent to us. Who shows a cookie of ours is no forger and is not counted at all; that and the
//! networks that are exempt is the caller's to know.
//!
//! Pure: time and chance are arguments. One table serves all threads without a lock.

use std::hash::Hasher;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use evenkeel_decision::Rng;
use siphasher::sip::SipHasher13;

/// Networks and kinds counted at a time: half a megabyte. When all of a row is taken, the one that
/// was answered least lately is forgotten, which gives its network at most a second's answers anew;
/// one that is being limited is never it while others are not.
const BUCKETS_MAX: usize = 65_536;
/// Buckets that one key may be in.
const ROW: usize = 4;
/// Networks are counted by so many bits of their address: what one party has at least.
const PREFIX_V4: usize = 24;
/// As [`PREFIX_V4`], for IPv6.
const PREFIX_V6: usize = 56;
/// What may come at once after silence, in time: a second's answers.
const BURST_US: u64 = 1_000_000;

/// Bits of a bucket that hold the time until which its answers are used up, in microseconds. They
/// wrap after twelve days; what looks further ahead than a burst is from before that.
const TIME_BITS: u32 = 40;
const TIME_MASK: u64 = (1 << TIME_BITS) - 1;

/// What an answer says. Each kind is limited for itself: whoever drowns a network in NXDOMAIN takes
/// no answer from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Records.
    Answer,
    /// The name is there without such records, or another server is named.
    Empty,
    /// The name is not there.
    NoName,
    /// A refusal or an error.
    Error,
}

/// What becomes of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is sent.
    Sent,
    /// It is sent without records, as truncated.
    Slipped,
    /// It is not sent.
    Dropped,
}

impl Fate {
    /// One word for logs.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Slipped => "slipped",
            Self::Dropped => "dropped",
        }
    }
}

/// How many answers are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateSettings {
    /// Answers of each kind per second and network.
    pub per_second: u32,
    /// Of how many answers beyond those one is sent as truncated; 0 for none.
    pub slip: u32,
}

/// Counts answers.
#[derive(Debug)]
pub(crate) struct RateLimiter {
    /// Time that one answer takes of its network's share.
    step_us: u64,
    slip: u32,
    /// Whoever knew it could choose networks that share a row.
    key: [u8; 16],
    /// Rows of [`ROW`]. Each bucket: a part of the key's hash, and a time. 0 is empty.
    buckets: Box<[AtomicU64]>,
}

impl RateLimiter {
    /// With nothing counted.
    pub(crate) fn new(settings: RateSettings, key: [u8; 16]) -> Self {
        Self {
            step_us: (BURST_US / u64::from(settings.per_second.max(1))).max(1),
            slip: settings.slip,
            key,
            buckets: (0..BUCKETS_MAX).map(|_| AtomicU64::new(0)).collect(),
        }
    }

    /// Counts an answer and says what becomes of it. `now_us` counts from any moment, the same for
    /// all calls.
    pub(crate) fn judge(&self, client: IpAddr, kind: Kind, now_us: u64, rng: &mut dyn Rng) -> Fate {
        if self.take(client, kind, now_us) {
            Fate::Sent
        } else if self.slip > 0 && rng.below(u64::from(self.slip)) == 0 {
            Fate::Slipped
        } else {
            Fate::Dropped
        }
    }

    /// Takes an answer from a network's share, if there is one left.
    fn take(&self, client: IpAddr, kind: Kind, now_us: u64) -> bool {
        let hash = self.hash(client, kind);
        let row = (hash as usize % (BUCKETS_MAX / ROW)) * ROW;
        let row = &self.buckets[row..row + ROW];
        // Never 0, so that an empty bucket is nobody's.
        let tag = (hash >> TIME_BITS | 1) << TIME_BITS;
        let mut oldest = (&row[0], row[0].load(Relaxed), u64::MAX);
        for bucket in row {
            let value = bucket.load(Relaxed);
            let ahead_us = ahead(value, now_us);
            if value & !TIME_MASK == tag {
                oldest = (bucket, value, ahead_us);
                break;
            }
            if ahead_us < oldest.2 {
                oldest = (bucket, value, ahead_us);
            }
        }
        let (bucket, value, ahead_us) = oldest;
        let is_own = value & !TIME_MASK == tag;
        let ahead_us = if is_own { ahead_us } else { 0 };
        if ahead_us + self.step_us > BURST_US {
            return false;
        }
        let until = (now_us + ahead_us + self.step_us) & TIME_MASK;
        // Another thread that took at the same moment has counted in place of this one: an answer
        // too many now and then, and no loop.
        let _ = bucket.compare_exchange(value, tag | until, Relaxed, Relaxed);
        true
    }

    fn hash(&self, client: IpAddr, kind: Kind) -> u64 {
        let mut hasher = SipHasher13::new_with_key(&self.key);
        hasher.write_u8(kind as u8);
        match client {
            IpAddr::V4(ip) => hasher.write(&ip.octets()[..PREFIX_V4 / 8]),
            IpAddr::V6(ip) => hasher.write(&ip.octets()[..PREFIX_V6 / 8]),
        }
        hasher.finish()
    }
}

/// How far a bucket's time is ahead.
fn ahead(bucket: u64, now_us: u64) -> u64 {
    let ahead_us = bucket.wrapping_sub(now_us) & TIME_MASK;
    if ahead_us <= BURST_US { ahead_us } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Draws 0, 1, 2 and so on.
    struct Counting(u64);

    impl Rng for Counting {
        fn next_u64(&mut self) -> u64 {
            self.0 += 1;
            // The upper bits decide what is below a bound.
            (self.0 - 1) << 62
        }
    }

    const SECOND: u64 = 1_000_000;

    fn limiter(per_second: u32, slip: u32) -> RateLimiter {
        RateLimiter::new(RateSettings { per_second, slip }, [7; 16])
    }

    /// Answers sent whole of so many asked for at one moment.
    fn sent(limiter: &RateLimiter, client: &str, kind: Kind, asked: usize, now_us: u64) -> usize {
        let client = client.parse().unwrap();
        let fates = (0..asked).map(|_| limiter.judge(client, kind, now_us, &mut Counting(0)));
        fates.filter(|fate| *fate == Fate::Sent).count()
    }

    #[test]
    fn each_network_has_a_share_of_each_kind() {
        let limiter = limiter(10, 0);
        for (client, kind, at, asked, expected) in [
            ("192.0.2.1", Kind::Answer, SECOND, 100, 10),
            // The same network.
            ("192.0.2.255", Kind::Answer, SECOND, 100, 0),
            ("192.0.3.1", Kind::Answer, SECOND, 9, 9),
            ("192.0.2.1", Kind::NoName, SECOND, 100, 10),
            ("192.0.2.1", Kind::Empty, SECOND, 100, 10),
            ("192.0.2.1", Kind::Error, SECOND, 100, 10),
            ("2001:db8:0:1::1", Kind::Answer, SECOND, 100, 10),
            ("2001:db8:0:ff::9", Kind::Answer, SECOND, 100, 0),
            ("2001:db8:0:100::9", Kind::Answer, SECOND, 100, 10),
            // A tenth of a second brings one answer, a second all, a day no more than that.
            ("192.0.2.1", Kind::Answer, SECOND + SECOND / 10, 100, 1),
            ("192.0.2.1", Kind::Answer, SECOND * 21 / 10, 100, 10),
            ("192.0.2.1", Kind::Answer, SECOND * 86_400, 100, 10),
        ] {
            assert_eq!(sent(&limiter, client, kind, asked, at), expected, "{client} {kind:?} {at}");
        }
    }

    #[test]
    fn a_steady_rate_within_the_limit_is_never_limited_and_one_beyond_gets_the_limit() {
        for (per_second, asked_per_second, expected) in
            [(100, 100, 1000), (100, 50, 500), (100, 10_000, 1000 + 99), (1, 10, 10)]
        {
            let limiter = limiter(per_second, 0);
            let asked = asked_per_second * 10;
            let at = |n: u64| SECOND + n * SECOND / asked_per_second;
            let sent: usize =
                (0..asked).map(|n| sent(&limiter, "192.0.2.1", Kind::Answer, 1, at(n))).sum();
            assert_eq!(sent, expected, "{per_second} {asked_per_second}");
        }
    }

    #[test]
    fn of_what_is_limited_every_few_slip() {
        for (slip, expected) in [(0, 0), (1, 400), (2, 200), (4, 100)] {
            let limiter = limiter(1, slip);
            let client = "192.0.2.1".parse().unwrap();
            let rng = &mut Counting(0);
            let fates = (0..401).map(|_| limiter.judge(client, Kind::Answer, 5, rng));
            let slipped = fates.filter(|fate| *fate == Fate::Slipped).count();
            assert_eq!(slipped, expected, "1 of {slip}");
        }
    }

    #[test]
    fn the_wrapping_of_times_is_seen_through() {
        let limiter = limiter(10, 0);
        for turn in [TIME_MASK - SECOND / 20, TIME_MASK + 3 * SECOND, 5 * TIME_MASK] {
            assert_eq!(sent(&limiter, "192.0.2.1", Kind::Answer, 100, turn), 10, "{turn}");
            assert_eq!(sent(&limiter, "192.0.2.1", Kind::Answer, 100, turn + SECOND / 10), 1);
        }
    }

    #[test]
    fn many_networks_do_not_free_one_that_is_limited() {
        let limiter = limiter(10, 0);
        assert_eq!(sent(&limiter, "192.0.2.1", Kind::Answer, 100, SECOND), 10);
        let mut again = 0;
        for n in 0..200_000_u32 {
            let other = IpAddr::from((n << 8).to_be_bytes()).to_string();
            let now = SECOND + u64::from(n);
            sent(&limiter, &other, Kind::Answer, 1, now);
            again += sent(&limiter, "192.0.2.1", Kind::Answer, 1, now);
        }
        // A tenth of a second brings one, and the second tenth is not over.
        assert_eq!(again, 1);
    }
}
