//! The cookie secret: given, or made once and kept in the data directory.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use super::cookie::{CookieSecret, CookieSecrets};

/// The file that a secret is kept in.
const FILE: &str = "dns-cookie-secret";
/// Secrets in force at a time: one that is, one that was or will be, and one to spare.
const SECRETS_MAX: usize = 3;

/// A text is no list of secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SecretError;

impl std::fmt::Display for SecretError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "is not 1 to {SECRETS_MAX} secrets of 32 hexadecimal digits each")
    }
}

impl std::error::Error for SecretError {}

/// Reads secrets, the one that makes cookies first.
///
/// # Errors
/// When there is none, there are too many, or one is not 32 hexadecimal digits.
pub fn parse_secrets<'t>(
    texts: impl Iterator<Item = &'t str>,
) -> Result<CookieSecrets, SecretError> {
    let secrets: Option<Vec<_>> = texts.map(parse).collect();
    match secrets.as_deref() {
        Some([current, others @ ..]) if others.len() < SECRETS_MAX => {
            Ok(CookieSecrets { current: *current, others: others.to_vec() })
        }
        _ => Err(SecretError),
    }
}

fn parse(text: &str) -> Option<CookieSecret> {
    let text = text.trim();
    let is_hex = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let number = u128::from_str_radix(text, 16).ok().filter(|_| is_hex)?;
    Some(CookieSecret(number.to_be_bytes()))
}

/// The secret that a data directory keeps, made when there is none.
///
/// # Errors
/// When the file cannot be read or written, or holds something else.
pub fn kept_secret(data_dir: &Path) -> io::Result<CookieSecrets> {
    let path = data_dir.join(FILE);
    let spoilt = |error| io::Error::new(io::ErrorKind::InvalidData, format!("{FILE} {error}"));
    match fs::read_to_string(&path) {
        Ok(text) => parse_secrets(text.lines()).map_err(spoilt),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let mut secret = [0; 16];
            getrandom::fill(&mut secret)?;
            let text = format!("{:032x}\n", u128::from_be_bytes(secret));
            let mut file =
                OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            parse_secrets(text.lines()).map_err(spoilt)
        }
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_read_in_order() {
        let texts = ["000102030405060708090a0b0c0d0e0f", "FF0102030405060708090a0b0c0d0e0f"];
        let secrets = parse_secrets(texts.into_iter()).unwrap();
        assert_eq!(secrets.current.0[..3], [0, 1, 2]);
        assert_eq!(secrets.others[0].0[0], 0xff);
        for texts in [&[][..], &["00"], &["+00102030405060708090a0b0c0d0e0f"], &[texts[0]; 4]] {
            assert!(parse_secrets(texts.iter().copied()).is_err(), "{texts:?}");
        }
    }

    #[test]
    fn a_secret_is_made_once() {
        let folder = tempfile::tempdir().unwrap();
        let made = kept_secret(folder.path()).unwrap();
        assert_eq!(kept_secret(folder.path()).unwrap().current, made.current);
        fs::write(folder.path().join(FILE), "what?").unwrap();
        let error = kept_secret(folder.path()).unwrap_err().to_string();
        assert!(error.starts_with("dns-cookie-secret is not"), "{error}");
    }
}
