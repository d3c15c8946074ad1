//! What is decided, over and over.

use std::hint::black_box;

use evenkeel_decision::{Decision, Env, NoLoads, NoSessions, Trail, decide};
use evenkeel_model::View;

use crate::scene::{Draws, NOW, Scene};

/// Bytes that a session cookie fits in: begun once, so that writing one allocates nothing.
const COOKIE_BYTES_MAX: usize = 512;

/// Steps between the load balancers of [`What::Spread`], prime to their number: no request then
/// finds its own in a cache because of the one before.
const STRIDE: usize = 3_571;

/// One kind of decision.
#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) name: &'static str,
    what: What,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    New,
    Held,
    Spread,
    Begin,
}

/// All cases, in the order they are printed.
pub(crate) const ALL: &[Case] = &[
    Case { name: "new", what: What::New },
    Case { name: "held", what: What::Held },
    Case { name: "spread", what: What::Spread },
    Case { name: "begin", what: What::Begin },
];

impl Case {
    /// Decides so many times, one request after the other.
    pub(crate) fn decide(&self, scene: &Scene, times: u64) {
        let line: [&[u8]; 1] = [scene.cookie.as_bytes()];
        let cookies: &[&[u8]] = if self.what == What::Held { &line } else { &[] };
        let mut draws = Draws(42);
        let mut out = Vec::with_capacity(COOKIE_BYTES_MAX);
        let mut at = 0;
        for _ in 0..times {
            let host = if self.what == What::Spread {
                at = (at + STRIDE) % scene.hosts.len();
                &scene.hosts[at]
            } else {
                scene.host()
            };
            let facts = scene.facts(host, cookies);
            let mut env = Env {
                now: NOW,
                rng: &mut draws,
                loads: &NoLoads,
                ejections: None,
                sessions: &mut NoSessions,
            };
            let mut trail = Trail::new();
            let decision = decide(black_box(&scene.view), black_box(&facts), &mut env, &mut trail);
            if self.what == What::Begin {
                out.clear();
                write_session(&scene.view, decision, &mut env, &mut out);
                black_box(&out);
            } else {
                black_box(decision);
            }
            black_box(trail);
        }
    }
}

/// Appends the cookie of the session that a decision begins.
pub(crate) fn write_session(
    view: &View,
    decision: Decision<'_>,
    env: &mut Env<'_>,
    out: &mut Vec<u8>,
) {
    let Decision::Forward(plan) = decision else { unreachable!("everyone is fit") };
    let session = plan.answered(env).expect("a session begins");
    session.write_value(view, env.now, true, out);
}

#[cfg(test)]
mod tests {
    use evenkeel_decision::{Trail, TrailStep};

    use super::*;
    use crate::scene::Scale;

    #[test]
    fn the_held_cookie_holds_and_no_rule_applies() {
        let scene = Scene::new(Scale::One);
        let mut env = Env {
            now: NOW,
            rng: &mut Draws(1),
            loads: &NoLoads,
            ejections: None,
            sessions: &mut NoSessions,
        };
        for (cookies, pinned) in [(vec![], false), (vec![scene.cookie.as_bytes()], true)] {
            let mut trail = Trail::new();
            let facts = scene.facts(scene.host(), &cookies);
            let decision = decide(&scene.view, &facts, &mut env, &mut trail);
            assert!(matches!(decision, Decision::Forward(_)));
            let is_pin = |step: &TrailStep| matches!(step, TrailStep::Pinned(_));
            assert_eq!(trail.steps().iter().any(is_pin), pinned);
            assert!(!trail.steps().iter().any(|step| matches!(step, TrailStep::Rule(..))));
        }
    }
}
