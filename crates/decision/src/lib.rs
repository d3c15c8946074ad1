//! Pure choices: host to load balancer, session affinity, steering, endpoint choice, the failover
//! plan, and the trail that explains them. No I/O, no clock, no randomness of its own.
//!
//! [`decide()`] walks the pipeline of behaviour.md 1.2, one module per step and in its order:
//!
//! | step | what | where |
//! |---|---|---|
//! | 0 | host name → load balancer | `host` |
//! | 1, 2 | pool sets, custom rules | `effective`: what the later steps see of the load balancer |
//! | 3 | session affinity | [`affinity`] |
//! | 4 | pool by steering policy | `steering` |
//! | 5 | load shedding | `select`, between steps 4 and 6 |
//! | 6 | endpoint inside the pool | `endpoint` |
//! | 7, 8 | dial, at most one retry | [`plan`] |
//! | 9, 10 | fallback pool, giving up | `fallback`, [`failure`] |
//!
//! What a step may choose from at all is `eligible`: first filter, then steer.
//!
//! A caller loads one [`View`](evenkeel_model::View), calls [`decide()`], and then obeys the
//! [`Plan`]: dial whom [`Plan::step`] names, report what went wrong, ask again. The same view has
//! to be passed to every call about one request, for a plan and a trail hold places in it.

#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod affinity;
mod decide;
mod effective;
mod eligible;
mod endpoint;
mod facts;
pub mod failure;
mod fallback;
pub mod health;
mod host;
pub mod plan;
mod rng;
mod select;
mod steering;
pub mod trail;

pub use affinity::{
    COOKIE_NAME, SessionCookie, SessionFinding, mentions_session_cookie, strip_session_cookie,
};
pub use decide::{Decision, decide};
pub use eligible::UNRESOLVED_MAX;
pub use facts::{Env, RequestFacts};
pub use failure::{DialFailure, GiveUp, Unavailable};
pub use plan::{Plan, Step, Target};
pub use rng::Rng;
pub use trail::{PassedOver, Trail, TrailStep};
