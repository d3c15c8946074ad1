//! Certificates of zones over the whole API, up to what TLS is done with.

use evenkeel_model::{EdgeMaterial, HostPattern, TlsVersion};
use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};

use super::*;

/// A certificate of its own and its key.
fn pair(names: &[&str]) -> (String, String) {
    let names: Vec<_> = names.iter().map(ToString::to_string).collect();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(names).unwrap().self_signed(&key).unwrap();
    (certificate.pem(), key.serialize_pem())
}

fn authority() -> String {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.self_signed(&KeyPair::generate().unwrap()).unwrap().pem()
}

fn body((certificate, private_key): &(String, String)) -> Value {
    json!({"certificate": certificate, "private_key": private_key})
}

/// The lines of a key that are the key.
fn secret(private_key: &str) -> &str {
    private_key.lines().nth(1).unwrap()
}

/// What TLS is done with.
fn material(api: &Api) -> Arc<EdgeMaterial> {
    Arc::clone(&api.material.borrow())
}

#[tokio::test]
async fn a_certificate_lives_from_its_upload_to_its_deletion() {
    let api = Api::start().await;
    let zone = api.zone("example.com").await;
    let all = format!("/zones/{zone}/custom_certificates");
    let first = pair(&["example.com", "*.example.com"]);
    let made = api.post(&all, body(&first)).await.result();
    assert_eq!(made["hosts"], json!(["example.com", "*.example.com"]));
    assert_eq!((&made["status"], &made["priority"]), (&json!("active"), &json!(1)));
    let id = made["id"].as_str().unwrap().to_owned();
    let one = format!("{all}/{id}");
    assert_eq!(api.get(&one).await.result(), made);

    let told = material(&api);
    let [of_zone] = told.zones.as_slice() else { panic!("{told:?}") };
    assert_eq!(of_zone.zone.to_string(), zone);
    let uploaded = &of_zone.certificates[0];
    assert_eq!((&uploaded.id, &uploaded.pair.private_key[..]), (&id, &first.1[..]));
    assert_eq!(*uploaded.pair.chain, first.0.replace("\r\n", "\n"));
    assert!(!format!("{told:?}").contains(secret(&first.1)), "not even when it is debugged");

    let mut watched = api.material.clone();
    watched.mark_unchanged();
    api.pool("eu").await;
    assert!(!watched.has_changed().unwrap(), "it is told when it changed");

    let second = pair(&["example.com"]);
    let newer = api.post(&all, body(&second)).await.result();
    let order = |answer: Value| -> Vec<String> {
        let list = answer.as_array().unwrap().iter();
        list.map(|certificate| certificate["id"].as_str().unwrap().to_owned()).collect()
    };
    let newer_id = newer["id"].as_str().unwrap().to_owned();
    assert_eq!(order(api.get(&all).await.result()), [&newer_id[..], &id]);
    assert!(Arc::ptr_eq(&material(&api).zones[0].certificates[1], uploaded), "kept as it was");
    let priorities = json!({"certificates": [{"id": id, "priority": 9}]});
    let answer = api.put(&format!("{all}/prioritize"), priorities).await.result();
    assert_eq!(order(answer), [&id[..], &newer_id]);
    assert_eq!(material(&api).zones[0].certificates[0].id, id);

    let renewed = pair(&["www.example.com"]);
    let refused = api.patch(&one, json!({"certificate": renewed.0})).await;
    assert_eq!(refused.failure(), "400/2200", "the key that is there is another's");
    let answer = api.patch(&one, body(&renewed)).await.result();
    assert_eq!((&answer["id"], &answer["hosts"]), (&json!(id), &json!(["www.example.com"])));
    assert_eq!(&*material(&api).zones[0].certificates[0].pair.private_key, renewed.1);

    let filtered = api.get(&format!("{all}?status=active&per_page=5&page=1")).await;
    assert_eq!(filtered.body["result_info"]["total_count"], 2);
    assert_eq!(api.get(&format!("{all}?status=expired")).await.result(), json!([]));
    assert_eq!(api.get(&format!("{all}?per_page=51")).await.failure(), "400/1002");

    assert_eq!(api.delete(&one).await.result(), json!({ "id": id }));
    assert_eq!(api.get(&one).await.failure(), "404/1001");
    assert_eq!(api.delete(&format!("{all}/{newer_id}")).await.status, 200);
    assert_eq!(material(&api).zones, []);
    assert!(api.app.catalog().certificate_keys.rows().next().is_none(), "keys go along");
}

#[tokio::test]
async fn keys_are_checked_by_what_uses_them() {
    let api = Api::start().await;
    let zone = api.zone("example.com").await;
    let all = format!("/zones/{zone}/custom_certificates");
    let (certificate, key) = pair(&["example.com"]);
    let (_, other) = pair(&["example.com"]);
    let weak = "-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----";
    let locked = key.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
    for (key, failure) in [
        (&*other, "400/2200"),
        ("no key", "400/2106"),
        (&*certificate, "400/2106"),
        (weak, "400/2106"),
        (&*locked, "400/2106"),
    ] {
        let sent = json!({"certificate": certificate, "private_key": key});
        let answer = api.post(&all, sent).await;
        assert_eq!(answer.failure(), failure);
        assert_eq!(answer.body["errors"][0]["source"]["pointer"], "/private_key");
    }
    let strange = api.post(&all, body(&pair(&["example.org"]))).await;
    assert_eq!(strange.failure(), "400/2103");
    assert_eq!(material(&api).zones, []);
}

#[tokio::test]
async fn no_key_is_ever_told() {
    let api = Api::start().await;
    let zone = api.zone("example.com").await;
    let (shown, client) = (pair(&["example.com"]), pair(&[]));
    let all = format!("/zones/{zone}/custom_certificates");
    let clients = format!("/zones/{zone}/origin_tls_client_auth");
    let id = api.create(&all, body(&shown)).await;
    let client_id = api.create(&clients, body(&client)).await;
    let renewed = pair(&["example.com"]);
    api.patch(&format!("{all}/{id}"), body(&renewed)).await.result();
    let mut told = String::new();
    for path in [
        all.clone(),
        format!("{all}/{id}"),
        clients.clone(),
        format!("{clients}/{client_id}"),
        format!("/accounts/{ACCOUNT}/audit_logs"),
    ] {
        told += &api.get(&path).await.result().to_string();
    }
    let export = Request::get("/evenkeel/v1/documents")
        .header("authorization", format!("Bearer {TOKEN}"))
        .body(Body::empty())
        .unwrap();
    told += &api.send(export).await.body.to_string();
    for key in [&shown.1, &client.1, &renewed.1] {
        assert!(!told.contains(secret(key)));
    }
    assert!(!told.contains("PRIVATE KEY") && !told.contains("certificate_key"), "{told}");
    assert!(told.contains("custom_certificate"), "the log has the rest");
}

#[tokio::test]
async fn endpoints_are_shown_the_newest_client_certificate() {
    let api = Api::start().await;
    let zone = api.zone("example.com").await;
    let pool = api.pool("eu").await;
    api.load_balancer(&zone, "a.example.com", &pool).await;
    let all = format!("/zones/{zone}/origin_tls_client_auth");
    let (older, newer) = (pair(&[]), pair(&[]));
    let first = api.create(&all, body(&older)).await;
    let made = api.post(&all, body(&newer)).await.result();
    assert_eq!(
        (&made["status"], &made["certificate"]),
        (&json!("active"), &json!(newer.0.replace("\r\n", "\n")))
    );
    let identity = |api: &Api| material(api).zones[0].identity.clone().unwrap();
    assert_eq!(&*identity(&api).private_key, newer.1);
    let list = api.get(&all).await.result();
    assert_eq!((list[0].clone(), &list[1]["id"]), (made.clone(), &json!(first)));

    let settings = format!("{all}/settings");
    assert_eq!(api.get(&settings).await.result(), json!({"enabled": false}));
    let enabled = json!({"enabled": true});
    assert_eq!(api.put(&settings, enabled.clone()).await.result(), enabled);
    assert!(api.live.load().config.load_balancers[0].edge.endpoint_certificate);
    let setting = api.get(&format!("/zones/{zone}/settings/tls_client_auth")).await.result();
    assert_eq!(setting["value"], "on", "one wish, two ways to say it");
    assert_eq!(api.put(&settings, json!({})).await.failure(), "400/1002");

    let one = format!("{all}/{}", made["id"].as_str().unwrap());
    let deleted = api.delete(&one).await.result();
    assert_eq!((&deleted["id"], &deleted["status"]), (&made["id"], &json!("deleted")));
    assert_eq!(&*identity(&api).private_key, older.1);
    assert_eq!(api.get(&one).await.failure(), "404/1001");
    assert_eq!(api.get(&format!("{all}/hostnames")).await.failure(), "404/7003,7000");
}

#[tokio::test]
async fn authorities_are_trusted_by_their_zone() {
    let api = Api::start().await;
    let (zone, other) = (api.zone("example.com").await, api.zone("example.org").await);
    let all = format!("/zones/{zone}/acm/custom_trust_store");
    let root = authority();
    let made = api.post(&all, json!({ "certificate": root })).await.result();
    assert_eq!(api.get(&all).await.result(), json!([made]));
    assert_eq!(api.get(&format!("{all}?offset=1")).await.result(), json!([]));
    assert_eq!(api.get(&format!("{all}?limit=0")).await.result(), json!([]));
    let told = material(&api);
    assert_eq!(*told.zones[0].trusted[0], root.replace("\r\n", "\n"));
    let (leaf, _) = pair(&["example.com"]);
    assert_eq!(api.post(&all, json!({ "certificate": leaf })).await.failure(), "400/1411");
    let id = made["id"].as_str().unwrap();
    let elsewhere = format!("/zones/{other}/acm/custom_trust_store/{id}");
    assert_eq!(api.get(&elsewhere).await.failure(), "404/1001");
    assert_eq!(api.delete(&elsewhere).await.failure(), "404/1001");
    assert_eq!(api.delete(&format!("{all}/{id}")).await.result(), json!({ "id": id }));
    assert_eq!(material(&api).zones, []);
}

#[tokio::test]
async fn quotas_are_those_of_a_zone() {
    let api = Api::start_with(Limits {
        custom_certificate_quota: Some(1),
        client_certificate_quota: Some(0),
        trusted_certificate_quota: Some(0),
        ..Limits::default()
    })
    .await;
    let zone = api.zone("example.com").await;
    let send = |path: &'static str, body| {
        let path = format!("/zones/{zone}/{path}");
        let api = &api;
        async move { api.post(&path, body).await }
    };
    assert_eq!(send("custom_certificates", body(&pair(&["example.com"]))).await.status, 200);
    for answer in [
        send("custom_certificates", body(&pair(&["example.com"]))).await,
        send("origin_tls_client_auth", body(&pair(&[]))).await,
        send("acm/custom_trust_store", json!({"certificate": authority()})).await,
    ] {
        assert_eq!(answer.failure(), "400/1002");
        assert!(answer.message().contains("certificate quota exceeded"), "{answer:?}");
    }
}

#[tokio::test]
async fn hosts_are_told_with_what_their_clients_may_speak() {
    let api = Api::start().await;
    let zone = api.zone("example.com").await;
    let pool = api.pool("eu").await;
    for (name, members) in [
        ("b.example.com", json!({"proxied": true})),
        ("*.example.com", json!({"proxied": true})),
        ("dns.example.com", json!({"proxied": false})),
        ("off.example.com", json!({"proxied": true, "enabled": false})),
    ] {
        let mut sent = lb_body(name, &pool);
        sent.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        api.create(&format!("/zones/{zone}/load_balancers"), sent).await;
    }
    let items = json!({"items": [{"id": "min_tls_version", "value": "1.3"}, {"id": "http2", "value": "off"}]});
    api.patch(&format!("/zones/{zone}/settings"), items).await.result();
    let told = material(&api);
    let hosts: Vec<_> = told.hosts.iter().map(|served| served.host.clone()).collect();
    let wanted = ["b.example.com", "*.example.com"].map(|name| HostPattern::parse(name).unwrap());
    assert_eq!(hosts, wanted);
    for served in &told.hosts {
        assert_eq!((served.tls_min, served.http2), (TlsVersion::Tls13, false));
        assert_eq!(served.zone.to_string(), zone);
    }
}

#[tokio::test]
async fn a_zone_takes_its_certificates_along() {
    let api = Api::start().await;
    let zone = api.zone("example.com").await;
    api.create(&format!("/zones/{zone}/custom_certificates"), body(&pair(&["example.com"]))).await;
    api.create(&format!("/zones/{zone}/origin_tls_client_auth"), body(&pair(&[]))).await;
    let root = json!({"certificate": authority()});
    api.create(&format!("/zones/{zone}/acm/custom_trust_store"), root).await;
    api.delete(&format!("/zones/{zone}")).await.result();
    let catalog = api.app.catalog();
    assert!(catalog.custom_certificates.rows().next().is_none());
    assert!(catalog.client_certificates.rows().next().is_none());
    assert!(catalog.trusted_certificates.rows().next().is_none());
    assert!(catalog.certificate_keys.rows().next().is_none());
    assert_eq!(*material(&api), EdgeMaterial::default());
}
