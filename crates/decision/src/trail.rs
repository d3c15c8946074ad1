//! Why a request went where it went: one note per step of the pipeline, for access lines and for
//! people who ask. Every request fills one, so it lives inline and allocates nothing; turning it
//! into text is left to whoever wants to read it.
//!
//! A thorough trail, for people who ask, keeps every note and takes more of them: rules and pool
//! sets that did not apply, the numbers a policy compared, endpoints that were passed over. Nothing
//! else differs: it is filled by the same code.

mod describe;

use alloc::vec::Vec;

use arrayvec::ArrayVec;
use evenkeel_model::{EndpointIx, LoadBalancerIx, PoolIx, Timestamp, View};

pub use describe::Description;

pub use crate::effective::GeoEntry;

use crate::passive::Cause;
use crate::{DialFailure, GiveUp, Load, SessionFinding};

/// Notes a trail holds. A request with a session, three pools passed over and a retry leaves ten;
/// more come from long pool lists in an outage, where the first ones tell the story and the last
/// is kept besides.
pub const TRAIL_STEPS_MAX: usize = 32;

/// Notes a thorough trail holds: a thousand pool sets, some hundred rules, and the pools and
/// endpoints of a large load balancer several times over.
pub const THOROUGH_STEPS_MAX: usize = 8192;

/// One note. The places in it are those of the view that the decision was taken on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrailStep {
    /// The host name belongs to this load balancer.
    LoadBalancer(LoadBalancerIx),
    /// The load balancer's pool set of this number matched.
    PoolSet(LoadBalancerIx, u32),
    /// The load balancer's pool set of this number did not match. Thorough trails only.
    PoolSetPassed(LoadBalancerIx, u32),
    /// The load balancer's rule of this number applied.
    Rule(LoadBalancerIx, u32),
    /// The load balancer's rule of this number did not apply. Thorough trails only.
    RulePassed(LoadBalancerIx, u32),
    /// A fixed response of this status ends it.
    Responded(u16),
    /// The candidates come from this entry of the geo maps.
    Geo(GeoEntry),
    /// What became of the session, where no endpoint is pinned.
    Session(SessionFinding),
    /// The session pins this endpoint.
    Pinned(EndpointIx),
    /// The session pins this endpoint, which is disabled and drains.
    Draining(EndpointIx),
    /// This pool was not eligible.
    PassedOver(PoolIx, PassedOver),
    /// What a policy compared of an eligible pool. Thorough trails only.
    Measured(PoolIx, Measure),
    /// The steering policy chose this pool.
    Pool(PoolIx),
    /// No candidate is eligible, so the fallback pool is asked.
    Fallback(PoolIx),
    /// This endpoint was not eligible. Thorough trails only.
    EndpointPassedOver(EndpointIx, PassedOver),
    /// How busy an eligible endpoint is. Thorough trails only.
    EndpointLoad(EndpointIx, Load),
    /// How slow an eligible endpoint is. Thorough trails only.
    EndpointSlowness(EndpointIx, Slowness),
    /// The endpoint steering policy chose this endpoint.
    Endpoint(EndpointIx),
    /// A query is answered with so many endpoints of the pool.
    Answered(u32),
    /// No connection to this endpoint came to stand.
    DialFailed(EndpointIx, DialFailure),
    /// This endpoint's name does not resolve; of a query, to addresses of the family asked for.
    Unresolved(EndpointIx),
    /// Another endpoint may be tried in place of the one that failed.
    Retry,
    /// The request ends here.
    GaveUp(GiveUp),
}

/// Why a pool or an endpoint was not eligible (behaviour.md 1.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PassedOver {
    /// Switched off.
    Disabled,
    /// A pool with fewer healthy endpoints than its minimum.
    Critical,
    /// An endpoint that is unhealthy, or not known to be healthy.
    Unhealthy,
    /// An endpoint that real traffic has found out, for this.
    Ejected(Cause),
    /// No weight above 0: the endpoint's own, or that of every fit endpoint of the pool.
    NoWeight,
    /// The pool sheds this request.
    Shed,
    /// This request has met it, or each of its eligible endpoints, already and in vain.
    Tried,
}

impl PassedOver {
    /// One word for trails, logs and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Disabled => "disabled",
            Self::Critical => "critical",
            Self::Unhealthy => "unhealthy",
            Self::Ejected(Cause::ConnectFailures) => "ejected_for_connect_failures",
            Self::Ejected(Cause::ServerErrors) => "ejected_for_server_errors",
            Self::NoWeight => "no_weight",
            Self::Shed => "shed",
            Self::Tried => "tried",
        }
    }
}

/// What a policy compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// A weight, in hundredths.
    Weight(u32),
    /// Requests and connections.
    Load(Load),
    /// Round trips of probes, in microseconds.
    LatencyUs(u32),
    /// Distance, in whole kilometres.
    DistanceKm(u32),
}

/// What steering by least latency compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slowness {
    /// Requests in flight.
    pub requests: u32,
    /// How long answers take, in microseconds; `None` while nothing is known.
    pub latency_us: Option<u64>,
    /// How far that is believed, 0 to 100.
    pub trust_percent: u8,
}

impl Slowness {
    pub(crate) fn of(load: Load, now: Timestamp) -> Self {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a trust is 0 to 1"
        )]
        let trust_percent = (load.pace.trust(now) * 100.0 + 0.5) as u8;
        Self { requests: load.requests, latency_us: load.pace.latency_us(), trust_percent }
    }
}

/// The notes of one request, in the order they were made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trail {
    steps: ArrayVec<TrailStep, TRAIL_STEPS_MAX>,
    /// Where a thorough trail keeps its notes instead.
    thorough: Option<Vec<TrailStep>>,
    dropped: u32,
}

impl Trail {
    /// An empty trail.
    #[must_use]
    pub const fn new() -> Self {
        Self { steps: ArrayVec::new_const(), thorough: None, dropped: 0 }
    }

    /// An empty thorough trail.
    #[must_use]
    pub const fn thorough() -> Self {
        Self { steps: ArrayVec::new_const(), thorough: Some(Vec::new()), dropped: 0 }
    }

    /// Whether it takes notes of what was merely considered, too.
    #[must_use]
    pub const fn is_thorough(&self) -> bool {
        self.thorough.is_some()
    }

    /// The notes. When there were too many, the last note stands last nevertheless.
    #[must_use]
    pub fn steps(&self) -> &[TrailStep] {
        self.thorough.as_deref().unwrap_or(&self.steps)
    }

    /// How many notes found no room: they are missing before the last one.
    #[must_use]
    pub const fn dropped(&self) -> u32 {
        self.dropped
    }

    /// Forgets everything, so that the next request can use the same memory.
    pub fn clear(&mut self) {
        self.steps.clear();
        if let Some(steps) = &mut self.thorough {
            steps.clear();
        }
        self.dropped = 0;
    }

    /// The trail in words, as `lb=shop.example.com session=none pool=eu:critical pool=us
    /// endpoint=b`. The view is the one the decision was taken on.
    #[must_use]
    pub const fn describe<'a>(&'a self, view: &'a View) -> Description<'a> {
        Description { trail: self, view }
    }

    /// Adds a note. When full, it takes the place of the last one: how it ended matters most.
    pub(crate) fn push(&mut self, step: TrailStep) {
        if let Some(steps) = &mut self.thorough {
            if steps.len() >= THOROUGH_STEPS_MAX {
                steps.pop();
                self.dropped = self.dropped.saturating_add(1);
            }
            steps.push(step);
            return;
        }
        if self.steps.is_full() {
            self.steps.pop();
            self.dropped = self.dropped.saturating_add(1);
        }
        self.steps.push(step);
    }

    /// Adds a note that only a thorough trail takes.
    pub(crate) fn consider(&mut self, step: TrailStep) {
        if self.is_thorough() {
            self.push(step);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_trail_keeps_its_beginning_and_its_end() {
        let mut trail = Trail::new();
        for n in 0..40 {
            trail.push(TrailStep::Pool(PoolIx(n)));
        }
        assert_eq!(trail.steps().len(), TRAIL_STEPS_MAX);
        assert_eq!(trail.dropped(), 8);
        assert_eq!(trail.steps()[30], TrailStep::Pool(PoolIx(30)));
        assert_eq!(trail.steps()[31], TrailStep::Pool(PoolIx(39)));
        trail.clear();
        assert_eq!(trail, Trail::new());
    }

    #[test]
    fn only_a_thorough_trail_takes_what_was_considered() {
        for (mut trail, kept) in [(Trail::new(), TRAIL_STEPS_MAX), (Trail::thorough(), 80)] {
            for n in 0..40 {
                trail.push(TrailStep::Pool(PoolIx(n)));
                trail.consider(TrailStep::Measured(PoolIx(n), Measure::Weight(1)));
            }
            assert_eq!(trail.steps().len(), kept);
        }
    }
}
