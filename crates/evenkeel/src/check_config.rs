//! `evenkeel check-config`: settings read as `serve` would read them, from the same flags, variables
//! and file, and everything judged that can be without binding an address or making a file. A
//! running server is not disturbed, so its data directory may be looked at too.

use evenkeel_net::geo::GeoFiles;

use crate::cli::CheckConfigArgs;
use crate::exit::Failure;
use crate::geo;
use crate::settings::{self, Reading, Settings};

/// Says everything that is wrong, each with its line, or that nothing is.
///
/// # Errors
/// [`Failure::Configuration`] with the problems.
pub(crate) fn run(mut args: CheckConfigArgs) -> Result<(), Failure> {
    args.serve.config = args.file.or(args.serve.config);
    let mut reading = settings::read(&args.serve);
    if let Some(settings) = reading.settings.take() {
        judge(&settings, &mut reading);
    }
    for (variable, meant) in settings::stray_variables() {
        eprintln!("warning: {variable} is the variable of no setting; did you mean {meant}?");
    }
    if args.print {
        print!("{}", settings::render(&reading.taken));
    }
    if !reading.problems.is_empty() {
        return Err(Failure::Configuration(reading.problems));
    }
    let name = reading.path.as_deref().unwrap_or("no file");
    let given = reading.taken.len();
    eprintln!("{name}: good; {given} settings are given, the others have their defaults");
    Ok(())
}

/// Adds what is wrong with files and folders.
fn judge(settings: &Settings, reading: &mut Reading) {
    if let Err(changes) = GeoFiles::open(&settings.geoip) {
        changes.iter().for_each(|change| reading.add(geo::describe(change)));
    }
    settings::judge_places(settings, reading);
}
