//! What a decision is told: the request, and the moment it is taken in.

use core::fmt;
use core::net::IpAddr;

use evenkeel_model::Timestamp;

use crate::Rng;

/// What a decision may know of a request. Everything is borrowed, nothing of the body is here.
#[derive(Debug, Clone, Copy)]
pub struct RequestFacts<'a> {
    /// Host of the request: lower case, no port, no final dot.
    pub host: &'a str,
    /// The client's true address, after trusted-proxy processing.
    pub client: IpAddr,
    /// Whether the client came by HTTPS.
    pub https: bool,
    /// Values of the `Cookie` lines, in order.
    pub cookies: &'a [&'a [u8]],
}

/// The only door for time and chance.
pub struct Env<'a> {
    /// The present.
    pub now: Timestamp,
    /// Draws for this worker.
    pub rng: &'a mut dyn Rng,
}

impl fmt::Debug for Env<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Env").field("now", &self.now).finish_non_exhaustive()
    }
}
