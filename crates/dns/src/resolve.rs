//! Host names of endpoints to addresses, ahead of the queries that need them: an answer takes what
//! is known and waits for nobody.
//!
//! | module | what |
//! |---|---|
//! | `wanted` | which names a view may need |
//! | `names` | what is known of them, for every thread to read |
//! | `upstream` | one look-up, by the machine's resolvers or those that are named |
//! | `keep` | when each name is looked up again |
//!
//! Which of the addresses are answered is [`mod@crate::answer`]'s.

mod keep;
mod names;
mod upstream;
mod wanted;

pub use keep::{KeepOptions, keep};
pub use names::{KnownNow, Names};
pub use upstream::{ResolverAddress, ResolverAddressError};
