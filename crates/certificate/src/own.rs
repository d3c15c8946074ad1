//! The certificate that is shown while there is no other: self-signed, made once, kept beside all
//! else that must survive.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use evenkeel_net::certificate::{CertificateError, Identity, self_signed};

/// Names it is for: whoever tries a node out on their own machine may believe it there.
const NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];
const CERTIFICATE_FILE: &str = "self-signed.pem";
const KEY_FILE: &str = "self-signed.key";

/// The one kept in this folder; made and kept there when there is none.
///
/// # Errors
/// When it cannot be kept, or the one that is there cannot be used.
pub fn self_signed_in(folder: &Path) -> Result<Arc<Identity>, CertificateError> {
    let (certificate, key) = (folder.join(CERTIFICATE_FILE), folder.join(KEY_FILE));
    if !certificate.exists() || !key.exists() {
        let failed = |error| CertificateError::Read(certificate.clone(), error);
        let made = self_signed(&NAMES).map_err(|error| failed(io::Error::other(error)))?;
        // The key first: a certificate is there only with its key.
        keep(&key, &made.key, 0o600).map_err(|error| CertificateError::Read(key.clone(), error))?;
        keep(&certificate, &made.certificate, 0o644).map_err(failed)?;
    }
    Identity::read(&certificate, &key).map(Arc::new)
}

/// Writes a file that is either there as a whole or not at all.
fn keep(path: &Path, text: &str, mode: u32) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.as_file().set_permissions(fs::Permissions::from_mode(mode))?;
    file.as_file().sync_all()?;
    file.persist(path).map(drop).map_err(|error| error.error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_made_once_and_its_key_is_nobody_elses() {
        let folder = tempfile::tempdir().unwrap();
        let made = self_signed_in(folder.path()).unwrap();
        assert_eq!(&*made.names()[0], "localhost");
        let again = self_signed_in(folder.path()).unwrap();
        assert_eq!(made.key().cert, again.key().cert);
        let mode = fs::metadata(folder.path().join(KEY_FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        fs::write(folder.path().join(KEY_FILE), "broken").unwrap();
        assert!(self_signed_in(folder.path()).is_err());
    }
}
