//! The monitor as stored and answered.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::words::words;
use crate::{Map, Number};

/// A monitor (api.md 3.6).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Monitor {
    /// 32 lower-case hexadecimal digits.
    #[schemars(extend("readOnly" = true))]
    pub id: String,
    /// What one probe does.
    pub r#type: MonitorType,
    /// Free text, at most 1024 characters.
    pub description: String,
    /// `GET` or `HEAD` for http(s), the fixed word of tcp, nothing for the rest.
    pub method: String,
    /// Request target of http(s); `/` and a service's name of grpc(s).
    pub path: String,
    /// Request headers of http(s) and grpc(s); `{}` while unset.
    pub header: Map<Vec<String>>,
    /// TCP or UDP port; absent while 0, the protocol's default.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub port: u16,
    /// Time between probes of one origin, in seconds. An addition of ours: fractions of a second,
    /// where the installation allows intervals that short.
    pub interval: Number,
    /// Limit on one attempt, in seconds; likewise.
    pub timeout: Number,
    /// Extra attempts after a timeout.
    pub retries: u8,
    /// Passes in a row that make an origin healthy; absent while 0, which means 1.
    #[serde(default, skip_serializing_if = "is_none_in_a_row")]
    pub consecutive_up: u32,
    /// Failures in a row that make an origin unhealthy; absent while 0, which means 1.
    #[serde(default, skip_serializing_if = "is_none_in_a_row")]
    pub consecutive_down: u32,
    /// Status codes that pass: a comma list of `200` and `2xx`.
    pub expected_codes: String,
    /// Text a body must contain; empty means unchecked.
    pub expected_body: String,
    /// Whether redirects are followed.
    pub follow_redirects: bool,
    /// Whether certificates go unchecked.
    pub allow_insecure: bool,
    /// The zone whose settings probes appear with.
    pub probe_zone: String,
    /// When it was created; constant.
    #[schemars(extend("readOnly" = true))]
    pub created_on: String,
    /// When it was last written.
    #[schemars(extend("readOnly" = true))]
    pub modified_on: String,
}

impl Monitor {
    /// What is allowed and hardly meant (behaviour.md 7.2): sentences for whoever sent it.
    #[must_use]
    pub fn remarks(&self) -> Vec<String> {
        let longest_ms = self.timeout_ms().saturating_mul(u32::from(self.retries) + 1);
        let late = longest_ms > self.interval_ms();
        let remark = late.then(|| {
            let (longest, interval) = (f64::from(longest_ms) / 1000.0, self.interval);
            format!(
                "A probe may take {longest} s, retries included, which is longer than the interval \
                 of {interval} s: the next one then waits."
            )
        });
        remark.into_iter().collect()
    }

    /// The interval in milliseconds.
    #[must_use]
    pub fn interval_ms(&self) -> u32 {
        self.interval.thousandths()
    }

    /// The timeout in milliseconds.
    #[must_use]
    pub fn timeout_ms(&self) -> u32 {
        self.timeout.thousandths()
    }
}

fn is_zero(port: &u16) -> bool {
    *port == 0
}

fn is_none_in_a_row(count: &u32) -> bool {
    *count == 0
}

words! {
    /// `type`: what one probe does.
    MonitorType {
        /// An HTTP request over plain TCP.
        Http = "http",
        /// An HTTP request over TLS.
        Https = "https",
        /// A TCP handshake.
        Tcp = "tcp",
        /// A ping, then a UDP datagram.
        UdpIcmp = "udp_icmp",
        /// A ping.
        IcmpPing = "icmp_ping",
        /// A greeting of a mail server.
        Smtp = "smtp",
        /// An addition of ours: a call of the standard gRPC health service, HTTP/2 in plain text.
        /// `path` is `/` and the service's name, or `/` for the server as a whole.
        Grpc = "grpc",
        /// An addition of ours: the same over TLS.
        Grpcs = "grpcs",
    }
}

impl MonitorType {
    /// Whether a probe is an HTTP exchange.
    #[must_use]
    pub const fn is_http(self) -> bool {
        matches!(self, Self::Http | Self::Https)
    }

    /// Whether there is no port to fall back to.
    #[must_use]
    pub const fn needs_port(self) -> bool {
        matches!(self, Self::Tcp | Self::UdpIcmp | Self::Smtp | Self::Grpc | Self::Grpcs)
    }

    /// `method` when none is sent.
    #[must_use]
    pub const fn method_default(self) -> &'static str {
        match self {
            Self::Http | Self::Https => "GET",
            Self::Tcp => "connection_established",
            Self::UdpIcmp | Self::IcmpPing | Self::Smtp | Self::Grpc | Self::Grpcs => "",
        }
    }

    /// `path` when none is sent.
    #[must_use]
    pub const fn path_default(self) -> &'static str {
        match self {
            Self::Http | Self::Https | Self::Grpc | Self::Grpcs => "/",
            Self::Tcp | Self::UdpIcmp | Self::IcmpPing | Self::Smtp => "",
        }
    }
}
