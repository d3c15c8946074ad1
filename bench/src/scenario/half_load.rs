//! Latency when nothing is saturated: an open loop at half of what the baseline serves at most, the
//! same for everyone. The figure is the 99th percentile.

use super::everything_on;
use crate::shape::{Drive, Shape};

/// Caddy is left out: half of HAProxy's most is more than it serves on one thread.
pub(super) const HALF: Shape = Shape {
    name: "half-load",
    about: "open loop at half of HAProxy's saturation; cookie affinity, monitors, metrics",
    load: Drive::Open(0.5),
    without: &["caddy"],
    ..everything_on::QUIET
};
