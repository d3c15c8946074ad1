//! Clients that speak HTTP/2: one that keeps to it, and one that writes frames.

use std::future::Future;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use bytes::Bytes;
use h2::client::{Builder, SendRequest};
use h2::{RecvStream, SendStream};
use http::{HeaderMap, Request, Response};

/// How long a test waits for something that has to come.
const PATIENCE: Duration = Duration::from_secs(20);

/// A client that keeps to the protocol.
#[derive(Clone)]
pub(crate) struct H2Client(pub(crate) SendRequest<Bytes>);

/// A response.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) fields: HeaderMap,
    pub(crate) body: Vec<u8>,
    pub(crate) trailers: Option<HeaderMap>,
}

impl Answer {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(|value| value.to_str().unwrap())
    }
}

/// Runs a test's client.
pub(crate) fn run<T>(test: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { tokio::time::timeout(PATIENCE, test).await.expect("in time") })
}

/// `GET` of a path of `lb.test`.
pub(crate) fn get(path: &str) -> Request<()> {
    Request::get(format!("http://lb.test{path}")).body(()).unwrap()
}

/// `POST` to a path of `lb.test`.
pub(crate) fn post(path: &str) -> Request<()> {
    Request::post(format!("http://lb.test{path}")).body(()).unwrap()
}

impl H2Client {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        Self::connect_with(address, &Builder::new()).await
    }

    pub(crate) async fn connect_with(address: SocketAddr, builder: &Builder) -> Self {
        let stream = tokio::net::TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let (send, connection) = builder.handshake(stream).await.unwrap();
        tokio::spawn(connection);
        Self(send.ready().await.unwrap())
    }

    /// Sends a request's head; a body may follow.
    pub(crate) async fn begin(
        &self,
        request: Request<()>,
        ends: bool,
    ) -> (h2::client::ResponseFuture, SendStream<Bytes>) {
        let mut send = self.0.clone().ready().await.unwrap();
        send.send_request(request, ends).unwrap()
    }

    /// Sends a request without a body and waits for all of the response.
    pub(crate) async fn ask(&self, request: Request<()>) -> Answer {
        self.try_ask(request).await.unwrap()
    }

    pub(crate) async fn try_ask(&self, request: Request<()>) -> Result<Answer, h2::Error> {
        let (response, _) = self.begin(request, true).await;
        receive(response).await
    }

    /// Sends a request with a body and waits for all of the response.
    pub(crate) async fn send(&self, request: Request<()>, body: &[u8]) -> Answer {
        let (response, mut upload) = self.begin(request, false).await;
        let body = Bytes::copy_from_slice(body);
        let (sent, answer) = tokio::join!(upload_all(&mut upload, body, true), receive(response));
        sent.unwrap();
        answer.unwrap()
    }
}

/// Sends bytes as the windows allow.
pub(crate) async fn upload_all(
    upload: &mut SendStream<Bytes>,
    mut bytes: Bytes,
    ends: bool,
) -> Result<(), h2::Error> {
    while !bytes.is_empty() {
        upload.reserve_capacity(bytes.len());
        let room = std::future::poll_fn(|context| upload.poll_capacity(context)).await;
        let Some(room) = room else { return Ok(()) };
        let piece = bytes.split_to(room?.min(bytes.len()));
        let is_last = bytes.is_empty();
        upload.send_data(piece, ends && is_last)?;
        if is_last {
            return Ok(());
        }
    }
    if ends { upload.send_data(Bytes::new(), true) } else { Ok(()) }
}

/// Waits for all of a response.
pub(crate) async fn receive(response: h2::client::ResponseFuture) -> Result<Answer, h2::Error> {
    let response = response.await?;
    let (parts, mut receive) = Response::into_parts(response);
    let mut body = Vec::new();
    while let Some(data) = next(&mut receive).await {
        body.extend_from_slice(&data?);
    }
    let trailers = receive.trailers().await?;
    Ok(Answer { status: parts.status.as_u16(), fields: parts.headers, body, trailers })
}

/// The next bytes of a body, for which there is room again then.
pub(crate) async fn next(receive: &mut RecvStream) -> Option<Result<Bytes, h2::Error>> {
    let data = receive.data().await?;
    if let Ok(data) = &data {
        receive.flow_control().release_capacity(data.len()).unwrap();
    }
    Some(data)
}

/// A client that writes frames.
pub(crate) struct RawClient {
    pub(crate) stream: TcpStream,
}

/// A frame that was received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RawFrame {
    pub(crate) kind: u8,
    pub(crate) flags: u8,
    pub(crate) stream: u32,
    pub(crate) payload: Vec<u8>,
}

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PING: u8 = 6;
pub(crate) const GOAWAY: u8 = 7;
pub(crate) const WINDOW_UPDATE: u8 = 8;
pub(crate) const CONTINUATION: u8 = 9;

pub(crate) const END_STREAM: u8 = 0x1;
pub(crate) const ACK: u8 = 0x1;
pub(crate) const END_HEADERS: u8 = 0x4;

/// Writes a frame.
pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut bytes = length[1..].to_vec();
    bytes.extend([kind, flags]);
    bytes.extend(stream.to_be_bytes());
    bytes.extend(payload);
    bytes
}

/// Fields, each as a literal without indexing or Huffman coding.
pub(crate) fn block(fields: &[(&str, &str)]) -> Vec<u8> {
    fields.iter().flat_map(|(name, value)| field(0, name, value)).collect()
}

/// A field, in a form that does not name the table (RFC 7541 section 6.2): 0 leaves it alone, 0x40
/// enters it.
pub(crate) fn field(form: u8, name: &str, value: &str) -> Vec<u8> {
    let mut field = vec![form];
    for text in [name, value] {
        integer(&mut field, text.len());
        field.extend(text.as_bytes());
    }
    field
}

/// An integer with a prefix of seven bits (RFC 7541 section 5.1).
fn integer(out: &mut Vec<u8>, mut value: usize) {
    if value < 0x7f {
        return out.push(u8::try_from(value).unwrap());
    }
    out.push(0x7f);
    value -= 0x7f;
    while value >= 0x80 {
        out.push(u8::try_from(value & 0x7f).unwrap() | 0x80);
        value >>= 7;
    }
    out.push(u8::try_from(value).unwrap());
}

/// The fields of `GET /` of `lb.test`.
pub(crate) fn get_block() -> Vec<u8> {
    block(&[(":method", "GET"), (":scheme", "http"), (":path", "/"), (":authority", "lb.test")])
}

impl RawClient {
    /// Connects and sends preface and SETTINGS.
    pub(crate) fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        let mut client = Self { stream };
        client.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
        client.send(frame(SETTINGS, 0, 0, &[]));
        client
    }

    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).unwrap();
    }

    /// Sends what the other side may not want any more.
    pub(crate) fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.stream.write_all(bytes.as_ref()).is_ok()
    }

    /// The next frame; `None` at the end of the connection.
    pub(crate) fn frame(&mut self) -> Option<RawFrame> {
        let mut head = [0; 9];
        match self.stream.read_exact(&mut head) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => panic!("no frame in time"),
            Err(_) => return None,
        }
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; usize::try_from(length).unwrap()];
        self.stream.read_exact(&mut payload).ok()?;
        let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
        Some(RawFrame { kind: head[3], flags: head[4], stream, payload })
    }

    /// Reads up to a frame of this kind; `None` when the connection ends before.
    pub(crate) fn wait_for(&mut self, kind: u8) -> Option<RawFrame> {
        std::iter::from_fn(|| self.frame()).find(|frame| frame.kind == kind)
    }

    /// Reads up to a frame of one of these kinds.
    pub(crate) fn frame_of(&mut self, kinds: &[u8]) -> RawFrame {
        let found = std::iter::from_fn(|| self.frame()).find(|frame| kinds.contains(&frame.kind));
        found.expect("a frame")
    }

    /// Whether the first field of a HEADERS frame is a status from 400 on, in one of the forms that
    /// encoders give it.
    pub(crate) fn status_is_error(&self, headers: &RawFrame) -> bool {
        match headers.payload[..] {
            // 400, 404 and 500 of the static table.
            [0x8c..=0x8e, ..] => true,
            // `:status` by its name, the value as digits or in Huffman's code; 4 and 5 are 0x1a
            // and 0x1b in it, of six bits.
            [_, 0x03, digit, ..] => digit >= b'4',
            [_, length, coded, ..] => length >= 0x80 && matches!(coded >> 2, 0x1a | 0x1b),
            _ => false,
        }
    }

    /// The code of the GOAWAY that the connection ends with; none if it just ends.
    pub(crate) fn goaway(&mut self) -> Option<u32> {
        let frame = self.wait_for(GOAWAY)?;
        Some(u32::from_be_bytes(frame.payload[4..8].try_into().unwrap()))
    }
}
