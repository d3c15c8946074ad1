//! Name servers elsewhere: their keys, they themselves, and the zones that they copy.

use evenkeel_api::secondary_dns::{Outgoing, Peer, Tsig, build_transfer};
use evenkeel_api::{Problem, Verb};
use evenkeel_model::{self as model, TsigAlgorithm};
use serde_json::{Value, json};

use crate::world::{EARLY, LATE, NEW, PEER, Resource, TSIG, World, created, refused};

impl Resource for Tsig {
    fn minimal() -> Value {
        json!({"name": "key.example.", "algo": "hmac-sha256.", "secret": "aHVzaA=="})
    }

    fn apply(
        world: &World,
        verb: Verb,
        body: &Value,
        current: Option<&Self>,
    ) -> Result<Self, Vec<Problem>> {
        Self::apply(verb, body.to_string().as_bytes(), current, &world.context())
    }
}

impl Resource for Peer {
    fn minimal() -> Value {
        json!({"name": "elsewhere"})
    }

    fn apply(
        world: &World,
        verb: Verb,
        body: &Value,
        current: Option<&Self>,
    ) -> Result<Self, Vec<Problem>> {
        Self::apply(verb, body.to_string().as_bytes(), current, &world.context())
    }
}

impl Resource for Outgoing {
    fn minimal() -> Value {
        json!({"name": "Example.com.", "peers": [PEER]})
    }

    fn apply(
        world: &World,
        verb: Verb,
        body: &Value,
        current: Option<&Self>,
    ) -> Result<Self, Vec<Problem>> {
        let body = body.to_string();
        Self::apply(verb, body.as_bytes(), current, "example.com", &world.context())
    }
}

#[test]
fn documents_have_the_published_members_and_defaults() {
    assert_eq!(
        created::<Tsig>(json!({})).answer(),
        json!({"id": NEW, "name": "key.example.", "algo": "hmac-sha256.", "secret": "aHVzaA=="})
    );
    assert_eq!(
        created::<Peer>(json!({})).answer(),
        json!({"id": NEW, "name": "elsewhere", "port": 53, "ixfr_enable": false})
    );
    let full = json!({"ip": "2001:db8::53", "port": 5353, "ixfr_enable": true, "tsig_id": TSIG});
    let peer: Peer = created(full.clone());
    assert_eq!(peer.answer()["ip"], full["ip"]);
    assert_eq!(peer.answer()["tsig_id"], TSIG);
    assert_eq!(peer.replace(json!({"name": "x"})).unwrap().ip, None, "PUT is the whole document");
    assert_eq!(
        created::<Outgoing>(json!({})).answer(),
        json!({"id": NEW, "name": "example.com", "peers": [PEER], "enabled": true,
            "created_time": EARLY, "checked_time": EARLY, "last_transferred_time": null,
            "soa_serial": 0})
    );
    let disabled = Outgoing { enabled: false, ..created(json!({})) };
    let replaced = disabled.replace(json!({"name": "example.com", "peers": []})).unwrap();
    let times = (replaced.created_time.as_str(), replaced.checked_time.as_str());
    assert_eq!((times, replaced.enabled), ((EARLY, LATE), false));
}

#[test]
fn documents_are_refused() {
    refused::<Tsig>(vec![
        (json!({"name": null}), &["/name: name is required: validation failed"]),
        (json!({"name": "a b"}), &["/name: invalid name: a b: validation failed"]),
        (json!({"name": "taken."}), &["/name: value not unique"]),
        (
            json!({"algo": "hmac-md5.sig-alg.reg.int."}),
            &["/algo: algo must be one of hmac-sha256, hmac-sha384, hmac-sha512, hmac-sha1: \
               validation failed"],
        ),
        (json!({"secret": "äh"}), &["/secret: secret must be base64: validation failed"]),
    ]);
    refused::<Peer>(vec![
        (json!({"name": null}), &["/name: name is required: validation failed"]),
        (
            json!({"ip": "ns.example"}),
            &["/ip: ip must be an IPv4 or IPv6 address: validation failed"],
        ),
        (json!({"port": 0}), &["/port: port is not in range [1, 65535]: validation failed"]),
        (json!({"tsig_id": NEW}), &["/tsig_id: tsig does not exist: validation failed"]),
    ]);
    refused::<Outgoing>(vec![
        (json!({"peers": null}), &["/peers: peers is required: validation failed"]),
        (json!({"peers": ["x"]}), &["/peers/0: peer does not exist: validation failed"]),
        (json!({"peers": [PEER, PEER]}), &["/peers/1: value not unique"]),
        (
            json!({"name": "example.net"}),
            &["/name: name must be the zone's, example.com: validation failed"],
        ),
    ]);
}

#[test]
fn keys_are_not_shown_and_their_names_are_names() {
    let key: Tsig = created(json!({}));
    assert!(!format!("{key:?}").contains("aHVz"), "{key:?}");
    assert!(key.is_named("KEY.example") && !key.is_named("key.example.net"));
}

#[test]
fn a_transfer_has_the_peers_that_can_be_reached_and_trusted() {
    let key: Tsig = created(json!({"algo": "HMAC-SHA512"}));
    let peer = |id: &str, ip: Option<&str>, tsig_id: Option<&str>| Peer {
        id: id.into(),
        ip: ip.map(str::to_owned),
        tsig_id: tsig_id.map(str::to_owned),
        ..created(json!({}))
    };
    let peers = [
        peer("a", Some("192.0.2.53"), Some("key")),
        peer("b", None, None),
        peer("c", Some("2001:db8::53"), None),
        peer("d", Some("192.0.2.54"), Some("gone")),
    ];
    let ids = ["a", "b", "c", "d", "e"].map(str::to_owned).to_vec();
    let outgoing = Outgoing { peers: ids, ..created(json!({})) };
    let found = |id: &str| peers.iter().find(|peer| peer.id == id);
    let tsig = |id: &str| (id == "key").then_some(&key);
    let (transfer, problems) = build_transfer(&outgoing, found, tsig);
    assert_eq!(
        problems,
        ["tsig gone of peer d is not to be had", "peer e does not exist"],
        "{transfer:?}"
    );
    let [a, c] = &*transfer.peers else { panic!("{transfer:?}") };
    assert_eq!((a.address.to_string().as_str(), a.port, a.ixfr), ("192.0.2.53", 53, false));
    let model::TsigKey { name, algorithm, secret } = &**a.tsig.as_ref().unwrap();
    assert_eq!((&**name, &**secret), (b"\x03key\x07example\0".as_slice(), b"hush".as_slice()));
    assert_eq!(*algorithm, TsigAlgorithm::Sha512);
    assert!(c.tsig.is_none());
    let off = Outgoing { enabled: false, ..outgoing };
    assert_eq!(build_transfer(&off, found, tsig), Default::default());
}
