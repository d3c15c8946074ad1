//! What is asked of TLS connections, by the name they ask for.

use std::collections::HashMap;

use super::parent;
use crate::certificate::normal;
use crate::tls::TlsVersion;

/// What is asked of one connection. Sessions are resumed only under the policy they began with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// The oldest version spoken.
    pub version_min: TlsVersion,
    /// Whether HTTP/2 is offered.
    pub http2: bool,
}

impl Default for Policy {
    /// That of names nobody has said anything about: all that is spoken here.
    fn default() -> Self {
        Self { version_min: TlsVersion::Tls12, http2: true }
    }
}

impl Policy {
    /// Every policy there is, in the order of [`Self::index`].
    pub(super) const ALL: [Self; 4] = [
        Self { version_min: TlsVersion::Tls12, http2: false },
        Self { version_min: TlsVersion::Tls12, http2: true },
        Self { version_min: TlsVersion::Tls13, http2: false },
        Self { version_min: TlsVersion::Tls13, http2: true },
    ];

    pub(super) fn index(self) -> usize {
        usize::from(self.version_min == TlsVersion::Tls13) * 2 + usize::from(self.http2)
    }
}

/// Policies by name: exact ones first, then the longest wildcard.
#[derive(Debug, Default)]
pub(super) struct Policies {
    exact: HashMap<Box<str>, Policy>,
    /// By what follows `*.`.
    wildcard: HashMap<Box<str>, Policy>,
}

impl Policies {
    pub(super) fn find(&self, name: Option<&str>) -> Policy {
        let Some(name) = name.map(normal) else { return Policy::default() };
        if let Some(policy) = self.exact.get(&name) {
            return *policy;
        }
        let mut suffix = parent(&name);
        while let Some(name) = suffix {
            if let Some(policy) = self.wildcard.get(name) {
                return *policy;
            }
            suffix = parent(name);
        }
        Policy::default()
    }
}

impl<'a> FromIterator<(&'a str, Policy)> for Policies {
    fn from_iter<T: IntoIterator<Item = (&'a str, Policy)>>(policies: T) -> Self {
        let mut table = Self::default();
        for (name, policy) in policies {
            let (names, name) = match name.strip_prefix("*.") {
                Some(suffix) => (&mut table.wildcard, suffix),
                None => (&mut table.exact, name),
            };
            names.insert(normal(name), policy);
        }
        table
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_exact_name_decides() {
        let strict = Policy { version_min: TlsVersion::Tls13, http2: true };
        let old = Policy { version_min: TlsVersion::Tls12, http2: false };
        let table: Policies = [("*.a.example", strict), ("x.a.example", old), ("*.example", old)]
            .into_iter()
            .collect();
        for (name, expected) in [
            (Some("y.a.example"), strict),
            (Some("Z.Y.a.example."), strict),
            (Some("X.A.example"), old),
            (Some("a.example"), old),
            (Some("b.other"), Policy::default()),
            (Some("example"), Policy::default()),
            (Some("."), Policy::default()),
            (None, Policy::default()),
        ] {
            assert_eq!(table.find(name), expected, "{name:?}");
        }
    }

    #[test]
    fn every_policy_has_its_place() {
        for (index, policy) in Policy::ALL.into_iter().enumerate() {
            assert_eq!(policy.index(), index);
        }
    }
}
