//! Pools and their endpoints.

use alloc::string::String;
use core::ops::Range;

use crate::config::{EndpointIx, MonitorIx, PoolIx};
use crate::{Address, Coordinates, EndpointId, LoadShedding, PoolId, Timestamp};

/// A group of endpoints that serve the same thing.
#[derive(Debug, Clone)]
pub struct Pool {
    /// The pool's identifier.
    pub id: PoolId,
    /// Unique within its account.
    pub name: String,
    /// The user's wish. A disabled pool gets no traffic and no probes (behaviour.md 1.4).
    pub enabled: bool,
    /// Fewer healthy endpoints than this make the pool critical. The API calls it `minimum_origins`.
    pub endpoints_min: u32,
    /// The monitor that judges the endpoints; without one, health is ignored.
    pub monitor: Option<MonitorIx>,
    /// How an endpoint is picked inside the pool.
    pub endpoint_steering: EndpointSteering,
    /// The share of its traffic that goes elsewhere.
    pub shedding: Option<LoadShedding>,
    /// Where it stands, for proximity steering.
    pub coordinates: Option<Coordinates>,
    /// Where the pool's endpoints stand in [`crate::Config::endpoints`], in document order.
    pub(crate) endpoints: Range<u32>,
}

impl Pool {
    /// Indices of the pool's endpoints, in document order.
    pub fn endpoints(&self) -> impl ExactSizeIterator<Item = EndpointIx> + Clone + use<> {
        self.endpoints.clone().map(EndpointIx)
    }
}

/// How an endpoint is picked inside a pool (behaviour.md 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EndpointSteering {
    /// A draw by weight.
    #[default]
    Random,
    /// By the client's address: each has its endpoint, for as long as that is fit.
    Hash,
    /// A draw by weight over requests in flight.
    LeastOutstandingRequests,
    /// A draw by weight over open connections.
    LeastConnections,
}

impl EndpointSteering {
    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Random => "random",
            Self::Hash => "hash",
            Self::LeastOutstandingRequests => "least_outstanding_requests",
            Self::LeastConnections => "least_connections",
        }
    }
}

/// One server of a pool. The API calls it an origin.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// Stable identity, see [`EndpointId`].
    pub id: EndpointId,
    /// The pool it belongs to.
    pub pool: PoolIx,
    /// A label; unique within the pool, without meaning for traffic.
    pub name: String,
    /// Where it is.
    pub address: Address,
    /// TCP port; 0 is the protocol's default (80 or 443).
    pub port: u16,
    /// The user's wish.
    pub enabled: bool,
    /// When it was disabled, while it is.
    pub disabled_at: Option<Timestamp>,
    /// Share of the pool's traffic.
    pub weight: Weight,
    /// Value of the Host header sent to it instead of the client's (behaviour.md 9.3).
    pub host: Option<String>,
    /// Named egress it is reached through.
    pub virtual_network: Option<String>,
    /// Whether DNS answers hold the addresses of its name instead of the name (behaviour.md 8.3).
    pub flatten_cname: bool,
}

impl Endpoint {
    /// Whether both are the same server, in whichever pools: address, port and virtual network
    /// agree (behaviour.md U24). A server that just refused is not worth a second try under
    /// another pool's name.
    #[must_use]
    pub fn is_same_server(&self, other: &Self) -> bool {
        self.address == other.address
            && self.port == other.port
            && self.virtual_network == other.virtual_network
    }
}

/// A weight from 0 to 1 in steps of 0.01, held as hundredths so that sums are exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Weight(u8);

impl Weight {
    /// No new traffic (behaviour.md 1.4).
    pub const ZERO: Self = Self(0);
    /// The default.
    pub const ONE: Self = Self(100);

    /// From hundredths; `None` above 100.
    #[must_use]
    pub const fn from_hundredths(hundredths: u8) -> Option<Self> {
        if hundredths <= 100 { Some(Self(hundredths)) } else { None }
    }

    /// From a fraction; `None` outside 0..=1 or off the 0.01 grid.
    ///
    /// `0.56` is not a binary multiple of 0.01, so the grid is checked after rounding (api.md 1.5).
    #[must_use]
    pub fn from_fraction(fraction: f64) -> Option<Self> {
        let scaled = fraction * 100.0;
        if !(0.0..=100.0).contains(&scaled) {
            return None;
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "range checked above"
        )]
        let hundredths = (scaled + 0.5) as u8;
        let error = scaled - f64::from(hundredths);
        (-1e-6..=1e-6).contains(&error).then_some(Self(hundredths))
    }

    /// The weight in hundredths, 0..=100.
    #[must_use]
    pub const fn hundredths(self) -> u32 {
        self.0 as u32
    }

    /// Whether it keeps new traffic away.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }
}

impl Default for Weight {
    fn default() -> Self {
        Self::ONE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_hundredth_survives_the_binary_fraction() {
        for hundredths in 0..=100u8 {
            let fraction = f64::from(hundredths) / 100.0;
            assert_eq!(Weight::from_fraction(fraction), Weight::from_hundredths(hundredths));
        }
    }

    #[test]
    fn off_the_grid_is_refused() {
        for fraction in [-0.01, 1.01, 0.555, 0.001, f64::NAN, f64::INFINITY] {
            assert_eq!(Weight::from_fraction(fraction), None, "{fraction}");
        }
    }
}
