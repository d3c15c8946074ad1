//! The program as a user runs it: settings in, requests and questions over sockets.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod node;

mod explain;
mod geo;
mod health;
