//! Many load balancers: what a request costs must not grow with what is configured.

use crate::shape::{Shape, Variation};

/// Asked for one after the other, far apart. Peers have as many hosts in their fastest look-up; the
/// ratio is to one load balancer of ours.
pub(super) const TEN_THOUSAND: Shape = Shape {
    name: "load-balancers-10000",
    about: "HTTP/1.1 keep-alive, 10,000 load balancers asked for in turn",
    hosts: 10_000,
    rows: &[Variation { name: "ours-1", of: "ours", change: |job| job.hosts = 1 }],
    baseline: "ours-1",
    ..Shape::SMALL
};
