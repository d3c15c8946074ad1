//! Signing while answering (RFC 4034, RFC 4035, RFC 6605), and compact denial of existence
//! (RFC 9824).
//!
//! Answers of load balancers are made for each query, so signatures are as well; what was signed
//! once is remembered, and the common answer costs a look-up. What does not exist is denied by one
//! NSEC record made for the name asked for, which gives away no other name of the zone.
//!
//! | module | what |
//! |---|---|
//! | `canonical` | the one form of a set of records that is signed (RFC 4034 section 6) |
//! | `denial` | NSEC records |
//! | `cache` | signatures that are still good |
//! | `signer` | keys, validity periods, RRSIG records |
//!
//! Keys are made and kept by the control plane. A name that a wildcard stands in for is signed as
//! a name of its own: no proof of its absence is needed beside it.

mod cache;
mod canonical;
mod denial;
mod signer;

#[cfg(test)]
mod tests;

pub use signer::{SetSigner, Signatures, delegation_digest};
