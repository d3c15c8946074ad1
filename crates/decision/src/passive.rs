//! Passive health: what real traffic meets counts as evidence, and endpoints that stand out are left
//! alone for a while. An addition of ours, off unless a pool asks for it: the published API knows
//! probes alone.
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
//! An ejection is no verdict. It says nothing in events, notifies nobody, and never takes the last
//! endpoints of a pool away: an error of the service as a whole shows on all of its endpoints, and
//! ejecting them helps nobody. What a request met is the proxy's to tell, and so is leaving out who
//! is ejected.

use alloc::collections::BTreeMap;

use evenkeel_model::{EndpointId, Percent, Timestamp};

/// Ejections that lengthen the next one, at most. The longest ejection is reached long before with
/// any sensible setting; the bound keeps the count small.
const EJECTIONS_MAX: u32 = 1000;

/// When an endpoint stands out, and what becomes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PassiveSettings {
    /// Connect failures in a row that eject; 0 counts none.
    pub failures_max: u32,
    /// Share of responses with a server error (5xx) in a window that is still tolerated;
    /// [`Percent::ALL`] tolerates every one.
    pub errors_max: Percent,
    /// Requests in a window before its share of errors says anything.
    pub requests_min: u32,
    /// Length of a window, in milliseconds. The first begins with the first failure, each other one
    /// with the first request after the last has ended.
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
    /// A response with a server error.
    ServerError,
    /// No connection, or no TLS over it.
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

/// An endpoint that is left alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ejection {
    /// Why.
    pub why: Outlying,
    /// Until when.
    pub until: Timestamp,
}

/// The endpoints of one pool, as its traffic finds them. Holds those that have met with anything
/// but answers, so it is bounded by the pool.
#[derive(Debug, Clone, Default)]
pub struct Outliers(BTreeMap<EndpointId, Watch>);

/// One endpoint.
#[derive(Debug, Clone, Copy, Default)]
struct Watch {
    /// Connect failures since the last connection.
    failures: u32,
    window_start: Timestamp,
    requests: u32,
    errors: u32,
    /// End of the last ejection, which may be over.
    ejected_until: Timestamp,
    /// Ejections in a row. One is forgiven for each `ejection_ms` without another.
    ejections: u32,
}

impl Outliers {
    /// Takes in what a request met. `endpoints` is how many the pool has enabled, which the cap on
    /// the ejected share is taken of. Returns the ejection, if this is one.
    ///
    /// Whoever is ejected has requests under way: these are no evidence.
    pub fn see(
        &mut self,
        endpoint: EndpointId,
        evidence: Evidence,
        endpoints: usize,
        now: Timestamp,
        settings: &PassiveSettings,
    ) -> Option<Ejection> {
        if evidence == Evidence::Answered && !self.0.contains_key(&endpoint) {
            return None;
        }
        let watch = self.0.entry(endpoint).or_default();
        if watch.is_ejected(now) {
            return None;
        }
        let why = watch.see(evidence, now, settings)?;
        // Whoever stands out stays under suspicion: the next request asks again.
        if !self.may_eject(endpoints, now, settings) {
            return None;
        }
        let until = self.0.get_mut(&endpoint)?.eject(now, settings);
        Some(Ejection { why, until })
    }

    /// Whether an endpoint is left alone at a time.
    #[must_use]
    pub fn is_ejected(&self, endpoint: EndpointId, now: Timestamp) -> bool {
        self.0.get(&endpoint).is_some_and(|watch| watch.is_ejected(now))
    }

    /// How many endpoints are left alone at a time.
    #[must_use]
    pub fn ejected(&self, now: Timestamp) -> usize {
        self.0.values().filter(|watch| watch.is_ejected(now)).count()
    }

    /// Forgets endpoints that are no longer in the pool.
    pub fn retain(&mut self, mut is_in_pool: impl FnMut(EndpointId) -> bool) {
        self.0.retain(|endpoint, _| is_in_pool(*endpoint));
    }

    fn may_eject(&self, endpoints: usize, now: Timestamp, settings: &PassiveSettings) -> bool {
        let (all, hundredths) = (endpoints as u128, u128::from(settings.ejected_max.hundredths()));
        (self.ejected(now) as u128 + 1) * 10_000 <= all * hundredths
    }
}

impl Watch {
    const fn is_ejected(&self, now: Timestamp) -> bool {
        now.0 < self.ejected_until.0
    }

    /// Whether the endpoint stands out, this evidence included.
    fn see(
        &mut self,
        evidence: Evidence,
        now: Timestamp,
        settings: &PassiveSettings,
    ) -> Option<Outlying> {
        if evidence == Evidence::ConnectFailed {
            self.failures = self.failures.saturating_add(1);
            let enough = settings.failures_max > 0 && self.failures >= settings.failures_max;
            return enough.then_some(Outlying::ConnectFailures(self.failures));
        }
        self.failures = 0;
        let window_end = self.window_start.0.saturating_add(settings.window_ms);
        if self.requests == 0 || now.0 >= window_end || now < self.window_start {
            (self.window_start, self.requests, self.errors) = (now, 0, 0);
        }
        self.requests = self.requests.saturating_add(1);
        self.errors = self.errors.saturating_add(u32::from(evidence == Evidence::ServerError));
        let (errors, requests) = (self.errors, self.requests);
        let tolerated = u64::from(requests) * u64::from(settings.errors_max.hundredths());
        let stands_out =
            requests >= settings.requests_min && u64::from(errors) * 10_000 > tolerated;
        (stands_out && evidence == Evidence::ServerError)
            .then_some(Outlying::ServerErrors { errors, requests })
    }

    /// Ejects, and begins the evidence anew. Returns until when.
    fn eject(&mut self, now: Timestamp, settings: &PassiveSettings) -> Timestamp {
        let quiet_ms = now.0.saturating_sub(self.ejected_until.0);
        let forgiven = quiet_ms.checked_div(settings.ejection_ms).unwrap_or(u64::MAX);
        let forgiven = u32::try_from(forgiven).unwrap_or(u32::MAX);
        let ejections = (self.ejections.saturating_sub(forgiven) + 1).min(EJECTIONS_MAX);
        let length_ms = settings.ejection_ms.saturating_mul(ejections.into());
        let until = Timestamp(now.0.saturating_add(length_ms.min(settings.ejection_ms_max)));
        *self = Self { ejected_until: until, ejections, ..Self::default() };
        until
    }
}

#[cfg(test)]
mod tests;
