//! Pools that shed give away the share they are told to, no more and no less, and what they give
//! away goes where it should (behaviour.md 6.1).

use super::{Finding, pool_share};
use crate::census::Census;

pub(super) fn check(census: &Census) -> Finding {
    if census.sheds { pool_share::compare(census) } else { Ok(()) }
}
