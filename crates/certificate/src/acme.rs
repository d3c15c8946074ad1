//! Certificates that an authority is asked for by ACME (RFC 8555): ordered for the hosts of load
//! balancers that nothing else is for, renewed ahead of time, kept in the store.
//!
//! ```text
//! host without ── due ──→ order ──→ certificate ── two thirds of its life ──→ order …
//!                           │
//!                           └─ failed ── a minute, four, … a day ──→ order
//! ```
//!
//! One order is under way at a time, and their rate is bounded; what went wrong is kept, so that a
//! restart does not begin anew. Wildcards cannot be proven by http-01 or tls-alpn-01 and are left to
//! files and uploads. One node alone orders: several behind one name would need to share answers.

mod courier;
mod order;
mod records;
mod schedule;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use evenkeel_model::{EdgeMaterial, HostPattern};
use evenkeel_net::certificate::Challenges;
use evenkeel_net::tls::server::Identities;
use evenkeel_store::Store;
use instant_acme::{Account, Error, NewAccount};
use rustls::RootCertStore;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

pub use self::order::ChallengeKind;

use self::courier::Courier;
use self::order::{Board, ORDER_TIMEOUT};
use self::records::Host;
use self::schedule::{Pace, backoff, renewal};
use crate::book::Book;
use crate::now;
use crate::stats::Stats;

/// How long nothing is looked at, at most: clocks are set, and files come to cover what they did
/// not.
const LOOK_SECONDS_MAX: u64 = 60;

/// Which authority is asked, and how.
#[derive(Debug, Clone)]
pub struct AcmeSettings {
    /// URL of its directory.
    pub directory: String,
    /// Whom it may write to about certificates.
    pub email: Option<String>,
    /// Whom its own certificate is believed by.
    pub roots: Arc<RootCertStore>,
    /// Tried in this order, the next one after each failure. Not empty.
    pub challenges: Vec<ChallengeKind>,
}

/// What a clerk is made of.
#[derive(Debug)]
pub struct AcmeOptions {
    /// Which authority is asked, and how.
    pub settings: AcmeSettings,
    /// Where certificates and the account are kept.
    pub store: Arc<dyn Store>,
    /// Where answers to http-01 are looked for.
    pub challenges: Challenges,
    /// Chance, for when renewals are done.
    pub rng: fastrand::Rng,
}

/// Orders and renews.
pub(crate) struct Clerk {
    settings: AcmeSettings,
    store: Arc<dyn Store>,
    board: Board,
    rng: fastrand::Rng,
    book: Arc<Book>,
    stats: Arc<Stats>,
    material: watch::Receiver<Arc<EdgeMaterial>>,
    hosts: BTreeMap<String, Host>,
    account: Option<Account>,
    pace: Pace,
    /// Wildcards that were said to get no certificate.
    told: BTreeSet<String>,
}

impl Clerk {
    /// Publishes the certificates that are there already.
    pub(crate) fn new(
        options: AcmeOptions,
        identities: Identities,
        book: Arc<Book>,
        stats: Arc<Stats>,
        material: watch::Receiver<Arc<EdgeMaterial>>,
    ) -> Self {
        let AcmeOptions { settings, store, challenges, rng } = options;
        let hosts = records::hosts(&store.snapshot());
        for (name, host) in &hosts {
            if let Some(identity) = host.pair.as_ref().and_then(records::Pair::identity) {
                book.add_ordered(name, identity, now());
            }
        }
        let board = Board { challenges, identities };
        let (pace, told) = (Pace::new(now()), BTreeSet::new());
        let account = None;
        Self { settings, store, board, rng, book, stats, material, hosts, account, pace, told }
    }

    /// Orders and renews until it is dropped, which takes answers from the board and leaves what is
    /// kept as it is.
    pub(crate) async fn run(mut self) {
        loop {
            let wanted = self.wanted();
            self.forget(&wanted).await;
            let waiting = wanted.iter().filter(|name| !self.has_certificate(name)).count();
            self.stats.hosts_waiting.set(waiting);
            let due = |name: &String| self.hosts.get(name).map_or(0, Host::due);
            let next = wanted.iter().map(|name| (due(name), name)).min();
            let now = now();
            let at = next.map_or(u64::MAX, |(due, _)| due.max(self.pace.next(now)));
            match next {
                Some((_, name)) if at <= now => self.serve(name).await,
                _ => {
                    let pause = Duration::from_secs(at.saturating_sub(now).min(LOOK_SECONDS_MAX));
                    tokio::select! {
                        () = sleep(pause) => {}
                        changed = self.material.changed() => {
                            if changed.is_err() {
                                return;
                            }
                        }
                    }
                }
            }
        }
    }

    /// Hosts that are served and that no file and no upload has a certificate for.
    fn wanted(&mut self) -> BTreeSet<String> {
        let material = Arc::clone(&self.material.borrow_and_update());
        let names: Vec<String> = material.hosts.iter().map(|host| host.host.to_string()).collect();
        let uncovered = self.book.uncovered(names.iter().map(String::as_str), now());
        let (wildcards, hosts): (Vec<&str>, Vec<&str>) = uncovered
            .into_iter()
            .partition(|name| matches!(HostPattern::parse(name), Ok(HostPattern::Wildcard(_))));
        for wildcard in &wildcards {
            if self.told.insert((*wildcard).to_owned()) {
                tracing::warn!(
                    host = wildcard,
                    "A wildcard gets no certificate by ACME. Upload one, or name a file."
                );
            }
        }
        self.told.retain(|told| wildcards.contains(&told.as_str()));
        hosts.into_iter().map(str::to_owned).collect()
    }

    fn has_certificate(&self, name: &str) -> bool {
        self.hosts.get(name).is_some_and(|host| host.pair.is_some())
    }

    /// Forgets hosts that are not served any more, once their certificate's life is over.
    async fn forget(&mut self, wanted: &BTreeSet<String>) {
        let now = now();
        let is_over = |host: &Host| {
            let identity = host.pair.as_ref().and_then(records::Pair::identity);
            identity.is_none_or(|identity| identity.facts().not_after <= now)
        };
        let is_gone = |(name, host): &(&String, &Host)| !wanted.contains(*name) && is_over(host);
        let gone: Vec<String> =
            self.hosts.iter().filter(is_gone).map(|(name, _)| name.clone()).collect();
        for name in gone {
            if records::forget_host(self.store.as_ref(), &name).await.is_ok() {
                self.hosts.remove(&name);
                self.book.remove_ordered(&name, now);
            }
        }
    }

    /// Orders a certificate for a host, and keeps what comes of it.
    async fn serve(&mut self, name: &str) {
        let before = self.hosts.get(name).cloned().unwrap_or_default();
        let identity = before.pair.as_ref().and_then(records::Pair::identity);
        let life = identity
            .map(|identity| identity.facts().not_after.saturating_sub(identity.facts().not_before));
        // Written down before it begins, see `Host::failures`.
        let failures = before.failures.saturating_add(1);
        let not_before = now() + backoff(failures, life, self.rng.f64());
        let kind =
            self.settings.challenges[before.failures as usize % self.settings.challenges.len()];
        let mut host = Host { failures, not_before, problem: before.problem.clone(), ..before };
        if !self.keep(name, &host).await {
            return;
        }
        self.pace.begin(now());
        self.stats.orders.increment();
        let ordered = match timeout(ORDER_TIMEOUT, self.order(name, kind)).await {
            Ok(ordered) => ordered,
            Err(_) => Err(Error::Timeout(None)),
        };
        let pair = ordered.and_then(|pair| {
            let identity = pair.identity().ok_or(Error::Str("a certificate that can be used"))?;
            Ok((pair, identity))
        });
        match pair {
            Ok((pair, identity)) => {
                let facts = identity.facts();
                let renew_at = renewal(facts.not_before, facts.not_after, self.rng.f64());
                tracing::info!(host = name, issuer = facts.issuer, "Got a certificate by ACME.");
                host = Host { pair: Some(pair), renew_at, ..Host::default() };
                self.book.add_ordered(name, identity, now());
            }
            Err(error) => {
                self.stats.orders_failed.increment();
                let again_in_s = not_before.saturating_sub(now());
                tracing::warn!(
                    host = name,
                    %error,
                    challenge = ?kind,
                    again_in_s,
                    "No certificate was to be had by ACME."
                );
                host.problem = Some(error.to_string());
                // Whatever is wrong with the account is found out anew.
                self.account = None;
            }
        }
        self.keep(name, &host).await;
    }

    /// Writes down what is known of a host. What cannot be written is believed until the end of the
    /// process; before an order it is reason enough to wait.
    async fn keep(&mut self, name: &str, host: &Host) -> bool {
        self.hosts.insert(name.to_owned(), host.clone());
        let kept = records::keep_host(self.store.as_ref(), name, host).await;
        if let Err(error) = &kept {
            tracing::error!(host = name, %error, "What is known of a certificate was not kept.");
        }
        kept.is_ok()
    }

    async fn order(&mut self, name: &str, kind: ChallengeKind) -> Result<records::Pair, Error> {
        let account = match self.account.clone() {
            Some(account) => account,
            None => self.sign_in().await?,
        };
        self.account = Some(account.clone());
        order::place(&account, name, kind, &self.board).await
    }

    /// The account of last time, or a new one.
    async fn sign_in(&self) -> Result<Account, Error> {
        let directory = &self.settings.directory;
        let builder = Account::builder_with_http(Box::new(Courier::new(&self.settings.roots)));
        if let Some(credentials) = records::account(&self.store.snapshot(), directory) {
            return builder.from_credentials(credentials).await;
        }
        let contact = self.settings.email.as_ref().map(|email| format!("mailto:{email}"));
        let contact: Vec<&str> = contact.iter().map(String::as_str).collect();
        let account = NewAccount {
            contact: &contact,
            terms_of_service_agreed: true,
            only_return_existing: false,
        };
        let (account, credentials) = builder.create(&account, directory.clone(), None).await?;
        let record = records::Account { directory: directory.clone(), credentials };
        if let Err(error) = records::keep_account(self.store.as_ref(), &record).await {
            tracing::error!(%error, "The account with the certificate authority was not kept.");
        }
        tracing::info!(directory, "Made an account with the certificate authority.");
        Ok(account)
    }
}
