//! Which certificate is shown to whom: the table that every handshake reads and one writer replaces.

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use super::parent;
use super::policies::{Policies, Policy};
use crate::certificate::{Identity, normal};

/// Certificates by the names they are for, what is asked of TLS by name, and answers to
/// tls-alpn-01. Clones share one table; handshakes under way keep what they have read.
#[derive(Debug, Clone, Default)]
pub struct Identities(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    table: ArcSwap<Table>,
    policies: ArcSwap<Policies>,
    challenges: ArcSwap<HashMap<Box<str>, Arc<CertifiedKey>>>,
}

/// Several certificates may be for one name, say one with an RSA key for old clients.
#[derive(Debug, Default)]
struct Table {
    exact: HashMap<Box<str>, Vec<Arc<Identity>>>,
    /// By what follows `*.`.
    wildcard: HashMap<Box<str>, Vec<Arc<Identity>>>,
    default: Option<Arc<Identity>>,
}

impl Identities {
    /// Replaces all certificates. Of several for one name, the first is shown whose key the client
    /// can check. `default` is shown where no name was asked for, or one that no certificate is for;
    /// without it such handshakes fail.
    pub fn publish(&self, identities: &[Arc<Identity>], default: Option<Arc<Identity>>) {
        let mut table = Table { default, ..Table::default() };
        for identity in identities {
            for name in identity.names() {
                let (names, name) = match name.strip_prefix("*.") {
                    Some(suffix) => (&mut table.wildcard, suffix),
                    None => (&mut table.exact, &**name),
                };
                names.entry(normal(name)).or_default().push(Arc::clone(identity));
            }
        }
        self.0.table.store(Arc::new(table));
    }

    /// Replaces what is asked of connections by the name they ask for. Names may be wildcards, which
    /// reach down any number of labels, as those of load balancers do.
    pub fn publish_policies<'a>(&self, policies: impl IntoIterator<Item = (&'a str, Policy)>) {
        self.0.policies.store(Arc::new(policies.into_iter().collect()));
    }

    /// What is asked of a connection that asks for this name, or for none.
    #[must_use]
    pub fn policy(&self, name: Option<&str>) -> Policy {
        self.0.policies.load().find(name)
    }

    /// Shows `key` to those who ask for `name` by `acme-tls/1` (RFC 8737), until it is
    /// [taken away](Self::end_challenge).
    pub fn begin_challenge(&self, name: &str, key: &Arc<CertifiedKey>) {
        let name = normal(name);
        self.0.challenges.rcu(|challenges| {
            let mut challenges = HashMap::clone(challenges);
            challenges.insert(name.clone(), Arc::clone(key));
            challenges
        });
    }

    /// Ends what [`Self::begin_challenge`] began.
    pub fn end_challenge(&self, name: &str) {
        let name = normal(name);
        self.0.challenges.rcu(|challenges| {
            let mut challenges = HashMap::clone(challenges);
            challenges.remove(&name);
            challenges
        });
    }

    pub(super) fn challenge(&self, name: Option<&str>) -> Option<Arc<CertifiedKey>> {
        self.0.challenges.load().get(&normal(name?)).cloned()
    }

    /// Whether there is anything to show to a client that asks for this name.
    pub(super) fn has(&self, name: Option<&str>) -> bool {
        self.0.table.load().find(name).next().is_some()
    }
}

impl Table {
    fn named(&self, name: &str) -> &[Arc<Identity>] {
        let wildcard = || parent(name).and_then(|parent| self.wildcard.get(parent));
        self.exact.get(name).or_else(wildcard).map_or(&[], Vec::as_slice)
    }

    /// Those for a name, else the default.
    fn find(&self, name: Option<&str>) -> impl Iterator<Item = &Arc<Identity>> {
        let named = name.map_or(&[][..], |name| self.named(&normal(name)));
        named.iter().chain(if named.is_empty() { &self.default } else { &None })
    }
}

impl ResolvesServerCert for Identities {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let table = self.0.table.load();
        let mut candidates = table.find(hello.server_name()).map(|identity| identity.key());
        let first = candidates.next()?;
        let schemes = hello.signature_schemes();
        let is_usable = |key: &&Arc<CertifiedKey>| key.key.choose_scheme(schemes).is_some();
        let chosen = std::iter::once(first).chain(candidates).find(is_usable);
        Some(Arc::clone(chosen.unwrap_or(first)))
    }
}

/// Shows the answers to tls-alpn-01, nothing else.
#[derive(Debug)]
pub(super) struct Challenged(pub(super) Identities);

impl ResolvesServerCert for Challenged {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.0.challenge(hello.server_name())
    }
}
