//! Figures for the metrics page.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Where a certificate comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Origin {
    /// An upload through the API.
    Upload,
    /// A file of the operator's.
    File,
    /// An authority that was asked by ACME.
    Acme,
}

impl Origin {
    /// Its word in metrics and logs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Upload => "api",
            Self::Acme => "acme",
        }
    }
}

/// A certificate that is shown to clients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The first name it is for.
    pub name: Box<str>,
    /// Where it comes from.
    pub origin: Origin,
    /// End of its life, in seconds since 1970.
    pub not_after: u64,
}

/// What is known of certificates.
#[derive(Debug, Default)]
pub struct Stats {
    /// Orders begun with an authority.
    pub orders: Count,
    /// Orders that led to no certificate.
    pub orders_failed: Count,
    /// Hosts that an authority has yet to give a first certificate for.
    pub hosts_waiting: Count,
    /// Files that hold something that cannot be used, so that what they held before is.
    pub files_broken: Count,
    /// Times that files were read again and used.
    pub files_reloaded: Count,
    shown: Mutex<Arc<[Shown]>>,
}

impl Stats {
    /// Every certificate in use but the self-signed one; of several of one name and origin, the first
    /// to end.
    #[must_use]
    pub fn shown(&self) -> Arc<[Shown]> {
        Arc::clone(&self.shown.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn show(&self, shown: Vec<Shown>) {
        *self.shown.lock().unwrap_or_else(PoisonError::into_inner) = shown.into();
    }
}

/// A number on the metrics page.
#[derive(Debug, Default)]
pub struct Count(AtomicU64);

impl Count {
    pub(crate) fn increment(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn set(&self, number: usize) {
        self.0.store(number as u64, Ordering::Relaxed);
    }

    /// How many there are.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
