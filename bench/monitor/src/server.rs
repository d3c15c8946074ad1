//! Whom the probes ask: one server on all of loopback, on a thread of its own.

use std::net::SocketAddr;
use std::sync::{Arc, mpsc};

use rcgen::generate_simple_self_signed;
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;

use crate::process::{Thread, in_thread};

const RESPONSE: &[u8] =
    b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\nConnection: close\r\n\r\nall is well\n";

/// Connections that wait while this thread has no processor; with a short queue they would be lost,
/// and tried again a second later.
const BACKLOG: u32 = 4096;

/// A running server.
pub(crate) struct Server {
    pub port: u16,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<Thread>,
}

impl Server {
    /// Starts one.
    pub(crate) fn start(tls: bool) -> Self {
        let socket = TcpSocket::new_v4().expect("sockets exist");
        socket.bind(SocketAddr::from(([0, 0, 0, 0], 0))).expect("a port is free");
        let port = socket.local_addr().expect("it has an address").port();
        let acceptor = tls.then(|| TlsAcceptor::from(Arc::new(config())));
        let (stop, stopped) = oneshot::channel();
        let (listens, listening) = mpsc::channel();
        let thread = in_thread("server", async move {
            let listener = socket.listen(BACKLOG).expect("the port is still free");
            let _ = listens.send(());
            tokio::select! {
                () = serve(listener, acceptor) => {}
                _ = stopped => {}
            }
        });
        listening.recv().expect("the server listens");
        Self { port, stop: Some(stop), thread: Some(thread) }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            thread.join();
        }
    }
}

async fn serve(listener: TcpListener, tls: Option<TlsAcceptor>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        match tls.clone() {
            None => drop(tokio::spawn(answer(stream))),
            Some(tls) => drop(tokio::spawn(async move {
                if let Ok(stream) = tls.accept(stream).await {
                    answer(stream).await;
                }
            })),
        }
    }
}

/// Answers one request, which comes in one piece. A bare handshake ends here too.
async fn answer(mut stream: impl AsyncRead + AsyncWrite + Unpin) {
    let mut request = [0; 1024];
    if stream.read(&mut request).await.is_ok_and(|bytes| bytes > 0) {
        let _ = stream.write_all(RESPONSE).await;
        let _ = stream.shutdown().await;
    }
}

fn config() -> ServerConfig {
    let made = generate_simple_self_signed(["e.example".to_owned()]).expect("a certificate");
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("the provider has them")
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .expect("key and certificate belong together")
}
