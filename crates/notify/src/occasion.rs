//! What there is to tell.

/// Something that happened to a pool. One per change of a published status; what merely goes on is
/// none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Occasion {
    /// When, in milliseconds since 1970.
    pub at_ms: u64,
    /// The account that has the pool.
    pub account_id: String,
    /// The pool's identifier.
    pub pool_id: String,
    /// The pool's name.
    pub pool_name: String,
    /// Host names of the load balancers that use the pool.
    pub load_balancers: Vec<String>,
    /// What happened.
    pub what: What,
}

/// What happened to a pool or to one of its endpoints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// The pool became healthy or unhealthy.
    PoolHealth {
        /// What it is now.
        healthy: bool,
    },
    /// One endpoint did.
    EndpointHealth {
        /// Its name in the pool.
        name: String,
        /// Where it is.
        address: String,
        /// What it is now.
        healthy: bool,
        /// Why, in the published words (behaviour.md 7.8).
        reason: String,
        /// The monitor without a vote that alone thinks so, by identifier; `None` when the endpoint's
        /// own health changed. Such a monitor tells a story of its own.
        observed_by: Option<String>,
    },
    /// The pool was switched on or off by its configuration.
    PoolEnabled {
        /// What it is now.
        enabled: bool,
    },
}

impl Occasion {
    /// What the change is about: all occasions of one subject tell one story.
    pub(crate) fn subject(&self) -> [&str; 4] {
        let (endpoint, observer) = match &self.what {
            What::EndpointHealth { name, observed_by, .. } => {
                (name.as_str(), observed_by.as_deref().unwrap_or_default())
            }
            What::PoolHealth { .. } | What::PoolEnabled { .. } => ("", ""),
        };
        [&self.account_id, &self.pool_name, endpoint, observer]
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn occasion(what: What) -> Occasion {
        Occasion {
            at_ms: 1_700_000_000_000,
            account_id: "0123456789abcdef0123456789abcdef".to_owned(),
            pool_id: "1a2b3c4d5e6f708192a3b4c5d6e7f809".to_owned(),
            pool_name: "eu-west".to_owned(),
            load_balancers: vec!["shop.example.com".to_owned()],
            what,
        }
    }

    pub(crate) fn endpoint(name: &str, healthy: bool) -> What {
        What::EndpointHealth {
            name: name.to_owned(),
            address: "192.0.2.10".to_owned(),
            healthy,
            reason: if healthy { "No failures" } else { "TCP connection failed" }.to_owned(),
            observed_by: None,
        }
    }
}
