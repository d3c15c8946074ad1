//! What zones hold, made findable: names with their records, cuts, empty non-terminals and
//! wildcards (RFC 1034 section 4.3.2, RFC 4592), and the names of load balancers among them.
//!
//! Two indexes lie over each other. [`Records`] is made once of a [`Zone`](evenkeel_model::Zone),
//! and kept for as long as that does not change; [`Hosts`] has the load balancers' names, which
//! follow the configuration. A name exists when either has it.
//!
//! Which of what is found answers a query is [`mod@crate::answer`]'s work.

mod catalog;
mod hosts;
mod path;
mod records;
mod served;
mod set;

pub use catalog::Catalog;
pub use hosts::Hosts;
pub use path::Path;
pub use records::{Node, Records};
pub use served::{Found, Owned, ServedZone};
pub use set::{RecordSet, compressible_name, target_name};
