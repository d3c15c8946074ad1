//! The trail tells how it ended: its last note names the endpoint that was chosen or the reason why
//! nobody was, and nobody is contacted that it does not name.

use evenkeel_decision::{GiveUp, TrailStep};

use super::{Finding, ensure};
use crate::exchange::{Exchange, Outcome};

pub(super) fn check(exchange: &Exchange) -> Finding {
    let steps = exchange.trail.steps();
    let last = steps.last();
    let told = match exchange.outcome {
        Outcome::Answered(target) => [TrailStep::Endpoint, TrailStep::Pinned, TrailStep::Draining]
            .map(|step| step(target.endpoint))
            .iter()
            .any(|step| last == Some(step)),
        Outcome::GaveUp(reason) => last == Some(&TrailStep::GaveUp(reason)),
        Outcome::Unavailable(reason) => {
            last == Some(&TrailStep::GaveUp(GiveUp::Unavailable(reason)))
        }
        Outcome::Responded(status) => last == Some(&TrailStep::Responded(status)),
    };
    ensure(told, || format!("the last note is {last:?}"))?;
    if let Some(meant) = &exchange.meant {
        let first = steps.first();
        ensure(first == Some(&TrailStep::LoadBalancer(meant.load_balancer)), || {
            format!("the first note is {first:?}")
        })?;
    }
    if exchange.trail.dropped() > 0 {
        return Ok(());
    }
    let named: Vec<_> = steps
        .iter()
        .filter_map(|step| match step {
            TrailStep::Endpoint(ix) | TrailStep::Pinned(ix) | TrailStep::Draining(ix) => Some(*ix),
            _ => None,
        })
        .collect();
    let met: Vec<_> = exchange.contacts.iter().map(|contact| contact.target.endpoint).collect();
    ensure(named == met, || format!("the trail names {named:?}, contacted were {met:?}"))
}
