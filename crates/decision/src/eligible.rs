//! What may be chosen at all (behaviour.md 1.3): health and wishes come from the view, and each
//! request adds what it has met itself. Every policy runs on what is left here, with the weights
//! of what is left.
//!
//! Ejections come last and weigh least: they choose among the endpoints of one pool, and where they
//! would leave nobody, they count for nothing. So they make no pool ineligible.

use arrayvec::ArrayVec;
use evenkeel_model::{EndpointIx, PoolIx, View};

use crate::effective::Effective;
use crate::trail::{Trail, TrailStep};
use crate::{Env, PassedOver};

/// Endpoints one request may find unresolvable before it gives up. The default quota allows a pool
/// 20 endpoints, so one dead pool never gets here; a request that does meets a resolver outage,
/// and each further name could cost it a whole resolution timeout.
pub const UNRESOLVED_MAX: usize = 32;

/// Endpoints that one request must not be sent to again. Says nothing about their health.
#[derive(Debug, Clone, Default)]
pub(crate) struct Barred {
    failed: Option<EndpointIx>,
    unresolved: ArrayVec<EndpointIx, UNRESOLVED_MAX>,
}

impl Barred {
    /// Bars the server that could not be connected to, in every pool it appears in.
    pub(crate) fn failed(&mut self, endpoint: EndpointIx) {
        self.failed = Some(endpoint);
    }

    /// Bars every endpoint of a name that does not resolve. Returns whether the request may look
    /// for another one: [`UNRESOLVED_MAX`] is not reached.
    #[must_use]
    pub(crate) fn unresolved(&mut self, endpoint: EndpointIx) -> bool {
        self.unresolved.try_push(endpoint).is_ok()
    }

    /// Whether the request has met nothing yet, and the view alone decides.
    pub(crate) fn is_empty(&self) -> bool {
        self.failed.is_none() && self.unresolved.is_empty()
    }

    /// Whether an endpoint is out of the question for this request.
    pub(crate) fn bars(&self, view: &View, ix: EndpointIx) -> bool {
        let endpoint = |ix| view.config.endpoint(ix);
        self.failed.is_some_and(|failed| endpoint(failed).is_same_server(endpoint(ix)))
            || self.unresolved.iter().any(|met| endpoint(*met).address == endpoint(ix).address)
    }
}

/// Whether a pool may be chosen, and if not, why it is passed over.
pub(crate) fn check(
    effective: &Effective<'_>,
    pool: PoolIx,
    barred: &Barred,
) -> Result<(), PassedOver> {
    let view = effective.view;
    let health = view.health.pool(pool);
    if !health.is_fit {
        return Err(match view.config.pool(pool) {
            pool if !pool.enabled => PassedOver::Disabled,
            _ if !health.keeps_sessions => PassedOver::Critical,
            _ => PassedOver::NoWeight,
        });
    }
    if effective.shedding.sheds(view, pool) {
        return Err(PassedOver::Shed);
    }
    if !barred.is_empty() && open(view, pool, barred).next().is_none() {
        return Err(PassedOver::Tried);
    }
    Ok(())
}

/// The candidates that may be chosen, in order. Notes on the trail why the others may not.
pub(crate) fn survivors<'e>(
    effective: &'e Effective<'_>,
    barred: &'e Barred,
    trail: &'e mut Trail,
) -> impl Iterator<Item = PoolIx> + 'e {
    effective.candidates.iter().copied().filter(move |pool| {
        let checked = check(effective, *pool, barred);
        if let Err(why) = checked {
            trail.push(TrailStep::PassedOver(*pool, why));
        }
        checked.is_ok()
    })
}

/// The endpoints of a pool that may take this request.
pub(crate) fn open<'v>(
    view: &'v View,
    pool: PoolIx,
    barred: &'v Barred,
) -> impl Iterator<Item = EndpointIx> + Clone + 'v {
    let endpoints = view.config.pool(pool).endpoints();
    endpoints.filter(|ix| view.health.is_fit(*ix) && !barred.bars(view, *ix))
}

/// Whether an endpoint is ejected, and somebody else of its pool can take its requests.
pub(crate) fn is_spared(view: &View, pool: PoolIx, ix: EndpointIx, env: &Env<'_>) -> bool {
    let is_ejected = |ix| env.ejection(view, ix).is_some();
    is_ejected(ix) && open(view, pool, &Barred::default()).any(|other| !is_ejected(other))
}
