//! HTTP/1.1, keep-alive on both sides, bodies of 1 KiB, 14 headers each way: the common small
//! request, where the proxy's own work and its socket calls are all there is.

use super::Scenario;
use crate::args::Args;
use crate::failure::Result;
use crate::interleave::{self, Shape};

pub(super) const SCENARIO: Scenario = Scenario {
    name: "http1-keepalive",
    about: "HTTP/1.1 keep-alive, 1 KiB bodies, browser-like headers, one thread",
    run,
};

fn run(args: &Args) -> Result<bool> {
    interleave::run(args, &Shape { scenario: SCENARIO.name, body_bytes: 1024 })
}
