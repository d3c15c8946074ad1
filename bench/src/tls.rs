//! The certificate that every proxy shows, and a look at what it then serves: both by `openssl`,
//! so that the harness needs no TLS of its own.

use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::failure::{Context, Failure, Result};
use crate::http::{self, Answer};
use crate::request;

/// A self-signed certificate with its key: P-256, what most sites have today.
#[derive(Debug, Clone)]
pub struct Certificate {
    /// The chain, PEM.
    pub chain: PathBuf,
    /// Its private key, PEM.
    pub key: PathBuf,
    /// Both in one file, as HAProxy wants them.
    pub both: PathBuf,
}

impl Certificate {
    /// Makes one in `dir`, for the host of the load and for localhost.
    pub fn create(dir: &Path) -> Result<Self> {
        let made = Self {
            chain: dir.join("chain.pem"),
            key: dir.join("key.pem"),
            both: dir.join("both.pem"),
        };
        let names = format!("subjectAltName=DNS:{},DNS:localhost", request::HOST);
        let output = Command::new("openssl")
            .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"])
            .args(["-nodes", "-days", "2", "-subj", "/CN=bench.example.com", "-addext", &names])
            .arg("-keyout")
            .arg(&made.key)
            .arg("-out")
            .arg(&made.chain)
            .stdin(Stdio::null())
            .output()
            .context("running openssl req")?;
        if !output.status.success() {
            let text = String::from_utf8_lossy(&output.stderr).into_owned();
            return Err(Failure::new(format!("openssl req: {text}")));
        }
        let read = |path: &Path| std::fs::read(path).context(format!("{}", path.display()));
        let both = [read(&made.chain)?, read(&made.key)?].concat();
        std::fs::write(&made.both, both).context("writing the certificate with its key")?;
        Ok(made)
    }
}

/// Sends `request` over TLS 1.3 on a connection of its own, which it must ask to close, and reads
/// the answer.
pub fn exchange(to: SocketAddr, request: &str) -> Result<Answer> {
    let mut child = Command::new("timeout")
        .args(["5", "openssl", "s_client", "-quiet", "-ign_eof", "-tls1_3"])
        .args(["-connect", &to.to_string(), "-servername", request::HOST])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .context("running openssl s_client")?;
    if let Some(mut stdin) = child.stdin.take() {
        // A peer that has not started yet has ended s_client: its empty answer tells.
        let _ = stdin.write_all(request.as_bytes());
    }
    let output = child.wait_with_output().context("reading from openssl s_client")?;
    http::parse(&output.stdout, true)?
        .ok_or_else(|| Failure::new(format!("{to} gave no whole answer over TLS 1.3")))
}
