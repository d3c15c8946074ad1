//! What a change leads to: it is live when it is answered, it never leaves a dangling reference,
//! and health finds its way back into the answers.

use evenkeel_model::{EndpointHealth, FailureReason, PoolId, Verdict};
use evenkeel_store::Snapshot;

use super::*;
use crate::catalog::Catalog;

#[tokio::test]
async fn a_change_is_live_when_it_is_answered() {
    let api = Api::start().await;
    let zone = api.zone("example.com").await;
    let pool = api.pool("one").await;
    for number in 0..20 {
        let name = format!("n{number}.example.com");
        let lb = api.load_balancer(&zone, &name, &pool).await;
        assert!(api.live.load().config.find_host(&name).is_some(), "{name}");
        let at = format!("/zones/{zone}/load_balancers/{lb}");
        api.patch(&at, json!({"enabled": false})).await.result();
        assert!(api.live.load().config.find_host(&name).is_none(), "{name}");
    }
}

#[tokio::test]
async fn a_deleted_zone_takes_its_load_balancers_along_and_leaves_the_pools() {
    let api = Api::start().await;
    let (one, other) = (api.zone("one.example").await, api.zone("other.example").await);
    let pool = api.pool("eu").await;
    api.load_balancer(&one, "www.one.example", &pool).await;
    api.load_balancer(&one, "*.one.example", &pool).await;
    let kept = api.load_balancer(&other, "www.other.example", &pool).await;
    let deleted = api.delete(&format!("/zones/{one}")).await.result();
    assert_eq!(deleted, json!({"id": one}));
    let view = api.live.load();
    assert!(view.config.find_host("www.one.example").is_none());
    assert!(view.config.find_host("www.other.example").is_some());
    assert_eq!(api.get(&format!("/zones/{one}")).await.failure(), "404/1001");
    assert_eq!(api.delete(&format!("{}/{pool}", pools())).await.failure(), "412/1005");
    api.delete(&format!("/zones/{other}/load_balancers/{kept}")).await.result();
    api.delete(&format!("{}/{pool}", pools())).await.result();
}

#[tokio::test]
async fn zones_can_be_paused_and_nothing_else_of_them_changed() {
    let api = Api::start().await;
    let zone = api.zone("example.com").await;
    let at = format!("/zones/{zone}");
    let before = api.get(&at).await.result();
    let patched = api.patch(&at, json!({"paused": true, "name": "other.org"})).await.result();
    assert_eq!((&patched["paused"], &patched["name"]), (&json!(true), &json!("example.com")));
    assert_eq!(patched["created_on"], before["created_on"]);
    assert_eq!(api.get(&at).await.result(), patched);
}

/// Health is in the answers once a monitor has concluded something (api.md 2.2).
#[tokio::test]
async fn pools_tell_their_health_once_it_is_known() {
    let api = Api::start().await;
    let monitor = api.monitor().await;
    let mut body = pool_body("eu");
    body["monitor"] = json!(monitor);
    body["origins"] =
        json!([{"name": "a", "address": "192.0.2.1"}, {"name": "b", "address": "192.0.2.2"}]);
    let pool = api.create(&pools(), body).await;
    let at = format!("{}/{pool}", pools());
    let unknown = api.get(&at).await.result();
    assert_eq!((unknown.get("healthy"), unknown["origins"][0].get("healthy")), (None, None));

    let mut revisions = api.revisions.clone();
    revisions.mark_unchanged();
    let view = api.live.load();
    let endpoints: Vec<_> = view.config.endpoints.iter().map(|endpoint| endpoint.id).collect();
    for (endpoint, verdict, reason) in [
        (endpoints[0], Verdict::Healthy, FailureReason::NoFailures),
        (endpoints[1], Verdict::Unhealthy, FailureReason::HttpTimeout),
    ] {
        let health = EndpointHealth { verdict, reason, response_code: 200, rtt_us: None };
        let monitor = monitor.parse().unwrap();
        api.reports.send(Report { endpoint, monitor, health }).await.unwrap();
    }
    revisions.changed().await.unwrap();
    for found in [api.get(&at).await.result(), api.get(&pools()).await.result()[0].clone()] {
        assert_eq!(found["healthy"], true, "one of two is the minimum");
        let origins = found["origins"].as_array().unwrap();
        assert_eq!(
            (&origins[0]["healthy"], &origins[0]["failure_reason"]),
            (&json!(true), &json!("No failures"))
        );
        assert_eq!(
            (&origins[1]["healthy"], &origins[1]["failure_reason"]),
            (&json!(false), &json!("HTTP timeout occurred"))
        );
    }
    // What is only known now is not stored by a change.
    api.patch(&at, json!({"description": "x"})).await.result();
    let stored = api.store.snapshot();
    let stored = stored.document("pool", &pool).unwrap();
    assert!(!String::from_utf8_lossy(&stored.body).contains("failure_reason"));
    assert!(pool.parse::<PoolId>().is_ok());
}

/// Everything that a document names exists.
fn assert_nothing_dangles(snapshot: &Arc<Snapshot>) {
    let catalog = Catalog::of(snapshot);
    for lb in catalog.load_balancers.values() {
        for pool in evenkeel_api::references::pools_of(&lb.document) {
            let name = &lb.document.name;
            assert!(catalog.pools.get(pool).is_some(), "{name} names pool {pool}, which is gone");
        }
        let zone = lb.owner.id();
        assert!(catalog.zones.get(zone).is_some(), "{} has no zone", lb.document.name);
    }
    for pool in catalog.pools.values() {
        for monitor in evenkeel_api::references::monitors_of(&pool.document) {
            assert!(catalog.monitors.get(monitor).is_some(), "pool names monitor {monitor}");
        }
        for group in evenkeel_api::references::monitor_groups_of(&pool.document) {
            assert!(catalog.monitor_groups.get(group).is_some(), "pool names group {group}");
        }
    }
    for group in catalog.monitor_groups.values() {
        for monitor in evenkeel_api::references::monitors_of_group(&group.document) {
            assert!(catalog.monitors.get(monitor).is_some(), "group names monitor {monitor}");
        }
    }
}

/// Many tasks create what others delete the ground of. Each is refused or succeeds; at no revision
/// does anything name what is not there.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_interleaving_leaves_a_dangling_reference() {
    const ROUNDS: usize = 25;
    const TASKS: usize = 9;
    let api = Arc::new(Api::start().await);
    let zone = api.zone("example.com").await;
    let observer = tokio::spawn({
        let store = Arc::clone(&api.store);
        let mut revisions = store.watch();
        async move {
            while revisions.changed().await.is_ok() {
                assert_nothing_dangles(&store.snapshot());
            }
        }
    });
    let (mut refused, mut done) = (0, 0);
    for round in 0..ROUNDS {
        let pool = api.pool(&format!("p{round}")).await;
        let monitor = api.monitor().await;
        let group = api.create(&groups(), group_body(&[&api.monitor().await])).await;
        let doomed = api.zone(&format!("z{round}.example.org")).await;
        let tasks: Vec<_> = (0..TASKS)
            .map(|task| {
                let (api, pool, monitor) = (Arc::clone(&api), pool.clone(), monitor.clone());
                let (zone, doomed, group) = (zone.clone(), doomed.clone(), group.clone());
                tokio::spawn(async move {
                    let at = format!("{}/{pool}", pools());
                    let watched = format!("{}/{group}", groups());
                    let answers = match task {
                        0 => vec![api.delete(&at).await],
                        1 => {
                            let body = lb_body(&format!("r{round}.example.com"), &pool);
                            vec![api.post(&format!("/zones/{zone}/load_balancers"), body).await]
                        }
                        2 => vec![api.patch(&at, json!({"monitor": monitor})).await],
                        3 => vec![api.delete(&format!("{}/{monitor}", monitors())).await],
                        4 => {
                            let body = lb_body(&format!("www.z{round}.example.org"), &pool);
                            vec![api.post(&format!("/zones/{doomed}/load_balancers"), body).await]
                        }
                        5 => vec![api.delete(&format!("/zones/{doomed}")).await],
                        6 => vec![api.put(&watched, group_body(&[&monitor])).await],
                        7 => vec![api.patch(&at, json!({"monitor_group": group})).await],
                        _ => vec![api.delete(&watched).await],
                    };
                    answers.into_iter().map(|answer| answer.status).collect::<Vec<_>>()
                })
            })
            .collect();
        for task in tasks {
            for status in task.await.unwrap() {
                assert!([200, 400, 404, 412].contains(&status), "{status}");
                *if status == 200 { &mut done } else { &mut refused } += 1;
            }
        }
        assert_nothing_dangles(&api.store.snapshot());
    }
    assert!(refused > 0 && done > 0, "{refused} refused, {done} done");
    observer.abort();
    assert!(observer.await.unwrap_err().is_cancelled(), "the observer saw a dangling reference");
}
