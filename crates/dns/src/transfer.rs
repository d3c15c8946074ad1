//! Zones for secondary name servers: whole (AXFR, RFC 5936), as differences (IXFR, RFC 1995), told of
//! when they change (NOTIFY, RFC 1996), and signed with shared secrets (TSIG, RFC 8945).
//!
//! What is transferred is what records say: names of load balancers are decided on for each query,
//! which no record can say, so they are missing at secondaries. Proxied names have this node's
//! addresses. Zones that are signed while they are answered cannot be copied, and are refused.
//!
//! | module | what |
//! |---|---|
//! | `content` | the records of a zone as others get them, and the difference of two versions |
//! | `history` | the differences that are remembered |
//! | `outgoing` | one transfer: who may have it, and its messages |
//! | `notify` | telling secondaries of a change |
//! | `tsig` | signatures of messages |

mod content;
mod history;
mod notify;
mod outgoing;
mod tsig;

#[cfg(test)]
mod tests;

pub(crate) use history::Histories;
pub(crate) use notify::{Notifier, NotifyOptions};
pub(crate) use outgoing::{Begun, Outgoing, Request, begin};
pub(crate) use tsig::{Session, Unverified, refuse, verify};
