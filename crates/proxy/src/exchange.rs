//! One request and its response, between a client and one endpoint's connection.
//!
//! ```text
//!  client ──upload──▶ endpoint     the request's head and body
//!  client ◀─interim── endpoint     any 1xx, each a call of its own
//!  client ◀─download─ endpoint     the final head and body, while the upload may still run
//! ```
//!
//! On the request path. Dropping the future leaves both connections in the middle of a message:
//! neither may be used again.

use std::future::poll_fn;
use std::io;
use std::task::{Context, Poll};
use std::time::Duration;

use evenkeel_decision::DialFailure;
use evenkeel_h1::{AnswerTo, Body, ChunkedDecoder, Field, HeadScanner, ResponseHead};
use tokio::time::Instant;

use crate::buffer::{Filled, SMALL_BYTES};
use crate::downstream::Downstream;
use crate::refusal::Refusal;
use crate::relay::pump::{BodyFrom, BodyTo, Pump, PumpError, Waiting};
use crate::transport::Transport;
use crate::upstream::{Connection, Fate};
use crate::worker::Worker;

/// Why an exchange broke off before the client got any of the final response.
#[derive(Debug)]
pub(crate) enum Broken {
    /// A reused connection turned out to be closed: nothing came back.
    Stale,
    /// The endpoint says that it has not acted on the request.
    Unprocessed,
    /// The endpoint has not acted on the request, and wants it in HTTP/1.1.
    WantsHttp1,
    /// A fresh connection was reset: nothing came back.
    Reset,
    /// The endpoint's machine has stopped acknowledging, and nothing came back.
    Unacknowledged,
    /// The client is to be told.
    Refused(Refusal),
    /// The client is gone.
    ClientGone,
}

/// How a response ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Delivered {
    /// Whole.
    Whole,
    /// Broken off by the endpoint, or on its account: the client must notice.
    EndpointCut,
    /// The client is gone, or takes nothing any more.
    ClientGone,
}

/// How a body is read by a pump: as the codec says, unless the transport frames messages.
pub(crate) fn body_from(body: &Body, is_framed: bool) -> BodyFrom {
    match body {
        Body::None => BodyFrom::Length(0),
        _ if is_framed => BodyFrom::Framed,
        Body::Length(bytes) => BodyFrom::Length(*bytes),
        Body::Chunked => BodyFrom::Chunked(Box::new(ChunkedDecoder::new())),
        Body::UntilClose => BodyFrom::UntilClose,
    }
}

/// Sends the request and waits for the head of a response, interim ones included, for as long as
/// `read_limit` between two signs of life. The head's bytes stay at the front of the connection's
/// input.
pub(crate) async fn await_head<D: Transport>(
    worker: &Worker,
    downstream: &mut Downstream<D>,
    connection: &mut Connection,
    upload: &mut Pump,
    answer_to: AnswerTo,
    read_limit: Duration,
    fields: &mut Vec<Field>,
) -> Result<ResponseHead, Broken> {
    let timeouts = &worker.settings.timeouts;
    let limits = &worker.settings.limits;
    // Of many streams each response waits in a little storage only.
    connection.input.set_modest(downstream.io.ahead_bytes_max() < SMALL_BYTES);
    let mut scanner = HeadScanner::new();
    let mut timed = None;
    // What followed an interim response is here already.
    let mut is_unread = !connection.input.is_empty();
    poll_fn(|context| {
        loop {
            if std::mem::take(&mut is_unread) {
                match scanner.response(connection.input.filled(), answer_to, limits, fields) {
                    Ok(Some(head)) => return Poll::Ready(Ok(head)),
                    Ok(None) => {}
                    Err(error) => {
                        tracing::debug!(%error, "An endpoint sent a malformed head.");
                        return Poll::Ready(Err(Broken::Refused(Refusal::BAD_RESPONSE)));
                    }
                }
            }
            match poll_upload(worker, downstream, connection, upload, context) {
                Uploaded::Further => {}
                Uploaded::Failed(broken) => return Poll::Ready(Err(broken)),
            }
            let filled = connection.input.poll_fill(
                context,
                &mut connection.io,
                &worker.buffers,
                limits.head_bytes,
            );
            match filled {
                Poll::Pending => break,
                Poll::Ready(Ok(Filled::Bytes(_))) => {
                    connection.first_byte_at.get_or_insert_with(Instant::now);
                    is_unread = true;
                }
                Poll::Ready(Ok(Filled::Full)) => {
                    return Poll::Ready(Err(Broken::Refused(Refusal::BAD_RESPONSE)));
                }
                Poll::Ready(Ok(Filled::End)) => {
                    return Poll::Ready(Err(unanswered(connection, upload, None)));
                }
                Poll::Ready(Err(error)) => {
                    return Poll::Ready(Err(unanswered(connection, upload, Some(&error))));
                }
            }
        }
        // Each step forward starts the clock anew; what it measures depends on who is waited for.
        let waiting = upload.waiting();
        // Reading a body tells by itself that the client is gone.
        if waiting != Waiting::Read && downstream.io.poll_gone(context).is_ready() {
            return Poll::Ready(Err(Broken::ClientGone));
        }
        if timed != Some((waiting, upload.moved())) {
            timed = Some((waiting, upload.moved()));
            downstream.deadline.set(match waiting {
                Waiting::Done => read_limit,
                Waiting::Read => timeouts.request_body,
                Waiting::Write => timeouts.upstream_write,
            });
        }
        downstream.deadline.poll(context).map(|()| {
            Err(Broken::Refused(match waiting {
                Waiting::Read => Refusal::REQUEST_TIMEOUT,
                Waiting::Done | Waiting::Write => Refusal::RESPONSE_TIMEOUT,
            }))
        })
    })
    .await
}

enum Uploaded {
    Further,
    Failed(Broken),
}

fn poll_upload<D: Transport>(
    worker: &Worker,
    downstream: &mut Downstream<D>,
    connection: &mut Connection,
    upload: &mut Pump,
    context: &mut Context<'_>,
) -> Uploaded {
    if upload.is_done() || upload.is_stopped() {
        return Uploaded::Further;
    }
    let polled = upload.poll(
        context,
        &mut downstream.io,
        &mut downstream.input,
        &mut connection.io,
        &worker.buffers,
    );
    downstream.meter.uploaded(upload);
    match polled {
        Poll::Pending | Poll::Ready(Ok(())) => Uploaded::Further,
        // The endpoint may have answered before it closed; reading will tell.
        Poll::Ready(Err(PumpError::Write(_))) => {
            upload.stop();
            Uploaded::Further
        }
        Poll::Ready(Err(PumpError::Malformed(error))) => {
            tracing::debug!(%error, "Client broke the chunked coding.");
            Uploaded::Failed(Broken::Refused(Refusal::of(400)))
        }
        Poll::Ready(Err(PumpError::TooLong)) => Uploaded::Failed(Broken::Refused(Refusal::of(413))),
        Poll::Ready(Err(PumpError::Read(_) | PumpError::Truncated)) => {
            Uploaded::Failed(Broken::ClientGone)
        }
    }
}

/// What it means that a connection ended without a whole response head.
fn unanswered(connection: &Connection, upload: &Pump, error: Option<&io::Error>) -> Broken {
    let is_silent = connection.input.is_empty();
    match connection.io.fate() {
        Some(Fate::Unprocessed) if is_silent => return Broken::Unprocessed,
        Some(Fate::WantsHttp1) if is_silent => return Broken::WantsHttp1,
        Some(Fate::Untranslatable) => return Broken::Refused(Refusal::of(400)),
        Some(Fate::Failed) => return Broken::Refused(Refusal::BAD_RESPONSE),
        _ => {}
    }
    // A reset may have been used up by the write that it failed.
    let is_reset = upload.is_stopped() || error.is_some();
    match error.map(io::Error::kind) {
        Some(io::ErrorKind::TimedOut) if is_silent => Broken::Unacknowledged,
        // TLS 1.3 says only after the handshake that a certificate of ours is missing or wrong.
        Some(io::ErrorKind::InvalidData) if is_silent && !connection.is_reused => {
            Broken::Refused(DialFailure::Tls.into())
        }
        _ if is_silent && connection.is_reused => Broken::Stale,
        _ if is_silent && is_reset => Broken::Reset,
        _ => Broken::Refused(Refusal::BAD_RESPONSE),
    }
}

/// Delivers the final response, while what is left of the request may still go up.
pub(crate) async fn deliver<D: Transport>(
    worker: &Worker,
    downstream: &mut Downstream<D>,
    connection: &mut Connection,
    upload: &mut Pump,
    download: &mut Pump,
    read_limit: Duration,
) -> Result<Delivered, Broken> {
    let timeouts = &worker.settings.timeouts;
    let mut timed = None;
    let mut is_cut_off = false;
    poll_fn(|context| {
        if let Uploaded::Failed(broken) =
            poll_upload(worker, downstream, connection, upload, context)
        {
            // The response may be whole without the rest of the request.
            upload.stop();
            is_cut_off = matches!(broken, Broken::ClientGone);
        }
        let polled = download.poll(
            context,
            &mut connection.io,
            &mut connection.input,
            &mut downstream.io,
            &worker.buffers,
        );
        downstream.meter.downloaded(download);
        match polled {
            Poll::Ready(Ok(())) => return Poll::Ready(Ok(Delivered::Whole)),
            Poll::Ready(Err(error)) => {
                tracing::debug!(%error, "A response was cut short.");
                // As long as the client has none of it, an error page can take its place.
                if matches!(error, PumpError::Malformed(_)) && !download.has_written() {
                    return Poll::Ready(Err(Broken::Refused(Refusal::BAD_RESPONSE)));
                }
                return Poll::Ready(Ok(match error {
                    PumpError::Write(_) => Delivered::ClientGone,
                    _ => Delivered::EndpointCut,
                }));
            }
            Poll::Pending => {}
        }
        // Writing tells by itself that the client is gone. An endpoint that has no more to say now
        // may be waiting for the rest of a request whose sender has left.
        if download.waiting() == Waiting::Read
            && upload.waiting() != Waiting::Read
            && (is_cut_off || downstream.io.poll_gone(context).is_ready())
        {
            return Poll::Ready(Ok(Delivered::ClientGone));
        }
        let moved = download.moved() + upload.moved();
        if timed != Some((download.waiting(), moved)) {
            timed = Some((download.waiting(), moved));
            downstream.deadline.set(match download.waiting() {
                Waiting::Read => read_limit,
                Waiting::Write | Waiting::Done => timeouts.downstream_write,
            });
        }
        downstream.deadline.poll(context).map(|()| {
            Ok(match download.waiting() {
                Waiting::Read => Delivered::EndpointCut,
                Waiting::Write | Waiting::Done => Delivered::ClientGone,
            })
        })
    })
    .await
}

/// Passes bytes both ways after a 101 until both sides have ended, one has broken off, or neither
/// has said anything for the limit. If not whole, the client has to hear of a side breaking off.
pub(crate) async fn tunnel<D: Transport>(
    worker: &Worker,
    downstream: &mut Downstream<D>,
    connection: &mut Connection,
    idle: Duration,
) -> Delivered {
    let mut up = Pump::new(Vec::new(), BodyFrom::UntilClose, BodyTo::Plain);
    let mut down = Pump::new(Vec::new(), BodyFrom::UntilClose, BodyTo::Plain);
    let mut moved = 0;
    downstream.deadline.set(idle);
    poll_fn(|context| {
        let Downstream { io, input, meter, .. } = &mut *downstream;
        let polled = [
            up.poll_through(context, io, input, &mut connection.io, &worker.buffers),
            down.poll_through(
                context,
                &mut connection.io,
                &mut connection.input,
                io,
                &worker.buffers,
            ),
        ];
        meter.uploaded(&mut up);
        meter.downloaded(&mut down);
        if polled.iter().any(|polled| matches!(polled, Poll::Ready(Err(_)))) {
            return Poll::Ready(Delivered::EndpointCut);
        }
        if polled.iter().all(Poll::is_ready) {
            return Poll::Ready(Delivered::Whole);
        }
        if up.moved() + down.moved() != moved {
            moved = up.moved() + down.moved();
            downstream.deadline.set(idle);
        }
        downstream.deadline.poll(context).map(|()| Delivered::Whole)
    })
    .await
}
