//! What is kept in the store: the account with the authority, and for each host its certificate and
//! how ordering went. Kinds of this crate's own, which no path of the API leads to.

use std::collections::BTreeMap;
use std::sync::Arc;

use evenkeel_net::certificate::Identity;
use evenkeel_store::{Batch, CommitError, Expected, Key, Snapshot, Store, Write};
use instant_acme::AccountCredentials;
use serde::{Deserialize, Serialize};

/// The kind of the account; there is one.
const ACCOUNT: &str = "acme_account";
/// Its id.
const ACCOUNT_ID: &str = "account";
/// The kind of what is known of a host; its id is the host.
const CERTIFICATE: &str = "acme_certificate";

/// The account.
#[derive(Serialize, Deserialize)]
pub(super) struct Account {
    /// The authority's directory. Another one means another account.
    pub(super) directory: String,
    pub(super) credentials: AccountCredentials,
}

/// What is known of a host. Times are in seconds since 1970.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Host {
    /// The newest certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) pair: Option<Pair>,
    /// When it is renewed.
    pub(super) renew_at: u64,
    /// Orders in a row that led to nothing. One more than is known of while an order is under way,
    /// so that a node that dies of ordering does not order for ever.
    pub(super) failures: u32,
    /// No order before this time.
    pub(super) not_before: u64,
    /// Why the last order led to nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) problem: Option<String>,
}

/// A certificate chain and its key, in PEM form.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Pair {
    pub(super) chain: String,
    pub(super) private_key: String,
}

impl std::fmt::Debug for Pair {
    /// Never shows the key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pair").field("chain", &self.chain).finish_non_exhaustive()
    }
}

impl Pair {
    pub(super) fn identity(&self) -> Option<Arc<Identity>> {
        let (chain, key) = (self.chain.as_bytes(), self.private_key.as_bytes());
        Identity::from_pem(chain, key, None).ok().map(Arc::new)
    }
}

impl Host {
    /// When something is to be ordered.
    pub(super) fn due(&self) -> u64 {
        if self.pair.is_some() { self.renew_at.max(self.not_before) } else { self.not_before }
    }
}

/// The account with this authority, if there is one.
pub(super) fn account(snapshot: &Snapshot, directory: &str) -> Option<AccountCredentials> {
    let document = snapshot.document(ACCOUNT, ACCOUNT_ID)?;
    let account: Account = serde_json::from_slice(&document.body).ok()?;
    (account.directory == directory).then_some(account.credentials)
}

/// What is known of all hosts. What cannot be read is as if it were not there.
pub(super) fn hosts(snapshot: &Snapshot) -> BTreeMap<String, Host> {
    let read = |document: &Arc<evenkeel_store::Document>| {
        let host = serde_json::from_slice(&document.body).ok()?;
        Some((document.key.id.to_string(), host))
    };
    snapshot.documents(CERTIFICATE).filter_map(read).collect()
}

pub(super) async fn keep_account(store: &dyn Store, account: &Account) -> Result<(), CommitError> {
    let body = serde_json::to_vec(account).expect("texts become JSON");
    put(store, Key::new(ACCOUNT, ACCOUNT_ID), Write::Put(body.into())).await
}

pub(super) async fn keep_host(
    store: &dyn Store,
    name: &str,
    host: &Host,
) -> Result<(), CommitError> {
    let body = serde_json::to_vec(host).expect("texts and numbers become JSON");
    put(store, Key::new(CERTIFICATE, name), Write::Put(body.into())).await
}

pub(super) async fn forget_host(store: &dyn Store, name: &str) -> Result<(), CommitError> {
    put(store, Key::new(CERTIFICATE, name), Write::Delete).await
}

async fn put(store: &dyn Store, key: Key, write: Write) -> Result<(), CommitError> {
    // Nobody else writes these kinds.
    store.commit(Batch::new().with(key, Expected::Anything, write)).await.map(drop)
}
