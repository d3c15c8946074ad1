//! What is configured, in a form that can be changed: the documents of a simulated account. Each
//! change makes a new [`Config`] from it, as a publisher would.

use evenkeel_model::{
    AffinityKey, AffinityKeys, Config, ConfigBuilder, LoadBalancer, LoadBalancerIx, Monitor,
    PoolSpec,
};

use crate::condition::Condition;

/// Everything configured. Pools and load balancers keep their order for the length of a run;
/// endpoints come, go and change places.
#[derive(Debug, Clone)]
pub struct Blueprint {
    /// What endpoints are judged by.
    pub monitors: Vec<Monitor>,
    /// In the order of their places in every configuration.
    pub pools: Vec<PoolSpec>,
    /// In the order of their places in every configuration.
    pub services: Vec<Service>,
}

/// A load balancer, and what its rules ask in a form that the oracle understands.
#[derive(Debug, Clone)]
pub struct Service {
    /// The load balancer.
    pub load_balancer: LoadBalancer,
    /// The conditions of its rules, in their order.
    pub conditions: Vec<Condition>,
    /// A host name that belongs to it.
    pub host: String,
}

impl Blueprint {
    /// The configuration that these documents mean.
    #[must_use]
    pub fn build(&self) -> Config {
        let keys =
            AffinityKeys { current: AffinityKey([7; 32]), previous: Some(AffinityKey([8; 32])) };
        let mut builder = ConfigBuilder::new(keys);
        for monitor in &self.monitors {
            builder.monitor(monitor.clone());
        }
        for pool in &self.pools {
            builder.pool(pool.clone());
        }
        for service in &self.services {
            builder.load_balancer(service.load_balancer.clone()).expect("hosts are not shared");
        }
        builder.build()
    }

    /// A load balancer and its conditions.
    #[must_use]
    pub fn service(&self, ix: LoadBalancerIx) -> &Service {
        &self.services[ix.get()]
    }
}
