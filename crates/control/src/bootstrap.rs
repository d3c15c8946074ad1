//! The first start: the account, the user, the token, the keys and the node's name, made in one
//! commit so that there is no half-made installation to find on the second start.
//!
//! Every later start comes through here as well, and adds a token passed to it that is not known
//! yet. Reading settings and printing what was made is the binary's work.

use std::sync::Arc;

use evenkeel_api::token::TokenStatus;
use evenkeel_api::{Account, Organization, User};
use evenkeel_store::{Batch, CommitError, Expected, Key, Revision, Store, Write};

use crate::audit::{self, Audited, Author};
use crate::auth::{is_token, token_hash};
use crate::catalog::Catalog;
use crate::ids::{is_id, new_id, new_token, now, random};
use crate::records::{COOKIE_KEYS, CookieKeys, Node, Role, THIS_NODE, Token, encode, kind};

/// Tokens shorter than this are accepted with a warning: SHA-256 keeps only what cannot be guessed.
const TOKEN_CHARS_SAFE: usize = 20;

/// What the first account is called.
const ACCOUNT_NAME: &str = "Evenkeel";

/// The administrator's e-mail address unless the installation has a better one.
const EMAIL_DEFAULT: &str = "admin@localhost";

/// How often a commit is tried that other nodes keep overtaking.
const ATTEMPTS_MAX: usize = 8;

/// What an installation may choose for itself.
#[derive(Debug, Clone, Default)]
pub struct BootstrapSettings {
    /// Identifier of the first account, 32 hex digits. Made when `None`.
    pub account_id: Option<String>,
    /// An administrator token that must work from now on. On the first start one is made when
    /// `None`.
    pub token: Option<String>,
    /// The administrator's e-mail address, for clients that send one; `admin@localhost` when
    /// `None`. Later starts leave the address alone.
    pub email: Option<String>,
}

/// What the installation is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bootstrapped {
    /// The first account.
    pub account_id: String,
    /// The token that was made, to be shown once; it cannot be found again.
    pub token_made: Option<String>,
    /// This node, for ever.
    pub node_id: String,
}

/// Why an installation cannot be made or taken over.
#[derive(Debug, thiserror::Error)]
pub enum BootstrapError {
    /// The account's identifier is malformed.
    #[error("the account id {0:?} is not 32 lower-case hexadecimal digits")]
    AccountId(String),
    /// The installation has another account.
    #[error("the account id is {given}, but this data directory belongs to account {kept}")]
    OtherAccount {
        /// The one asked for.
        given: String,
        /// The one there is.
        kept: String,
    },
    /// The token could not be sent in a header.
    #[error("the token is empty or has characters other than letters, digits and -._~+/")]
    Token,
    /// The store did not take what was made.
    #[error("cannot store the installation's first documents")]
    Store(#[source] CommitError),
}

/// Makes what an installation needs, or finds it made. Call it before anything else uses the store.
///
/// # Dropping
/// Either everything was made or nothing.
///
/// # Errors
/// See [`BootstrapError`].
pub async fn bootstrap(
    store: &dyn Store,
    settings: BootstrapSettings,
) -> Result<Bootstrapped, BootstrapError> {
    if let Some(id) = settings.account_id.as_deref().filter(|id| !is_id(id)) {
        return Err(BootstrapError::AccountId(id.to_owned()));
    }
    if let Some(token) = &settings.token {
        if !is_token(token) {
            return Err(BootstrapError::Token);
        }
        if token.len() < TOKEN_CHARS_SAFE {
            tracing::warn!(
                chars = token.len(),
                "The administrator token is short enough to guess."
            );
        }
    }
    let mut attempt = 1;
    loop {
        let (batch, made) = plan(&Catalog::of(&store.snapshot()), &settings)?;
        match store.commit(batch).await {
            Ok(_) => return Ok(made),
            // Another node was first; what it made is what there is.
            Err(CommitError::Conflict { .. } | CommitError::Stale { .. })
                if attempt < ATTEMPTS_MAX =>
            {
                attempt += 1;
            }
            Err(error) => return Err(BootstrapError::Store(error)),
        }
    }
}

/// What is missing, as one batch, and what the installation is once it is written.
fn plan(
    catalog: &Catalog,
    settings: &BootstrapSettings,
) -> Result<(Batch, Bootstrapped), BootstrapError> {
    let now = now();
    let mut batch = Batch::based_on(catalog.revision());
    let mut audited = Vec::new();
    let mut put = |kind: &'static str, id: &str, at: Option<Revision>, body: Vec<u8>| {
        let (key, body) = (Key::new(kind, id), Arc::<[u8]>::from(body));
        let expected = at.map_or(Expected::Absent, Expected::At);
        // What only the server knows is no change that anybody made.
        if kind != kind::SECRET && kind != kind::NODE {
            let action = if at.is_some() { "update" } else { "create" };
            let after = Some(Arc::clone(&body));
            audited.push(Audited { action, key: key.clone(), before: None, after });
        }
        batch = std::mem::take(&mut batch).with(key, expected, Write::Put(body));
    };

    let account_id = match catalog.accounts.values().next() {
        Some(account) => {
            if let Some(given) = settings.account_id.as_ref().filter(|id| **id != account.id) {
                let (given, kept) = (given.clone(), account.id.clone());
                return Err(BootstrapError::OtherAccount { given, kept });
            }
            account.id.clone()
        }
        None => {
            let id = settings.account_id.clone().unwrap_or_else(new_id);
            put(kind::ACCOUNT, &id, None, encode(&Account::new(&id, ACCOUNT_NAME, &now)));
            id
        }
    };
    let user_id = match catalog.users.values().next() {
        Some(user) => user.id.clone(),
        None => {
            let email = settings.email.clone().unwrap_or_else(|| EMAIL_DEFAULT.to_owned());
            let user = User {
                id: new_id(),
                username: email.clone(),
                email,
                first_name: None,
                last_name: None,
                two_factor_authentication_enabled: false,
                suspended: false,
                organizations: vec![Organization {
                    id: account_id.clone(),
                    name: ACCOUNT_NAME.to_owned(),
                }],
            };
            put(kind::USER, &user.id, None, encode(&user));
            user.id
        }
    };
    let token_made =
        (settings.token.is_none() && catalog.tokens.values().next().is_none()).then(new_token);
    if let Some(token) = token_made.as_ref().or(settings.token.as_ref()) {
        let hash = token_hash(token);
        match catalog.tokens.rows().find(|row| row.value.hash == hash) {
            None => {
                let token = administrator(new_id(), user_id, &now, hash);
                put(kind::TOKEN, &token.document.id, None, encode(&token));
            }
            // Whoever starts the server asks for a token that works, whatever became of it.
            Some(row) if !is_administrator(&row.value) => {
                let id = row.value.document.id.clone();
                let body = encode(&administrator(id, user_id, &now, hash));
                put(kind::TOKEN, &row.document.key.id, Some(row.document.revision), body);
            }
            Some(_) => {}
        }
    }
    if catalog.cookie_keys.is_none() {
        let keys = CookieKeys { current: random(), previous: None };
        put(kind::SECRET, COOKIE_KEYS, None, encode(&keys));
    }
    let node_id = match &catalog.node {
        Some(node) => node.id.clone(),
        None => {
            let node = Node { id: new_id() };
            put(kind::NODE, THIS_NODE, None, encode(&node));
            node.id
        }
    };
    let batch = audit::append(batch, Author::Start, catalog, &audited);
    Ok((batch, Bootstrapped { account_id, token_made, node_id }))
}

/// A token that may do everything, from everywhere and for ever.
fn administrator(id: String, user_id: String, now: &str, hash: [u8; 32]) -> Token {
    let document = evenkeel_api::Token {
        id,
        name: "Administrator".to_owned(),
        status: TokenStatus::Active,
        issued_on: now.to_owned(),
        modified_on: now.to_owned(),
        last_used_on: None,
        not_before: None,
        expires_on: None,
        policies: Vec::new(),
        condition: None,
    };
    Token { user_id, account_id: None, role: Role::Administrator, hash, document }
}

fn is_administrator(token: &Token) -> bool {
    let document = &token.document;
    token.role == Role::Administrator
        && document.status == TokenStatus::Active
        && document.not_before.is_none()
        && document.expires_on.is_none()
        && document.condition.is_none()
}

#[cfg(test)]
mod tests {
    use evenkeel_store::MemoryStore;

    use super::*;

    fn settings(account_id: Option<&str>, token: Option<&str>) -> BootstrapSettings {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        BootstrapSettings { account_id: owned(account_id), token: owned(token), email: None }
    }

    #[tokio::test]
    async fn a_second_start_finds_what_the_first_made() {
        let store = MemoryStore::new();
        let first = bootstrap(&store, BootstrapSettings::default()).await.unwrap();
        assert_eq!(store.snapshot().revision(), Revision(1), "one commit");
        let token = first.token_made.clone().unwrap();
        assert!(is_token(&token) && token.len() == crate::ids::TOKEN_CHARS);
        let second = bootstrap(&store, BootstrapSettings::default()).await.unwrap();
        assert_eq!(second, Bootstrapped { token_made: None, ..first });
        assert_eq!(store.snapshot().revision(), Revision(1), "nothing more to make");
        let stored = store.snapshot();
        let stored = stored.documents(kind::TOKEN).next().unwrap();
        assert!(!String::from_utf8_lossy(&stored.body).contains(&token), "only its hash is kept");
    }

    #[tokio::test]
    async fn a_token_passed_later_is_added_once() {
        let store = MemoryStore::new();
        bootstrap(&store, BootstrapSettings::default()).await.unwrap();
        for _ in 0..2 {
            let made = bootstrap(&store, settings(None, Some("a-token-of-my-own"))).await.unwrap();
            assert_eq!(made.token_made, None);
            assert_eq!(store.snapshot().documents(kind::TOKEN).len(), 2);
        }
    }

    #[tokio::test]
    async fn settings_that_cannot_hold_are_refused() {
        let id = "0123456789abcdef0123456789abcdef";
        let other = "1123456789abcdef0123456789abcdef";
        let store = MemoryStore::new();
        let error = bootstrap(&store, settings(Some("nope"), None)).await.unwrap_err();
        assert!(matches!(error, BootstrapError::AccountId(_)), "{error}");
        let error = bootstrap(&store, settings(None, Some("a b"))).await.unwrap_err();
        assert!(matches!(error, BootstrapError::Token), "{error}");
        assert_eq!(store.snapshot().revision(), Revision(0));
        let made = bootstrap(&store, settings(Some(id), None)).await.unwrap();
        assert_eq!(made.account_id, id);
        let error = bootstrap(&store, settings(Some(other), None)).await.unwrap_err();
        assert!(matches!(error, BootstrapError::OtherAccount { .. }), "{error}");
    }
}
