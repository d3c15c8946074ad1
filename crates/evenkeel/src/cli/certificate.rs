//! `evenkeel certificate`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::remote::Remote;

/// A command about the certificates that clients are shown.
#[derive(Debug, Args)]
pub(crate) struct CertificateArgs {
    #[command(flatten)]
    pub(crate) remote: Remote,
    /// Zone, by name or id; needed to upload when there are several
    #[arg(long, global = true, value_name = "NAME|ID")]
    pub(crate) zone: Option<String>,
    #[command(subcommand)]
    pub(crate) verb: CertificateVerb,
}

/// What can be done with certificates.
#[derive(Debug, Subcommand)]
pub(crate) enum CertificateVerb {
    /// Show all, of all zones unless one is named
    List,
    /// Upload one with its private key, which is never shown again
    Upload {
        /// PEM file with the certificate and those that lead up to an authority
        #[arg(value_name = "CERTIFICATE")]
        certificate: PathBuf,
        /// PEM file with its private key, without a passphrase
        #[arg(value_name = "KEY")]
        key: PathBuf,
        /// Certificate that it takes the place of, by host or id: a renewal
        #[arg(long, value_name = "HOST|ID")]
        replace: Option<String>,
    },
    /// Delete one and its private key, without asking back
    Delete {
        /// A host that it is for, or its id
        #[arg(value_name = "HOST|ID")]
        name: String,
    },
}
