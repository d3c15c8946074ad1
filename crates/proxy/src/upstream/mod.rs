//! Connections to endpoints: found among those that stand, or opened.
//!
//! ```text
//!            plain ─ idle one? ─ TCP ─────────────────────────▶ HTTP/1.1, its own connection
//!  route ─┤
//!            TLS ─ stream free? ─ idle one? ─ one being opened? ─ TCP ─ PROXY header ─ TLS ─┤
//!                                                  HTTP/1.1, its own connection ◀────────────┤
//!                                                  HTTP/2, a stream of a shared one ◀────────┘
//! ```
//!
//! On the request path.

mod http2;
mod idle;
mod losses;
mod personal;
mod route;
mod wire;

use std::net::SocketAddr;

use evenkeel_decision::{DialFailure, Rng};
use evenkeel_model::{Address, Config, Endpoint, EndpointIx, Reach, View};
use evenkeel_net::dial::{DialError, dial, limit_unacknowledged};
use evenkeel_net::tls::Protocol;
use evenkeel_net::tls::client::{Connected, Fault, Target};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};

use self::http2::{Announcement, Opening, Outcome};
use crate::arrival::Security;
use crate::buffer::Buffer;
use crate::loads::Counted;
use crate::worker::Worker;

pub(crate) use http2::Fate;
pub(crate) use idle::IdlePool;
pub(crate) use personal::{Personal, has_challenge, has_credentials};
pub(crate) use route::{Circumstances, Key, Literal, Route, Speech, name_of};
pub(crate) use wire::Wire;

/// Ports of an endpoint whose document names none (behaviour.md 9.4).
const HTTP_PORT: u16 = 80;
const HTTPS_PORT: u16 = 443;

/// How often a request waits for a connection that others are opening before it opens its own. More
/// often, it would stand behind those who came later.
const WAITS_MAX: usize = 2;

/// A connection to an endpoint.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) io: Wire,
    pub(crate) input: Buffer,
    /// Whether it served a request before: then its end may come as a surprise.
    pub(crate) is_reused: bool,
    /// Whether it was opened for the present request.
    pub(crate) is_new: bool,
    /// When the first byte of the present response came.
    pub(crate) first_byte_at: Option<Instant>,
    /// Counts it as one of the endpoint's open connections, unless it shares one.
    count: Option<Counted>,
    /// Whether its endpoint may take whoever uses it for one client: then no other may.
    pub(crate) is_personal: bool,
}

impl Connection {
    fn new(io: Wire, count: Counted, is_personal: bool) -> Self {
        let (input, count) = (Buffer::default(), Some(count));
        Self { io, input, is_reused: false, is_new: true, first_byte_at: None, count, is_personal }
    }

    fn stream(stream: http2::Stream) -> Self {
        let is_reused = stream.is_on_proven_connection();
        let io = Wire::Http2(Box::new(stream));
        let input = Buffer::default();
        let is_personal = false;
        Self { io, input, is_reused, is_new: false, first_byte_at: None, count: None, is_personal }
    }

    /// The first stream of a connection.
    fn first_stream(stream: http2::Stream) -> Self {
        Self { is_new: true, ..Self::stream(stream) }
    }

    /// Takes it for another request, of whichever endpoint has its address.
    pub(crate) fn reuse(&mut self, worker: &Worker, config: &Config, endpoint: EndpointIx) {
        self.is_reused = true;
        self.is_new = false;
        self.first_byte_at = None;
        if let Some(count) = &mut self.count
            && !count.is_on(config.endpoint(endpoint).id)
        {
            *count = worker.shared.loads.connection(config, endpoint);
        }
        worker.metrics.upstream_reused.increment();
    }
}

/// Where an endpoint is to be dialled now, or `None` when its name does not resolve, or only to where
/// nothing may lead: a name must not open what an address cannot.
pub(crate) async fn locate(
    worker: &Worker,
    endpoint: &Endpoint,
    security: Security,
) -> Option<SocketAddr> {
    let port = port(endpoint.port, security);
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

/// The port to dial, given the one of the document.
const fn port(port: u16, security: Security) -> u16 {
    match (port, security) {
        (0, Security::Plain) => HTTP_PORT,
        (0, Security::Unchecked | Security::Checked) => HTTPS_PORT,
        (port, _) => port,
    }
}

/// A connection or a stream that nobody uses, unless a fresh one is asked for; else a new one. It
/// counts as `endpoint`'s, whoever of the same address had it before.
pub(crate) async fn connect(
    worker: &Worker,
    view: &View,
    endpoint: EndpointIx,
    route: &Route<'_>,
    fresh: bool,
) -> Result<Connection, DialFailure> {
    // Nothing of this was introduced for a client: such connections stay with it.
    if !fresh && let Some(connection) = find(worker, &view.config, endpoint, route) {
        return Ok(connection);
    }
    let target = match &route.speech {
        Speech::Http1 => {
            let tcp = open(worker, route).await?;
            let count = worker.shared.loads.connection(&view.config, endpoint);
            return Ok(Connection::new(Wire::Tcp(tcp), count, route.is_personal()));
        }
        Speech::Http2 => None,
        Speech::Tls(target) => Some(target),
    };
    // Boxed: a handshake takes room that no client's connection shall have to keep for it.
    Box::pin(negotiate(worker, view, endpoint, route, target, fresh)).await
}

/// A connection that waits for a request, or room for a stream on one.
fn find(
    worker: &Worker,
    config: &Config,
    endpoint: EndpointIx,
    route: &Route<'_>,
) -> Option<Connection> {
    if !matches!(route.speech, Speech::Http1)
        && let Some(stream) = worker.idle.http2().open(route.key)
    {
        worker.metrics.upstream_reused.increment();
        return Some(Connection::stream(stream));
    }
    let mut connection = worker.idle.take(route.key)?;
    connection.reuse(worker, config, endpoint);
    Some(connection)
}

/// Waits for a connection that others are opening, or opens one, and agrees on what is spoken.
async fn negotiate(
    worker: &Worker,
    view: &View,
    endpoint: EndpointIx,
    route: &Route<'_>,
    target: Option<&Target<'_>>,
    fresh: bool,
) -> Result<Connection, DialFailure> {
    let (key, streams) = (route.key, worker.idle.http2());
    for _ in 0..WAITS_MAX {
        // What is being opened now is as fresh as what would be opened instead.
        let Some(dialing) = streams.dialing(key) else { break };
        // An endpoint may agree to HTTP/2 and then not begin with it.
        match timeout(worker.settings.timeouts.connect, dialing.outcome()).await {
            Ok(Outcome::Failed(failure)) => return Err(failure),
            Ok(Outcome::Open(session)) => {
                if let Some(stream) = session.upgrade().and_then(|session| session.open()) {
                    return Ok(Connection::stream(stream));
                }
            }
            Ok(Outcome::Nothing) => {}
            Err(_) => break,
        }
        if !fresh && let Some(connection) = find(worker, &view.config, endpoint, route) {
            return Ok(connection);
        }
    }
    // Beside connections that stand, one for a request that was refused there is not kept: refusals
    // of a busy endpoint must not gather connections to it.
    let is_spare = fresh && streams.has_open(key);
    let is_shared = !is_spare
        && !route.is_personal()
        && worker.idle.still_wants(view.config.endpoint(endpoint).id, view.revision);
    let announcement = streams.announce(key);
    open_negotiated(worker, view, endpoint, route, target, is_shared, announcement).await
}

/// Opens a connection over TLS, or for HTTP/2 in clear text. The connect timeout holds for all of
/// it.
async fn open_negotiated(
    worker: &Worker,
    view: &View,
    endpoint: EndpointIx,
    route: &Route<'_>,
    target: Option<&Target<'_>>,
    is_shared: bool,
    announcement: Announcement,
) -> Result<Connection, DialFailure> {
    let config = &view.config;
    let deadline = Instant::now() + worker.settings.timeouts.connect;
    let tcp = match open(worker, route).await {
        Ok(tcp) => tcp,
        Err(failure) => {
            announcement.fail(failure);
            return Err(failure);
        }
    };
    let count = worker.shared.loads.connection(config, endpoint);
    let opening = |announcement, count| Opening {
        announcement,
        endpoint: config.endpoint(endpoint).id,
        count,
        is_secure: target.is_some(),
        is_shared,
        header_bytes_max: worker.settings.limits.head_bytes,
    };
    let streams = worker.idle.http2();
    let Some(target) = target else {
        let stream = streams.start(tcp, opening(announcement, count)).await;
        return stream.map(Connection::first_stream).map_err(|_| DialFailure::Refused);
    };
    let connected = match timeout_at(deadline, worker.shared.outbound.connect(tcp, target)).await {
        Ok(connected) => connected.map_err(|error| {
            let cause = &error.source;
            tracing::debug!(address = %route.key.address, %error, %cause, "No TLS to an endpoint.");
            match error.fault {
                Fault::Certificate => DialFailure::Certificate,
                Fault::Handshake | Fault::Io => DialFailure::Tls,
            }
        }),
        Err(_) => Err(DialFailure::Tls),
    };
    match connected {
        Ok(Connected { stream, protocol: Protocol::Http1 }) => {
            announcement.found_http1();
            Ok(Connection::new(Wire::Tls(Box::new(stream)), count, route.is_personal()))
        }
        Ok(Connected { stream, protocol: Protocol::Http2 }) => {
            let stream = streams.start(stream, opening(announcement, count)).await;
            stream.map(Connection::first_stream).map_err(|_| DialFailure::Refused)
        }
        Err(failure) => {
            worker.metrics.upstream_tls_failed.increment();
            announcement.fail(failure);
            Err(failure)
        }
    }
}

/// Opens a TCP connection, and says on it for whom.
async fn open(worker: &Worker, route: &Route<'_>) -> Result<TcpStream, DialFailure> {
    let timeouts = &worker.settings.timeouts;
    let mut tcp = dial(route.key.address, timeouts.connect).await.map_err(|error| match error {
        DialError::Refused(_) => DialFailure::Refused,
        DialError::TimedOut => DialFailure::TimedOut,
        DialError::Unreachable(_) => DialFailure::Unreachable,
    })?;
    // A connection that has ended already fails when it is used.
    let _ = limit_unacknowledged(&tcp, timeouts.upstream_ack);
    worker.metrics.upstream_opened.increment();
    if route.is_personal() {
        // A new connection's buffer has room for so little.
        tcp.write_all(route.introduction).await.map_err(|_| DialFailure::Refused)?;
    }
    Ok(tcp)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_without_a_port_is_where_its_scheme_says() {
        use Security::{Checked, Plain, Unchecked};
        for (given, expected) in [(0, [80, 443, 443]), (8443, [8443; 3]), (80, [80; 3])] {
            assert_eq!([Plain, Unchecked, Checked].map(|security| port(given, security)), expected);
        }
    }
}
