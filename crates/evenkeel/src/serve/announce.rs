//! What a node says about itself: its log lines, and where it listens.

use std::io;
use std::net::SocketAddr;

/// What a node prints once it is ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Announce {
    /// Where it listens, and the token if one was made.
    Addresses,
    /// Nothing; the caller has more to say.
    Nothing,
}

/// Sends log lines to standard error. `RUST_LOG` overrides the level.
pub(crate) fn init_logs(level: &str) {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(level));
    let ansi = io::IsTerminal::is_terminal(&io::stderr());
    // A second subscriber is refused; the first one stays.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(ansi)
        .try_init();
}

pub(super) fn print_addresses(
    scheme: &str,
    api: SocketAddr,
    http: &[SocketAddr],
    https: &[SocketAddr],
    dns: &[SocketAddr],
    token: Option<&str>,
) {
    println!("API      {scheme}://{api}/client/v4");
    for address in http {
        println!("HTTP     http://{address}");
    }
    for address in https {
        println!("HTTPS    https://{address}");
    }
    for address in dns {
        println!("DNS      {address}");
    }
    if let Some(token) = token {
        println!("Token    {token}");
        println!("         (the first administrator token; it is not shown again)");
    }
}
