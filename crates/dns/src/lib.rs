//! The authoritative name server: names of load balancers are answered by the same decisions that
//! proxied requests follow, all other names by the records of their zones (behaviour.md 8).
//!
//! | module | what |
//! |---|---|
//! | [`wire`] | the message format: queries are judged and read, responses written and compressed |
//! | [`zone`] | what a zone holds, made findable: names, cuts, wildcards; the catalog of all zones |
//! | [`mod@answer`] | which records answer a query: pure, time and chance are arguments |
//! | [`dnssec`] | signatures beside the records, and proofs of what is not there |
//! | `transfer` | zones for secondary name servers, and telling them of changes |
//! | [`server`] | sockets and threads, limits, cookies, the query log |
//! | [`resolve`] | what host names of endpoints resolve to, known ahead of the queries |
//!
//! A query's way: [`wire::Query::parse`], [`answer()`], [`wire::write`]. None of the three makes a
//! system call, and none allocates in the common case.

pub mod answer;
pub mod dnssec;
pub mod resolve;
pub mod server;
mod transfer;
pub mod wire;
pub mod zone;

pub use answer::{Advertised, Answer, Context, Family, Resolved, answer};
pub use zone::Catalog;
