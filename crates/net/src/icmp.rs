//! ICMP echo, and UDP datagrams to ports that may be closed.
//!
//! An echo goes through whichever kind of socket the kernel lets this process have: an unprivileged
//! datagram socket (`net.ipv4.ping_group_range`), else a raw one (`CAP_NET_RAW`). Each exchange has
//! a socket of its own, connected to whom it asks, so that the kernel hands it no one else's
//! replies. What a reply means is the caller's; so is the clock.
//!
//! By hand over `socket2`: the packet is eight bytes and a token, and the crates that send pings
//! bring a packet library and a demultiplexer for one shared socket, neither of which is needed
//! here.

use std::io::{self, Read};
use std::mem::size_of_val;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsRawFd;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// What makes a reply the reply to our question. Random, so that nobody off the path can forge one.
pub type Token = [u8; 16];

/// Type, code, checksum, identifier, sequence number.
const HEADER_BYTES: usize = 8;
/// The longest header of IPv4 that raw sockets put before a message, and the message.
const RECEIVED_BYTES_MAX: usize = 60 + HEADER_BYTES + size_of::<Token>();

/// Why an echo did not come about.
#[derive(Debug)]
pub enum EchoError {
    /// The kernel lets this process have neither kind of socket.
    Forbidden(io::Error),
    /// There is no way there, somebody on the way says so, or this machine lacks something.
    Io(io::Error),
}

impl std::fmt::Display for EchoError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Forbidden(_) => {
                "this process may not send pings. Allow its group by \
                 `sysctl net.ipv4.ping_group_range=\"0 2147483647\"`, or give the program \
                 CAP_NET_RAW"
            }
            Self::Io(_) => "ping failed",
        })
    }
}

impl std::error::Error for EchoError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Forbidden(error) | Self::Io(error) => Some(error),
        }
    }
}

impl From<io::Error> for EchoError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Sends one echo request and waits, without an end, for its reply.
///
/// # Errors
/// See [`EchoError`].
///
/// Dropping the future closes the socket; a reply that comes later is lost.
pub async fn echo(to: IpAddr, token: Token) -> Result<(), EchoError> {
    let (socket, kind) = open(to)?;
    report_every_error(&socket, to)?;
    socket.connect(&SocketAddr::new(to, 0).into())?;
    let socket = watched(socket)?;
    socket.get_ref().send(&request(to, token))?;
    let mut buffer = [0; RECEIVED_BYTES_MAX];
    loop {
        let received = receive(&socket, &mut buffer).await?;
        if is_reply(&buffer[..received], to, kind, token) {
            return Ok(());
        }
    }
}

/// Sends a UDP datagram and waits, without an end, for an answer of any length.
///
/// # Errors
/// [`io::ErrorKind::ConnectionRefused`] when the port is unreachable, as ICMP tells; other kinds
/// for what else keeps a datagram from being sent or delivered.
///
/// Dropping the future closes the socket.
pub async fn knock(to: SocketAddr, datagram: &[u8]) -> io::Result<()> {
    let socket = Socket::new(Domain::for_address(to), Type::DGRAM.nonblocking(), None)?;
    socket.connect(&to.into())?;
    let socket = watched(socket)?;
    socket.get_ref().send(datagram)?;
    receive(&socket, &mut [0; 1]).await.map(drop)
}

/// What kind of socket an echo goes through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The kernel writes identifier and checksum and passes on replies to this socket alone.
    Datagram,
    /// We write both. IPv4 messages come with their IP header.
    Raw,
}

/// Asks anew each time: what is allowed may change while the process runs, and a refusal is cheap.
fn open(to: IpAddr) -> Result<(Socket, Kind), EchoError> {
    let protocol = if to.is_ipv4() { Protocol::ICMPV4 } else { Protocol::ICMPV6 };
    let domain = Domain::for_address(SocketAddr::new(to, 0));
    let open = |kind: Type| Socket::new(domain, kind.nonblocking(), Some(protocol));
    let forbidden = match open(Type::DGRAM) {
        Ok(socket) => return Ok((socket, Kind::Datagram)),
        Err(error) if !is_forbidden(&error) => return Err(EchoError::Io(error)),
        Err(error) => error,
    };
    match open(Type::RAW) {
        Ok(socket) => Ok((socket, Kind::Raw)),
        Err(error) if is_forbidden(&error) => Err(EchoError::Forbidden(forbidden)),
        Err(error) => Err(EchoError::Io(error)),
    }
}

/// Whether this kind of socket is not for us. Kernels without datagram sockets for ICMP do not know
/// the protocol.
fn is_forbidden(error: &io::Error) -> bool {
    let unknown = [libc::EPROTONOSUPPORT, libc::ESOCKTNOSUPPORT, libc::EPROTOTYPE];
    error.kind() == io::ErrorKind::PermissionDenied
        || error.raw_os_error().is_some_and(|errno| unknown.contains(&errno))
}

/// Without this, a socket for ICMP hears of a port that is unreachable, but not of a host that is.
fn report_every_error(socket: &Socket, to: IpAddr) -> io::Result<()> {
    let (level, name) = if to.is_ipv4() {
        (libc::IPPROTO_IP, libc::IP_RECVERR)
    } else {
        (libc::IPPROTO_IPV6, libc::IPV6_RECVERR)
    };
    let on: libc::c_int = 1;
    let bytes = libc::socklen_t::try_from(size_of_val(&on)).expect("an int is small");
    // SAFETY: the descriptor is open for as long as `socket` lives; the value is an int that
    // outlives the call, and its length is given.
    let result =
        unsafe { libc::setsockopt(socket.as_raw_fd(), level, name, (&raw const on).cast(), bytes) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

fn watched(socket: Socket) -> io::Result<AsyncFd<Socket>> {
    // SAFETY: a `Socket` owns its descriptor, keeps it open until it is dropped, and is not taken
    // out of the `AsyncFd` again.
    unsafe { AsyncFd::register(socket) }.map_err(|refused| refused.into_parts().1)
}

/// Reads one message, or the error that one of ours met on its way.
async fn receive(socket: &AsyncFd<Socket>, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        // Errors alone do not make a socket readable.
        let mut ready = socket.ready(Interest::READABLE | Interest::ERROR).await?;
        if let Ok(result) = ready.try_io(|socket| socket.get_ref().read(buffer)) {
            return result;
        }
    }
}

/// The message to send. The token's first bytes serve as the identifier, which counts for raw
/// sockets alone.
fn request(to: IpAddr, token: Token) -> [u8; HEADER_BYTES + size_of::<Token>()] {
    let mut message = [0; HEADER_BYTES + size_of::<Token>()];
    message[0] = if to.is_ipv4() { 8 } else { 128 };
    message[4..6].copy_from_slice(&token[..2]);
    message[HEADER_BYTES..].copy_from_slice(&token);
    if to.is_ipv4() {
        let checksum = checksum(&message);
        message[2..4].copy_from_slice(&checksum);
    }
    message
}

/// RFC 1071. For IPv6 the kernel writes it, for it covers the addresses.
fn checksum(message: &[u8]) -> [u8; 2] {
    let words =
        message.chunks_exact(2).map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]])));
    let sum: u32 = words.sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    let folded = (folded & 0xffff) + (folded >> 16);
    (!u16::try_from(folded).unwrap_or(u16::MAX)).to_be_bytes()
}

fn is_reply(received: &[u8], from: IpAddr, kind: Kind, token: Token) -> bool {
    let reply = if from.is_ipv4() { 0 } else { 129 };
    let header_bytes = match (kind, from, received.first()) {
        (Kind::Raw, IpAddr::V4(_), Some(first)) => usize::from(first & 0x0f) * 4,
        _ => 0,
    };
    received.get(header_bytes..).is_some_and(|message| {
        message.len() == HEADER_BYTES + token.len()
            && message[..2] == [reply, 0]
            && message[HEADER_BYTES..] == token
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    const TOKEN: Token = *b"sixteen letters.";

    #[test]
    fn a_request_is_whole_and_its_own_checksum_checks() {
        let message = request("192.0.2.1".parse().unwrap(), TOKEN);
        assert_eq!((message[0], message[1], &message[4..8]), (8, 0, &[b's', b'i', 0, 0][..]));
        assert_eq!(checksum(&message), [0, 0]);
        assert_eq!(request("2001:db8::1".parse().unwrap(), TOKEN)[..4], [128, 0, 0, 0]);
        // The example of RFC 1071 section 3.
        let example = [0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7];
        assert_eq!(checksum(&example), (!0xddf2_u16).to_be_bytes());
    }

    #[test]
    fn only_the_reply_to_the_question_is_taken() {
        let v4: IpAddr = "192.0.2.1".parse().unwrap();
        let v6: IpAddr = "2001:db8::1".parse().unwrap();
        let mut reply = request(v4, TOKEN);
        reply[0] = 0;
        let mut reply_v6 = reply;
        reply_v6[0] = 129;
        let with_header = [&[0x45; 20][..], &reply].concat();
        let with_options = [&[0x46; 24][..], &reply].concat();
        for (received, from, kind, is_ours) in [
            (&reply[..], v4, Kind::Datagram, true),
            (&with_header, v4, Kind::Raw, true),
            (&with_options, v4, Kind::Raw, true),
            (&reply_v6, v6, Kind::Datagram, true),
            (&reply_v6, v6, Kind::Raw, true),
            (&reply_v6, v4, Kind::Datagram, false),
            (&request(v4, TOKEN), v4, Kind::Datagram, false),
            (&reply[..23], v4, Kind::Datagram, false),
            (&with_header[..30], v4, Kind::Raw, false),
            (&[], v4, Kind::Raw, false),
            (&[0x4f], v4, Kind::Raw, false),
        ] {
            assert_eq!(is_reply(received, from, kind, TOKEN), is_ours, "{received:?} {kind:?}");
        }
        assert!(!is_reply(&reply, v4, Kind::Datagram, [0; 16]));
    }

    #[tokio::test]
    async fn a_port_answers_refuses_or_is_silent() {
        let peer = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = peer.local_addr().unwrap();
        let silent = timeout(Duration::from_millis(50), knock(address, b"?")).await;
        assert!(silent.is_err(), "{silent:?}");
        let answer = async {
            peer.recv_from(&mut [0; 8]).await.unwrap();
            let (_, from) = peer.recv_from(&mut [0; 8]).await.unwrap();
            peer.send_to(b"a longer answer than is read", from).await.unwrap();
        };
        let (answered, ()) = tokio::join!(knock(address, b"?"), answer);
        answered.unwrap();
        drop(peer);
        let refused = timeout(Duration::from_secs(10), knock(address, b"?")).await.unwrap();
        assert_eq!(refused.unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
    }

    #[tokio::test]
    async fn loopback_answers_where_pings_are_allowed() {
        for address in ["127.0.0.1", "::1"] {
            match timeout(Duration::from_secs(10), echo(address.parse().unwrap(), TOKEN)).await {
                Ok(Ok(())) => {}
                Ok(Err(error @ EchoError::Forbidden(_))) => {
                    assert!(error.to_string().contains("ping_group_range"), "{error}");
                }
                // A machine without IPv6.
                Ok(Err(EchoError::Io(error))) => {
                    assert!(address == "::1", "{address}: {error}");
                }
                Err(_) => panic!("{address} is silent"),
            }
        }
    }
}
