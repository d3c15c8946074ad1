//! Endpoints to put behind a proxy, whose capacity is known and one of which may be slow.

use std::net::SocketAddr;
use std::rc::Rc;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::LocalSet;

use crate::failure::{Context, Result};

pub mod args;
mod connection;
mod station;

use args::Serve;
use connection::Endpoint;
use station::Station;

/// Clients of one endpoint that may wait to be accepted.
const BACKLOG: u32 = 4_096;

/// Endpoints that listen.
pub struct Serving {
    endpoints: Vec<Rc<Endpoint>>,
    /// Where each listens.
    pub addresses: Vec<SocketAddr>,
    /// Where the counts are told.
    pub status: SocketAddr,
}

/// Serves until it is told to end or its time is up; prints where it listens, and what came.
///
/// # Errors
///
/// An address cannot be listened on.
pub async fn run(serve: &Serve) -> Result<()> {
    let local = LocalSet::new();
    local
        .run_until(async {
            let serving = Serving::start(serve).await?;
            println!("{}", serving.hello(serve));
            let mut interrupt = signal(SignalKind::interrupt()).context("signals")?;
            let mut terminate = signal(SignalKind::terminate()).context("signals")?;
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
                () = tokio::time::sleep(serve.duration) => {}
            }
            println!("{}", serving.counts());
            Ok(())
        })
        .await
}

impl Serving {
    /// Listens. Has to be called within a [`LocalSet`], and serves as long as that runs.
    ///
    /// # Errors
    ///
    /// An address cannot be listened on.
    pub async fn start(serve: &Serve) -> Result<Self> {
        let mut endpoints = Vec::new();
        let mut addresses = Vec::new();
        for (index, &address) in serve.listen.iter().enumerate() {
            let seed = serve.seed.wrapping_add(index as u64);
            let mean = serve.mean_of(index);
            let station = Station::new(serve.service, mean, serve.concurrency, seed);
            let endpoint = Rc::new(Endpoint::new(station, index + 1, serve.body_bytes));
            let listener = listen(address)?;
            addresses.push(listener.local_addr().context("an address")?);
            let runner = Rc::clone(&endpoint);
            tokio::task::spawn_local(async move { runner.station.run().await });
            tokio::task::spawn_local(accept(listener, Rc::clone(&endpoint)));
            endpoints.push(endpoint);
        }
        let listener = listen(serve.status)?;
        let status = listener.local_addr().context("an address")?;
        tokio::task::spawn_local(tell(listener, endpoints.clone()));
        Ok(Self { endpoints, addresses, status })
    }

    fn hello(&self, serve: &Serve) -> Value {
        json!({
            "endpoints": self.addresses.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "status": self.status.to_string(),
            "capacity_per_second": serve.capacity(),
        })
    }

    /// What came to each, in the order of the addresses.
    pub fn counts(&self) -> Value {
        counts(&self.endpoints)
    }
}

fn counts(endpoints: &[Rc<Endpoint>]) -> Value {
    let each = |endpoint: &Rc<Endpoint>| {
        let counts = &endpoint.station.counts;
        json!({
            "arrived": counts.arrived.get(),
            "served": counts.served.get(),
            "refused": counts.refused.get(),
            "connections": counts.connections.get(),
            "present": counts.present.get(),
            "present_max": counts.present_max.get(),
        })
    };
    json!({ "endpoints": endpoints.iter().map(each).collect::<Vec<_>>() })
}

fn listen(address: SocketAddr) -> Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => tokio::net::TcpSocket::new_v4(),
        SocketAddr::V6(_) => tokio::net::TcpSocket::new_v6(),
    };
    let socket = socket.context("a socket")?;
    socket.set_reuseaddr(true).context("SO_REUSEADDR")?;
    socket.bind(address).context(format!("listening on {address}"))?;
    socket.listen(BACKLOG).context(format!("listening on {address}"))
}

async fn accept(listener: TcpListener, endpoint: Rc<Endpoint>) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let connections = &endpoint.station.counts.connections;
                connections.set(connections.get() + 1);
                let _ = stream.set_nodelay(true);
                // A connection's end is its client's business.
                tokio::task::spawn_local(connection::serve(stream, Rc::clone(&endpoint)));
            }
            // Descriptors have run out: clients wait in the queue until some are given back.
            Err(_) => tokio::time::sleep(std::time::Duration::from_millis(10)).await,
        }
    }
}

/// Answers whatever it is asked with the counts, once per connection.
async fn tell(listener: TcpListener, endpoints: Vec<Rc<Endpoint>>) {
    while let Ok((stream, _)) = listener.accept().await {
        let body = counts(&endpoints).to_string();
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
             Connection: close\r\n\r\n",
            body.len()
        );
        tokio::task::spawn_local(answer(stream, head + &body));
    }
}

async fn answer(mut stream: TcpStream, text: String) {
    // The question is read, so that closing does not reset the answer.
    let _ = stream.read(&mut [0; 4_096]).await;
    let _ = stream.write_all(text.as_bytes()).await;
}
