//! Identifiers, secrets and the time of day: the two things that documents take from outside.

use std::fmt::Write;

use evenkeel_model::Timestamp;

/// Characters of a token that [`new_token`] makes: 30 random bytes, six bits to a character.
pub(crate) const TOKEN_CHARS: usize = 40;

/// Random bytes from the system.
///
/// # Panics
/// When the system has no randomness to give: no secret made after that could be trusted.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the system gives randomness");
    bytes
}

/// A new identifier: 32 lower-case hex digits (api.md 1.5).
pub(crate) fn new_id() -> String {
    hex(&random::<16>())
}

/// A new bearer token of 240 random bits, in characters that need no quoting anywhere.
pub(crate) fn new_token() -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    random::<TOKEN_CHARS>()
        .iter()
        .map(|byte| char::from(ALPHABET[usize::from(byte % 64)]))
        .collect()
}

/// Bytes as lower-case hex digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Bytes from hex digits of either case; `None` unless there are exactly `2 * N`.
pub(crate) fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.as_bytes();
    if digits.len() != 2 * N {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        let digit = |place: usize| char::from(pair[place]).to_digit(16);
        *byte = u8::try_from(digit(0)? << 4 | digit(1)?).ok()?;
    }
    Some(bytes)
}

/// Whether a text can be an identifier.
pub(crate) fn is_id(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Now, as timestamps are written: RFC 3339 in UTC with six fraction digits (api.md 1.5).
pub(crate) fn now() -> String {
    written(jiff::Timestamp::now())
}

/// A point in time as timestamps are written. Those past the year 9999 become the last of it.
pub(crate) fn rfc3339(time: Timestamp) -> String {
    let millis = i64::try_from(time.0).unwrap_or(i64::MAX);
    written(jiff::Timestamp::from_millisecond(millis).unwrap_or(jiff::Timestamp::MAX))
}

fn written(time: jiff::Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
}

/// A time in milliseconds since 1970, as timestamps are written (api.md 1.5).
#[must_use]
pub fn timestamp(at_ms: u64) -> String {
    let at_ms = i64::try_from(at_ms).unwrap_or(i64::MAX);
    let at = jiff::Timestamp::from_millisecond(at_ms).unwrap_or(jiff::Timestamp::MAX);
    at.strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_have_the_published_form() {
        let (one, other) = (new_id(), new_id());
        assert!(is_id(&one) && is_id(&other) && one != other, "{one} {other}");
        for text in ["", "1a2b", &one[1..], &one.to_uppercase(), "../../../../../../../../etc/pass"]
        {
            assert!(!is_id(text) || text == one, "{text}");
        }
    }

    #[test]
    fn hex_goes_both_ways() {
        let bytes = random::<32>();
        assert_eq!(unhex(&hex(&bytes)), Some(bytes));
        assert_eq!(unhex::<2>("00g0"), None);
        assert_eq!(unhex::<2>("00"), None);
        assert_eq!(unhex::<2>("+1+1"), None);
    }

    #[test]
    fn timestamps_have_six_digits() {
        let now = now();
        assert_eq!((now.len(), &now[19..20], &now[26..]), (27, ".", "Z"), "{now}");
        now.parse::<jiff::Timestamp>().unwrap();
        let known = Timestamp(1_740_695_508_033);
        assert_eq!(rfc3339(known), "2025-02-27T22:31:48.033000Z");
        assert!(rfc3339(Timestamp(u64::MAX)).starts_with("9999-12-30"));
    }
}
