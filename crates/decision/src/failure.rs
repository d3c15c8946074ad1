//! Why a request gets no answer from an endpoint, and the status it gets instead
//! (behaviour.md 1.6, 5.2). The pages around the statuses are `proxy`'s.

use core::fmt;

/// There is nobody to send the request to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unavailable {
    /// No load balancer of this node has the name.
    UnknownHost,
    /// The name belongs to a load balancer that answers DNS only.
    DnsOnly,
    /// No pool is fit, and the fallback pool is disabled or has no enabled endpoint.
    NoEndpoint,
    /// No name that resolves is left.
    Unresolved,
}

impl Unavailable {
    /// The HTTP status.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::UnknownHost | Self::DnsOnly => 409,
            Self::NoEndpoint | Self::Unresolved => 530,
        }
    }

    /// The error code of the page, beside the status.
    #[must_use]
    pub const fn error_code(self) -> u16 {
        match self {
            Self::UnknownHost | Self::DnsOnly => 1018,
            Self::NoEndpoint | Self::Unresolved => 1016,
        }
    }

    /// One word for trails, logs and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UnknownHost => "unknown_host",
            Self::DnsOnly => "dns_only",
            Self::NoEndpoint => "no_endpoint",
            Self::Unresolved => "unresolved",
        }
    }
}

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnknownHost => "no load balancer has this host name",
            Self::DnsOnly => "the load balancer of this host name answers DNS only",
            Self::NoEndpoint => "no pool is fit and the fallback pool has no enabled endpoint",
            Self::Unresolved => "no endpoint is left whose name resolves",
        })
    }
}

/// What kept a connection to an endpoint from standing. Nothing of the request was sent
/// (behaviour.md 5.2), so any method may be tried elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DialFailure {
    /// The endpoint refused the connection.
    Refused,
    /// The TCP handshake took too long.
    TimedOut,
    /// There is no route.
    Unreachable,
    /// The TLS handshake failed.
    Tls,
    /// The endpoint's certificate was rejected.
    Certificate,
}

impl DialFailure {
    /// The HTTP status.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::Refused => 521,
            Self::TimedOut => 522,
            Self::Unreachable => 523,
            Self::Tls => 525,
            Self::Certificate => 526,
        }
    }

    /// One word for trails, logs and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::TimedOut => "timed_out",
            Self::Unreachable => "unreachable",
            Self::Tls => "tls",
            Self::Certificate => "certificate",
        }
    }
}

impl fmt::Display for DialFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Refused => "the endpoint refused the connection",
            Self::TimedOut => "the connection to the endpoint timed out",
            Self::Unreachable => "the endpoint is unreachable",
            Self::Tls => "the TLS handshake with the endpoint failed",
            Self::Certificate => "the endpoint's certificate is not valid",
        })
    }
}

/// Why a plan ends without an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GiveUp {
    /// The last endpoint that was tried failed, and nobody else may be.
    Failed(DialFailure),
    /// Nobody was left to try.
    Unavailable(Unavailable),
}

impl GiveUp {
    /// The HTTP status.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::Failed(failure) => failure.status(),
            Self::Unavailable(reason) => reason.status(),
        }
    }

    /// The error code of the page, where there is one beside the status.
    #[must_use]
    pub const fn error_code(self) -> Option<u16> {
        match self {
            Self::Failed(_) => None,
            Self::Unavailable(reason) => Some(reason.error_code()),
        }
    }

    /// One word for trails, logs and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Failed(failure) => failure.as_str(),
            Self::Unavailable(reason) => reason.as_str(),
        }
    }
}

impl fmt::Display for GiveUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(failure) => failure.fmt(f),
            Self::Unavailable(reason) => reason.fmt(f),
        }
    }
}
