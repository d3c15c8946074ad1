//! The paths of the API and what answers them (api.md 2 and 6).
//!
//! | paths | answered by |
//! |---|---|
//! | load balancers, pools, monitors: all verbs | [`object`], told apart by an [`object::Object`] each |
//! | bulk PATCH and references of pools, references of monitors | [`pools`], [`monitors`] |
//! | regions | [`regions`] |
//! | zones; accounts; user and tokens | [`zones`]; [`accounts`]; [`user`] |
//! | `/evenkeel/v1`: why a request goes where | [`explain`], in JSON of its own |
//! | `/healthz`, `/readyz`, `/metrics` | [`probes`], without credentials |
//!
//! Everything below `/client/v4` wants credentials, and answers in the envelope whatever happens.

mod accounts;
mod explain;
mod load_balancers;
mod monitors;
mod object;
mod pools;
mod probes;
mod references;
mod regions;
mod user;
mod zones;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, delete, get, post};
use evenkeel_api::{LoadBalancer, Monitor, Pool};
use http::{HeaderValue, Method, Uri, header};

pub use self::explain::{ExplainSources, FindSession};
use self::object::Object;
use crate::app::App;
use crate::auth::authenticate;
use crate::error::ApiError;

/// Where the API begins.
const BASE: &str = "/client/v4";

/// Everything the control plane answers.
pub(crate) fn router(app: Arc<App>) -> Router {
    let guarded = middleware::from_fn_with_state(Arc::clone(&app), guard);
    let routes = Router::new()
        .nest(BASE, api().route_layer(guarded))
        .route(explain::PATH, post(explain::explain))
        .route(explain::OPENAPI_PATH, get(explain::openapi))
        .route("/healthz", get(probes::healthz))
        .route("/readyz", get(probes::readyz))
        .route("/metrics", get(probes::metrics))
        .fallback(no_route)
        .method_not_allowed_fallback(async || ApiError::method_not_allowed())
        .with_state(app);
    // Around the routes as a whole: a layer of theirs would run only once a route is chosen.
    Router::new().fallback_service(routes).layer(middleware::from_fn(exact_methods))
}

fn api() -> Router<Arc<App>> {
    let pools = collection::<Pool>().patch(pools::patch_all);
    Router::new()
        .route("/zones/{zone}/load_balancers", collection::<LoadBalancer>())
        .route("/zones/{zone}/load_balancers/{id}", single::<LoadBalancer>())
        .route("/accounts/{account}/load_balancers", collection::<LoadBalancer>())
        .route("/accounts/{account}/load_balancers/{id}", single::<LoadBalancer>())
        .route("/accounts/{account}/load_balancers/pools", pools)
        .route("/accounts/{account}/load_balancers/pools/{id}", single::<Pool>())
        .route("/accounts/{account}/load_balancers/pools/{id}/references", get(pools::references))
        .route("/accounts/{account}/load_balancers/monitors", collection::<Monitor>())
        .route("/accounts/{account}/load_balancers/monitors/{id}", single::<Monitor>())
        .route(
            "/accounts/{account}/load_balancers/monitors/{id}/references",
            get(monitors::references),
        )
        .route("/accounts/{account}/load_balancers/regions", get(regions::list))
        .route("/accounts/{account}/load_balancers/regions/{region}", get(regions::fetch))
        .route("/zones", get(zones::list).post(zones::create))
        .route("/zones/{zone}", get(zones::fetch).patch(zones::patch).delete(zones::delete))
        .route("/accounts", get(accounts::list))
        .route("/accounts/{account}", get(accounts::fetch))
        .route("/accounts/{account}/tokens/verify", get(accounts::verify_token))
        .route("/user", get(user::fetch))
        .route("/user/tokens/verify", get(user::verify_token))
}

fn collection<O: Object>() -> MethodRouter<Arc<App>> {
    get(object::list::<O>).post(object::create::<O>)
}

fn single<O: Object>() -> MethodRouter<Arc<App>> {
    delete(object::delete::<O>)
        .get(object::fetch::<O>)
        .put(object::replace::<O>)
        .patch(object::patch::<O>)
}

/// Lets requests with valid credentials through and tells handlers whose they are.
async fn guard(
    State(app): State<Arc<App>>,
    mut request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let caller = match authenticate(request.headers(), &app.catalog()) {
        Ok(caller) => caller,
        // The check of a token says that it is the token.
        Err(error) if error.status() == 401 && request.uri().path().ends_with("/tokens/verify") => {
            return Err(ApiError::invalid_token());
        }
        Err(error) => return Err(error),
    };
    request.extensions_mut().insert(caller);
    Ok(next.run(request).await)
}

/// Keeps GET handlers from answering HEAD, which the API does not have (api.md 9 item 30): under a
/// name that no route takes the request meets the refusal that every other method meets.
async fn exact_methods(mut request: Request, next: Next) -> Response {
    if !request.uri().path().starts_with(BASE) {
        return next.run(request).await;
    }
    if request.method() == Method::HEAD {
        *request.method_mut() = Method::OPTIONS;
    }
    let mut response = next.run(request).await;
    let allowed = response.headers().get(header::ALLOW).and_then(|value| value.to_str().ok());
    if let Some(allowed) = allowed {
        let methods: Vec<_> = allowed.split(',').filter(|method| *method != "HEAD").collect();
        if let Ok(value) = HeaderValue::from_str(&methods.join(", ")) {
            response.headers_mut().insert(header::ALLOW, value);
        }
    }
    response
}

async fn no_route(uri: Uri) -> Response {
    let path = uri.path();
    ApiError::unroutable(path.strip_prefix(BASE).unwrap_or(path)).into_response()
}

#[cfg(test)]
mod tests;
