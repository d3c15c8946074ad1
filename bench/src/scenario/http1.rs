//! HTTP/1.1 with bodies of 1 KiB and 14 headers each way: the common small request, where the
//! proxy's own work and its socket calls are all there is.

use crate::shape::{Drive, Shape};

/// As many connections as keep everything busy.
pub(super) const KEEP_ALIVE: Shape = Shape {
    name: "http1-keepalive",
    about: "HTTP/1.1 keep-alive, 1 KiB bodies, browser-like headers",
    ..Shape::SMALL
};

/// So many that each has little in flight, and the caches of the processor do not hold them.
pub(super) const KEEP_ALIVE_1000: Shape = Shape {
    name: "http1-keepalive-1000",
    about: "the same over 1,000 connections",
    connections: 1000,
    ..Shape::SMALL
};

/// Accepting and closing is most of it.
pub(super) const NEW_CONNECTIONS: Shape = Shape {
    name: "http1-new-connections",
    about: "HTTP/1.1, a connection for every request; endpoints keep theirs",
    load: Drive::Http1 { tls: false, new_connections: true },
    ..Shape::SMALL
};
