//! Passive health: what real traffic meets counts as evidence, and endpoints that stand out are left
//! alone for a while. An addition of ours, off unless it is asked for: the published API knows probes
//! alone.
//!
//! ```text
//!            `failures_max` connect failures in a row, or a window
//!            with more than `errors_max` of server errors
//!   Watched ───────────────────────────────────────────────────────▶ Ejected until …
//!      ▲      if the cap on the ejected share allows it                    │
//!      └───────────────────────────────────────────────────────────────────┘
//!              the time is over: the evidence begins anew
//! ```
//!
//! An ejection is no verdict. It says nothing in events, notifies nobody, changes no pool's status,
//! and never takes the last endpoint of a pool away: an error of the service as a whole shows on all
//! of its endpoints, and ejecting them helps nobody. What a request met is the proxy's to tell, and
//! to remember for all of its threads: a [`Record`] for each endpoint, [`Outliers`] for each pool.
//! Whom a decision leaves out comes back to it as [`Ejections`].

mod record;

use alloc::collections::BTreeMap;
use core::fmt;

use evenkeel_model::{EndpointId, Percent, Timestamp};

pub use record::{FAILURES_MAX, Record};

/// Ejections that lengthen the next one, at most. The longest ejection is reached long before with
/// any sensible setting; the bound keeps the count small.
const EJECTIONS_MAX: u32 = 1000;

/// When an endpoint stands out, and what becomes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PassiveSettings {
    /// Connect failures in a row that eject, up to [`FAILURES_MAX`]; 0 counts none.
    pub failures_max: u32,
    /// Share of responses with a server error (5xx) in a window that is still tolerated;
    /// [`Percent::ALL`] tolerates every one.
    pub errors_max: Percent,
    /// Requests in a window before its share of errors says anything, a few thousand at most.
    pub requests_min: u32,
    /// Length of a window, in milliseconds, up to some days. Each begins with a server error.
    pub window_ms: u64,
    /// How long the first ejection lasts, in milliseconds. The second in a row lasts twice as long,
    /// the third three times.
    pub ejection_ms: u64,
    /// How long an ejection lasts at most, in milliseconds.
    pub ejection_ms_max: u64,
    /// Share of a pool's endpoints that may be ejected at one time.
    pub ejected_max: Percent,
}

impl Default for PassiveSettings {
    /// Five failures in a row, or more than half of at least twenty requests in ten seconds; half a
    /// minute to five minutes; half of the pool.
    fn default() -> Self {
        let half = Percent::from_number(50.0).unwrap_or(Percent::ALL);
        Self {
            failures_max: 5,
            errors_max: half,
            requests_min: 20,
            window_ms: 10_000,
            ejection_ms: 30_000,
            ejection_ms_max: 300_000,
            ejected_max: half,
        }
    }
}

/// What a request to an endpoint met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Evidence {
    /// A response without a server error.
    Answered,
    /// A response with a server error, or none that makes sense, or none in time.
    ServerError,
    /// No connection, no TLS over it, or one that was reset before anything came back.
    ConnectFailed,
}

/// Why an endpoint stands out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outlying {
    /// So many connect failures in a row.
    ConnectFailures(u32),
    /// So many server errors among so many requests.
    ServerErrors {
        /// The errors.
        errors: u32,
        /// All requests of the window.
        requests: u32,
    },
}

impl Outlying {
    /// Without the numbers.
    #[must_use]
    pub const fn cause(self) -> Cause {
        match self {
            Self::ConnectFailures(_) => Cause::ConnectFailures,
            Self::ServerErrors { .. } => Cause::ServerErrors,
        }
    }
}

impl fmt::Display for Outlying {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ConnectFailures(count) => write!(f, "{count} connect failures in a row"),
            Self::ServerErrors { errors, requests } => {
                write!(f, "{errors} server errors among {requests} requests")
            }
        }
    }
}

/// What an endpoint was ejected for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// Connect failures in a row.
    ConnectFailures,
    /// A share of server errors.
    ServerErrors,
}

/// Who is left alone at this moment, for all threads together.
pub trait Ejections {
    /// Why an endpoint is left alone at a time; `None` when it is not.
    fn of(&self, endpoint: EndpointId, now: Timestamp) -> Option<Cause>;
}

/// The ejections of one pool. Holds the endpoints that were ever ejected, so it is bounded by the
/// pool.
#[derive(Debug, Clone, Default)]
pub struct Outliers(BTreeMap<EndpointId, Ejection>);

/// The last ejection of an endpoint, which may be over.
#[derive(Debug, Clone, Copy)]
struct Ejection {
    until: Timestamp,
    /// Ejections in a row. One is forgiven for each `ejection_ms` without another.
    in_row: u32,
}

impl Outliers {
    /// Ejects an endpoint that stands out, and returns until when; its evidence begins anew then.
    /// `None` when it is ejected already or the cap leaves no room: whoever stands out stays under
    /// suspicion, and the next request asks again.
    ///
    /// `endpoints` is how many the pool has enabled, which the cap is taken of. Whatever the cap,
    /// one is always left.
    pub fn eject(
        &mut self,
        endpoint: EndpointId,
        endpoints: usize,
        now: Timestamp,
        settings: &PassiveSettings,
    ) -> Option<Timestamp> {
        if self.is_ejected(endpoint, now) || !self.has_room(endpoints, now, settings) {
            return None;
        }
        let last = self.0.get(&endpoint).copied();
        let in_row = last.map_or(1, |last| last.in_row_again(now, settings));
        let length_ms = settings.ejection_ms.saturating_mul(in_row.into());
        let until = Timestamp(now.0.saturating_add(length_ms.min(settings.ejection_ms_max)));
        self.0.insert(endpoint, Ejection { until, in_row });
        Some(until)
    }

    /// Whether an endpoint is left alone at a time.
    #[must_use]
    pub fn is_ejected(&self, endpoint: EndpointId, now: Timestamp) -> bool {
        self.0.get(&endpoint).is_some_and(|ejection| now < ejection.until)
    }

    /// How many endpoints are left alone at a time.
    #[must_use]
    pub fn ejected(&self, now: Timestamp) -> usize {
        self.0.values().filter(|ejection| now < ejection.until).count()
    }

    /// Forgets endpoints that are no longer in the pool.
    pub fn retain(&mut self, mut is_in_pool: impl FnMut(EndpointId) -> bool) {
        self.0.retain(|endpoint, _| is_in_pool(*endpoint));
    }

    fn has_room(&self, endpoints: usize, now: Timestamp, settings: &PassiveSettings) -> bool {
        let ejected = self.ejected(now) + 1;
        let share = ejected as u128 * u128::from(Percent::ALL.hundredths());
        let allowed = endpoints as u128 * u128::from(settings.ejected_max.hundredths());
        ejected < endpoints && share <= allowed
    }
}

impl Ejection {
    /// How many in a row another one now makes.
    fn in_row_again(self, now: Timestamp, settings: &PassiveSettings) -> u32 {
        let quiet_ms = now.0.saturating_sub(self.until.0);
        let forgiven = quiet_ms.checked_div(settings.ejection_ms).unwrap_or(u64::MAX);
        let forgiven = u32::try_from(forgiven).unwrap_or(u32::MAX);
        (self.in_row.saturating_sub(forgiven) + 1).min(EJECTIONS_MAX)
    }
}

#[cfg(test)]
mod tests;
