//! The flags of `evenkeel check-config`.

use clap::Args;

use super::ServeArgs;

/// Which settings are looked at.
#[derive(Debug, Args)]
pub(crate) struct CheckConfigArgs {
    /// TOML file, as serve would be given it by --config
    #[arg(conflicts_with = "config")]
    pub(crate) file: Option<String>,
    /// Also print all settings as they would be in force, with where each comes from; secrets are
    /// not shown
    #[arg(long)]
    pub(crate) print: bool,
    #[command(flatten)]
    pub(crate) serve: ServeArgs,
}
