//! What a token may do: its policies laid over an operation's needs and the place it acts on, and
//! whether one token's rights contain another's.

use std::collections::BTreeMap;

use evenkeel_api::token::{Effect, Policy, Resource};

use crate::catalog::Catalog;
use crate::permission::{self, Access, Needs};
use crate::records::{Role, Token};

/// What an operation acts on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target<'a> {
    /// An account, or what belongs to it alone.
    Account(&'a str),
    /// A zone, or what belongs to it; the account is unknown when there is no such zone.
    Zone {
        /// The zone.
        zone: &'a str,
        /// Whose it is.
        account: Option<&'a str>,
    },
    /// A user.
    User(&'a str),
}

impl<'a> Target<'a> {
    /// A zone and whose it is.
    pub(crate) fn zone(zone: &'a str, catalog: &'a Catalog) -> Self {
        let account = catalog.zones.get(zone).map(|zone| &*zone.account.id);
        Self::Zone { zone, account }
    }

    fn account(self) -> Option<&'a str> {
        match self {
            Self::Account(account) => Some(account),
            Self::Zone { account, .. } => account,
            Self::User(_) => None,
        }
    }

    fn is_covered_by(self, resource: Resource<'_>) -> bool {
        match (self, resource) {
            (Self::Account(_) | Self::Zone { .. }, Resource::AllAccounts)
            | (Self::Zone { .. }, Resource::AllZones) => true,
            (Self::Account(account), Resource::Account(covered)) => account == covered,
            (
                Self::Zone { account, .. },
                Resource::Account(covered) | Resource::ZonesOf(covered),
            ) => account == Some(covered),
            (Self::Zone { zone, .. }, Resource::Zone(covered)) => zone == covered,
            (Self::Zone { zone, account }, Resource::ZoneOf { account: of, zone: covered }) => {
                zone == covered && account == Some(of)
            }
            (Self::User(user), Resource::User(covered)) => user == covered,
            _ => false,
        }
    }
}

/// Whether what a permission group gives is what is needed. Writing includes reading; denying to
/// read denies writing as well.
fn concerns(policy: &Policy, needs: Needs) -> bool {
    let mut groups =
        policy.permission_groups.iter().filter_map(|group| permission::of_id(&group.id));
    groups.any(|named| {
        let reaches = match policy.effect {
            Effect::Allow => named.access >= needs.access,
            Effect::Deny => named.access <= needs.access,
        };
        named.group == needs.group && reaches
    })
}

/// Whether a token may do what is needed with a target.
pub(crate) fn allows(token: &Token, needs: Needs, target: Target<'_>) -> bool {
    // A token of an account reaches nothing outside of it.
    if let (Some(own), Some(account)) = (&token.account_id, target.account())
        && own != account
    {
        return false;
    }
    if token.role == Role::Administrator {
        return true;
    }
    let mut allowed = false;
    for policy in token.document.policies.iter().filter(|policy| concerns(policy, needs)) {
        if policy.resources().any(|resource| target.is_covered_by(resource)) {
            match policy.effect {
                Effect::Allow => allowed = true,
                Effect::Deny => return false,
            }
        }
    }
    allowed
}

/// Whether a token is allowed anything with a target.
pub(crate) fn reaches(token: &Token, target: Target<'_>) -> bool {
    if token.account_id.as_deref().is_some_and(|own| target.account() != Some(own)) {
        return false;
    }
    let allowing = token.document.policies.iter().filter(|policy| policy.effect == Effect::Allow);
    token.role == Role::Administrator
        || allowing.flat_map(Policy::resources).any(|resource| target.is_covered_by(resource))
}

/// Whether a token may do what is needed with anything at all.
pub(crate) fn allows_somewhere(token: &Token, needs: Needs) -> bool {
    let mut policies = token.document.policies.iter();
    token.role == Role::Administrator
        || policies.any(|policy| policy.effect == Effect::Allow && concerns(policy, needs))
}

/// Whether everything that policies allow is allowed to the maker of a token with them. What a
/// maker is denied anywhere cannot be given on at all: which part of it would be left is not worth
/// the doubt.
pub(crate) fn contains(maker: &Token, policies: &[Policy], catalog: &Catalog) -> bool {
    if maker.role == Role::Administrator && maker.account_id.is_none() {
        return true;
    }
    let mut given: BTreeMap<&str, Vec<Resource<'_>>> = BTreeMap::new();
    for policy in policies.iter().filter(|policy| policy.effect == Effect::Allow) {
        for group in &policy.permission_groups {
            given.entry(&group.id).or_default().extend(policy.resources());
        }
    }
    given.into_iter().all(|(group, resources)| {
        let Some(needs) = permission::of_id(group) else { return false };
        let own = maker.document.policies.iter().filter(|policy| concerns(policy, needs));
        let denied = own.clone().any(|policy| policy.effect == Effect::Deny);
        !denied
            && resources.into_iter().all(|resource| {
                own.clone()
                    .flat_map(Policy::resources)
                    .any(|wide| includes(wide, resource, catalog))
            })
    })
}

/// Whether everything of one resource is part of another.
fn includes(wide: Resource<'_>, narrow: Resource<'_>, catalog: &Catalog) -> bool {
    if wide == narrow {
        return true;
    }
    match narrow {
        Resource::AllAccounts | Resource::User(_) => false,
        Resource::Account(_) | Resource::AllZones => wide == Resource::AllAccounts,
        Resource::ZonesOf(account) => {
            matches!(wide, Resource::AllAccounts | Resource::AllZones)
                || wide == Resource::Account(account)
        }
        Resource::Zone(zone) | Resource::ZoneOf { zone, .. } => {
            Target::zone(zone, catalog).is_covered_by(wide)
        }
    }
}

/// Every right there is, as policies that say so.
pub(crate) fn everything(user: &str) -> Vec<Policy> {
    use evenkeel_api::token::{Grant, PolicyGroup};

    let groups = permission::published(|_| true).into_iter();
    let groups = groups.filter(|group| {
        permission::of_id(&group.id).is_some_and(|needs| needs.access == Access::Write)
    });
    let whole = |name: String| (name, Grant::Whole("*".to_owned()));
    vec![Policy {
        id: user.to_owned(),
        effect: Effect::Allow,
        permission_groups: groups
            .map(|group| PolicyGroup { id: group.id, name: group.name })
            .collect(),
        resources: [
            whole("com.cloudflare.api.account.*".to_owned()),
            whole(format!("com.cloudflare.api.user.{user}")),
        ]
        .into_iter()
        .collect(),
    }]
}
