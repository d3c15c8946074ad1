//! A client that writes bytes and reads responses.

use std::io::{BufReader, ErrorKind, Read, Write};
use std::net::{IpAddr, Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use socket2::{Domain, SockRef, Socket, Type};

use crate::endpoint::{read_body, read_head, values};

/// How long a test waits for something that has to come.
const PATIENCE: Duration = Duration::from_secs(20);

/// A client's connection.
pub(crate) struct Client {
    pub(crate) stream: TcpStream,
    reader: BufReader<TcpStream>,
}

/// A response.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    /// Status line and fields, each line with its line break.
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
    /// The lines behind a chunked body.
    pub(crate) trailers: String,
}

impl Response {
    /// The values of a field, in order.
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        values(&self.head, name)
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

/// How a connection ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// With a FIN: everything sent has arrived.
    Closed,
    /// With a reset: something may be missing.
    Reset,
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
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let reader = BufReader::new(stream.try_clone().unwrap());
        Self { stream, reader }
    }

    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).unwrap();
    }

    /// Sends what the other side may not want any more.
    pub(crate) fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.stream.write_all(bytes.as_ref()).is_ok()
    }

    /// `GET /` of `lb.test` with further lines, each ending in CR LF.
    pub(crate) fn get(&mut self, lines: &str) -> Response {
        self.send(format!("GET / HTTP/1.1\r\nHost: lb.test\r\n{lines}\r\n"));
        self.response()
    }

    /// `POST /` of `lb.test` with a body and further lines.
    pub(crate) fn post(&mut self, lines: &str, body: &str) -> Response {
        let length = body.len();
        self.send(format!(
            "POST / HTTP/1.1\r\nHost: lb.test\r\nContent-Length: {length}\r\n{lines}\r\n{body}"
        ));
        self.response()
    }

    /// Reads a head; `None` when the connection ended instead.
    pub(crate) fn head(&mut self) -> Option<Response> {
        let head = read_head(&mut self.reader)?;
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Some(Response { status, head, body: Vec::new(), trailers: String::new() })
    }

    /// Reads a response with its body.
    pub(crate) fn response(&mut self) -> Response {
        let mut response = self.head().expect("a response");
        let is_framed = ["transfer-encoding", "content-length"]
            .iter()
            .any(|name| !response.all(name).is_empty());
        if is_framed {
            (response.body, response.trailers) =
                read_body(&mut self.reader, &response.head).expect("a whole body");
        } else if !matches!(response.status, 100..=199 | 204 | 304) {
            self.reader.read_to_end(&mut response.body).unwrap();
        }
        response
    }

    /// Reads exactly so many bytes.
    pub(crate) fn read(&mut self, bytes: usize) -> Vec<u8> {
        let mut read = vec![0; bytes];
        self.reader.read_exact(&mut read).unwrap();
        read
    }

    /// Reads whatever is left, and how it ends.
    pub(crate) fn rest(&mut self) -> (Vec<u8>, End) {
        let mut rest = Vec::new();
        let end = match self.reader.read_to_end(&mut rest) {
            Ok(_) => End::Closed,
            Err(error) if error.kind() == ErrorKind::ConnectionReset => End::Reset,
            Err(error) => panic!("no end of the connection: {error}"),
        };
        (rest, end)
    }

    /// Waits for the end, before which nothing may come.
    pub(crate) fn end(&mut self) -> End {
        let (rest, end) = self.rest();
        assert_eq!(String::from_utf8_lossy(&rest), "");
        end
    }

    /// Says that nothing more comes, and still listens.
    pub(crate) fn half_close(&self) {
        self.stream.shutdown(Shutdown::Write).unwrap();
    }

    /// Ends the connection with a reset.
    pub(crate) fn reset(self) {
        SockRef::from(&self.stream).set_linger(Some(Duration::ZERO)).unwrap();
    }
}
