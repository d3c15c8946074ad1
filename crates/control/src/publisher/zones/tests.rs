//! What is built of documents that change, and how much of it.

use std::sync::LazyLock;

use evenkeel_api::secondary_dns::{Outgoing, Peer};
use evenkeel_api::{Account, Context, DnsRecord, Limits, Verb, dns_record, zone};
use evenkeel_store::{Batch, Expected, Key, MemoryStore, Store, Write};
use serde::Serialize;
use serde_json::{Value, json};

use super::*;
use crate::records::encode;

const NOW: &str = "2026-01-05T09:08:00.000001Z";
const ACCOUNT: &str = "00000000000000000000000000000000";

/// A keeper over a store.
struct World {
    store: MemoryStore,
    catalog: Catalog,
    keeper: ZoneKeeper,
}

fn id(number: usize) -> String {
    // As random as real ones are in their first digits.
    format!("{:032x}", (number as u128 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835))
}

/// What a request leaves behind, made once and changed for each: a hundred thousand requests take
/// longer than all that is looked at here.
static ZONE: LazyLock<evenkeel_api::Zone> = LazyLock::new(|| {
    with_context(|cx| {
        let accounts = [Account::new(ACCOUNT, "Main", NOW)];
        let scope = zone::Scope { accounts: &accounts, name_servers: &[] };
        zone::apply(Verb::Create, br#"{"name": "a.example"}"#, None, &scope, cx).unwrap()
    })
});

static RECORD: LazyLock<DnsRecord> = LazyLock::new(|| {
    let body = br#"{"type": "A", "name": "a", "content": "192.0.2.1"}"#;
    with_context(|cx| dns_record::apply(Verb::Create, body, None, "a.example", cx).unwrap())
});

fn with_context<T>(apply: impl FnOnce(&Context<'_>) -> T) -> T {
    let catalog = Catalog::of(&Arc::default());
    let (limits, lookup) = (Limits::default(), catalog.of_account(ACCOUNT));
    apply(&Context { now: NOW, id: "", limits: &limits, lookup: &lookup })
}

fn document_of_zone(number: usize) -> evenkeel_api::Zone {
    evenkeel_api::Zone { id: id(number), name: format!("zone{number}.example"), ..ZONE.clone() }
}

fn document_of_record(zone: usize, number: usize, content: &str) -> Owned<DnsRecord> {
    let (id, name) = (id(1_000_000 + number), format!("host{number}.zone{zone}.example"));
    owned(zone, DnsRecord { id, name, content: content.to_owned(), ..RECORD.clone() })
}

fn owned<T>(zone: usize, document: T) -> Owned<T> {
    Owned { owner: Owner::Zone(id(zone)), document }
}

/// Changes of documents: kind, identifier, and the document unless it goes.
type Changes = Vec<(&'static str, String, Option<Vec<u8>>)>;

fn put<T: Serialize>(kind: &'static str, id: String, document: &T) -> Changes {
    vec![(kind, id, Some(encode(document)))]
}

impl World {
    fn new() -> Self {
        let store = MemoryStore::new();
        let catalog = Catalog::of(&store.snapshot());
        Self { store, catalog, keeper: ZoneKeeper::default() }
    }

    /// So many zones, each with so many records.
    async fn with(zones: usize, records: usize) -> Self {
        let mut world = Self::new();
        let mut changes = Changes::new();
        for zone in 0..zones {
            changes.extend(put(kind::ZONE, id(zone), &document_of_zone(zone)));
            for record in zone * records..(zone + 1) * records {
                let document = document_of_record(zone, record, "192.0.2.1");
                changes.extend(put(kind::DNS_RECORD, document.document.id.clone(), &document));
            }
        }
        let work = world.change(changes).await;
        assert_eq!(work, Work { records: zones * records, zones });
        world
    }

    async fn change(&mut self, changes: Changes) -> Work {
        // What one batch may hold is less than some of these worlds.
        for changes in changes.chunks(10_000) {
            let mut batch = Batch::new();
            for (kind, id, body) in changes {
                let write =
                    body.as_ref().map_or(Write::Delete, |body| Write::Put(body.as_slice().into()));
                batch = batch.with(Key::new(kind, id), Expected::Anything, write);
            }
            self.store.commit(batch).await.unwrap();
        }
        self.catalog = self.catalog.follow(&self.store.snapshot());
        self.keeper.follow(&self.catalog)
    }

    fn zone(&self, number: usize) -> Option<&Arc<Zone>> {
        self.keeper.all().iter().find(|zone| zone.id.to_string() == id(number))
    }

    fn problems(&self) -> Vec<&String> {
        self.keeper.kept.values().flat_map(|kept| &kept.problems).collect()
    }
}

#[tokio::test]
async fn a_change_builds_one_record_and_one_zone_of_many() {
    for (zones, records) in [(5_000, 1), (10, 1_000)] {
        let mut world = World::with(zones, records).await;
        let before: Vec<_> = world.keeper.all().iter().cloned().collect();
        let document = document_of_record(3, 3 * records, "192.0.2.99");
        let record = document.document.id.clone();
        let work = world.change(put(kind::DNS_RECORD, record.clone(), &document)).await;
        assert_eq!(work, Work { records: 1, zones: 1 }, "{zones} zones of {records}");
        let same = before.iter().zip(world.keeper.all().iter());
        let changed = same.filter(|(before, after)| !Arc::ptr_eq(before, after)).count();
        assert_eq!(changed, 1);
        let work = world.change(vec![(kind::DNS_RECORD, record, None)]).await;
        assert_eq!(work, Work { records: 0, zones: 1 });
        assert_eq!(world.zone(3).unwrap().records.len(), records - 1);
    }
}

#[tokio::test]
async fn what_says_the_same_as_before_is_the_same_zone() {
    let mut world = World::with(2, 2).await;
    let before = Arc::clone(world.keeper.all());
    let mut document = document_of_record(0, 0, "192.0.2.1");
    document.document.comment = Some("Nobody asks for this.".into());
    let work = world.change(put(kind::DNS_RECORD, document.document.id.clone(), &document)).await;
    assert_eq!(work, Work { records: 1, zones: 0 });
    assert!(Arc::ptr_eq(&before, world.keeper.all()));
}

#[tokio::test]
async fn zones_come_move_and_go_with_their_records() {
    let mut world = World::with(1, 1).await;
    let zone = Arc::clone(world.zone(0).unwrap());
    assert_eq!((zone.records.len(), zone.serial), (1, 1_767_604_080), "of the zone's modified_on");
    // Records first, as a batch may have them.
    let record = document_of_record(1, 7, "192.0.2.7");
    world.change(put(kind::DNS_RECORD, record.document.id.clone(), &record)).await;
    assert!(world.zone(1).is_none());
    world.change(put(kind::ZONE, id(1), &document_of_zone(1))).await;
    assert_eq!(world.zone(1).unwrap().records.len(), 1);
    assert!(world.keeper.all().get(b"\x05zone1\x07example\0").is_some());

    world.change(put(kind::ZONE_SERIAL, id(1), &ZoneSerial { serial: 9 })).await;
    assert_eq!(world.zone(1).unwrap().serial, 9);
    let mut document = document_of_zone(1);
    document.r#type = serde_json::from_value(json!("internal")).unwrap();
    world.change(put(kind::ZONE, id(1), &document)).await;
    assert!(world.zone(1).is_none());

    let gone = vec![
        (kind::ZONE, id(1), None),
        (kind::DNS_RECORD, record.document.id, None),
        (kind::ZONE_SERIAL, id(1), None),
    ];
    world.change(gone).await;
    assert_eq!((world.keeper.all().len(), world.keeper.kept.len()), (1, 1), "nothing is left");
    assert!(Arc::ptr_eq(world.zone(0).unwrap(), &zone));
}

#[tokio::test]
async fn a_record_that_cannot_be_built_is_told_and_the_rest_is_served() {
    let mut world = World::with(1, 2).await;
    let mut damaged = document_of_record(0, 0, "192.0.2.1");
    damaged.document.content = "nowhere".into();
    let record = damaged.document.id.clone();
    world.change(put(kind::DNS_RECORD, record.clone(), &damaged)).await;
    assert_eq!(world.zone(0).unwrap().records.len(), 1);
    assert_eq!(world.problems(), [&format!("dns_record {record}: the content is no A record's")]);
    world.change(vec![(kind::DNS_RECORD, record, None)]).await;
    assert!(world.problems().is_empty());
}

#[tokio::test]
async fn name_servers_of_the_node_stand_in_where_a_zone_names_none() {
    let mut world = World::with(2, 0).await;
    assert!(world.zone(0).unwrap().records.is_empty());
    world.keeper.serve_by(vec!["ns1.example.net".into(), "ns2.example.net".into()]);
    for zone in 0..2 {
        assert_eq!(world.zone(zone).unwrap().records.len(), 2, "zone {zone}");
    }
    world.change(put(kind::ZONE, id(2), &document_of_zone(2))).await;
    assert_eq!(&*world.zone(2).unwrap().soa.mname, b"\x03ns1\x07example\x03net\0");
}

#[tokio::test]
async fn keys_sign_while_they_are_wanted_and_peers_follow_their_documents() {
    let mut world = World::with(2, 0).await;
    let key = ZoneKey { algorithm: 13, flags: 257, public: [1].into(), private: [2].into() };
    for (status, keys) in [("active", 1), ("disabled", 0)] {
        let dnssec = json!({"zone_id": id(0), "keys": [stored(&key)],
            "settings": {"status": status, "multi_signer": false, "modified_on": NOW}});
        world.change(put(kind::DNSSEC, id(0), &dnssec)).await;
        assert_eq!(world.zone(0).unwrap().keys.len(), keys, "{status}");
    }

    let outgoing = Outgoing {
        id: id(1),
        name: "zone1.example".into(),
        peers: vec![id(50)],
        enabled: true,
        created_time: NOW.into(),
        checked_time: NOW.into(),
        last_transferred_time: None,
        soa_serial: 0,
    };
    world.change(put(kind::OUTGOING_TRANSFER, id(1), &owned(1, outgoing))).await;
    assert_eq!(world.problems(), [&format!("zone {}: peer {} does not exist", id(1), id(50))]);
    let other = Arc::clone(world.zone(0).unwrap());
    for port in [53, 54] {
        let peer = Peer {
            id: id(50),
            name: "elsewhere".into(),
            ip: Some("192.0.2.53".into()),
            port,
            ixfr_enable: true,
            tsig_id: None,
        };
        let owner = Owner::Account(ACCOUNT.into());
        let work =
            world.change(put(kind::DNS_PEER, id(50), &Owned { owner, document: peer })).await;
        assert_eq!(work, Work { records: 0, zones: 1 });
        assert_eq!(world.zone(1).unwrap().transfer.peers[0].port, port);
    }
    assert!(world.problems().is_empty() && Arc::ptr_eq(&other, world.zone(0).unwrap()));
}

fn stored(key: &ZoneKey) -> Value {
    serde_json::to_value(crate::dns::StoredKey::from(key.clone())).unwrap()
}
