//! What a session cookie says, and how it is kept from being forged (behaviour.md 4.2).
//!
//! The value is URL-safe base64 without padding, fixed in length, over
//!
//! ```text
//! offset  0        1                 17       33          41         47         53      69
//!         layout   load balancer id  pool id  endpoint id created_ms expires_ms MAC
//! ```
//!
//! with all numbers big-endian. The MAC is HMAC-SHA-256 over what stands before it, cut to its
//! left 16 bytes. What it covers fits one SHA-256 block with its padding (55 bytes), and the whole
//! is a multiple of three bytes, so that base64 leaves no bit unused and a value has one spelling.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use evenkeel_model::{
    AffinityKey, AffinityKeys, AffinityKind, EndpointId, LoadBalancerId, PoolId, Timestamp,
};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use super::SessionFinding;

/// The first byte of every token: the layout's version, and how its first endpoint was chosen.
/// Other numbers are other layouts.
const BY_CHANCE: u8 = 1;
const BY_ADDRESS: u8 = 2;
const BODY_BYTES: usize = 53;
const MAC_BYTES: usize = 16;
const TOKEN_BYTES: usize = BODY_BYTES + MAC_BYTES;
/// Length of a cookie's value.
pub(super) const VALUE_BYTES: usize = TOKEN_BYTES / 3 * 4;

/// A session: who serves it, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token {
    /// [`AffinityKind::Cookie`] or [`AffinityKind::IpCookie`].
    pub(super) kind: AffinityKind,
    /// Whose session.
    pub(super) load_balancer: LoadBalancerId,
    /// The pool of the endpoint, where it is looked for.
    pub(super) pool: PoolId,
    /// Who serves it. By identity, so that renaming and reordering endpoints ends no session.
    pub(super) endpoint: EndpointId,
    /// When the session began.
    pub(super) created: Timestamp,
    /// The first moment at which it is over, whatever was requested meanwhile.
    pub(super) expires: Timestamp,
}

impl Token {
    /// The value of the cookie, signed.
    pub(super) fn write(&self, key: &AffinityKey) -> [u8; VALUE_BYTES] {
        let mut token = [0; TOKEN_BYTES];
        let (body, mac) = token.split_at_mut(BODY_BYTES);
        body[0] = if self.kind == AffinityKind::IpCookie { BY_ADDRESS } else { BY_CHANCE };
        body[1..17].copy_from_slice(&self.load_balancer.0);
        body[17..33].copy_from_slice(&self.pool.0);
        body[33..41].copy_from_slice(&self.endpoint.0.to_be_bytes());
        body[41..47].copy_from_slice(&time_to_bytes(self.created));
        body[47..53].copy_from_slice(&time_to_bytes(self.expires));
        mac.copy_from_slice(&hmac(key, body).finalize().into_bytes()[..MAC_BYTES]);
        let mut value = [0; VALUE_BYTES];
        URL_SAFE_NO_PAD.encode_slice(token, &mut value).expect("four digits for each three bytes");
        value
    }

    /// Reads a cookie's value and verifies that one of our keys signed it.
    pub(super) fn read(value: &[u8], keys: &AffinityKeys) -> Result<Self, SessionFinding> {
        if value.len() != VALUE_BYTES {
            return Err(SessionFinding::Malformed);
        }
        let mut token = [0; TOKEN_BYTES];
        URL_SAFE_NO_PAD.decode_slice(value, &mut token).map_err(|_| SessionFinding::Malformed)?;
        let (body, mac) = token.split_at(BODY_BYTES);
        let kind = match body[0] {
            BY_CHANCE => AffinityKind::Cookie,
            BY_ADDRESS => AffinityKind::IpCookie,
            _ => return Err(SessionFinding::UnknownVersion),
        };
        // Compares in constant time.
        let signed = |key: &AffinityKey| hmac(key, body).verify_truncated_left(mac).is_ok();
        if !signed(&keys.current) && !keys.previous.as_ref().is_some_and(signed) {
            return Err(SessionFinding::BadMac);
        }
        Ok(Self {
            kind,
            load_balancer: LoadBalancerId(bytes_at(body, 1)),
            pool: PoolId(bytes_at(body, 17)),
            endpoint: EndpointId(u64::from_be_bytes(bytes_at(body, 33))),
            created: time_from_bytes(bytes_at(body, 41)),
            expires: time_from_bytes(bytes_at(body, 47)),
        })
    }

    /// Whether the session counts here and now. Does not rely on the browser to drop old cookies.
    pub(super) fn check(
        self,
        load_balancer: LoadBalancerId,
        kind: AffinityKind,
        now: Timestamp,
    ) -> Result<Self, SessionFinding> {
        if self.load_balancer != load_balancer {
            Err(SessionFinding::OtherLoadBalancer)
        } else if self.kind != kind {
            Err(SessionFinding::OtherKind)
        } else if now >= self.expires {
            Err(SessionFinding::Expired)
        } else {
            Ok(self)
        }
    }
}

fn hmac(key: &AffinityKey, body: &[u8]) -> Hmac<Sha256> {
    let hmac = Hmac::<Sha256>::new_from_slice(&key.0).expect("HMAC takes keys of any length");
    hmac.chain_update(body)
}

fn bytes_at<const N: usize>(body: &[u8], at: usize) -> [u8; N] {
    let mut bytes = [0; N];
    bytes.copy_from_slice(&body[at..at + N]);
    bytes
}

/// 48 bits of milliseconds reach the year 10889; beyond lies no clock we have to believe.
const TIME_MAX: u64 = (1 << 48) - 1;

fn time_to_bytes(time: Timestamp) -> [u8; 6] {
    bytes_at(&time.0.min(TIME_MAX).to_be_bytes(), 2)
}

fn time_from_bytes(bytes: [u8; 6]) -> Timestamp {
    let [a, b, c, d, e, f] = bytes;
    Timestamp(u64::from_be_bytes([0, 0, a, b, c, d, e, f]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const KEYS: AffinityKeys =
        AffinityKeys { current: AffinityKey([1; 32]), previous: Some(AffinityKey([2; 32])) };

    fn tokens() -> impl Strategy<Value = Token> {
        (any::<(bool, [u8; 16], [u8; 16], u64)>(), 0..=TIME_MAX, 0..=TIME_MAX).prop_map(
            |((by_address, load_balancer, pool, endpoint), created, expires)| Token {
                kind: if by_address { AffinityKind::IpCookie } else { AffinityKind::Cookie },
                load_balancer: LoadBalancerId(load_balancer),
                pool: PoolId(pool),
                endpoint: EndpointId(endpoint),
                created: Timestamp(created),
                expires: Timestamp(expires),
            },
        )
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(token in tokens()) {
            prop_assert_eq!(Token::read(&token.write(&KEYS.current), &KEYS), Ok(token));
        }

        #[test]
        fn the_previous_key_is_believed_an_older_one_is_not(token in tokens()) {
            let by_previous = token.write(&AffinityKey([2; 32]));
            prop_assert_eq!(Token::read(&by_previous, &KEYS), Ok(token));
            let by_older = token.write(&AffinityKey([3; 32]));
            prop_assert_eq!(Token::read(&by_older, &KEYS), Err(SessionFinding::BadMac));
            let keys = AffinityKeys { previous: None, ..KEYS };
            prop_assert_eq!(Token::read(&by_previous, &keys), Err(SessionFinding::BadMac));
        }

        #[test]
        fn any_other_byte_makes_it_absent(
            token in tokens(), at in 0..VALUE_BYTES, byte in any::<u8>()
        ) {
            let mut value = token.write(&KEYS.current);
            prop_assume!(value[at] != byte);
            value[at] = byte;
            prop_assert!(Token::read(&value, &KEYS).is_err());
        }
    }

    #[test]
    fn another_kind_of_affinity_ends_the_session() {
        let token = Token {
            kind: AffinityKind::Cookie,
            load_balancer: LoadBalancerId([1; 16]),
            pool: PoolId([2; 16]),
            endpoint: EndpointId(3),
            created: Timestamp(4),
            expires: Timestamp(5),
        };
        let check = |kind| token.check(token.load_balancer, kind, Timestamp(4));
        assert_eq!(check(AffinityKind::Cookie), Ok(token));
        assert_eq!(check(AffinityKind::IpCookie), Err(SessionFinding::OtherKind));
    }

    #[test]
    fn every_flipped_bit_makes_it_absent() {
        let token = Token {
            kind: AffinityKind::Cookie,
            load_balancer: LoadBalancerId([4; 16]),
            pool: PoolId([5; 16]),
            endpoint: EndpointId(6),
            created: Timestamp(7),
            expires: Timestamp(8),
        };
        let good = token.write(&KEYS.current);
        for at in 0..VALUE_BYTES {
            for bit in 0..8 {
                let mut value = good;
                value[at] ^= 1 << bit;
                assert!(Token::read(&value, &KEYS).is_err(), "byte {at}, bit {bit}");
            }
        }
    }

    #[test]
    fn what_is_not_ours_says_why() {
        let old = {
            let mut token = [0; TOKEN_BYTES];
            token[0] = BY_ADDRESS + 1;
            URL_SAFE_NO_PAD.encode(token)
        };
        let long = "A".repeat(VALUE_BYTES + 4);
        let plus = "+".repeat(VALUE_BYTES);
        for (value, finding) in [
            ("", SessionFinding::Malformed),
            ("0H28vDyB7bHSBZvKQx", SessionFinding::Malformed),
            (&*long, SessionFinding::Malformed),
            (&*plus, SessionFinding::Malformed),
            (&*old, SessionFinding::UnknownVersion),
        ] {
            assert_eq!(Token::read(value.as_bytes(), &KEYS), Err(finding), "{value}");
        }
    }
}
