//! What holds in every world, for every request, whatever fails: one invariant per file.
//!
//! An invariant of an exchange looks at one request and all that became of it, one of a census at
//! how many requests were spread at one moment, one of a publication at a view and what is told of
//! it. All answer with what is wrong.

mod candidates_only;
mod disabled_gets_nothing;
mod endpoint_share;
mod fair_share;
mod fallback_last;
mod fixed_responses;
mod group_vote;
mod one_retry;
mod pool_share;
mod same_seed;
mod session_kept;
mod session_moves;
mod shed_share;
mod told_once;
mod trail_explains;

use crate::census::Census;
use crate::exchange::Exchange;
use crate::publication::Publication;

pub use same_seed::replays;

/// What is wrong, if anything.
pub type Finding = Result<(), String>;

/// An invariant of one request, by the name of its file.
pub type OfExchange = (&'static str, fn(&Exchange) -> Finding);

/// An invariant of many, by the name of its file.
pub type OfCensus = (&'static str, fn(&Census) -> Finding);

/// An invariant of a view, by the name of its file.
pub type OfPublication = (&'static str, fn(&Publication) -> Finding);

/// All that look at one view.
pub const OF_PUBLICATION: &[OfPublication] =
    &[("group_vote", group_vote::check), ("told_once", told_once::check)];

/// All that look at one request.
pub const OF_EXCHANGE: &[OfExchange] = &[
    ("trail_explains", trail_explains::check),
    ("fixed_responses", fixed_responses::check),
    ("one_retry", one_retry::check),
    ("disabled_gets_nothing", disabled_gets_nothing::check),
    ("candidates_only", candidates_only::check),
    ("fallback_last", fallback_last::check),
    ("session_kept", session_kept::check),
    ("session_moves", session_moves::check),
];

/// All that look at many.
pub const OF_CENSUS: &[OfCensus] = &[
    ("shed_share", shed_share::check),
    ("pool_share", pool_share::check),
    ("endpoint_share", endpoint_share::check),
    ("fair_share", fair_share::check),
];

/// `Err` with a message unless something holds.
fn ensure(holds: bool, message: impl FnOnce() -> String) -> Finding {
    if holds { Ok(()) } else { Err(message()) }
}
