//! Large responses: how bytes pass, not heads. HAProxy by default copies them through its buffers
//! of 16 KiB; a row of its own moves them by splice(2).

use crate::shape::{Serves, Shape, Variation};

const SPLICED: &[Variation] =
    &[Variation { name: "haproxy-splice", of: "haproxy", change: |job| job.splice = true }];

/// A picture.
pub(super) const BODIES_100K: Shape = Shape {
    name: "bodies-100k",
    about: "HTTP/1.1 keep-alive, bodies of 100 KiB",
    serves: Serves::Body(100 << 10),
    connections: 16,
    rows: SPLICED,
    ..Shape::SMALL
};

/// A download.
pub(super) const BODIES_1M: Shape = Shape {
    name: "bodies-1m",
    about: "HTTP/1.1 keep-alive, bodies of 1 MiB",
    serves: Serves::Body(1 << 20),
    connections: 8,
    rows: SPLICED,
    ..Shape::SMALL
};
