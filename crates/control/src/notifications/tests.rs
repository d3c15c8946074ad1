use evenkeel_api::notification::{DeliveryStatus, MechanismType};
use evenkeel_store::{Expected, JournalQuery, Key, MemoryStore, Write};
use serde_json::json;

use super::*;

const ACCOUNT: &str = "0123456789abcdef0123456789abcdef";

async fn put(store: &MemoryStore, kind: &str, id: &str, document: serde_json::Value) {
    let body = json!({ "owner": { "account": ACCOUNT }, "document": document }).to_string();
    let write = Write::Put(body.into_bytes().into());
    let batch = Batch::new().with(Key::new(kind, id), Expected::Anything, write);
    store.commit(batch).await.unwrap();
}

fn delivery(mechanism: &str, sent: &str, reason: Option<&str>) -> Delivery {
    Delivery {
        id: String::new(),
        name: "on call".to_owned(),
        description: String::new(),
        alert_body: "{}".to_owned(),
        alert_type: "load_balancing_health_alert".to_owned(),
        mechanism: mechanism.to_owned(),
        mechanism_type: MechanismType::Webhook,
        policy_id: "p".to_owned(),
        sent: sent.to_owned(),
        status: reason.map_or(DeliveryStatus::Delivered, |_| DeliveryStatus::Failed),
        tries: 1,
        reason: reason.map(str::to_owned),
    }
}

#[tokio::test]
async fn rules_follow_the_documents() {
    let store = Arc::new(MemoryStore::default());
    let book = RuleBook::new(store.clone());
    assert!(book.rules().policies.is_empty());
    let policy = |enabled: bool| {
        json!({
            "id": "p", "name": "on call", "enabled": enabled,
            "alert_type": "load_balancing_health_alert",
            "mechanisms": { "webhooks": [{ "id": "w" }, { "id": "gone" }] },
            "created": "2026-01-05T09:10:11.123456Z", "modified": "2026-01-05T09:10:11.123456Z",
        })
    };
    put(&store, kind::NOTIFICATION_POLICY, "p", policy(true)).await;
    let webhook = json!({
        "webhook": {
            "id": "w", "name": "chat", "url": "https://chat.example/", "type": "generic",
            "created_at": "2026-01-05T09:10:11.123456Z", "last_success": null, "last_failure": null,
        },
        "secret": "s3cret",
    });
    put(&store, kind::NOTIFICATION_WEBHOOK, "w", webhook).await;
    let rules = book.rules();
    assert_eq!(rules.policies.len(), 1);
    assert_eq!(rules.policies[0].webhooks.len(), 1);
    assert_eq!(rules.policies[0].webhooks[0].secret.as_deref(), Some("s3cret"));
    // What has nothing to do with it changes nothing.
    put(&store, kind::ZONE, "z", json!({})).await;
    assert!(Arc::ptr_eq(&rules, &book.rules()));
    put(&store, kind::NOTIFICATION_POLICY, "p", policy(false)).await;
    assert!(book.rules().policies.is_empty());
}

#[tokio::test]
async fn deliveries_are_written_down_in_order() {
    let store = Arc::new(MemoryStore::default());
    let (log, writing) = DeliveryLog::new(store.clone());
    for n in 0..3 {
        log.note(n, ACCOUNT, delivery("w", &format!("t{n}"), None));
    }
    drop(log);
    writing.await;
    let entries = store.journal(JournalQuery::newest(DELIVERIES, 10)).await.unwrap();
    let sent = entries.iter().map(|entry| {
        let recorded: Recorded = serde_json::from_slice(&entry.body).unwrap();
        recorded.delivery.sent
    });
    assert_eq!(sent.collect::<Vec<_>>(), ["t2", "t1", "t0"]);
}

#[test]
fn the_last_of_each_outcome_counts() {
    let mut last = LastDeliveries::default();
    for delivery in [
        delivery("w", "t4", Some("it answered 503")),
        delivery("v", "t3", None),
        delivery("w", "t2", None),
        delivery("w", "t1", Some("refused")),
    ] {
        last.take(&delivery);
    }
    assert_eq!(last.of("w"), (Some("t2".to_owned()), Some("t4".to_owned())));
    assert_eq!(last.of("v"), (Some("t3".to_owned()), None));
    assert_eq!(last.of("x"), (None, None));
}
