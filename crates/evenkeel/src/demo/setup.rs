//! Configures the demo through the node's own API, with the requests any client would send.

use std::net::SocketAddr;

use serde_json::{Value, json};

use super::sample::{HEALTH_PATH, Samples};
use super::{HOST, POOLS, ZONE};

/// Who configures.
#[derive(Debug)]
pub(crate) struct Setup {
    pub(crate) token: String,
    pub(crate) account: String,
}

/// An API call that was refused, or could not be made.
type Error = Box<dyn std::error::Error + Send + Sync>;

impl Setup {
    /// Credentials that are good for this run only.
    pub(crate) fn new() -> Self {
        Self { token: random_hex(20), account: random_hex(16) }
    }

    /// Creates a zone, a monitor, the pools and the load balancer.
    pub(crate) fn configure(&self, api: SocketAddr, samples: &Samples) -> Result<(), Error> {
        let account = format!("/accounts/{}/load_balancers", self.account);
        let zone = self.create(
            api,
            "/zones",
            &json!({ "name": ZONE, "account": { "id": self.account } }),
        )?;
        let monitor = json!({
            "type": "http", "path": HEALTH_PATH, "expected_codes": "200", "interval": 3, "timeout": 1,
            "retries": 0, "description": "Sample endpoints",
        });
        let monitor = self.create(api, &format!("{account}/monitors"), &monitor)?;
        let mut pools = Vec::new();
        for (pool, names) in POOLS {
            let origins = names.map(|name| {
                let address = samples.address(name);
                json!({ "name": name, "address": address.ip().to_string(), "port": address.port() })
            });
            let pool = json!({ "name": pool, "origins": origins, "monitor": monitor });
            pools.push(self.create(api, &format!("{account}/pools"), &pool)?);
        }
        let load_balancer = json!({
            "name": HOST, "proxied": true, "default_pools": pools, "fallback_pool": pools.last(),
            "steering_policy": "off", "session_affinity": "cookie",
            "session_affinity_attributes": { "zero_downtime_failover": "sticky" },
            "adaptive_routing": { "failover_across_pools": true },
        });
        let zone = zone.as_str().unwrap_or_default();
        self.create(api, &format!("/zones/{zone}/load_balancers"), &load_balancer)?;
        Ok(())
    }

    /// Posts a document and returns the id it was given.
    fn create(&self, api: SocketAddr, path: &str, document: &Value) -> Result<Value, Error> {
        let agent: ureq::Agent =
            ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let mut response = agent
            .post(format!("http://{api}/client/v4{path}"))
            .header("Authorization", format!("Bearer {}", self.token))
            .send_json(document)?;
        let answer: Value = response.body_mut().read_json()?;
        if response.status() != 200 {
            return Err(format!("POST {path}: {}", answer["errors"]).into());
        }
        Ok(answer["result"]["id"].clone())
    }
}

fn random_hex(bytes: usize) -> String {
    let mut random = vec![0; bytes];
    getrandom::fill(&mut random).expect("the system has randomness");
    random.iter().map(|byte| format!("{byte:02x}")).collect()
}
