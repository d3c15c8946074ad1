//! Endpoints for tests: each connection is a thread that runs a script.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

/// A listening endpoint.
pub(crate) struct Endpoint {
    pub(crate) address: SocketAddr,
    seen: Arc<Seen>,
}

/// What an endpoint saw.
#[derive(Default)]
struct Seen {
    connections: AtomicUsize,
    requests: Mutex<Vec<Received>>,
}

/// One request as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Received {
    /// The values of a field, in order.
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        self.head
            .lines()
            .skip(1)
            .filter_map(|line| line.split_once(": "))
            .filter(|(field, _)| field.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
            .collect()
    }
}

impl Endpoint {
    /// Answers every request on every connection with `200` and its name as the body.
    pub(crate) fn named(name: &'static str) -> Self {
        let response = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{name}", name.len());
        Self::answering(move |_, stream| {
            stream.write_all(response.as_bytes()).unwrap();
            true
        })
    }

    /// Reads requests whole and answers by a function; `false` closes the connection.
    pub(crate) fn answering(
        answer: impl Fn(&Received, &mut TcpStream) -> bool + Send + Sync + 'static,
    ) -> Self {
        Self::scripted(move |mut stream, seen| {
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            while let Some(request) = read_request(&mut reader) {
                seen(request.clone());
                if !answer(&request, &mut stream) {
                    break;
                }
            }
            let _ = stream.shutdown(Shutdown::Both);
        })
    }

    /// Runs a script on each connection; it reports the requests it reads.
    pub(crate) fn scripted(
        script: impl Fn(TcpStream, &dyn Fn(Received)) + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Seen::default());
        let shared = Arc::clone(&seen);
        let script = Arc::new(script);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                shared.connections.fetch_add(1, Ordering::SeqCst);
                let (shared, script) = (Arc::clone(&shared), Arc::clone(&script));
                thread::spawn(move || {
                    stream.set_nodelay(true).unwrap();
                    script(stream, &|request| shared.requests.lock().unwrap().push(request));
                });
            }
        });
        Self { address, seen }
    }

    /// An address that refuses connections.
    pub(crate) fn refusing() -> SocketAddr {
        TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
    }

    pub(crate) fn connections(&self) -> usize {
        self.seen.connections.load(Ordering::SeqCst)
    }

    pub(crate) fn requests(&self) -> Vec<Received> {
        self.seen.requests.lock().unwrap().clone()
    }
}

/// Reads one request; `None` at the end of the connection.
pub(crate) fn read_request(reader: &mut impl BufRead) -> Option<Received> {
    let head = read_head(reader)?;
    let received = Received { head, body: Vec::new() };
    let body = if received.all("transfer-encoding") == ["chunked"] {
        read_chunks(reader)
    } else {
        let length =
            received.all("content-length").first().map_or(0, |value| value.parse().unwrap());
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        body
    };
    Some(Received { body, ..received })
}

/// Reads a head up to its empty line.
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

/// Reads a chunked body and its trailers.
pub(crate) fn read_chunks(reader: &mut impl BufRead) -> Vec<u8> {
    let mut body = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let size = usize::from_str_radix(line.trim_end(), 16).unwrap();
        let start = body.len();
        body.resize(start + size, 0);
        reader.read_exact(&mut body[start..]).unwrap();
        if size == 0 {
            read_head(reader);
            return body;
        }
        let mut end = [0; 2];
        reader.read_exact(&mut end).unwrap();
        assert_eq!(&end, b"\r\n");
    }
}
