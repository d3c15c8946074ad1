//! The REST API of a build of ours.

use std::net::SocketAddr;

use serde_json::Value;

use crate::failure::{Failure, Result};
use crate::http;

/// Both are made up for the run and mean nothing outside it.
pub const TOKEN: &str = "bench0token0that0opens0nothing0but0loopback";
/// See [`TOKEN`].
pub const ACCOUNT_ID: &str = "bec40000bec40000bec40000bec40000";

/// The REST API of one instance.
#[derive(Debug, Clone, Copy)]
pub struct Api {
    /// Where it listens.
    pub address: SocketAddr,
}

impl Api {
    /// Calls it and gives the `result` member. The path is that below `/client/v4`, or a whole one.
    pub fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Value> {
        let base = if path.starts_with("/evenkeel/") { "" } else { "/client/v4" };
        let mut answer = http::call(self.address, TOKEN, method, &format!("{base}{path}"), body)?;
        Ok(answer["result"].take())
    }

    /// Whether it is ready to serve.
    pub fn ready(&self) -> Result<()> {
        match http::get(self.address, "localhost", "/readyz")?.status {
            200 => Ok(()),
            status => Err(Failure::new(format!("/readyz answers {status}"))),
        }
    }
}
