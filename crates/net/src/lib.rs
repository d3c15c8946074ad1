//! The edge to the operating system that every plane shares: listeners, dialing, name resolution,
//! pings, TLS clients, certificates, where addresses are, and the real clock. Knows nothing of
//! balancing or HTTP.

pub mod certificate;
pub mod dial;
pub mod geo;
pub mod icmp;
pub mod listen;
pub mod proxy_protocol;
pub mod resolve;
pub mod tls;
pub mod udp;

mod clock;

pub use clock::unix_time_ms;
