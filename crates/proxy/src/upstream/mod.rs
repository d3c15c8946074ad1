//! Connections to endpoints: found among the idle ones, or dialled.

mod idle;
mod losses;
mod personal;
mod wire;

use std::net::SocketAddr;

use evenkeel_decision::{DialFailure, Rng};
use evenkeel_model::{Address, Config, Endpoint, EndpointIx, Reach};
use evenkeel_net::dial::{DialError, dial, limit_unacknowledged};

use crate::buffer::Buffer;
use crate::loads::Counted;
use crate::worker::Worker;

pub(crate) use idle::{IdlePool, Key};
pub(crate) use personal::{Personal, has_challenge, has_credentials};
pub(crate) use wire::Wire;

/// Port of an endpoint whose document names none (behaviour.md 9.4).
const HTTP_PORT: u16 = 80;

/// A connection to an endpoint.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) io: Wire,
    pub(crate) input: Buffer,
    /// Whether it served a request before: then its end may come as a surprise.
    pub(crate) is_reused: bool,
    /// Counts it as one of the endpoint's open connections.
    pub(crate) count: Counted,
    /// Whether its endpoint may take whoever uses it for one client: then no other may.
    pub(crate) is_personal: bool,
}

impl Connection {
    /// Takes it for another request, of whichever endpoint has its address.
    pub(crate) fn reuse(&mut self, worker: &Worker, config: &Config, endpoint: EndpointIx) {
        self.is_reused = true;
        if !self.count.is_on(config.endpoint(endpoint).id) {
            self.count = worker.shared.loads.connection(config, endpoint);
        }
        worker.metrics.upstream_reused.increment();
    }
}

/// Where an endpoint is to be dialled now, or `None` when its name does not resolve, or only to where
/// nothing may lead: a name must not open what an address cannot.
pub(crate) async fn locate(worker: &Worker, endpoint: &Endpoint) -> Option<SocketAddr> {
    let port = if endpoint.port == 0 { HTTP_PORT } else { endpoint.port };
    match &endpoint.address {
        Address::Ip(ip) => Some(SocketAddr::new(*ip, port)),
        Address::Name(name) => {
            let mut addresses = worker.resolver.resolve(name).await;
            let reach = worker.settings.reach;
            let private = reach.private || endpoint.virtual_network.is_some();
            addresses.retain(|ip| Reach { private, ..reach }.refuses(*ip).is_none());
            let pick = worker.chance().below(addresses.len().max(1) as u64);
            let ip = addresses.get(usize::try_from(pick).ok()?)?;
            Some(SocketAddr::new(*ip, port))
        }
    }
}

/// An idle connection, unless a fresh one is asked for; else a new one. It counts as `endpoint`'s,
/// whoever of the same address had it before.
pub(crate) async fn connect(
    worker: &Worker,
    config: &Config,
    endpoint: EndpointIx,
    key: Key,
    fresh: bool,
) -> Result<Connection, DialFailure> {
    if !fresh && let Some(mut connection) = worker.idle.take(key) {
        connection.reuse(worker, config, endpoint);
        return Ok(connection);
    }
    let timeouts = &worker.settings.timeouts;
    let io = dial(key.address, timeouts.connect).await.map_err(|error| match error {
        DialError::Refused(_) => DialFailure::Refused,
        DialError::TimedOut => DialFailure::TimedOut,
        DialError::Unreachable(_) => DialFailure::Unreachable,
    })?;
    // A connection that has ended already fails when it is used.
    let _ = limit_unacknowledged(&io, timeouts.upstream_ack);
    worker.metrics.upstream_opened.increment();
    let count = worker.shared.loads.connection(config, endpoint);
    let io = Wire::Tcp(io);
    Ok(Connection { io, input: Buffer::default(), is_reused: false, is_personal: false, count })
}
