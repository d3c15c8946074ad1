//! The evidence on one endpoint, in one machine word: threads share it without a lock, by comparing
//! and swapping.
//!
//! On the request path, where passive health is on.

use evenkeel_model::Timestamp;

use super::{Evidence, Outlying, PassiveSettings};

/// Connect failures in a row that are told apart.
pub const FAILURES_MAX: u32 = (1 << FAILURES_BITS) - 1;
/// Requests of a window that are counted. A busier window forgets half of what it has counted: the
/// share of errors stays what it was.
const REQUESTS_MAX: u32 = (1 << COUNT_BITS) - 1;
/// Moments that the start of a window is one of, before they begin anew: 24 days.
const TICKS_MAX: u64 = (1 << TICK_BITS) - 1;

/// A tick is 128 milliseconds. A window's end needs no better clock.
const TICK_SHIFT: u32 = 7;

const FAILURES_BITS: u32 = 12;
const COUNT_BITS: u32 = 14;
const TICK_BITS: u32 = 24;

/// What requests to one endpoint have met of late.
///
/// ```text
///   blank ── server error ──▶ window ── ends, or its errors are forgotten ──▶ blank
///     ├───── connect failure ▶ failures in a row ── any answer ─────────────▶ blank
///     └◀──── answered: nearly every request ends here, and changes nothing
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Record {
    /// Connect failures since the last connection.
    failures: u32,
    /// Requests of the window, 0 outside of one.
    requests: u32,
    /// Server errors of the window.
    errors: u32,
    /// Tick at which the window began; 0 outside of one.
    window_start: u64,
}

impl Record {
    /// As one word; that of the blank record is 0.
    #[must_use]
    pub fn to_bits(self) -> u64 {
        let Self { failures, requests, errors, window_start } = self;
        let mut bits = u64::from(failures);
        bits = bits << COUNT_BITS | u64::from(requests);
        bits = bits << COUNT_BITS | u64::from(errors);
        bits << TICK_BITS | window_start
    }

    /// The record of a word.
    #[must_use]
    pub fn from_bits(mut bits: u64) -> Self {
        let mut take = |width: u32| {
            let part = bits & ((1 << width) - 1);
            bits >>= width;
            part
        };
        let window_start = take(TICK_BITS);
        let mut count = |width| u32::try_from(take(width)).unwrap_or(u32::MAX);
        let (errors, requests) = (count(COUNT_BITS), count(COUNT_BITS));
        Self { failures: count(FAILURES_BITS), requests, errors, window_start }
    }

    /// Takes in what a request met, and says whether the endpoint stands out by it.
    ///
    /// An answer leaves a blank record blank, so whoever sees both can spare the call.
    #[must_use]
    pub fn see(
        self,
        evidence: Evidence,
        now: Timestamp,
        settings: &PassiveSettings,
    ) -> (Self, Option<Outlying>) {
        if evidence == Evidence::ConnectFailed {
            let failures = (self.failures + 1).min(FAILURES_MAX);
            let enough = settings.failures_max.min(FAILURES_MAX);
            let stands_out = enough > 0 && failures >= enough;
            let outlying = stands_out.then_some(Outlying::ConnectFailures(failures));
            return (Self { failures, ..self }, outlying);
        }
        let is_error = evidence == Evidence::ServerError;
        let tick = now.0 >> TICK_SHIFT & TICKS_MAX;
        let Some(window) = self.window(tick, settings) else {
            let begun = Self { requests: 1, errors: 1, window_start: tick, ..Self::default() };
            let next = if is_error { begun } else { Self::default() };
            return (next, next.outlying(settings).filter(|_| is_error));
        };
        let next = Self {
            failures: 0,
            requests: window.requests + 1,
            errors: window.errors + u32::from(is_error),
            ..window
        };
        (next, next.outlying(settings).filter(|_| is_error))
    }

    /// The window that a request falls into, with room for it; `None` when a new one would begin.
    fn window(self, tick: u64, settings: &PassiveSettings) -> Option<Self> {
        let length = (settings.window_ms >> TICK_SHIFT).clamp(1, TICKS_MAX);
        // A clock that was set back makes a window look very old.
        let age = tick.wrapping_sub(self.window_start) & TICKS_MAX;
        if self.requests == 0 || age >= length {
            return None;
        }
        if self.requests < REQUESTS_MAX {
            return Some(self);
        }
        Some(Self { requests: self.requests / 2, errors: self.errors / 2, ..self })
    }

    fn outlying(self, settings: &PassiveSettings) -> Option<Outlying> {
        let Self { requests, errors, .. } = self;
        let tolerated = u64::from(requests) * u64::from(settings.errors_max.hundredths());
        let stands_out =
            requests >= settings.requests_min && u64::from(errors) * 10_000 > tolerated;
        stands_out.then_some(Outlying::ServerErrors { errors, requests })
    }
}
