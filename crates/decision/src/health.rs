//! From probes to health (behaviour.md 1.7, 7.4–7.7).
//!
//! ```text
//!  probes ─▶ State ─▶ Report ─▶ Ballot ─▶ count ─▶ Verdict ─▶ combine ─▶ EndpointHealth
//!            streaks   one checker's       regions  per monitor  group      per endpoint
//!                      opinion             and PoPs
//!                                                                 Health ─▶ Ledger ─▶ changes
//! ```
//!
//! | module | step |
//! |---|---|
//! | [`state`] | outcomes of probes become the verdict of one checker |
//! | [`vote`] | verdicts of several checkers become one of the installation, and one of this place |
//! | [`group`] | verdicts by several monitors become one of the endpoint |
//! | [`status`] | what follows for endpoints, pools and load balancers, in the words people read |
//! | [`ledger`] | what has changed since it was last told |
//!
//! One node is one checker. More nodes bring more ballots and change nothing here.
//!
//! Running probes is `monitor`'s work; putting health into the next view, keeping it over a restart
//! and telling of it is `control`'s.

pub mod group;
pub mod ledger;
pub mod state;
pub mod status;
pub mod vote;

use evenkeel_model::{EndpointHealth, EndpointId, MonitorId};

pub use state::{Outcome, State, Thresholds};

/// What a checker tells the publisher after every probe, and what it is told after a restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Report {
    /// The endpoint that was probed.
    pub endpoint: EndpointId,
    /// The monitor that it was probed by. A verdict counts only for this monitor.
    pub monitor: MonitorId,
    /// The verdict after this probe, and what the probe saw.
    pub health: EndpointHealth,
}
