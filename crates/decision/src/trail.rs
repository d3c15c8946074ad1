//! Why a request went where it went: one note per step of the pipeline, for access lines and for
//! people who ask. Every request fills one, so it lives inline and allocates nothing; turning it
//! into text is left to whoever wants to read it.

mod describe;

use arrayvec::ArrayVec;
use evenkeel_model::{EndpointIx, LoadBalancerIx, PoolIx, View};

pub use describe::Description;

use crate::{DialFailure, GiveUp, SessionFinding};

/// Notes a trail holds. A request with a session, three pools passed over and a retry leaves ten;
/// more come from long pool lists in an outage, where the first ones tell the story and the last
/// is kept besides.
pub const TRAIL_STEPS_MAX: usize = 32;

/// One note. The places in it are those of the view that the decision was taken on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrailStep {
    /// The host name belongs to this load balancer.
    LoadBalancer(LoadBalancerIx),
    /// What became of the session, where no endpoint is pinned.
    Session(SessionFinding),
    /// The session pins this endpoint.
    Pinned(EndpointIx),
    /// This pool was not eligible.
    PassedOver(PoolIx, PassedOver),
    /// The steering policy chose this pool.
    Pool(PoolIx),
    /// No candidate is eligible, so the fallback pool is asked.
    Fallback(PoolIx),
    /// The endpoint steering policy chose this endpoint.
    Endpoint(EndpointIx),
    /// No connection to this endpoint came to stand.
    DialFailed(EndpointIx, DialFailure),
    /// This endpoint's name does not resolve.
    Unresolved(EndpointIx),
    /// Another endpoint may be tried in place of the one that failed.
    Retry,
    /// The request ends here.
    GaveUp(GiveUp),
}

/// Why a pool was not eligible (behaviour.md 1.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PassedOver {
    /// Switched off.
    Disabled,
    /// Fewer healthy endpoints than its minimum.
    Critical,
    /// No endpoint that is fit has a weight above 0.
    NoWeight,
    /// This request has met each of its eligible endpoints already, in vain.
    Tried,
}

impl PassedOver {
    /// One word for trails, logs and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Disabled => "disabled",
            Self::Critical => "critical",
            Self::NoWeight => "no_weight",
            Self::Tried => "tried",
        }
    }
}

/// The notes of one request, in the order they were made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trail {
    steps: ArrayVec<TrailStep, TRAIL_STEPS_MAX>,
    dropped: u32,
}

impl Trail {
    /// An empty trail.
    #[must_use]
    pub const fn new() -> Self {
        Self { steps: ArrayVec::new_const(), dropped: 0 }
    }

    /// The notes. When there were too many, the last note stands last nevertheless.
    #[must_use]
    pub fn steps(&self) -> &[TrailStep] {
        &self.steps
    }

    /// How many notes found no room: they are missing before the last one.
    #[must_use]
    pub const fn dropped(&self) -> u32 {
        self.dropped
    }

    /// Forgets everything, so that the next request can use the same memory.
    pub fn clear(&mut self) {
        self.steps.clear();
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
        if self.steps.is_full() {
            self.steps.pop();
            self.dropped = self.dropped.saturating_add(1);
        }
        self.steps.push(step);
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
}
