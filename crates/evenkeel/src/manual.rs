//! `evenkeel manual`: the manual page, evenkeel(1), from the command line's own definition.

use std::fmt::Write as _;

use clap::{Arg, Command, CommandFactory as _};

use crate::cli::Cli;
use crate::commands::output::print;
use crate::exit::Failure;

/// What follows the flags; see `exit` and the contract of settings.
const ENDING: &str = "\
.SH ENVIRONMENT
Every setting of serve is a variable too: \\-\\-data\\-dir is \\fBEVENKEEL_DATA_DIR\\fR. A flag comes
before the variable, the variable before the file of \\-\\-config.
.TP
.B EVENKEEL_API_TOKEN
The first administrator token of serve; what the other commands show to a server.
.TP
.B EVENKEEL_ACCOUNT_ID
The identifier of the first account, 32 hexadecimal digits.
.SH SIGNALS
.TP
.B TERM, INT
Requests under way are finished, then serve ends. A second one ends it at once.
.TP
.B HUP
Certificates, databases and authorities are read again, logs are reopened.
.TP
.B USR2
The program that is installed now takes the sockets over; no client is refused or cut off.
.SH EXIT STATUS
0 done, 1 failed, 2 the command line is wrong, 78 the configuration is refused, each problem on a
line of its own.
.SH FILES
.TP
.I /etc/evenkeel/evenkeel.toml
Settings of the service, where a package installed it.
.TP
.I /etc/evenkeel/environment
The first administrator token, as a package made it.
.TP
.I /var/lib/evenkeel
Documents and all else that must survive.
";

/// Prints the page for man(1).
///
/// # Errors
/// When it cannot be written.
pub(crate) fn run() -> Result<(), Failure> {
    print(&page())
}

fn page() -> String {
    let mut program = Cli::command();
    program.build();
    let about =
        |command: &Command| text(&command.get_about().map(ToString::to_string).unwrap_or_default());
    let version = program.get_version().unwrap_or_default();
    let mut page = format!(".TH EVENKEEL 1 \"\" \"evenkeel {version}\" \"\"\n");
    // Writing to a string cannot fail.
    let _ = write!(page, ".SH NAME\nevenkeel \\- {}\n", about(&program));
    page.push_str(".SH SYNOPSIS\n.B evenkeel\n\\fICOMMAND\\fR [\\fIOPTION\\fR…]\n");
    page.push_str(".SH COMMANDS\nEach tells its own options by \\-\\-help.\n");
    let commands = program.get_subcommands().filter(|command| command.get_name() != "help");
    for command in commands {
        let _ = write!(page, ".TP\n.B {}\n{}\n", text(command.get_name()), about(command));
    }
    page.push_str(".SH OPTIONS OF SERVE\n");
    let serve = program.find_subcommand("serve");
    for arg in serve.into_iter().flat_map(Command::get_arguments) {
        page.push_str(&option(arg));
    }
    page.push_str(ENDING);
    page
}

fn option(arg: &Arg) -> String {
    let Some(name) = arg.get_long() else { return String::new() };
    let value = arg.get_value_names().unwrap_or_default().first();
    let value = value.filter(|_| arg.get_action().takes_values());
    let value = value.map_or(String::new(), |value| format!(" \\fI{}\\fR", text(value)));
    let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
    format!(".TP\n\\fB{}\\fR{value}\n{}\n", text(&format!("--{name}")), text(&help))
}

/// Text that roff takes as it is.
fn text(plain: &str) -> String {
    let escaped = plain.replace('\\', "\\e").replace('-', "\\-").replace(['\n', '\r'], " ");
    match escaped.starts_with(['.', '\'']) {
        true => format!("\\&{escaped}"),
        false => escaped,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_every_command_and_setting() {
        let page = page();
        for part in [".B serve\n", ".B check\\-config\n", "\\fB\\-\\-data\\-dir\\fR \\fIDIR\\fR"] {
            assert!(page.contains(part), "{part} missing in\n{page}");
        }
        for name in crate::cli::setting_names() {
            assert!(page.contains(&text(&format!("--{name}"))), "{name}");
        }
        assert_eq!(text(".x\\-y"), "\\&.x\\e\\-y");
    }
}
