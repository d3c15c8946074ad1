//! What a load balancer's document means.

use alloc::format;
use alloc::string::{String, ToString};

use evenkeel_model::{
    self as model, AffinityKind, CookieSameSite, CookieSecure, HostPattern, IdError, PoolWeights,
    Steering, Weight,
};

use super::affinity::{SameSite, Secure, SessionAffinity, ZeroDowntimeFailover};
use super::document::{LoadBalancer, SteeringPolicy};
use crate::build::{Kind, Places};

/// The load balancer as meant. Candidates that could not be built are reported and left out; without
/// its fallback pool there is no load balancer.
///
/// Of the steering policies only `random` means itself yet, all others mean failover order; of the
/// affinities only `cookie` does, `ip_cookie` and `header` mean none.
pub(crate) fn build(
    document: &LoadBalancer,
    zone_id: &str,
    places: &mut Places<'_>,
) -> Result<model::LoadBalancer, String> {
    let wrong_id = |error: IdError| error.to_string();
    let fallback_pool = places.pools.get(document.fallback_pool.as_str()).copied();
    let fallback_pool = fallback_pool
        .ok_or_else(|| format!("fallback pool {} is not in force", document.fallback_pool))?;
    let built = model::LoadBalancer {
        id: document.id.parse().map_err(wrong_id)?,
        zone: zone_id.parse().map_err(wrong_id)?,
        host: HostPattern::parse(&document.name).map_err(|error| error.to_string())?,
        enabled: document.enabled,
        proxied: document.proxied,
        default_pools: document
            .default_pools
            .iter()
            .filter_map(|id| places.pools.get(id.as_str()).copied())
            .collect(),
        fallback_pool,
        steering: match document.steering_policy {
            SteeringPolicy::Random => Steering::Random,
            _ => Steering::Off,
        },
        pool_weights: weights(document, places)?,
        affinity: affinity(document),
        failover_across_pools: document.adaptive_routing.failover_across_pools,
    };
    for id in &document.default_pools {
        if !places.pools.contains_key(id.as_str()) {
            let message = format!("pool {id} is not in force; the others serve");
            places.problem(Kind::LoadBalancer, &document.id, &message);
        }
    }
    Ok(built)
}

/// Weights of pools that are not in force have nobody to weigh.
fn weights(document: &LoadBalancer, places: &Places<'_>) -> Result<PoolWeights, String> {
    let weight = |number: crate::Number| {
        Weight::from_fraction(number.get())
            .ok_or_else(|| format!("pool weight {number} is not a multiple of 0.01"))
    };
    let sent = document.random_steering.pool_weights.iter().flat_map(crate::Map::iter);
    let of_pool = sent
        .filter_map(|(id, number)| Some((*places.pools.get(id)?, *number)))
        .map(|(ix, number)| Ok((ix, weight(number)?)))
        .collect::<Result<_, String>>()?;
    Ok(PoolWeights { of_pool, default: weight(document.random_steering.default_weight)? })
}

fn affinity(document: &LoadBalancer) -> model::SessionAffinity {
    let attributes = &document.session_affinity_attributes;
    let default = model::SessionAffinity::default();
    model::SessionAffinity {
        kind: match document.session_affinity {
            SessionAffinity::Cookie => AffinityKind::Cookie,
            _ => AffinityKind::None,
        },
        ttl_s: document.session_affinity_ttl.unwrap_or(default.ttl_s),
        same_site: match attributes.samesite {
            SameSite::Auto => CookieSameSite::Auto,
            SameSite::Lax => CookieSameSite::Lax,
            SameSite::None => CookieSameSite::None,
            SameSite::Strict => CookieSameSite::Strict,
        },
        secure: match attributes.secure {
            Secure::Auto => CookieSecure::Auto,
            Secure::Always => CookieSecure::Always,
            Secure::Never => CookieSecure::Never,
        },
        drain_duration_s: attributes.drain_duration,
        failover: match attributes.zero_downtime_failover {
            ZeroDowntimeFailover::None => model::ZeroDowntimeFailover::None,
            ZeroDowntimeFailover::Temporary => model::ZeroDowntimeFailover::Temporary,
            ZeroDowntimeFailover::Sticky => model::ZeroDowntimeFailover::Sticky,
        },
    }
}
