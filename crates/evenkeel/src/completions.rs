//! `evenkeel completions`: what a shell needs to complete the commands, from the flags themselves.

use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::cli::Cli;
use crate::commands::output::print;
use crate::exit::Failure;

/// Prints the script of a shell.
///
/// # Errors
/// When it cannot be written.
pub(crate) fn run(shell: Shell) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "evenkeel", &mut script);
    print(&String::from_utf8_lossy(&script))
}
