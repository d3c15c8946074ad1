//! DNS cookies (RFC 7873) in the one form that all servers of an anycast set understand (RFC 9018).
//!
//! A server cookie shows that its sender has got an answer of ours at its address before, so that
//! nobody else speaks in its name. It is made of the client's cookie, the time and the address, and
//! nothing is kept. Nobody is refused for want of one: a wrong one counts as none, and the answer
//! brings a good one.
//!
//! Pure: the time is an argument. Cookies of impossible lengths are refused where queries are read.

use std::hash::Hasher;
use std::net::IpAddr;

use siphasher::sip::SipHasher24;

use crate::wire::Cookie;

/// Length of what we send: the client's part and ours.
pub(crate) const COOKIE_BYTES: usize = 8 + SERVER_BYTES;
/// Length of our part: version, three reserved bytes, time, hash.
const SERVER_BYTES: usize = 16;
/// The only version there is.
const VERSION: u8 = 1;
/// How old a cookie may be (RFC 9018 section 4.3).
const AGE_S_MAX: u32 = 60 * 60;
/// From which age on the client gets a new one (RFC 9018 section 4.3).
const AGE_S_RENEWED: u32 = 30 * 60;
/// How far clocks of the servers of one set may differ (RFC 9018 section 4.3).
const AHEAD_S_MAX: u32 = 5 * 60;

/// A secret that all servers of an anycast set share.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct CookieSecret(pub [u8; 16]);

impl std::fmt::Debug for CookieSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CookieSecret(…)")
    }
}

/// The secrets: cookies are made with the first and believed from all. A new one is put behind
/// first, on every server, then in front, and the old one is taken away an hour later (RFC 9018
/// section 5).
#[derive(Debug, Clone)]
pub struct CookieSecrets {
    /// Makes cookies.
    pub current: CookieSecret,
    /// Are believed as well.
    pub others: Vec<CookieSecret>,
}

/// What a query's cookie is worth, and what the answer brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Judged {
    /// Whether the server's part is ours and of these days: the client is where it says.
    pub(crate) is_known: bool,
    /// The client's part with a good one of ours.
    pub(crate) answered: [u8; COOKIE_BYTES],
}

impl CookieSecrets {
    /// Judges the cookie of a query from an address at a time in Unix seconds.
    pub(crate) fn judge(&self, cookie: &Cookie<'_>, client: IpAddr, now_s: u32) -> Judged {
        let age_s = self.age_s(cookie, client, now_s);
        let is_known = age_s.is_some();
        let is_kept = age_s.is_some_and(|age_s| age_s <= AGE_S_RENEWED);
        match <&[u8; SERVER_BYTES]>::try_from(cookie.server) {
            Ok(server) if is_kept => Judged { is_known, answered: join(&cookie.client, server) },
            _ => Judged { is_known, answered: self.make(&cookie.client, client, now_s) },
        }
    }

    /// The age of a cookie of ours; `None` for others and for those that are not of these days. One
    /// that an older secret made counts as old.
    fn age_s(&self, cookie: &Cookie<'_>, client: IpAddr, now_s: u32) -> Option<u32> {
        let [VERSION, _, _, _, t0, t1, t2, t3, hash @ ..] =
            <&[u8; SERVER_BYTES]>::try_from(cookie.server).ok()?
        else {
            return None;
        };
        // Times wrap in 2106: what differs counts, not which is larger.
        let made_s = u32::from_be_bytes([*t0, *t1, *t2, *t3]);
        let age_s = match now_s.wrapping_sub(made_s) {
            age_s @ ..=AGE_S_MAX => age_s,
            age_s if age_s.wrapping_neg() <= AHEAD_S_MAX => 0,
            _ => return None,
        };
        let start = cookie.server.first_chunk::<8>()?;
        let is_of =
            |secret: &CookieSecret| self::hash(secret, &cookie.client, start, client) == *hash;
        if is_of(&self.current) {
            Some(age_s)
        } else {
            self.others.iter().any(is_of).then_some(AGE_S_MAX)
        }
    }

    /// A fresh one.
    fn make(&self, client_part: &[u8; 8], client: IpAddr, now_s: u32) -> [u8; COOKIE_BYTES] {
        let mut start = [VERSION, 0, 0, 0, 0, 0, 0, 0];
        start[4..].copy_from_slice(&now_s.to_be_bytes());
        let mut server = [0; SERVER_BYTES];
        server[..8].copy_from_slice(&start);
        server[8..].copy_from_slice(&hash(&self.current, client_part, &start, client));
        join(client_part, &server)
    }
}

fn join(client: &[u8; 8], server: &[u8; SERVER_BYTES]) -> [u8; COOKIE_BYTES] {
    let mut cookie = [0; COOKIE_BYTES];
    cookie[..8].copy_from_slice(client);
    cookie[8..].copy_from_slice(server);
    cookie
}

/// RFC 9018 section 4.4.
fn hash(
    CookieSecret(key): &CookieSecret,
    client_part: &[u8; 8],
    start: &[u8; 8],
    client: IpAddr,
) -> [u8; 8] {
    let mut hasher = SipHasher24::new_with_key(key);
    hasher.write(client_part);
    hasher.write(start);
    match client {
        IpAddr::V4(ip) => hasher.write(&ip.octets()),
        IpAddr::V6(ip) => hasher.write(&ip.octets()),
    }
    hasher.finish().to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(hex: &str) -> Vec<u8> {
        let digits: Vec<_> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
        let byte = |pair: &[u8]| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap();
        digits.chunks(2).map(byte).collect()
    }

    fn secrets(texts: &[&str]) -> CookieSecrets {
        let secret = |hex: &&str| CookieSecret(bytes(hex).try_into().unwrap());
        let mut secrets = texts.iter().map(secret);
        CookieSecrets { current: secrets.next().unwrap(), others: secrets.collect() }
    }

    const SECRET: &str = "e5e973e5a6b2a43f48e7dc849e37bfcf";

    /// RFC 9018 appendix A.
    #[test]
    fn the_vectors_of_the_rfc() {
        let (new, old) = ("445536bcd2513298075a5d379663c962", "dd3bdf9344b678b185a6f5cb60fca715");
        for (secrets_of, client, now, asked, is_known, answered) in [
            // A.1: a new client.
            (
                &[SECRET][..],
                "198.51.100.100",
                1_559_731_985,
                "2464c4abcf10c957",
                false,
                "2464c4abcf10c957 010000005cf79f11 1f8130c3eee29480",
            ),
            // A.2: it comes again, 40 minutes later, and gets a new one.
            (
                &[SECRET],
                "198.51.100.100",
                1_559_734_385,
                "2464c4abcf10c957 010000005cf79f11 1f8130c3eee29480",
                true,
                "2464c4abcf10c957 010000005cf7a871 d4a564a1442aca77",
            ),
            // A.3: reserved bytes that are set count for the hash. The answer comes after the hour.
            (
                &[SECRET],
                "203.0.113.203",
                1_559_727_985,
                "fc93fc62807ddb86 01abcdef5cf78f71 a314227b6679ebf5",
                true,
                "fc93fc62807ddb86 01abcdef5cf78f71 a314227b6679ebf5",
            ),
            (
                &[SECRET],
                "203.0.113.203",
                1_559_734_700,
                "fc93fc62807ddb86 01abcdef5cf78f71 a314227b6679ebf5",
                false,
                "fc93fc62807ddb86 010000005cf7a9ac f73a7810aca2381e",
            ),
            // A.4: IPv6, while the secret is replaced.
            (
                &[new, old],
                "2001:db8:220:1:59de:d0f4:8769:82b8",
                1_559_741_961,
                "22681ab97d52c298 010000005cf7c579 26556bd0934c72f8",
                true,
                "22681ab97d52c298 010000005cf7c609 a6bb79d16625507a",
            ),
        ] {
            let secrets = secrets(secrets_of);
            let judged = judge(&secrets, &bytes(asked), client.parse().unwrap(), now);
            let expected = Judged { is_known, answered: bytes(answered).try_into().unwrap() };
            assert_eq!(judged, expected, "{asked} {now}");
        }
    }

    fn judge(secrets: &CookieSecrets, option: &[u8], client: IpAddr, now_s: u32) -> Judged {
        let (part, server) = option.split_first_chunk().unwrap();
        secrets.judge(&Cookie { client: *part, server }, client, now_s)
    }

    #[test]
    fn what_is_no_cookie_of_ours_counts_as_none() {
        let secrets = secrets(&[SECRET]);
        let client: IpAddr = "192.0.2.1".parse().unwrap();
        let made = 1_700_000_000;
        let cookie = secrets.make(&[1, 2, 3, 4, 5, 6, 7, 8], client, made);
        let is_known = |option: &[u8], client, now| judge(&secrets, option, client, now).is_known;
        for (now, expected) in [
            (made, true),
            (made + 3600, true),
            (made + 3601, false),
            (made - 300, true),
            (made - 301, false),
            (u32::MAX, false),
        ] {
            assert_eq!(is_known(&cookie, client, now), expected, "{now}");
        }
        assert!(!is_known(&cookie, "192.0.2.2".parse().unwrap(), made));
        for at in 0..COOKIE_BYTES {
            let mut bent = cookie;
            bent[at] ^= 0x10;
            assert!(!is_known(&bent, client, made), "byte {at}");
        }
        for length in [8, 16, 23, 25, 40] {
            assert!(!is_known(&vec![1; length], client, made), "{length}");
        }
    }

    #[test]
    fn cookies_are_kept_for_half_an_hour_and_over_a_change_of_secrets() {
        let client: IpAddr = "::1".parse().unwrap();
        let old = secrets(&[SECRET]);
        let new = secrets(&["00112233445566778899aabbccddeeff", SECRET]);
        let cookie = old.make(&[0; 8], client, 10_000);
        for (secrets, now, expected) in [
            (&old, 11_800, cookie),
            (&old, 11_801, old.make(&[0; 8], client, 11_801)),
            (&new, 10_001, new.make(&[0; 8], client, 10_001)),
        ] {
            let judged = judge(secrets, &cookie, client, now);
            assert_eq!(judged, Judged { is_known: true, answered: expected }, "{now}");
        }
    }
}
