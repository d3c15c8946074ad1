//! The client of HTTP/1.1: connections kept alive and used in turn, one request at a time each;
//! and of WebSocket, where a message and its echo take the place of request and response.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::outcome::{Answered, Counters, Kind, count};
use crate::response::Response;
use crate::transport::{self, Stream, Tls};
use crate::websocket;

/// What is read at once; also the longest head that is understood.
const BUFFER_BYTES: usize = 64 << 10;

/// How long a server may take to close a connection that it said it would close.
const CLOSE_WAIT: Duration = Duration::from_secs(1);

/// How connections are used.
#[derive(Debug, Clone)]
pub struct Options {
    /// Whom to connect to.
    pub to: SocketAddr,
    /// The request, byte for byte.
    pub request: Bytes,
    /// It is a HEAD.
    pub is_head: bool,
    /// A connection for every request.
    pub new_connections: bool,
    /// Send a request again, on a new connection, when an idle one turned out closed.
    pub retry_stale: bool,
    /// Open this many connections before any is used again; 0 opens what is needed.
    pub spread: usize,
    /// Messages of that many bytes over a WebSocket, whose handshake the request then is.
    pub websocket: Option<usize>,
}

/// The client.
pub struct Client {
    options: Options,
    tls: Option<Tls>,
    message: Vec<u8>,
    idle: RefCell<VecDeque<Connection>>,
    counters: Rc<Counters>,
}

struct Connection {
    stream: Stream,
    buffer: Box<[u8]>,
    used: bool,
}

impl Client {
    /// Connects when the first request wants to be sent.
    pub fn new(options: Options, tls: Option<Tls>, counters: Rc<Counters>) -> Self {
        let message = options.websocket.map(websocket::client_message).unwrap_or_default();
        Self { options, tls, message, idle: RefCell::default(), counters }
    }

    /// Sends the request and waits for the end of its response. Dropped in the middle it closes
    /// the connection.
    ///
    /// # Errors
    ///
    /// Why there was no response.
    pub async fn request(&self) -> Result<Answered, Kind> {
        let mut connection = self.connection().await?;
        let mut answer = self.exchange(&mut connection).await;
        if answer == Err(Kind::Stale) && self.options.retry_stale {
            count(&self.counters.retries_stale);
            connection = self.dial().await?;
            answer = self.exchange(&mut connection).await;
        }
        let (answered, stays) = answer?;
        connection.used = true;
        if stays {
            self.idle.borrow_mut().push_back(connection);
        } else {
            // Not the request's time any more.
            tokio::task::spawn_local(tokio::time::timeout(
                CLOSE_WAIT,
                connection.stream.wait_closed(),
            ));
        }
        Ok(answered)
    }

    /// The connection that has been idle longest and is still fit, or a new one.
    async fn connection(&self) -> Result<Connection, Kind> {
        let open = self.counters.connections.get();
        if !self.options.new_connections && open >= self.options.spread as u64 {
            loop {
                // In a statement of its own: nothing is borrowed while waiting.
                let idle = self.idle.borrow_mut().pop_front();
                let Some(mut connection) = idle else { break };
                if connection.stream.is_fit().await {
                    return Ok(connection);
                }
            }
        }
        self.dial().await
    }

    async fn dial(&self) -> Result<Connection, Kind> {
        let tls = self.tls.as_ref();
        let stream = transport::dial(self.options.to, tls, &self.counters).await?;
        let buffer = vec![0; BUFFER_BYTES].into_boxed_slice();
        let mut connection = Connection { stream, buffer, used: false };
        if self.options.websocket.is_some() {
            let (answered, _) = connection.exchange(&self.options.request, false).await?;
            if answered.status != 101 {
                return Err(Kind::Protocol);
            }
        }
        Ok(connection)
    }

    async fn exchange(&self, connection: &mut Connection) -> Result<(Answered, bool), Kind> {
        match self.options.websocket {
            Some(bytes) => {
                let answered = connection.echo(&self.message, bytes).await?;
                Ok((answered, !self.options.new_connections))
            }
            None => connection.exchange(&self.options.request, self.options.is_head).await,
        }
    }
}

impl Connection {
    /// One request and its response; true when another may follow.
    async fn exchange(&mut self, request: &[u8], is_head: bool) -> Result<(Answered, bool), Kind> {
        let start = Instant::now();
        let sent = send(&mut self.stream, request).await;
        let mut response = Response::new(is_head);
        let mut held = 0;
        let mut nothing_read = true;
        // A server may answer and close without reading all of a body: what it says is looked at
        // even if sending failed.
        while !response.is_done() {
            if held == self.buffer.len() {
                return Err(Kind::Protocol);
            }
            let count = self.stream.read(&mut self.buffer[held..]).await.unwrap_or(0);
            if count == 0 {
                if response.ended() {
                    break;
                }
                return Err(self.closed(nothing_read));
            }
            nothing_read = false;
            let end = held + count;
            let taken = response.advance(&self.buffer[..end]).map_err(|_| Kind::Protocol)?;
            self.buffer.copy_within(taken..end, 0);
            held = end - taken;
        }
        if held > 0 {
            // Bytes behind the response that nobody asked for: the next one would be theirs.
            return Err(Kind::Protocol);
        }
        let answered = Answered {
            status: response.status,
            body_bytes: response.body_bytes(),
            service: start.elapsed(),
        };
        Ok((answered, response.keep_alive && sent.is_ok()))
    }

    /// One message and its echo.
    async fn echo(&mut self, message: &[u8], bytes: usize) -> Result<Answered, Kind> {
        let start = Instant::now();
        let _ = send(&mut self.stream, message).await;
        let mut echo = websocket::Echo::new();
        let mut held = 0;
        let mut nothing_read = true;
        loop {
            let count = self.stream.read(&mut self.buffer[held..]).await.unwrap_or(0);
            if count == 0 {
                return Err(self.closed(nothing_read));
            }
            nothing_read = false;
            let end = held + count;
            let taken = echo.advance(&self.buffer[..end]).map_err(|_| Kind::Protocol)?;
            self.buffer.copy_within(taken..end, 0);
            held = end - taken;
            if let Some(length) = echo.finished() {
                let right = length == bytes as u64 && held == 0;
                let service = start.elapsed();
                let answered = Answered { status: 101, body_bytes: length, service };
                return if right { Ok(answered) } else { Err(Kind::Protocol) };
            }
        }
    }

    /// What it means that the connection ended: the server may have closed it while it was idle,
    /// if it ever was and nothing has come since.
    fn closed(&self, nothing_read: bool) -> Kind {
        if self.used && nothing_read { Kind::Stale } else { Kind::Closed }
    }
}

async fn send(stream: &mut Stream, bytes: &[u8]) -> std::io::Result<()> {
    stream.write_all(bytes).await?;
    stream.flush().await
}
