//! Previews over a prober that answers when it is told to, in paused time.

use std::sync::atomic::{AtomicUsize, Ordering};

use evenkeel_api::pool::apply as pool_of;
use evenkeel_api::{Context, Limits, Lookup, Verb, monitor};
use serde_json::{Value, json};
use tokio::sync::watch;

use super::*;

const ACCOUNT: &str = "00000000000000000000000000000000";

/// Holds every probe until it is let go; passes unless the endpoint's name begins with `bad`.
struct Held {
    open: watch::Receiver<bool>,
    running: AtomicUsize,
    most: AtomicUsize,
}

/// Finds nothing wrong, after 7 ms; `unlucky.example` times out once, and is not there then.
pub(crate) struct EverythingPasses;

impl Prober for EverythingPasses {
    fn probe(self: Arc<Self>, ask: PreviewAsk) -> Probing {
        let endpoint = ask.config.endpoint(ask.endpoint);
        let is_unlucky = endpoint.address.to_string() == "unlucky.example";
        let probed = if is_unlucky { unlucky() } else { lucky(endpoint.port) };
        Box::pin(async move { probed })
    }
}

fn phase(name: &'static str, attempt: u16, at_us: u64, took_us: u64, note: &str) -> ProbedPhase {
    ProbedPhase { name, attempt, at_us, took_us, note: note.to_owned(), failed: false }
}

fn lucky(port: u16) -> Probed {
    let reason = FailureReason::NoFailures;
    let address = IpAddr::from([192, 0, 2, 10]);
    Probed {
        outcome: PreviewOutcome { reason, response_code: 200, rtt_us: Some(7000) },
        is_telling: true,
        address: Some(address),
        phases: vec![
            phase("connect", 1, 10, 2000, &format!("{address}:{port}")),
            phase("first byte", 1, 2010, 5000, "200"),
        ],
    }
}

fn unlucky() -> Probed {
    let reason = FailureReason::DnsUnknownHost;
    let failed = |phase: ProbedPhase| ProbedPhase { failed: true, ..phase };
    Probed {
        outcome: PreviewOutcome { reason, response_code: 0, rtt_us: None },
        is_telling: true,
        address: None,
        phases: vec![
            failed(phase("resolve", 1, 0, 5_000_000, "DNS Unknown Host: no answer in time")),
            failed(phase("resolve", 2, 5_000_000, 100, "DNS Unknown Host: no such name")),
        ],
    }
}

struct Running(Arc<Held>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Prober for Held {
    fn probe(self: Arc<Self>, ask: PreviewAsk) -> Probing {
        Box::pin(async move {
            let running = self.running.fetch_add(1, Ordering::SeqCst) + 1;
            self.most.fetch_max(running, Ordering::SeqCst);
            let _running = Running(Arc::clone(&self));
            let _ = self.open.clone().wait_for(|open| *open).await;
            assert_eq!(ask.config.monitor(ask.monitor).timeout_ms, 3000);
            let bad = ask.config.endpoint(ask.endpoint).name.starts_with("bad");
            let outcome = PreviewOutcome {
                reason: if bad { FailureReason::TcpTimeout } else { FailureReason::NoFailures },
                response_code: if bad { 0 } else { 204 },
                rtt_us: (!bad).then_some(1500),
            };
            Probed { outcome, is_telling: true, address: None, phases: Vec::new() }
        })
    }
}

struct Nothing;

impl Lookup for Nothing {
    fn pool_exists(&self, _: &str) -> bool {
        false
    }
    fn monitor_exists(&self, _: &str) -> bool {
        true
    }
    fn monitor_group_exists(&self, _: &str) -> bool {
        true
    }
    fn pool_name_taken(&self, _: &str, _: Option<&str>) -> bool {
        false
    }
    fn lb_name_taken(&self, _: Option<&str>, _: &str, _: Option<&str>) -> bool {
        false
    }
    fn zone_name_taken(&self, _: &str, _: Option<&str>) -> bool {
        false
    }
}

fn document<D>(apply: impl Fn(&[u8], &Context<'_>) -> D, body: &Value) -> D {
    let (id, limits) = (new_id(), Limits::default());
    let now = "2026-01-05T09:10:11.123456Z";
    let cx = Context { now, id: &id, limits: &limits, lookup: &Nothing };
    apply(body.to_string().as_bytes(), &cx)
}

fn pool(name: &str, origins: &Value) -> Pool {
    let body = json!({"name": name, "origins": origins, "monitor_group": ACCOUNT});
    document(|body, cx| pool_of(Verb::Create, body, None, cx), &body).unwrap()
}

fn many(count: usize) -> Value {
    (0..count)
        .map(|n| json!({"name": format!("e{n}"), "address": format!("e{n}.example")}))
        .collect()
}

fn settings() -> Monitor {
    let body = json!({"type": "tcp", "port": 80, "timeout": 3});
    document(|body, cx| monitor::apply(Verb::Create, body, None, cx), &body).unwrap()
}

fn held() -> (Previews, Arc<Held>, watch::Sender<bool>) {
    let (opener, open) = watch::channel(false);
    let (running, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let prober = Arc::new(Held { open, running, most });
    (Previews::new(Arc::clone(&prober) as _), prober, opener)
}

/// Lets everything go on that can. Time is paused, so this ends once nothing can.
async fn settle() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}

fn result(previews: &Previews, id: &str) -> Value {
    serde_json::to_value(previews.result(ACCOUNT, id)).unwrap()
}

#[tokio::test(start_paused = true)]
async fn pools_appear_once_every_endpoint_was_probed() {
    let (previews, _, opener) = held();
    let eu = pool(
        "eu",
        &json!([{"name": "a", "address": "192.0.2.1"}, {"name": "bad", "address": "B.example."},
            {"name": "off", "address": "2001:DB8::1", "enabled": false}]),
    );
    let us = pool(
        "us",
        &json!([{"name": "bad", "address": "192.0.2.9"},
        {"name": "off", "address": "192.0.2.8", "enabled": false}]),
    );
    let started = previews.start(ACCOUNT, &[&eu, &us], &settings());
    assert_eq!(started.preview_id.len(), 33);
    assert!(started.preview_id.starts_with('p'));
    let names = serde_json::to_value(&started.pools).unwrap();
    assert_eq!(names, json!({ eu.id.as_str(): "eu", us.id.as_str(): "us" }));
    settle().await;
    assert_eq!(result(&previews, &started.preview_id), json!({}), "nothing yet");
    opener.send_replace(true);
    settle().await;
    let passed = json!({"healthy": true, "rtt": "1.5ms", "failure_reason": "No failures",
        "response_code": 204});
    let failed = json!({"healthy": false, "failure_reason": "TCP Timeout", "response_code": 0});
    assert_eq!(
        result(&previews, &started.preview_id),
        json!({
            eu.id.as_str(): {"healthy": true, "origins": [{"192.0.2.1": passed},
                {"b.example.": failed}, {"2001:db8::1": passed}]},
            // A disabled endpoint is tried, and does not count.
            us.id.as_str(): {"healthy": false, "origins": [{"192.0.2.9": failed},
                {"192.0.2.8": passed}]}})
    );
}

#[tokio::test(start_paused = true)]
async fn only_so_many_probes_run_and_previews_take_turns() {
    let (previews, prober, opener) = held();
    let (large, small) = (pool("large", &many(500)), pool("small", &many(1)));
    let first = previews.start(ACCOUNT, &[&large], &settings());
    settle().await;
    let second = previews.start(ACCOUNT, &[&small], &settings());
    settle().await;
    assert_eq!(prober.running.load(Ordering::SeqCst), PROBES_MAX);
    opener.send_replace(true);
    while result(&previews, &second.preview_id) == json!({}) {
        tokio::task::yield_now().await;
    }
    assert_eq!(result(&previews, &first.preview_id), json!({}), "the small one did not wait");
    settle().await;
    let done = result(&previews, &first.preview_id);
    assert_eq!(done[large.id.as_str()]["origins"].as_array().unwrap().len(), 500);
    assert_eq!(prober.most.load(Ordering::SeqCst), PROBES_MAX);
}

#[tokio::test(start_paused = true)]
async fn previews_end_with_their_hour_or_when_there_are_too_many() {
    let (previews, prober, _opener) = held();
    let one = pool("one", &many(1));
    let start = || previews.start(ACCOUNT, &[&one], &settings()).preview_id;
    let first = start();
    settle().await;
    assert!(previews.result("somebody else's", &first).is_none());
    assert!(previews.result(ACCOUNT, "p").is_none());
    tokio::time::advance(KEPT_FOR - Duration::from_secs(1)).await;
    let second = start();
    assert!(previews.result(ACCOUNT, &first).is_some());
    tokio::time::advance(Duration::from_secs(1)).await;
    assert!(previews.result(ACCOUNT, &first).is_none());
    settle().await;
    assert_eq!(prober.running.load(Ordering::SeqCst), 1, "its probe ended with it");
    for _ in 0..PREVIEWS_MAX {
        assert!(previews.result(ACCOUNT, &second).is_some());
        start();
    }
    assert!(previews.result(ACCOUNT, &second).is_none(), "the oldest gave way");
}
