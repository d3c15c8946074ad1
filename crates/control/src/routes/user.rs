//! The user and the user's token (api.md 6.2).

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use evenkeel_api::User;
use evenkeel_api::envelope::{ApiMessage, Envelope};
use schemars::JsonSchema;
use serde::Serialize;

use super::object::success;
use crate::app::App;
use crate::auth::Caller;
use crate::error::{Answer, ApiError};

/// What a token is told about itself.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct TokenStatus {
    id: String,
    status: &'static str,
}

/// The answer to a token that asks whether it works.
pub(super) type VerifiedToken = Json<Envelope<TokenStatus>>;

/// GET on the user who is asking.
pub(super) async fn fetch(State(app): State<Arc<App>>, caller: Caller) -> Answer<User> {
    let catalog = app.catalog();
    let token = catalog.tokens.get(&caller.token_id);
    let user = token.and_then(|token| catalog.users.get(&token.user_id));
    Ok(success(user.ok_or_else(|| ApiError::not_found("user"))?.clone()))
}

/// GET of whether the caller's token works: it came this far.
pub(super) async fn verify_token(caller: Caller) -> VerifiedToken {
    verified(&caller)
}

/// What a valid token is told.
pub(super) fn verified(caller: &Caller) -> VerifiedToken {
    let mut envelope =
        Envelope::success(TokenStatus { id: caller.token_id.clone(), status: "active" });
    envelope.messages = vec![ApiMessage::new(10_000, "This API Token is valid and active")];
    Json(envelope)
}
