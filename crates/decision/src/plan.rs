//! Steps 7 and 8: whom to dial now, and whom instead when that does not work out
//! (behaviour.md 4.7, 5.1).
//!
//! A plan only knows; dialling, timing and answering are the shell's. It does not look at the
//! request either: everything it is told of happens before a byte of the request was sent, so any
//! method and any body may go to the next endpoint (behaviour.md 5.2).

use evenkeel_model::{EndpointIx, LoadBalancerIx, PoolIx, View};

use crate::affinity::{Session, SessionCookie};
use crate::effective::Effective;
use crate::eligible::Barred;
use crate::select::{Choice, select, select_in};
use crate::trail::{Trail, TrailStep};
use crate::{DialFailure, Env, GiveUp, Unavailable};

/// Endpoints one request may be dialled to: the first and one retry (behaviour.md 5.1).
const ATTEMPTS_MAX: u8 = 2;

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Connect to this endpoint and send the request.
    Dial(Target),
    /// Answer the client with an error.
    GiveUp(GiveUp),
}

/// An endpoint to dial.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target {
    /// Whom.
    pub endpoint: EndpointIx,
    /// The endpoint's pool.
    pub pool: PoolIx,
    /// Whether the pool serves as the fallback.
    pub fallback: bool,
    /// 1 for the first attempt, 2 for the retry. Names that do not resolve count for nothing.
    pub attempt: u8,
}

impl Target {
    const fn new(choice: Choice, attempt: u8) -> Self {
        let Choice { pool, endpoint, fallback } = choice;
        Self { endpoint, pool, fallback, attempt }
    }
}

/// The failover machine of one request.
///
/// ```text
///               failed, a retry is allowed and somebody is left
///        ┌────────────────────────────────────────────┐
///        │                                            ▼
///   Dial, attempt 1 ⟲ unresolved              Dial, attempt 2 ⟲ unresolved
///        │      │                               │       │
///        │      └────────── answered ───────────┘       │
///        │                                              │
///        └── failed without a retry, nobody left ───────┴──▶ GiveUp
/// ```
///
/// It holds places in the [`View`] it was made on: every call has to be given that very view.
#[derive(Debug, Clone)]
pub struct Plan {
    load_balancer: LoadBalancerIx,
    step: Step,
    session: Session,
    barred: Barred,
    /// How the first attempt failed, once it has.
    failure: Option<DialFailure>,
}

impl Plan {
    pub(crate) fn new(load_balancer: LoadBalancerIx, session: Session, choice: Choice) -> Self {
        Self {
            load_balancer,
            step: Step::Dial(Target::new(choice, 1)),
            session,
            barred: Barred::default(),
            failure: None,
        }
    }

    /// Whose request this is.
    #[must_use]
    pub const fn load_balancer(&self) -> LoadBalancerIx {
        self.load_balancer
    }

    /// What to do now.
    #[must_use]
    pub const fn step(&self) -> Step {
        self.step
    }

    /// Reports that no connection to the current target came to stand, TLS included. Leads to
    /// another endpoint once at most, and only if the session allows it.
    pub fn failed(
        &mut self,
        view: &View,
        env: &mut Env<'_>,
        failure: DialFailure,
        trail: &mut Trail,
    ) {
        let Step::Dial(target) = self.step else {
            debug_assert!(false, "nobody was to be dialled");
            return;
        };
        trail.push(TrailStep::DialFailed(target.endpoint, failure));
        let effective = Effective::new(view, self.load_balancer);
        let retry = match self.session.after_failure(effective.affinity.failover) {
            Some(session) if target.attempt < ATTEMPTS_MAX => {
                self.session = session;
                self.failure = Some(failure);
                self.barred.failed(target.endpoint);
                trail.push(TrailStep::Retry);
                self.next(view, &effective, target, env, trail)
            }
            _ => None,
        };
        self.go_on(retry, target.attempt + 1, GiveUp::Failed(failure), trail);
    }

    /// Reports that the current target's name does not resolve. Somebody else is chosen as if the
    /// endpoint were not eligible, for this request only: no attempt is used up, no session
    /// changed (behaviour.md 1.3).
    pub fn unresolved(&mut self, view: &View, env: &mut Env<'_>, trail: &mut Trail) {
        let Step::Dial(target) = self.step else {
            debug_assert!(false, "nobody was to be dialled");
            return;
        };
        trail.push(TrailStep::Unresolved(target.endpoint));
        self.session = self.session.after_unresolved();
        let other = if self.barred.unresolved(target.endpoint) {
            let effective = Effective::new(view, self.load_balancer);
            self.next(view, &effective, target, env, trail)
        } else {
            None
        };
        // A retry that finds nobody leaves the client with the failure it was to make good.
        let reason = match self.failure {
            Some(failure) => GiveUp::Failed(failure),
            None => GiveUp::Unavailable(Unavailable::Unresolved),
        };
        self.go_on(other, target.attempt, reason, trail);
    }

    /// The session cookie to set on the answer of the current target: `None` when the client's
    /// session stays as it is, or there is no affinity.
    #[must_use]
    pub const fn answered(&self) -> Option<SessionCookie> {
        match (self.step, self.session) {
            (Step::Dial(Target { endpoint, pool, .. }), Session::New) => {
                Some(SessionCookie { load_balancer: self.load_balancer, pool, endpoint })
            }
            _ => None,
        }
    }

    /// Somebody else: in the same pool, or by the policies wherever they lead. A retry leaves the
    /// pool only if it is told to.
    fn next(
        &self,
        view: &View,
        effective: &Effective<'_>,
        from: Target,
        env: &mut Env<'_>,
        trail: &mut Trail,
    ) -> Option<Choice> {
        let Target { pool, fallback, .. } = from;
        let beside = select_in(view, pool, fallback, &self.barred, env, trail);
        let may_leave = self.failure.is_none() || effective.failover_across_pools;
        // Beyond the fallback pool there is nothing to leave for.
        if beside.is_some() || fallback || !may_leave {
            return beside;
        }
        select(view, effective, &self.barred, env, trail)
    }

    fn go_on(&mut self, choice: Option<Choice>, attempt: u8, reason: GiveUp, trail: &mut Trail) {
        self.step = match choice {
            Some(choice) => Step::Dial(Target::new(choice, attempt)),
            None => {
                trail.push(TrailStep::GaveUp(reason));
                Step::GiveUp(reason)
            }
        };
    }
}
