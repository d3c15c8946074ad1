//! What users do to a running configuration: endpoints are disabled, enabled, added, removed, put
//! in another order and given other weights; pools and load balancers get other settings.

use evenkeel_model::Timestamp;

use crate::blueprint::Blueprint;
use crate::chance::Chance;
use crate::generate;

/// Changes one thing.
pub fn change(blueprint: &mut Blueprint, now: Timestamp, chance: &mut Chance) {
    if chance.percent(30) {
        change_load_balancer(blueprint, chance);
    } else {
        change_pool(blueprint, now, chance);
    }
}

fn change_load_balancer(blueprint: &mut Blueprint, chance: &mut Chance) {
    let at = chance.index(blueprint.services.len());
    let lb = &mut blueprint.services[at].load_balancer;
    match chance.index(8) {
        0 => lb.enabled = at == 0 || chance.percent(90),
        1 => lb.failover_across_pools = !lb.failover_across_pools,
        2 => lb.affinity.failover = generate::failover(chance),
        3 => lb.affinity.drain_duration_s = *chance.pick(&[0, 30, 300]),
        4 => chance.shuffle(&mut lb.default_pools),
        5 => lb.pool_weights.default = generate::weight(chance),
        _ => lb.steering = generate::steering(chance),
    }
}

fn change_pool(blueprint: &mut Blueprint, now: Timestamp, chance: &mut Chance) {
    let at = chance.index(blueprint.pools.len());
    let pool = &mut blueprint.pools[at];
    let endpoints = pool.endpoints.len();
    match chance.index(12) {
        0 => pool.enabled = chance.percent(80),
        1 => pool.shedding = generate::shedding(chance),
        2 => chance.shuffle(&mut pool.endpoints),
        3 if endpoints > 1 => {
            pool.endpoints.remove(chance.index(endpoints));
        }
        4 => {
            let endpoint = generate::endpoint(chance.between(0, generate::SERVERS - 1));
            if pool.endpoints.iter().all(|other| other.address != endpoint.address) {
                pool.endpoints.push(endpoint);
            }
        }
        5 | 6 => pool.endpoints[chance.index(endpoints)].weight = generate::weight(chance),
        _ => {
            let endpoint = &mut pool.endpoints[chance.index(endpoints)];
            endpoint.enabled = !endpoint.enabled;
            endpoint.disabled_at = (!endpoint.enabled).then_some(now);
        }
    }
}
