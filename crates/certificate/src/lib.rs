//! Certificates, kept where TLS looks for them: those of files, those that users upload, those that
//! an authority is asked for; and whom endpoints are believed by.
//!
//! ```text
//! files ────────── looked at every two seconds ─┐
//! EdgeMaterial ─── told by the control plane ───┼─ Book ─→ Identities   (towards clients)
//! ACME ─────────── ordered and renewed here ────┘
//! EdgeMaterial ──────────────────────────────────────────→ Outbound     (towards endpoints)
//! ```
//!
//! [`Keeper::new`] publishes what is there already, so that the first client sees it;
//! [`Keeper::run`] follows every change. Nothing of it is on the request path: handshakes read tables
//! that are replaced whole.

mod acme;
mod book;
mod files;
mod material;
mod own;
mod stats;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use evenkeel_model::EdgeMaterial;
use evenkeel_net::certificate::Identity;
use evenkeel_net::tls::client::Outbound;
use evenkeel_net::tls::server::Terminator;
use evenkeel_net::unix_time_ms;
use tokio::sync::{Notify, watch};
use tokio::time::{MissedTickBehavior, interval};

use self::acme::Clerk;
pub use self::acme::{AcmeOptions, AcmeSettings, ChallengeKind};
use self::book::Book;
pub use self::files::{ClientFile, FileChange, Files, Pair};
use self::material::Reader;
pub use self::own::self_signed_in;
pub use self::stats::{Count, Origin, Shown, Stats};

/// How often files are looked at. Whoever replaces one by hand sees the change before wondering.
const LOOK_INTERVAL: Duration = Duration::from_secs(2);

/// What a keeper is made of.
#[derive(Debug)]
pub struct Options {
    /// Where clients' handshakes look, and who is told of other authorities for clients.
    pub terminator: Terminator,
    /// Where endpoints' handshakes look.
    pub outbound: Outbound,
    /// What users have uploaded, and which hosts are served.
    pub material: watch::Receiver<Arc<EdgeMaterial>>,
    /// What the operator has named.
    pub files: Files,
    /// Shown while there is no other; `None` where nobody speaks TLS.
    pub self_signed: Option<Arc<Identity>>,
    /// Orders certificates for what nothing else is for; `None` while nobody is asked.
    pub acme: Option<AcmeOptions>,
    /// Makes files be looked at now.
    pub look: Arc<Notify>,
    /// What to count in.
    pub stats: Arc<Stats>,
}

/// Follows every source of certificates.
pub struct Keeper {
    clerk: Option<Clerk>,
    terminator: Terminator,
    outbound: Outbound,
    material: watch::Receiver<Arc<EdgeMaterial>>,
    reader: Reader,
    files: Files,
    look: Arc<Notify>,
    book: Arc<Book>,
    stats: Arc<Stats>,
}

impl Keeper {
    /// Publishes what is there already.
    #[must_use]
    pub fn new(options: Options) -> Self {
        let Options { terminator, outbound, material, files, self_signed, acme, look, stats } =
            options;
        let identities = terminator.identities().clone();
        let book = Arc::new(Book::new(identities, self_signed, Arc::clone(&stats)));
        book.replace_files(files.identities(), now());
        let clerk = acme.map(|acme| {
            let identities = terminator.identities().clone();
            Clerk::new(acme, identities, Arc::clone(&book), Arc::clone(&stats), material.clone())
        });
        let reader = Reader::default();
        let mut keeper =
            Self { clerk, terminator, outbound, material, reader, files, look, book, stats };
        keeper.follow_material();
        keeper
    }

    /// Follows every change until told to stop.
    ///
    /// Dropping the future ends it at once; what is published stays.
    pub async fn run(mut self, mut stop: watch::Receiver<bool>) {
        let clerk = self.clerk.take();
        let clerk = async {
            match clerk {
                Some(clerk) => clerk.run().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            // An error means that the node is gone, which is a stop as well.
            _ = stop.wait_for(|stop| *stop) => {}
            () = self.follow() => {}
            () = clerk => {}
        }
    }

    /// Follows files and uploads until there is nobody to tell of uploads any more.
    async fn follow(mut self) {
        let mut looks = interval(LOOK_INTERVAL);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                changed = self.material.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    self.follow_material();
                    continue;
                }
                _ = looks.tick() => {}
                () = self.look.notified() => {}
            }
            self.book.follow_time(now());
            let mut files = self.files;
            let looked = tokio::task::spawn_blocking(move || {
                let changes = files.refresh();
                (files, changes)
            });
            let Ok((files, changes)) = looked.await else { return };
            self.files = files;
            self.follow_files(&changes);
        }
    }

    fn follow_material(&mut self) {
        let material = Arc::clone(&self.material.borrow_and_update());
        self.outbound.publish(self.reader.trust(&material));
        let policies = material::policies(&material.hosts);
        let policies = policies.iter().map(|(name, policy)| (name.as_str(), *policy));
        self.terminator.identities().publish_policies(policies);
        self.book.replace_uploaded(self.reader.identities(&material), now());
    }

    fn follow_files(&self, changes: &[FileChange]) {
        self.stats.files_broken.set(self.files.broken());
        for FileChange { path, outcome, .. } in changes {
            let file = path.display();
            match outcome {
                Ok(()) => {
                    self.stats.files_reloaded.increment();
                    tracing::info!(%file, "A certificate's files were read again.");
                }
                Err(error) => tracing::warn!(
                    %file,
                    %error,
                    "A certificate's files cannot be used; what was read before stays."
                ),
            }
        }
        let is_new = |of_clients| {
            let mut changes = changes.iter();
            changes.any(|change| change.outcome.is_ok() && change.is_of_clients == of_clients)
        };
        if is_new(false) {
            self.book.replace_files(self.files.identities(), now());
        }
        // Ends all sessions, so only when there is a reason.
        if is_new(true)
            && let Err(error) = self.terminator.ask_clients(&self.files.client_auth())
        {
            tracing::error!(%error, "What clients are asked could not be changed.");
        }
    }
}

impl std::fmt::Debug for Keeper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keeper").field("files", &self.files).finish_non_exhaustive()
    }
}

/// Seconds since 1970.
fn now() -> u64 {
    unix_time_ms() / 1000
}
