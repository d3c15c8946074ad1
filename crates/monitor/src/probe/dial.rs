//! From an endpoint's address to a TCP connection.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs, UdpSocket};
use std::sync::Arc;

use evenkeel_model::{Address, FailureReason, Reach};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

use super::{Attempt, Miss};
use crate::ask::Ask;
use crate::trace::PhaseName;

/// Names being resolved at once; each occupies a thread until the system's resolver answers or
/// gives up. Further probes wait for their turn, within their own time. With a resolver that
/// answers in 5 ms this does for 12,000 names a second; with one that is dead, it keeps lookups
/// from piling up without an end.
const LOOKUPS_MAX: usize = 64;

/// Looks a name up with the means of the system.
type Lookup = dyn Fn(&str, u16) -> io::Result<Vec<SocketAddr>> + Send + Sync;

/// Resolves names, each time anew.
pub(crate) struct Resolver {
    lookup: Arc<Lookup>,
    turns: Arc<Semaphore>,
    /// Where this process takes traffic.
    own: Vec<SocketAddr>,
    /// Which addresses may be reached.
    reach: Reach,
}

/// What a probe is to reach.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    /// Where it is.
    pub address: &'a Address,
    /// The port there.
    pub port: u16,
    /// Whether it may be private whatever the installation says.
    pub in_virtual_network: bool,
}

impl<'a> Place<'a> {
    /// The endpoint itself.
    pub(crate) fn of(ask: &Ask<'a>, port: u16) -> Self {
        let Ask { address, in_virtual_network, .. } = *ask;
        Self { address, port, in_virtual_network }
    }
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resolver").field("own", &self.own).finish_non_exhaustive()
    }
}

impl Resolver {
    /// Over the system's resolver.
    pub(crate) fn new(own: Vec<SocketAddr>) -> Self {
        Self::with_lookup(own, Arc::new(|name, port| Ok((name, port).to_socket_addrs()?.collect())))
    }

    /// Over another one.
    pub(crate) fn with_lookup(own: Vec<SocketAddr>, lookup: Arc<Lookup>) -> Self {
        let turns = Arc::new(Semaphore::new(LOOKUPS_MAX));
        Self { lookup, turns, own, reach: Reach::EVERYWHERE }
    }

    /// The same, kept from some addresses.
    pub(crate) fn within(self, reach: Reach) -> Self {
        Self { reach, ..self }
    }

    /// Where to connect: the first IPv4 address, or the first of all when there is none. Addresses
    /// out of [`Reach`] are refused, however the probe was led there.
    ///
    /// Dropping the future leaves a lookup to itself; it counts towards [`LOOKUPS_MAX`] until the
    /// system is done with it.
    pub(crate) async fn resolve(
        &self,
        place: Place<'_>,
        attempt: Attempt<'_>,
    ) -> Result<SocketAddr, Miss> {
        let port = place.port;
        let name = match place.address {
            Address::Ip(ip) => {
                attempt.trace.address(*ip);
                self.check(*ip, place, attempt)?;
                return Ok(SocketAddr::new(*ip, port));
            }
            Address::Name(name) => name,
        };
        attempt.trace.begin(PhaseName::Resolve);
        let found = attempt
            .within(FailureReason::DnsUnknownHost, self.look_up(name.clone(), port))
            .await?
            .map_err(|error| own_want(error, attempt, |_| FailureReason::DnsUnknownHost))?;
        let address = prefer_v4(&found).ok_or(FailureReason::DnsUnknownHost)?;
        if self.is_own(address) {
            attempt.trace.because(&format_args!("{address} is where we take traffic ourselves"));
            return Err(FailureReason::DnsInternal.into());
        }
        attempt.trace.address(address.ip());
        self.check(address.ip(), place, attempt)?;
        attempt.trace.done(|| format!("{name} is {}", address.ip()));
        Ok(address)
    }

    /// Behaviour.md 7.8 has no word for an address that the installation does not want reached.
    fn check(&self, ip: IpAddr, place: Place<'_>, attempt: Attempt<'_>) -> Result<(), Miss> {
        let private = self.reach.private || place.in_virtual_network;
        let refused = Reach { private, ..self.reach }.refuses(ip);
        refused.map_or(Ok(()), |kind| {
            attempt.trace.because(&format_args!("{ip} is {kind}, which is not allowed"));
            Err(FailureReason::Other.into())
        })
    }

    async fn look_up(&self, name: String, port: u16) -> io::Result<Vec<SocketAddr>> {
        let turns = Arc::clone(&self.turns);
        let turn = turns.acquire_owned().await.map_err(io::Error::other)?;
        let lookup = Arc::clone(&self.lookup);
        let job = tokio::task::spawn_blocking(move || {
            let found = lookup(&name, port);
            drop(turn);
            found
        });
        job.await.map_err(io::Error::other)?
    }

    fn is_own(&self, address: SocketAddr) -> bool {
        self.own.iter().any(|own| {
            own.port() == address.port()
                && (own.ip() == address.ip()
                    || own.ip().is_unspecified() && is_of_this_machine(address.ip()))
        })
    }
}

/// Exactly one address is probed, not one per family (behaviour.md 7.3).
fn prefer_v4(found: &[SocketAddr]) -> Option<SocketAddr> {
    found.iter().find(|address| address.is_ipv4()).or_else(|| found.first()).copied()
}

/// Only an address of this machine can be bound.
fn is_of_this_machine(ip: IpAddr) -> bool {
    UdpSocket::bind((ip, 0)).is_ok()
}

/// Connects. Dropping the future closes the socket.
pub(crate) async fn connect(address: SocketAddr, attempt: Attempt<'_>) -> Result<TcpStream, Miss> {
    attempt.trace.begin(PhaseName::Connect);
    match attempt.within(FailureReason::TcpTimeout, TcpStream::connect(address)).await? {
        Ok(stream) => {
            attempt.trace.done(|| address.to_string());
            Ok(stream)
        }
        Err(error) if error.kind() == io::ErrorKind::TimedOut => {
            attempt.trace.because(&error);
            Err(Miss::TimedOut(FailureReason::TcpTimeout))
        }
        Err(error) => Err(own_want(error, attempt, connect_reason)),
    }
}

/// Tells what this machine lacks from what the endpoint does.
pub(crate) fn own_want(
    error: io::Error,
    attempt: Attempt<'_>,
    reason: impl FnOnce(&io::Error) -> FailureReason,
) -> Miss {
    match error.raw_os_error() {
        Some(libc::EMFILE | libc::ENFILE | libc::ENOBUFS | libc::ENOMEM) => Miss::Own(error),
        _ => {
            attempt.trace.because(&error);
            reason(&error).into()
        }
    }
}

/// What the kernel's word for a failed connect is called.
pub(crate) fn connect_reason(error: &io::Error) -> FailureReason {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => FailureReason::TcpConnectionFailed,
        io::ErrorKind::ConnectionReset => FailureReason::ConnectionReset,
        io::ErrorKind::HostUnreachable => FailureReason::NoRouteToHost,
        io::ErrorKind::NetworkUnreachable | io::ErrorKind::NetworkDown => {
            FailureReason::NetworkUnreachable
        }
        _ => FailureReason::Other,
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;
    use crate::trace::Trace;

    #[test]
    fn kernel_errors_have_documented_names() {
        let attempt = Attempt { deadline: Instant::now(), trace: &Trace::off() };
        for (errno, reason) in [
            (libc::ECONNREFUSED, FailureReason::TcpConnectionFailed),
            (libc::EHOSTUNREACH, FailureReason::NoRouteToHost),
            (libc::ENETUNREACH, FailureReason::NetworkUnreachable),
            (libc::ENETDOWN, FailureReason::NetworkUnreachable),
            (libc::ECONNRESET, FailureReason::ConnectionReset),
            (libc::EACCES, FailureReason::Other),
        ] {
            let error = io::Error::from_raw_os_error(errno);
            assert_eq!(connect_reason(&error), reason, "{error}");
            assert!(matches!(own_want(error, attempt, connect_reason), Miss::Failed { .. }));
        }
        for errno in [libc::EMFILE, libc::ENFILE, libc::ENOBUFS, libc::ENOMEM] {
            let error = io::Error::from_raw_os_error(errno);
            assert!(matches!(own_want(error, attempt, connect_reason), Miss::Own(_)), "{errno}");
        }
    }

    #[test]
    fn trap_t49_a_record_before_aaaa() {
        let parse = |list: &str| -> Vec<SocketAddr> {
            list.split_whitespace().map(|one| one.parse().unwrap()).collect()
        };
        for (found, chosen) in [
            ("[::1]:80 127.0.0.1:80", Some("127.0.0.1:80")),
            ("127.0.0.2:80 127.0.0.1:80 [::1]:80", Some("127.0.0.2:80")),
            ("[::2]:80 [::1]:80", Some("[::2]:80")),
            ("", None),
        ] {
            let chosen = chosen.map(|one| one.parse().unwrap());
            assert_eq!(prefer_v4(&parse(found)), chosen, "{found}");
        }
    }

    #[test]
    fn own_addresses_are_known_by_address_and_port() {
        let resolver = |own: &str| Resolver::new(vec![own.parse().unwrap()]);
        for (own, address, expected) in [
            ("127.0.0.1:80", "127.0.0.1:80", true),
            ("127.0.0.1:80", "127.0.0.1:81", false),
            ("127.0.0.1:80", "127.0.0.2:80", false),
            ("0.0.0.0:80", "127.0.0.2:80", true),
            ("0.0.0.0:80", "127.0.0.2:81", false),
            ("0.0.0.0:80", "192.0.2.1:80", false),
        ] {
            let address = address.parse().unwrap();
            assert_eq!(resolver(own).is_own(address), expected, "{own} and {address}");
        }
    }
}
