//! `evenkeel dns import` and `export`: records as a zone file (RFC 1035 section 5). The file is read
//! and written by the server.

use std::io::Read as _;
use std::path::Path;

use serde_json::Value;

use super::home;
use crate::commands::output;
use crate::commands::session::Session;
use crate::exit::Failure;

/// The name of standard input.
const STANDARD_INPUT: &str = "-";

/// Adds the records of a file to the zone that is meant.
///
/// # Errors
/// When the file cannot be read, no one zone is meant, or the server refuses.
pub(super) fn import(
    session: &Session,
    file: &Path,
    proxied: bool,
    json: bool,
) -> Result<(), Failure> {
    let zone = zone(session)?;
    let text = if file == Path::new(STANDARD_INPUT) {
        let mut text = String::new();
        let read = std::io::stdin().read_to_string(&mut text);
        read.map(|_| text).map_err(Failure::doing("reading the zone file from standard input"))?
    } else {
        let doing = Failure::doing(format!("reading the zone file {}", file.display()));
        std::fs::read_to_string(file).map_err(doing)?
    };
    let parts = [("file", text.as_str()), ("proxied", if proxied { "true" } else { "false" })];
    let sent = session.client.upload(&format!("{}/import", home(&zone)), &parts);
    let told = session.asked(sent, "importing the zone file")?;
    if json {
        return output::print_json(&told);
    }
    let count = |member: &str| told[member].as_u64().unwrap_or_default();
    let (added, all) = (count("recs_added"), count("total_records_parsed"));
    let name = zone["name"].as_str().unwrap_or_default();
    output::print(&format!(
        "{added} of {all} records were added to {name}; the others were there already\n"
    ))
}

/// Writes the records of the zone that is meant.
///
/// # Errors
/// When no one zone is meant, or the server refuses.
pub(super) fn export(session: &Session) -> Result<(), Failure> {
    let zone = zone(session)?;
    let text = session.client.text(&format!("{}/export", home(&zone)));
    output::print(&session.asked(text, "exporting the zone")?)
}

/// The one zone that is meant: that of `--zone`, or the only one.
fn zone(session: &Session) -> Result<Value, Failure> {
    let mut zones = session.zones()?;
    if zones.len() == 1 {
        return Ok(zones.remove(0));
    }
    let names: Vec<_> = zones.iter().filter_map(|zone| zone["name"].as_str()).collect();
    Err(Failure::Usage(match names.as_slice() {
        [] => "there is no zone yet; make one (evenkeel zone create NAME)".to_owned(),
        names => format!("--zone is missing; there are {}", names.join(", ")),
    }))
}
