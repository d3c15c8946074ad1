//! A worker, its view, and a client.

use std::io::{BufReader, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use evenkeel_model::{
    Address, AffinityKey, AffinityKeys, AffinityKind, Config, ConfigBuilder, EndpointHealth,
    EndpointSpec, Health, HostPattern, Live, LiveWriter, LoadBalancer, LoadBalancerId, Monitor,
    MonitorId, MonitorKind, PoolId, PoolIx, PoolSpec, SessionAffinity, Verdict, View,
    ZeroDowntimeFailover,
};
use evenkeel_net::geo::Geo;
use evenkeel_net::listen::listen_shared;
use evenkeel_proxy::{Load, Settings, Shared, WorkerOptions, run_worker};
use evenkeel_telemetry::{Registry, WorkerMetrics};
use socket2::{Domain, Socket, Type};
use tokio::sync::watch;

use crate::endpoint::{read_chunks, read_head};

/// What is configured: pools of endpoints, and one load balancer `lb.test` over them. The last
/// pool is also the fallback unless another one is named.
pub(crate) struct Plan {
    pub(crate) pools: Vec<Vec<EndpointSpec>>,
    pub(crate) fallback: usize,
    pub(crate) affinity: AffinityKind,
    pub(crate) failover: ZeroDowntimeFailover,
    pub(crate) failover_across_pools: bool,
    pub(crate) is_monitored: bool,
    pub(crate) settings: Settings,
    pub(crate) geo: Geo,
}

impl Plan {
    /// One pool of these endpoints.
    pub(crate) fn pool(endpoints: &[SocketAddr]) -> Self {
        Self::pools(&[endpoints])
    }

    pub(crate) fn pools(pools: &[&[SocketAddr]]) -> Self {
        let pools: Vec<_> = pools.iter().map(|pool| pool.iter().map(spec).collect()).collect();
        Self {
            fallback: pools.len() - 1,
            pools,
            affinity: AffinityKind::None,
            failover: ZeroDowntimeFailover::None,
            failover_across_pools: false,
            is_monitored: false,
            settings: Settings::default(),
            geo: Geo::builtin(),
        }
    }

    fn config(&self) -> Config {
        let keys = AffinityKeys { current: AffinityKey([7; 32]), previous: None };
        let mut builder = ConfigBuilder::new(keys);
        let monitor = self.is_monitored.then(|| builder.monitor(any_monitor()));
        let mut pools: Vec<PoolIx> = Vec::new();
        for (n, endpoints) in (1u8..).zip(&self.pools) {
            let name = format!("pool-{n}");
            let spec = PoolSpec::new(PoolId([n; 16]), &name, endpoints.clone());
            pools.push(builder.pool(PoolSpec { monitor, ..spec }));
        }
        let affinity = SessionAffinity {
            kind: self.affinity,
            failover: self.failover,
            ..SessionAffinity::default()
        };
        let host = HostPattern::parse("lb.test").unwrap();
        let fallback = pools[self.fallback];
        builder
            .load_balancer(LoadBalancer {
                affinity,
                failover_across_pools: self.failover_across_pools,
                ..LoadBalancer::new(LoadBalancerId([1; 16]), host, pools, fallback)
            })
            .unwrap();
        builder.build()
    }
}

pub(crate) fn spec(address: &SocketAddr) -> EndpointSpec {
    EndpointSpec::new("endpoint", Address::Ip(address.ip()), address.port())
}

fn any_monitor() -> Monitor {
    Monitor {
        id: MonitorId([9; 16]),
        kind: MonitorKind::Tcp,
        port: 0,
        interval_ms: 10_000,
        timeout_ms: 1_000,
        retries: 0,
        consecutive_up: 1,
        consecutive_down: 1,
    }
}

/// A running worker.
pub(crate) struct World {
    pub(crate) address: SocketAddr,
    pub(crate) metrics: Arc<WorkerMetrics>,
    pub(crate) shared: Shared,
    plan: Plan,
    writer: LiveWriter,
    revision: watch::Sender<u64>,
    drain: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

impl World {
    pub(crate) fn start(plan: Plan) -> Self {
        let config = Arc::new(plan.config());
        let health = Health::new(&config, |_| EndpointHealth::default());
        let (writer, live) = Live::new(View { config, health, revision: 1 });
        let (revision, follow) = watch::channel(1);
        let (drain, drained) = watch::channel(false);
        let listeners = listen_shared("127.0.0.1:0".parse().unwrap(), 1).unwrap();
        let address = listeners[0].local_addr().unwrap();
        let metrics = Arc::clone(&Registry::new(1).workers()[0]);
        let shared = Shared::new(plan.geo.clone());
        let options = WorkerOptions {
            live,
            revision: follow,
            listeners,
            metrics: Arc::clone(&metrics),
            settings: Arc::new(plan.settings.clone()),
            shared: shared.clone(),
            drain: drained,
        };
        let thread = std::thread::spawn(move || run_worker(options).unwrap());
        Self { address, metrics, shared, plan, writer, revision, drain, thread: Some(thread) }
    }

    /// Publishes a view in which the endpoints have these verdicts, in order.
    pub(crate) fn verdicts(&mut self, verdicts: &[Verdict]) {
        let config = Arc::clone(&self.writer.current().config);
        let health = Health::new(&config, |ix| EndpointHealth {
            verdict: verdicts[ix.get()],
            ..EndpointHealth::default()
        });
        self.publish(config, health);
    }

    /// Publishes a changed configuration, with no health known.
    pub(crate) fn change(&mut self, change: impl FnOnce(&mut Plan)) {
        change(&mut self.plan);
        let config = Arc::new(self.plan.config());
        let health = Health::new(&config, |_| EndpointHealth::default());
        self.publish(config, health);
    }

    fn publish(&mut self, config: Arc<Config>, health: Health) {
        let revision = self.writer.current().revision + 1;
        self.writer.publish(View { config, health, revision });
        self.revision.send_replace(revision);
    }

    /// What is counted of an endpoint, in configured order.
    pub(crate) fn load(&self, endpoint: usize) -> Load {
        let config = &self.writer.current().config;
        self.shared.loads.endpoint(config.endpoints[endpoint].id)
    }

    pub(crate) fn client(&self) -> Client {
        Client::connect(self.address)
    }

    /// Tells the worker to stop.
    pub(crate) fn drain(&self) {
        self.drain.send_replace(true);
    }

    /// Waits until the worker has stopped.
    pub(crate) fn join(mut self) {
        self.drain();
        self.thread.take().unwrap().join().unwrap();
    }
}

/// A client's connection.
pub(crate) struct Client {
    pub(crate) stream: TcpStream,
    reader: BufReader<TcpStream>,
}

/// A response.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Response {
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        self.head
            .lines()
            .skip(1)
            .filter_map(|line| line.split_once(": "))
            .filter(|(field, _)| field.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
            .collect()
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// `name=value` of the session cookie, when one was set.
    pub(crate) fn session(&self) -> Option<&str> {
        self.all("set-cookie")
            .into_iter()
            .find(|value| value.starts_with("__cflb="))
            .and_then(|v| v.split(';').next())
    }
}

impl Client {
    pub(crate) fn connect(address: SocketAddr) -> Self {
        Self::over(TcpStream::connect(address).unwrap())
    }

    /// A client at another address of this machine.
    pub(crate) fn connect_from(source: IpAddr, address: SocketAddr) -> Self {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, None).unwrap();
        socket.bind(&SocketAddr::new(source, 0).into()).unwrap();
        socket.connect(&address.into()).unwrap();
        Self::over(socket.into())
    }

    fn over(stream: TcpStream) -> Self {
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let reader = BufReader::new(stream.try_clone().unwrap());
        Self { stream, reader }
    }

    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).unwrap();
    }

    /// `GET /` of `lb.test` with further lines, each ending in CR LF.
    pub(crate) fn get(&mut self, lines: &str) -> Response {
        self.send(format!("GET / HTTP/1.1\r\nHost: lb.test\r\n{lines}\r\n"));
        self.response()
    }

    /// Reads a head; `None` when the connection ended instead.
    pub(crate) fn head(&mut self) -> Option<Response> {
        let head = read_head(&mut self.reader)?;
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Some(Response { status, head, body: Vec::new() })
    }

    /// Reads a response with its body.
    pub(crate) fn response(&mut self) -> Response {
        let response = self.head().expect("a response");
        self.body_of(response)
    }

    pub(crate) fn body_of(&mut self, mut response: Response) -> Response {
        if response.all("transfer-encoding") == ["chunked"] {
            response.body = read_chunks(&mut self.reader);
        } else if let Some(length) = response.all("content-length").first() {
            response.body = vec![0; length.parse().unwrap()];
            self.reader.read_exact(&mut response.body).unwrap();
        } else if !matches!(response.status, 100..=199 | 204 | 304) {
            self.reader.read_to_end(&mut response.body).unwrap();
        }
        response
    }

    /// Whether the server has closed, with nothing left to read.
    pub(crate) fn is_closed(&mut self) -> bool {
        matches!(self.reader.read(&mut [0]), Ok(0))
    }
}
