//! What ties a client to an endpoint (behaviour.md 4).

use alloc::string::String;
use alloc::vec::Vec;
use core::ops::RangeInclusive;

/// What ties a client to an endpoint (behaviour.md 4). Counts only where traffic is proxied.
#[derive(Debug, Clone)]
pub struct SessionAffinity {
    /// By what a session is recognised.
    pub kind: AffinityKind,
    /// How long a session lasts, in seconds, as configured; see [`AffinityKind::ttl_s`].
    pub ttl_s: Option<u32>,
    /// The cookie's `SameSite` attribute.
    pub same_site: CookieSameSite,
    /// The cookie's `Secure` attribute.
    pub secure: CookieSecure,
    /// How long a disabled endpoint keeps its sessions, in seconds (behaviour.md 4.8).
    pub drain_duration_s: u32,
    /// What a session does when its endpoint fails during a request (behaviour.md 4.7).
    pub failover: ZeroDowntimeFailover,
    /// What makes the key of a session of kind [`AffinityKind::Header`], in order.
    pub headers: Vec<AffinityHeader>,
    /// Whether all of `headers` have to be there; otherwise one suffices.
    pub require_all_headers: bool,
}

impl Default for SessionAffinity {
    fn default() -> Self {
        Self {
            kind: AffinityKind::None,
            ttl_s: None,
            same_site: CookieSameSite::Auto,
            secure: CookieSecure::Auto,
            drain_duration_s: 0,
            failover: ZeroDowntimeFailover::None,
            headers: Vec::new(),
            require_all_headers: false,
        }
    }
}

/// By what a session is recognised (behaviour.md 4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AffinityKind {
    /// Every request is steered anew.
    #[default]
    None,
    /// By the signed cookie `__cflb`.
    Cookie,
    /// By the cookie, and the first choice follows from the client's address.
    IpCookie,
    /// By request headers.
    Header,
}

impl AffinityKind {
    /// What a session may last, in seconds.
    #[must_use]
    pub const fn ttl_range_s(self) -> RangeInclusive<u32> {
        match self {
            Self::None | Self::Cookie | Self::IpCookie => 1_800..=604_800,
            Self::Header => 30..=3_600,
        }
    }

    /// What a session lasts when nobody says, in seconds.
    #[must_use]
    pub const fn ttl_default_s(self) -> u32 {
        match self {
            Self::None | Self::Cookie | Self::IpCookie => 82_800,
            Self::Header => 1_800,
        }
    }

    /// How long a session of this kind lasts, in seconds; counted from its creation for cookies, from
    /// its last use for headers.
    ///
    /// A configured time out of this kind's range was meant for another kind, which a rule has
    /// overridden: then the default counts.
    #[must_use]
    pub fn ttl_s(self, configured: Option<u32>) -> u32 {
        configured.filter(|ttl| self.ttl_range_s().contains(ttl)).unwrap_or(self.ttl_default_s())
    }
}

/// One entry of `session_affinity_attributes.headers` (behaviour.md 4.6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AffinityHeader {
    /// The whole of a header, by its name in lower case. The word `cookie` is one of these.
    Header(String),
    /// The values of these cookies: `cookie:a,b`.
    Cookies(Vec<String>),
}

impl AffinityHeader {
    /// Reads an entry as a document holds it. Does not judge names: `api` validates documents.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        const COOKIES: &str = "cookie:";
        match text.split_at_checked(COOKIES.len()) {
            Some((prefix, names)) if prefix.eq_ignore_ascii_case(COOKIES) => {
                let names = names.split(',').map(str::trim).filter(|name| !name.is_empty());
                Self::Cookies(names.map(String::from).collect())
            }
            _ => Self::Header(text.to_ascii_lowercase()),
        }
    }
}

/// `session_affinity_attributes.samesite`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(missing_docs, reason = "the words of RFC 6265bis")]
pub enum CookieSameSite {
    #[default]
    Auto,
    Lax,
    None,
    Strict,
}

/// `session_affinity_attributes.secure`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CookieSecure {
    /// Secure when the request came by HTTPS.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// What a session does when its endpoint fails during a request (behaviour.md 4.7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ZeroDowntimeFailover {
    /// The client sees the error.
    #[default]
    None,
    /// Another endpoint answers this request; the session stays.
    Temporary,
    /// Another endpoint answers and the session moves to it. Not for sessions by header, where it
    /// counts as temporary.
    Sticky,
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    fn headers_are_whole_or_some_cookies() {
        for (text, meant) in [
            ("X-User", AffinityHeader::Header("x-user".into())),
            ("Cookie", AffinityHeader::Header("cookie".into())),
            ("cookie:a, B,", AffinityHeader::Cookies(vec!["a".into(), "B".into()])),
            ("Cookie:sid", AffinityHeader::Cookies(vec!["sid".into()])),
        ] {
            assert_eq!(AffinityHeader::parse(text), meant, "{text}");
        }
    }

    #[test]
    fn a_time_meant_for_another_kind_does_not_count() {
        for (kind, configured, ttl_s) in [
            (AffinityKind::Cookie, None, 82_800),
            (AffinityKind::Cookie, Some(1_800), 1_800),
            (AffinityKind::IpCookie, Some(60), 82_800),
            (AffinityKind::Header, Some(60), 60),
            (AffinityKind::Header, Some(82_800), 1_800),
        ] {
            assert_eq!(kind.ttl_s(configured), ttl_s, "{kind:?} {configured:?}");
        }
    }
}
