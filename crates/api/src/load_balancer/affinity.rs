//! Session affinity: its words, its ranges, and which combinations are refused (api.md 3.1,
//! behaviour.md 4.1, 4.3, 4.6).

use alloc::string::String;
use alloc::vec::Vec;
use core::ops::RangeInclusive;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::rules::AttributesOverride;
use crate::context::Context;
use crate::read::{Node, Object, unique};
use crate::words::words;

words! {
    /// `session_affinity`.
    SessionAffinity {
        /// The same as `None`.
        Unset = "",
        /// Every request is steered anew.
        None = "none",
        /// By cookie.
        Cookie = "cookie",
        /// By cookie, the first choice by address.
        IpCookie = "ip_cookie",
        /// By request headers.
        Header = "header",
    }

    /// `session_affinity_attributes.samesite`.
    #[expect(missing_docs, reason = "the words of RFC 6265bis")]
    SameSite { Auto = "Auto", Lax = "Lax", None = "None", Strict = "Strict", }

    /// `session_affinity_attributes.secure`.
    Secure {
        /// As the request came.
        Auto = "Auto",
        /// Always.
        Always = "Always",
        /// Never.
        Never = "Never",
    }

    /// `session_affinity_attributes.zero_downtime_failover`.
    ZeroDowntimeFailover {
        /// The client sees the error.
        None = "none",
        /// Another origin answers; the session stays.
        Temporary = "temporary",
        /// Another origin answers and keeps the session.
        Sticky = "sticky",
    }
}

impl SessionAffinity {
    /// The time-to-live filled in when none is sent, in seconds.
    #[must_use]
    pub const fn ttl_default(self) -> Option<u32> {
        match self {
            Self::Unset | Self::None => None,
            Self::Cookie | Self::IpCookie => Some(82_800),
            Self::Header => Some(1800),
        }
    }

    /// The time-to-live a client may choose, in seconds. Without affinity it has no effect and only
    /// the widest bounds hold.
    pub(super) const fn ttl_range(self) -> RangeInclusive<u32> {
        match self {
            Self::Unset | Self::None => 1..=604_800,
            Self::Cookie | Self::IpCookie => 1800..=604_800,
            Self::Header => 30..=3600,
        }
    }
}

/// `session_affinity_attributes`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SessionAffinityAttributes {
    /// The cookie's `SameSite`.
    pub samesite: SameSite,
    /// The cookie's `Secure`.
    pub secure: Secure,
    /// How long a disabled origin keeps its sessions, in seconds.
    pub drain_duration: u32,
    /// What a session does when its origin fails.
    pub zero_downtime_failover: ZeroDowntimeFailover,
    /// The headers that name a session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub headers: Option<Vec<String>>,
    /// Whether all of them must be there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub require_all_headers: Option<bool>,
}

impl Default for SessionAffinityAttributes {
    fn default() -> Self {
        Self {
            samesite: SameSite::Auto,
            secure: Secure::Auto,
            drain_duration: 0,
            zero_downtime_failover: ZeroDowntimeFailover::None,
            headers: None,
            require_all_headers: None,
        }
    }
}

/// Longest drain, in seconds: a day.
const DRAIN_MAX: u32 = 86_400;
/// Longest name of an affinity header, in characters.
const HEADER_CHARS_MAX: usize = 100;

impl SessionAffinityAttributes {
    pub(super) fn read(object: &Object<'_>, cx: &Context<'_>) -> Self {
        let sent = AttributesOverride::read(object, cx);
        let default = Self::default();
        Self {
            samesite: sent.samesite.unwrap_or(default.samesite),
            secure: sent.secure.unwrap_or(default.secure),
            drain_duration: object.integer("drain_duration", 0..=DRAIN_MAX).unwrap_or(0),
            zero_downtime_failover: sent
                .zero_downtime_failover
                .unwrap_or(default.zero_downtime_failover),
            headers: sent.headers,
            require_all_headers: sent.require_all_headers,
        }
    }
}

/// Reads the names that make up a session: distinct whatever their letter case.
pub(super) fn headers(object: &Object<'_>, cx: &Context<'_>) -> Option<Vec<String>> {
    let items = object.items("headers", "headers", 0..=cx.limits.affinity_headers_max)?;
    Some(unique(items, |item| {
        let text = item.text_within(1..=HEADER_CHARS_MAX)?;
        check_header(item, &text);
        Some((text.to_ascii_lowercase(), text))
    }))
}

/// A header name, or `cookie:` and the names of the cookies that count.
fn check_header(item: &Node<'_>, text: &str) {
    let valid = match text.strip_prefix("cookie:") {
        Some(cookies) => cookies.split(',').all(|name| {
            let inner = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b';' | b'=');
            !name.is_empty() && name.bytes().all(inner)
        }),
        None => text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_')),
    };
    if !valid {
        item.problem(format_args!("headers must be header names or cookie:name,name"));
    }
}

/// What is in force together, be it of a load balancer or of a rule's overrides laid over it.
pub(super) struct InForce<'a> {
    pub(super) kind: SessionAffinity,
    pub(super) samesite: SameSite,
    pub(super) secure: Secure,
    pub(super) failover: ZeroDowntimeFailover,
    pub(super) headers: Option<&'a [String]>,
}

impl<'a> InForce<'a> {
    pub(super) fn of(kind: SessionAffinity, attributes: &'a SessionAffinityAttributes) -> Self {
        Self {
            kind,
            samesite: attributes.samesite,
            secure: attributes.secure,
            failover: attributes.zero_downtime_failover,
            headers: attributes.headers.as_deref(),
        }
    }

    /// Notes the combinations that make no sense; `object` holds both members.
    pub(super) fn check(&self, object: &Object<'_>) {
        const ATTRIBUTES: &str = "session_affinity_attributes";
        if self.samesite == SameSite::None && self.secure == Secure::Never {
            let reason = format_args!("samesite None is not allowed with secure Never");
            object.problem_in(ATTRIBUTES, "secure", reason);
        }
        if self.kind != SessionAffinity::Header {
            return;
        }
        if self.failover == ZeroDowntimeFailover::Sticky {
            let reason = format_args!("sticky is not supported with session_affinity header");
            object.problem_in(ATTRIBUTES, "zero_downtime_failover", reason);
        }
        if self.headers.is_none_or(<[_]>::is_empty) {
            let reason = format_args!("headers is required for session_affinity header");
            object.problem_in(ATTRIBUTES, "headers", reason);
        }
    }
}
