//! TCP listeners that several workers share: each worker binds its own socket with `SO_REUSEPORT`
//! and the kernel spreads connections over them.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};
use tokio::net::TcpStream;

/// Connections the kernel holds ready per listener before it drops further ones. Linux caps it at
/// `net.core.somaxconn` (4,096 by default).
const BACKLOG: i32 = 4096;

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

/// Sets what every accepted connection needs: no delay of small writes, and keep-alive probes.
///
/// # Errors
/// When the peer is gone already.
pub fn prepare_accepted(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let probes = TcpKeepalive::new()
        .with_time(KEEPALIVE_IDLE)
        .with_interval(KEEPALIVE_INTERVAL)
        .with_retries(KEEPALIVE_MISSES);
    SockRef::from(stream).set_tcp_keepalive(&probes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workers_share_one_port_and_nobody_else_gets_it() {
        let listeners = listen_shared("127.0.0.1:0".parse().unwrap(), 3).unwrap();
        let address = listeners[0].local_addr().unwrap();
        assert!(listeners.iter().all(|listener| listener.local_addr().unwrap() == address));
        assert_eq!(listen_shared(address, 1).unwrap_err().kind(), io::ErrorKind::AddrInUse);
        assert_eq!(listen(address).unwrap_err().kind(), io::ErrorKind::AddrInUse);
    }
}
