//! Serials, keys and name servers elsewhere as values.

use std::sync::Arc;

use evenkeel_api::secondary_dns::{Outgoing, Peer, Tsig};
use evenkeel_store::Snapshot;

use super::{ZoneDnssec, ZoneSerial};
use crate::catalog::Table;
use crate::records::{Owned, kind};

/// All that is kept of zones besides what users say of them.
#[derive(Debug, Clone, Default)]
pub(crate) struct DnsTables {
    /// By the zone's identifier, as the next one.
    pub(crate) serials: Arc<Table<ZoneSerial>>,
    pub(crate) dnssec: Arc<Table<ZoneDnssec>>,
    /// By the zone's identifier.
    pub(crate) outgoing: Arc<Table<Owned<Outgoing>>>,
    pub(crate) peers: Arc<Table<Owned<Peer>>>,
    pub(crate) tsigs: Arc<Table<Owned<Tsig>>>,
}

impl DnsTables {
    /// Those of another snapshot than the one that these are of.
    pub(crate) fn follow(&self, old: &Snapshot, new: &Snapshot) -> Self {
        Self {
            serials: Table::share(&self.serials, old, new, kind::ZONE_SERIAL),
            dnssec: Table::share(&self.dnssec, old, new, kind::DNSSEC),
            outgoing: Table::share(&self.outgoing, old, new, kind::OUTGOING_TRANSFER),
            peers: Table::share(&self.peers, old, new, kind::DNS_PEER),
            tsigs: Table::share(&self.tsigs, old, new, kind::TSIG),
        }
    }
}
