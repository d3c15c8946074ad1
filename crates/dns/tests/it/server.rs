//! The name server with real sockets, on a port of its own and in both families.

mod names;
mod tcp;
mod udp;

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use evenkeel_decision::NoGeography;
use evenkeel_dns::server::{
    CookieSecret, CookieSecrets, QueryLog, Running, ServerOptions, Settings, bind, start,
};
use evenkeel_dns::{Advertised, resolve::ResolverAddress};
use evenkeel_model::{Live, LiveWriter, Node, Reach, View};
use evenkeel_net::drain::Drain;
use evenkeel_telemetry::{DnsRegistry, Exposition};
use tokio::sync::{mpsc, watch};

use crate::dig::{Asked, show};
use crate::notation::World;

/// Bounds every wait of these tests.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long a client waits that expects no answer.
const SILENCE: Duration = Duration::from_millis(300);
/// Threads per address.
const THREADS: usize = 2;

/// A name server that ends with the test.
pub(super) struct Server {
    /// IPv4 and IPv6.
    pub(super) addresses: [SocketAddr; 2],
    registry: DnsRegistry,
    running: Option<Running>,
    drain: watch::Sender<Drain>,
    revision: watch::Sender<u64>,
    writer: LiveWriter,
}

pub(super) fn settings() -> Settings {
    Settings {
        node: Node::default(),
        geography: Arc::new(NoGeography),
        ejections: None,
        advertised: Advertised::default(),
        reach: Reach::EVERYWHERE,
        // Nobody is there; names do not resolve unless a test says otherwise.
        resolvers: vec![ResolverAddress("127.0.0.1:1".parse().expect("an address"))],
        nsid: Vec::new(),
        cookies: CookieSecrets { current: CookieSecret([7; 16]), others: Vec::new() },
        rate: None,
        rate_exempt: Vec::new(),
    }
}

impl Server {
    pub(super) fn of(world: &str) -> Self {
        Self::with(world, settings(), None)
    }

    pub(super) fn with(world: &str, settings: Settings, log: Option<QueryLog>) -> Self {
        let (writer, live) = Live::new(World::parse(world).view);
        let (revision, follow) = watch::channel(1);
        let (drain, is_draining) = watch::channel(Drain::Not);
        let (ended, _) = mpsc::unbounded_channel();
        let sockets = ["127.0.0.1:0", "[::1]:0"]
            .map(|address| bind(address.parse().expect("an address"), THREADS).expect("a port"));
        let addresses = sockets.each_ref().map(|sockets| sockets.address);
        let registry = DnsRegistry::new(ServerOptions::udp_threads(&sockets));
        let options = ServerOptions {
            live,
            revision: follow,
            sockets: sockets.into(),
            registry: registry.clone(),
            settings,
            log,
            drain: is_draining,
            notices: mpsc::channel(1).1,
            ended,
        };
        let running = Some(start(options).expect("threads"));
        Self { addresses, registry, running, drain, revision, writer }
    }

    /// Replaces the world.
    pub(super) fn publish(&mut self, world: &str) {
        let revision = self.writer.current().revision + 1;
        self.writer.publish(View { revision, ..World::parse(world).view });
        self.revision.send_replace(revision);
    }

    /// Ends it, and says whether all went well.
    pub(super) fn end(&mut self) -> std::io::Result<()> {
        self.drain.send_replace(Drain::Prompt);
        self.running.take().map_or(Ok(()), Running::join)
    }

    pub(super) fn running(&mut self) -> &mut Running {
        self.running.as_mut().expect("not ended")
    }

    /// A connected client of UDP, of IPv4.
    pub(super) fn udp(&self) -> UdpSocket {
        udp_to(self.addresses[0])
    }

    /// A client of TCP, of IPv4.
    pub(super) fn tcp(&self) -> TcpStream {
        tcp_to(self.addresses[0])
    }

    /// The number of a sample of the metrics.
    pub(super) fn metric(&self, sample: &str) -> u64 {
        let mut page = Exposition::default();
        self.registry.render(&mut page);
        let page = page.finish();
        let line = page.lines().find_map(|line| line.strip_prefix(sample)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("no {sample} in\n{page}")).parse().expect("a number")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.end();
    }
}

fn udp_to(server: SocketAddr) -> UdpSocket {
    let own = if server.is_ipv4() { "127.0.0.1:0" } else { "[::1]:0" };
    let client = UdpSocket::bind(own).expect("a port");
    client.set_read_timeout(Some(PATIENCE)).expect("a limit");
    client.connect(server).expect("a route");
    client
}

fn tcp_to(server: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(server).expect("a listener");
    stream.set_read_timeout(Some(PATIENCE)).expect("a limit");
    stream.set_nodelay(true).expect("an option");
    stream
}

/// A query as bytes.
fn message(query: &str) -> Vec<u8> {
    Asked::parse(query).message
}

/// A message with its length before it.
fn framed(message: &[u8]) -> Vec<u8> {
    let length = u16::try_from(message.len()).expect("short").to_be_bytes();
    [&length[..], message].concat()
}

/// The next message of a connection; `None` at its end.
fn next(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut length = [0; 2];
    stream.read_exact(&mut length).ok()?;
    let mut message = vec![0; u16::from_be_bytes(length).into()];
    stream.read_exact(&mut message).expect("a whole message");
    Some(message)
}

/// What a server answers by UDP, as text.
fn ask_udp(client: &UdpSocket, query: &str) -> String {
    client.send(&message(query)).expect("sent");
    let mut buffer = [0; 4096];
    let length = client.recv(&mut buffer).expect("an answer");
    show(&buffer[..length])
}

/// What a server answers by TCP, as text.
fn ask_tcp(stream: &mut TcpStream, query: &str) -> String {
    stream.write_all(&framed(&message(query))).expect("sent");
    show(&next(stream).expect("an answer"))
}
