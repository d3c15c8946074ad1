//! `evenkeel zone`.

use clap::{Args, Subcommand};

use super::objects::ZoneFields;
use super::remote::{Remote, Verb};
use super::values::setting;

/// A command about zones.
#[derive(Debug, Args)]
pub(crate) struct ZoneArgs {
    #[command(flatten)]
    pub(crate) remote: Remote,
    #[command(subcommand)]
    pub(crate) verb: ZoneVerb,
}

/// What can be done with zones.
#[derive(Debug, Subcommand)]
pub(crate) enum ZoneVerb {
    #[command(flatten)]
    Object(Verb<ZoneFields>),
    /// Show what one is set to, or set it: evenkeel zone settings example.com ssl=full http2=off
    Settings {
        /// Its name or id
        #[arg(value_name = "NAME|ID")]
        name: String,
        /// Setting and its new value
        #[arg(value_name = "SETTING=VALUE", value_parser = setting)]
        set: Vec<(String, String)>,
    },
}
