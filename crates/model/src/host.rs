//! Which load balancer owns a host name: exact names first, then the longest wildcard
//! (behaviour.md 1.5, 8.5).

use alloc::string::String;
use core::fmt;

use hashbrown::HashMap;
use siphasher::sip::SipHasher13;

use crate::config::LoadBalancerIx;

/// Longest host name in bytes, without the final dot (RFC 1035 section 2.3.4).
const NAME_BYTES_MAX: usize = 253;
/// Longest label in bytes (RFC 1035 section 2.3.4).
const LABEL_BYTES_MAX: usize = 63;

/// The name of a load balancer: a host name, or `*.` and a host name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum HostPattern {
    /// One host name.
    Exact(String),
    /// Every name below this suffix, at any depth.
    Wildcard(String),
}

/// Why a text names no host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HostPatternError;

impl fmt::Display for HostPatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a host name; expected labels of letters, digits, '-' and '_', with '*' only as the whole first label")
    }
}

impl core::error::Error for HostPatternError {}

impl HostPattern {
    /// Reads a name in any case, with or without the final dot.
    ///
    /// # Errors
    /// When the name is empty, too long, has a malformed label or a `*` anywhere but first.
    pub fn parse(text: &str) -> Result<Self, HostPatternError> {
        let name = text.strip_suffix('.').unwrap_or(text);
        let (suffix, wildcard) = match name.strip_prefix("*.") {
            Some(suffix) => (suffix, true),
            None => (name, false),
        };
        if name.len() > NAME_BYTES_MAX || !suffix.split('.').all(is_label) {
            return Err(HostPatternError);
        }
        let suffix = suffix.to_ascii_lowercase();
        Ok(if wildcard { Self::Wildcard(suffix) } else { Self::Exact(suffix) })
    }

    /// Whether the name is this zone's apex or below it. `zone` is in lower case.
    #[must_use]
    pub fn is_in_zone(&self, zone: &str) -> bool {
        let (Self::Exact(name) | Self::Wildcard(name)) = self;
        name == zone
            || name.strip_suffix(zone).is_some_and(|below| below.ends_with('.') && below.len() > 1)
    }
}

fn is_label(label: &str) -> bool {
    let bytes = label.as_bytes();
    let inner = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (1..=LABEL_BYTES_MAX).contains(&bytes.len())
        && bytes.iter().all(inner)
        && bytes[0] != b'-'
        && bytes[bytes.len() - 1] != b'-'
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(name) => f.write_str(name),
            Self::Wildcard(suffix) => write!(f, "*.{suffix}"),
        }
    }
}

/// A fixed hash: keys come from validated documents, only look-ups come from strangers.
#[derive(Debug, Clone, Copy, Default)]
struct Fixed;

impl core::hash::BuildHasher for Fixed {
    type Hasher = SipHasher13;
    fn build_hasher(&self) -> SipHasher13 {
        SipHasher13::new()
    }
}

/// Host name → load balancer, in time that does not grow with their number.
#[derive(Debug, Clone, Default)]
pub struct HostIndex {
    exact: HashMap<String, LoadBalancerIx, Fixed>,
    wildcard: HashMap<String, LoadBalancerIx, Fixed>,
}

impl HostIndex {
    /// Enters a pattern. When two load balancers claim one, the first keeps it and the call
    /// returns it.
    pub fn insert(&mut self, pattern: &HostPattern, ix: LoadBalancerIx) -> Option<LoadBalancerIx> {
        let (map, key) = match pattern {
            HostPattern::Exact(name) => (&mut self.exact, name),
            HostPattern::Wildcard(suffix) => (&mut self.wildcard, suffix),
        };
        if let Some(owner) = map.get(key) {
            return Some(*owner);
        }
        map.insert(key.clone(), ix);
        None
    }

    /// The owner of a host name given in lower case without port or final dot: the exact name,
    /// else the wildcard with the longest suffix.
    #[must_use]
    pub fn find(&self, host: &str) -> Option<LoadBalancerIx> {
        if let Some(ix) = self.exact.get(host) {
            return Some(*ix);
        }
        if self.wildcard.is_empty() {
            return None;
        }
        let mut rest = host;
        while let Some((_, suffix)) = rest.split_once('.') {
            if let Some(ix) = self.wildcard.get(suffix) {
                return Some(*ix);
            }
            rest = suffix;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index(patterns: &[&str]) -> HostIndex {
        let mut index = HostIndex::default();
        for (n, pattern) in (0..).zip(patterns) {
            assert_eq!(
                index.insert(&HostPattern::parse(pattern).unwrap(), LoadBalancerIx(n)),
                None
            );
        }
        index
    }

    #[test]
    fn exact_beats_the_longest_wildcard_beats_the_shorter() {
        let index = index(&["shop.example.com", "*.example.com", "*.eu.example.com"]);
        for (host, owner) in [
            ("shop.example.com", Some(0)),
            ("a.example.com", Some(1)),
            ("a.b.example.com", Some(1)),
            ("x.eu.example.com", Some(2)),
            ("eu.example.com", Some(1)),
            ("example.com", None),
            ("com", None),
            ("", None),
        ] {
            assert_eq!(index.find(host), owner.map(LoadBalancerIx), "{host}");
        }
    }

    #[test]
    fn the_first_claim_stays() {
        let mut index = index(&["a.example"]);
        let again = HostPattern::parse("A.Example.").unwrap();
        assert_eq!(index.insert(&again, LoadBalancerIx(7)), Some(LoadBalancerIx(0)));
    }

    #[test]
    fn malformed_names_are_refused() {
        for name in
            ["", ".", "*", "*.", "a..b", "-a.example", "a*.example", "a.*.example", "a b.example"]
        {
            assert_eq!(HostPattern::parse(name), Err(HostPatternError), "{name:?}");
        }
    }

    #[test]
    fn zone_holds_its_apex_and_what_is_below() {
        for (name, inside) in [
            ("example.com", true),
            ("*.example.com", true),
            ("a.b.example.com", true),
            ("badexample.com", false),
            ("com", false),
        ] {
            assert_eq!(
                HostPattern::parse(name).unwrap().is_in_zone("example.com"),
                inside,
                "{name}"
            );
        }
    }
}
