//! TLS 1.3 at the front, P-256, plain HTTP/1.1 behind.

use crate::shape::{Drive, Shape};

/// Records are all there is to it.
pub(super) const KEEP_ALIVE: Shape = Shape {
    name: "tls-keepalive",
    about: "HTTPS (TLS 1.3) keep-alive, 1 KiB bodies",
    load: Drive::Http1 { tls: true, new_connections: false },
    ..Shape::SMALL
};

/// Key exchange without signature: what a browser that comes back does. Not more connections at once
/// than the generator keeps tickets for.
pub(super) const RESUMED: Shape = Shape {
    name: "tls-resumed",
    about: "HTTPS (TLS 1.3), a resumed handshake for every request",
    load: Drive::TlsResumed,
    connections: 8,
    ..Shape::SMALL
};

/// Key exchange and signature are most of it.
pub(super) const FULL: Shape = Shape {
    name: "tls-full",
    about: "HTTPS (TLS 1.3), a full handshake for every request",
    load: Drive::Http1 { tls: true, new_connections: true },
    ..Shape::SMALL
};
