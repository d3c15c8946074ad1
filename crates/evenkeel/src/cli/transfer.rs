//! The flags of `evenkeel export`, `import` and `check`.

use std::path::PathBuf;

use clap::Args;

use super::remote::Remote;
use super::values::IntervalMin;

/// Everything out.
#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    #[command(flatten)]
    pub(crate) remote: Remote,
    /// File to write [default: standard output]
    pub(crate) file: Option<PathBuf>,
    /// Write HCL for the Cloudflare provider, version 5, with import blocks
    #[arg(long)]
    pub(crate) terraform: bool,
}

/// Everything in.
#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    #[command(flatten)]
    pub(crate) remote: Remote,
    /// File that `export` wrote; - reads standard input
    #[arg(required_unless_present = "from_cloudflare", conflicts_with = "from_cloudflare")]
    pub(crate) file: Option<PathBuf>,
    /// Only say what would change, field by field
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Delete what is not in the file, of every kind that the file lists
    #[arg(long)]
    pub(crate) prune: bool,
    /// Read a live account through the public API instead; its token is taken from
    /// CLOUDFLARE_API_TOKEN
    #[arg(long)]
    pub(crate) from_cloudflare: bool,
    /// Where the public API is
    #[arg(
        long,
        value_name = "URL",
        requires = "from_cloudflare",
        default_value = "https://api.cloudflare.com/client/v4"
    )]
    pub(crate) api_url: String,
    /// Account to read, by name or id; needed when the token sees several
    #[arg(long, value_name = "NAME|ID", requires = "from_cloudflare")]
    pub(crate) from_account: Option<String>,
    /// Zone to read, by name or id; repeatable [default: all]
    #[arg(long, value_name = "NAME|ID", requires = "from_cloudflare", conflicts_with = "prune")]
    pub(crate) zone: Vec<String>,
}

/// Everything looked at.
#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// File that `export` wrote, or that shall be imported; - reads standard input
    pub(crate) file: PathBuf,
    /// Smallest monitor interval that the server accepts, in seconds
    #[arg(long, value_name = "S", default_value = "10")]
    pub(crate) monitor_interval_min: IntervalMin,
}
