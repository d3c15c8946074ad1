//! The edge to the operating system that every plane shares: listeners, dialing, name resolution,
//! pings, TLS on both sides, certificates, where addresses are, and the real clock. Knows nothing of
//! balancing, and of HTTP only what is said to those who speak it where TLS is spoken.

pub mod certificate;
pub mod dial;
pub mod drain;
pub mod geo;
pub mod icmp;
pub mod inherit;
pub mod letters;
pub mod listen;
pub mod proxy_protocol;
pub mod resolve;
pub mod tls;
pub mod udp;

mod clock;

pub use clock::{unix_time_ms, unix_time_us};
