//! Steps 1 and 2: the load balancer as one request sees it.
//!
//! Today it is the load balancer as configured. Pool sets, then custom rules, will each lay their
//! overrides over these fields (behaviour.md 1.2, 1.8, 1.9); everything after reads only this, so
//! that affinity, steering, retries and the fallback follow the overrides without knowing of them.

use evenkeel_model::{
    LoadBalancer, LoadBalancerIx, PoolIx, PoolWeights, SessionAffinity, Steering, View,
};

/// The settings that count for one request.
pub(crate) struct Effective<'v> {
    /// Whose settings these are.
    pub(crate) ix: LoadBalancerIx,
    /// The candidate pools in order, each once (behaviour.md 2.1 calls them L).
    pub(crate) candidates: &'v [PoolIx],
    /// What serves when no candidate is fit.
    pub(crate) fallback_pool: PoolIx,
    /// How a pool is chosen among the candidates.
    pub(crate) steering: Steering,
    /// Weights for the policies that draw.
    pub(crate) pool_weights: &'v PoolWeights,
    /// What ties the client to an endpoint.
    pub(crate) affinity: &'v SessionAffinity,
    /// Whether the one retry may leave the pool.
    pub(crate) failover_across_pools: bool,
}

impl<'v> Effective<'v> {
    /// The settings of a load balancer for one request.
    pub(crate) fn new(view: &'v View, ix: LoadBalancerIx) -> Self {
        let LoadBalancer {
            default_pools,
            fallback_pool,
            steering,
            pool_weights,
            affinity,
            failover_across_pools,
            ..
        } = view.config.load_balancer(ix);
        Self {
            ix,
            candidates: default_pools,
            fallback_pool: *fallback_pool,
            steering: *steering,
            pool_weights,
            affinity,
            failover_across_pools: *failover_across_pools,
        }
    }
}
