//! What an operation asks of whoever calls it: the permission groups of api.md 1.4, each to read or
//! to write.

/// A family of objects that permissions are given for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Group {
    /// Load balancers of zones and accounts.
    LoadBalancers,
    /// Pools, monitors, monitor groups, and all that reports on them.
    MonitorsAndPools,
    /// Accounts themselves.
    AccountSettings,
    /// Zones.
    Zones,
    /// The records of zones.
    DnsRecords,
    /// Notification policies and where they are sent.
    Notifications,
    /// Tokens other than the caller's own.
    ApiTokens,
    /// What was changed by whom.
    AuditLogs,
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
            Self::DnsRecords => "DNS",
            Self::Notifications => "Notifications",
            Self::ApiTokens => "API Tokens",
            Self::AuditLogs => "Access: Audit Logs",
            Self::Caller => "any token",
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
