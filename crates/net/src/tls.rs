//! TLS towards endpoints and probe targets.
