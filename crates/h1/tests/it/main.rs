//! The codec from outside: each hostile row of its own, and the properties that hold for every
//! input.

mod bytes;
mod chunked;
mod feeding;
mod generated;
mod hostile_requests;
mod hostile_responses;
mod requests;
mod responses;
mod support;
