//! The client of HTTP/2: many streams on few connections. What a server says that it did not act on
//! (streams above a GOAWAY's last one, REFUSED_STREAM) is sent again, as RFC 9113 section 8.7 allows.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use h2::Reason;
use h2::client::{Builder, SendRequest};

use crate::outcome::{Answered, Counters, Kind, count};
use crate::transport::{self, Tls};

/// A server that refuses a request this often does not want it. Servers that leave while many
/// streams come may refuse the same one several times without meaning it.
const TRIES_MAX: u32 = 64;

/// Pause before a request is sent again, times the tries it has had: those that compete for the
/// next connection spread out.
const RETRY_PAUSE: Duration = Duration::from_micros(200);

/// What the server may send ahead, on a stream and on a connection: windows do not slow a run down.
const WINDOW_BYTES: u32 = 8 << 20;

/// How connections are used.
#[derive(Debug, Clone)]
pub struct Options {
    /// Whom to connect to.
    pub to: SocketAddr,
    /// The request's head.
    pub request: http::Request<()>,
    /// Its body, empty for none.
    pub body: Bytes,
    /// Connections kept open, at least 1.
    pub connections: usize,
    /// A connection for every request.
    pub new_connections: bool,
}

/// The client.
pub struct Client {
    options: Options,
    tls: Option<Tls>,
    slots: Vec<Slot>,
    counters: Rc<Counters>,
}

/// The place of one connection.
#[derive(Default)]
struct Slot {
    /// Streams under way.
    streams: Cell<usize>,
    /// Counts connections of this place, so that who failed on an old one leaves the new one be.
    generation: Cell<u64>,
    current: RefCell<Option<SendRequest<Bytes>>>,
    /// Held while dialing: the others wait for the same connection.
    dialing: tokio::sync::Mutex<()>,
}

/// Why a try gave no response.
enum Failed {
    /// The server did not act on it.
    Unprocessed,
    /// It may have.
    For(Kind),
}

impl From<Kind> for Failed {
    fn from(kind: Kind) -> Self {
        Self::For(kind)
    }
}

impl From<h2::Error> for Failed {
    fn from(error: h2::Error) -> Self {
        match error.reason() {
            Some(Reason::NO_ERROR) if error.is_go_away() && error.is_remote() => Self::Unprocessed,
            Some(Reason::REFUSED_STREAM) if error.is_remote() => Self::Unprocessed,
            _ if error.is_io() => Self::For(Kind::Closed),
            _ if error.is_remote() => Self::For(Kind::Reset),
            _ => Self::For(Kind::Protocol),
        }
    }
}

impl Client {
    /// Connects when the first request wants to be sent.
    pub fn new(options: Options, tls: Option<Tls>, counters: Rc<Counters>) -> Self {
        let slots = (0..options.connections).map(|_| Slot::default()).collect();
        Self { options, tls, slots, counters }
    }

    /// Sends the request and waits for the end of its response. Dropped in the middle it resets
    /// the stream.
    ///
    /// # Errors
    ///
    /// Why there was no response.
    pub async fn request(&self) -> Result<Answered, Kind> {
        for tries in 0..TRIES_MAX {
            if tries > 1 {
                tokio::time::sleep(RETRY_PAUSE * tries).await;
            }
            match self.attempt().await {
                Ok(answered) => return Ok(answered),
                Err(Failed::For(kind)) => return Err(kind),
                Err(Failed::Unprocessed) => count(&self.counters.retries_refused),
            }
        }
        Err(Kind::Refused)
    }

    async fn attempt(&self) -> Result<Answered, Failed> {
        if self.options.new_connections {
            let connection = self.dial().await?;
            return self.exchange(connection).await;
        }
        let Some(slot) = self.slots.iter().min_by_key(|slot| slot.streams.get()) else {
            return Err(Kind::Connect.into());
        };
        let _stream = Held::on(&slot.streams);
        let (connection, generation) = self.connection(slot).await?;
        let ready = connection.ready().await;
        let result = match ready {
            Ok(connection) => self.exchange(connection).await,
            // Nothing was sent: whatever became of the connection, another will do.
            Err(_) => Err(Failed::Unprocessed),
        };
        if result.is_err() && slot.generation.get() == generation {
            slot.current.take();
        }
        result
    }

    /// The connection of a place, opened if there is none.
    async fn connection(&self, slot: &Slot) -> Result<(SendRequest<Bytes>, u64), Kind> {
        let current = || slot.current.borrow().clone().map(|c| (c, slot.generation.get()));
        if let Some(found) = current() {
            return Ok(found);
        }
        let _dialing = slot.dialing.lock().await;
        if let Some(found) = current() {
            return Ok(found);
        }
        let connection = self.dial().await?;
        slot.generation.set(slot.generation.get() + 1);
        slot.current.replace(Some(connection.clone()));
        Ok((connection, slot.generation.get()))
    }

    async fn dial(&self) -> Result<SendRequest<Bytes>, Kind> {
        let tls = self.tls.as_ref();
        let stream = transport::dial(self.options.to, tls, &self.counters).await?;
        let (requests, connection) = Builder::new()
            .initial_window_size(WINDOW_BYTES)
            .initial_connection_window_size(WINDOW_BYTES)
            .enable_push(false)
            .handshake(stream)
            .await
            .map_err(|error| self.counters.failed(Kind::Connect, error))?;
        // Ends with the last handle, or when the server closes; every stream hears why.
        tokio::task::spawn_local(connection);
        Ok(requests)
    }

    async fn exchange(&self, mut connection: SendRequest<Bytes>) -> Result<Answered, Failed> {
        let start = Instant::now();
        let bodiless = self.options.body.is_empty();
        let request = self.options.request.clone();
        let (response, body) = connection.send_request(request, bodiless)?;
        if !bodiless {
            // A response may come before all of the body is wanted; then its end is what counts.
            let _ = send(body, self.options.body.clone()).await;
        }
        let response = response.await?;
        let status = response.status().as_u16();
        let mut stream = response.into_body();
        let mut body_bytes = 0;
        while let Some(data) = stream.data().await {
            let data = data.map_err(in_response)?;
            body_bytes += data.len() as u64;
            stream.flow_control().release_capacity(data.len()).map_err(in_response)?;
        }
        stream.trailers().await.map_err(in_response)?;
        Ok(Answered { status, body_bytes, service: start.elapsed() })
    }
}

/// A failure after the response has begun: it was acted on, whatever the error says.
fn in_response(error: h2::Error) -> Failed {
    match Failed::from(error) {
        Failed::Unprocessed => Failed::For(Kind::Reset),
        failed => failed,
    }
}

async fn send(mut to: h2::SendStream<Bytes>, mut body: Bytes) -> Result<(), h2::Error> {
    while !body.is_empty() {
        to.reserve_capacity(body.len());
        let capacity = std::future::poll_fn(|cx| to.poll_capacity(cx)).await;
        let granted = match capacity {
            Some(granted) => granted?.min(body.len()),
            None => return Ok(()), // reset; the response says why
        };
        let part = body.split_to(granted);
        to.send_data(part, body.is_empty())?;
    }
    Ok(())
}

/// Counts while it lives.
struct Held<'a>(&'a Cell<usize>);

impl<'a> Held<'a> {
    fn on(counter: &'a Cell<usize>) -> Self {
        counter.set(counter.get() + 1);
        Self(counter)
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}
