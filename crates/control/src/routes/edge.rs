//! What happens to every request for the API before a route is chosen, and to every answer after:
//! the rate limit, and what browsers are told. Both are off unless the installation asks for them.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::app::App;
use crate::auth::recognise;
use crate::error::ApiError;
use crate::server::{Cors, Limiter, LimiterKey, Peer};

/// What stands around the routes.
pub(super) struct Edge {
    app: Arc<App>,
    cors: Option<Cors>,
    limiter: Option<Limiter>,
}

impl Edge {
    pub(super) fn new(app: Arc<App>) -> Self {
        let cors = Cors::new(&app.settings.cors_origins);
        let limiter = app.settings.rate_limit.map(Limiter::new);
        Self { app, cors, limiter }
    }

    /// Who is limited: whoever holds a token by that, everybody else by address.
    fn key(&self, request: &Request) -> LimiterKey {
        match recognise(request.headers(), &self.app.catalog()) {
            Ok(Some(token)) => LimiterKey::Token(token.document.id.clone()),
            _ => LimiterKey::Address(request.extensions().get::<Peer>().map(|peer| peer.0)),
        }
    }

    async fn limited(&self, request: Request, next: Next) -> Response {
        let Some(limiter) = &self.limiter else { return next.run(request).await };
        let allowance = limiter.count(self.key(&request), evenkeel_net::unix_time_ms());
        let mut response = if allowance.is_granted() {
            next.run(request).await
        } else {
            ApiError::too_many_requests().into_response()
        };
        allowance.write(response.headers_mut());
        response
    }
}

/// Answers a request, by way of the routes unless the edge has the answer.
pub(super) async fn pass(State(edge): State<Arc<Edge>>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    if !path.starts_with(super::BASE) && !path.starts_with("/evenkeel/") {
        return next.run(request).await;
    }
    let Some(cors) = &edge.cors else { return edge.limited(request, next).await };
    let asked = request.headers().clone();
    let preflight = cors.preflight(request.method(), &asked);
    let mut response = match preflight {
        Some(status) => status.into_response(),
        None => edge.limited(request, next).await,
    };
    cors.write(&asked, preflight.is_some(), response.headers_mut());
    response
}
