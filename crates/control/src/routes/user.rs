//! The user and the user's token (api.md 6.2).

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use evenkeel_api::User;
use evenkeel_api::envelope::{ApiMessage, Envelope};
use evenkeel_api::token::TokenStatus as Status;
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
    status: Status,
    /// It is not let in before this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    not_before: Option<String>,
    /// It is not let in from this time on.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_on: Option<String>,
}

/// The answer to a token that asks whether it works.
pub(super) type VerifiedToken = Json<Envelope<TokenStatus>>;

/// GET on the user who is asking.
pub(super) async fn fetch(State(app): State<Arc<App>>, caller: Caller) -> Answer<User> {
    let catalog = app.catalog();
    let user = catalog.users.get(&caller.token.user_id);
    Ok(success(user.ok_or_else(|| ApiError::not_found("user"))?.clone()))
}

/// GET of whether the caller's token works: it came this far.
pub(super) async fn verify_token(caller: Caller) -> VerifiedToken {
    verified(&caller)
}

/// What a valid token is told.
pub(super) fn verified(caller: &Caller) -> VerifiedToken {
    let token = &caller.token.document;
    let mut envelope = Envelope::success(TokenStatus {
        id: token.id.clone(),
        status: Status::Active,
        not_before: token.not_before.clone(),
        expires_on: token.expires_on.clone(),
    });
    envelope.messages = vec![ApiMessage::new(10_000, "This API Token is valid and active")];
    Json(envelope)
}
