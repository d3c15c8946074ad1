//! The data plane over real sockets: a worker on its own thread, endpoints on others, and clients
//! that write bytes. One test binary; each file is an area.

mod basics;
mod countries;
mod endpoint;
mod loads;
mod world;
