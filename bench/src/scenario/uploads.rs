//! Chunked uploads: every proxy reads the framing, and passes on what has come while more comes.

use crate::shape::{Serves, Shape};

/// 128 KiB in chunks of 16 KiB; the endpoint answers once it has all of them.
pub(super) const CHUNKED: Shape = Shape {
    name: "uploads-chunked",
    about: "HTTP/1.1 keep-alive, chunked uploads of 128 KiB",
    serves: Serves::Upload(128 << 10),
    connections: 16,
    ..Shape::SMALL
};
