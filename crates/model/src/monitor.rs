//! Monitors: what a probe does and what counts as a pass (behaviour.md 7.1–7.3).

use alloc::string::String;
use alloc::vec::Vec;

use crate::MonitorId;

/// How endpoints are probed and judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Monitor {
    /// The monitor's identifier.
    pub id: MonitorId,
    /// What one probe does.
    pub kind: MonitorKind,
    /// TCP or UDP port; 0 is the endpoint's own, or else the protocol's default. Pings have none.
    pub port: u16,
    /// Time between probes of one endpoint, in milliseconds.
    pub interval_ms: u32,
    /// Limit on one whole attempt, in milliseconds.
    pub timeout_ms: u32,
    /// Extra immediate attempts, only after a timeout.
    pub retries: u8,
    /// Passes in a row that make an endpoint healthy; 0 means 1.
    pub consecutive_up: u32,
    /// Failures in a row that make an endpoint unhealthy; 0 means 1.
    pub consecutive_down: u32,
}

/// What one probe does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MonitorKind {
    /// A TCP handshake.
    Tcp,
    /// An HTTP/1.1 exchange over plain TCP or TLS.
    Http {
        /// Whether TLS comes first (`type: https`).
        tls: bool,
        /// Skip certificate validation.
        allow_insecure: bool,
        /// Request method.
        method: Method,
        /// Request target, starting with `/`.
        path: String,
        /// Request headers, `User-Agent` excluded; `Host` yields to the endpoint's own.
        headers: Vec<(String, Vec<String>)>,
        /// Status codes that pass.
        expected_codes: ExpectedCodes,
        /// Text the body must contain; `None` when not checked.
        expected_body: Option<BodyMatch>,
        /// Follow 3xx answers and judge the last one.
        follow_redirects: bool,
    },
    /// An ICMP echo, then a UDP datagram that nobody calls undeliverable.
    UdpIcmp,
    /// An ICMP echo.
    IcmpPing,
    /// A greeting and a farewell over SMTP.
    Smtp,
    /// The standard health service of gRPC (`grpc.health.v1.Health/Check`), an addition of ours.
    Grpc {
        /// Whether TLS comes first; otherwise HTTP/2 is spoken with prior knowledge.
        tls: bool,
        /// Skip certificate validation.
        allow_insecure: bool,
        /// Whose health is asked for; `None` is the server as a whole.
        service: Option<String>,
        /// Metadata of the call; `Host` becomes the authority and yields to the endpoint's own.
        headers: Vec<(String, Vec<String>)>,
    },
}

/// Method of an HTTP probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(missing_docs, reason = "HTTP's own words")]
pub enum Method {
    #[default]
    Get,
    Head,
}

/// A case-insensitive needle, held in ASCII lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BodyMatch(String);

impl BodyMatch {
    /// How much of a body is searched, in bytes (behaviour.md 7.3).
    pub const WINDOW_BYTES: usize = 10_240;

    /// `None` for the empty text, which means "not checked".
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        (!text.is_empty()).then(|| Self(text.to_ascii_lowercase()))
    }

    /// Whether the first [`Self::WINDOW_BYTES`] of the body contain the text, ignoring ASCII case.
    /// Takes time in proportion to the body, whatever is in it: an endpoint that chooses it must not
    /// be able to hold up the probes of others.
    #[must_use]
    pub fn is_in(&self, body: &[u8]) -> bool {
        let window = body[..body.len().min(Self::WINDOW_BYTES)].to_ascii_lowercase();
        memchr::memmem::find(&window, self.0.as_bytes()).is_some()
    }

    /// Whether the text is in a body of which the first `searched` bytes do not contain it. Of those
    /// only as many are looked at again as the text may have begun in.
    #[must_use]
    pub fn is_in_more(&self, body: &[u8], searched: usize) -> bool {
        let window = &body[..body.len().min(Self::WINDOW_BYTES)];
        let from = (searched + 1).saturating_sub(self.0.len());
        self.is_in(window.get(from..).unwrap_or_default())
    }
}

/// A set of status codes: a comma list of `200` and `2xx` (behaviour.md 7.3, api.md 9 item 32).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpectedCodes(Vec<ExpectedCode>);

/// One entry of [`ExpectedCodes`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExpectedCode {
    /// One code.
    Exact(u16),
    /// A class by its first digit.
    Class(u8),
}

impl ExpectedCodes {
    /// `None` when the text is not a comma list of `NNN` and `Nxx`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        text.split(',')
            .map(|item| ExpectedCode::parse(item.trim()))
            .collect::<Option<Vec<_>>>()
            .map(Self)
    }

    /// Whether a response with this status passes.
    #[must_use]
    pub fn accept(&self, status: u16) -> bool {
        self.0.iter().any(|code| match code {
            ExpectedCode::Exact(exact) => *exact == status,
            ExpectedCode::Class(class) => u16::from(*class) == status / 100,
        })
    }
}

impl ExpectedCode {
    fn parse(item: &str) -> Option<Self> {
        match item.as_bytes() {
            [class @ b'1'..=b'5', b'x' | b'X', b'x' | b'X'] => Some(Self::Class(class - b'0')),
            [b'1'..=b'9', b'0'..=b'9', b'0'..=b'9'] => item.parse().ok().map(Self::Exact),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_exact_or_a_class_never_a_range() {
        let codes = ExpectedCodes::parse("200, 204,3XX").unwrap();
        for (status, passes) in [(200, true), (201, false), (204, true), (302, true), (404, false)]
        {
            assert_eq!(codes.accept(status), passes, "{status}");
        }
        for text in ["", "200-299", "20", "2x", "2xx,", "xx2", "000", "6xx", "200 204"] {
            assert_eq!(ExpectedCodes::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn body_is_searched_without_case_and_only_in_the_window() {
        let ok = BodyMatch::new("OK").unwrap();
        assert!(ok.is_in(b"all ok here"));
        assert!(!ok.is_in(b"o k"));
        let mut late = alloc::vec![b'.'; BodyMatch::WINDOW_BYTES - 1];
        late.extend_from_slice(b"ok");
        assert!(!ok.is_in(&late));
        assert_eq!(BodyMatch::new(""), None);
        for at in 0..late.len() {
            let (mut body, end) = (alloc::vec![b'o'; at], at + 2);
            body.extend_from_slice(b"OKAY");
            let is_seen = (end..=end + 2).any(|more| ok.is_in_more(&body[..more], end - 1));
            assert_eq!(is_seen, end <= BodyMatch::WINDOW_BYTES, "at {at}");
            assert!(!ok.is_in_more(&body[..end - 1], end - 1));
        }
    }
}
