//! Load balancers: a host name, the pools its traffic may go to, and everything that decides
//! between them (api.md 3.1).

mod affinity;
mod build;
mod document;
mod pool_sets;
mod pools;
mod rules;
mod validate;

use alloc::vec::Vec;

use crate::body;
use crate::context::{Context, Verb};
use crate::problem::{Problem, Problems};
use crate::read::Object;

pub use affinity::{
    SameSite, Secure, SessionAffinity, SessionAffinityAttributes, ZeroDowntimeFailover,
};
pub use document::{
    AdaptiveRouting, EcsPreference, LoadBalancer, LocationMode, LocationStrategy, RandomSteering,
    SteeringPolicy,
};
pub use pool_sets::{PoolSet, PoolSetMatch, PoolSetOverrides, PoolSetTopology};
pub use rules::{
    AdaptiveRoutingOverride, AttributesOverride, FixedResponse, LocationStrategyOverride,
    Overrides, RandomSteeringOverride, Rule,
};

pub(crate) use build::build;

/// What a load balancer belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope<'a> {
    /// A zone: the load balancer has a host name in it.
    Zone {
        /// The zone's identifier.
        id: &'a str,
        /// Its name in stored form.
        name: &'a str,
    },
    /// An account: a private load balancer, whose name is optional and in no zone.
    Account,
}

/// The document a request leaves behind. Replace and Patch start from `current`; without one they
/// act on an empty document.
///
/// # Errors
/// Everything wrong with the body, or with the document it would result in.
pub fn apply(
    verb: Verb,
    body: &[u8],
    current: Option<&LoadBalancer>,
    scope: &Scope<'_>,
    cx: &Context<'_>,
) -> Result<LoadBalancer, Vec<Problem>> {
    let sent = body::parse(body)?;
    let current = current.filter(|_| verb != Verb::Create);
    let whole = match current {
        Some(current) if verb == Verb::Patch => {
            let mut current = current.clone();
            if sent.contains_key("session_affinity") {
                forget_filled_in_ttl(&mut current);
            }
            body::overlaid(&current, sent, &["pool_sets"])
        }
        _ => sent,
    };
    let problems = Problems::default();
    let body = Object::root(&whole, &problems);
    let document = validate::read(&body, current, scope, cx);
    problems.unless_any(document)
}

/// A time-to-live that nobody chose follows the kind of affinity: 82 800 s of a cookie are out of
/// range for a header.
fn forget_filled_in_ttl(current: &mut LoadBalancer) {
    if current.session_affinity_ttl == current.session_affinity.ttl_default() {
        current.session_affinity_ttl = None;
    }
}

/// Host name as shown in lists and messages; the identifier where an account's load balancer has
/// no name.
pub(crate) fn label(document: &LoadBalancer) -> &str {
    if document.name.is_empty() { &document.id } else { &document.name }
}
