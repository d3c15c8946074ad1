//! The keys that zones are signed with.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use evenkeel_model::ZoneKey;
use sha2::{Digest, Sha256};

/// ECDSA with the curve P-256 and SHA-256 (RFC 6605), which every validating resolver knows.
const ALGORITHM: u8 = 13;

/// A key of a zone that signs records and keys alike: there is one key, for a second one would make
/// every answer longer and nothing safer while both are kept in one place.
const FLAGS: u16 = 257;

/// A new key.
///
/// # Panics
/// When the system has no randomness to give: no key made after that could be trusted.
pub(crate) fn new_key() -> ZoneKey {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING);
    let pair = pair.expect("the system gives randomness");
    let private = pair.to_pkcs8v1().expect("a key that was made here has a form");
    // In a DNSKEY record the mark of an uncompressed point is left out (RFC 6605 section 4).
    let point = pair.public_key().as_ref().strip_prefix(&[4]).unwrap_or_default();
    ZoneKey {
        algorithm: ALGORITHM,
        flags: FLAGS,
        public: point.into(),
        private: private.as_ref().into(),
    }
}

/// The digest of DS records.
pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};

    use super::*;

    #[test]
    fn what_a_key_signs_its_public_part_verifies() {
        let key = new_key();
        assert_eq!((key.public.len(), &key.dnskey()[..4]), (64, &[1, 1, 3, 13][..]));
        let pair =
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &key.private).unwrap();
        let signature = pair.sign(&SystemRandom::new(), b"www.example.com").unwrap();
        let point = [&[4], &*key.public].concat();
        let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point);
        public.verify(b"www.example.com", signature.as_ref()).unwrap();
        assert_ne!(new_key(), key);
    }
}
