//! `evenkeel ready`: whether a server serves, as an exit code. For what watches containers and for
//! scripts, which may have nothing else to ask it with.

use crate::cli::ReadyArgs;
use crate::client::Client;
use crate::exit::Failure;

/// Ends well when `/readyz` answers 200.
///
/// # Errors
/// When it answers anything else, or nobody answers.
pub(crate) fn run(args: &ReadyArgs) -> Result<(), Failure> {
    // What is asked needs no token.
    let client = Client::new(&args.server, String::new(), args.ca.as_deref())?;
    client.ready().map_err(Failure::doing(format!("asking {}", client.root())))
}
