//! What the access log costs, and that a disk which takes nothing costs no more: everybody meets the
//! same arrivals, an open loop at half of what ours serves at most without a log.

use crate::access_log::AccessLog;
use crate::shape::{Drive, Shape, Variation};

/// nginx and Caddy are left out: theirs are part of `everything-on-logged`.
pub(super) const LOG: Shape = Shape {
    name: "access-log",
    about: "open loop at half of our saturation; access log off, on, and on with a stalled disk",
    load: Drive::Open(0.5),
    without: &["nginx", "caddy"],
    rows: &[
        Variation {
            name: "ours-logged",
            of: "ours",
            change: |job| job.access_log = AccessLog::File,
        },
        Variation {
            name: "ours-stalled",
            of: "ours",
            change: |job| job.access_log = AccessLog::Stalled,
        },
        Variation {
            name: "haproxy-logged",
            of: "haproxy",
            change: |job| job.access_log = AccessLog::File,
        },
    ],
    baseline: "ours",
    ..Shape::SMALL
};
