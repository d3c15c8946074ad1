//! Traffic as text: `+` answered, `5` server error, `x` connect failure, a digit's worth of seconds
//! as `~`.

use std::string::String;
use std::vec::Vec;

use proptest::prelude::*;
use proptest::sample::select;

use super::*;

const ONE: EndpointId = EndpointId(1);

fn settings() -> PassiveSettings {
    PassiveSettings { failures_max: 3, requests_min: 4, ..PassiveSettings::default() }
}

/// Plays traffic of one endpoint in a pool of ten, `~` being a second, and returns `E` for each
/// request that ejects it and `.` for the others.
fn play(settings: &PassiveSettings, traffic: &str) -> String {
    let (mut outliers, mut now, mut seen) = (Outliers::default(), Timestamp(1), String::new());
    for letter in traffic.chars().filter(|letter| !letter.is_whitespace()) {
        let evidence = match letter {
            '~' => {
                now = now.plus_seconds(1);
                continue;
            }
            '+' => Evidence::Answered,
            '5' => Evidence::ServerError,
            _ => Evidence::ConnectFailed,
        };
        let ejection = outliers.see(ONE, evidence, 10, now, settings);
        seen.push(if ejection.is_some() { 'E' } else { '.' });
    }
    seen
}

#[test]
fn evidence_ejects_and_answers_end_it() {
    for (traffic, ejections) in [
        // Connect failures in a row.
        ("xxx", "..E"),
        ("xx+xx+", "......"),
        ("xx5xxx", ".....E"),
        // Nothing counts while it is ejected.
        ("xxx xxx xxx", "..E......"),
        // More than half of at least four.
        ("555", "..."),
        ("5555", "...E"),
        ("5++5+5+5", "........"),
        ("5+5+5+", "....E."),
        // The first answer of an endpoint that never failed is not counted.
        ("++555", "....."),
        ("5+555", "...E."),
        // A window ends after ten seconds.
        ("555 ~~~~~~~~~~ 5", "...."),
        ("555 ~~~~~~~~~ 5", "...E"),
    ] {
        assert_eq!(play(&settings(), traffic), ejections, "{traffic}");
    }
}

#[test]
fn either_kind_of_evidence_can_be_ignored() {
    let no_failures = PassiveSettings { failures_max: 0, ..settings() };
    assert_eq!(play(&no_failures, "xxxxxx"), "......");
    let no_errors = PassiveSettings { errors_max: Percent::ALL, ..settings() };
    assert_eq!(play(&no_errors, "555555"), "......");
}

#[test]
fn ejections_grow_up_to_a_bound_and_are_forgiven_with_time() {
    let settings = PassiveSettings { failures_max: 1, ..settings() };
    let (mut outliers, mut now) = (Outliers::default(), Timestamp(1));
    let mut eject = |wait_s: u64| {
        now = now.plus_seconds(wait_s);
        let ejection =
            outliers.see(ONE, Evidence::ConnectFailed, 10, now, &settings).expect("ejects");
        assert!(outliers.is_ejected(ONE, Timestamp(ejection.until.0 - 1)));
        assert!(!outliers.is_ejected(ONE, ejection.until));
        let length_s = (ejection.until.0 - now.0) / 1000;
        now = ejection.until;
        length_s
    };
    // Again right after its return.
    assert_eq!([eject(0), eject(0), eject(29)], [30, 60, 90]);
    // One forgiven for every half minute.
    assert_eq!([eject(30), eject(60), eject(3600)], [90, 60, 30]);
    let long: Vec<_> = (0..20).map(|_| eject(0)).collect();
    assert_eq!(long.last(), Some(&300));
}

#[test]
fn the_cap_spares_the_rest_of_the_pool() {
    for (share, endpoints, expected) in [
        (50.0, 1, 0),
        (50.0, 2, 1),
        (50.0, 3, 1),
        (10.0, 9, 0),
        (10.0, 10, 1),
        (100.0, 3, 3),
        (0.0, 9, 0),
    ] {
        let ejected_max = Percent::from_number(share).unwrap();
        let settings = PassiveSettings { ejected_max, ..settings() };
        let mut outliers = Outliers::default();
        for endpoint in (0..endpoints).map(EndpointId) {
            for _ in 0..3 {
                let count = usize::try_from(endpoints).unwrap();
                outliers.see(endpoint, Evidence::ConnectFailed, count, Timestamp(1), &settings);
            }
        }
        assert_eq!(outliers.ejected(Timestamp(1)), expected, "{share} % of {endpoints}");
    }
}

#[test]
fn whoever_was_spared_goes_when_there_is_room() {
    let mut outliers = Outliers::default();
    let settings = PassiveSettings { failures_max: 1, ..settings() };
    let mut fail = |endpoint, now_s| {
        let now = Timestamp::from_seconds(now_s);
        outliers.see(EndpointId(endpoint), Evidence::ConnectFailed, 2, now, &settings).is_some()
    };
    assert_eq!([fail(1, 1), fail(2, 1), fail(2, 30), fail(2, 31)], [true, false, false, true]);
}

#[test]
fn endpoints_that_left_are_forgotten() {
    let mut outliers = Outliers::default();
    for _ in 0..3 {
        outliers.see(ONE, Evidence::ConnectFailed, 2, Timestamp(1), &settings());
    }
    assert!(outliers.is_ejected(ONE, Timestamp(2)));
    outliers.retain(|endpoint| endpoint != ONE);
    assert!(!outliers.is_ejected(ONE, Timestamp(2)));
}

proptest! {
    /// Whatever happens, no more than the cap are ejected at one time, an ejection lasts no longer
    /// than its bound, and only who failed is ejected.
    #[test]
    fn the_cap_and_the_bounds_hold(
        steps in prop::collection::vec(
            (0..8u64, select(std::vec![Evidence::Answered, Evidence::ServerError, Evidence::ConnectFailed]), 0..4_000u64),
            1..400,
        ),
        share in 0..=100u8,
    ) {
        let settings = PassiveSettings {
            ejected_max: Percent::from_number(share.into()).unwrap(),
            ..settings()
        };
        let allowed = 8 * usize::from(share) / 100;
        let (mut outliers, mut now) = (Outliers::default(), Timestamp(0));
        for (endpoint, evidence, wait_ms) in steps {
            now.0 += wait_ms;
            let endpoint = EndpointId(endpoint);
            let was_ejected = outliers.is_ejected(endpoint, now);
            let ejection = outliers.see(endpoint, evidence, 8, now, &settings);
            prop_assert!(outliers.ejected(now) <= allowed);
            if let Some(ejection) = ejection {
                prop_assert!(!was_ejected && evidence != Evidence::Answered);
                let length_ms = ejection.until.0 - now.0;
                prop_assert!((settings.ejection_ms..=settings.ejection_ms_max).contains(&length_ms));
                prop_assert!(outliers.is_ejected(endpoint, now));
            }
        }
    }
}
