//! What the name server counts, one set of cells for each of its threads, and the sums.

use std::sync::Arc;

use crate::{Counter, Exposition, Gauge, MetricKind};

/// Types of questions that are counted each for itself (IANA, DNS parameters); the rest together.
const TYPES: [(u16, &str); 17] = [
    (1, "A"),
    (2, "NS"),
    (5, "CNAME"),
    (6, "SOA"),
    (12, "PTR"),
    (15, "MX"),
    (16, "TXT"),
    (28, "AAAA"),
    (33, "SRV"),
    (43, "DS"),
    (48, "DNSKEY"),
    (64, "SVCB"),
    (65, "HTTPS"),
    (251, "IXFR"),
    (252, "AXFR"),
    (255, "ANY"),
    (257, "CAA"),
];
/// Codes of responses that are sent at all; others are counted together.
const CODES: [(u16, &str); 9] = [
    (0, "NOERROR"),
    (1, "FORMERR"),
    (2, "SERVFAIL"),
    (3, "NXDOMAIN"),
    (4, "NOTIMP"),
    (5, "REFUSED"),
    (9, "NOTAUTH"),
    (16, "BADVERS"),
    (23, "BADCOOKIE"),
];
/// What is counted together.
const OTHER: &str = "other";

macro_rules! dns_metrics {
    ($($kind:ident $field:ident = $name:literal, $help:literal;)*) => {
        /// What one thread of the name server counts. It writes, the scrape reads.
        #[derive(Debug, Default)]
        pub struct DnsMetrics {
            queries: [Counter; TYPES.len() + 1],
            responses: [Counter; CODES.len() + 1],
            /// Responses that had to leave something out.
            pub truncated: Counter,
            /// Responses not sent because their network had enough.
            pub rate_dropped: Counter,
            /// Responses sent without records for the same reason.
            pub rate_slipped: Counter,
            /// Queries with a cookie of ours.
            pub cookies_known: Counter,
            /// Queries with another cookie, or the client's part alone.
            pub cookies_unknown: Counter,
            $(#[doc = $help] pub $field: $kind,)*
        }

        fn render_fields(registry: &DnsRegistry, page: &mut Exposition) {
            $(
                page.metric($name, MetricKind::$kind, $help);
                page.sample($name, &[], registry.all().map(|cells| cells.$field.get()).sum::<u64>());
            )*
        }
    };
}

dns_metrics! {
    Counter ignored = "evenkeel_dns_ignored_total",
        "Messages that are never answered: responses, fragments, those of impossible senders.";
    Counter unsent = "evenkeel_dns_unsent_total",
        "Responses that the kernel had no room or no route for.";
    Counter log_dropped = "evenkeel_dns_log_dropped_total",
        "Lines of the query log that could not be written in time.";
    Counter tcp_accepted = "evenkeel_dns_tcp_connections_accepted_total",
        "TCP connections accepted.";
    Gauge tcp_open = "evenkeel_dns_tcp_connections",
        "TCP connections open now.";
    Counter tcp_shed = "evenkeel_dns_tcp_connections_shed_total",
        "TCP connections closed because a younger one needed their place.";
    Counter tcp_slow = "evenkeel_dns_tcp_connections_slow_total",
        "TCP connections closed because their client did not take its responses.";
    Counter transfers = "evenkeel_dns_transfers_total",
        "Zones, and changes of zones, handed to secondary name servers.";
    Counter transfers_refused = "evenkeel_dns_transfers_refused_total",
        "Requests for zones that were refused.";
    Counter notified = "evenkeel_dns_notified_total",
        "Secondary name servers that were told of a change and said so.";
    Counter notify_failed = "evenkeel_dns_notify_failed_total",
        "Secondary name servers that could not be told of a change.";
    Gauge names = "evenkeel_dns_names",
        "Host names of endpoints that are kept resolved.";
    Counter lookups = "evenkeel_dns_lookups_total",
        "Look-ups of host names of endpoints.";
    Counter lookups_failed = "evenkeel_dns_lookups_failed_total",
        "Look-ups that nobody answered; what was known before stays in use for a while.";
}

impl DnsMetrics {
    /// Counts a query by the number of its type.
    pub fn asked(&self, qtype: u16) {
        self.queries[place(&TYPES, qtype)].increment();
    }

    /// Counts a response by its code, all twelve bits.
    pub fn responded(&self, code: u16) {
        self.responses[place(&CODES, code)].increment();
    }
}

/// Where a counter is.
type Cell = fn(&DnsMetrics) -> &Counter;

/// The cell of a number; the last one is that of the others.
fn place(table: &[(u16, &str)], number: u16) -> usize {
    table.iter().position(|(of, _)| *of == number).unwrap_or(table.len())
}

/// All threads of the name server.
#[derive(Debug, Default, Clone)]
pub struct DnsRegistry {
    /// Those that answer by UDP.
    pub udp: Vec<Arc<DnsMetrics>>,
    /// The one that answers by TCP.
    pub tcp: Arc<DnsMetrics>,
    /// The one that keeps names of endpoints resolved.
    pub names: Arc<DnsMetrics>,
}

impl DnsRegistry {
    /// As many sets of cells as threads answer by UDP, and the two others.
    #[must_use]
    pub fn new(udp: usize) -> Self {
        Self { udp: (0..udp).map(|_| Arc::default()).collect(), ..Self::default() }
    }

    fn all(&self) -> impl Iterator<Item = &Arc<DnsMetrics>> {
        self.udp.iter().chain([&self.tcp, &self.names])
    }

    fn transports(&self) -> [(&str, &[Arc<DnsMetrics>]); 2] {
        [("udp", &self.udp), ("tcp", std::slice::from_ref(&self.tcp))]
    }

    /// Writes the sums over all threads.
    pub fn render(&self, page: &mut Exposition) {
        self.render_table(
            page,
            ("evenkeel_dns_queries_total", "Queries, by transport and type.", "type"),
            &TYPES,
            |cells| &cells.queries,
        );
        self.render_table(
            page,
            ("evenkeel_dns_responses_total", "Responses, by transport and code.", "code"),
            &CODES,
            |cells| &cells.responses,
        );
        let name = "evenkeel_dns_truncated_total";
        page.metric(name, MetricKind::Counter, "Responses that had to leave something out.");
        for (transport, threads) in self.transports() {
            let sum: u64 = threads.iter().map(|cells| cells.truncated.get()).sum();
            page.sample(name, &[("transport", transport)], sum);
        }
        self.render_pair(
            page,
            ("evenkeel_dns_rate_limited_total", "Responses beyond their network's share.", "fate"),
            [("dropped", |cells| &cells.rate_dropped), ("slipped", |cells| &cells.rate_slipped)],
        );
        self.render_pair(
            page,
            ("evenkeel_dns_cookies_total", "Queries with a cookie: ours, or another.", "cookie"),
            [("known", |cells| &cells.cookies_known), ("unknown", |cells| &cells.cookies_unknown)],
        );
        render_fields(self, page);
    }

    fn render_table<const N: usize>(
        &self,
        page: &mut Exposition,
        (name, help, label): (&str, &str, &str),
        table: &[(u16, &str)],
        of: impl Fn(&DnsMetrics) -> &[Counter; N],
    ) {
        page.metric(name, MetricKind::Counter, help);
        for (transport, threads) in self.transports() {
            let words = table.iter().map(|(_, word)| *word).chain([OTHER]);
            for (at, word) in words.enumerate() {
                let sum: u64 = threads.iter().map(|cells| of(cells)[at].get()).sum();
                page.sample(name, &[("transport", transport), (label, word)], sum);
            }
        }
    }

    fn render_pair(
        &self,
        page: &mut Exposition,
        (name, help, label): (&str, &str, &str),
        pair: [(&str, Cell); 2],
    ) {
        page.metric(name, MetricKind::Counter, help);
        for (word, of) in pair {
            page.sample(
                name,
                &[(label, word)],
                self.all().map(|cells| of(cells).get()).sum::<u64>(),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_are_summed_by_transport() {
        let registry = DnsRegistry::new(2);
        registry.udp[0].asked(1);
        registry.udp[1].asked(1);
        registry.udp[1].asked(9999);
        registry.tcp.asked(255);
        registry.udp[0].responded(3);
        registry.tcp.responded(17);
        registry.udp[0].truncated.increment();
        registry.udp[1].rate_slipped.increment();
        registry.tcp.cookies_known.increment();
        registry.tcp.tcp_open.increment();
        registry.udp[1].ignored.add(2);
        let mut page = Exposition::default();
        registry.render(&mut page);
        let page = page.finish();
        for line in [
            "evenkeel_dns_queries_total{transport=\"udp\",type=\"A\"} 2",
            "evenkeel_dns_queries_total{transport=\"udp\",type=\"other\"} 1",
            "evenkeel_dns_queries_total{transport=\"tcp\",type=\"ANY\"} 1",
            "evenkeel_dns_responses_total{transport=\"udp\",code=\"NXDOMAIN\"} 1",
            "evenkeel_dns_responses_total{transport=\"tcp\",code=\"other\"} 1",
            "evenkeel_dns_truncated_total{transport=\"udp\"} 1",
            "evenkeel_dns_rate_limited_total{fate=\"slipped\"} 1",
            "evenkeel_dns_cookies_total{cookie=\"known\"} 1",
            "evenkeel_dns_tcp_connections 1",
            "evenkeel_dns_ignored_total 2",
        ] {
            assert!(page.lines().any(|have| have == line), "{line} missing in\n{page}");
        }
    }
}
