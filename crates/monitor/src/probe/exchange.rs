//! One request and its response over a connection just made: sent, read as far as needed, judged.

use std::error::Error;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;

use bytes::Bytes;
use evenkeel_model::{BodyMatch, ExpectedCodes, FailureReason};
use http::{Request, Response};
use http_body_util::Empty;
use hyper::body::{Body, Incoming};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;

use super::watched::{Seen, Watched};
use super::{Attempt, Miss, Pass, request};
use crate::trace::PhaseName;

/// The longest response head, and the most read ahead of a body, in bytes. Four times what common
/// servers send at most; with all sockets of the checker at it, 64 MiB.
const READ_BYTES_MAX: usize = 64 * 1024;

/// What a response must be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Judge<'a> {
    /// Status codes that pass.
    pub codes: &'a ExpectedCodes,
    /// Text the body must contain; `None` when not checked.
    pub body: Option<&'a BodyMatch>,
    /// Whether a redirect is an answer still to come instead of one to judge.
    pub follow: bool,
}

/// How an exchange ended, if not badly.
#[derive(Debug)]
pub(crate) enum Answer {
    /// With a response that passes.
    Pass(Pass),
    /// With a redirect to follow.
    Redirect {
        /// As sent.
        location: String,
        /// When the first byte of the response came.
        first_byte: Instant,
    },
}

/// Sends a request and judges the response. Ends as soon as the outcome is certain, with or without
/// the rest of the body. The clock is the caller's: dropping the future closes the connection.
///
/// `started` is when connecting began.
pub(crate) async fn exchange<S>(
    stream: S,
    request: Request<Empty<Bytes>>,
    judge: Judge<'_>,
    started: Instant,
    attempt: Attempt<'_>,
) -> Result<Answer, Miss>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let seen = Arc::new(Seen::default());
    let io = TokioIo::new(Watched::new(stream, Arc::clone(&seen)));
    let broken = || {
        let reason = seen.broken.get().copied();
        Miss::from(reason.unwrap_or(FailureReason::HttpInvalidResponse))
    };
    let (mut sender, connection) = http1::Builder::new()
        .max_buf_size(READ_BYTES_MAX)
        .title_case_headers(true)
        .handshake(io)
        .await
        .map_err(|_| broken())?;
    let talk = async {
        attempt.trace.begin(PhaseName::FirstByte);
        let response = sender.send_request(request).await;
        let first_byte = seen.first_byte.get().copied();
        if let Some(first_byte) = first_byte {
            attempt.trace.turn(first_byte, PhaseName::Head);
        }
        let response = response.map_err(|error| {
            attempt.trace.because(&explained(&error));
            broken()
        })?;
        let first_byte = first_byte.unwrap_or_else(Instant::now);
        judge.judge(response, started, first_byte, attempt).await
    };
    driven(connection, talk).await
}

/// Runs a conversation on a connection, which only moves while it is polled.
pub(crate) async fn driven<T>(connection: impl Future, talk: impl Future<Output = T>) -> T {
    let (mut connection, mut talk) = (pin!(connection), pin!(talk));
    let mut open = true;
    poll_fn(|cx| {
        // The connection first: what it reads, or how it ends, is news for the conversation.
        open = open && connection.as_mut().poll(cx).is_pending();
        talk.as_mut().poll(cx)
    })
    .await
}

impl Judge<'_> {
    async fn judge(
        &self,
        response: Response<Incoming>,
        started: Instant,
        first_byte: Instant,
        attempt: Attempt<'_>,
    ) -> Result<Answer, Miss> {
        let response_code = response.status().as_u16();
        let failed = |reason| Miss::Failed { reason, response_code };
        if self.follow
            && let Some(location) = request::location_of(response_code, response.headers())
        {
            let location =
                location.to_str().map_err(|_| failed(FailureReason::HttpInvalidResponse))?;
            return Ok(Answer::Redirect { location: location.to_owned(), first_byte });
        }
        if !self.codes.accept(response_code) {
            attempt.trace.because(&response_code);
            return Err(failed(FailureReason::ResponseCodeMismatch));
        }
        attempt.trace.done(|| response_code.to_string());
        if let Some(text) = self.body {
            attempt.trace.begin(PhaseName::Body);
            search(response.into_body(), text, attempt).await.map_err(failed)?;
        }
        Ok(Answer::Pass(Pass { response_code, rtt: first_byte.duration_since(started) }))
    }
}

/// Reads a body until the text is found or its window is over. A body that breaks off before that
/// is no valid response (behaviour.md U40).
async fn search(
    mut body: Incoming,
    text: &BodyMatch,
    attempt: Attempt<'_>,
) -> Result<(), FailureReason> {
    let mut window = Vec::new();
    loop {
        let searched = window.len();
        let arrival = fill(&mut body, &mut window).await;
        let bytes = window.len();
        if text.is_in_more(&window, searched) {
            attempt.trace.done(|| format!("found within {bytes} bytes"));
            return Ok(());
        }
        match arrival {
            Arrival::Some => {}
            Arrival::End => {
                attempt.trace.because(&format_args!("not in the first {bytes} bytes"));
                return Err(FailureReason::ResponseBodyMismatch);
            }
            Arrival::Broken => {
                attempt.trace.because(&format_args!("broke off after {bytes} bytes"));
                return Err(FailureReason::HttpInvalidResponse);
            }
        }
    }
}

/// An error and what it came from.
fn explained(error: &hyper::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

/// What [`fill`] came back with.
enum Arrival {
    /// More of the body; the rest is still to come.
    Some,
    /// The end of the body or of the window.
    End,
    /// The connection or the framing broke.
    Broken,
}

/// Waits for body data and takes all that has arrived, so that a body in chunks of one byte is not
/// searched after each of them.
async fn fill(body: &mut Incoming, window: &mut Vec<u8>) -> Arrival {
    let before = window.len();
    let mut asked_again = false;
    poll_fn(|cx| {
        loop {
            if window.len() >= BodyMatch::WINDOW_BYTES {
                return Poll::Ready(Arrival::End);
            }
            match Pin::new(&mut *body).poll_frame(cx) {
                Poll::Pending if window.len() == before => return Poll::Pending,
                Poll::Pending if asked_again => return Poll::Ready(Arrival::Some),
                Poll::Pending => {
                    // The connection hands over one chunk each time it is polled, and is polled
                    // before this: what it has read already comes by asking once more.
                    asked_again = true;
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Poll::Ready(None) => return Poll::Ready(Arrival::End),
                Poll::Ready(Some(Err(_))) => return Poll::Ready(Arrival::Broken),
                Poll::Ready(Some(Ok(frame))) => {
                    asked_again = false;
                    if let Some(data) = frame.data_ref() {
                        let room = BodyMatch::WINDOW_BYTES - window.len();
                        window.extend_from_slice(&data[..data.len().min(room)]);
                    }
                }
            }
        }
    })
    .await
}
