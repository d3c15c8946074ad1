//! Proof that a decision allocates nothing, failover included: an allocator that counts.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::Arc;

use evenkeel_decision::passive::Cause;
use evenkeel_decision::{
    Decision, DialFailure, Ejections, Env, NoLoads, NoSessions, RequestFacts, Rng, Step, Trail,
    decide, mentions_session_cookie, strip_session_cookie,
};
use evenkeel_model::{
    Address, AffinityKey, AffinityKeys, AffinityKind, ConfigBuilder, EndpointHealth, EndpointId,
    EndpointSpec, EndpointSteering, Expression, Health, HostPattern, LoadBalancer, LoadBalancerId,
    PoolId, PoolSpec, Rule, RuleAction, SessionAffinity, Steering, Timestamp, View,
    ZeroDowntimeFailover,
};

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u32> = const { Cell::new(0) };
}

// SAFETY: every call goes on to the system's allocator unchanged; counting touches a constant-
// initialised thread local without a destructor, which allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller's promises about `layout` are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: `block` came from `System` by `alloc` above, with this layout.
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

struct Ones;

impl Rng for Ones {
    fn next_u64(&mut self) -> u64 {
        1
    }
}

/// Passive health has found out every other endpoint.
struct EveryOther;

impl Ejections for EveryOther {
    fn of(&self, endpoint: EndpointId, _now: Timestamp) -> Option<Cause> {
        endpoint.0.is_multiple_of(2).then_some(Cause::ServerErrors)
    }
}

const NOW: Timestamp = Timestamp::from_seconds(1_795_505_280);

/// A rule on a path that is not asked for.
fn rule(prefix: &str) -> Rule {
    let condition =
        format!("starts_with(http.request.uri.path, \"{prefix}\") and ip.src ne 192.0.2.1");
    Rule {
        name: prefix.into(),
        condition: Expression::parse(&condition).expect("a condition"),
        action: RuleAction::Override { overrides: Box::default(), terminates: false },
    }
}

/// Two pools of three endpoints, three rules, cookie affinity, and a retry that may go anywhere.
fn view(steering: Steering, endpoint_steering: EndpointSteering) -> View {
    let key = AffinityKey([7; 32]);
    let mut builder = ConfigBuilder::new(AffinityKeys { current: key, previous: Some(key) });
    let pools: Vec<_> = [1, 2]
        .map(|n| {
            let endpoint =
                |m| EndpointSpec::new("e", Address::parse(&format!("192.0.{n}.{m}")), 80);
            let endpoints = (0..3).map(endpoint).collect();
            let mut spec = PoolSpec::new(PoolId([n; 16]), &format!("pool-{n}"), endpoints);
            spec.endpoint_steering = endpoint_steering;
            builder.pool(spec)
        })
        .into();
    let host = HostPattern::parse("shop.example.com").expect("a name");
    let fallback = pools[1];
    let lb = LoadBalancer {
        steering,
        affinity: SessionAffinity {
            kind: AffinityKind::Cookie,
            failover: ZeroDowntimeFailover::Sticky,
            ..SessionAffinity::default()
        },
        failover_across_pools: true,
        rules: ["/admin/", "/static/", "/api/"].map(rule).into(),
        ..LoadBalancer::new(LoadBalancerId([1; 16]), host, pools, fallback)
    };
    builder.load_balancer(lb).expect("the only one");
    let config = Arc::new(builder.build());
    let health = Health::new(&config, |_| EndpointHealth::default());
    View { config, health, zones: Arc::default(), revision: 1 }
}

/// Allocations of one request: decided, unresolved once, failed once, answered by the third.
fn allocations(
    view: &View,
    cookies: &[&[u8]],
    ejections: Option<&dyn Ejections>,
    out: &mut Vec<u8>,
) -> u32 {
    let before = ALLOCATIONS.get();
    let facts = RequestFacts {
        https: true,
        cookies,
        ..RequestFacts::new("shop.example.com", [203, 0, 113, 9].into())
    };
    let mut env =
        Env { now: NOW, rng: &mut Ones, loads: &NoLoads, ejections, sessions: &mut NoSessions };
    let mut trail = Trail::new();
    let Decision::Forward(mut plan) = decide(view, &facts, &mut env, &mut trail) else {
        panic!("an endpoint is fit");
    };
    plan.unresolved(&mut env, &mut trail);
    plan.failed(&mut env, DialFailure::Refused, &mut trail);
    assert!(matches!(plan.step(), Step::Dial(target) if target.attempt == 2));
    if let Some(session) = plan.answered(&mut env) {
        session.write_value(view, NOW, true, out);
    }
    for line in cookies.iter().filter(|line| mentions_session_cookie(line)) {
        strip_session_cookie(line, out);
    }
    ALLOCATIONS.get() - before
}

#[test]
fn a_decision_allocates_nothing() {
    for steering in [
        Steering::Off,
        Steering::Geo,
        Steering::Random,
        Steering::DynamicLatency,
        Steering::Proximity,
        Steering::LeastOutstandingRequests,
        Steering::LeastConnections,
    ] {
        let view = view(steering, EndpointSteering::Random);
        let mut out = Vec::with_capacity(4096);
        assert_eq!(allocations(&view, &[], None, &mut out), 0, "a new session, {steering:?}");

        let set = String::from_utf8(out.clone()).unwrap();
        let pair = set.split(';').next().unwrap();
        let line = format!("theme=dark; {pair}; _ga=GA1.1.1234567890");
        let lines: [&[u8]; 2] = [b"a=1; b=2", line.as_bytes()];
        assert_eq!(allocations(&view, &lines, None, &mut out), 0, "a pinned one, {steering:?}");

        for lines in [&[][..], &lines] {
            let found = allocations(&view, lines, Some(&EveryOther), &mut out);
            assert_eq!(found, 0, "with ejections, {steering:?}");
        }
    }
}

#[test]
fn no_endpoint_policy_allocates() {
    for policy in [
        EndpointSteering::Hash,
        EndpointSteering::LeastOutstandingRequests,
        EndpointSteering::LeastConnections,
        EndpointSteering::LeastLatency,
    ] {
        let (view, mut out) = (view(Steering::Off, policy), Vec::with_capacity(4096));
        assert_eq!(allocations(&view, &[], None, &mut out), 0, "{policy:?}");
    }
}

#[test]
fn the_counter_counts() {
    let before = ALLOCATIONS.get();
    drop(std::hint::black_box(Box::new(1)));
    assert_eq!(ALLOCATIONS.get() - before, 1);
}
