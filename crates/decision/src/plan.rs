//! Steps 7 and 8: whom to dial now, and whom instead when that does not work out
//! (behaviour.md 4.7, 5.1).
//!
//! A plan only knows; dialling, timing and answering are the shell's. It does not look at the
//! request either: everything it is told of happens before a byte of the request was sent, so any
//! method and any body may go to the next endpoint (behaviour.md 5.2).

use core::fmt;

use evenkeel_model::{EndpointIx, LoadBalancerIx, PoolIx, View};

use crate::affinity::{Carrier, Session, SessionCookie};
use crate::effective::Effective;
use crate::eligible::Barred;
use crate::select::{Choice, select, select_in};
use crate::trail::{Trail, TrailStep};
use crate::{DialFailure, Env, GiveUp, SessionPlace, Unavailable};

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

    /// The pool as logs and statistics name it: `eu`, or `eu (Fallback)` (behaviour.md 13, T50).
    #[must_use]
    pub fn pool_label<'v>(&self, view: &'v View) -> PoolLabel<'v> {
        PoolLabel { name: &view.config.pool(self.pool).name, fallback: self.fallback }
    }
}

/// Prints a pool in its role, see [`Target::pool_label`].
#[derive(Debug, Clone, Copy)]
pub struct PoolLabel<'v> {
    name: &'v str,
    fallback: bool,
}

impl fmt::Display for PoolLabel<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)?;
        if self.fallback { f.write_str(" (Fallback)") } else { Ok(()) }
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
/// It borrows from the [`View`] it was made on, overrides of rules included: a retry sees the load
/// balancer that the first attempt saw, whatever is published meanwhile. It allocates nothing.
#[derive(Debug, Clone)]
pub struct Plan<'v> {
    effective: Effective<'v>,
    step: Step,
    session: Session,
    barred: Barred,
    /// How the first attempt failed, once it has.
    failure: Option<DialFailure>,
}

impl<'v> Plan<'v> {
    pub(crate) fn new(effective: Effective<'v>, session: Session, choice: Choice) -> Self {
        Self {
            effective,
            step: Step::Dial(Target::new(choice, 1)),
            session,
            barred: Barred::default(),
            failure: None,
        }
    }

    /// Whose request this is.
    #[must_use]
    pub const fn load_balancer(&self) -> LoadBalancerIx {
        self.effective.ix
    }

    /// The view it was made on.
    #[must_use]
    pub const fn view(&self) -> &'v View {
        self.effective.view
    }

    /// What to do now.
    #[must_use]
    pub const fn step(&self) -> Step {
        self.step
    }

    /// Reports that no connection to the current target came to stand, TLS included. Leads to
    /// another endpoint once at most, and only if the session allows it.
    pub fn failed(&mut self, env: &mut Env<'_>, failure: DialFailure, trail: &mut Trail) {
        let Step::Dial(target) = self.step else {
            debug_assert!(false, "nobody was to be dialled");
            return;
        };
        trail.push(TrailStep::DialFailed(target.endpoint, failure));
        let retry = match self.session.after_failure(self.effective.affinity.failover()) {
            Some(session) if target.attempt < ATTEMPTS_MAX && self.effective.is_http => {
                self.session = session;
                self.failure = Some(failure);
                self.barred.failed(target.endpoint);
                trail.push(TrailStep::Retry);
                self.next(target, env, trail)
            }
            _ => None,
        };
        self.go_on(retry, target.attempt + 1, GiveUp::Failed(failure), trail);
    }

    /// Reports that the current target's name does not resolve. Somebody else is chosen as if the
    /// endpoint were not eligible, for this request only: no attempt is used up, no session
    /// changed (behaviour.md 1.3).
    pub fn unresolved(&mut self, env: &mut Env<'_>, trail: &mut Trail) {
        let Step::Dial(target) = self.step else {
            debug_assert!(false, "nobody was to be dialled");
            return;
        };
        trail.push(TrailStep::Unresolved(target.endpoint));
        self.session = self.session.after_unresolved();
        let other = if self.barred.unresolved(target.endpoint) {
            self.next(target, env, trail)
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

    /// Reports that the current target answers with a head of its own: call it once per request,
    /// interim responses but 101 excluded. Remembers a new session by headers.
    ///
    /// Returns the session cookie to set: `None` when the client's session stays as it is, is not
    /// kept in a cookie, or there is no affinity.
    pub fn answered(&self, env: &mut Env<'_>) -> Option<SessionCookie> {
        let (Step::Dial(target), Session::New(carrier)) = (self.step, self.session) else {
            return None;
        };
        let Effective { view, ix, affinity, .. } = self.effective;
        let Target { endpoint, pool, .. } = target;
        let ttl_s = affinity.ttl_s();
        match carrier {
            Carrier::Table(key) => {
                let (pool, endpoint) =
                    (view.config.pool(pool).id, view.config.endpoint(endpoint).id);
                let expires = env.now.plus_seconds(ttl_s.into());
                env.sessions.keep(key, SessionPlace { pool, endpoint }, expires);
                None
            }
            Carrier::Cookie => Some(SessionCookie {
                kind: affinity.kind,
                load_balancer: ix,
                pool,
                endpoint,
                ttl_s,
                same_site: affinity.same_site,
                secure: affinity.secure,
            }),
        }
    }

    /// Somebody else: in the same pool, or by the policies wherever they lead. A retry leaves the
    /// pool only if it is told to.
    fn next(&self, from: Target, env: &mut Env<'_>, trail: &mut Trail) -> Option<Choice> {
        let Target { pool, fallback, .. } = from;
        let effective = &self.effective;
        let beside = select_in(effective, pool, fallback, &self.barred, env, trail);
        let may_leave = self.failure.is_none() || effective.failover_across_pools;
        // Beyond the fallback pool there is nothing to leave for.
        if beside.is_some() || fallback || !may_leave {
            return beside;
        }
        select(effective, &self.barred, env, trail)
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
