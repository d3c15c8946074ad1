//! The `grpc` and `grpcs` monitors, an addition of ours: the health service that gRPC servers have
//! in common (`grpc.health.v1.Health/Check`), over HTTP/2.
//!
//! Its two messages have one field each and are written and read here; a compiler of protocol
//! buffers would be the larger part of the build.

use std::sync::Arc;
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use evenkeel_model::{FailureReason, MonitorKind};
use h2::RecvStream;
use http::header::{self, HeaderName, HeaderValue};
use http::{HeaderMap, Method, Request, Uri, Version};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;

use super::exchange::driven;
use super::http::first_site;
use super::site::Site;
use super::tls::{Speaks, Tls, Trust};
use super::watched::{Seen, Watched};
use super::{Attempt, Miss, Pass, Prober, dial, impossible, request};
use crate::ask::Ask;
use crate::trace::PhaseName;

const PATH: &str = "/grpc.health.v1.Health/Check";

/// Metadata of a monitor that is passed over: what a call has by itself.
const IGNORED: [HeaderName; 3] =
    [header::CONTENT_TYPE, header::TE, HeaderName::from_static("grpc-timeout")];

/// The longest answer, in bytes. That of a server is seven bytes long.
const ANSWER_BYTES_MAX: usize = 1024;

/// The longest head or trailers of an answer, in bytes, as the server is told.
const HEAD_BYTES_MAX: u32 = 16 * 1024;

/// `grpc-status` of a call that went well.
const OK: u16 = 0;

/// Flag and length before a message.
const PREFIX_BYTES: usize = 5;

/// `ServingStatus.SERVING`.
const SERVING: u64 = 1;

/// Asks until the deadline. Dropping the future closes the connection.
///
/// A call that fails is a mismatch of the code, and its `grpc-status` is the code; one that ends
/// well with another status than `SERVING` is a mismatch of the body.
pub(crate) async fn attempt(
    prober: &Prober,
    ask: &Ask<'_>,
    attempt: Attempt<'_>,
) -> Result<Pass, Miss> {
    let MonitorKind::Grpc { tls, allow_insecure, service, headers } = &ask.monitor.kind else {
        return Err(FailureReason::MonitorConfig.into());
    };
    let site = first_site(ask, *tls, PATH, headers)
        .ok_or_else(|| impossible(attempt, "neither the monitor nor the endpoint has a port"))?;
    let request = call(&site, headers, &ask.user_agent(), ask.timeout())
        .ok_or_else(|| impossible(attempt, "a header cannot be sent"))?;
    let question = question(service.as_deref().unwrap_or_default());
    let name = if site.tls { Some(site.certified_name(attempt)?) } else { None };
    let address = prober.resolver.resolve(site.place(ask), attempt).await?;
    let started = Instant::now();
    let stream = dial::connect(address, attempt).await?;
    let late = FailureReason::HttpTimeout;
    match name {
        Some(name) => {
            let trust = Trust::new(*allow_insecure);
            let tls = Tls { name, trust, speaks: Speaks::Http2 };
            let stream = prober.connectors.connect(stream, tls, attempt).await?;
            attempt.within(late, exchange(stream, request, question, started, attempt)).await?
        }
        None => attempt.within(late, exchange(stream, request, question, started, attempt)).await?,
    }
}

/// The head of the call. `None` when something configured cannot be part of it.
fn call(
    site: &Site,
    headers: &[(String, Vec<String>)],
    user_agent: &str,
    timeout: Duration,
) -> Option<Request<()>> {
    let scheme = if site.tls { "https" } else { "http" };
    let uri = Uri::builder().scheme(scheme).authority(site.host.as_str()).path_and_query(PATH);
    let mut call = Request::new(());
    *call.method_mut() = Method::POST;
    *call.uri_mut() = uri.build().ok()?;
    *call.version_mut() = Version::HTTP_2;
    let ours = call.headers_mut();
    for (name, values) in request::configured(headers)? {
        if !IGNORED.contains(&name) {
            for value in values {
                ours.append(&name, value);
            }
        }
    }
    ours.insert(header::USER_AGENT, HeaderValue::from_str(user_agent).ok()?);
    ours.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    ours.insert(header::TE, HeaderValue::from_static("trailers"));
    let limit = format!("{}m", timeout.as_millis().min(99_999_999));
    ours.insert("grpc-timeout", HeaderValue::from_str(&limit).ok()?);
    Some(call)
}

/// `HealthCheckRequest { string service = 1; }` behind its prefix.
fn question(service: &str) -> Bytes {
    let mut message = BytesMut::new();
    if !service.is_empty() {
        message.put_u8(1 << 3 | 2);
        put_varint(&mut message, service.len() as u64);
        message.put_slice(service.as_bytes());
    }
    let mut framed = BytesMut::with_capacity(PREFIX_BYTES + message.len());
    framed.put_u8(0);
    framed.put_u32(u32::try_from(message.len()).unwrap_or(u32::MAX));
    framed.put(message);
    framed.freeze()
}

async fn exchange<S>(
    stream: S,
    request: Request<()>,
    question: Bytes,
    started: Instant,
    attempt: Attempt<'_>,
) -> Result<Pass, Miss>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let seen = Arc::new(Seen::default());
    let stream = Watched::new(stream, Arc::clone(&seen));
    let broken = |error: h2::Error| {
        attempt.trace.because(&error);
        let reason = seen.broken.get().copied();
        Miss::from(reason.unwrap_or(FailureReason::HttpInvalidResponse))
    };
    attempt.trace.begin(PhaseName::FirstByte);
    let (sender, connection) = h2::client::Builder::new()
        .enable_push(false)
        .max_header_list_size(HEAD_BYTES_MAX)
        .handshake(stream)
        .await
        .map_err(broken)?;
    let talk = async {
        let mut sender = sender.ready().await.map_err(broken)?;
        let (response, mut body) = sender.send_request(request, false).map_err(broken)?;
        body.send_data(question, true).map_err(broken)?;
        let (head, body) = response.await.map_err(broken)?.into_parts();
        let rtt = started.elapsed();
        let status = head.status.as_u16();
        if status != 200 {
            attempt.trace.because(&status);
            return Err(mismatch(status));
        }
        attempt.trace.done(|| status.to_string());
        attempt.trace.begin(PhaseName::Body);
        let (answer, trailers) = read(body).await.map_err(broken)?;
        let ended = trailers.as_ref().unwrap_or(&head.headers);
        judge(&answer, ended, attempt)?;
        Ok(Pass { response_code: status, rtt })
    };
    driven(connection, talk).await
}

fn mismatch(response_code: u16) -> Miss {
    Miss::Failed { reason: FailureReason::ResponseCodeMismatch, response_code }
}

/// Reads an answer as far as it is kept, and its trailers.
async fn read(mut body: RecvStream) -> Result<(Vec<u8>, Option<HeaderMap>), h2::Error> {
    let mut answer = Vec::new();
    while let Some(data) = body.data().await {
        let data = data?;
        body.flow_control().release_capacity(data.len())?;
        let room = ANSWER_BYTES_MAX - answer.len();
        answer.extend_from_slice(&data[..data.len().min(room)]);
    }
    Ok((answer, body.trailers().await?))
}

fn judge(answer: &[u8], ended: &HeaderMap, attempt: Attempt<'_>) -> Result<(), Miss> {
    let status = ended.get("grpc-status").and_then(|status| status.to_str().ok()?.parse().ok());
    let Some(status) = status else {
        attempt.trace.because(&"no grpc-status");
        return Err(FailureReason::HttpInvalidResponse.into());
    };
    if status != OK {
        let message = ended.get("grpc-message").map_or(&b""[..], HeaderValue::as_bytes);
        let message = String::from_utf8_lossy(message);
        attempt.trace.because(&format_args!("grpc-status {status} {message}"));
        return Err(mismatch(status));
    }
    let Some(serving) = serving_status(answer) else {
        attempt.trace.because(&"that is no answer of the health service");
        return Err(FailureReason::HttpInvalidResponse.into());
    };
    let word = match serving {
        0 => "UNKNOWN",
        SERVING => "SERVING",
        2 => "NOT_SERVING",
        3 => "SERVICE_UNKNOWN",
        _ => "a status of another version",
    };
    if serving != SERVING {
        attempt.trace.because(&word);
        return Err(Miss::Failed {
            reason: FailureReason::ResponseBodyMismatch,
            response_code: 200,
        });
    }
    attempt.trace.done(|| word.to_owned());
    Ok(())
}

/// Reads `HealthCheckResponse { ServingStatus status = 1; }` behind its prefix. Members of later
/// versions are skipped; without the member it has its default, 0.
fn serving_status(answer: &[u8]) -> Option<u64> {
    let (prefix, message) = answer.split_first_chunk::<PREFIX_BYTES>()?;
    let [0, length @ ..] = prefix else { return None };
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    let mut rest = message.get(..length).filter(|_| message.len() == length)?;
    let mut status = 0;
    while !rest.is_empty() {
        let key = varint(&mut rest)?;
        let skipped = match key & 7 {
            0 => {
                let value = varint(&mut rest)?;
                if key >> 3 == 1 {
                    status = value;
                }
                0
            }
            1 => 8,
            2 => usize::try_from(varint(&mut rest)?).ok()?,
            5 => 4,
            _ => return None,
        };
        rest = rest.get(skipped..)?;
    }
    Some(status)
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

fn put_varint(to: &mut BytesMut, mut value: u64) {
    while value >= 0x80 {
        to.put_u8((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    to.put_u8(value as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_name_their_service() {
        assert_eq!(question("")[..], [0, 0, 0, 0, 0]);
        assert_eq!(question("ab")[..], [0, 0, 0, 0, 4, 0x0a, 2, b'a', b'b']);
        let long = question(&"x".repeat(300));
        assert_eq!(long[..8], [0, 0, 0, 1, 47, 0x0a, 0xac, 0x02]);
        assert_eq!(long.len(), 5 + 1 + 2 + 300);
    }

    #[test]
    fn answers_are_read_whatever_else_they_hold() {
        let framed = |message: &[u8]| [&[0, 0, 0, 0, message.len() as u8], message].concat();
        for (answer, status) in [
            (framed(&[]), Some(0)),
            (framed(&[0x08, 1]), Some(1)),
            (framed(&[0x08, 2]), Some(2)),
            (framed(&[0x08, 2, 0x08, 1]), Some(1)),
            (framed(&[0x08, 0x81, 0x00]), Some(1)),
            (framed(&[0x12, 2, 8, 2, 0x08, 1]), Some(1)),
            (framed(&[0x15, 0, 0, 0, 0, 0x08, 1]), Some(1)),
            (framed(&[0x11, 0, 0, 0, 0, 0, 0, 0, 0, 0x08, 1]), Some(1)),
            (framed(&[0x08]), None),
            (framed(&[0x12, 9, 0]), None),
            (framed(&[0x13, 1]), None),
            (framed(&[0xff; 11]), None),
            (vec![], None),
            (vec![0, 0, 0, 0, 2, 8], None),
            (vec![0, 0, 0, 0, 0, 8, 1], None),
            (vec![1, 0, 0, 0, 2, 8, 1], None),
            (vec![0, 0xff, 0xff, 0xff, 0xff], None),
        ] {
            assert_eq!(serving_status(&answer), status, "{answer:?}");
        }
    }
}
