//! The operations that Cloudflare's API does not have, below `/evenkeel/v1`: plain JSON, and the
//! envelope for refusals only. Each says who may ask for it, which is found out before a byte of a
//! body is read.
//!
//! What they take and answer is described by hand, in `openapi/explain.json`; a test holds that
//! file against this list.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::handler::Handler;
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::{MethodFilter, get, on};
use http::Method;

use crate::app::App;
use crate::auth::{Caller, Origin};
use crate::catalog::Catalog;
use crate::error::ApiError;

/// Whether a caller may ask for an operation.
///
/// # Errors
/// 403 when it may not.
pub(super) type Permit = fn(&Caller, &Catalog) -> Result<(), ApiError>;

/// All operations and what serves them.
pub(super) struct Own {
    app: Arc<App>,
    router: Router<Arc<App>>,
    served: Vec<(Method, &'static str)>,
}

impl Own {
    /// None yet.
    pub(super) fn new(app: Arc<App>) -> Self {
        Self { app, router: Router::new(), served: Vec::new() }
    }

    /// Adds one, for whoever is permitted.
    pub(super) fn serve<H, T>(
        &mut self,
        method: Method,
        path: &'static str,
        permit: Permit,
        handler: H,
    ) where
        H: Handler<T, Arc<App>>,
        T: 'static,
    {
        let filter = MethodFilter::try_from(method.clone());
        let filter = filter.expect("every method of an operation has a filter");
        let state = (Arc::clone(&self.app), permit);
        let guarded = on(filter, handler).route_layer(middleware::from_fn_with_state(state, guard));
        self.router = std::mem::take(&mut self.router).route(path, guarded);
        self.served.push((method, path));
    }

    /// Adds a GET that needs no credentials.
    pub(super) fn publish<H, T>(&mut self, path: &'static str, handler: H)
    where
        H: Handler<T, Arc<App>>,
        T: 'static,
    {
        self.router = std::mem::take(&mut self.router).route(path, get(handler));
        self.served.push((Method::GET, path));
    }

    /// The router, and what it serves.
    pub(super) fn finish(self) -> (Router<Arc<App>>, Vec<(Method, &'static str)>) {
        (self.router, self.served)
    }
}

/// Lets requests through whose credentials are valid and suffice, and tells handlers whose they are.
async fn guard(
    State((app, permit)): State<(Arc<App>, Permit)>,
    mut request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let origin = Origin::of(request.method(), request.uri(), request.extensions());
    let caller = app.authenticate(request.headers(), origin)?;
    permit(&caller, &app.catalog())?;
    request.extensions_mut().insert(caller);
    Ok(next.run(request).await)
}
