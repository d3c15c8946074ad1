//! Bodies that nobody asked for: a request is refused by its head, or takes no body at all, and the
//! body is still on its way. Unread, it costs the connection, and a client that is cut off while it
//! sends may never see the answer. So a short rest is read beside the answer and forgotten; with a
//! long one the answer says that the connection ends.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderValue, header};
use http_body_util::BodyExt;
use hyper::body::{Body as _, Frame, SizeHint};

/// The longest rest that is read, in bytes: more than a document has. Whoever sends more without
/// being asked pays for a new connection.
const REST_BYTES_MAX: u64 = 64 * 1024;

/// How long it may take to arrive.
const REST_TIMEOUT: Duration = Duration::from_secs(5);

/// Lets a request pass, and sees to what is left of its body.
pub(super) async fn forget(request: Request, next: Next) -> Response {
    if request.body().is_end_stream() {
        return next.run(request).await;
    }
    // Reading would ask for what the client holds back until it is asked.
    let is_held_back = request.headers().contains_key(header::EXPECT);
    let is_left = Arc::new(AtomicBool::new(false));
    let left = Arc::clone(&is_left);
    let watched = |body| Body::new(Watched { body: Some(body), is_held_back, is_left: left });
    let mut response = next.run(request.map(watched)).await;
    if is_left.load(Ordering::Relaxed) {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// A body that knows whether it was read.
struct Watched {
    /// Nothing once it has come to its end.
    body: Option<Body>,
    /// Whether the client sends it only when it is asked to, and was not.
    is_held_back: bool,
    /// Told when something is left that nobody is going to read.
    is_left: Arc<AtomicBool>,
}

impl hyper::body::Body for Watched {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.is_held_back = false;
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        let frame = ready!(Pin::new(body).poll_frame(cx));
        if !matches!(frame, Some(Ok(_))) {
            self.body = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        let Some(body) = self.body.take().filter(|body| !body.is_end_stream()) else { return };
        let is_long = body.size_hint().lower() > REST_BYTES_MAX;
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) if !is_long && !self.is_held_back => {
                runtime.spawn(tokio::time::timeout(REST_TIMEOUT, read(body)));
            }
            _ => self.is_left.store(true, Ordering::Relaxed),
        }
    }
}

async fn read(mut body: Body) {
    let mut left = REST_BYTES_MAX;
    while let Some(Ok(frame)) = body.frame().await {
        let read = frame.data_ref().map_or(0, Bytes::len);
        let Some(rest) = left.checked_sub(read as u64) else { break };
        left = rest;
    }
}
