//! The store's documents as values: parsed once per change, listed and looked up by everybody.
//!
//! A catalog belongs to one snapshot and follows the next ones cheaply: tables whose kind did not
//! change are shared, of a changed table all shards but those that did, and only changed documents
//! are parsed.

mod table;

use std::collections::HashMap;
use std::sync::Arc;

use evenkeel_api::certificate::{ClientCertificate, StoredCertificate, TrustedCertificate};
use evenkeel_api::notification::{Policy, StoredWebhook};
use evenkeel_api::{
    Account, DnsRecord, LoadBalancer, Lookup, Monitor, MonitorGroup, Pool, User, Zone, ZoneSettings,
};
use evenkeel_store::{Revision, Snapshot};

pub(crate) use self::table::{Row, Table};
use crate::dns::DnsTables;
use crate::records::{
    COOKIE_KEYS, CertificateKey, CookieKeys, Node, Owned, Owner, THIS_NODE, Token, kind,
};

/// Every document of one snapshot as a value.
#[derive(Debug, Clone)]
pub(crate) struct Catalog {
    snapshot: Arc<Snapshot>,
    pub(crate) accounts: Arc<Table<Account>>,
    pub(crate) users: Arc<Table<User>>,
    pub(crate) tokens: Arc<Table<Token>>,
    token_ids: Arc<TokenIds>,
    pub(crate) zones: Arc<Table<Zone>>,
    pub(crate) load_balancers: Arc<Table<Owned<LoadBalancer>>>,
    pub(crate) pools: Arc<Table<Owned<Pool>>>,
    pub(crate) monitors: Arc<Table<Owned<Monitor>>>,
    pub(crate) monitor_groups: Arc<Table<Owned<MonitorGroup>>>,
    pub(crate) dns_records: Arc<Table<Owned<DnsRecord>>>,
    pub(crate) dns: DnsTables,
    pub(crate) policies: Arc<Table<Owned<Policy>>>,
    pub(crate) webhooks: Arc<Table<Owned<StoredWebhook>>>,
    pub(crate) zone_settings: Arc<Table<ZoneSettings>>,
    pub(crate) custom_certificates: Arc<Table<Owned<StoredCertificate>>>,
    pub(crate) client_certificates: Arc<Table<Owned<ClientCertificate>>>,
    pub(crate) certificate_keys: Arc<Table<CertificateKey>>,
    pub(crate) trusted_certificates: Arc<Table<Owned<TrustedCertificate>>>,
    pub(crate) cookie_keys: Option<Arc<CookieKeys>>,
    pub(crate) node: Option<Arc<Node>>,
}

impl Catalog {
    /// Parses a snapshot.
    pub(crate) fn of(snapshot: &Arc<Snapshot>) -> Self {
        let nothing = Self {
            snapshot: Arc::default(),
            accounts: Arc::default(),
            users: Arc::default(),
            tokens: Arc::default(),
            token_ids: Arc::default(),
            zones: Arc::default(),
            load_balancers: Arc::default(),
            pools: Arc::default(),
            monitors: Arc::default(),
            monitor_groups: Arc::default(),
            dns_records: Arc::default(),
            dns: DnsTables::default(),
            policies: Arc::default(),
            webhooks: Arc::default(),
            zone_settings: Arc::default(),
            custom_certificates: Arc::default(),
            client_certificates: Arc::default(),
            certificate_keys: Arc::default(),
            trusted_certificates: Arc::default(),
            cookie_keys: None,
            node: None,
        };
        nothing.follow(snapshot)
    }

    /// The catalog of another snapshot, sharing with this one whatever did not change.
    pub(crate) fn follow(&self, snapshot: &Arc<Snapshot>) -> Self {
        let (old, new) = (&*self.snapshot, &**snapshot);
        let tokens = Table::share(&self.tokens, old, new, kind::TOKEN);
        let token_ids = if Arc::ptr_eq(&tokens, &self.tokens) {
            Arc::clone(&self.token_ids)
        } else {
            Arc::new(token_ids(&tokens))
        };
        let nothing = Snapshot::default();
        let secrets = Table::<CookieKeys>::default().follow(&nothing, new, kind::SECRET);
        let nodes = Table::<Node>::default().follow(&nothing, new, kind::NODE);
        Self {
            accounts: Table::share(&self.accounts, old, new, kind::ACCOUNT),
            users: Table::share(&self.users, old, new, kind::USER),
            tokens,
            token_ids,
            zones: Table::share(&self.zones, old, new, kind::ZONE),
            load_balancers: Table::share(&self.load_balancers, old, new, kind::LOAD_BALANCER),
            pools: Table::share(&self.pools, old, new, kind::POOL),
            monitors: Table::share(&self.monitors, old, new, kind::MONITOR),
            monitor_groups: Table::share(&self.monitor_groups, old, new, kind::MONITOR_GROUP),
            dns_records: Table::share(&self.dns_records, old, new, kind::DNS_RECORD),
            dns: self.dns.follow(old, new),
            policies: Table::share(&self.policies, old, new, kind::NOTIFICATION_POLICY),
            webhooks: Table::share(&self.webhooks, old, new, kind::NOTIFICATION_WEBHOOK),
            zone_settings: Table::share(&self.zone_settings, old, new, kind::ZONE_SETTINGS),
            custom_certificates: Table::share(
                &self.custom_certificates,
                old,
                new,
                kind::CUSTOM_CERTIFICATE,
            ),
            client_certificates: Table::share(
                &self.client_certificates,
                old,
                new,
                kind::CLIENT_CERTIFICATE,
            ),
            certificate_keys: Table::share(&self.certificate_keys, old, new, kind::CERTIFICATE_KEY),
            trusted_certificates: Table::share(
                &self.trusted_certificates,
                old,
                new,
                kind::TRUSTED_CERTIFICATE,
            ),
            cookie_keys: secrets.row(COOKIE_KEYS).map(|row| Arc::clone(&row.value)),
            node: nodes.row(THIS_NODE).map(|row| Arc::clone(&row.value)),
            snapshot: Arc::clone(snapshot),
        }
    }

    /// The revision of the snapshot.
    pub(crate) fn revision(&self) -> Revision {
        self.snapshot.revision()
    }

    /// The tokens of which one may have this hash. Chosen by its first bytes alone: whoever asks
    /// compares the rest in constant time.
    pub(crate) fn tokens_like(&self, hash: &[u8; 32]) -> impl Iterator<Item = &Arc<Token>> {
        let ids = self.token_ids.get(&hash_head(hash)).map_or(&[][..], Vec::as_slice);
        ids.iter().filter_map(|id| self.tokens.row(id)).map(|row| &row.value)
    }

    /// What validation sees of the objects of one account.
    pub(crate) fn of_account<'a>(&'a self, account: &'a str) -> OfAccount<'a> {
        OfAccount { catalog: self, account }
    }
}

/// Identifiers of tokens by the first bytes of their hashes.
type TokenIds = HashMap<u64, Vec<String>>;

fn token_ids(tokens: &Table<Token>) -> TokenIds {
    let mut ids = TokenIds::new();
    for token in tokens.values() {
        ids.entry(hash_head(&token.hash)).or_default().push(token.document.id.clone());
    }
    ids
}

fn hash_head(hash: &[u8; 32]) -> u64 {
    let head = hash.first_chunk().expect("a hash has more than eight bytes");
    u64::from_le_bytes(*head)
}

/// The objects of one account, and of its zones, as far as they exist for it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OfAccount<'a> {
    catalog: &'a Catalog,
    account: &'a str,
}

impl OfAccount<'_> {
    fn owns(&self, owner: &Owner) -> bool {
        matches!(owner, Owner::Account(id) if id == self.account)
    }
}

impl Lookup for OfAccount<'_> {
    fn pool_exists(&self, id: &str) -> bool {
        self.catalog.pools.get(id).is_some_and(|pool| self.owns(&pool.owner))
    }

    fn monitor_exists(&self, id: &str) -> bool {
        self.catalog.monitors.get(id).is_some_and(|monitor| self.owns(&monitor.owner))
    }

    fn monitor_group_exists(&self, id: &str) -> bool {
        self.catalog.monitor_groups.get(id).is_some_and(|group| self.owns(&group.owner))
    }

    fn pool_name_taken(&self, name: &str, except: Option<&str>) -> bool {
        self.catalog.pools.values().any(|pool| {
            pool.document.name == name
                && self.owns(&pool.owner)
                && except != Some(pool.document.id.as_str())
        })
    }

    fn lb_name_taken(&self, zone_id: Option<&str>, name: &str, except: Option<&str>) -> bool {
        let owner = zone_id.unwrap_or(self.account);
        self.catalog.load_balancers.values().any(|lb| {
            lb.document.name == name
                && lb.owner.id() == owner
                && except != Some(lb.document.id.as_str())
        })
    }

    fn zone_name_taken(&self, name: &str, except: Option<&str>) -> bool {
        // Over all accounts: a host name has one owner.
        let mut zones = self.catalog.zones.values();
        zones.any(|zone| zone.name == name && except != Some(zone.id.as_str()))
    }

    fn tsig_exists(&self, id: &str) -> bool {
        self.catalog.dns.tsigs.get(id).is_some_and(|tsig| self.owns(&tsig.owner))
    }

    fn tsig_name_taken(&self, name: &str, except: Option<&str>) -> bool {
        self.catalog.dns.tsigs.values().any(|tsig| {
            tsig.document.is_named(name)
                && self.owns(&tsig.owner)
                && except != Some(tsig.document.id.as_str())
        })
    }

    fn dns_peer_exists(&self, id: &str) -> bool {
        self.catalog.dns.peers.get(id).is_some_and(|peer| self.owns(&peer.owner))
    }
}
