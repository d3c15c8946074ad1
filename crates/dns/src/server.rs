//! The sockets around [`crate::answer()`]: threads, limits, cookies, the query log.
//!
//! | module | what |
//! |---|---|
//! | `settings` | what an operator may set |
//! | `run` | starts the threads and ends them |
//! | `follow` | the view in force and its catalog, for every thread to read |
//! | `respond` | one message in, one response out, the same for both transports |
//! | `udp` | a thread per socket, a batch of datagrams per turn |
//! | `tcp` | one thread for all connections, bounded in every way |
//! | `rate` | how many answers a network gets |
//! | `cookie` | who is where it says |
//! | `rehearsal` | what would be answered, for whoever explains it |
//! | `log` | a sample of queries, as lines |
//! | `secret` | the cookie secret that a data directory keeps |
//!
//! UDP and TCP have threads of their own, so that a flood of connections slows no datagram.

mod cookie;
mod follow;
mod log;
mod places;
mod rate;
mod rehearsal;
mod respond;
mod run;
mod secondary;
mod secret;
mod settings;
mod tcp;
mod udp;

pub use cookie::{CookieSecret, CookieSecrets};
pub use log::{QueryLog, QueryLogSettings};
pub use rate::RateSettings;
pub use rehearsal::{Rehearsal, Rehearsed, RehearsedRecord, Supposed};
pub use run::{Running, ServerOptions, Sockets, bind, start};
pub use secret::{SecretError, kept_secret, parse_secrets};
pub use settings::Settings;
