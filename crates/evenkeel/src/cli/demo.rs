//! The flags of `evenkeel demo`.

use clap::Args;

#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// Address of the REST API; another free port is taken when it is in use
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8787")]
    pub(crate) api: std::net::SocketAddr,
    /// Address where requests are served; another free port is taken when it is in use
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    pub(crate) http: std::net::SocketAddr,
    /// Address where requests are served over TLS, with a self-signed certificate; another free port
    /// is taken when it is in use
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8443")]
    pub(crate) https: std::net::SocketAddr,
}
