//! The flags of `evenkeel ready`.

use std::path::PathBuf;

use clap::Args;

/// Which server is asked.
#[derive(Debug, Args)]
pub(crate) struct ReadyArgs {
    /// The server's API address
    #[arg(
        long,
        value_name = "URL",
        env = "EVENKEEL_SERVER",
        default_value = "http://127.0.0.1:8787"
    )]
    pub(crate) server: String,
    /// Certificates (PEM) to believe instead of the machine's, when the server speaks TLS
    #[arg(long, value_name = "FILE", env = "EVENKEEL_CA")]
    pub(crate) ca: Option<PathBuf>,
}
