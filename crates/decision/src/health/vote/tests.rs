//! Counts as text: `WEU:FRA=H` is a checker in region `WEU` and PoP `FRA` that finds the endpoint
//! healthy, `U` is unhealthy and `-` abstains.

use std::vec::Vec;

use evenkeel_model::{MonitorId, MonitorKind};
use proptest::prelude::*;
use proptest::sample::select;

use super::*;

fn verdict(letter: &str) -> Verdict {
    match letter {
        "H" => Verdict::Healthy,
        "U" => Verdict::Unhealthy,
        _ => Verdict::Unknown,
    }
}

fn standpoint(text: &str) -> Standpoint {
    let (region, pop) = text.split_once(':').unwrap_or((text, ""));
    Standpoint { region: Region::parse(region), pop: Pop::parse(pop) }
}

fn ballots(text: &str) -> Vec<Ballot> {
    let ballot = |word: &str| {
        let (from, letter) = word.split_once('=').unwrap();
        Ballot { from: standpoint(from), verdict: verdict(letter) }
    };
    text.split_whitespace().map(ballot).collect()
}

fn regions(text: &str) -> Option<BTreeSet<Region>> {
    (text != "every PoP").then(|| text.split_whitespace().filter_map(Region::parse).collect())
}

#[test]
fn trap_t25_half_of_the_regions_is_no_majority_and_two_of_three_checkers_are() {
    let four = "WEU EEU WNAM ENAM";
    for (checkers, asked, expected) in [
        // The trap itself: two of four regions pass.
        ("WEU:FRA=H EEU:WAW=H WNAM:SJC=U ENAM:IAD=U", four, "U"),
        ("WEU:FRA=H EEU:WAW=H WNAM:SJC=H ENAM:IAD=U", four, "H"),
        // Two of three checkers make a region.
        ("WEU:FRA=H WEU:AMS=H WEU:LHR=U", "WEU", "H"),
        ("WEU:FRA=H WEU:AMS=U WEU:LHR=U", "WEU", "U"),
        ("WEU:FRA=H WEU:AMS=U", "WEU", "U"),
        // Regions count once, however many checkers they have.
        ("WEU:FRA=H EEU:WAW=H WNAM:SJC=U WNAM:LAX=U WNAM:SEA=U", "WEU EEU WNAM", "H"),
        // A region in which nobody reports abstains, and so does a checker.
        ("WEU:FRA=H EEU:WAW=- WNAM:SJC=-", four, "H"),
        ("WEU:FRA=H WEU:AMS=- WEU:LHR=U EEU:WAW=H EEU:BUD=H", four, "U"),
        ("WEU:FRA=- EEU:WAW=-", four, "?"),
        ("", four, "?"),
        // Who stands elsewhere has no vote ...
        ("WEU:FRA=H OC:SYD=U SAS:DEL=U", "WEU", "H"),
        ("WEU:FRA=- OC:SYD=U", "WEU", "?"),
        // ... unless nobody stands where it was asked for.
        ("OC:SYD=U SAS:DEL=U", "WEU", "U"),
        ("OC:SYD=H", "", "H"),
    ] {
        let asked = regions(asked);
        let counted = count(&ballots(checkers), asked.as_ref(), Quorum::Majority);
        assert_eq!(counted, verdict(expected), "{checkers} of {asked:?}");
    }
}

#[test]
fn every_pop_counts_once_where_every_pop_checks() {
    for (checkers, expected) in [
        ("WEU:FRA=H", "H"),
        ("WEU:FRA=U", "U"),
        ("WEU:FRA=H WEU:AMS=U", "U"),
        ("WEU:FRA=H WEU:AMS=H WNAM:SJC=U", "H"),
        // Three nodes of one PoP have one vote together.
        ("WEU:FRA=U WEU:FRA=U WEU:FRA=U WEU:AMS=H WNAM:SJC=H", "H"),
        // Nodes that say no PoP are in one together.
        ("=U =H =H", "H"),
        ("=-", "?"),
    ] {
        let counted = count(&ballots(checkers), None, Quorum::Majority);
        assert_eq!(counted, verdict(expected), "{checkers}");
    }
}

#[test]
fn one_healthy_checker_suffices_where_any_does() {
    for (checkers, asked, expected) in [
        ("WEU:FRA=H WEU:AMS=U", "every PoP", "H"),
        ("WEU:FRA=U WEU:AMS=U", "every PoP", "U"),
        ("WEU:FRA=- WEU:AMS=U", "every PoP", "U"),
        ("WEU:FRA=-", "every PoP", "?"),
        ("WEU:FRA=U OC:SYD=H", "WEU", "U"),
        ("WEU:FRA=U EEU:WAW=U EEU:BUD=H", "WEU EEU", "H"),
    ] {
        let asked = regions(asked);
        let counted = count(&ballots(checkers), asked.as_ref(), Quorum::Any);
        assert_eq!(counted, verdict(expected), "{checkers} of {asked:?}");
    }
}

#[test]
fn trap_t51_local_abstains_where_regions_are_asked() {
    use HealthSources::{LocalGlobal, RegionalGlobal};
    let checkers = ballots("WEU:FRA=U WEU:AMS=H WEU:LHR=H OC:SYD=U");
    for (sources, asked, own, published, expected) in [
        // The trap itself.
        (LocalGlobal, "WEU OC", "WEU:FRA", "H", "H"),
        // Every PoP checks: each steers by what it finds itself.
        (LocalGlobal, "every PoP", "WEU:FRA", "H", "U"),
        (LocalGlobal, "every PoP", "WEU:AMS", "U", "H"),
        (LocalGlobal, "every PoP", "WNAM:SJC", "H", "H"),
        (RegionalGlobal, "WEU OC", "WEU:FRA", "U", "H"),
        (RegionalGlobal, "WEU OC", "OC:AKL", "H", "U"),
        (RegionalGlobal, "WEU OC", "SAS:DEL", "H", "H"),
        (RegionalGlobal, "WEU OC", "SAS:DEL", "?", "?"),
    ] {
        let steered = steer_by(
            sources,
            &checkers,
            regions(asked).as_ref(),
            standpoint(own),
            verdict(published),
        );
        assert_eq!(steered, verdict(expected), "{sources:?}, {asked}, at {own}");
    }
    let silent = ballots("WEU:FRA=-");
    let own = standpoint("WEU:FRA");
    assert_eq!(steer_by(LocalGlobal, &silent, None, own, Verdict::Healthy), Verdict::Healthy);
}

#[test]
fn silence_of_all_checkers_keeps_what_was_published() {
    use Verdict::{Healthy, Unhealthy, Unknown};
    for (published, counted, expected) in [
        (Unknown, Unknown, Unknown),
        (Unknown, Healthy, Healthy),
        (Unknown, Unhealthy, Unhealthy),
        (Healthy, Unknown, Healthy),
        (Healthy, Unhealthy, Unhealthy),
        (Unhealthy, Unknown, Unhealthy),
        (Unhealthy, Healthy, Healthy),
    ] {
        assert_eq!(settle(published, counted), expected, "{published:?}, {counted:?}");
    }
}

#[test]
fn an_opinion_ends_after_three_intervals_and_a_timeout() {
    let monitor = Monitor {
        id: MonitorId([0; 16]),
        kind: MonitorKind::Tcp,
        port: 1,
        interval_ms: 10_000,
        timeout_ms: 5_000,
        retries: 0,
        consecutive_up: 0,
        consecutive_down: 0,
    };
    assert!(is_fresh(Timestamp(1_000), Timestamp(36_000), &monitor));
    assert!(!is_fresh(Timestamp(1_000), Timestamp(36_001), &monitor));
    // A clock that was set back makes nothing old.
    assert!(is_fresh(Timestamp(1_000), Timestamp(0), &monitor));
}

#[test]
fn health_outlives_ten_minutes_of_restart() {
    let known = Timestamp::from_seconds(1_000);
    for (now_s, counts) in [(999, false), (1_000, true), (1_600, true), (1_601, false)] {
        assert_eq!(outlives_restart(known, Timestamp::from_seconds(now_s)), counts, "{now_s}");
    }
}

/// Checkers in a few places.
fn many() -> impl Strategy<Value = Vec<Ballot>> {
    let place = select(std::vec!["WEU:FRA", "WEU:AMS", "EEU:WAW", "OC:SYD", "OC", ""]);
    let ballot = (place, select(std::vec!["H", "U", "-"]));
    let ballot = ballot
        .prop_map(|(from, letter)| Ballot { from: standpoint(from), verdict: verdict(letter) });
    prop::collection::vec(ballot, 0..12)
}

fn asked() -> impl Strategy<Value = Option<BTreeSet<Region>>> {
    select(std::vec!["every PoP", "WEU", "WEU EEU OC", "SAS", ""]).prop_map(regions)
}

proptest! {
    /// Checkers arrive in any order.
    #[test]
    fn the_order_of_ballots_does_not_count(
        ballots in many().prop_shuffle(), asked in asked())
    {
        let mut sorted = ballots.clone();
        sorted.sort_by_key(|ballot| (ballot.from, ballot.verdict as u8));
        for quorum in [Quorum::Majority, Quorum::Any] {
            prop_assert_eq!(
                count(&ballots, asked.as_ref(), quorum),
                count(&sorted, asked.as_ref(), quorum)
            );
        }
    }

    /// Where all who vote agree, so does the count, under any quorum; where nobody votes, it says
    /// nothing.
    #[test]
    fn agreement_is_the_verdict(ballots in many(), asked in asked()) {
        let asked = asked.as_ref();
        for quorum in [Quorum::Majority, Quorum::Any] {
            for verdict in [Verdict::Healthy, Verdict::Unhealthy, Verdict::Unknown] {
                let agreed: Vec<_> =
                    ballots.iter().map(|ballot| Ballot { verdict, ..*ballot }).collect();
                let expected = if agreed.is_empty() { Verdict::Unknown } else { verdict };
                prop_assert_eq!(count(&agreed, asked, quorum), expected);
            }
        }
    }

    /// A majority never says healthy where nobody does, and `any` is never stricter.
    #[test]
    fn any_is_the_most_lenient(ballots in many(), asked in asked()) {
        let asked = asked.as_ref();
        let (most, any) =
            (count(&ballots, asked, Quorum::Majority), count(&ballots, asked, Quorum::Any));
        prop_assert_eq!(most == Verdict::Unknown, any == Verdict::Unknown);
        if most == Verdict::Healthy {
            prop_assert_eq!(any, Verdict::Healthy);
        }
    }

    /// One more checker that fails never makes an endpoint healthier where it has company in its
    /// own place.
    #[test]
    fn a_failure_in_a_place_that_votes_never_helps(
        mut ballots in many(), at in any::<prop::sample::Index>())
    {
        prop_assume!(!ballots.is_empty());
        let at = at.index(ballots.len());
        prop_assume!(ballots[at].verdict != Verdict::Unknown);
        let before = count(&ballots, None, Quorum::Majority);
        let company = Ballot { verdict: Verdict::Unhealthy, ..ballots[at] };
        ballots.push(company);
        if before == Verdict::Unhealthy {
            prop_assert_eq!(count(&ballots, None, Quorum::Majority), Verdict::Unhealthy);
        }
    }
}
