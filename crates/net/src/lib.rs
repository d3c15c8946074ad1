//! Listeners, dialing, name resolution, TLS clients; the real clock and randomness.

pub mod tls;
