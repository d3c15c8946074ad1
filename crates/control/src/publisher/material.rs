//! What TLS is done with, told to whoever does it whenever it changed: beside the view, because
//! private keys have no business in what every request reads.

use std::sync::Arc;

use evenkeel_api::certificate::{MaterialDocuments, WithKey, served_hosts, zone_material};
use evenkeel_model::{Config, EdgeMaterial};
use evenkeel_store::Snapshot;
use tokio::sync::watch;

use crate::catalog::{Catalog, Row, Table};
use crate::records::{Owned, Owner, kind};

/// What it is made of beside a configuration.
const KINDS: [&str; 4] = [
    kind::CUSTOM_CERTIFICATE,
    kind::CLIENT_CERTIFICATE,
    kind::CERTIFICATE_KEY,
    kind::TRUSTED_CERTIFICATE,
];

/// Whether the certificates of a snapshot are those of an earlier one as well, for certain.
pub(super) fn is_same(earlier: &Snapshot, later: &Snapshot) -> bool {
    KINDS.iter().all(|kind| later.shares(earlier, kind))
}

/// Tells of what TLS is done with.
#[derive(Debug)]
pub(super) struct Material(watch::Sender<Arc<EdgeMaterial>>);

impl Material {
    /// Begins with what a catalog and its configuration have.
    pub(super) fn of(catalog: &Catalog, config: &Config) -> Self {
        let material = EdgeMaterial {
            zones: zone_material(&documents(catalog), &[]),
            hosts: served_hosts(config),
        };
        Self(watch::Sender::new(Arc::new(material)))
    }

    /// Goes on with another configuration, and with another catalog where certificates are others.
    pub(super) fn follow(&self, config: &Config, certificates: Option<&Catalog>) {
        self.0.send_if_modified(|told| {
            let zones = match certificates {
                Some(catalog) => zone_material(&documents(catalog), &told.zones),
                None => told.zones.clone(),
            };
            let material = EdgeMaterial { zones, hosts: served_hosts(config) };
            let is_new = **told != material;
            if is_new {
                *told = Arc::new(material);
            }
            is_new
        });
    }

    /// What is told, from now on.
    pub(super) fn subscribe(&self) -> watch::Receiver<Arc<EdgeMaterial>> {
        self.0.subscribe()
    }
}

fn documents(catalog: &Catalog) -> MaterialDocuments<'_> {
    let trusted = catalog.trusted_certificates.values();
    MaterialDocuments {
        certificates: with_keys(catalog, &catalog.custom_certificates),
        clients: with_keys(catalog, &catalog.client_certificates),
        trusted: trusted
            .filter_map(|owned| Some((zone_of(&owned.owner)?, &owned.document)))
            .collect(),
    }
}

/// Certificates whose keys are there: either is written only with the other.
fn with_keys<'c, T>(catalog: &'c Catalog, table: &'c Table<Owned<T>>) -> Vec<WithKey<'c, T>> {
    let with_key = |row: &'c Row<Owned<T>>| {
        let key = catalog.certificate_keys.get(&row.document.key.id)?;
        Some(WithKey {
            zone_id: zone_of(&row.value.owner)?,
            document: &row.value.document,
            private_key: &key.private_key,
        })
    };
    table.rows().filter_map(with_key).collect()
}

fn zone_of(owner: &Owner) -> Option<&str> {
    match owner {
        Owner::Zone(id) => Some(id),
        Owner::Account(_) => None,
    }
}
