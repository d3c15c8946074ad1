//! UDP by the batch: one system call receives many datagrams, another sends the answers, each from
//! the address that its question came to. Blocking: a thread per socket waits inside the receiving
//! call, which under load costs nothing besides it.
//!
//! On the path of every DNS query. All `unsafe` of it is in this file.

use std::io;
use std::mem::{offset_of, size_of};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6, UdpSocket};
use std::os::fd::{AsRawFd, RawFd};
use std::ptr;
use std::time::Duration;

use socket2::{Domain, Protocol, SockRef, Socket, Type};

/// Datagrams of one batch. Under full load a batch costs two system calls, so that more would save
/// little; their buffers stay within a core's cache.
pub const BATCH_MAX: usize = 32;
/// Longest datagram that is received whole. Questions have a hundred bytes; those with many options
/// or a signature have some hundred more.
pub const RECEIVED_BYTES_MAX: usize = 4096;
/// What an answer's buffer holds before it grows.
const ANSWER_BYTES: usize = 1232;
/// What the kernel is asked to hold for a thread that is busy; it grants what
/// `net.core.rmem_max` allows.
const KERNEL_BUFFER_BYTES: usize = 4 * 1024 * 1024;
/// Room for one `IP_PKTINFO` or `IPV6_PKTINFO`; the latter takes 40 bytes.
const CONTROL_BYTES: usize = 64;

/// As many sockets on one address as there are threads; the kernel spreads clients over them. With
/// port 0 they all get the port that the first was given. Each waits at most `patience` for a
/// datagram, so that its thread can look for other things.
///
/// # Errors
/// When the address is taken by another program or not on this machine.
pub fn bind_shared(
    address: SocketAddr,
    sockets: usize,
    patience: Duration,
) -> io::Result<Vec<UdpSocket>> {
    // A plain bind first, as for TCP listeners: nobody else's socket may share the port.
    let mut address = address;
    if address.port() != 0 {
        drop(bind(address, false)?);
    }
    let mut bound = Vec::with_capacity(sockets);
    for _ in 0..sockets {
        let socket = bind(address, true)?;
        socket.set_read_timeout(Some(patience))?;
        address = socket.local_addr()?;
        bound.push(socket);
    }
    Ok(bound)
}

/// Makes sockets that others have bound, on one address, what [`bind_shared`] would have made them,
/// and adds further ones until there are as many as asked for. Where there is no room beside them,
/// threads share one.
///
/// # Errors
/// When the process has no descriptors left, or a socket is none of UDP.
pub fn adopt_shared(
    mut adopted: Vec<UdpSocket>,
    sockets: usize,
    patience: Duration,
) -> io::Result<Vec<UdpSocket>> {
    let Some(first) = adopted.first() else { return Ok(adopted) };
    let address = first.local_addr()?;
    while adopted.len() < sockets {
        match bind(address, true).or_else(|_| adopted[0].try_clone()) {
            Ok(further) => adopted.push(further),
            Err(error) => return Err(error),
        }
    }
    for socket in &adopted {
        prepare(&SockRef::from(socket), address)?;
        socket.set_nonblocking(false)?;
        socket.set_read_timeout(Some(patience))?;
    }
    Ok(adopted)
}

fn bind(address: SocketAddr, shared: bool) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    if shared {
        socket.set_reuse_port(true)?;
    }
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    prepare(&socket, address)?;
    socket.bind(&address.into())?;
    Ok(socket.into())
}

fn prepare(socket: &Socket, address: SocketAddr) -> io::Result<()> {
    socket.set_recv_buffer_size(KERNEL_BUFFER_BYTES)?;
    if address.ip().is_unspecified() {
        report_destinations(socket, address)?;
    }
    ignore_path_mtu(socket, address)
}

/// Has the kernel tell where each datagram was sent to. A socket of one address alone need not ask.
fn report_destinations(socket: &Socket, address: SocketAddr) -> io::Result<()> {
    if address.is_ipv4() {
        set(socket.as_raw_fd(), libc::IPPROTO_IP, libc::IP_PKTINFO, 1)
    } else {
        set(socket.as_raw_fd(), libc::IPPROTO_IPV6, libc::IPV6_RECVPKTINFO, 1)
    }
}

/// Whoever forges ICMP messages could otherwise make us fragment answers, and replace the second
/// fragment (RFC 9715 section 3.1).
fn ignore_path_mtu(socket: &Socket, address: SocketAddr) -> io::Result<()> {
    let fd = socket.as_raw_fd();
    if address.is_ipv4() {
        set(fd, libc::IPPROTO_IP, libc::IP_MTU_DISCOVER, libc::IP_PMTUDISC_OMIT)
    } else {
        set(fd, libc::IPPROTO_IPV6, libc::IPV6_MTU_DISCOVER, libc::IPV6_PMTUDISC_OMIT)
    }
}

fn set(socket: RawFd, level: libc::c_int, name: libc::c_int, value: libc::c_int) -> io::Result<()> {
    let bytes = socklen(size_of::<libc::c_int>());
    // SAFETY: the caller's socket is open; the value is an int that outlives the call, and its
    // length is given.
    let result = unsafe { libc::setsockopt(socket, level, name, (&raw const value).cast(), bytes) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// A datagram that arrived.
#[derive(Debug, Clone, Copy)]
pub struct Datagram<'b> {
    /// What is in it.
    pub bytes: &'b [u8],
    /// Who sent it, or is said to have.
    pub source: SocketAddr,
    /// Whether it was longer than [`RECEIVED_BYTES_MAX`] and its end is lost.
    pub is_cut: bool,
}

/// How a batch of answers was sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sent {
    /// Answers that the kernel took.
    pub answers: usize,
    /// Answers that it did not: its buffer is full, or there is no way to their receiver.
    pub failed: usize,
}

/// Buffers of one thread for questions and answers, made once.
#[derive(Debug)]
pub struct Batch {
    slots: Box<[Slot]>,
    /// Slots that hold a datagram.
    received: usize,
}

/// Room for one question and its answer.
#[derive(Debug)]
struct Slot {
    question: Box<[u8; RECEIVED_BYTES_MAX]>,
    length: usize,
    is_cut: bool,
    peer: Peer,
    answer: Vec<u8>,
}

/// Who sent a datagram and where to, as the kernel writes and reads it.
#[derive(Debug, Clone, Copy)]
struct Peer {
    name: libc::sockaddr_in6,
    name_bytes: libc::socklen_t,
    control: Control,
    control_bytes: usize,
}

/// Control messages, aligned as the kernel has them.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(8))]
struct Control([u8; CONTROL_BYTES]);

impl Default for Batch {
    fn default() -> Self {
        let slot = || Slot {
            question: Box::new([0; RECEIVED_BYTES_MAX]),
            length: 0,
            is_cut: false,
            peer: Peer::NOBODY,
            answer: Vec::with_capacity(ANSWER_BYTES),
        };
        Self { slots: (0..BATCH_MAX).map(|_| slot()).collect(), received: 0 }
    }
}

impl Batch {
    /// Waits for datagrams and takes those that are there, up to [`BATCH_MAX`]. Without any, 0 comes
    /// back when the socket's patience is over or a signal arrived.
    ///
    /// # Errors
    /// When the socket fails. Errors of earlier answers, which the kernel may report here, count as
    /// no datagram.
    pub fn receive(&mut self, socket: &UdpSocket) -> io::Result<usize> {
        let mut headers = [EMPTY; BATCH_MAX];
        let mut vectors = [NOTHING; BATCH_MAX];
        for ((slot, header), vector) in self.slots.iter_mut().zip(&mut headers).zip(&mut vectors) {
            *vector = libc::iovec {
                iov_base: slot.question.as_mut_ptr().cast(),
                iov_len: RECEIVED_BYTES_MAX,
            };
            let message = &mut header.msg_hdr;
            message.msg_name = (&raw mut slot.peer.name).cast();
            message.msg_namelen = socklen(size_of::<libc::sockaddr_in6>());
            message.msg_iov = vector;
            message.msg_iovlen = 1;
            message.msg_control = slot.peer.control.0.as_mut_ptr().cast();
            message.msg_controllen = CONTROL_BYTES as _;
        }
        // SAFETY: every header names an address, a vector of one buffer and a control buffer, each
        // with its true length; all of them live in `self` or on this stack until the call is over,
        // and nothing else borrows them meanwhile. The socket is open.
        let count = unsafe {
            libc::recvmmsg(
                socket.as_raw_fd(),
                headers.as_mut_ptr(),
                BATCH_MAX as libc::c_uint,
                libc::MSG_WAITFORONE as _,
                ptr::null_mut(),
            )
        };
        self.received = match usize::try_from(count) {
            Ok(count) => count,
            Err(_) => {
                let error = io::Error::last_os_error();
                return if is_passing(&error) { Ok(0) } else { Err(error) };
            }
        };
        for (slot, header) in self.slots.iter_mut().zip(&headers).take(self.received) {
            let message = &header.msg_hdr;
            slot.length = (header.msg_len as usize).min(RECEIVED_BYTES_MAX);
            slot.is_cut = message.msg_flags & libc::MSG_TRUNC != 0;
            slot.peer.name_bytes = message.msg_namelen;
            #[allow(clippy::unnecessary_cast, reason = "narrower where the C library is musl")]
            let control_bytes = message.msg_controllen as usize;
            slot.peer.control_bytes = control_bytes.min(CONTROL_BYTES);
            slot.peer.unbind_interface();
            slot.answer.clear();
        }
        Ok(self.received)
    }

    /// Visits each datagram received, with an empty buffer for its answer. What stays empty is not
    /// answered.
    pub fn each(&mut self, mut visit: impl FnMut(Datagram<'_>, &mut Vec<u8>)) {
        for slot in &mut self.slots[..self.received] {
            let Some(source) = slot.peer.address() else { continue };
            let bytes = &slot.question[..slot.length];
            visit(Datagram { bytes, source, is_cut: slot.is_cut }, &mut slot.answer);
        }
    }

    /// Sends the answers and forgets the datagrams. Waits for nothing: what the kernel has no room
    /// for is lost, as it might be on its way.
    pub fn send(&mut self, socket: &UdpSocket) -> Sent {
        let mut headers = [EMPTY; BATCH_MAX];
        let mut vectors = [NOTHING; BATCH_MAX];
        let mut answers = 0;
        let answered =
            self.slots[..self.received].iter_mut().filter(|slot| !slot.answer.is_empty());
        for ((slot, header), vector) in answered.zip(&mut headers).zip(&mut vectors) {
            *vector = libc::iovec {
                iov_base: slot.answer.as_mut_ptr().cast(),
                iov_len: slot.answer.len(),
            };
            let message = &mut header.msg_hdr;
            message.msg_name = (&raw mut slot.peer.name).cast();
            message.msg_namelen = slot.peer.name_bytes;
            message.msg_iov = vector;
            message.msg_iovlen = 1;
            if slot.peer.control_bytes > 0 {
                message.msg_control = slot.peer.control.0.as_mut_ptr().cast();
                message.msg_controllen = slot.peer.control_bytes as _;
            }
            answers += 1;
        }
        self.received = 0;
        let mut sent = Sent::default();
        while let left @ 1.. = answers - sent.answers - sent.failed {
            let next = &mut headers[answers - left..answers];
            // SAFETY: as for receiving; `next` has `left` headers, and the kernel only reads what
            // they name.
            let count = unsafe {
                libc::sendmmsg(
                    socket.as_raw_fd(),
                    next.as_mut_ptr(),
                    left as libc::c_uint,
                    libc::MSG_DONTWAIT as _,
                )
            };
            match usize::try_from(count) {
                Ok(count) => sent.answers += count,
                // An error is about the first answer alone.
                Err(_) => sent.failed += 1,
            }
        }
        sent
    }
}

impl Peer {
    const NOBODY: Self = Self {
        // SAFETY: all zeroes is a valid value of this structure of numbers.
        name: unsafe { std::mem::zeroed() },
        name_bytes: 0,
        control: Control([0; CONTROL_BYTES]),
        control_bytes: 0,
    };

    fn address(&self) -> Option<SocketAddr> {
        match libc::c_int::from(self.name.sin6_family) {
            libc::AF_INET if self.name_bytes as usize >= size_of::<libc::sockaddr_in>() => {
                // SAFETY: the kernel wrote a `sockaddr_in`, as its family says; it is shorter than
                // the `sockaddr_in6` it lies in, whose alignment is no smaller.
                let name = unsafe { *(&raw const self.name).cast::<libc::sockaddr_in>() };
                let ip = Ipv4Addr::from_bits(u32::from_be(name.sin_addr.s_addr));
                Some(SocketAddrV4::new(ip, u16::from_be(name.sin_port)).into())
            }
            libc::AF_INET6 if self.name_bytes as usize >= size_of::<libc::sockaddr_in6>() => {
                let name = &self.name;
                let ip = Ipv6Addr::from(name.sin6_addr.s6_addr);
                let port = u16::from_be(name.sin6_port);
                Some(SocketAddrV6::new(ip, port, 0, name.sin6_scope_id).into())
            }
            _ => None,
        }
    }

    /// Leaves it to the routes through which interface the answer goes; only a link-local address
    /// needs the one that the question came by. The message's other fields say, read back, which
    /// address the answer comes from.
    fn unbind_interface(&mut self) {
        let header = size_of::<libc::cmsghdr>();
        let (index, bytes) = match self.address().map(|address| address.ip()) {
            _ if self.control_bytes == 0 => return,
            Some(IpAddr::V4(_)) => {
                (offset_of!(libc::in_pktinfo, ipi_ifindex), size_of::<libc::in_pktinfo>())
            }
            Some(IpAddr::V6(ip)) if !ip.is_unicast_link_local() => {
                (offset_of!(libc::in6_pktinfo, ipi6_ifindex), size_of::<libc::in6_pktinfo>())
            }
            Some(IpAddr::V6(_)) | None => return,
        };
        // The data follow the header at once: both are multiples of the alignment.
        if self.control_bytes >= header + bytes {
            self.control.0[header + index..][..size_of::<libc::c_int>()].fill(0);
        }
    }
}

/// A header that names nothing.
// SAFETY: all zeroes is a valid value of this structure: null pointers, lengths of nothing.
const EMPTY: libc::mmsghdr = unsafe { std::mem::zeroed() };

const NOTHING: libc::iovec = libc::iovec { iov_base: ptr::null_mut(), iov_len: 0 };

fn socklen(bytes: usize) -> libc::socklen_t {
    libc::socklen_t::try_from(bytes).expect("structures of the kernel are small")
}

/// Whether the next try may go well: nothing came in time, a signal did, or an ICMP message about an
/// earlier answer.
fn is_passing(error: &io::Error) -> bool {
    use io::ErrorKind as Kind;
    matches!(
        error.kind(),
        Kind::WouldBlock
            | Kind::TimedOut
            | Kind::Interrupted
            | Kind::ConnectionRefused
            | Kind::ConnectionReset
            | Kind::HostUnreachable
            | Kind::NetworkUnreachable
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bounds every wait of these tests.
    const PATIENCE: Duration = Duration::from_secs(10);

    fn client(server: SocketAddr) -> UdpSocket {
        let own = if server.is_ipv4() { "127.0.0.1:0" } else { "[::1]:0" };
        let client = UdpSocket::bind(own).unwrap();
        client.set_read_timeout(Some(PATIENCE)).unwrap();
        client.connect(server).unwrap();
        client
    }

    /// Sends these and echoes those that have a content. A connected client takes answers only
    /// from the address that it asked.
    fn echo(bound: &str, asked: &str, questions: &[&[u8]]) -> Vec<Vec<u8>> {
        let socket = bind_shared(bound.parse().unwrap(), 1, PATIENCE).unwrap().remove(0);
        let port = socket.local_addr().unwrap().port();
        let client = client(SocketAddr::new(asked.parse().unwrap(), port));
        for question in questions {
            client.send(question).unwrap();
        }
        let mut batch = Batch::default();
        let mut seen = 0;
        let mut sent = Sent::default();
        while seen < questions.len() {
            seen += batch.receive(&socket).unwrap();
            batch.each(|datagram, answer| {
                assert_eq!(datagram.source, client.local_addr().unwrap());
                assert_eq!(datagram.is_cut, datagram.bytes.len() == RECEIVED_BYTES_MAX);
                answer.extend_from_slice(datagram.bytes);
            });
            let of_batch = batch.send(&socket);
            sent.answers += of_batch.answers;
            sent.failed += of_batch.failed;
        }
        let answered = questions.iter().filter(|question| !question.is_empty()).count();
        assert_eq!(sent, Sent { answers: answered, failed: 0 });
        let mut buffer = [0; 8192];
        let read = |_| {
            let length = client.recv(&mut buffer).unwrap();
            buffer[..length].to_vec()
        };
        (0..answered).map(read).collect()
    }

    #[test]
    fn answers_leave_from_the_address_that_was_asked() {
        for (bound, asked) in [
            ("127.0.0.1:0", "127.0.0.1"),
            ("0.0.0.0:0", "127.0.0.1"),
            ("0.0.0.0:0", "127.0.0.7"),
            ("[::1]:0", "::1"),
            ("[::]:0", "::1"),
        ] {
            assert_eq!(echo(bound, asked, &[b"one", b"", b"two"]), [b"one", b"two"], "{bound}");
        }
    }

    #[test]
    fn more_than_a_batch_and_more_than_a_buffer() {
        let many = vec![&b"again"[..]; 3 * BATCH_MAX + 1];
        assert_eq!(echo("127.0.0.1:0", "127.0.0.1", &many), many);
        let long = [7; RECEIVED_BYTES_MAX + 100];
        let answers = echo("127.0.0.1:0", "127.0.0.1", &[&long[..RECEIVED_BYTES_MAX - 1], &long]);
        assert_eq!(answers, [&long[..RECEIVED_BYTES_MAX - 1], &long[..RECEIVED_BYTES_MAX]]);
    }

    #[test]
    fn an_answer_that_cannot_leave_keeps_no_other_from_leaving() {
        let socket = bind_shared("127.0.0.1:0".parse().unwrap(), 1, PATIENCE).unwrap().remove(0);
        let client = client(socket.local_addr().unwrap());
        for question in [b"1", b"2", b"3"] {
            client.send(question).unwrap();
        }
        let mut batch = Batch::default();
        let mut received = 0;
        let (mut answers, mut failed) = (0, 0);
        while received < 3 {
            received += batch.receive(&socket).unwrap();
            batch.each(|datagram, answer| match datagram.bytes {
                b"2" => answer.resize(70_000, 0),
                bytes => answer.extend_from_slice(bytes),
            });
            let sent = batch.send(&socket);
            (answers, failed) = (answers + sent.answers, failed + sent.failed);
        }
        assert_eq!((answers, failed), (2, 1));
    }

    #[test]
    fn threads_share_one_port_and_nobody_else_gets_it() {
        let sockets = bind_shared("127.0.0.1:0".parse().unwrap(), 3, PATIENCE).unwrap();
        let address = sockets[0].local_addr().unwrap();
        assert!(sockets.iter().all(|socket| socket.local_addr().unwrap() == address));
        let refused = bind_shared(address, 1, PATIENCE).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::AddrInUse);
    }

    #[test]
    fn patience_ends() {
        let patience = Duration::from_millis(1);
        let socket = bind_shared("127.0.0.1:0".parse().unwrap(), 1, patience).unwrap().remove(0);
        assert_eq!(Batch::default().receive(&socket).unwrap(), 0);
    }
}
