//! Configurations for tests.

use std::sync::Arc;

use evenkeel_model::{
    Address, AffinityKey, AffinityKeys, BodyMatch, Config, ConfigBuilder, EndpointSpec,
    ExpectedCodes, Health, Method, Monitor, MonitorId, MonitorKind, PoolId, PoolMonitor, PoolSpec,
    View,
};

use crate::target::Target;

/// The pool of every test.
pub(crate) const POOL: PoolId = PoolId([0x17; 16]);

/// A monitor of this kind that asks every ten seconds.
pub(crate) fn monitor(kind: MonitorKind) -> Monitor {
    Monitor {
        id: MonitorId([1; 16]),
        kind,
        port: 0,
        interval_ms: 10_000,
        timeout_ms: 5_000,
        retries: 0,
        consecutive_up: 0,
        consecutive_down: 0,
    }
}

/// Members of an HTTP monitor, with the API's defaults.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HttpAsk<'a> {
    pub tls: bool,
    pub allow_insecure: bool,
    pub method: Method,
    pub path: &'a str,
    pub headers: &'a [(&'a str, &'a str)],
    pub codes: &'a str,
    pub body: &'a str,
    pub follow: bool,
}

impl Default for HttpAsk<'_> {
    fn default() -> Self {
        Self {
            tls: false,
            allow_insecure: false,
            method: Method::Get,
            path: "/",
            headers: &[],
            codes: "200",
            body: "",
            follow: false,
        }
    }
}

impl From<HttpAsk<'_>> for MonitorKind {
    fn from(ask: HttpAsk<'_>) -> Self {
        let header = |(name, value): &(&str, &str)| ((*name).to_owned(), vec![(*value).to_owned()]);
        Self::Http {
            tls: ask.tls,
            allow_insecure: ask.allow_insecure,
            method: ask.method,
            path: ask.path.to_owned(),
            headers: ask.headers.iter().map(header).collect(),
            expected_codes: ExpectedCodes::parse(ask.codes).unwrap(),
            expected_body: BodyMatch::new(ask.body),
            follow_redirects: ask.follow,
        }
    }
}

/// An endpoint.
pub(crate) fn endpoint(address: &str, port: u16) -> EndpointSpec {
    EndpointSpec::new(address, Address::parse(address), port)
}

/// One pool with a monitor, or without.
pub(crate) fn config(monitor: Option<Monitor>, endpoints: Vec<EndpointSpec>) -> ConfigSpec {
    ConfigSpec { monitor, more: Vec::new(), endpoints, enabled: true }
}

/// One pool, still to be altered.
#[derive(Clone)]
pub(crate) struct ConfigSpec {
    pub monitor: Option<Monitor>,
    /// Further members of its monitor group.
    pub more: Vec<Monitor>,
    pub endpoints: Vec<EndpointSpec>,
    pub enabled: bool,
}

impl ConfigSpec {
    /// As probes see it.
    pub(crate) fn build(&self) -> Arc<Config> {
        let key = AffinityKey([0; 32]);
        let mut builder = ConfigBuilder::new(AffinityKeys { current: key, previous: None });
        let monitors = self.monitor.iter().chain(&self.more).cloned();
        let monitors =
            monitors.map(|monitor| PoolMonitor::plain(builder.monitor(monitor))).collect();
        let spec = PoolSpec::new(POOL, "pool", self.endpoints.clone());
        builder.pool(PoolSpec { enabled: self.enabled, monitors, ..spec });
        Arc::new(builder.build())
    }

    /// As it is published.
    pub(crate) fn view(&self, revision: u64) -> View {
        let config = self.build();
        let health = Health::new(&config, |_| evenkeel_model::EndpointHealth::default());
        View { config, health, zones: Arc::default(), revision }
    }
}

/// One endpoint and its monitor.
pub(crate) fn target(monitor: Monitor, endpoint: EndpointSpec) -> Target {
    let config = config(Some(monitor), vec![endpoint]).build();
    Target::all(&config).next().unwrap()
}
