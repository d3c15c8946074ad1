//! What orchestrators and scrapers ask. Needs no credentials and tells no secrets.

use std::sync::Arc;

use axum::extract::State;
use axum::response::IntoResponse;
use http::{StatusCode, header};

use crate::app::App;

/// The process lives.
pub(super) async fn healthz() -> &'static str {
    "ok\n"
}

/// Every listener is bound and the configuration is live.
pub(super) async fn readyz(State(app): State<Arc<App>>) -> impl IntoResponse {
    if *app.ready.borrow() {
        (StatusCode::OK, "ready\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not ready\n")
    }
}

/// The metrics page in Prometheus' text format.
pub(super) async fn metrics(State(app): State<Arc<App>>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], (app.metrics)())
}
