//! How fast an endpoint answers, as its answers tell: what steering by least latency compares.
//!
//! The estimate is a geometric mean, so that one request in a hundred that takes ten seconds by its
//! nature says little about the endpoint it happened on. Each answer counts half after
//! `HALF_LIFE_TICKS`; what is left of all of them is the evidence. An endpoint that gets nothing
//! thereby loses its bad name in time, and is tried again.
//!
//! All of it is one machine word: threads share it without a lock, by comparing and swapping. On the
//! request path, where a pool is steered by least latency.

use evenkeel_model::Timestamp;

/// Evidence of so many answers is believed in full; less of it in proportion. Of eight answers of a
/// server whose times are spread like an exponential, the geometric mean is off by less than the
/// tolerated factor of two nine times in ten.
pub const ENOUGH: f64 = 8.0;

/// Evidence beyond this adds nothing: an endpoint that becomes ten times slower passes the tolerated
/// factor of two after some twenty answers.
const EVIDENCE_MAX: u32 = 64 << EVIDENCE_SHIFT;

/// An answer counts half after ten seconds.
const HALF_LIFE_TICKS: u64 = 156;

/// A failure counts as an answer that took so much longer than usual, in doublings: sixteen times.
/// Whoever goes on failing gets slower and slower by it.
const FAILURE_DOUBLINGS: u32 = 4 << LOG_SHIFT;

/// The least that a failure counts as. Errors are often fast: nobody must be drawn to them.
const FAILURE_US_MIN: u64 = 250_000;

/// A tick is 64 milliseconds.
const TICK_SHIFT: u32 = 6;
const TICK_BITS: u32 = 28;
/// Moments that are told apart before they begin anew: 198 days.
const TICKS_MAX: u64 = (1 << TICK_BITS) - 1;

/// Fractional bits of evidence, that of one answer being 1.
const EVIDENCE_SHIFT: u32 = 4;
const EVIDENCE_BITS: u32 = 12;

/// Fractional bits of the logarithm.
const LOG_SHIFT: u32 = 19;
const LOG_BITS: u32 = 24;
/// Just below 2^32 µs, 71 minutes.
const LOG_MAX: u32 = (1 << LOG_BITS) - 1;

/// What became of a request, and how long that took: from the moment it could be sent, connection
/// and body at hand, to the first byte of the final response. In microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sighting {
    /// It was answered.
    Answered(u64),
    /// It was answered with a server error, or not answered by the endpoint's fault.
    Failed(u64),
    /// Nobody waited for the answer any longer: it would have taken longer than this.
    Abandoned(u64),
}

/// How fast an endpoint answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pace {
    /// Logarithm to base 2 of the microseconds.
    log: u32,
    /// How much is known, at `tick`.
    evidence: u32,
    /// When the last answer came.
    tick: u64,
}

impl Pace {
    /// Nothing is known.
    pub const UNKNOWN: Self = Self { log: 0, evidence: 0, tick: 0 };

    /// As one word; that of an endpoint of which nothing is known is 0.
    #[must_use]
    pub fn to_bits(self) -> u64 {
        let Self { log, evidence, tick } = self;
        (u64::from(log) << EVIDENCE_BITS | u64::from(evidence)) << TICK_BITS | tick
    }

    /// The pace of a word.
    #[must_use]
    pub fn from_bits(bits: u64) -> Self {
        let part = |shift: u32, width: u32| bits >> shift & ((1 << width) - 1);
        let narrow = |part: u64| u32::try_from(part).unwrap_or(u32::MAX);
        Self {
            log: narrow(part(EVIDENCE_BITS + TICK_BITS, LOG_BITS)),
            evidence: narrow(part(TICK_BITS, EVIDENCE_BITS)),
            tick: part(0, TICK_BITS),
        }
    }

    /// The pace after one request more.
    #[must_use]
    pub fn see(self, sighting: Sighting, now: Timestamp) -> Self {
        let aged = self.evidence_at(now);
        let log = match sighting {
            Sighting::Answered(us) => log2(us),
            Sighting::Failed(us) => {
                let usual = if aged == 0 { 0 } else { self.log + FAILURE_DOUBLINGS };
                log2(us.max(FAILURE_US_MIN)).max(usual.min(LOG_MAX))
            }
            Sighting::Abandoned(us) => match log2(us) {
                log if aged > 0 && log <= self.log => return self,
                log => log,
            },
        };
        let evidence = (aged + (1 << EVIDENCE_SHIFT)).min(EVIDENCE_MAX);
        let step = (i64::from(log) - i64::from(self.log)) << EVIDENCE_SHIFT;
        // Of nothing known before, the step is all of the way.
        let log = match aged {
            0 => log,
            _ => self.log.saturating_add_signed(
                i32::try_from(step / i64::from(evidence)).unwrap_or_default(),
            ),
        };
        Self { log: log.min(LOG_MAX), evidence, tick: tick(now) }
    }

    /// How long answers take, in microseconds; `None` while nothing is known.
    #[must_use]
    pub fn latency_us(self) -> Option<u64> {
        let us = libm::exp2(self.doublings());
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "at most 2^32, and positive"
        )]
        (self.evidence > 0).then_some((us + 0.5) as u64)
    }

    /// How far the estimate is to be believed, 0 to 1.
    #[must_use]
    pub fn trust(self, now: Timestamp) -> f64 {
        let evidence = f64::from(self.evidence_at(now)) / f64::from(1 << EVIDENCE_SHIFT);
        (evidence / ENOUGH).min(1.0)
    }

    /// The logarithm to base 2 of the microseconds.
    pub(crate) fn doublings(self) -> f64 {
        f64::from(self.log) / f64::from(1 << LOG_SHIFT)
    }

    /// What is left of the evidence: half of it after each half-life, in between on a straight line.
    fn evidence_at(self, now: Timestamp) -> u32 {
        let elapsed = tick(now).wrapping_sub(self.tick) & TICKS_MAX;
        // Clocks of two workers, or one that was set back: no time has passed.
        let elapsed = if elapsed > TICKS_MAX / 2 { 0 } else { elapsed };
        let halvings = elapsed / HALF_LIFE_TICKS;
        let lost = u64::from(self.evidence) * (elapsed % HALF_LIFE_TICKS) / (2 * HALF_LIFE_TICKS);
        let left = self.evidence - u32::try_from(lost).unwrap_or(self.evidence);
        left.checked_shr(u32::try_from(halvings).unwrap_or(u32::MAX)).unwrap_or(0)
    }
}

fn tick(now: Timestamp) -> u64 {
    now.0 >> TICK_SHIFT & TICKS_MAX
}

/// The logarithm to base 2, of 1 µs at least.
fn log2(us: u64) -> u32 {
    #[expect(clippy::cast_precision_loss, reason = "53 bits are more than are kept")]
    let log = libm::log2(us.max(1) as f64) * f64::from(1 << LOG_SHIFT);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "not negative, and a cast of what is too large saturates"
    )]
    let log = log as u32;
    log.min(LOG_MAX)
}

#[cfg(test)]
mod tests;
