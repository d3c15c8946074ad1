//! What an operation asks of whoever calls it: the permission groups of api.md 1.4, each to read or
//! to write, under the identifiers by which tokens name them.

use evenkeel_api::PermissionGroup;

/// A family of objects that permissions are given for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Group {
    /// Load balancers of zones and accounts.
    LoadBalancers,
    /// Pools, monitors, monitor groups, and all that reports on them.
    MonitorsAndPools,
    /// Accounts themselves, and what was changed in them by whom.
    AccountSettings,
    /// Zones.
    Zones,
    /// What zones are set to.
    ZoneSettings,
    /// Certificates of zones, and whom they trust.
    Certificates,
    /// The records of zones.
    DnsRecords,
    /// Notification policies and where they are sent.
    Notifications,
    /// Tokens.
    ApiTokens,
    /// The caller's own token and user: every valid token may ask.
    Caller,
}

impl Group {
    /// The group's name in the published API, without the word for the access.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::LoadBalancers => "Load Balancers",
            Self::MonitorsAndPools => "Load Balancing: Monitors and Pools",
            Self::AccountSettings => "Account Settings",
            Self::Zones => "Zone",
            Self::ZoneSettings => "Zone Settings",
            Self::Certificates => "SSL and Certificates",
            Self::DnsRecords => "DNS",
            Self::Notifications => "Notifications",
            Self::ApiTokens => "API Tokens",
            Self::Caller => "any token",
        }
    }

    const fn category(self) -> &'static str {
        match self {
            Self::LoadBalancers | Self::MonitorsAndPools => "network_services",
            Self::Zones | Self::ZoneSettings | Self::DnsRecords => "dns_and_zones",
            Self::Certificates => "app_security",
            Self::AccountSettings | Self::Notifications | Self::ApiTokens | Self::Caller => {
                "account_and_billing"
            }
        }
    }

    /// The kinds of resources that it can be given for.
    fn scopes(self) -> &'static [&'static str] {
        const ACCOUNT: &str = "com.cloudflare.api.account";
        const ZONE: &str = "com.cloudflare.api.account.zone";
        const USER: &str = "com.cloudflare.api.user";
        match self {
            Self::LoadBalancers
            | Self::Zones
            | Self::ZoneSettings
            | Self::Certificates
            | Self::DnsRecords => &[ZONE, ACCOUNT],
            Self::MonitorsAndPools | Self::AccountSettings | Self::Notifications => &[ACCOUNT],
            Self::ApiTokens | Self::Caller => &[USER, ACCOUNT],
        }
    }
}

/// What is to be done with the objects of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Access {
    /// Look.
    Read,
    /// Change; includes looking.
    Write,
}

/// What one operation asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Needs {
    /// The objects it is about.
    pub(crate) group: Group,
    /// What it does with them.
    pub(crate) access: Access,
}

impl Needs {
    /// To look at the objects of a group.
    pub(crate) const fn read(group: Group) -> Self {
        Self { group, access: Access::Read }
    }

    /// To change the objects of a group.
    pub(crate) const fn write(group: Group) -> Self {
        Self { group, access: Access::Write }
    }
}

/// Every permission group and its identifier, which was drawn once and is fixed for ever: it stands
/// in stored tokens and in other people's programs.
const PUBLISHED: [(&str, Needs); 18] = [
    ("c4054b07a5604358ff6f5a3b01cfd59a", Needs::read(Group::LoadBalancers)),
    ("6512ea8d9ed82fcd29fba1fd6e472920", Needs::write(Group::LoadBalancers)),
    ("6bbeab7d07ca9cb03552e5f3e34726cb", Needs::read(Group::MonitorsAndPools)),
    ("e36e738c1fcebc52e0d98de875511c72", Needs::write(Group::MonitorsAndPools)),
    ("b7f904e77af888f4ae5c0922844e1bf5", Needs::read(Group::AccountSettings)),
    ("18d48b2c64862e87716d5817e685569f", Needs::write(Group::AccountSettings)),
    ("4d871183d6483fe97752df3d25c2ec1a", Needs::read(Group::Zones)),
    ("c2425906a5f0887321888157ec1ec3b0", Needs::write(Group::Zones)),
    ("69ee606022217c0ad4a5c16d15cce16d", Needs::read(Group::ZoneSettings)),
    ("f956434f7af2412f353914bcbd9009cb", Needs::write(Group::ZoneSettings)),
    ("76effc0324ab21744adfed2114e8bac3", Needs::read(Group::Certificates)),
    ("d8b0663120469f905fa42e3ba03edd0f", Needs::write(Group::Certificates)),
    ("fc10d6b8ee8fbe2a2f2d65e1ca261433", Needs::read(Group::DnsRecords)),
    ("763709b154f3b28dbbe4dae77f8fde6a", Needs::write(Group::DnsRecords)),
    ("835b48e7ca53e704042617119ea9f89f", Needs::read(Group::Notifications)),
    ("3ffd829db87c7d9a338bf34c1da00d6a", Needs::write(Group::Notifications)),
    ("8f345acad28dbada88e1a51d665bd802", Needs::read(Group::ApiTokens)),
    ("dc1033412deeba94b26ed2401a2be97e", Needs::write(Group::ApiTokens)),
];

/// What a permission group of this identifier gives.
pub(crate) fn of_id(id: &str) -> Option<Needs> {
    PUBLISHED.iter().find(|(known, _)| *known == id).map(|(_, needs)| *needs)
}

/// Every permission group; `is_selectable` says whether the caller may put it into a token.
pub(crate) fn published(is_selectable: impl Fn(Needs) -> bool) -> Vec<PermissionGroup> {
    let group = |(id, needs): &(&str, Needs)| PermissionGroup {
        id: (*id).to_owned(),
        name: published_name(*needs),
        scopes: needs.group.scopes().iter().map(|scope| (*scope).to_owned()).collect(),
        category: needs.group.category().to_owned(),
        is_selectable: is_selectable(*needs),
    };
    PUBLISHED.iter().map(group).collect()
}

/// A permission group's published name. For what belongs to zones writing is called editing.
fn published_name(needs: Needs) -> String {
    let access = match (needs.access, needs.group) {
        (Access::Read, _) => "Read",
        (Access::Write, Group::Zones | Group::DnsRecords) => "Edit",
        (Access::Write, _) => "Write",
    };
    format!("{} {access}", needs.group.name())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::ids::is_id;

    #[test]
    fn every_group_has_one_name_and_one_identifier() {
        let groups = published(|_| true);
        let ids: BTreeSet<_> = groups.iter().map(|group| &group.id).collect();
        let names: BTreeSet<_> = groups.iter().map(|group| &*group.name).collect();
        assert_eq!((ids.len(), names.len()), (PUBLISHED.len(), PUBLISHED.len()));
        assert!(ids.iter().all(|id| is_id(id)));
        for name in [
            "Load Balancers Read",
            "Load Balancing: Monitors and Pools Write",
            "Account Settings Read",
            "Zone Edit",
            "Zone Settings Write",
            "SSL and Certificates Read",
            "DNS Edit",
            "Notifications Write",
        ] {
            assert!(names.contains(name), "{name}");
        }
    }
}
