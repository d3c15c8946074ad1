//! Settings of the API: how it is served, what it takes, what it remembers.

use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use evenkeel_api::Limits;
use evenkeel_control::{AUDIT_STREAM, RateLimit, ServerSettings};
use evenkeel_net::certificate;
use evenkeel_store::{Retention, Retentions};
use rustls::ServerConfig;

use super::Layers;
use crate::cli::ApiArgs;

/// The longest body that may be allowed, in bytes: a few of them at once must fit in memory.
const BODY_BYTES_MAX: usize = 256 * 1024 * 1024;

/// Settings as meant.
#[derive(Debug, Clone, Default)]
pub(crate) struct ApiSettings {
    pub(crate) server: ServerSettings,
    /// Certificate chain and private key that the server's TLS is read from.
    pub(crate) tls_files: Option<TlsFiles>,
    /// What documents may say; the shortest interval is a setting of its own.
    pub(crate) limits: Limits,
    pub(crate) retentions: Retentions,
}

/// Files of the API's own certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TlsFiles {
    certificate: PathBuf,
    key: PathBuf,
}

impl TlsFiles {
    /// How TLS is spoken with what stands in the files now.
    ///
    /// # Errors
    /// With a sentence that names the file.
    pub(crate) fn read(&self) -> Result<Arc<ServerConfig>, String> {
        match certificate::server(&self.certificate, &self.key) {
            Ok(mut config) => {
                config.alpn_protocols = vec![b"http/1.1".to_vec()];
                Ok(Arc::new(config))
            }
            Err(error) => Err(format!("api-tls-cert: {error}")),
        }
    }
}

impl Layers<'_> {
    pub(super) fn api(&mut self, args: &ApiArgs) -> ApiSettings {
        let usual = ServerSettings::default();
        let body = |bytes: &usize| (1..=BODY_BYTES_MAX).contains(bytes);
        let tls_files = self.tls_files(args);
        let tls = tls_files.as_ref().and_then(|files| match files.read() {
            Ok(config) => Some(Arc::new(ArcSwap::new(config))),
            Err(problem) => {
                self.problems.push(problem);
                None
            }
        });
        let server = ServerSettings {
            tls,
            cors_origins: self
                .many::<OriginName>("api-cors-origin", &args.api_cors_origin)
                .map(|origins| origins.into_iter().map(|OriginName(name)| name).collect())
                .unwrap_or_default(),
            body_bytes_max: self
                .checked("api-body-max", &args.api_body_max, body, "bytes from 1 to 268435456")
                .unwrap_or(usual.body_bytes_max),
            rate_limit: self.one("api-rate-limit", &args.api_rate_limit).map(|Rate(limit)| limit),
        };
        ApiSettings {
            server,
            tls_files,
            limits: self.limits(args),
            retentions: self.retentions(args),
        }
    }

    fn tls_files(&mut self, args: &ApiArgs) -> Option<TlsFiles> {
        let certificate = self.one::<PathBuf>("api-tls-cert", &args.api_tls_cert);
        let key = self.one::<PathBuf>("api-tls-key", &args.api_tls_key);
        match (certificate, key) {
            (None, None) => return None,
            (Some(certificate), Some(key)) => return Some(TlsFiles { certificate, key }),
            (Some(_), None) => {
                self.problems.push("api-tls-key: missing beside api-tls-cert".to_owned());
            }
            (None, Some(_)) => {
                self.problems.push("api-tls-cert: missing beside api-tls-key".to_owned());
            }
        }
        None
    }

    fn limits(&mut self, args: &ApiArgs) -> Limits {
        let usual = Limits::default();
        Limits {
            private_addresses_allowed: self
                .one("private-addresses", &args.private_addresses)
                .map_or(usual.private_addresses_allowed, |policy: Policy| policy == Policy::Allow),
            link_local_allowed: self
                .one("link-local-addresses", &args.link_local_addresses)
                .map_or(usual.link_local_allowed, |policy: Policy| policy == Policy::Allow),
            load_balancer_quota: self.one("quota-load-balancers", &args.quota_load_balancers),
            pool_quota: self.one("quota-pools", &args.quota_pools),
            monitor_quota: self.one("quota-monitors", &args.quota_monitors),
            monitor_group_quota: self.one("quota-monitor-groups", &args.quota_monitor_groups),
            ..usual
        }
    }

    fn retentions(&mut self, args: &ApiArgs) -> Retentions {
        let usual = Retention::default();
        let is_some = |number: &u32| *number >= 1;
        let entries =
            self.checked("audit-entries-max", &args.audit_entries_max, is_some, "at least 1");
        let days = self.checked("audit-days-max", &args.audit_days_max, is_some, "at least 1");
        let day = Duration::from_secs(24 * 60 * 60);
        let audit = Retention {
            entries_max: entries.map_or(usual.entries_max, u64::from),
            age_max: days.map_or(usual.age_max, |days| day * days),
            ..usual
        };
        Retentions::default().with(AUDIT_STREAM, audit)
    }
}

/// Whether something is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Policy {
    Allow,
    Deny,
}

impl FromStr for Policy {
    type Err = &'static str;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        match word {
            "allow" => Ok(Self::Allow),
            "deny" => Ok(Self::Deny),
            _ => Err("is neither allow nor deny"),
        }
    }
}

/// A rate limit as typed.
struct Rate(RateLimit);

impl FromStr for Rate {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let numbers = text.split_once('/').map(|(first, second)| (first.parse(), second.parse()));
        match numbers {
            Some((Ok(requests @ 1..), Ok(seconds @ 1..))) => {
                Ok(Self(RateLimit { requests, seconds }))
            }
            _ => Err("is not requests and seconds as 1200/300"),
        }
    }
}

/// An origin as browsers write it.
struct OriginName(String);

impl FromStr for OriginName {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
        let is_origin = host.is_some_and(|host| {
            !host.is_empty() && !host.contains(['/', '?', '#', '@']) && host.is_ascii()
        });
        if text == "*" || is_origin {
            Ok(Self(text.to_owned()))
        } else {
            Err("is not an origin as https://ui.example:8443, without a path")
        }
    }
}
