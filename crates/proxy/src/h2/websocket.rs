//! The handshake of RFC 6455, which we hold with an endpoint for a client that opens its WebSocket
//! by RFC 8441: there the stream says what key and accept say in HTTP/1.1.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest, Sha1};

/// What is appended to a key before it is hashed (RFC 6455 section 1.3).
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// The key of one handshake.
#[derive(Debug)]
pub(crate) struct Key(String);

impl Key {
    /// From 16 random bytes. They need no secrecy: the key shows that an endpoint understood the
    /// handshake, and protects nothing.
    pub(crate) fn new(nonce: u128) -> Self {
        Self(STANDARD.encode(nonce.to_be_bytes()))
    }

    /// `Sec-WebSocket-Key`
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// Whether this is the `Sec-WebSocket-Accept` for it.
    pub(crate) fn is_accepted_by(&self, accept: &[u8]) -> bool {
        let hash = Sha1::new().chain_update(&self.0).chain_update(GUID).finalize();
        STANDARD.encode(hash).as_bytes() == accept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_rfc_6455() {
        let key = Key::new(u128::from_be_bytes(*b"the sample nonce"));
        assert_eq!(key.as_bytes(), b"dGhlIHNhbXBsZSBub25jZQ==");
        assert!(key.is_accepted_by(b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
        assert!(!key.is_accepted_by(b"s3pPLMBiTxaQ9kYGzzhZRbK+xOp="));
    }
}
