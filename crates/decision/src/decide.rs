//! The pipeline, from a request's facts to a plan. On the request path: allocates nothing.

use evenkeel_model::View;

use crate::effective::Effective;
use crate::eligible::Barred;
use crate::select::select;
use crate::trail::{Trail, TrailStep};
use crate::{Env, GiveUp, Plan, RequestFacts, Unavailable, affinity, host};

/// What becomes of a request.
#[derive(Debug, Clone)]
pub enum Decision {
    /// An endpoint is to answer it, as the plan says.
    Forward(Plan),
    /// Nobody can.
    Unavailable(Unavailable),
}

/// Decides where a request goes, and notes on the trail why.
pub fn decide(
    view: &View,
    facts: &RequestFacts<'_>,
    env: &mut Env<'_>,
    trail: &mut Trail,
) -> Decision {
    match plan(view, facts, env, trail) {
        Ok(plan) => Decision::Forward(plan),
        Err(reason) => {
            trail.push(TrailStep::GaveUp(GiveUp::Unavailable(reason)));
            Decision::Unavailable(reason)
        }
    }
}

fn plan(
    view: &View,
    facts: &RequestFacts<'_>,
    env: &mut Env<'_>,
    trail: &mut Trail,
) -> Result<Plan, Unavailable> {
    let load_balancer = host::find(view, facts.host)?;
    trail.push(TrailStep::LoadBalancer(load_balancer));
    let effective = Effective::new(view, load_balancer);
    let (session, pinned) = affinity::find(view, &effective, facts.cookies, env.now, trail);
    let choice = match pinned {
        Some(choice) => choice,
        None => select(view, &effective, &Barred::default(), env, trail)
            .ok_or(Unavailable::NoEndpoint)?,
    };
    Ok(Plan::new(load_balancer, session, choice))
}
