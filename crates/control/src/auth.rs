//! Who is asking: bearer tokens, and the legacy pair of e-mail and key (api.md 1.4).
//!
//! Tokens are kept as SHA-256 of their text. They are random, or chosen by whoever installs the
//! server, and nothing is derived from them: a slow password hash would guard nothing and let
//! anyone burn the server's time. What a token may do is `grants`'.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use evenkeel_api::User;
use evenkeel_api::token::TokenStatus;
use evenkeel_model::Timestamp;
use http::request::Parts;
use http::{Extensions, HeaderMap, HeaderName, Method, Uri, header};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::catalog::Catalog;
use crate::error::{ApiError, BadHeader};
use crate::grants::{self, Target};
use crate::permission::{Group, Needs};
use crate::records::Token;
use crate::server::Peer;

const X_AUTH_EMAIL: HeaderName = HeaderName::from_static("x-auth-email");
const X_AUTH_KEY: HeaderName = HeaderName::from_static("x-auth-key");

/// The longest token or key. Real ones have forty characters.
const CREDENTIAL_BYTES_MAX: usize = 1024;

/// Whoever sent an authenticated request.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    /// The token it was recognised by.
    pub(crate) token: Arc<Token>,
    /// Whose token that is.
    pub(crate) user: Option<Arc<User>>,
    /// The account that is meant where a path names none: the first of the user's that the token
    /// reaches.
    pub(crate) account: Option<String>,
    /// Where the request came from, and to what.
    pub(crate) origin: Origin,
}

/// A request, as far as it says who made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Origin {
    /// The other end of the connection.
    pub(crate) ip: Option<IpAddr>,
    pub(crate) method: Method,
    /// Below `/client/v4`.
    pub(crate) path: String,
}

impl Origin {
    /// Reads it off a request.
    pub(crate) fn of(method: &Method, uri: &Uri, extensions: &Extensions) -> Self {
        let ip = extensions.get::<Peer>().map(|peer| peer.0);
        Self { ip, method: method.clone(), path: uri.path().to_owned() }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Origin {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.method, &parts.uri, &parts.extensions))
    }
}

impl Caller {
    /// The token's identifier.
    pub(crate) fn token_id(&self) -> &str {
        &self.token.document.id
    }

    /// Whether its token may do what is needed with a target.
    pub(crate) fn may(&self, needs: Needs, target: Target<'_>) -> bool {
        grants::allows(&self.token, needs, target)
    }

    /// Whether it is told that there is an account: when its token gives anything in it.
    pub(crate) fn may_see_account(&self, account: &str) -> bool {
        grants::reaches(&self.token, Target::Account(account))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = ApiError;

    /// Set by the guard of every operation.
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        parts.extensions.get::<Self>().cloned().ok_or_else(ApiError::unauthenticated)
    }
}

/// Whether a caller may do what an operation does below an account or a zone, as far as its path
/// names one. Lists over accounts and zones are open to every token: they show what it may see. So
/// is making a zone, for its body says in which account.
///
/// # Errors
/// 403 when it may not.
pub(crate) fn authorize(
    caller: &Caller,
    needs: Needs,
    account: Option<&str>,
    zone: Option<&str>,
    catalog: &Catalog,
) -> Result<(), ApiError> {
    let target = match (needs.group, zone, account) {
        (Group::Caller, ..) => return Ok(()),
        (_, Some(zone), _) => Target::zone(zone, catalog),
        (_, None, Some(account)) => Target::Account(account),
        (Group::Zones | Group::AccountSettings, None, None) => return Ok(()),
        (Group::ApiTokens, None, None) => Target::User(&caller.token.user_id),
        (_, None, None) => {
            Target::Account(caller.account.as_deref().ok_or_else(ApiError::forbidden)?)
        }
    };
    if caller.may(needs, target) { Ok(()) } else { Err(ApiError::forbidden()) }
}

/// What a token is kept as.
pub(crate) fn token_hash(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

/// Whether a text can be sent as a token: the letters of RFC 6750 section 2.1.
#[must_use]
pub fn is_token(text: &str) -> bool {
    let letters = text.trim_end_matches('=');
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte);
    !letters.is_empty() && text.len() <= CREDENTIAL_BYTES_MAX && letters.bytes().all(is_letter)
}

/// Recognises the sender of a request. A token, when there is one, decides alone.
///
/// # Errors
/// 400 with 6003 for headers of the wrong form, 401 with 10000 for missing or unknown credentials
/// and for those that are disabled or out of their time, 403 with 9109 for an address from which
/// the token is not let in.
pub(crate) fn authenticate(
    headers: &HeaderMap,
    origin: Origin,
    catalog: &Catalog,
) -> Result<Caller, ApiError> {
    let token = recognise(headers, catalog)?.ok_or_else(ApiError::unauthenticated)?;
    let now = Timestamp(evenkeel_net::unix_time_ms());
    let document = &token.document;
    if document.is_early(now) || document.status_at(now) != TokenStatus::Active {
        return Err(ApiError::unauthenticated());
    }
    let ip = origin.ip;
    if document.condition.as_ref().is_some_and(|condition| !condition.allows(ip)) {
        return Err(ApiError::wrong_location(ip));
    }
    let user = catalog.users.row(&token.user_id).map(|row| Arc::clone(&row.value));
    let account = token.account_id.clone().or_else(|| {
        let accounts = &user.as_ref()?.organizations;
        let reached = |id: &str| grants::reaches(&token, Target::Account(id));
        let account = accounts.iter().find(|account| reached(&account.id));
        account.or(accounts.first()).map(|account| account.id.clone())
    });
    Ok(Caller { token, user, account, origin })
}

/// Finds the token that a request names, by whichever headers.
///
/// # Errors
/// 400 with 6003 for headers of the wrong form.
pub(crate) fn recognise(
    headers: &HeaderMap,
    catalog: &Catalog,
) -> Result<Option<Arc<Token>>, ApiError> {
    if let Some(value) = headers.get(header::AUTHORIZATION) {
        let token = value.to_str().ok().and_then(bearer);
        let token = token.ok_or_else(|| ApiError::bad_header(BadHeader::Authorization))?;
        return Ok(find(token, catalog));
    }
    let (Some(email), Some(key)) = (headers.get(X_AUTH_EMAIL), headers.get(X_AUTH_KEY)) else {
        return Ok(None);
    };
    let key = key.to_str().ok().filter(|key| is_token(key));
    let key = key.ok_or_else(|| ApiError::bad_header(BadHeader::AuthKey))?;
    let is_holder = |token: &Arc<Token>| {
        let user = catalog.users.get(&token.user_id);
        let email = email.to_str().unwrap_or_default();
        user.is_some_and(|user| user.email.eq_ignore_ascii_case(email))
    };
    Ok(find(key, catalog).filter(is_holder))
}

/// The token of an `Authorization` value; the scheme's case does not count (RFC 9110 section 11.1).
fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim_matches(' ');
    (scheme.eq_ignore_ascii_case("bearer") && is_token(token)).then_some(token)
}

/// Finds a token among those whose hashes begin alike, and compares the whole hash in constant time:
/// how long it takes tells nothing of how close a guess came.
fn find(token: &str, catalog: &Catalog) -> Option<Arc<Token>> {
    let hash = token_hash(token);
    catalog.tokens_like(&hash).find(|kept| bool::from(kept.hash.ct_eq(&hash))).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_bearer_tokens_are_read() {
        for (value, token) in [
            ("Bearer abc", Some("abc")),
            ("bearer  a-._~+/9== ", Some("a-._~+/9==")),
            ("Bearer", None),
            ("Bearer ", None),
            ("Bearer ===", None),
            ("Bearer a b", None),
            ("Bearer a=b", None),
            ("Bearer gr\u{fc}n", None),
            ("Basic YWJj", None),
            ("abc", None),
        ] {
            assert_eq!(bearer(value), token, "{value:?}");
        }
        assert!(!is_token(&"a".repeat(CREDENTIAL_BYTES_MAX + 1)));
    }
}
