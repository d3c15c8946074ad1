//! The pipeline, from a request's facts to a plan. On the request path: allocates nothing.

use evenkeel_model::{FixedResponse, View};

use crate::asker::Asker;
use crate::effective::{OfRequest, Outcome, resolve};
use crate::eligible::Barred;
use crate::select::select;
use crate::trail::{Trail, TrailStep};
use crate::{Env, GiveUp, Plan, RequestFacts, Unavailable, affinity, host};

/// What becomes of a request.
#[derive(Debug, Clone)]
#[expect(clippy::large_enum_variant, reason = "nearly all are plans; a box would allocate")]
pub enum Decision<'v> {
    /// An endpoint is to answer it, as the plan says.
    Forward(Plan<'v>),
    /// It gets this answer. No endpoint is contacted, no session set (behaviour.md 1.9).
    Respond(&'v FixedResponse),
    /// Nobody can.
    Unavailable(Unavailable),
}

/// Decides where a request goes, and notes on the trail why.
pub fn decide<'v>(
    view: &'v View,
    facts: &RequestFacts<'_>,
    env: &mut Env<'_>,
    trail: &mut Trail,
) -> Decision<'v> {
    match plan(view, facts, env, trail) {
        Ok(decision) => decision,
        Err(reason) => {
            trail.push(TrailStep::GaveUp(GiveUp::Unavailable(reason)));
            Decision::Unavailable(reason)
        }
    }
}

fn plan<'v>(
    view: &'v View,
    facts: &RequestFacts<'_>,
    env: &mut Env<'_>,
    trail: &mut Trail,
) -> Result<Decision<'v>, Unavailable> {
    let load_balancer = host::find_proxied(view, facts)?;
    trail.push(TrailStep::LoadBalancer(load_balancer));
    let asker = Asker::of_request(facts);
    let conditions = OfRequest { facts, asker: &asker, now: env.now };
    let mut effective = match resolve(view, load_balancer, &asker, &conditions, env, trail) {
        Outcome::Steer(effective) => effective,
        Outcome::Respond(response) => {
            trail.push(TrailStep::Responded(response.status));
            return Ok(Decision::Respond(response));
        }
    };
    let (session, pinned) = affinity::find(&mut effective, facts, env, trail);
    let choice = match pinned {
        Some(choice) => choice,
        None => {
            select(&effective, &Barred::default(), env, trail).ok_or(Unavailable::NoEndpoint)?
        }
    };
    Ok(Decision::Forward(Plan::new(effective, session, choice)))
}
