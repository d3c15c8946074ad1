//! Several monitors, several checkers, and what becomes of their opinions.

use evenkeel_model::{
    Address, AffinityKey, AffinityKeys, ConfigBuilder, EndpointSpec, HealthSources, MonitorKind,
    PoolMonitor, PoolSpec, Pop, Region,
};

use super::*;

const INTERVAL_MS: u32 = 10_000;
const PATIENCE_MS: u64 = 35_000;

/// A pool with one endpoint, judged by so many monitors.
fn config(members: &[(bool, bool)], change: impl FnOnce(&mut PoolSpec)) -> Config {
    let key = AffinityKey([0; 32]);
    let mut builder = ConfigBuilder::new(AffinityKeys { current: key, previous: None });
    let endpoint = EndpointSpec::new("a", Address::Ip([192, 0, 2, 1].into()), 80);
    let mut spec = PoolSpec::new(PoolId([1; 16]), "eu", vec![endpoint]);
    for (n, (must_be_healthy, monitoring_only)) in (1..).zip(members) {
        let monitor = builder.monitor(Monitor {
            id: MonitorId([n; 16]),
            kind: MonitorKind::Tcp,
            port: 1,
            interval_ms: INTERVAL_MS,
            timeout_ms: 5_000,
            retries: 0,
            consecutive_up: 0,
            consecutive_down: 0,
        });
        spec.monitors.push(PoolMonitor {
            monitor,
            must_be_healthy: *must_be_healthy,
            monitoring_only: *monitoring_only,
        });
    }
    change(&mut spec);
    builder.pool(spec);
    builder.build()
}

fn checker(id: u64, region: &str, pop: &str) -> Checker {
    Checker { id, at: Standpoint { region: Region::parse(region), pop: Pop::parse(pop) } }
}

/// Knowledge that reports are told to, of a configuration with one endpoint.
struct Told {
    config: Config,
    knowledge: Knowledge,
    now: Timestamp,
}

impl Told {
    fn new(config: Config, own: Checker) -> Self {
        let mut knowledge = Knowledge::of(&config);
        knowledge.judge(own, Quorum::Majority);
        Self { config, knowledge, now: Timestamp(1_000) }
    }

    fn report(&mut self, from: Checker, monitor: u8, letter: char, rtt_us: u32) -> News {
        let (verdict, reason, rtt_us) = match letter {
            'H' => (Verdict::Healthy, FailureReason::NoFailures, Some(rtt_us)),
            'U' => (Verdict::Unhealthy, FailureReason::TcpTimeout, None),
            // One failure of too few: the verdict and the last round trip are still those of before.
            'h' => (Verdict::Healthy, FailureReason::TcpTimeout, Some(rtt_us)),
            _ => (Verdict::Unknown, FailureReason::NoFailures, Some(rtt_us)),
        };
        let health = EndpointHealth { verdict, reason, response_code: 0, rtt_us };
        let endpoint = self.config.endpoints[0].id;
        let report = Report { endpoint, monitor: MonitorId([monitor; 16]), health };
        self.knowledge.learn(&self.config, from, &report, self.now)
    }

    fn letter(&self, whose: Whose) -> char {
        let health = self.knowledge.health(&self.config, whose, self.now);
        match health.endpoint(EndpointIx(0)).verdict {
            Verdict::Healthy => 'H',
            Verdict::Unhealthy => 'U',
            Verdict::Unknown => '?',
        }
    }
}

#[test]
fn trap_t26_a_group_decides_on_the_last_result_of_each_member() {
    let own = checker(0, "WEU", "FRA");
    let (plain, veto, only) = ((false, false), (true, false), (false, true));
    for (members, reports, expected) in [
        (&[plain, plain, plain, plain][..], "HHHH", 'H'),
        (&[plain, plain, plain, plain], "UUHH", 'H'),
        (&[plain, plain, plain, plain], "UUUH", 'U'),
        (&[veto, plain, plain, plain], "UHHH", 'U'),
        (&[only, plain, plain], "UHH", 'H'),
        (&[veto, plain], "?H", '?'),
        (&[plain, plain], "?U", 'U'),
        (&[only, only], "UU", '?'),
    ] {
        let mut told = Told::new(config(members, |_| {}), own);
        for (n, letter) in (1..).zip(reports.chars()) {
            told.report(own, n, letter, 1_000);
        }
        assert_eq!(told.letter(Whose::Installation), expected, "{members:?} {reports}");
        assert_eq!(told.letter(Whose::Node), expected, "{members:?} {reports}");
    }
}

#[test]
fn trap_t24_a_probe_that_failed_is_no_sample() {
    let own = checker(0, "WEU", "FRA");
    let mut told = Told::new(config(&[(false, false)], |_| {}), own);
    for (letter, rtt_us, mean_us, samples) in [
        ('H', 20_000, Some(20_000), 1),
        ('H', 20_000, Some(20_000), 2),
        ('h', 5_000_000, Some(20_000), 2),
        // Nor does a pool have a latency while nothing in it is healthy.
        ('U', 0, None, 0),
        ('H', 30_000, Some(22_000), 3),
    ] {
        told.report(own, 1, letter, rtt_us);
        let health = told.knowledge.health(&told.config, Whose::Node, told.now);
        let expected = mean_us.map(|mean_us| Latency { mean_us, samples });
        assert_eq!(health.latency(PoolIx(0)), expected, "{letter} {rtt_us}");
    }
}

#[test]
fn the_latency_of_a_group_is_the_mean_over_the_members_that_vote() {
    let own = checker(0, "WEU", "FRA");
    let mut told = Told::new(config(&[(false, false), (true, false), (false, true)], |_| {}), own);
    for (monitor, rtt_us) in [(1, 10_000), (2, 30_000), (3, 900_000)] {
        told.report(own, monitor, 'H', rtt_us);
    }
    let health = told.knowledge.health(&told.config, Whose::Node, told.now);
    assert_eq!(health.latency(PoolIx(0)), Some(Latency { mean_us: 20_000, samples: 2 }));
}

#[test]
fn checkers_vote_and_the_majority_is_published() {
    let [a, b, c] = [checker(0, "WEU", "FRA"), checker(1, "WEU", "AMS"), checker(2, "OC", "SYD")];
    let mut told = Told::new(config(&[(false, false)], |_| {}), a);
    for (from, letter, news, published, own) in [
        (a, 'H', News::Verdict, 'H', 'H'),
        // One of two is no majority; this node still finds it healthy.
        (b, 'U', News::Verdict, 'U', 'H'),
        (c, 'H', News::Verdict, 'H', 'H'),
        (a, 'U', News::Verdict, 'U', 'U'),
        (b, 'H', News::Verdict, 'H', 'U'),
        (b, 'H', News::Nothing, 'H', 'U'),
    ] {
        assert_eq!(told.report(from, 1, letter, 1_000), news, "{from:?} {letter}");
        assert_eq!(told.letter(Whose::Installation), published, "{from:?} {letter}");
        assert_eq!(told.letter(Whose::Node), own, "{from:?} {letter}");
    }
}

#[test]
fn trap_t51_a_pool_that_is_checked_from_regions_is_steered_by_the_installation() {
    let [a, b, c] = [checker(0, "WEU", "FRA"), checker(1, "OC", "SYD"), checker(2, "SAS", "DEL")];
    for (sources, expected) in
        [(HealthSources::LocalGlobal, 'U'), (HealthSources::RegionalGlobal, 'H')]
    {
        let mut told = Told::new(
            config(&[(false, false)], |pool| {
                pool.check_regions = Some([Region::Weu, Region::Oc, Region::Sas].into());
                pool.health_sources = sources;
            }),
            a,
        );
        for (from, letter) in [(a, 'H'), (b, 'U'), (c, 'U')] {
            told.report(from, 1, letter, 1_000);
        }
        assert_eq!(told.letter(Whose::Installation), 'U');
        assert_eq!(told.letter(Whose::Node), expected, "{sources:?}");
    }
}

#[test]
fn whoever_falls_silent_abstains_and_the_last_word_stays() {
    let [a, b, c] = [checker(0, "WEU", "FRA"), checker(1, "WEU", "AMS"), checker(2, "OC", "SYD")];
    let mut told = Told::new(config(&[(false, false)], |_| {}), a);
    for (from, letter) in [(a, 'U'), (b, 'H'), (c, 'H')] {
        told.report(from, 1, letter, 1_000);
    }
    assert_eq!(told.letter(Whose::Installation), 'H');
    // Only the one that finds it unhealthy goes on.
    told.now.0 += PATIENCE_MS;
    told.report(a, 1, 'U', 1_000);
    assert_eq!(told.letter(Whose::Installation), 'H');
    told.now.0 += 1;
    let survey = told.knowledge.survey(&told.config, told.now);
    assert_eq!(survey, Survey { silent: 0, moved: true });
    assert_eq!(told.letter(Whose::Installation), 'U');
    // Now nobody does.
    told.now.0 += PATIENCE_MS;
    let survey = told.knowledge.survey(&told.config, told.now);
    assert_eq!(survey, Survey { silent: 1, moved: false });
    assert_eq!((told.letter(Whose::Installation), told.letter(Whose::Node)), ('U', 'U'));
    told.report(b, 1, 'H', 1_000);
    assert_eq!(told.letter(Whose::Installation), 'H');
}
