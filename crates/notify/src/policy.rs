//! Who wants to hear of what.

use std::collections::BTreeSet;

use crate::message::AlertType;
use crate::occasion::{Occasion, What};
use crate::payload::Shape;

/// A policy in force: disabled ones are left out by whoever makes the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Its identifier; of a pool's own e-mail setting the pool's.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// What it is for; empty when nobody said.
    pub description: String,
    /// Only the account's own pools concern it.
    pub account_id: String,
    /// Only these pools, by identifier; `None` is all of them, those to come included.
    pub pools: Option<BTreeSet<String>>,
    /// Which changes of a pool's health.
    pub pool_health: HealthWanted,
    /// Which changes of an endpoint's health.
    pub endpoint_health: HealthWanted,
    /// Whether it hears of pools switched on or off.
    pub switched: SwitchWanted,
    /// Where to.
    pub destinations: Vec<Destination>,
}

/// Which new health is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct HealthWanted {
    /// Recoveries.
    pub healthy: bool,
    /// Outages.
    pub unhealthy: bool,
}

/// Which change of a pool's switch is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SwitchWanted {
    /// Switched on.
    pub on: bool,
    /// Switched off.
    pub off: bool,
}

/// Where a notification goes.
#[derive(Clone, PartialEq, Eq)]
pub enum Destination {
    /// An HTTP request.
    Webhook {
        /// Its identifier.
        id: String,
        /// Where to.
        url: String,
        /// What proves that it is from here, if the receiver wants proof.
        secret: Option<String>,
        /// What the receiver reads.
        shape: Shape,
    },
    /// An e-mail.
    Email {
        /// Whom to.
        address: String,
    },
}

impl std::fmt::Debug for Destination {
    /// Without the secret, and without the path of the URL, which for most chat services is one.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Webhook { id, shape, .. } => write!(f, "webhook {id} ({shape:?})"),
            Self::Email { address } => write!(f, "e-mail {address}"),
        }
    }
}

impl HealthWanted {
    /// Every change.
    pub const ALL: Self = Self { healthy: true, unhealthy: true };

    fn takes(self, healthy: bool) -> bool {
        if healthy { self.healthy } else { self.unhealthy }
    }
}

impl Policy {
    /// Whether an occasion is to be told.
    pub(crate) fn wants(&self, occasion: &Occasion) -> bool {
        let concerns = self.account_id == occasion.account_id
            && self.pools.as_ref().is_none_or(|pools| pools.contains(&occasion.pool_id));
        concerns
            && match &occasion.what {
                What::PoolHealth { healthy } => self.pool_health.takes(*healthy),
                What::EndpointHealth { healthy, .. } => self.endpoint_health.takes(*healthy),
                What::PoolEnabled { enabled: true } => self.switched.on,
                What::PoolEnabled { enabled: false } => self.switched.off,
            }
    }
}

impl From<&What> for AlertType {
    fn from(what: &What) -> Self {
        match what {
            What::PoolHealth { .. } | What::EndpointHealth { .. } => Self::Health,
            What::PoolEnabled { .. } => Self::PoolEnablement,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::occasion::tests::{endpoint, occasion};

    pub(crate) fn policy() -> Policy {
        Policy {
            id: "0f1e2d3c4b5a69788796a5b4c3d2e1f0".to_owned(),
            name: "on call".to_owned(),
            description: String::new(),
            account_id: occasion(What::PoolHealth { healthy: true }).account_id,
            pools: None,
            pool_health: HealthWanted::ALL,
            endpoint_health: HealthWanted::ALL,
            switched: SwitchWanted::default(),
            destinations: Vec::new(),
        }
    }

    #[test]
    fn filters_are_all_to_be_passed() {
        let only_outages = HealthWanted { healthy: false, unhealthy: true };
        let pool = |healthy| What::PoolHealth { healthy };
        let other_pools = Some(BTreeSet::from(["ffffffffffffffffffffffffffffffff".to_owned()]));
        let this_pool = Some(BTreeSet::from([occasion(pool(true)).pool_id]));
        for (policy, what, wanted) in [
            (policy(), pool(true), true),
            (policy(), endpoint("a", false), true),
            (policy(), What::PoolEnabled { enabled: false }, false),
            (Policy { pool_health: only_outages, ..policy() }, pool(true), false),
            (Policy { pool_health: only_outages, ..policy() }, pool(false), true),
            (Policy { pool_health: HealthWanted::default(), ..policy() }, pool(false), false),
            (Policy { endpoint_health: only_outages, ..policy() }, endpoint("a", true), false),
            (Policy { pools: other_pools, ..policy() }, pool(true), false),
            (Policy { pools: this_pool, ..policy() }, pool(true), true),
            (Policy { account_id: "another".to_owned(), ..policy() }, pool(true), false),
            (
                Policy { switched: SwitchWanted { on: false, off: true }, ..policy() },
                What::PoolEnabled { enabled: false },
                true,
            ),
            (
                Policy { switched: SwitchWanted { on: false, off: true }, ..policy() },
                What::PoolEnabled { enabled: true },
                false,
            ),
        ] {
            assert_eq!(policy.wants(&occasion(what.clone())), wanted, "{what:?} {policy:?}");
        }
    }

    #[test]
    fn secrets_are_not_printed() {
        let destination = Destination::Webhook {
            id: "w".to_owned(),
            url: "https://hooks.slack.com/services/T0/B0/secret".to_owned(),
            secret: Some("secret".to_owned()),
            shape: Shape::Slack,
        };
        assert!(!format!("{destination:?}").contains("secret"));
    }
}
