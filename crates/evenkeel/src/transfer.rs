//! Moving in and out: `evenkeel export`, `import` and `check`.
//!
//! A file is the API's own JSON with ids (`evenkeel_api::transfer`). The server writes and takes it
//! whole, at `/evenkeel/v1/documents`; `check` asks the same code without a server.
//!
//! | module | what it is for |
//! |---|---|
//! | `cloudflare` | reads a live account into such a file |
//! | `hcl` | writes such a file as Terraform configuration |
//! | `told` | what an import changed, and what is wrong with a file, for people |

mod cloudflare;
mod hcl;
mod told;

use std::io::Read as _;
use std::path::Path;

use evenkeel_api::Limits;
use serde_json::Value;
use ureq::http::Method;

use crate::cli::{CheckArgs, ExportArgs, ImportArgs};
use crate::client::ClientError;
use crate::commands::output::{Style, print, print_json};
use crate::commands::{Session, find};
use crate::exit::Failure;

/// Where the server's file is.
const PATH: &str = "/evenkeel/v1/documents";

/// The time of a check. It shows nowhere.
const NOW: &str = "2026-01-01T00:00:00.000000Z";

/// `evenkeel export`.
///
/// # Errors
/// When the server does not tell, or the file cannot be written.
pub(crate) fn export(args: &ExportArgs) -> Result<(), Failure> {
    let session = Session::open(&args.remote)?;
    let mut file = session
        .client
        .send(Method::GET, PATH, None)
        .map_err(Failure::doing("exporting what the server has"))?;
    if args.remote.account.is_some() {
        let account = session.account()?["id"].clone();
        if let Some(accounts) = file["accounts"].as_array_mut() {
            accounts.retain(|part| part["account"]["id"] == account);
        }
    }
    if let Some(count) = file["certificates_left_out"].as_u64() {
        eprintln!(
            "Certificates left out: {count}. Their private keys are told to nobody; upload them again \
             where the file goes (evenkeel certificate upload)."
        );
    }
    let text = if args.terraform { hcl::write(&file) } else { format!("{file:#}\n") };
    match &args.file {
        None => print(&text),
        Some(path) => std::fs::write(path, text)
            .map_err(Failure::doing(format!("writing {}", path.display()))),
    }
}

/// `evenkeel import`.
///
/// # Errors
/// When there is nothing to import, or the server refuses it.
pub(crate) fn import(args: &ImportArgs) -> Result<(), Failure> {
    let session = Session::open(&args.remote)?;
    let mut file = match &args.file {
        Some(path) => read(path)?,
        None => cloudflare::read(args)?,
    };
    settle(&mut file, &session)?;
    let path = format!("{PATH}?dry_run={}&prune={}", args.dry_run, args.prune);
    match session.client.send(Method::PUT, &path, Some(&file)) {
        Ok(answer) if args.remote.json => print_json(&answer),
        Ok(answer) => print(&told::changes(&answer, Style::of_output())),
        Err(ClientError::Refused(refusal)) if refusal.status == 400 => {
            let problems = refusal
                .errors
                .iter()
                .map(|reason| told::problem(&file, &reason.pointer, &reason.message));
            Err(Failure::doing("importing")(told::refused(problems)))
        }
        Err(error) => Err(Failure::doing("importing")(error)),
    }
}

/// `evenkeel check`.
///
/// # Errors
/// With everything that is wrong with the file.
pub(crate) fn check(args: &CheckArgs) -> Result<(), Failure> {
    let file = read(&args.file)?;
    let limits = Limits { interval_min_ms: args.monitor_interval_min.ms, ..Limits::default() };
    match evenkeel_api::transfer::check(&file, &limits, NOW) {
        Ok(plan) => print(&format!("{}: {}\n", args.file.display(), told::counted(&plan))),
        Err(problems) => Err(Failure::Configuration(
            problems
                .iter()
                .map(|problem| told::problem(&file, &problem.pointer, &problem.message))
                .collect(),
        )),
    }
}

/// A file, or standard input for `-`.
fn read(path: &Path) -> Result<Value, Failure> {
    let name = path.display();
    let mut text = String::new();
    let bytes = if path == Path::new("-") {
        std::io::stdin().read_to_string(&mut text)
    } else {
        std::fs::File::open(path).and_then(|mut file| file.read_to_string(&mut text))
    };
    bytes.map_err(Failure::doing(format!("reading {name}")))?;
    serde_json::from_str(&text)
        .map_err(|error| Failure::Configuration(vec![format!("{name}: no JSON: {error}")]))
}

/// Gives a file's account the id of the server's where that is another: an account is made when a
/// server starts for the first time, and cannot move.
fn settle(file: &mut Value, session: &Session) -> Result<(), Failure> {
    let known = session.client.pages("/accounts").map_err(Failure::doing("listing accounts"))?;
    let Some(parts) = file["accounts"].as_array_mut() else { return Ok(()) };
    let is_known = |part: &Value| {
        let id = part["account"]["id"].as_str().unwrap_or_default();
        find("account", "name", &known, id).is_ok_and(|account| account["id"] == id)
    };
    match parts.as_mut_slice() {
        [part] if !is_known(part) => {
            part["account"] = session.account()?.clone();
            Ok(())
        }
        parts => match parts.iter().find(|part| !is_known(part)) {
            None => Ok(()),
            Some(part) => Err(Failure::Usage(format!(
                "the file has {} accounts, and {} is not on this server; import one at a time \
                 (export --account)",
                parts.len(),
                part["account"]["name"]
            ))),
        },
    }
}
