//! Endpoints for tests: each connection is a thread that runs a script.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use socket2::{Domain, SockRef, Socket, Type};

use crate::world::eventually;

/// How long an endpoint leaves its connection unread: longer than the limits it shall run into.
const WITHOUT_READING: Duration = Duration::from_secs(10);

/// A listening endpoint.
pub(crate) struct Endpoint {
    pub(crate) address: SocketAddr,
    listener: Arc<TcpListener>,
    seen: Arc<Seen>,
}

/// What an endpoint saw.
#[derive(Default)]
struct Seen {
    opened: AtomicUsize,
    ended: AtomicUsize,
    requests: Mutex<Vec<Received>>,
}

/// One request as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    /// The connection it came on, from 1.
    pub(crate) connection: usize,
    /// Request line and fields, each line with its line break.
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
    /// The lines behind a chunked body.
    pub(crate) trailers: String,
}

impl Received {
    /// The values of a field, in order.
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        values(&self.head, name)
    }

    pub(crate) fn line(&self) -> &str {
        self.head.lines().next().unwrap()
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

/// The values of a field in a head, in order.
pub(crate) fn values<'a>(head: &'a str, name: &str) -> Vec<&'a str> {
    head.lines()
        .skip(1)
        .filter_map(|line| line.split_once(':'))
        .filter(|(field, _)| field.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim())
        .collect()
}

/// An endpoint's side of one connection.
pub(crate) struct Conversation<'a> {
    pub(crate) stream: TcpStream,
    /// Which connection of the endpoint this is, from 1.
    pub(crate) connection: usize,
    reader: BufReader<TcpStream>,
    seen: &'a Seen,
}

impl Conversation<'_> {
    /// The next request with its body; `None` at the end of the connection.
    pub(crate) fn request(&mut self) -> Option<Received> {
        let request = self.request_head()?;
        self.body_of(request)
    }

    /// The head of the next request alone.
    pub(crate) fn request_head(&mut self) -> Option<Received> {
        let head = read_head(&mut self.reader)?;
        let connection = self.connection;
        Some(Received { connection, head, body: Vec::new(), trailers: String::new() })
    }

    /// Reads the body that a head announces, and notes the request as seen.
    pub(crate) fn body_of(&mut self, mut request: Received) -> Option<Received> {
        (request.body, request.trailers) = read_body(&mut self.reader, &request.head)?;
        self.note(&request);
        Some(request)
    }

    /// Notes a request as seen.
    pub(crate) fn note(&self, request: &Received) {
        self.seen.requests.lock().unwrap().push(request.clone());
    }

    /// Writes, and does not mind when the other side is gone.
    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = self.stream.write_all(bytes.as_ref());
    }

    /// A `200` with this body.
    pub(crate) fn answer(&mut self, body: &str) {
        self.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len()));
    }

    /// Everything until the other side ends; what came before a reset counts.
    pub(crate) fn rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        let _ = self.reader.read_to_end(&mut rest);
        rest
    }

    /// Waits for the other side to end, whatever it sends before.
    pub(crate) fn wait_for_end(&mut self) {
        self.rest();
    }

    /// Keeps the connection for a while without reading from it.
    pub(crate) fn wait_without_reading(&self) {
        thread::sleep(WITHOUT_READING);
    }

    /// Reads some bytes.
    pub(crate) fn read(&mut self, bytes: usize) -> Vec<u8> {
        let mut read = vec![0; bytes];
        self.reader.read_exact(&mut read).unwrap();
        read
    }

    /// Reads what is there next; nothing at the end.
    pub(crate) fn read_some(&mut self) -> Vec<u8> {
        let read = self.reader.fill_buf().map(<[u8]>::to_vec).unwrap_or_default();
        self.reader.consume(read.len());
        read
    }

    /// Ends the connection with a reset instead of a FIN.
    pub(crate) fn reset(self) {
        SockRef::from(&self.stream).set_linger(Some(Duration::ZERO)).unwrap();
    }
}

impl Endpoint {
    /// Answers every request on every connection with `200` and its name as the body.
    pub(crate) fn named(name: &'static str) -> Self {
        Self::scripted(move |mut conversation| {
            while conversation.request().is_some() {
                conversation.answer(name);
            }
        })
    }

    /// Answers every request with these bytes.
    pub(crate) fn saying(response: &'static str) -> Self {
        Self::scripted(move |mut conversation| {
            while conversation.request().is_some() {
                conversation.send(response);
            }
        })
    }

    /// Answers the first request of each connection with these bytes, then closes.
    pub(crate) fn saying_once(response: impl Into<Vec<u8>>) -> Self {
        let response = response.into();
        Self::scripted(move |mut conversation| {
            if conversation.request().is_some() {
                conversation.send(&response);
            }
        })
    }

    /// Reads requests and never answers.
    pub(crate) fn mute() -> Self {
        Self::scripted(|mut conversation| while conversation.request().is_some() {})
    }

    /// Runs a script on each connection, which ends with the script.
    pub(crate) fn scripted(script: impl Fn(Conversation<'_>) + Send + Sync + 'static) -> Self {
        let listener = Arc::new(TcpListener::bind("127.0.0.1:0").unwrap());
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Seen::default());
        let shared = Arc::clone(&seen);
        let script = Arc::new(script);
        let accepting = Arc::clone(&listener);
        thread::spawn(move || {
            while let Ok((stream, _)) = accepting.accept() {
                let connection = shared.opened.fetch_add(1, Ordering::SeqCst) + 1;
                let (seen, script) = (Arc::clone(&shared), Arc::clone(&script));
                thread::spawn(move || {
                    stream.set_nodelay(true).unwrap();
                    let reader = BufReader::new(stream.try_clone().unwrap());
                    script(Conversation { stream, connection, reader, seen: &seen });
                    seen.ended.fetch_add(1, Ordering::SeqCst);
                });
            }
        });
        Self { address, listener, seen }
    }

    /// Refuses connections from now on; those it has go on.
    pub(crate) fn stop_listening(&self) {
        SockRef::from(&*self.listener).shutdown(Shutdown::Both).unwrap();
    }

    /// An address that takes connections and a few kilobytes on each, which nobody ever reads.
    pub(crate) fn deaf() -> SocketAddr {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
        socket.listen(16).unwrap();
        let address = socket.local_addr().unwrap().as_socket().unwrap();
        std::mem::forget(socket);
        address
    }

    /// An address that refuses connections: its port is taken, and nobody listens.
    pub(crate) fn refusing() -> SocketAddr {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
        let address = socket.local_addr().unwrap().as_socket().unwrap();
        // The port must stay taken for as long as the tests run.
        std::mem::forget(socket);
        address
    }

    /// An address whose TCP handshakes are never completed: its backlog is full.
    pub(crate) fn unanswering() -> SocketAddr {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
        socket.listen(0).unwrap();
        let address = socket.local_addr().unwrap().as_socket().unwrap();
        std::mem::forget(socket);
        while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(200)) {
            std::mem::forget(stream);
        }
        address
    }

    /// An address that no packet can be sent to: TCP to a multicast group.
    pub(crate) fn unreachable() -> SocketAddr {
        SocketAddr::from(([224, 0, 0, 1], 80))
    }

    /// Connections opened so far.
    pub(crate) fn connections(&self) -> usize {
        self.seen.opened.load(Ordering::SeqCst)
    }

    /// Requests seen so far.
    pub(crate) fn requests(&self) -> Vec<Received> {
        self.seen.requests.lock().unwrap().clone()
    }

    /// The only request so far.
    pub(crate) fn request(&self) -> Received {
        let requests = self.requests();
        assert_eq!(requests.len(), 1, "{requests:#?}");
        requests.into_iter().next().unwrap()
    }

    /// Waits until so many requests were seen.
    pub(crate) fn wait_for_requests(&self, count: usize) {
        eventually("requests seen", || self.requests().len() >= count);
    }

    /// Waits until so many connections have ended.
    pub(crate) fn wait_for_ends(&self, count: usize) {
        eventually("connections ended", || self.seen.ended.load(Ordering::SeqCst) >= count);
    }

    /// Connections that have ended so far.
    pub(crate) fn ends(&self) -> usize {
        self.seen.ended.load(Ordering::SeqCst)
    }
}

/// Reads a head up to its empty line; `None` when the connection ends before.
pub(crate) fn read_head(reader: &mut impl BufRead) -> Option<String> {
    let mut head = String::new();
    loop {
        let mut line = Vec::new();
        if reader.read_until(b'\n', &mut line).ok()? == 0 {
            return None;
        }
        let line = String::from_utf8_lossy(&line).into_owned();
        if line == "\r\n" {
            return Some(head);
        }
        head.push_str(&line);
    }
}

/// Reads the body and the trailers that a head announces by chunks or length; none by default.
pub(crate) fn read_body(reader: &mut impl BufRead, head: &str) -> Option<(Vec<u8>, String)> {
    if values(head, "transfer-encoding") == ["chunked"] {
        return read_chunks(reader);
    }
    let length = values(head, "content-length").first().map_or(0, |value| value.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((body, String::new()))
}

/// Reads a chunked body and its trailers.
fn read_chunks(reader: &mut impl BufRead) -> Option<(Vec<u8>, String)> {
    let mut body = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let size = usize::from_str_radix(line.strip_suffix("\r\n")?, 16).expect("a chunk size");
        if size == 0 {
            return Some((body, read_head(reader)?));
        }
        let start = body.len();
        body.resize(start + size, 0);
        reader.read_exact(&mut body[start..]).ok()?;
        let mut end = [0; 2];
        reader.read_exact(&mut end).ok()?;
        assert_eq!(&end, b"\r\n", "the end of a chunk");
    }
}
