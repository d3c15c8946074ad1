//! Pure choices: host to load balancer, overrides, session affinity, steering, endpoint choice, the
//! failover plan, answers to DNS queries, and the trail that explains them. No I/O, no clock, no
//! randomness of its own.
//!
//! [`decide()`] walks the pipeline of behaviour.md 1.2, one module per step and in its order:
//!
//! | step | what | where |
//! |---|---|---|
//! | 0 | host name → load balancer | `host` |
//! | 1, 2 | pool sets, custom rules | `effective`: what the later steps see of the load balancer |
//! | 3 | session affinity | [`affinity`] |
//! | 4 | pool by steering policy | `steering` |
//! | 5 | load shedding | `shedding`, as a filter on step 4 |
//! | 6 | endpoint inside the pool | `endpoint` |
//! | 7, 8 | dial, at most one retry | [`plan`] |
//! | 9, 10 | fallback pool, giving up | `fallback`, [`failure`] |
//!
//! What a step may choose from at all is `eligible`: first filter, then steer.
//!
//! A caller loads one [`View`](evenkeel_model::View), calls [`decide()`], and then obeys the
//! [`Plan`]: dial whom [`Plan::step`] names, report what went wrong, ask again. For a DNS query it
//! calls [`answer()`] instead, which takes the same steps up to the pool.

#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod affinity;
pub mod answer;
mod asker;
mod decide;
mod draw;
mod effective;
mod eligible;
mod endpoint;
mod facts;
pub mod failure;
mod fallback;
pub mod health;
mod host;
pub mod latency;
mod loads;
pub mod pace;
pub mod passive;
pub mod plan;
mod rendezvous;
mod rng;
mod select;
mod sessions;
mod shedding;
mod steering;
pub mod trail;

pub use affinity::{
    COOKIE_NAME, SessionCookie, SessionFinding, mentions_session_cookie, strip_session_cookie,
};
pub use answer::{Answer, Answered, answer, answer_as};
pub use decide::{Decision, decide};
pub use eligible::UNRESOLVED_MAX;
pub use facts::{
    ClientSubnet, Env, Geography, HeaderVisitor, Headers, Mode, NoGeography, NoHeaders, QueryFacts,
    RequestFacts,
};
pub use failure::{DialFailure, GiveUp, Unavailable};
pub use loads::{Load, Loads, NoLoads};
pub use pace::{Pace, Sighting};
pub use passive::Ejections;
pub use plan::{Plan, Step, Target};
pub use rng::Rng;
pub use sessions::{NoSessions, SESSIONS_MAX, SessionKey, SessionPlace, SessionTable, Sessions};
pub use trail::{PassedOver, Trail, TrailStep};
