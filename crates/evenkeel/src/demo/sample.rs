//! Sample endpoints: small web servers on loopback that say who they are, and a switch that stops
//! and starts them as a crash and a repair would.

use std::collections::HashMap;
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::task::{AbortHandle, JoinSet};

use super::POOLS;

/// Path that the demo's monitor asks for; not shown.
pub(crate) const HEALTH_PATH: &str = "/health";

/// All sample endpoints.
#[derive(Debug)]
pub(crate) struct Samples {
    /// Where endpoints are stopped and started: `POST /stop/NAME`, `POST /start/NAME`.
    pub(crate) switch: SocketAddr,
    addresses: HashMap<&'static str, SocketAddr>,
    _runtime: Runtime,
}

/// The endpoints that run now.
type Running = Arc<Mutex<HashMap<&'static str, AbortHandle>>>;

impl Samples {
    /// Starts all of them on free ports.
    pub(crate) fn start() -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("samples")
            .enable_all()
            .build()?;
        let running = Running::default();
        let mut addresses = HashMap::new();
        let switch = runtime.block_on(async {
            for name in POOLS.iter().flat_map(|(_, names)| *names) {
                let listener = TcpListener::bind("127.0.0.1:0").await?;
                addresses.insert(name, listener.local_addr()?);
                run(&running, name, listener);
            }
            let listener = TcpListener::bind("127.0.0.1:0").await?;
            let switch = listener.local_addr()?;
            let addresses = addresses.clone();
            tokio::spawn(serve(listener, move |request| flip(&request, &running, &addresses)));
            io::Result::Ok(switch)
        })?;
        Ok(Self { switch, addresses, _runtime: runtime })
    }

    /// Where an endpoint listens while it runs.
    pub(crate) fn address(&self, name: &str) -> SocketAddr {
        self.addresses[name]
    }
}

fn run(running: &Running, name: &'static str, listener: TcpListener) {
    let task = tokio::spawn(serve(listener, move |request| hello(name, &request)));
    running.lock().expect("nobody panics with it").insert(name, task.abort_handle());
}

fn hello(name: &str, request: &Request<Incoming>) -> Response<Full<Bytes>> {
    if request.uri().path() != HEALTH_PATH {
        println!("{name} answers {} {}", request.method(), request.uri());
    }
    Response::new(Full::from(format!("hello from {name}\n")))
}

/// Stops or starts an endpoint.
fn flip(
    request: &Request<Incoming>,
    running: &Running,
    addresses: &HashMap<&'static str, SocketAddr>,
) -> Response<Full<Bytes>> {
    let mut path = request.uri().path().split('/').skip(1);
    let wish = path.next().unwrap_or_default();
    let endpoint = path.next().and_then(|name| addresses.get_key_value(name));
    let answer = match (wish, endpoint) {
        ("stop", Some((name, _))) => {
            if let Some(task) = running.lock().expect("nobody panics with it").remove(name) {
                task.abort();
            }
            format!("{name} is stopped\n")
        }
        ("start", Some((name, address))) => {
            let is_running = running.lock().expect("nobody panics with it").contains_key(name);
            match std::net::TcpListener::bind(address) {
                _ if is_running => {}
                Ok(listener) => {
                    let listener = listener
                        .set_nonblocking(true)
                        .and_then(|()| TcpListener::from_std(listener));
                    if let Ok(listener) = listener {
                        run(running, name, listener);
                    }
                }
                Err(error) => return refusal(&format!("{name} cannot be started: {error}\n")),
            }
            format!("{name} runs\n")
        }
        _ => return refusal("POST /stop/NAME or /start/NAME, NAME one of eu-1 eu-2 us-1 us-2\n"),
    };
    println!("{}", answer.trim_end());
    Response::new(Full::from(answer))
}

fn refusal(text: &str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(text.to_owned()));
    *response.status_mut() = StatusCode::BAD_REQUEST;
    response
}

/// Serves connections until aborted, which cuts them.
async fn serve<F>(listener: TcpListener, answer: F)
where
    F: Fn(Request<Incoming>) -> Response<Full<Bytes>> + Send + Sync + 'static,
{
    let answer = Arc::new(answer);
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { continue };
                let answer = Arc::clone(&answer);
                let service = service_fn(move |request| {
                    let response = answer(request);
                    async move { Ok::<_, Infallible>(response) }
                });
                connections.spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
            Some(_) = connections.join_next() => {}
        }
    }
}
