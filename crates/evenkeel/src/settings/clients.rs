//! Settings of clients and of the time that either side may take.

use std::str::FromStr;
use std::time::Duration;

use evenkeel_proxy::{CleartextHttp2, CrowdLimits, Fronts, ProxyProtocol, Timeouts};

use super::Layers;
use crate::cli::ClientArgs;

/// Longest time that can be asked for, in seconds. Longer ones are typing errors.
const SECONDS_MAX: f64 = 86_400.0;
/// Shortest time, in seconds: below it nothing works on a busy machine.
const SECONDS_MIN: f64 = 0.05;
/// Files that are not connections: the store, listeners, the API, probes, event loops.
const OTHER_FILES: u64 = 96;
/// Files per client: its own connection and one to an endpoint.
const FILES_PER_CLIENT: u64 = 2;

/// Settings as meant.
#[derive(Debug, Clone, Default)]
pub(crate) struct ClientSettings {
    pub(crate) fronts: Fronts,
    pub(crate) timeouts: Timeouts,
    pub(crate) cleartext_http2: CleartextHttp2,
    pub(crate) proxy_protocol_out: ProxyProtocol,
    connections_max: Option<usize>,
    per_address_max: Option<usize>,
    memory_bytes_max: Option<u64>,
}

impl ClientSettings {
    /// Bounds on clients, where so many files may be open.
    pub(crate) fn crowd(&self, files_max: u64) -> CrowdLimits {
        let usual = CrowdLimits::default().connections_max;
        let by_files = files_max.saturating_sub(OTHER_FILES) / FILES_PER_CLIENT;
        let by_files = usize::try_from(by_files).unwrap_or(usize::MAX).clamp(16, usual);
        CrowdLimits {
            connections_max: self.connections_max.unwrap_or(by_files),
            per_address_max: self.per_address_max,
            memory_bytes_max: self.memory_bytes_max,
        }
    }
}

impl Layers<'_> {
    pub(super) fn clients(&mut self, args: &ClientArgs) -> ClientSettings {
        let fronts = Fronts {
            proxy_protocol: self.many("proxy-protocol", &args.proxy_protocol).unwrap_or_default(),
            trusted: self.many("trusted-proxies", &args.trusted_proxies).unwrap_or_default(),
        };
        let is_some = |number: &usize| *number >= 1;
        let connections_max =
            self.checked("connections-max", &args.connections_max, is_some, "at least 1");
        let per_address_max = self.checked(
            "connections-per-address-max",
            &args.connections_per_address_max,
            is_some,
            "at least 1",
        );
        let memory_mib: Option<u64> =
            self.checked("memory-max", &args.memory_max, |mib| *mib >= 64, "at least 64");
        ClientSettings {
            fronts,
            timeouts: self.timeouts(args),
            cleartext_http2: self
                .one("h2c-endpoints", &args.h2c_endpoints)
                .map_or(CleartextHttp2::Off, |Cleartext(word)| word),
            proxy_protocol_out: self
                .one("proxy-protocol-out", &args.proxy_protocol_out)
                .map_or(ProxyProtocol::Off, |Header(word)| word),
            connections_max,
            per_address_max,
            memory_bytes_max: memory_mib.map(|mib| mib.saturating_mul(1024 * 1024)),
        }
    }

    fn timeouts(&mut self, args: &ClientArgs) -> Timeouts {
        let mut timeouts = Timeouts::default();
        for (key, flag, timeout) in [
            ("handshake-timeout", &args.handshake_timeout, &mut timeouts.handshake),
            ("request-head-timeout", &args.request_head_timeout, &mut timeouts.request_head),
            ("request-body-timeout", &args.request_body_timeout, &mut timeouts.request_body),
            ("client-write-timeout", &args.client_write_timeout, &mut timeouts.downstream_write),
            ("client-idle-timeout", &args.client_idle_timeout, &mut timeouts.downstream_idle),
            ("tunnel-idle-timeout", &args.tunnel_idle_timeout, &mut timeouts.tunnel_idle),
            ("drain-timeout", &args.drain_timeout, &mut timeouts.drain),
            ("upgrade-drain", &args.upgrade_drain, &mut timeouts.upgrade_drain),
            ("connect-timeout", &args.connect_timeout, &mut timeouts.connect),
            ("endpoint-read-timeout", &args.endpoint_read_timeout, &mut timeouts.upstream_read),
            ("endpoint-write-timeout", &args.endpoint_write_timeout, &mut timeouts.upstream_write),
            ("endpoint-idle-timeout", &args.endpoint_idle_timeout, &mut timeouts.upstream_idle),
        ] {
            let is_good = |seconds: &f64| (SECONDS_MIN..=SECONDS_MAX).contains(seconds);
            if let Some(seconds) = self.checked(key, flag, is_good, "seconds from 0.05 to 86400") {
                *timeout = Duration::from_secs_f64(seconds);
            }
        }
        timeouts
    }
}

/// As typed.
struct Cleartext(CleartextHttp2);

impl FromStr for Cleartext {
    type Err = &'static str;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        match word {
            "off" => Ok(Self(CleartextHttp2::Off)),
            "grpc" => Ok(Self(CleartextHttp2::Grpc)),
            _ => Err("is neither off nor grpc"),
        }
    }
}

/// As typed.
struct Header(ProxyProtocol);

impl FromStr for Header {
    type Err = &'static str;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        match word {
            "off" => Ok(Self(ProxyProtocol::Off)),
            "v1" => Ok(Self(ProxyProtocol::V1)),
            "v2" => Ok(Self(ProxyProtocol::V2)),
            _ => Err("is not off, v1 or v2"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_are_as_many_as_files_allow_unless_said_otherwise() {
        let clients = ClientSettings::default();
        for (files, expected) in [(0, 16), (256, 80), (1024, 464), (u64::MAX, 100_000)] {
            assert_eq!(clients.crowd(files).connections_max, expected, "{files}");
        }
        let clients = ClientSettings { connections_max: Some(7), ..clients };
        assert_eq!(clients.crowd(256).connections_max, 7);
    }
}
