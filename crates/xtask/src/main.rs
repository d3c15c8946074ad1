//! The project's own commands: `cargo xtask test` checks everything a change has to pass, on a
//! developer's machine as in CI, and fetches what its suites need.
//!
//! A suite is a row of [`suite::SUITES`]; how one is run lives in `suites/` and `tidy/`, what it
//! needs from the machine in `tools`. No dependencies: this crate is the first thing built in a
//! fresh clone, and nobody should wait for it.

mod process;
mod report;
mod suite;
mod suites;
mod tidy;
mod tools;
mod workspace;

use std::process::ExitCode;

use report::Report;
use suite::Stop;
use workspace::Workspace;

/// Exit code of a command line that makes no sense, as in the product itself.
const EXIT_USAGE: u8 = 2;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["test" | "ci" | "conformance", names @ ..] => test(names),
        ["tidy"] => test(&["tidy"]),
        ["bench", arguments @ ..] => bench(arguments),
        ["deb"] => deb(),
        [] | ["help" | "--help" | "-h"] => {
            print!("{}", usage());
            ExitCode::SUCCESS
        }
        [other, ..] => {
            eprint!("error: no command {other:?}\n\n{}", usage());
            ExitCode::from(EXIT_USAGE)
        }
    }
}

fn test(names: &[&str]) -> ExitCode {
    let suites = match suite::select(names) {
        Ok(suites) => suites,
        Err(unknown) => {
            eprint!("error: no suite {unknown:?}\n\n{}", usage());
            return ExitCode::from(EXIT_USAGE);
        }
    };
    let report = Report::of(&suites, &Workspace::find());
    print!("\n{report}");
    if report.is_good(strict()) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn bench(arguments: &[&str]) -> ExitCode {
    exit_code(suites::bench::measure(&Workspace::find(), arguments))
}

fn deb() -> ExitCode {
    exit_code(suites::package::release(&Workspace::find()))
}

fn exit_code(outcome: Result<(), Stop>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(Stop::Failed(why) | Stop::LeftOut(why)) => {
            eprintln!("error: {why}");
            ExitCode::FAILURE
        }
    }
}

/// Whether leaving a suite out is a failure: it is in CI, where nobody reads the table.
fn strict() -> bool {
    std::env::var_os("CI").is_some_and(|value| value == "true" || value == "1")
}

fn usage() -> String {
    let mut text = String::from(
        "cargo xtask test [SUITE…]   run every suite, or those named (`ci`, `conformance`: the same)\n\
         cargo xtask tidy            only the architecture and tidiness checks\n\
         cargo xtask bench [ARG…]    measure, see bench/README.md\n\
         cargo xtask deb             build the Debian package, target/debian/evenkeel.deb\n\nsuites:\n",
    );
    for suite in suite::SUITES {
        text.push_str(&format!("  {:<12}{}\n", suite.name, suite.what));
    }
    text.push_str(
        "\nWith CI=true a suite that is left out counts as failed, except those marked opt-in.\n",
    );
    text
}
