//! What one data-plane worker counts, and the sum over all of them.

use std::sync::Arc;

use crate::{Counter, EndpointLoad, Exposition, Gauge, MetricKind, RequestEnd, Traffic, traffic};

/// Statuses the proxy answers on its own account (behaviour.md 1.6 and 11.3).
const OWN_STATUSES: [u16; 22] = [
    400, 403, 405, 408, 409, 413, 414, 417, 421, 431, 501, 503, 505, 508, 520, 521, 522, 523, 524,
    525, 526, 530,
];

/// Why a client that speaks HTTP/2 is sent away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum H2Flood {
    /// Frames that nothing comes of: PING, SETTINGS, PRIORITY, WINDOW_UPDATE, empty DATA.
    Chatter,
    /// Requests taken back, and streams we had to reset for what the client did.
    Resets,
    /// A header block without an end.
    Headers,
    /// What the codec found too much.
    Codec,
}

impl H2Flood {
    const ALL: [Self; 4] = [Self::Chatter, Self::Resets, Self::Headers, Self::Codec];

    /// Its name in the metric.
    const fn label(self) -> &'static str {
        match self {
            Self::Chatter => "chatter",
            Self::Resets => "resets",
            Self::Headers => "headers",
            Self::Codec => "codec",
        }
    }
}

macro_rules! worker_metrics {
    ($($kind:ident $field:ident = $name:literal, $help:literal;)*) => {
        /// What one worker counts. The worker writes, the scrape reads.
        #[derive(Debug, Default)]
        pub struct WorkerMetrics {
            responses: [Counter; 6],
            own_errors: [Counter; OWN_STATUSES.len()],
            h2_floods: [Counter; H2Flood::ALL.len()],
            ended: [Counter; RequestEnd::ALL.len()],
            /// What it counts of each load balancer, pool and endpoint.
            pub traffic: Traffic,
            $(#[doc = $help] pub $field: $kind,)*
        }

        fn render_fields(workers: &[Arc<WorkerMetrics>], page: &mut Exposition) {
            $(
                page.metric($name, MetricKind::$kind, $help);
                page.sample($name, &[], workers.iter().map(|worker| worker.$field.get()).sum::<u64>());
            )*
        }
    };
}

worker_metrics! {
    Counter downstream_accepted = "evenkeel_downstream_connections_accepted_total",
        "Client connections accepted.";
    Gauge downstream_open = "evenkeel_downstream_connections",
        "Client connections open now.";
    Counter downstream_shed = "evenkeel_downstream_connections_shed_total",
        "Client connections closed at once because the connection limit was reached.";
    Counter downstream_shed_address = "evenkeel_downstream_connections_shed_address_total",
        "Client connections closed at once because their address had its share of connections.";
    Counter downstream_shed_memory = "evenkeel_downstream_connections_shed_memory_total",
        "Client connections closed at once because memory was at its limit.";
    Counter proxy_headers_bad = "evenkeel_proxy_headers_bad_total",
        "Connections of peers that send the PROXY protocol on which no valid header came.";
    Counter tls_handshakes = "evenkeel_downstream_tls_handshakes_total",
        "TLS handshakes with clients that were completed.";
    Counter tls_handshakes_failed = "evenkeel_downstream_tls_handshakes_failed_total",
        "TLS handshakes with clients that failed or took too long.";
    Counter h2_streams = "evenkeel_downstream_h2_streams_total",
        "Requests begun over HTTP/2.";
    Gauge h2_streams_open = "evenkeel_downstream_h2_streams",
        "Requests over HTTP/2 being answered now.";
    Counter h2_streams_cancelled = "evenkeel_downstream_h2_streams_cancelled_total",
        "Requests over HTTP/2 whose client took them back or was gone before the end.";
    Gauge requests_open = "evenkeel_downstream_requests",
        "Requests being answered now.";
    Counter accept_errors = "evenkeel_accept_errors_total",
        "Failed accepts, mostly for want of file descriptors.";
    Counter upstream_opened = "evenkeel_upstream_connections_opened_total",
        "Connections opened to endpoints.";
    Counter upstream_reused = "evenkeel_upstream_connections_reused_total",
        "Requests sent on an endpoint connection that had served one before.";
    Counter upstream_tls_failed = "evenkeel_upstream_tls_handshakes_failed_total",
        "TLS handshakes with endpoints that failed, rejected certificates included.";
    Gauge upstream_http2 = "evenkeel_upstream_http2_connections",
        "HTTP/2 connections to endpoints open now.";
    Gauge upstream_idle = "evenkeel_upstream_connections_idle",
        "Endpoint connections waiting for a request.";
    Counter failovers = "evenkeel_failovers_total",
        "Requests tried again on another endpoint after a connect or TLS failure.";
    Counter stale_retries = "evenkeel_stale_retries_total",
        "Requests sent again because a reused connection had gone stale.";
    Counter sessions_started = "evenkeel_sessions_started_total",
        "Session cookies set.";
}

impl WorkerMetrics {
    /// Counts a response by the class of its status.
    pub fn responded(&self, status: u16) {
        let class = usize::from(status / 100).min(5);
        self.responses[class].increment();
    }

    /// Counts a response that the proxy made itself, besides [`Self::responded`].
    pub fn own_error(&self, status: u16) {
        if let Some(at) = OWN_STATUSES.iter().position(|own| *own == status) {
            self.own_errors[at].increment();
        }
    }

    /// Counts a request that is over.
    pub fn request_ended(&self, end: RequestEnd) {
        self.ended[end as usize].increment();
    }

    /// Counts a client that was sent away.
    pub fn h2_flooded(&self, flood: H2Flood) {
        self.h2_floods[flood as usize].increment();
    }

    /// How many clients were sent away for it.
    #[must_use]
    pub fn h2_floods(&self, flood: H2Flood) -> u64 {
        self.h2_floods[flood as usize].get()
    }
}

/// All workers of the process.
#[derive(Debug, Default, Clone)]
pub struct Registry {
    workers: Vec<Arc<WorkerMetrics>>,
}

impl Registry {
    /// One set of cells per worker.
    #[must_use]
    pub fn new(workers: usize) -> Self {
        Self { workers: (0..workers).map(|_| Arc::default()).collect() }
    }

    /// The cells of each worker.
    #[must_use]
    pub fn workers(&self) -> &[Arc<WorkerMetrics>] {
        &self.workers
    }

    /// Writes the sums over all workers.
    pub fn render(&self, page: &mut Exposition) {
        let sum = |of: &dyn Fn(&WorkerMetrics) -> u64| {
            self.workers.iter().map(|worker| of(worker)).sum::<u64>()
        };
        page.metric(
            "evenkeel_requests_total",
            MetricKind::Counter,
            "Requests answered, by class of status.",
        );
        for class in 1..=5 {
            let label = format!("{class}xx");
            page.sample(
                "evenkeel_requests_total",
                &[("class", &label)],
                sum(&|worker| worker.responses[class].get()),
            );
        }
        page.metric(
            "evenkeel_requests_ended_total",
            MetricKind::Counter,
            "Requests that are over, by how they ended.",
        );
        for end in RequestEnd::ALL {
            page.sample(
                "evenkeel_requests_ended_total",
                &[("end", end.as_str())],
                sum(&|worker| worker.ended[end as usize].get()),
            );
        }
        page.metric(
            "evenkeel_proxy_errors_total",
            MetricKind::Counter,
            "Responses made by the proxy itself, by status.",
        );
        for (at, status) in OWN_STATUSES.iter().enumerate() {
            let label = status.to_string();
            page.sample(
                "evenkeel_proxy_errors_total",
                &[("status", &label)],
                sum(&|worker| worker.own_errors[at].get()),
            );
        }
        page.metric(
            "evenkeel_downstream_h2_floods_total",
            MetricKind::Counter,
            "Clients that speak HTTP/2 sent away for a flood of frames, by what they flooded with.",
        );
        for flood in H2Flood::ALL {
            page.sample(
                "evenkeel_downstream_h2_floods_total",
                &[("reason", flood.label())],
                sum(&|worker| worker.h2_floods(flood)),
            );
        }
        render_fields(&self.workers, page);
    }

    /// Writes what was counted of load balancers, pools and endpoints. `load` tells of an endpoint,
    /// by its id, how busy it is.
    pub fn render_traffic(&self, load: &dyn Fn(u128) -> EndpointLoad, page: &mut Exposition) {
        traffic::render(self.workers.iter().map(|worker| &worker.traffic), load, page);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workers_are_summed() {
        let registry = Registry::new(2);
        registry.workers()[0].responded(200);
        registry.workers()[1].responded(204);
        registry.workers()[1].responded(521);
        registry.workers()[1].own_error(521);
        registry.workers()[0].upstream_opened.add(3);
        registry.workers()[1].h2_flooded(H2Flood::Resets);
        registry.workers()[0].request_ended(RequestEnd::EndpointCut);
        let mut page = Exposition::default();
        registry.render(&mut page);
        let page = page.finish();
        for line in [
            "evenkeel_requests_total{class=\"2xx\"} 2",
            "evenkeel_requests_total{class=\"5xx\"} 1",
            "evenkeel_proxy_errors_total{status=\"521\"} 1",
            "evenkeel_upstream_connections_opened_total 3",
            "evenkeel_downstream_h2_floods_total{reason=\"resets\"} 1",
            "evenkeel_requests_ended_total{end=\"endpoint_cut\"} 1",
            "evenkeel_requests_ended_total{end=\"whole\"} 0",
            "evenkeel_downstream_h2_floods_total{reason=\"codec\"} 0",
        ] {
            assert!(page.lines().any(|have| have == line), "{line} missing in\n{page}");
        }
    }
}
