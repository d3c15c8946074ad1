//! Who is asking: bearer tokens, and the legacy pair of e-mail and key (api.md 1.4).
//!
//! Tokens are kept as SHA-256 of their text. They are random, or chosen by whoever installs the
//! server, and nothing is derived from them: a slow password hash would guard nothing and let
//! anyone burn the server's time.

use axum::extract::FromRequestParts;
use http::request::Parts;
use http::{HeaderMap, HeaderName, header};
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

use crate::catalog::Catalog;
use crate::error::{ApiError, BadHeader};
use crate::permission::Needs;

const X_AUTH_EMAIL: HeaderName = HeaderName::from_static("x-auth-email");
const X_AUTH_KEY: HeaderName = HeaderName::from_static("x-auth-key");

/// The longest token or key. Real ones have forty characters.
const CREDENTIAL_BYTES_MAX: usize = 1024;

/// Whoever sent an authenticated request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Caller {
    /// The token it was recognised by.
    pub(crate) token_id: String,
    /// The account that is meant where a path names none: the first one of the token's user.
    pub(crate) account: Option<String>,
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = ApiError;

    /// Set by the guard of every operation.
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        parts.extensions.get::<Self>().cloned().ok_or_else(ApiError::unauthenticated)
    }
}

/// Whether a caller may do what an operation does below an account or a zone, as far as its path
/// names one.
///
/// # Errors
/// 403 when it may not.
#[expect(clippy::unnecessary_wraps, reason = "every token may do everything yet")]
pub(crate) fn authorize(
    _caller: &Caller,
    _needs: Needs,
    _account: Option<&str>,
    _zone: Option<&str>,
    _catalog: &Catalog,
) -> Result<(), ApiError> {
    Ok(())
}

/// What a token is kept as.
pub(crate) fn token_hash(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

/// Whether a text can be sent as a token: the letters of RFC 6750 section 2.1.
pub(crate) fn is_token(text: &str) -> bool {
    let letters = text.trim_end_matches('=');
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte);
    !letters.is_empty() && text.len() <= CREDENTIAL_BYTES_MAX && letters.bytes().all(is_letter)
}

/// Recognises the sender of a request. A token, when there is one, decides alone.
///
/// # Errors
/// 400 with 6003 for headers of the wrong form, 401 with 10000 for missing or unknown credentials.
pub(crate) fn authenticate(headers: &HeaderMap, catalog: &Catalog) -> Result<Caller, ApiError> {
    if let Some(value) = headers.get(header::AUTHORIZATION) {
        let token = value.to_str().ok().and_then(bearer);
        let token = token.ok_or_else(|| ApiError::bad_header(BadHeader::Authorization))?;
        return recognise(token, catalog).ok_or_else(ApiError::unauthenticated);
    }
    let (Some(email), Some(key)) = (headers.get(X_AUTH_EMAIL), headers.get(X_AUTH_KEY)) else {
        return Err(ApiError::unauthenticated());
    };
    let key = key.to_str().ok().filter(|key| is_token(key));
    let key = key.ok_or_else(|| ApiError::bad_header(BadHeader::AuthKey))?;
    let known =
        |email: &str| catalog.users.values().any(|user| user.email.eq_ignore_ascii_case(email));
    match email.to_str() {
        Ok(email) if known(email) => recognise(key, catalog).ok_or_else(ApiError::unauthenticated),
        _ => Err(ApiError::unauthenticated()),
    }
}

/// The token of an `Authorization` value; the scheme's case does not count (RFC 9110 section 11.1).
fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim_matches(' ');
    (scheme.eq_ignore_ascii_case("bearer") && is_token(token)).then_some(token)
}

/// Finds a token. Compares with every one that is kept, each in constant time: how long it takes
/// tells nothing of how close a guess came.
fn recognise(token: &str, catalog: &Catalog) -> Option<Caller> {
    let hash = token_hash(token);
    let mut found = None;
    for kept in catalog.tokens.values() {
        let same: Choice = kept.hash.ct_eq(&hash);
        if bool::from(same) {
            found = Some(kept);
        }
    }
    let token = found?;
    let accounts = catalog.users.get(&token.user_id).map(|user| user.organizations.as_slice());
    let account = accounts.and_then(<[_]>::first).map(|account| account.id.clone());
    Some(Caller { token_id: token.id.clone(), account })
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
