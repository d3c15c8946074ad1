//! The schedule under paused time, with a prober that answers as it is told.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use evenkeel_model::{EndpointSpec, LiveWriter, Monitor, MonitorId, MonitorKind};
use tokio::task::JoinHandle;
use tokio::time::{advance, sleep, timeout};

use super::*;
use crate::testing::{ConfigSpec, HttpAsk, config, endpoint, monitor};

/// Reports that fit the publisher's queue, in tests that read all of them.
const REPORTS: usize = 1_000_000;

const INTERVAL: Duration = Duration::from_secs(10);

/// Says of each endpoint, by its name, how its probes end and how long they take.
type Script = dyn Fn(&str) -> (FailureReason, Duration) + Send + Sync;

/// What the scripted prober saw.
#[derive(Default)]
struct Seen {
    /// When each probe began.
    starts: Mutex<BTreeMap<JobId, Vec<Instant>>>,
    running: Mutex<Running>,
}

#[derive(Default)]
struct Running {
    now: HashMap<JobId, usize>,
    most: usize,
}

struct Scripted {
    script: Box<Script>,
    seen: Arc<Seen>,
}

/// Counts a probe as running for as long as its future lives.
struct Guard<'a>(&'a Seen, JobId);

impl<'a> Guard<'a> {
    fn new(seen: &'a Seen, id: JobId) -> Self {
        seen.starts.lock().unwrap().entry(id).or_default().push(Instant::now());
        let mut running = seen.running.lock().unwrap();
        let same = running.now.insert(id, 1);
        assert_eq!(same, None, "probes of one endpoint overlap");
        running.most = running.most.max(running.now.len());
        drop(running);
        Self(seen, id)
    }
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        if let Ok(mut running) = self.0.running.lock() {
            running.now.remove(&self.1);
        }
    }
}

impl Probing for Scripted {
    async fn probe(&self, target: &Target) -> Option<Probe> {
        let _guard = Guard::new(&self.seen, target.id());
        let (reason, takes) = (self.script)(&target.endpoint().name);
        sleep(takes).await;
        let passed = reason == FailureReason::NoFailures;
        Some(Probe { reason, response_code: 0, rtt: passed.then_some(takes) })
    }
}

/// A checker at work.
struct Run {
    writer: LiveWriter,
    revision: watch::Sender<u64>,
    shutdown: watch::Sender<bool>,
    inbox: mpsc::Receiver<Report>,
    stats: Arc<Stats>,
    seen: Arc<Seen>,
    task: JoinHandle<()>,
}

impl Run {
    fn new(
        first: &ConfigSpec,
        reports_max: usize,
        script: impl Fn(&str) -> (FailureReason, Duration) + Send + Sync + 'static,
    ) -> Self {
        Self::restored(first, Restored::new(), reports_max, script)
    }

    fn restored(
        first: &ConfigSpec,
        restored: Restored,
        reports_max: usize,
        script: impl Fn(&str) -> (FailureReason, Duration) + Send + Sync + 'static,
    ) -> Self {
        let (writer, live) = Live::new(first.view(1));
        let (revision, follower) = watch::channel(1);
        let (shutdown, stop) = watch::channel(false);
        let (reports, inbox) = mpsc::channel(reports_max);
        let (seen, stats) = (Arc::<Seen>::default(), Arc::<Stats>::default());
        let prober = Scripted { script: Box::new(script), seen: Arc::clone(&seen) };
        let checker = Checker::new(prober, live, reports, Arc::clone(&stats), restored);
        let task = tokio::spawn(checker.run(follower, stop));
        Self { writer, revision, shutdown, inbox, stats, seen, task }
    }

    fn publish(&mut self, spec: &ConfigSpec) {
        let revision = self.writer.current().revision + 1;
        self.writer.publish(spec.view(revision));
        self.revision.send(revision).unwrap();
    }

    async fn report(&mut self) -> Report {
        self.inbox.recv().await.unwrap()
    }

    /// Verdict and reason of the next report.
    async fn verdict(&mut self) -> (Verdict, FailureReason) {
        let health = self.report().await.health;
        (health.verdict, health.reason)
    }

    fn starts(&self) -> BTreeMap<JobId, Vec<Instant>> {
        self.seen.starts.lock().unwrap().clone()
    }

    async fn stop(self) {
        self.shutdown.send(true).unwrap();
        self.task.await.unwrap();
        assert_eq!(self.seen.running.lock().unwrap().now.len(), 0, "nothing goes on");
    }
}

fn tcp() -> Monitor {
    monitor(MonitorKind::Tcp)
}

fn pass(_: &str) -> (FailureReason, Duration) {
    (FailureReason::NoFailures, Duration::from_millis(3))
}

fn refuse(_: &str) -> (FailureReason, Duration) {
    (FailureReason::TcpConnectionFailed, Duration::from_millis(3))
}

fn one(monitor: Monitor) -> ConfigSpec {
    config(Some(monitor), vec![endpoint("10.0.0.1", 80)])
}

fn many(count: u32) -> ConfigSpec {
    let address = |n: u32| endpoint(&std::net::Ipv4Addr::from(0x0a00_0000 + n).to_string(), 80);
    config(Some(tcp()), (0..count).map(address).collect())
}

/// Checks that every endpoint was asked once per interval, and returns how many probes there were.
fn assert_once_per_interval(starts: &BTreeMap<JobId, Vec<Instant>>, begin: Instant) -> usize {
    for (id, starts) in starts {
        assert!(starts[0] - begin <= Duration::from_millis(2_001), "{id:?}: the first");
        for (n, pair) in starts.windows(2).enumerate() {
            let gap = pair[1] - pair[0];
            // Timers fire on the next whole millisecond.
            let slack = Duration::from_millis(2);
            let allowed = INTERVAL * 9 / 10 - slack..=INTERVAL * 11 / 10 + slack;
            assert!(allowed.contains(&gap), "{id:?}, probe {n}: {gap:?}");
        }
    }
    starts.values().map(Vec::len).sum()
}

#[tokio::test(start_paused = true)]
async fn five_thousand_endpoints_for_ten_minutes_get_one_probe_per_interval() {
    const ENDPOINTS: u32 = 5_000;
    const INTERVALS: u32 = 60;
    let begin = Instant::now();
    let run = Run::new(&many(ENDPOINTS), REPORTS, pass);
    sleep(INTERVAL * INTERVALS).await;
    let starts = run.starts();
    assert_eq!(starts.len(), ENDPOINTS as usize);
    let probes = assert_once_per_interval(&starts, begin);
    // Half an interval was left out, on average, on the way to each endpoint's own place.
    let expected = (ENDPOINTS * INTERVALS + ENDPOINTS) as usize;
    assert!(probes.abs_diff(expected) < ENDPOINTS as usize / 4, "{probes}");
    for (id, starts) in &starts {
        assert!((60..=62).contains(&starts.len()), "{id:?}: {}", starts.len());
    }
    assert_eq!(run.stats.ticks_skipped.load(Ordering::Relaxed), 0);
    assert_eq!(run.stats.endpoints.load(Ordering::Relaxed), u64::from(ENDPOINTS));
    let late = run.stats.lateness_us_max.load(Ordering::Relaxed);
    assert!(late <= 2_000, "timers fire on the next whole millisecond: {late} µs");

    // Spread, not in step: no tenth of a second takes much more than its share of two seconds.
    let mut first = [0_u32; 21];
    for starts in starts.values() {
        first[(starts[0] - begin).as_millis() as usize / 100] += 1;
    }
    assert!(first.iter().all(|count| *count < 2 * ENDPOINTS / 20), "{first:?}");

    // Soon, no second takes much more than its share of the interval.
    let mut seconds = [0_u32; 10];
    let late = starts.values().flatten().map(|start| (*start - begin).as_secs());
    for second in late.filter(|second| *second >= 590) {
        seconds[second as usize - 590] += 1;
    }
    assert!(seconds.iter().all(|count| (400..600).contains(count)), "{seconds:?}");
    run.stop().await;
}

#[tokio::test(start_paused = true)]
async fn trap_t49_one_probe_per_interval_whatever_the_name_resolves_to() {
    let begin = Instant::now();
    let spec = config(Some(tcp()), vec![endpoint("both.example", 80)]);
    let run = Run::new(&spec, REPORTS, pass);
    sleep(INTERVAL * 5 + Duration::from_secs(4)).await;
    let probes = assert_once_per_interval(&run.starts(), begin);
    assert!((5..=6).contains(&probes), "{probes}");
    run.stop().await;
}

#[tokio::test(start_paused = true)]
async fn trap_t13_no_verdict_until_a_streak_decides() {
    let patient = Monitor { consecutive_up: 2, consecutive_down: 3, ..tcp() };
    let mut run = Run::new(&one(patient.clone()), REPORTS, pass);
    assert_eq!(run.verdict().await.0, Verdict::Unknown);
    assert_eq!(run.verdict().await.0, Verdict::Healthy);
    run.stop().await;

    let mut run = Run::new(&one(patient), REPORTS, refuse);
    for verdict in [Verdict::Unknown, Verdict::Unknown, Verdict::Unhealthy, Verdict::Unhealthy] {
        assert_eq!(run.verdict().await, (verdict, FailureReason::TcpConnectionFailed));
    }
    run.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_failure_keeps_the_last_round_trip_and_names_its_reason() {
    let turns = Mutex::new(0..);
    let mut run = Run::new(&one(tcp()), REPORTS, move |name| {
        let turn: u32 = turns.lock().unwrap().next().unwrap();
        if turn.is_multiple_of(2) { pass(name) } else { refuse(name) }
    });
    for (verdict, reason) in [
        (Verdict::Healthy, FailureReason::NoFailures),
        (Verdict::Unhealthy, FailureReason::TcpConnectionFailed),
        (Verdict::Healthy, FailureReason::NoFailures),
    ] {
        let report = run.report().await;
        let rtt_us = Some(3_000);
        let health = EndpointHealth { verdict, reason, response_code: 0, rtt_us };
        assert_eq!((report.health, report.monitor), (health, MonitorId([1; 16])));
    }
    assert_eq!(run.stats.probes.load(Ordering::Relaxed), 3);
    assert_eq!(run.stats.probes_failed.load(Ordering::Relaxed), 1);
    run.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_impossible_monitor_is_unhealthy_at_once() {
    let monitor = Monitor { consecutive_down: 5, ..tcp() };
    let impossible = |_: &str| (FailureReason::MonitorConfig, Duration::ZERO);
    let mut run = Run::new(&one(monitor), REPORTS, impossible);
    assert_eq!(run.verdict().await, (Verdict::Unhealthy, FailureReason::MonitorConfig));
    run.stop().await;
}

#[tokio::test(start_paused = true)]
async fn probes_of_one_endpoint_never_overlap() {
    let slow = |_: &str| (FailureReason::HttpTimeout, INTERVAL * 5 / 2);
    let run = Run::new(&one(tcp()), REPORTS, slow);
    // Every third tick finds the endpoint idle, and none of the others comes shortly before it is.
    sleep(INTERVAL * 9).await;
    let starts = run.starts();
    let probes = starts.values().map(Vec::len).sum::<usize>();
    let skipped = run.stats.ticks_skipped.load(Ordering::Relaxed);
    assert!((3..=4).contains(&probes) && (5..=7).contains(&skipped), "{probes}, {skipped}");
    run.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_fills_its_interval_costs_no_tick() {
    for seed in 0..20 {
        let slow = |_: &str| (FailureReason::HttpTimeout, INTERVAL);
        let mut run = Run::new(&one(tcp()), REPORTS, slow);
        let first = run.report().await;
        assert_eq!(first.health.reason, FailureReason::HttpTimeout);
        let begin = Instant::now();
        for n in 1..=3 {
            run.report().await;
            let slack = Duration::from_millis(250);
            assert!(begin.elapsed() <= INTERVAL * n + slack, "run {seed}, probe {n}");
        }
        run.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn probes_that_run_are_bounded_and_the_others_wait_their_turn() {
    let endpoints = PROBES_RUNNING_MAX as u32 * 3;
    let takes = Duration::from_secs(4);
    let begin = Instant::now();
    let run = Run::new(&many(endpoints), REPORTS, move |_| (FailureReason::HttpTimeout, takes));
    sleep(INTERVAL + Duration::from_millis(1)).await;
    let starts = run.starts();
    assert_eq!(starts.len(), endpoints as usize, "every endpoint had its turn");
    let last = starts.values().map(|starts| starts[0]).max().unwrap();
    assert!(last - begin <= takes * 2 + Duration::from_secs(2), "{:?}", last - begin);
    let late = Duration::from_micros(run.stats.lateness_us_max.load(Ordering::Relaxed));
    assert!(late > takes && late <= takes * 2, "{late:?}");
    assert_eq!(run.seen.running.lock().unwrap().most, PROBES_RUNNING_MAX);
    run.stop().await;
}

#[tokio::test(start_paused = true)]
async fn views_are_followed_at_once() {
    let spec = one(tcp());
    let mut run = Run::new(&ConfigSpec { monitor: None, ..spec.clone() }, REPORTS, pass);
    let disabled = |mut spec: ConfigSpec| {
        spec.endpoints[0].enabled = false;
        spec
    };
    for (gone, what) in [
        (ConfigSpec { monitor: None, ..spec.clone() }, "no monitor"),
        (ConfigSpec { enabled: false, ..spec.clone() }, "pool disabled"),
        (disabled(spec.clone()), "endpoint disabled"),
        (ConfigSpec { endpoints: Vec::new(), ..spec.clone() }, "endpoint removed"),
    ] {
        run.publish(&gone);
        let silence = timeout(INTERVAL * 10, run.report()).await;
        assert!(silence.is_err(), "{what}");
        assert_eq!(run.stats.endpoints.load(Ordering::Relaxed), 0, "{what}");
        run.publish(&spec);
        let report = timeout(Duration::from_millis(2_010), run.report()).await;
        assert_eq!(report.unwrap().health.verdict, Verdict::Healthy, "{what}, then not");
    }
    run.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_probe_under_way_is_ended_with_its_job() {
    let slow = |_: &str| (FailureReason::NoFailures, Duration::from_secs(5));
    let spec = one(tcp());
    let mut run = Run::new(&spec, REPORTS, slow);
    sleep(Duration::from_secs(3)).await;
    assert_eq!(run.seen.running.lock().unwrap().now.len(), 1);
    run.publish(&ConfigSpec { enabled: false, ..spec });
    sleep(Duration::from_millis(1)).await;
    assert_eq!(run.seen.running.lock().unwrap().now.len(), 0);
    assert!(timeout(INTERVAL * 3, run.report()).await.is_err(), "no report of it");
    run.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_changed_question_voids_the_streak_and_other_changes_do_not() {
    let http = |path| Monitor {
        consecutive_down: 3,
        ..monitor(HttpAsk { path, ..HttpAsk::default() }.into())
    };
    let base = one(http("/"));
    let with_monitor = |monitor| ConfigSpec { monitor: Some(monitor), ..base.clone() };
    let with_endpoint =
        |endpoint: EndpointSpec| ConfigSpec { endpoints: vec![endpoint], ..base.clone() };
    let named = EndpointSpec { name: "renamed".to_owned(), ..base.endpoints[0].clone() };
    let hosted = EndpointSpec { host: Some("e.example".to_owned()), ..base.endpoints[0].clone() };
    for (changed, voids, what) in [
        (with_monitor(http("/other")), true, "path"),
        (with_monitor(Monitor { port: 81, ..http("/") }), true, "port"),
        (with_monitor(Monitor { kind: MonitorKind::Tcp, ..http("/") }), true, "type"),
        (with_endpoint(hosted), true, "Host"),
        (with_monitor(Monitor { interval_ms: 20_000, ..http("/") }), false, "interval"),
        (with_monitor(Monitor { timeout_ms: 1_000, ..http("/") }), false, "timeout"),
        (with_monitor(Monitor { retries: 2, ..http("/") }), false, "retries"),
        (with_endpoint(named), false, "name"),
    ] {
        let probes = Mutex::new(0..);
        let mut run = Run::new(&base, REPORTS, move |name| {
            let probe: u32 = probes.lock().unwrap().next().unwrap();
            if probe == 0 { pass(name) } else { refuse(name) }
        });
        for _ in 0..3 {
            assert_eq!(run.verdict().await.0, Verdict::Healthy, "{what}: one pass, two misses");
        }
        run.publish(&changed);
        let third = run.verdict().await.0;
        let expected = if voids { Verdict::Healthy } else { Verdict::Unhealthy };
        assert_eq!(third, expected, "{what}: the third miss");
        run.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn another_monitor_starts_from_nothing() {
    let patient = Monitor { id: MonitorId([2; 16]), consecutive_up: 2, ..tcp() };
    let mut run = Run::new(&one(tcp()), REPORTS, pass);
    assert_eq!(run.verdict().await.0, Verdict::Healthy);
    run.publish(&one(patient));
    let report = run.report().await;
    let decided = (report.monitor, report.health.verdict);
    assert_eq!(decided, (MonitorId([2; 16]), Verdict::Unknown));
    run.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_view_that_differs_in_health_alone_disturbs_nothing() {
    let mut run = Run::new(&one(tcp()), REPORTS, pass);
    let begin = Instant::now();
    for revision in 2..100 {
        sleep(Duration::from_secs(1)).await;
        let current = run.writer.current();
        let view = evenkeel_model::View {
            config: Arc::clone(&current.config),
            health: current.health.clone(),
            zones: Arc::clone(&current.zones),
            revision,
        };
        run.writer.publish(view);
        run.revision.send(revision).unwrap();
    }
    assert!((10..=11).contains(&assert_once_per_interval(&run.starts(), begin)));
    run.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_drops_reports_and_the_next_probe_repeats_them() {
    let mut run = Run::new(&one(tcp()), 1, pass);
    sleep(INTERVAL * 4).await;
    let dropped = run.stats.reports_dropped.load(Ordering::Relaxed);
    assert_eq!(dropped, run.stats.probes.load(Ordering::Relaxed) - 1);
    assert!(dropped >= 2);
    run.report().await;
    assert_eq!(run.verdict().await.0, Verdict::Healthy);
    run.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_bug_in_one_probe_stops_no_other() {
    let mut run = Run::new(&many(2), REPORTS, |name| {
        assert_ne!(name, "10.0.0.0", "on purpose");
        pass(name)
    });
    for _ in 0..3 {
        assert_eq!(run.verdict().await.0, Verdict::Healthy);
    }
    assert!(run.stats.probes_abstained.load(Ordering::Relaxed) >= 2);
    assert_eq!(run.starts().len(), 2);
    run.stop().await;
}

#[tokio::test(start_paused = true)]
async fn every_member_of_a_group_probes_on_its_own() {
    let other = Monitor { id: MonitorId([2; 16]), interval_ms: 5_000, ..tcp() };
    let spec = ConfigSpec { more: vec![other], ..one(tcp()) };
    let mut run = Run::new(&spec, REPORTS, pass);
    sleep(INTERVAL * 5 + Duration::from_secs(4)).await;
    let mut counts = BTreeMap::new();
    for (id, starts) in run.starts() {
        counts.insert(id.monitor, starts.len());
        assert_eq!(run.report().await.endpoint, id.endpoint);
    }
    assert!((5..=6).contains(&counts[&MonitorId([1; 16])]), "{counts:?}");
    assert!((10..=12).contains(&counts[&MonitorId([2; 16])]), "{counts:?}");
    run.publish(&one(tcp()));
    sleep(Duration::from_millis(1)).await;
    assert_eq!(run.stats.endpoints.load(Ordering::Relaxed), 1, "the other member left");
    run.stop().await;
}

#[tokio::test(start_paused = true)]
async fn intervals_may_be_a_tenth_of_a_second() {
    let often = Monitor { interval_ms: 100, timeout_ms: 90, ..tcp() };
    let run = Run::new(&one(often), REPORTS, pass);
    sleep(Duration::from_secs(60)).await;
    let probes = run.starts().values().map(Vec::len).sum::<usize>();
    assert!((599..=602).contains(&probes), "{probes}");
    assert_eq!(run.stats.ticks_skipped.load(Ordering::Relaxed), 0);
    run.stop().await;
}

#[tokio::test(start_paused = true)]
async fn after_the_process_stood_still_probes_are_spread_and_nobody_is_blamed() {
    const ENDPOINTS: u32 = 2_000;
    let takes = Duration::from_secs(1);
    let mut run = Run::new(&many(ENDPOINTS), REPORTS, move |_| (FailureReason::NoFailures, takes));
    sleep(INTERVAL + Duration::from_millis(1_500)).await;
    let before: usize = run.starts().values().map(Vec::len).sum();
    while run.inbox.try_recv().is_ok() {}
    let under_way = run.seen.running.lock().unwrap().now.len();
    assert!(under_way > 0);
    let stopped = Instant::now();
    advance(INTERVAL * 6).await;
    let woken = Instant::now();
    sleep(Duration::from_secs(2) + takes * 2).await;
    assert_eq!(run.stats.probes_abstained.load(Ordering::Relaxed), under_way as u64);
    let mut first = [0_u32; 22];
    for start in run.starts().into_values().flatten().filter(|start| *start > stopped) {
        first[(start - woken).as_millis().min(2_100) as usize / 100] += 1;
    }
    let probes: u32 = first[..21].iter().sum();
    assert_eq!(probes, ENDPOINTS, "each anew, and once: {first:?}, {before} before");
    assert!(first.iter().all(|count| *count < 2 * ENDPOINTS / 20), "{first:?}");
    while let Ok(report) = run.inbox.try_recv() {
        assert_eq!(report.health.verdict, Verdict::Healthy);
    }
    run.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_an_earlier_process_knew_is_where_the_first_jobs_go_on() {
    let patient = Monitor { consecutive_up: 2, consecutive_down: 2, ..tcp() };
    let spec = one(patient);
    let endpoint = spec.build().endpoints[0].id;
    for (verdict, then) in [
        (Verdict::Healthy, [Verdict::Healthy, Verdict::Unhealthy]),
        (Verdict::Unhealthy, [Verdict::Unhealthy, Verdict::Unhealthy]),
        (Verdict::Unknown, [Verdict::Unknown, Verdict::Unhealthy]),
    ] {
        let health = EndpointHealth { verdict, rtt_us: Some(7), ..EndpointHealth::default() };
        let restored = Restored::from([((endpoint, MonitorId([1; 16])), health)]);
        let mut run = Run::restored(&spec, restored, REPORTS, refuse);
        for expected in then {
            let report = run.report().await;
            assert_eq!((report.health.verdict, report.health.rtt_us), (expected, Some(7)));
        }
        run.publish(&ConfigSpec { enabled: false, ..spec.clone() });
        sleep(INTERVAL).await;
        run.publish(&spec);
        assert_eq!(run.verdict().await.0, Verdict::Unknown, "it is of one use only");
        run.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_publisher_the_last_view_stays_probed() {
    let Run { revision, mut inbox, shutdown, task, .. } = Run::new(&one(tcp()), REPORTS, pass);
    drop(revision);
    for _ in 0..3 {
        assert_eq!(inbox.recv().await.unwrap().health.verdict, Verdict::Healthy);
    }
    drop(shutdown);
    task.await.unwrap();
}
