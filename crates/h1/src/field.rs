//! Header fields: where they are in the buffer, and which of them the product acts upon.

use crate::span::Span;

/// One field line of a head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// The whole line with its CR LF. Lines follow each other without gaps, so a run of fields
    /// that pass unchanged is one slice.
    pub line: Span,
    /// The name, as sent.
    pub name: Span,
    /// The value without the whitespace around it.
    pub value: Span,
    /// What the product does with it.
    pub kind: FieldKind,
}

/// The fields that mean something to a proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldKind {
    /// None of the others: passed on as it is.
    Other,
    /// An [`Self::Other`], [`Self::Authorization`] or [`Self::WwwAuthenticate`] that a `Connection`
    /// option of the same message names: hop-by-hop, so never passed on. A field of any other kind
    /// keeps its kind even when it is named, or a client
    /// could strike out what we tell the endpoint about it.
    Named,

    /// `Authorization`
    Authorization,
    /// `Connection`, the line itself
    Connection,
    /// `Content-Length`
    ContentLength,
    /// `Cookie`
    Cookie,
    /// `Date`
    Date,
    /// `Expect`
    Expect,
    /// `Host`
    Host,
    /// `HTTP2-Settings`, companion of an h2c upgrade
    Http2Settings,
    /// `Keep-Alive`
    KeepAlive,
    /// `Proxy-Authenticate`
    ProxyAuthenticate,
    /// `Proxy-Authorization`
    ProxyAuthorization,
    /// `Proxy-Connection`
    ProxyConnection,
    /// `Server`
    Server,
    /// `Set-Cookie`
    SetCookie,
    /// `TE`
    Te,
    /// `Trailer`
    Trailer,
    /// `Transfer-Encoding`
    TransferEncoding,
    /// `Upgrade`
    Upgrade,
    /// `WWW-Authenticate`
    WwwAuthenticate,

    /// `CDN-Loop`
    CdnLoop,
    /// `CF-Connecting-IP`
    CfConnectingIp,
    /// `CF-Connecting-IPv6`
    CfConnectingIpv6,
    /// `CF-EW-Via`
    CfEwVia,
    /// `CF-IPCountry`
    CfIpCountry,
    /// `CF-Pseudo-IPv4`
    CfPseudoIpv4,
    /// `CF-Ray`
    CfRay,
    /// `CF-Visitor`
    CfVisitor,
    /// `CF-Worker`
    CfWorker,
    /// `True-Client-IP`
    TrueClientIp,
    /// `X-Accel-Buffering`, `-Charset`, `-Limit-Rate`, `-Redirect`: instructions to a proxy that
    /// never reach the client (behaviour.md 11.2)
    XAccel,
    /// `X-Forwarded-For`
    XForwardedFor,
    /// `X-Forwarded-Proto`
    XForwardedProto,
    /// `X-Real-IP`
    XRealIp,
}

impl FieldKind {
    /// The kind of the field of this name, in any case. Never [`Self::Named`].
    #[must_use]
    pub fn of(name: &[u8]) -> Self {
        // Length, first and last letter leave one candidate to compare with. The bit is what sets
        // small letters apart from capitals, and is set in digits as well.
        let [first, .., last] = name else { return Self::Other };
        let (candidate, kind): (&[u8], Self) = match (name.len(), first | 0x20, last | 0x20) {
            (2, b't', b'e') => (b"te", Self::Te),
            (4, b'd', b'e') => (b"date", Self::Date),
            (4, b'h', b't') => (b"host", Self::Host),
            (6, b'c', b'y') => (b"cf-ray", Self::CfRay),
            (6, b'c', b'e') => (b"cookie", Self::Cookie),
            (6, b'e', b't') => (b"expect", Self::Expect),
            (6, b's', b'r') => (b"server", Self::Server),
            (7, b't', b'r') => (b"trailer", Self::Trailer),
            (7, b'u', b'e') => (b"upgrade", Self::Upgrade),
            (8, b'c', b'p') => (b"cdn-loop", Self::CdnLoop),
            (9, b'c', b'a') => (b"cf-ew-via", Self::CfEwVia),
            (9, b'c', b'r') => (b"cf-worker", Self::CfWorker),
            (9, b'x', b'p') => (b"x-real-ip", Self::XRealIp),
            (10, b'c', b'r') => (b"cf-visitor", Self::CfVisitor),
            (10, b'c', b'n') => (b"connection", Self::Connection),
            (10, b'k', b'e') => (b"keep-alive", Self::KeepAlive),
            (10, b's', b'e') => (b"set-cookie", Self::SetCookie),
            (12, b'c', b'y') => (b"cf-ipcountry", Self::CfIpCountry),
            (13, b'a', b'n') => (b"authorization", Self::Authorization),
            (14, b'c', b'4') => (b"cf-pseudo-ipv4", Self::CfPseudoIpv4),
            (14, b'c', b'h') => (b"content-length", Self::ContentLength),
            (14, b'h', b's') => (b"http2-settings", Self::Http2Settings),
            (14, b't', b'p') => (b"true-client-ip", Self::TrueClientIp),
            (15, b'x', b't') => (b"x-accel-charset", Self::XAccel),
            (15, b'x', b'r') => (b"x-forwarded-for", Self::XForwardedFor),
            (16, b'c', b'p') => (b"cf-connecting-ip", Self::CfConnectingIp),
            (16, b'p', b'n') => (b"proxy-connection", Self::ProxyConnection),
            (16, b'w', b'e') => (b"www-authenticate", Self::WwwAuthenticate),
            (16, b'x', b't') => (b"x-accel-redirect", Self::XAccel),
            (17, b't', b'g') => (b"transfer-encoding", Self::TransferEncoding),
            (17, b'x', b'g') => (b"x-accel-buffering", Self::XAccel),
            (17, b'x', b'o') => (b"x-forwarded-proto", Self::XForwardedProto),
            (18, b'c', b'6') => (b"cf-connecting-ipv6", Self::CfConnectingIpv6),
            (18, b'p', b'e') => (b"proxy-authenticate", Self::ProxyAuthenticate),
            (18, b'x', b'e') => (b"x-accel-limit-rate", Self::XAccel),
            (19, b'p', b'n') => (b"proxy-authorization", Self::ProxyAuthorization),
            _ => return Self::Other,
        };
        if name.eq_ignore_ascii_case(candidate) { kind } else { Self::Other }
    }

    /// Whether a `Connection` option can make the field hop-by-hop: it is the client's or the
    /// endpoint's own, and nothing of ours depends on it.
    pub(crate) const fn can_be_named(self) -> bool {
        matches!(self, Self::Other | Self::Authorization | Self::WwwAuthenticate)
    }

    /// Whether the field speaks of one connection only and must not be passed on as it came
    /// (RFC 9110 section 7.6.1). Framing and an upgrade handshake are written anew where needed.
    #[must_use]
    pub const fn is_hop_by_hop(self) -> bool {
        matches!(
            self,
            Self::Named
                | Self::Connection
                | Self::Http2Settings
                | Self::KeepAlive
                | Self::ProxyConnection
                | Self::Te
                | Self::TransferEncoding
                | Self::Upgrade
        )
    }
}

/// The values of the fields of a name, in any case, in the order they were sent.
pub fn find<'a>(
    fields: &'a [Field],
    buf: &'a [u8],
    name: &'a [u8],
) -> impl Iterator<Item = &'a [u8]> {
    fields
        .iter()
        .filter(move |field| field.name.of(buf).eq_ignore_ascii_case(name))
        .map(move |field| field.value.of(buf))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &[(&str, FieldKind)] = &[
        ("Authorization", FieldKind::Authorization),
        ("CDN-Loop", FieldKind::CdnLoop),
        ("CF-Connecting-IP", FieldKind::CfConnectingIp),
        ("CF-Connecting-IPv6", FieldKind::CfConnectingIpv6),
        ("CF-EW-Via", FieldKind::CfEwVia),
        ("CF-IPCountry", FieldKind::CfIpCountry),
        ("CF-Pseudo-IPv4", FieldKind::CfPseudoIpv4),
        ("CF-Ray", FieldKind::CfRay),
        ("CF-Visitor", FieldKind::CfVisitor),
        ("CF-Worker", FieldKind::CfWorker),
        ("Connection", FieldKind::Connection),
        ("Content-Length", FieldKind::ContentLength),
        ("Cookie", FieldKind::Cookie),
        ("Date", FieldKind::Date),
        ("Expect", FieldKind::Expect),
        ("Host", FieldKind::Host),
        ("HTTP2-Settings", FieldKind::Http2Settings),
        ("Keep-Alive", FieldKind::KeepAlive),
        ("Proxy-Authenticate", FieldKind::ProxyAuthenticate),
        ("Proxy-Authorization", FieldKind::ProxyAuthorization),
        ("Proxy-Connection", FieldKind::ProxyConnection),
        ("Server", FieldKind::Server),
        ("Set-Cookie", FieldKind::SetCookie),
        ("TE", FieldKind::Te),
        ("Trailer", FieldKind::Trailer),
        ("Transfer-Encoding", FieldKind::TransferEncoding),
        ("True-Client-IP", FieldKind::TrueClientIp),
        ("Upgrade", FieldKind::Upgrade),
        ("WWW-Authenticate", FieldKind::WwwAuthenticate),
        ("X-Accel-Buffering", FieldKind::XAccel),
        ("X-Accel-Charset", FieldKind::XAccel),
        ("X-Accel-Limit-Rate", FieldKind::XAccel),
        ("X-Accel-Redirect", FieldKind::XAccel),
        ("X-Forwarded-For", FieldKind::XForwardedFor),
        ("X-Forwarded-Proto", FieldKind::XForwardedProto),
        ("X-Real-IP", FieldKind::XRealIp),
    ];

    #[test]
    fn names_are_known_in_any_case_and_near_misses_are_not() {
        for (name, kind) in KNOWN {
            assert_eq!(FieldKind::of(name.as_bytes()), *kind, "{name}");
            assert_eq!(FieldKind::of(name.to_lowercase().as_bytes()), *kind, "{name}");
            assert_eq!(FieldKind::of(name.to_uppercase().as_bytes()), *kind, "{name}");
            for wrong in 0..name.len() {
                let mut near = name.as_bytes().to_vec();
                near[wrong] = b'_';
                assert_eq!(FieldKind::of(&near), FieldKind::Other, "{name} with {wrong} wrong");
            }
            let longer = [name.as_bytes(), b"x"].concat();
            assert_eq!(FieldKind::of(&longer), FieldKind::Other, "{name} with one more");
        }
    }
}
