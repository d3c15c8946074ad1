//! The flags of `evenkeel serve` about TLS with clients: where it is spoken, which certificates are
//! shown, what clients show.

use clap::Args;

/// Settings as typed, see [`super::ServeArgs`].
#[derive(Debug, Default, Args)]
pub(crate) struct TlsArgs {
    /// Address of a TLS listener; repeatable [default: none]
    #[arg(long, value_name = "ADDR")]
    pub(crate) https: Vec<String>,
    /// Certificate chain of the TLS listeners, in PEM form; repeatable, each with its tls-key. The
    /// first is shown to clients that ask for no name or an unknown one [default: self-signed]
    #[arg(long, value_name = "FILE")]
    pub(crate) tls_cert: Vec<String>,
    /// Private key of the tls-cert in the same place; repeatable
    #[arg(long, value_name = "FILE")]
    pub(crate) tls_key: Vec<String>,
    /// Authorities whose certificates clients may show, in PEM form
    #[arg(long, value_name = "FILE")]
    pub(crate) client_ca: Option<String>,
    /// Whether clients are asked for a certificate: off, request, require
    /// [default: require with client-ca, else off]
    #[arg(long, value_name = "WORD")]
    pub(crate) client_auth: Option<String>,
    /// Directory of a certificate authority that certificates are ordered from by ACME
    /// [default: none]
    #[arg(long, value_name = "URL")]
    pub(crate) acme_directory: Option<String>,
    /// Whom the authority may write to about certificates
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) acme_email: Option<String>,
    /// Says yes to the authority's terms of service: yes, no [default: no]
    #[arg(long, value_name = "WORD", num_args = 0..=1, default_missing_value = "yes")]
    pub(crate) acme_agree_tos: Option<String>,
    /// Authorities that the directory's own certificate may come from, beside the machine's, in PEM
    /// form
    #[arg(long, value_name = "FILE")]
    pub(crate) acme_ca: Option<String>,
    /// How the authority is shown that a host is served here: http-01, tls-alpn-01; repeatable, the
    /// next one is tried after a failure [default: http-01 with http, tls-alpn-01 with https]
    #[arg(long, value_name = "WORD")]
    pub(crate) acme_challenge: Vec<String>,
}
