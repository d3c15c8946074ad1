//! The data plane over real sockets: a worker on its own thread, endpoints on others, and clients
//! that write bytes. One test binary; each file is an area.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod client;
mod endpoint;
mod h2_client;
mod upstream_server;
mod world;

mod accounts;
mod authentication;
mod basics;
mod bodies;
mod connections;
mod countries;
mod decisions;
mod door;
mod fixed;
mod grpc;
mod h2;
mod h2_bodies;
mod h2_ends;
mod h2_floods;
mod h2_websocket;
mod headers;
mod loads;
mod passive;
mod refusals;
mod responses;
mod retries;
mod smuggling;
mod spliced;
mod traps;
mod tunnels;
mod upstream_http2;
mod upstream_introductions;
mod upstream_tls;
