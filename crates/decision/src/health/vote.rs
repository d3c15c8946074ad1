//! From the opinions of several checkers on one endpoint, by one monitor, to one verdict
//! (behaviour.md 7.5).
//!
//! ```text
//!                    ┌ region A: ✓ ✓ ✗ ─▶ ✓ ┐
//!   Regions asked ───┤ region B: ✓ ✗   ─▶ ✗ ├─▶ 1 of 2: no majority ─▶ Unhealthy
//!                    └ region C: (abstains) ┘
//!
//!                    ┌ PoP FRA: ✓   ─▶ ✓ ┐
//!   Every PoP ───────┤ PoP AMS: ✓ ✓ ─▶ ✓ ├─▶ 2 of 3: majority ─▶ Healthy
//!                    └ PoP LHR: ✗   ─▶ ✗ ┘
//! ```
//!
//! The next step, over several monitors, is [`super::group`]'s. Which checkers there are and how
//! their opinions travel is `control`'s.

use alloc::collections::BTreeSet;

use evenkeel_model::{HealthSources, Monitor, Node, Pop, Region, Timestamp, Verdict};

/// Probe intervals without a result after which a checker has no opinion any more. Two results may
/// be lost on their way before a checker is thought dead.
const INTERVALS_SILENT_MAX: u64 = 3;

/// How long health that was kept over a restart counts, from when it was last known to hold, in
/// milliseconds. A deployment takes seconds; after ten minutes the world is another one.
const RESTORED_MS_MAX: u64 = 10 * 60 * 1000;

/// Where a checker stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Standpoint {
    /// Its region.
    pub region: Option<Region>,
    /// Its point of presence.
    pub pop: Option<Pop>,
}

impl From<&Node> for Standpoint {
    fn from(node: &Node) -> Self {
        Self { region: node.region, pop: node.pop }
    }
}

/// One checker's part in a count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ballot {
    /// Whose it is.
    pub from: Standpoint,
    /// What it says; [`Verdict::Unknown`] abstains.
    pub verdict: Verdict,
}

/// How many checkers must find an endpoint healthy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Quorum {
    /// More than half, in each region or PoP and of these. Half is not enough (behaviour.md U8).
    #[default]
    Majority,
    /// One, wherever it stands: for installations of two nodes, where a majority would let one
    /// node's broken uplink take every endpoint out.
    Any,
}

/// Whether a checker that last had a result at a time still has an opinion. `monitor` is what it
/// probes with.
#[must_use]
pub fn is_fresh(reported: Timestamp, now: Timestamp, monitor: &Monitor) -> bool {
    let patience_ms =
        INTERVALS_SILENT_MAX * u64::from(monitor.interval_ms) + u64::from(monitor.timeout_ms);
    now.0 <= reported.0.saturating_add(patience_ms)
}

/// Whether health that was last known to hold at a time may be taken up again after a restart. One
/// from the future comes from a clock that was set back; nobody knows how old it is.
#[must_use]
pub fn outlives_restart(known: Timestamp, now: Timestamp) -> bool {
    known <= now && now.0 - known.0 <= RESTORED_MS_MAX
}

/// Counts what all checkers say: [`Verdict::Unknown`] when all abstain.
///
/// `regions` are those that the pool asks to be checked from, `None` is every PoP. Checkers
/// elsewhere have no vote, unless nobody stands where the pool asks: an installation has the places
/// it has, and an opinion from elsewhere is better than none.
#[must_use]
pub fn count(ballots: &[Ballot], regions: Option<&BTreeSet<Region>>, quorum: Quorum) -> Verdict {
    let is_asked = |ballot: &Ballot| {
        regions.is_none_or(|regions| {
            ballot.from.region.is_some_and(|region| regions.contains(&region))
        })
    };
    let nobody_there = !ballots.iter().any(is_asked);
    let votes = || {
        let asked = ballots.iter().filter(move |ballot| nobody_there || is_asked(ballot));
        asked.filter(|ballot| ballot.verdict != Verdict::Unknown)
    };
    match (quorum, regions) {
        (Quorum::Any, _) => anyone(votes()),
        (Quorum::Majority, None) => majority_of_groups(&votes(), |ballot| ballot.from.pop),
        (Quorum::Majority, Some(_)) => majority_of_groups(&votes(), |ballot| ballot.from.region),
    }
}

/// What a node steers by: the first of its pool's health sources that has a decision, and else what
/// is `published` for the installation (behaviour.md 7.5, trap T51).
///
/// *Local* is what the node's own PoP finds, and has a decision only for pools that are checked from
/// every PoP. *Regional* is what the checkers of its own region find.
#[must_use]
pub fn steer_by(
    sources: HealthSources,
    ballots: &[Ballot],
    regions: Option<&BTreeSet<Region>>,
    own: Standpoint,
    published: Verdict,
) -> Verdict {
    let near = |is_near: fn(&Standpoint, &Standpoint) -> bool| {
        let votes = ballots.iter().filter(move |ballot| is_near(&ballot.from, &own));
        majority(votes.filter(|ballot| ballot.verdict != Verdict::Unknown))
    };
    let first = match sources {
        HealthSources::LocalGlobal if regions.is_some() => Verdict::Unknown,
        HealthSources::LocalGlobal => near(|one, own| one.pop == own.pop),
        HealthSources::RegionalGlobal => near(|one, own| one.region == own.region),
    };
    settle(published, first)
}

/// What is published after another count.
///
/// ```text
///              Healthy                  Unhealthy
///     ┌────────────────── Unknown ──────────────────┐
///     ▼                                             ▼
///  Healthy ──────────────Unhealthy────────────▶ Unhealthy
///     ▲                                             │
///     └───────────────────Healthy───────────────────┘
/// ```
///
/// An Unknown count, when every checker abstains, changes nothing: that is a failure of ours and
/// not of the endpoint, and traffic goes on as it went (behaviour.md U30).
#[must_use]
pub const fn settle(published: Verdict, counted: Verdict) -> Verdict {
    match counted {
        Verdict::Unknown => published,
        decided => decided,
    }
}

fn anyone<'a>(mut votes: impl Iterator<Item = &'a Ballot>) -> Verdict {
    let Some(first) = votes.next() else { return Verdict::Unknown };
    let passes = |vote: &Ballot| vote.verdict == Verdict::Healthy;
    decided(passes(first) || votes.any(passes))
}

/// More than half.
fn majority<'a>(votes: impl Iterator<Item = &'a Ballot>) -> Verdict {
    let (mut all, mut passing) = (0u32, 0u32);
    for vote in votes {
        all += 1;
        passing += u32::from(vote.verdict == Verdict::Healthy);
    }
    if all == 0 { Verdict::Unknown } else { decided(passing * 2 > all) }
}

/// More than half of the groups, each of which needs more than half of its votes. Groups are as many
/// as an installation has places, a few dozen at most: they are looked for instead of sorted, and
/// nothing is allocated.
fn majority_of_groups<'a, V, G>(votes: &V, group: impl Fn(&Ballot) -> G) -> Verdict
where
    V: Iterator<Item = &'a Ballot> + Clone,
    G: PartialEq,
{
    let (mut all, mut passing) = (0u32, 0u32);
    for (at, vote) in votes.clone().enumerate() {
        let of = group(vote);
        if votes.clone().take(at).any(|earlier| group(earlier) == of) {
            continue;
        }
        let members = votes.clone().filter(|other| group(other) == of);
        all += 1;
        passing += u32::from(majority(members) == Verdict::Healthy);
    }
    if all == 0 { Verdict::Unknown } else { decided(passing * 2 > all) }
}

const fn decided(healthy: bool) -> Verdict {
    if healthy { Verdict::Healthy } else { Verdict::Unhealthy }
}

#[cfg(test)]
mod tests;
