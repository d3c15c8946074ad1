//! The flags of `evenkeel token`.

use clap::{Args, Subcommand};

use super::remote::{BodyArgs, Named, Remote};

/// A command about API tokens.
#[derive(Debug, Args)]
pub(crate) struct TokenArgs {
    #[command(flatten)]
    pub(crate) remote: Remote,
    #[command(subcommand)]
    pub(crate) verb: TokenVerb,
}

/// What can be done with tokens.
#[derive(Debug, Subcommand)]
pub(crate) enum TokenVerb {
    /// Show all
    List,
    /// Show one, without its value
    Get(Named),
    /// Show what a token can be permitted
    Permissions,
    /// Make one; its value is shown once, and never again
    Create(TokenChange),
    /// Change one; what is not named stays as it is
    Set(TokenChange),
    /// Revoke one, without asking back
    Delete(Named),
}

/// One token and what shall be true of it.
#[derive(Debug, Args)]
pub(crate) struct TokenChange {
    /// Its name; to change one, its id will do
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// New name
    #[arg(long, value_name = "NAME")]
    pub(crate) rename: Option<String>,
    /// What it may do, by the name of a permission group; repeatable
    #[arg(long, value_name = "GROUP")]
    pub(crate) permission: Vec<String>,
    /// Zone that it may do that in, by name or id; repeatable [default: the account and its zones]
    #[arg(long, value_name = "NAME|ID")]
    pub(crate) zone: Vec<String>,
    /// When it ends, as 2027-01-31T00:00:00Z
    #[arg(long, value_name = "TIME")]
    pub(crate) expires: Option<String>,
    /// Whether it counts: active or disabled
    #[arg(long, value_name = "STATUS")]
    pub(crate) status: Option<String>,
    #[command(flatten)]
    pub(crate) body: BodyArgs,
}
