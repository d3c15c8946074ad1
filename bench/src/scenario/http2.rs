//! HTTP/2 at the front, HTTP/1.1 behind.

use crate::shape::{Drive, Shape};

/// Few connections with many requests each, as browsers and other proxies do.
pub(super) const HTTP2: Shape = Shape {
    name: "http2",
    about: "HTTP/2 over TLS 1.3, 100 streams on each of 4 connections, 1 KiB bodies",
    load: Drive::Http2 { streams: 100 },
    connections: 4,
    ..Shape::SMALL
};
