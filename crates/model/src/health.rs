//! What is known of the endpoints' health, and what follows from it for pools.

use alloc::vec::Vec;
use core::fmt;

use crate::config::{Config, EndpointIx, PoolIx};

/// What we conclude about an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Verdict {
    /// No decisive result yet. With a monitor attached this counts as down (behaviour.md 1.3).
    #[default]
    Unknown,
    /// Passes its monitor.
    Healthy,
    /// Fails its monitor.
    Unhealthy,
}

/// Why a probe failed, in the exact words of behaviour.md 7.8.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(missing_docs, reason = "each prints as its documented sentence")]
pub enum FailureReason {
    #[default]
    NoFailures,
    TcpConnectionFailed,
    TcpTimeout,
    HttpTimeout,
    HttpInvalidResponse,
    ResponseCodeMismatch,
    ResponseBodyMismatch,
    TlsUntrustedCertificate,
    TlsNameMismatch,
    TlsProtocol,
    TlsUnrecognizedName,
    TlsHandshakeFailure,
    NoRouteToHost,
    NetworkUnreachable,
    ConnectionReset,
    DnsUnknownHost,
    DnsInternal,
    MonitorConfig,
    Other,
}

impl FailureReason {
    /// The documented sentence.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoFailures => "No failures",
            Self::TcpConnectionFailed => "TCP connection failed",
            Self::TcpTimeout => "TCP Timeout",
            Self::HttpTimeout => "HTTP timeout occurred",
            Self::HttpInvalidResponse => "HTTP Invalid Response",
            Self::ResponseCodeMismatch => "Response code mismatch error",
            Self::ResponseBodyMismatch => "Response body mismatch error",
            Self::TlsUntrustedCertificate => "TLS untrusted certificate error",
            Self::TlsNameMismatch => "TLS name mismatch error",
            Self::TlsProtocol => "TLS protocol error",
            Self::TlsUnrecognizedName => "TLS unrecognized name error",
            Self::TlsHandshakeFailure => "TLS Handshake Failure",
            Self::NoRouteToHost => "No route to host error",
            Self::NetworkUnreachable => "Network Unreachable",
            Self::ConnectionReset => "Connection Reset by Peer",
            Self::DnsUnknownHost => "DNS Unknown Host",
            Self::DnsInternal => "DNS Internal",
            Self::MonitorConfig => "Monitor Config Error",
            Self::Other => "Other Failure",
        }
    }
}

impl fmt::Display for FailureReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What is known of one endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EndpointHealth {
    /// The published conclusion.
    pub verdict: Verdict,
    /// Why the last probe failed; `NoFailures` when it passed or none ran.
    pub reason: FailureReason,
    /// Status of the last HTTP response, 0 without one.
    pub response_code: u16,
    /// From the start of connect to the first byte of the last success, in microseconds.
    pub rtt_us: Option<u32>,
}

/// What follows for a pool (behaviour.md 1.7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PoolStatus {
    /// No monitor, or nothing decided yet on any enabled endpoint.
    Unknown,
    /// Every enabled endpoint is healthy.
    Healthy,
    /// Some are not, but enough are.
    Degraded,
    /// Fewer healthy endpoints than the pool's minimum.
    Critical,
    /// Switched off by the user.
    Disabled,
}

/// A pool's condition, counted once per view so that no request counts again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolHealth {
    /// The status word.
    pub status: PoolStatus,
    /// Whether it may be chosen for new traffic (behaviour.md 1.3).
    pub is_fit: bool,
    /// Sum of the fit endpoints' weights, in hundredths.
    pub fit_weight: u32,
}

/// Health of every endpoint and pool of one [`Config`].
#[derive(Debug, Clone, Default)]
pub struct Health {
    endpoints: Vec<EndpointHealth>,
    fit: Vec<bool>,
    pools: Vec<PoolHealth>,
}

impl Health {
    /// Draws the conclusions for a configuration from what `of` knows of each endpoint.
    #[must_use]
    pub fn new(config: &Config, mut of: impl FnMut(EndpointIx) -> EndpointHealth) -> Self {
        let endpoints: Vec<_> = config.endpoints_indexed().map(|(ix, _)| of(ix)).collect();
        let passes = |ix: EndpointIx| {
            let endpoint = config.endpoint(ix);
            let monitored = config.pool(endpoint.pool).monitor.is_some();
            endpoint.enabled && (!monitored || endpoints[ix.get()].verdict == Verdict::Healthy)
        };
        let fit: Vec<_> = config
            .endpoints_indexed()
            .map(|(ix, endpoint)| passes(ix) && !endpoint.weight.is_zero())
            .collect();
        let pools = config.pools.iter().map(|pool| {
            let enabled = pool.endpoints().filter(|ix| config.endpoint(*ix).enabled).count();
            let passing = pool.endpoints().filter(|ix| passes(*ix)).count();
            let decided = pool
                .endpoints()
                .filter(|ix| config.endpoint(*ix).enabled)
                .any(|ix| endpoints[ix.get()].verdict != Verdict::Unknown);
            let fit_weight = pool
                .endpoints()
                .filter(|ix| fit[ix.get()])
                .map(|ix| config.endpoint(ix).weight.hundredths())
                .sum();
            let enough = passing as u64 >= u64::from(pool.endpoints_min);
            let status = match pool.monitor {
                _ if !pool.enabled => PoolStatus::Disabled,
                None => PoolStatus::Unknown,
                Some(_) if !decided && enabled > 0 => PoolStatus::Unknown,
                Some(_) if !enough => PoolStatus::Critical,
                Some(_) if passing < enabled => PoolStatus::Degraded,
                Some(_) => PoolStatus::Healthy,
            };
            PoolHealth { status, is_fit: pool.enabled && enough && fit_weight > 0, fit_weight }
        });
        Self { pools: pools.collect(), endpoints, fit }
    }

    /// What is known of one endpoint.
    #[must_use]
    pub fn endpoint(&self, ix: EndpointIx) -> &EndpointHealth {
        &self.endpoints[ix.get()]
    }

    /// Whether an endpoint may take new traffic: enabled, weight above zero, and healthy unless
    /// nothing monitors it (behaviour.md 1.3).
    #[must_use]
    pub fn is_fit(&self, ix: EndpointIx) -> bool {
        self.fit[ix.get()]
    }

    /// The condition of one pool.
    #[must_use]
    pub fn pool(&self, ix: PoolIx) -> &PoolHealth {
        &self.pools[ix.get()]
    }
}
