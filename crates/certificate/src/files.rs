//! Certificates and authorities in files of the operator's: read at the start, and again whenever
//! their content changes.
//!
//! Tools that renew certificates replace the chain and the key one after the other. A state that
//! cannot be used is therefore told of only once it has been seen twice; until there is one that can,
//! what was read before stays.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use evenkeel_net::certificate::{self, CertificateError, Identity};
use evenkeel_net::tls::server::ClientAuth;

/// A certificate and its private key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// The chain, leaf first, in PEM form.
    pub certificate: PathBuf,
    /// The key, in PEM form.
    pub key: PathBuf,
}

/// What clients are asked about themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientFile {
    /// Whether those without a certificate are turned away.
    pub is_required: bool,
    /// Authorities whose certificates are accepted, in PEM form.
    pub authorities: PathBuf,
}

/// The files of one node.
#[derive(Debug)]
pub struct Files {
    pairs: Vec<Watched<Pair, Arc<Identity>>>,
    clients: Option<Watched<ClientFile, ClientAuth>>,
}

/// What a look at a file that had changed led to.
#[derive(Debug)]
pub struct FileChange {
    /// The file that names the whole: the certificate's, or that of the authorities.
    pub path: PathBuf,
    /// Whether it is about what clients show, not about what they are shown.
    pub is_of_clients: bool,
    /// Whether what it now holds is used.
    pub outcome: Result<(), CertificateError>,
}

impl Files {
    /// Reads all files.
    ///
    /// # Errors
    /// With everything that cannot be used.
    pub fn open(pairs: &[Pair], clients: Option<&ClientFile>) -> Result<Self, Vec<FileChange>> {
        let mut problems = Vec::new();
        let mut read = Vec::new();
        for pair in pairs {
            match Watched::open(pair) {
                Ok(pair) => read.push(pair),
                Err(error) => problems.push(change(pair, Err(error))),
            }
        }
        let clients = clients.and_then(|file| {
            let opened = Watched::open(file);
            opened.map_err(|error| problems.push(change(file, Err(error)))).ok()
        });
        if problems.is_empty() { Ok(Self { pairs: read, clients }) } else { Err(problems) }
    }

    /// Certificates, in the order the files were named.
    #[must_use]
    pub fn identities(&self) -> Vec<Arc<Identity>> {
        self.pairs.iter().map(|pair| Arc::clone(&pair.value)).collect()
    }

    /// What clients are asked about themselves.
    #[must_use]
    pub fn client_auth(&self) -> ClientAuth {
        self.clients.as_ref().map_or_else(ClientAuth::off, |clients| clients.value.clone())
    }

    /// Looks at every file, and reads again what has changed. Blocks.
    pub fn refresh(&mut self) -> Vec<FileChange> {
        let pairs = self.pairs.iter_mut().filter_map(Watched::refresh);
        let mut changes: Vec<_> = pairs.collect();
        changes.extend(self.clients.as_mut().and_then(Watched::refresh));
        changes
    }

    /// Files that hold something that cannot be used, so that what they held before is.
    #[must_use]
    pub fn broken(&self) -> usize {
        let pairs = self.pairs.iter().filter(|pair| pair.is_broken()).count();
        pairs + usize::from(self.clients.as_ref().is_some_and(Watched::is_broken))
    }
}

/// Something that is read from files.
trait Source: Clone {
    /// Whether it is about what clients show.
    const IS_OF_CLIENTS: bool;

    type Value;

    /// The file that names it.
    fn path(&self) -> &Path;

    /// Every file it is read from, whether there or not.
    fn paths(&self) -> Vec<PathBuf>;

    fn read(&self) -> Result<Self::Value, CertificateError>;
}

impl Source for Pair {
    const IS_OF_CLIENTS: bool = false;

    type Value = Arc<Identity>;

    fn path(&self) -> &Path {
        &self.certificate
    }

    fn paths(&self) -> Vec<PathBuf> {
        let staple = certificate::staple_path(&self.certificate);
        vec![self.certificate.clone(), self.key.clone(), staple]
    }

    fn read(&self) -> Result<Arc<Identity>, CertificateError> {
        Identity::read(&self.certificate, &self.key).map(Arc::new)
    }
}

impl Source for ClientFile {
    const IS_OF_CLIENTS: bool = true;

    type Value = ClientAuth;

    fn path(&self) -> &Path {
        &self.authorities
    }

    fn paths(&self) -> Vec<PathBuf> {
        vec![self.authorities.clone()]
    }

    fn read(&self) -> Result<ClientAuth, CertificateError> {
        let authorities = certificate::authorities(&self.authorities)?;
        let auth = match self.is_required {
            true => ClientAuth::require(authorities),
            false => ClientAuth::request(authorities),
        };
        auth.map_err(|_| CertificateError::Missing(self.authorities.clone(), "certificate"))
    }
}

/// The last usable state of something, and what its files were last seen to hold.
#[derive(Debug)]
struct Watched<S, V> {
    source: S,
    value: V,
    /// The content that `value` is from.
    used: u64,
    /// Content that cannot be used, and whether that was told.
    unusable: Option<(u64, bool)>,
}

impl<S: Source<Value = V>, V> Watched<S, V> {
    fn open(source: &S) -> Result<Self, CertificateError> {
        let used = content(source);
        let value = source.read()?;
        Ok(Self { source: source.clone(), value, used, unusable: None })
    }

    /// What is to be told, if anything.
    fn refresh(&mut self) -> Option<FileChange> {
        let now = content(&self.source);
        if now == self.used {
            self.unusable = None;
            return None;
        }
        if self.unusable == Some((now, true)) {
            return None;
        }
        let outcome = match self.source.read() {
            Ok(value) => {
                self.value = value;
                self.used = now;
                self.unusable = None;
                Ok(())
            }
            Err(error) => {
                let was_seen = self.unusable == Some((now, false));
                self.unusable = Some((now, was_seen));
                if !was_seen {
                    return None;
                }
                Err(error)
            }
        };
        Some(change(&self.source, outcome))
    }

    fn is_broken(&self) -> bool {
        self.unusable.is_some_and(|(_, is_told)| is_told)
    }
}

fn change<S: Source>(source: &S, outcome: Result<(), CertificateError>) -> FileChange {
    FileChange { path: source.path().to_owned(), is_of_clients: S::IS_OF_CLIENTS, outcome }
}

/// A number for what the files hold. Not their times: those are coarse, and copies may keep them.
fn content(source: &impl Source) -> u64 {
    let mut hasher = DefaultHasher::new();
    for path in source.paths() {
        match std::fs::read(&path) {
            Ok(bytes) => bytes.hash(&mut hasher),
            Err(error) => error.kind().hash(&mut hasher),
        }
    }
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use evenkeel_net::certificate::self_signed;

    fn write(pair: &Pair, name: &str) {
        let made = self_signed(&[name]).unwrap();
        std::fs::write(&pair.certificate, made.certificate).unwrap();
        std::fs::write(&pair.key, made.key).unwrap();
    }

    fn name(files: &Files) -> String {
        files.identities()[0].names()[0].to_string()
    }

    #[test]
    fn a_changed_pair_is_read_again_and_a_broken_one_told_of_once() {
        let folder = tempfile::tempdir().unwrap();
        let pair = Pair { certificate: folder.path().join("a"), key: folder.path().join("b") };
        write(&pair, "one.example");
        let mut files = Files::open(std::slice::from_ref(&pair), None).unwrap();
        assert!(files.refresh().is_empty());
        write(&pair, "two.example");
        let changes = files.refresh();
        assert!(changes.len() == 1 && changes[0].outcome.is_ok(), "{changes:?}");
        assert_eq!((name(&files).as_str(), files.broken()), ("two.example", 0));

        // Half of a replacement is silent the first time it is seen.
        let other = self_signed(&["three.example"]).unwrap();
        std::fs::write(&pair.certificate, &other.certificate).unwrap();
        assert!(files.refresh().is_empty() && files.broken() == 0);
        let changes = files.refresh();
        assert!(changes[0].outcome.is_err() && files.broken() == 1, "{changes:?}");
        assert!(files.refresh().is_empty() && files.broken() == 1);
        assert_eq!(name(&files), "two.example");
        std::fs::write(&pair.key, &other.key).unwrap();
        assert!(files.refresh()[0].outcome.is_ok() && files.broken() == 0);
        assert_eq!(name(&files), "three.example");

        // A file that goes away changes nothing that is shown.
        std::fs::remove_file(&pair.key).unwrap();
        assert!(files.refresh().is_empty());
        assert_eq!(
            files.refresh()[0].outcome.as_ref().unwrap_err().to_string().split(':').count(),
            2
        );
        std::fs::write(&pair.key, &other.key).unwrap();
        assert!(files.refresh().is_empty() && files.broken() == 0);

        // A staple that appears is read.
        std::fs::write(folder.path().join("a.ocsp"), [0x30, 0x03, 0x0a, 0x01, 0x00]).unwrap();
        assert!(files.refresh()[0].outcome.is_ok());
        assert!(files.identities()[0].key().ocsp.is_some());
    }

    #[test]
    fn everything_unusable_is_named_at_the_start() {
        let folder = tempfile::tempdir().unwrap();
        let missing = Pair { certificate: folder.path().join("a"), key: folder.path().join("b") };
        let good = Pair { certificate: folder.path().join("c"), key: folder.path().join("d") };
        write(&good, "one.example");
        let clients = |path| ClientFile { is_required: true, authorities: path };
        let key = clients(good.key.clone());
        let problems = Files::open(&[missing.clone(), good.clone()], Some(&key)).unwrap_err();
        let paths: Vec<_> = problems.iter().map(|problem| &problem.path).collect();
        assert_eq!(paths, [&missing.certificate, &good.key]);
        let clients = clients(good.certificate.clone());
        assert!(Files::open(&[good], Some(&clients)).is_ok());
    }
}
