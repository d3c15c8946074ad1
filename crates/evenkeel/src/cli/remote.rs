//! The flags of every command that talks to a running server, and the verbs that objects share.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// Which server is talked to, and how it is shown. Its token is taken from `EVENKEEL_API_TOKEN`:
/// a secret on the command line is seen by every process of the machine.
#[derive(Debug, Clone, Args)]
pub(crate) struct Remote {
    /// The server's API address; its token is taken from EVENKEEL_API_TOKEN
    #[arg(
        long,
        global = true,
        value_name = "URL",
        env = "EVENKEEL_SERVER",
        default_value = "http://127.0.0.1:8787"
    )]
    pub(crate) server: String,
    /// Certificates (PEM) to believe instead of the machine's, when the server speaks TLS
    #[arg(long, global = true, value_name = "FILE", env = "EVENKEEL_CA")]
    pub(crate) ca: Option<PathBuf>,
    /// Account, by name or id; needed when the token sees several
    #[arg(long, global = true, value_name = "NAME|ID")]
    pub(crate) account: Option<String>,
    /// Print the API's own JSON
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

/// A command about one kind of object. `F` has the flags of its fields.
#[derive(Debug, Args)]
pub(crate) struct ObjectArgs<F: Args> {
    #[command(flatten)]
    pub(crate) remote: Remote,
    #[command(subcommand)]
    pub(crate) verb: Verb<F>,
}

/// What can be done with objects.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb<F: Args> {
    /// Show all
    List,
    /// Show one
    Get(Named),
    /// Make one
    Create(Change<F>),
    /// Change one; what is not named stays as it is
    Set(Change<F>),
    /// Delete one, without asking back
    Delete(Named),
}

/// One object.
#[derive(Debug, Args)]
pub(crate) struct Named {
    /// Its name or id
    #[arg(value_name = "NAME|ID")]
    pub(crate) name: String,
}

/// One object and what shall be true of it.
#[derive(Debug, Args)]
pub(crate) struct Change<F: Args> {
    /// Its name; to change one, its id will do
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) fields: F,
    #[command(flatten)]
    pub(crate) body: BodyArgs,
}

/// Everything of the API that has no flag of its own.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct BodyArgs {
    /// JSON object to begin with, as the API takes it; - reads standard input
    #[arg(long, value_name = "FILE")]
    pub(crate) body: Option<PathBuf>,
    /// Any field by its path, as `get` shows it; VALUE is JSON, or else text; null is the default;
    /// repeatable
    #[arg(long = "set", value_name = "PATH=VALUE", value_parser = assignment)]
    pub(crate) set: Vec<(String, serde_json::Value)>,
}

/// `origins.0.weight=0.5`, the value being JSON when it can be.
fn assignment(text: &str) -> Result<(String, serde_json::Value), String> {
    match text.split_once('=') {
        Some((path, value)) if !path.is_empty() => {
            let value =
                serde_json::from_str(value).unwrap_or_else(|_| serde_json::Value::from(value));
            Ok((path.to_owned(), value))
        }
        _ => Err("expected PATH=VALUE, such as origins.0.weight=0.5".to_owned()),
    }
}
