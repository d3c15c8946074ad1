//! What workers counted of load balancers, pools and endpoints, on the page: summed by name.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::shelf::{Names, Shelf};
use super::{
    CONNECT_FAILURES, Classes, EndpointTraffic, LoadBalancerTraffic, OTHER, PASSED_OVER,
    PoolTraffic, SHED, SessionResult, Traffic, Words,
};
use crate::{Counter, Exposition, Gauge, Histogram, HistogramSum, MetricKind};

/// How busy an endpoint is now, by all workers together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct EndpointLoad {
    /// Requests in flight.
    pub requests: u64,
    /// Connections open, idle ones included.
    pub connections: u64,
}

/// Cells by the names they are shown under. Names may be shared: by endpoints of one pool, and by
/// things that came one after the other.
struct Group<C> {
    cells: Vec<Arc<C>>,
    ids: Vec<u128>,
}

struct Groups<C> {
    /// Keys of labels; the second is not written when it is empty.
    keys: [&'static str; 2],
    by_names: BTreeMap<Names, Group<C>>,
}

impl<C: Default> Groups<C> {
    fn gather<'a>(keys: [&'static str; 2], shelves: impl Iterator<Item = &'a Shelf<C>>) -> Self
    where
        C: 'a,
    {
        let mut by_names = BTreeMap::new();
        for (names, id, cells) in shelves.flat_map(Shelf::read) {
            let group = by_names
                .entry(names)
                .or_insert_with(|| Group { cells: Vec::new(), ids: Vec::new() });
            group.cells.push(cells);
            group.ids.push(id);
        }
        for group in by_names.values_mut() {
            group.ids.sort_unstable();
            group.ids.dedup();
        }
        Self { keys, by_names }
    }

    fn counter(&self, page: &mut Exposition, name: &str, help: &str, of: fn(&C) -> &Counter) {
        page.metric(name, MetricKind::Counter, help);
        self.each(|labels, group| {
            page.sample(name, labels, group.sum(|cells| of(cells).get()));
        });
    }

    fn gauge(&self, page: &mut Exposition, name: &str, help: &str, of: fn(&C) -> &Gauge) {
        page.metric(name, MetricKind::Gauge, help);
        self.each(|labels, group| {
            page.sample(name, labels, group.sum(|cells| of(cells).get()));
        });
    }

    fn histogram(&self, page: &mut Exposition, name: &str, help: &str, of: fn(&C) -> &Histogram) {
        page.metric(name, MetricKind::Histogram, help);
        self.each(|labels, group| {
            let mut sum = HistogramSum::default();
            group.cells.iter().for_each(|cells| sum.add(of(cells)));
            if sum.count() > 0 {
                page.histogram(name, labels, &sum);
            }
        });
    }

    /// A counter for each word of a list, of those that came up.
    fn words<const N: usize>(
        &self,
        page: &mut Exposition,
        (name, help): (&str, &str),
        key: &str,
        words: &[&str; N],
        of: fn(&C, usize) -> &Counter,
    ) {
        page.metric(name, MetricKind::Counter, help);
        self.each(|labels, group| {
            let mut labels = labels.to_vec();
            for (at, word) in words.iter().enumerate() {
                let count = group.sum(|cells| of(cells, at).get());
                if count > 0 {
                    labels.push((key, word));
                    page.sample(name, &labels, count);
                    labels.pop();
                }
            }
        });
    }

    fn each(&self, mut write: impl FnMut(&[(&str, &str)], &Group<C>)) {
        for ([first, second], group) in &self.by_names {
            let labels = [(self.keys[0], &**first), (self.keys[1], &**second)];
            let given = if self.keys[1].is_empty() { 1 } else { 2 };
            write(&labels[..given], group);
        }
    }
}

impl<C> Group<C> {
    fn sum(&self, of: impl Fn(&C) -> u64) -> u64 {
        self.cells.iter().map(|cells| of(cells)).sum()
    }
}

/// A list of words, and the one for all others.
fn with_other<const N: usize, const M: usize>(words: [&'static str; N]) -> [&'static str; M] {
    std::array::from_fn(|at| words.get(at).copied().unwrap_or(OTHER))
}

fn word<const N: usize>(words: &Words<N>, at: usize) -> &Counter {
    words.known.get(at).unwrap_or(&words.other)
}

/// Writes what all workers counted. `load` tells of an endpoint, by its id, how busy it is.
pub(crate) fn render<'a>(
    workers: impl Iterator<Item = &'a Traffic> + Clone,
    load: &dyn Fn(u128) -> EndpointLoad,
    page: &mut Exposition,
) {
    let keys = ["load_balancer", ""];
    load_balancers(
        &Groups::gather(keys, workers.clone().map(|worker| &worker.load_balancers)),
        page,
    );
    pools(&Groups::gather(["pool", ""], workers.clone().map(|worker| &worker.pools)), page);
    let keys = ["pool", "endpoint"];
    let groups = Groups::gather(keys, workers.map(|worker| &worker.endpoints));
    endpoints(&groups, page);
    loads(&groups, load, page);
}

fn load_balancers(groups: &Groups<LoadBalancerTraffic>, page: &mut Exposition) {
    groups.words(
        page,
        (
            "evenkeel_load_balancer_requests_total",
            "Requests for a load balancer that are over, by the class of the status that the client was sent; none where it was gone before.",
        ),
        "class",
        &Classes::LABELS,
        |cells, at| &cells.requests.0[at],
    );
    groups.counter(
        page,
        "evenkeel_load_balancer_retries_total",
        "Times that the same or another endpoint was asked again.",
        |cells| &cells.retries,
    );
    groups.counter(
        page,
        "evenkeel_load_balancer_failovers_total",
        "Times that another endpoint was asked instead.",
        |cells| &cells.failovers,
    );
    groups.words(
        page,
        (
            "evenkeel_load_balancer_sessions_total",
            "Requests for a load balancer with session affinity, by what became of the session.",
        ),
        "result",
        &SessionResult::ALL.map(SessionResult::as_str),
        |cells, at| &cells.sessions[at],
    );
    groups.counter(
        page,
        "evenkeel_load_balancer_received_bytes_total",
        "Bytes of bodies that clients sent.",
        |cells| &cells.received_bytes,
    );
    groups.counter(
        page,
        "evenkeel_load_balancer_sent_bytes_total",
        "Bytes sent to clients, heads included, as HTTP/1.1 writes them.",
        |cells| &cells.sent_bytes,
    );
    groups.histogram(
        page,
        "evenkeel_load_balancer_request_duration_seconds",
        "From a request's head until its response was whole; tunnels left out.",
        |cells| &cells.duration,
    );
}

fn pools(groups: &Groups<PoolTraffic>, page: &mut Exposition) {
    groups.words(
        page,
        (
            "evenkeel_pool_requests_total",
            "Requests that came to a pool last, by the class of the status that the client was sent.",
        ),
        "class",
        &Classes::LABELS,
        |cells, at| &cells.requests.0[at],
    );
    groups.counter(page, "evenkeel_pool_sheds_total", "Requests that a pool shed.", |cells| {
        let at = PASSED_OVER.iter().position(|reason| *reason == SHED).unwrap_or(usize::MAX);
        word(&cells.passed_over, at)
    });
    groups.counter(
        page,
        "evenkeel_pool_fallbacks_total",
        "Requests that came to a pool as the fallback.",
        |cells| &cells.fallbacks,
    );
    groups.words(
        page,
        (
            "evenkeel_pool_passed_over_total",
            "Times that a pool was a candidate and could not be chosen, by reason.",
        ),
        "reason",
        &with_other::<_, { PASSED_OVER.len() + 1 }>(PASSED_OVER),
        |cells, at| word(&cells.passed_over, at),
    );
}

fn endpoints(groups: &Groups<EndpointTraffic>, page: &mut Exposition) {
    groups.words(
        page,
        (
            "evenkeel_endpoint_requests_total",
            "Requests tried on an endpoint, by the class of its status; none where no response came.",
        ),
        "class",
        &Classes::LABELS,
        |cells, at| &cells.requests.0[at],
    );
    groups.words(
        page,
        (
            "evenkeel_endpoint_connect_failures_total",
            "Requests for which no connection to the endpoint came to stand, by reason.",
        ),
        "reason",
        &with_other::<_, { CONNECT_FAILURES.len() + 1 }>(CONNECT_FAILURES),
        |cells, at| word(&cells.connect_failures, at),
    );
    groups.counter(
        page,
        "evenkeel_endpoint_connections_opened_total",
        "Connections opened to an endpoint, TLS included.",
        |cells| &cells.opened,
    );
    groups.counter(
        page,
        "evenkeel_endpoint_connections_reused_total",
        "Requests sent to an endpoint on a connection that stood already.",
        |cells| &cells.reused,
    );
    groups.gauge(
        page,
        "evenkeel_endpoint_connections_idle",
        "Connections to an endpoint waiting for a request.",
        |cells| &cells.idle,
    );
    groups.counter(
        page,
        "evenkeel_endpoint_sent_bytes_total",
        "Bytes sent to an endpoint, heads included, as HTTP/1.1 writes them.",
        |cells| &cells.sent_bytes,
    );
    groups.counter(
        page,
        "evenkeel_endpoint_received_bytes_total",
        "Bytes of bodies that an endpoint sent.",
        |cells| &cells.received_bytes,
    );
    groups.histogram(
        page,
        "evenkeel_endpoint_connect_duration_seconds",
        "What it took to connect to an endpoint, TLS included.",
        |cells| &cells.connect,
    );
    groups.histogram(
        page,
        "evenkeel_endpoint_first_byte_duration_seconds",
        "From the beginning of an attempt until the first byte of the endpoint's response.",
        |cells| &cells.first_byte,
    );
}

fn loads(
    groups: &Groups<EndpointTraffic>,
    load: &dyn Fn(u128) -> EndpointLoad,
    page: &mut Exposition,
) {
    for (name, help, is_of_requests) in [
        ("evenkeel_endpoint_connections", "Connections to an endpoint open now.", false),
        ("evenkeel_endpoint_requests", "Requests that an endpoint is serving now.", true),
    ] {
        page.metric(name, MetricKind::Gauge, help);
        groups.each(|labels, group| {
            let loads = group.ids.iter().map(|id| load(*id));
            let sum: u64 = match is_of_requests {
                true => loads.map(|load| load.requests).sum(),
                false => loads.map(|load| load.connections).sum(),
            };
            page.sample(name, labels, sum);
        });
    }
}

#[cfg(test)]
mod tests;
