//! An account with a few objects in it, and the shortest way to send it a body.

use evenkeel_api::{
    Account, Context, Limits, LoadBalancer, Lookup, Monitor, MonitorGroup, Pool, Problem, Verb,
    Zone,
};
use evenkeel_api::{load_balancer, monitor, monitor_group, pool, zone};
use serde_json::{Value, json};

pub(crate) const POOL_A: &str = "1a2b3c4d5e6f708192a3b4c5d6e7f809";
pub(crate) const POOL_B: &str = "2a2b3c4d5e6f708192a3b4c5d6e7f809";
pub(crate) const POOL_C: &str = "3a2b3c4d5e6f708192a3b4c5d6e7f809";
pub(crate) const MONITOR: &str = "0f1e2d3c4b5a69788796a5b4c3d2e1f0";
pub(crate) const OTHER_MONITOR: &str = "1f1e2d3c4b5a69788796a5b4c3d2e1f0";
pub(crate) const GROUP: &str = "4f1e2d3c4b5a69788796a5b4c3d2e1f0";
pub(crate) const TSIG: &str = "8f8e7d6c5b4a39281706f5e4d3c2b1a0";
pub(crate) const PEER: &str = "7f8e7d6c5b4a39281706f5e4d3c2b1a0";
pub(crate) const ZONE: &str = "0c5a7d1e9b8f4a6d8e2f3b4c5d6e7f80";
pub(crate) const NEW: &str = "9f8e7d6c5b4a39281706f5e4d3c2b1a0";
pub(crate) const EARLY: &str = "2026-01-05T09:10:11.123456Z";
pub(crate) const LATE: &str = "2026-01-06T00:00:00.000001Z";

/// What exists besides the document under test.
pub(crate) struct World {
    pub(crate) limits: Limits,
    pub(crate) now: &'static str,
}

impl Default for World {
    fn default() -> Self {
        Self { limits: Limits::default(), now: EARLY }
    }
}

impl Lookup for World {
    fn pool_exists(&self, id: &str) -> bool {
        [POOL_A, POOL_B, POOL_C].contains(&id)
    }

    fn monitor_exists(&self, id: &str) -> bool {
        [MONITOR, OTHER_MONITOR].contains(&id)
    }

    fn monitor_group_exists(&self, id: &str) -> bool {
        id == GROUP
    }

    fn pool_name_taken(&self, name: &str, except: Option<&str>) -> bool {
        name == "taken" || (name == "own" && except != Some(NEW))
    }

    fn lb_name_taken(&self, zone_id: Option<&str>, name: &str, except: Option<&str>) -> bool {
        (zone_id == Some(ZONE) && name == "taken.example.com")
            || (name == "own.example.com" && except != Some(NEW))
    }

    fn zone_name_taken(&self, name: &str, _: Option<&str>) -> bool {
        name == "taken.example"
    }

    fn tsig_exists(&self, id: &str) -> bool {
        id == TSIG
    }

    fn tsig_name_taken(&self, name: &str, except: Option<&str>) -> bool {
        name == "taken." || (name == "key.example." && except != Some(NEW))
    }

    fn dns_peer_exists(&self, id: &str) -> bool {
        id == PEER
    }
}

impl World {
    pub(crate) fn late() -> Self {
        Self { now: LATE, ..Self::default() }
    }

    pub(crate) fn limited(limits: Limits) -> Self {
        Self { limits, ..Self::default() }
    }

    pub(crate) fn context(&self) -> Context<'_> {
        Context { now: self.now, id: NEW, limits: &self.limits, lookup: self }
    }
}

/// A kind of document, so that one test can be written for all of them.
pub(crate) trait Resource:
    Sized + Clone + PartialEq + std::fmt::Debug + serde::Serialize
{
    /// The smallest body that creates one.
    fn minimal() -> Value;

    fn apply(
        world: &World,
        verb: Verb,
        body: &Value,
        current: Option<&Self>,
    ) -> Result<Self, Vec<Problem>>;

    fn create(body: &Value) -> Result<Self, Vec<Problem>> {
        Self::apply(&World::default(), Verb::Create, body, None)
    }

    /// The smallest body with some members added or replaced.
    fn with(members: Value) -> Value {
        merged(Self::minimal(), members)
    }

    fn patch(&self, body: Value) -> Result<Self, Vec<Problem>> {
        Self::apply(&World::late(), Verb::Patch, &body, Some(self))
    }

    fn replace(&self, body: Value) -> Result<Self, Vec<Problem>> {
        Self::apply(&World::late(), Verb::Replace, &body, Some(self))
    }

    /// What a GET answers.
    fn answer(&self) -> Value {
        serde_json::to_value(self).unwrap()
    }
}

impl Resource for LoadBalancer {
    fn minimal() -> Value {
        json!({"name": "shop.example.com", "default_pools": [POOL_A], "fallback_pool": POOL_A})
    }

    fn apply(
        world: &World,
        verb: Verb,
        body: &Value,
        current: Option<&Self>,
    ) -> Result<Self, Vec<Problem>> {
        let scope = load_balancer::Scope::Zone { id: ZONE, name: "example.com" };
        let body = body.to_string();
        load_balancer::apply(verb, body.as_bytes(), current, &scope, &world.context())
    }
}

impl Resource for Pool {
    fn minimal() -> Value {
        json!({"name": "eu-west", "origins": [{"name": "a", "address": "192.0.2.10"}]})
    }

    fn apply(
        world: &World,
        verb: Verb,
        body: &Value,
        current: Option<&Self>,
    ) -> Result<Self, Vec<Problem>> {
        pool::apply(verb, body.to_string().as_bytes(), current, &world.context())
    }
}

impl Resource for Monitor {
    fn minimal() -> Value {
        json!({"expected_codes": "2xx"})
    }

    fn apply(
        world: &World,
        verb: Verb,
        body: &Value,
        current: Option<&Self>,
    ) -> Result<Self, Vec<Problem>> {
        monitor::apply(verb, body.to_string().as_bytes(), current, &world.context())
    }
}

impl Resource for MonitorGroup {
    fn minimal() -> Value {
        json!({"description": "", "members": [{"monitor_id": MONITOR, "enabled": true,
            "must_be_healthy": false, "monitoring_only": false}]})
    }

    fn apply(
        world: &World,
        verb: Verb,
        body: &Value,
        current: Option<&Self>,
    ) -> Result<Self, Vec<Problem>> {
        monitor_group::apply(verb, body.to_string().as_bytes(), current, &world.context())
    }
}

impl Resource for Zone {
    fn minimal() -> Value {
        json!({"name": "example.com"})
    }

    fn apply(
        world: &World,
        verb: Verb,
        body: &Value,
        current: Option<&Self>,
    ) -> Result<Self, Vec<Problem>> {
        let accounts = [
            Account::new("01a7362d577a6c3019a474fd6f485823", "Main", EARLY),
            Account::new("02a7362d577a6c3019a474fd6f485823", "Second", EARLY),
        ];
        let scope = zone::Scope { accounts: &accounts, name_servers: &["ns1.example".into()] };
        zone::apply(verb, body.to_string().as_bytes(), current, &scope, &world.context())
    }
}

/// Two objects laid over each other, the second on top.
pub(crate) fn merged(mut below: Value, above: Value) -> Value {
    let (Value::Object(base), Value::Object(members)) = (&mut below, above) else {
        panic!("objects")
    };
    base.extend(members);
    below
}

/// A document as another body would find it.
pub(crate) fn created<R: Resource>(members: Value) -> R {
    let body = R::with(members);
    R::create(&body).unwrap_or_else(|problems| panic!("{body}: {problems:?}"))
}

/// Checks that bodies are refused with exactly the problems given, as `pointer: message`.
pub(crate) fn refused<R: Resource>(cases: Vec<(Value, &[&str])>) {
    refused_in::<R>(&World::default(), cases);
}

/// The same in another world.
pub(crate) fn refused_in<R: Resource>(world: &World, cases: Vec<(Value, &[&str])>) {
    for (members, expected) in cases {
        let body = R::with(members);
        let problems = R::apply(world, Verb::Create, &body, None).expect_err(&body.to_string());
        let found: Vec<_> = problems.iter().map(ToString::to_string).collect();
        assert_eq!(found, expected, "{body}");
        for problem in problems {
            let code = if problem.message == "value not unique" { 1003 } else { 1002 };
            assert_eq!(problem.code, code, "{problem}");
        }
    }
}

/// Checks that members come back as they are in the second value of each pair.
pub(crate) fn echoed<R: Resource>(cases: Vec<(Value, Value)>) {
    for (members, expected) in cases {
        let answer = created::<R>(members.clone()).answer();
        for (name, value) in expected.as_object().unwrap() {
            assert_eq!(answer.get(name).unwrap_or(&json!("absent")), value, "{name} of {members}");
        }
    }
}
