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

/// One pool as the proxy keeps it: records, and the ejections that follow from them.
#[derive(Default)]
struct Pool {
    records: BTreeMap<EndpointId, u64>,
    outliers: Outliers,
}

impl Pool {
    /// Takes in what a request met, and returns until when this ejects the endpoint.
    fn see(
        &mut self,
        endpoint: EndpointId,
        evidence: Evidence,
        endpoints: usize,
        now: Timestamp,
        settings: &PassiveSettings,
    ) -> Option<Timestamp> {
        if self.outliers.is_ejected(endpoint, now) {
            return None;
        }
        let record = self.records.entry(endpoint).or_default();
        let (next, outlying) = Record::from_bits(*record).see(evidence, now, settings);
        *record = next.to_bits();
        outlying?;
        let until = self.outliers.eject(endpoint, endpoints, now, settings)?;
        self.records.remove(&endpoint);
        Some(until)
    }
}

/// Plays traffic of one endpoint in a pool of ten, `~` being a second, and returns `E` for each
/// request that ejects it and `.` for the others.
fn play(settings: &PassiveSettings, traffic: &str) -> String {
    let (mut pool, mut now, mut seen) = (Pool::default(), Timestamp(1), String::new());
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
        let ejection = pool.see(ONE, evidence, 10, now, settings);
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
        // A window begins with an error: what came before is not counted.
        ("++555", "....."),
        ("+++++5555", "........E"),
        ("5+555", "...E."),
        // A window ends after ten seconds.
        ("555 ~~~~~~~~~~ 5", "...."),
        ("555 ~~~~~~~~~ 5", "...E"),
        ("555 ~~~~~~~~~~ + 5", "....."),
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
    let (mut pool, mut now) = (Pool::default(), Timestamp(1));
    let mut eject = |wait_s: u64| {
        now = now.plus_seconds(wait_s);
        let until = pool.see(ONE, Evidence::ConnectFailed, 10, now, &settings).expect("ejects");
        assert!(pool.outliers.is_ejected(ONE, Timestamp(until.0 - 1)));
        assert!(!pool.outliers.is_ejected(ONE, until));
        let length_s = (until.0 - now.0) / 1000;
        now = until;
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
        // One is always left.
        (100.0, 3, 2),
        (100.0, 1, 0),
        (0.0, 9, 0),
    ] {
        let ejected_max = Percent::from_number(share).unwrap();
        let settings = PassiveSettings { ejected_max, ..settings() };
        let mut pool = Pool::default();
        for endpoint in (0..endpoints).map(EndpointId) {
            for _ in 0..3 {
                let count = usize::try_from(endpoints).unwrap();
                pool.see(endpoint, Evidence::ConnectFailed, count, Timestamp(1), &settings);
            }
        }
        assert_eq!(pool.outliers.ejected(Timestamp(1)), expected, "{share} % of {endpoints}");
    }
}

#[test]
fn whoever_was_spared_goes_when_there_is_room() {
    let mut pool = Pool::default();
    let settings = PassiveSettings { failures_max: 1, ..settings() };
    let mut fail = |endpoint, now_s| {
        let now = Timestamp::from_seconds(now_s);
        pool.see(EndpointId(endpoint), Evidence::ConnectFailed, 2, now, &settings).is_some()
    };
    assert_eq!([fail(1, 1), fail(2, 1), fail(2, 30), fail(2, 31)], [true, false, false, true]);
}

#[test]
fn endpoints_that_left_are_forgotten() {
    let mut outliers = Outliers::default();
    assert!(outliers.eject(ONE, 2, Timestamp(1), &settings()).is_some());
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
        let allowed = (8 * usize::from(share) / 100).min(7);
        let (mut pool, mut now) = (Pool::default(), Timestamp(0));
        for (endpoint, evidence, wait_ms) in steps {
            now.0 += wait_ms;
            let endpoint = EndpointId(endpoint);
            let was_ejected = pool.outliers.is_ejected(endpoint, now);
            let ejected = pool.see(endpoint, evidence, 8, now, &settings);
            prop_assert!(pool.outliers.ejected(now) <= allowed);
            if let Some(until) = ejected {
                prop_assert!(!was_ejected && evidence != Evidence::Answered);
                let length_ms = until.0 - now.0;
                prop_assert!((settings.ejection_ms..=settings.ejection_ms_max).contains(&length_ms));
                prop_assert!(pool.outliers.is_ejected(endpoint, now));
            }
        }
    }

    /// A record survives its word, the counts never run over, and who is blank has nothing to tell.
    #[test]
    fn a_record_is_a_word(
        steps in prop::collection::vec(
            select(std::vec![Evidence::Answered, Evidence::ServerError, Evidence::ConnectFailed]),
            1..200,
        ),
        bits: u64,
    ) {
        let mut record = Record::from_bits(bits);
        prop_assert_eq!(record.to_bits(), bits);
        for evidence in steps {
            let (next, outlying) = record.see(evidence, Timestamp(bits), &settings());
            prop_assert_eq!(Record::from_bits(next.to_bits()), next);
            prop_assert!(outlying.is_none() || evidence != Evidence::Answered);
            record = next;
        }
        let blank = Record::default();
        prop_assert_eq!(blank.to_bits(), 0);
        prop_assert_eq!(blank.see(Evidence::Answered, Timestamp(bits), &settings()), (blank, None));
    }
}

#[test]
fn a_busy_window_keeps_the_share_of_its_errors() {
    let settings = PassiveSettings { requests_min: 20, ..PassiveSettings::default() };
    let mut record = Record::default();
    let mut ejects = |evidence, count: u32| {
        (0..count).any(|_| {
            let (next, outlying) = record.see(evidence, Timestamp(1), &settings);
            record = next;
            outlying.is_some()
        })
    };
    assert!(!ejects(Evidence::ServerError, 1));
    assert!(!ejects(Evidence::Answered, 100_000));
    assert!(!ejects(Evidence::ServerError, 8_000));
    assert!(ejects(Evidence::ServerError, 9_000));
}
