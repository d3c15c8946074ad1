//! What the product balances, as meant: load balancers, pools, endpoints and monitors, the health
//! known of them, and the one immutable [`View`] that every decision is taken on.
//!
//! A document as a user sent it lives in `api` and `store`; this crate holds what it means. Nothing
//! here chooses (that is `decision`), does I/O, or knows the time.

#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod address;
mod affinity;
mod config;
mod edge;
mod edge_material;
mod health;
mod host;
mod id;
mod load_balancer;
mod monitor;
mod overrides;
mod place;
mod pool;
mod reach;
mod region;
mod shedding;
mod time;
mod topology;
mod view;
mod zone;

pub use address::Address;
pub use affinity::{
    AffinityHeader, AffinityKind, CookieSameSite, CookieSecure, SessionAffinity,
    ZeroDowntimeFailover,
};
pub use config::{
    AffinityKey, AffinityKeys, Config, ConfigBuilder, EndpointIx, EndpointSpec, LoadBalancerIx,
    MonitorIx, PoolIx, PoolSpec,
};
pub use edge::{Edge, EndpointTls, TlsVersion};
pub use edge_material::{EdgeMaterial, KeyPair, ServedHost, UploadedCertificate, ZoneMaterial};
pub use evenkeel_rules::{Expression, ParseError};
pub use health::{EndpointHealth, FailureReason, Health, Latency, PoolHealth, PoolStatus, Verdict};
pub use host::{HostIndex, HostPattern, HostPatternError};
pub use id::{AccountId, EndpointId, IdError, LoadBalancerId, MonitorId, PoolId, ZoneId};
pub use load_balancer::{LoadBalancer, PoolWeights, Steering};
pub use monitor::{BodyMatch, ExpectedCode, ExpectedCodes, Method, Monitor, MonitorKind};
pub use overrides::{
    AffinityOverrides, FixedResponse, Overrides, PoolSet, PoolSetOutcome, PoolSetPools, Rule,
    RuleAction,
};
pub use place::{Coordinates, Country, Location, Node, Pop, Subdivision};
pub use pool::{
    Endpoint, EndpointSteering, HealthSources, POOL_MONITORS_MAX, Pool, PoolMonitor, Weight,
};
pub use reach::{AddressKind, Reach};
pub use region::Region;
pub use shedding::{LoadShedding, Percent, SheddingPolicy};
pub use time::Timestamp;
pub use topology::{EcsPreference, LocationMode, LocationStrategy, Places, PoolMap, Topology};
pub use view::{HeldView, Live, LiveWriter, LocalView, View};
pub use zone::{Peer, Record, Soa, Transfer, TsigAlgorithm, TsigKey, Zone, ZoneKey, Zones};
