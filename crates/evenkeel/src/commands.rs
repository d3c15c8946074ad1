//! Commands for people about the objects of a running server: `evenkeel lb|pool|monitor|group|zone|
//! dns|token|certificate list|get|create|set|delete`, and about their health. They speak the
//! published API; only single probes take one of our own.
//!
//! | module | what it is for |
//! |---|---|
//! | `session` | the server, and which account and zone are meant |
//! | [`mod@object`] | the verbs, the same for all kinds; what differs is in an [`object::Object`] each |
//! | `lb`, `pool`, `monitor`, `group`, `zone`, `dns`, `token`, `certificate` | the kinds |
//! | `health`, `probe` | how pools fare and fared; one probe now |
//! | `names` | which object a name means |
//! | `body` | from flags to the body of a request |
//! | `refusal` | from the server's refusal to the flag that caused it, and the way out |
//! | [`output`] | tables, details, JSON |

mod body;
mod certificate;
mod dns;
mod group;
mod health;
mod lb;
mod monitor;
mod names;
mod object;
pub(crate) mod output;
mod pool;
mod probe;
mod refusal;
mod session;
mod token;
mod zone;

pub(crate) use certificate::run as certificate;
pub(crate) use dns::run as dns;
pub(crate) use health::run as health;
pub(crate) use names::find;
pub(crate) use object::run as object;
pub(crate) use probe::run as probe;
pub(crate) use session::{Session, token_of};
pub(crate) use token::run as token;
pub(crate) use zone::run as zone;

use crate::cli::LbArgs;
use crate::exit::Failure;

/// `evenkeel lb`.
///
/// # Errors
/// See [`object()`].
pub(crate) fn lb(args: &LbArgs) -> Result<(), Failure> {
    let session = Session::open(&args.object.remote)?.within(args.zone.clone());
    object::run_in(&session, &args.object.verb, args.object.remote.json)
}
