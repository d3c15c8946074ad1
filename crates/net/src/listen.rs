//! TCP listeners that several workers share: each worker binds its own socket with `SO_REUSEPORT`
//! and the kernel spreads connections over them.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::AsFd;
use std::time::Duration;

use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};

/// Connections the kernel holds ready per listener before it drops further ones. Linux caps it at
/// `net.core.somaxconn` (4,096 by default).
pub const BACKLOG: i32 = 4096;

/// Client connections: probes start after this much silence (behaviour.md 10, item 6).
const KEEPALIVE_IDLE: Duration = Duration::from_secs(400);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(75);
const KEEPALIVE_MISSES: u32 = 9;

/// One listener on an address, non-blocking.
///
/// # Errors
/// When the address is taken by another program or not on this machine.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    bind(address, false)
}

/// As many listeners on one address as there are workers. With port 0 they all get the port that
/// the first was given.
///
/// # Errors
/// As for [`listen`]. A stranger's listener on the port refuses us, even one with `SO_REUSEPORT`
/// of another user.
pub fn listen_shared(address: SocketAddr, workers: usize) -> io::Result<Vec<TcpListener>> {
    // A plain bind first: SO_REUSEPORT alone would silently share the port with a second copy of
    // this program, and half of the connections would go there.
    let mut address = address;
    if address.port() != 0 {
        drop(bind(address, false)?);
    }
    let mut listeners = Vec::with_capacity(workers);
    for _ in 0..workers {
        let listener = bind(address, true)?;
        address = listener.local_addr()?;
        listeners.push(listener);
    }
    Ok(listeners)
}

/// Shares the sockets of one address out to workers, so that every socket has somebody who accepts
/// on it: a socket whose queue nobody looks at would keep its clients waiting for ever, and closing
/// it would reset them.
///
/// ```text
/// as many sockets as workers   each worker gets one
/// fewer                        further ones are bound beside them, or all workers share all
/// more                         each worker gets as many; those left over are shared by all workers
/// ```
///
/// Also returns all of the sockets, the further ones included.
///
/// # Errors
/// When the process has no descriptors left.
pub fn share_out(
    mut sockets: Vec<TcpListener>,
    workers: usize,
) -> io::Result<(Vec<TcpListener>, Vec<Vec<TcpListener>>)> {
    for socket in &sockets {
        socket.set_nonblocking(true)?;
    }
    let address = sockets.first().map(TcpListener::local_addr).transpose()?;
    while let Some(address) = address.filter(|_| sockets.len() < workers) {
        // A socket that somebody else bound alone has no room beside it.
        match bind(address, true) {
            Ok(further) => sockets.push(further),
            Err(_) => break,
        }
    }
    let mut of_worker: Vec<_> = (0..workers).map(|_| Vec::new()).collect();
    let even = sockets.len() - sockets.len() % workers.max(1);
    for (n, socket) in sockets.iter().enumerate() {
        for (worker, listeners) in of_worker.iter_mut().enumerate() {
            if n >= even || n % workers == worker {
                listeners.push(socket.try_clone()?);
            }
        }
    }
    Ok((sockets, of_worker))
}

fn bind(address: SocketAddr, shared: bool) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    if shared {
        socket.set_reuse_port(true)?;
    }
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// Sets what every client connection needs: no delay of small writes, and keep-alive probes. Linux
/// hands both down from a listener to what connects from then on, which saves each connection the
/// system calls. Those that wait in a queue older than this have to be set one by one.
///
/// # Errors
/// When the connection has ended.
pub fn prepare(socket: &impl AsFd) -> io::Result<()> {
    let socket = SockRef::from(socket);
    socket.set_tcp_nodelay(true)?;
    let probes = TcpKeepalive::new()
        .with_time(KEEPALIVE_IDLE)
        .with_interval(KEEPALIVE_INTERVAL)
        .with_retries(KEEPALIVE_MISSES);
    socket.set_tcp_keepalive(&probes)
}

#[cfg(test)]
mod tests {
    use super::*;

    use std::net::TcpStream;

    #[test]
    fn every_socket_has_somebody_who_accepts_on_it() {
        for (sockets, workers, expected) in [
            (3, 3, &[1, 1, 1][..]),
            (2, 4, &[1, 1, 1, 1]),
            (4, 2, &[2, 2]),
            (3, 2, &[2, 2]),
            (5, 2, &[3, 3]),
            (5, 8, &[1; 8]),
        ] {
            let bound = listen_shared("127.0.0.1:0".parse().unwrap(), sockets).unwrap();
            let (all, dealt) = share_out(bound, workers).unwrap();
            let lengths: Vec<_> = dealt.iter().map(Vec::len).collect();
            assert_eq!(lengths, expected, "{sockets} sockets, {workers} workers");
            assert_eq!(all.len(), sockets.max(workers));
        }
        // One that has no room beside it is shared by all.
        let alone = listen("127.0.0.1:0".parse().unwrap()).unwrap();
        let (all, dealt) = share_out(vec![alone], 3).unwrap();
        assert_eq!((all.len(), dealt.iter().map(Vec::len).sum::<usize>()), (1, 3));
    }

    #[test]
    fn a_listener_hands_down_what_its_connections_need() {
        let listener = listen("127.0.0.1:0".parse().unwrap()).unwrap();
        prepare(&listener).unwrap();
        let _client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        listener.set_nonblocking(false).unwrap();
        let (accepted, _) = listener.accept().unwrap();
        let socket = SockRef::from(&accepted);
        assert!(socket.tcp_nodelay().unwrap() && socket.keepalive().unwrap());
        assert_eq!(socket.tcp_keepalive_time().unwrap(), KEEPALIVE_IDLE);
        assert_eq!(socket.tcp_keepalive_interval().unwrap(), KEEPALIVE_INTERVAL);
        assert_eq!(socket.tcp_keepalive_retries().unwrap(), KEEPALIVE_MISSES);
    }

    #[test]
    fn workers_share_one_port_and_nobody_else_gets_it() {
        let listeners = listen_shared("127.0.0.1:0".parse().unwrap(), 3).unwrap();
        let address = listeners[0].local_addr().unwrap();
        assert!(listeners.iter().all(|listener| listener.local_addr().unwrap() == address));
        assert_eq!(listen_shared(address, 1).unwrap_err().kind(), io::ErrorKind::AddrInUse);
        assert_eq!(listen(address).unwrap_err().kind(), io::ErrorKind::AddrInUse);
    }
}
