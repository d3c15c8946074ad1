//! Zones as they are served once a request is answered: records, serials, DNSSEC, and name servers
//! elsewhere.

use std::sync::Arc;

use evenkeel_model::{TsigAlgorithm, Zone};

use super::*;

fn a(name: &str, content: &str) -> Value {
    json!({"type": "A", "name": name, "content": content})
}

impl Api {
    /// The zone that is served.
    fn served(&self, id: &str) -> Option<Arc<Zone>> {
        let view = self.live.load();
        view.zones.iter().find(|zone| zone.id.to_string() == id).cloned()
    }
}

#[tokio::test]
async fn a_change_is_served_once_it_is_answered_and_its_serial_is_later() {
    let api = Api::start().await;
    let zone = api.zone("example.com").await;
    let served = api.served(&zone).unwrap();
    assert_eq!((&*served.name, served.records.len()), (&b"\x07example\x03com\0"[..], 1));
    let path = format!("/zones/{zone}/dns_records");
    let mut serial = served.serial;
    let later = |served: &Zone, serial: &mut u32| {
        let is_later = served.serial > *serial;
        *serial = served.serial;
        is_later
    };
    let www = api.create(&path, a("www", "192.0.2.1")).await;
    let served = api.served(&zone).unwrap();
    assert!(served.records.len() == 2 && later(&served, &mut serial), "created");
    api.patch(&format!("{path}/{www}"), json!({"ttl": 600})).await.result();
    let served = api.served(&zone).unwrap();
    assert!(served.records.iter().any(|record| record.ttl_s == 600), "{served:?}");
    assert!(later(&served, &mut serial), "changed");
    let batch =
        json!({"deletes": [{"id": www}], "posts": [a("a", "192.0.2.2"), a("b", "192.0.2.3")]});
    api.post(&format!("{path}/batch"), batch).await.result();
    let served = api.served(&zone).unwrap();
    assert!(served.records.len() == 3 && later(&served, &mut serial), "a batch is one change");

    let other = api.zone("example.net").await;
    let (before, serial_of_other) =
        (api.served(&zone).unwrap(), api.served(&other).unwrap().serial);
    api.create(&format!("/zones/{other}/dns_records"), a("www", "192.0.2.1")).await;
    assert!(Arc::ptr_eq(&before, &api.served(&zone).unwrap()), "another zone's change");
    assert!(api.served(&other).unwrap().serial > serial_of_other);

    api.patch(&format!("/zones/{zone}"), json!({"vanity_name_servers": ["ns.example.com"]})).await;
    let served = api.served(&zone).unwrap();
    assert!(later(&served, &mut serial), "{}", served.serial);
    assert_eq!(&*served.soa.mname, b"\x02ns\x07example\x03com\0");
    api.delete(&format!("/zones/{zone}")).await.result();
    assert!(api.served(&zone).is_none());
    let left = api.store.snapshot();
    let of_zone =
        |kind: &str| left.documents(kind).filter(|document| *document.key.id == *zone).count();
    assert_eq!(
        (of_zone("zone_serial"), of_zone("dnssec"), of_zone("outgoing_transfer")),
        (0, 0, 0)
    );
}

#[tokio::test]
async fn a_zone_is_signed_with_one_key_until_that_is_deleted() {
    let api = Api::start().await;
    let zone = api.zone("example.com").await;
    let path = format!("/zones/{zone}/dnssec");
    let off = api.get(&path).await.result();
    assert_eq!((&off["status"], &off["ds"]), (&json!("disabled"), &Value::Null));

    let on = api.patch(&path, json!({"status": "active"})).await.result();
    assert_eq!(on, api.get(&path).await.result());
    let served = api.served(&zone).unwrap();
    let [key] = &*served.keys else { panic!("{served:?}") };
    assert_eq!((&on["algorithm"], &on["flags"]), (&json!("13"), &json!(257)));
    assert_eq!(on["key_tag"], key.tag());
    let ds =
        format!("example.com. 3600 IN DS {} 13 2 {}", key.tag(), on["digest"].as_str().unwrap());
    assert_eq!(on["ds"], ds);
    let private = crate::ids::hex(&key.private);
    assert!(private.len() > 100 && !on.to_string().contains(&private));

    let off = api.patch(&path, json!({"status": "disabled"})).await.result();
    assert_eq!((&off["status"], &off["key_tag"]), (&json!("disabled"), &Value::Null));
    assert!(api.served(&zone).unwrap().keys.is_empty());
    let again = api.patch(&path, json!({"status": "active"})).await.result();
    assert_eq!(again["ds"], on["ds"], "the key was kept");
    assert_eq!(api.delete(&path).await.result(), json!(""));
    assert_eq!(api.get(&path).await.result()["modified_on"], Value::Null);
    let fresh = api.patch(&path, json!({"status": "active"})).await.result();
    assert_ne!(fresh["ds"], on["ds"], "and let go");

    for (body, failure) in
        [(json!({"status": "signed"}), "400/1002"), (json!({"dnssec_use_nsec3": true}), "400/1002")]
    {
        assert_eq!(api.patch(&path, body).await.failure(), failure);
    }
    assert_eq!(api.get(&format!("/zones/{NOBODY}/dnssec")).await.failure(), "404/1001");
    let logs = api.get(&format!("/accounts/{ACCOUNT}/audit_logs?per_page=100")).await;
    assert!(logs.body.to_string().contains("dnssec"), "{}", logs.body);
    assert!(!logs.body.to_string().contains(&private));
}

#[tokio::test]
async fn name_servers_elsewhere_copy_a_zone_while_it_lets_them() {
    let mut api = Api::start().await;
    let base = format!("/accounts/{ACCOUNT}/secondary_dns");
    let (tsigs, peers) = (format!("{base}/tsigs"), format!("{base}/peers"));
    let zone = api.zone("example.com").await;
    let outgoing = format!("/zones/{zone}/secondary_dns/outgoing");

    let key = json!({"name": "key.example.", "algo": "hmac-sha512.", "secret": "aHVzaA=="});
    let tsig = api.create(&tsigs, key.clone()).await;
    assert_eq!(api.get(&format!("{tsigs}/{tsig}")).await.result()["secret"], "aHVzaA==");
    assert_eq!(api.post(&tsigs, key).await.failure(), "400/1003");
    let peer = api.create(&peers, json!({"name": "elsewhere"})).await;
    let body =
        json!({"name": "elsewhere", "ip": "192.0.2.53", "ixfr_enable": true, "tsig_id": tsig});
    let one = format!("{peers}/{peer}");
    assert_eq!(api.put(&one, body.clone()).await.result()["port"], 53);

    assert_eq!(api.get(&outgoing).await.failure(), "404/1001");
    let wish = json!({"name": "example.com", "peers": [peer]});
    let created = api.post(&outgoing, wish.clone()).await.result();
    let served = api.served(&zone).unwrap();
    assert_eq!((&created["id"], &created["soa_serial"]), (&json!(zone), &json!(served.serial)));
    assert_eq!(api.get(&outgoing).await.result(), created);
    assert_eq!(api.post(&outgoing, wish.clone()).await.failure(), "400/1002");
    let [reached] = &*served.transfer.peers else { panic!("{served:?}") };
    assert_eq!((reached.address.to_string().as_str(), reached.ixfr), ("192.0.2.53", true));
    assert_eq!(reached.tsig.as_ref().unwrap().algorithm, TsigAlgorithm::Sha512);

    // What is named cannot go.
    assert_eq!(api.delete(&one).await.failure(), "412/1005");
    assert_eq!(api.delete(&format!("{tsigs}/{tsig}")).await.failure(), "412/1005");

    let ask = async |word: &str| api.post(&format!("{outgoing}/{word}"), json!({})).await;
    assert_eq!(ask("force_notify").await.result(), json!("OK"));
    assert_eq!(ask("disable").await.result(), json!("Disabled"));
    assert_eq!(api.get(&format!("{outgoing}/status")).await.result(), json!("Disabled"));
    assert!(api.served(&zone).unwrap().transfer.peers.is_empty());
    assert_eq!(ask("force_notify").await.failure(), "400/1002");
    api.put(&outgoing, wish).await.result();
    assert!(api.served(&zone).unwrap().transfer.peers.is_empty(), "PUT does not enable it");
    assert_eq!(ask("enable").await.result(), json!("Enabled"));
    assert_eq!(api.served(&zone).unwrap().transfer.peers.len(), 1);

    assert_eq!(api.delete(&outgoing).await.result(), json!({"id": zone}));
    assert!(api.served(&zone).unwrap().transfer.peers.is_empty());
    assert_eq!(api.delete(&one).await.result()["id"], *peer);
    assert_eq!(api.delete(&format!("{tsigs}/{tsig}")).await.result()["id"], *tsig);
    assert_eq!(api.notified.recv().await.unwrap().to_string(), zone);
    let logs = api.get(&format!("/accounts/{ACCOUNT}/audit_logs?per_page=100")).await;
    assert!(!logs.body.to_string().contains("aHVz"), "{}", logs.body);
}

#[tokio::test]
async fn zones_are_served_again_after_a_restart_with_the_serials_they_had() {
    let api = Api::start().await;
    let zone = api.zone("example.com").await;
    let path = format!("/zones/{zone}/dns_records");
    for number in 1..4 {
        api.create(&path, a("www", &format!("192.0.2.{number}"))).await;
    }
    let before = api.served(&zone).unwrap();
    let (_publisher, live, _) = Publisher::new(api.store.clone()).unwrap();
    let view = live.load();
    assert_eq!(view.zones.get(&before.name), Some(&before));
}
