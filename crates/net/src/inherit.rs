//! Sockets that were here before us: those of the process that we take over from, and those that a
//! service manager opened for us (systemd's socket activation).
//!
//! ```text
//! predecessor ─ letters ─┐
//!                        ├─▶ Stock ─ what the settings ask for ─▶ listeners ─ shared out ─▶ workers
//! LISTEN_FDS ────────────┘     └─ what they do not ask for ─▶ closed
//! ```
//!
//! A socket that others have connected to must not be closed while somebody waits in its queue: the
//! kernel would reset them. So whoever takes sockets over accepts on every one of them, however many
//! workers there are; see [`crate::listen::share_out`].

use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd, FromRawFd, OwnedFd};
use std::str::FromStr;

use socket2::{SockRef, Type};

/// What a socket is for. The words are those of `LISTEN_FDNAMES` and of the settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Purpose {
    /// The REST API.
    Api,
    /// Clients without TLS.
    Http,
    /// Clients with TLS.
    Https,
    /// Queries, by UDP and by TCP.
    Dns,
}

impl Purpose {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Http => "http",
            Self::Https => "https",
            Self::Dns => "dns",
        }
    }
}

impl FromStr for Purpose {
    type Err = UnknownPurpose;

    fn from_str(word: &str) -> Result<Self, UnknownPurpose> {
        let all = [Self::Api, Self::Http, Self::Https, Self::Dns];
        let found = all.into_iter().find(|purpose| purpose.as_str() == word);
        found.ok_or_else(|| UnknownPurpose(word.to_owned()))
    }
}

/// A name of sockets that says nothing to us.
#[derive(Debug)]
pub struct UnknownPurpose(String);

impl fmt::Display for UnknownPurpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sockets are called {:?}; they can be http, https, api or dns", self.0)
    }
}

impl std::error::Error for UnknownPurpose {}

/// Who chose the address of a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chosen {
    /// Our settings, which may have changed their mind since.
    BySettings,
    /// The service manager: the socket stands in place of the setting of that name.
    ByManager,
}

/// A socket that was here before us.
#[derive(Debug)]
pub struct Inherited {
    /// What it is for.
    pub purpose: Purpose,
    /// Who chose its address.
    pub chosen: Chosen,
    /// Where it is bound.
    pub address: SocketAddr,
    socket: Kind,
}

#[derive(Debug)]
enum Kind {
    Tcp(TcpListener),
    Udp(UdpSocket),
}

impl Inherited {
    /// Looks what a descriptor is.
    ///
    /// # Errors
    /// When it is neither a listening TCP socket nor, for the name server, a bound one of UDP.
    pub fn new(purpose: Purpose, chosen: Chosen, descriptor: OwnedFd) -> io::Result<Self> {
        let seen = SockRef::from(&descriptor);
        let bad = |what| Err(io::Error::new(io::ErrorKind::InvalidInput, what));
        let Some(address) = seen.local_addr()?.as_socket() else {
            return bad("a socket that was passed on has no address of the Internet");
        };
        let socket = match seen.r#type()? {
            Type::STREAM if seen.is_listener()? => Kind::Tcp(descriptor.into()),
            Type::STREAM => return bad("a socket that was passed on does not listen"),
            Type::DGRAM if purpose == Purpose::Dns => Kind::Udp(descriptor.into()),
            _ => return bad("a socket that was passed on is of the wrong type"),
        };
        Ok(Self { purpose, chosen, address, socket })
    }
}

impl AsFd for Inherited {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match &self.socket {
            Kind::Tcp(socket) => socket.as_fd(),
            Kind::Udp(socket) => socket.as_fd(),
        }
    }
}

/// All sockets that were here before us. What is left of it when it is dropped is closed.
#[derive(Debug, Default)]
pub struct Stock(Vec<Inherited>);

impl Stock {
    /// Adds one.
    pub fn add(&mut self, inherited: Inherited) {
        self.0.push(inherited);
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The sockets that the service manager opened for this process, going by `LISTEN_PID`,
    /// `LISTEN_FDS` and `LISTEN_FDNAMES`.
    ///
    /// # Errors
    /// When they are not what their names promise.
    ///
    /// # Safety
    /// The descriptors of those variables belong to nobody else in this process, and the variables
    /// are not removed by any other thread: to be called once, first of all.
    pub unsafe fn from_manager() -> io::Result<Self> {
        let mut stock = Self::default();
        // SAFETY: as asked of our own caller.
        for (number, name) in unsafe { sd_notify::listen_fds_with_names_and_unset_env() }? {
            // SAFETY: the service manager passed it to us, and we are the first to look.
            let descriptor = unsafe { OwnedFd::from_raw_fd(number) };
            rustix::io::fcntl_setfd(&descriptor, rustix::io::FdFlags::CLOEXEC)?;
            let purpose = name.parse().map_err(io::Error::other)?;
            stock.add(Inherited::new(purpose, Chosen::ByManager, descriptor)?);
        }
        Ok(stock)
    }

    /// The addresses for a purpose that the service manager chose, each once; they stand in place of
    /// those of the settings.
    #[must_use]
    pub fn addresses_by_manager(&self, purpose: Purpose) -> Vec<SocketAddr> {
        let mut addresses = Vec::new();
        for inherited in &self.0 {
            let is_meant = inherited.purpose == purpose && inherited.chosen == Chosen::ByManager;
            if is_meant && !addresses.contains(&inherited.address) {
                addresses.push(inherited.address);
            }
        }
        addresses
    }

    /// Takes the TCP listeners of an address out; none when there are none.
    pub fn listeners(&mut self, purpose: Purpose, wanted: SocketAddr) -> Vec<TcpListener> {
        let taken = self.take(purpose, wanted, |socket| matches!(socket, Kind::Tcp(_)));
        let of_tcp = taken.into_iter().filter_map(|inherited| match inherited.socket {
            Kind::Tcp(socket) => Some(socket),
            Kind::Udp(_) => None,
        });
        of_tcp.collect()
    }

    /// Takes the UDP sockets of an address out; none when there are none.
    pub fn datagrams(&mut self, purpose: Purpose, wanted: SocketAddr) -> Vec<UdpSocket> {
        let taken = self.take(purpose, wanted, |socket| matches!(socket, Kind::Udp(_)));
        let of_udp = taken.into_iter().filter_map(|inherited| match inherited.socket {
            Kind::Udp(socket) => Some(socket),
            Kind::Tcp(_) => None,
        });
        of_udp.collect()
    }

    /// Takes out what is of a kind and of one address. Port 0 asks for any port, so the first one
    /// that is there will do.
    fn take(
        &mut self,
        purpose: Purpose,
        wanted: SocketAddr,
        is_kind: impl Fn(&Kind) -> bool,
    ) -> Vec<Inherited> {
        let is_wanted = |inherited: &Inherited, wanted: SocketAddr| {
            let ip_fits = inherited.address.ip() == wanted.ip();
            let port_fits = wanted.port() == 0 || inherited.address.port() == wanted.port();
            inherited.purpose == purpose && is_kind(&inherited.socket) && ip_fits && port_fits
        };
        let Some(first) = self.0.iter().find(|inherited| is_wanted(inherited, wanted)) else {
            return Vec::new();
        };
        let address = first.address;
        let (taken, left) = std::mem::take(&mut self.0)
            .into_iter()
            .partition(|inherited| is_wanted(inherited, address));
        self.0 = left;
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpStream;

    fn local() -> SocketAddr {
        "127.0.0.1:0".parse().unwrap()
    }

    #[test]
    fn sockets_are_told_by_purpose_address_and_kind() {
        let tcp: Vec<_> = (0..2).map(|_| TcpListener::bind(local()).unwrap()).collect();
        let addresses: Vec<_> = tcp.iter().map(|tcp| tcp.local_addr().unwrap()).collect();
        let udp = UdpSocket::bind(local()).unwrap();
        let of_udp = udp.local_addr().unwrap();
        let mut stock = Stock::default();
        let twice = tcp[0].try_clone().unwrap();
        for (purpose, chosen, descriptor) in [
            (Purpose::Http, Chosen::BySettings, OwnedFd::from(twice)),
            (Purpose::Dns, Chosen::ByManager, udp.into()),
        ] {
            stock.add(Inherited::new(purpose, chosen, descriptor).unwrap());
        }
        for tcp in tcp {
            let given = Inherited::new(Purpose::Http, Chosen::BySettings, tcp.into());
            stock.add(given.unwrap());
        }
        assert_eq!(stock.addresses_by_manager(Purpose::Dns), [of_udp]);
        assert!(stock.addresses_by_manager(Purpose::Http).is_empty());
        assert!(stock.listeners(Purpose::Https, addresses[0]).is_empty());
        assert!(stock.listeners(Purpose::Dns, of_udp).is_empty());
        // Any port is asked for, and one address is given, with all that it has.
        assert_eq!(stock.listeners(Purpose::Http, local()).len(), 2);
        assert!(stock.listeners(Purpose::Http, addresses[0]).is_empty());
        assert_eq!(stock.listeners(Purpose::Http, addresses[1]).len(), 1);
        assert_eq!(stock.datagrams(Purpose::Dns, of_udp).len(), 1);
        assert!(stock.is_empty());
    }

    #[test]
    fn what_does_not_listen_is_refused() {
        let listener = TcpListener::bind(local()).unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let udp = UdpSocket::bind(local()).unwrap();
        let file = std::fs::File::open("/dev/null").unwrap();
        for descriptor in [OwnedFd::from(stream), udp.into(), file.into()] {
            Inherited::new(Purpose::Http, Chosen::ByManager, descriptor).unwrap_err();
        }
        assert!("smtp".parse::<Purpose>().is_err());
        for purpose in [Purpose::Api, Purpose::Http, Purpose::Https, Purpose::Dns] {
            assert_eq!(purpose.as_str().parse::<Purpose>().unwrap(), purpose);
        }
    }
}
