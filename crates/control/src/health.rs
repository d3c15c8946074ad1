//! Health beyond the view: what is kept of it over a restart, what is written down of its changes,
//! and who is told.
//!
//! ```text
//!                          ┌─▶ saved ──┐
//!  publisher ──changes──▶ ─┼─▶ event ──┴─▶ keeper ─▶ store
//!                          └─▶ occasion ─▶ whoever notifies
//! ```
//!
//! Judging health is `decision::health`'s work, publishing it is [`publisher`](crate::publisher)'s.
//! Nothing here holds either of them up: what cannot be written or told in time is dropped, oldest
//! first, and counted.

mod event;
mod keeper;
mod occasion;
mod saved;
mod stats;

pub use event::HEALTH_EVENTS;
pub use occasion::{Occasion, OccasionInbox, OccasionKind};
pub use stats::HealthStats;

pub(crate) use event::{Findings, describe};
pub(crate) use keeper::{Keeper, KeeperSight};
pub(crate) use occasion::{Occasions, occasions_of};
pub(crate) use saved::restore;
