//! Single probes, and that they are what `openapi/explain.json` promises.

use super::own::{breaches, describe};
use super::tokens::token;
use super::*;

const PATH: &str = "/evenkeel/v1/probe";

async fn ask(api: &Api, token: &str, question: &Value) -> Answered {
    let request = Request::post(PATH)
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", "application/json")
        .body(Body::from(question.to_string()));
    api.send(request.unwrap()).await
}

/// A monitor, and a pool of three endpoints of which two have one address.
async fn installed() -> (Api, String, String) {
    let api = Api::start().await;
    let monitor = api.monitor().await;
    let origin = |name: &str, address: &str, port: u16| json!({"name": name, "address": address, "port": port, "enabled": port != 81});
    let origins = [
        origin("a", "192.0.2.10", 80),
        origin("b", "192.0.2.10", 81),
        origin("c", "unlucky.example", 80),
    ];
    let pool = api.create(&pools(), json!({"name": "web", "origins": origins})).await;
    (api, monitor, pool)
}

#[tokio::test]
async fn an_endpoint_is_probed_once_and_every_step_is_told() {
    let (api, monitor, pool) = installed().await;
    let document = describe(&api).await;
    let schemas = &document["components"]["schemas"];
    let own = json!({"type": "tcp", "port": 443});
    let before = api.live.load().revision;
    for (question, healthy, place) in [
        (json!({"monitor": monitor, "pool": pool, "endpoint": "a"}), true, "192.0.2.10:80"),
        // Disabled ones too: that is when one wants to know.
        (json!({"monitor": monitor, "pool": pool, "endpoint": "b"}), true, "192.0.2.10:81"),
        (json!({"monitor": monitor, "pool": pool, "endpoint": "c"}), false, ""),
        (json!({"monitor": monitor, "pool": pool, "endpoint": "unlucky.example"}), false, ""),
        (json!({"monitor": own, "pool": pool, "endpoint": "a"}), true, "192.0.2.10:80"),
        (
            json!({"monitor": own, "address": "192.0.2.7", "port": 82, "host": "a.example"}),
            true,
            "192.0.2.10:82",
        ),
        (
            json!({"monitor": monitor, "address": "a.example", "account": ACCOUNT}),
            true,
            "192.0.2.10:0",
        ),
    ] {
        assert_eq!(breaches(&document, &schemas["ProbeQuestion"], &question, ""), [""; 0]);
        let answer = ask(&api, TOKEN, &question).await;
        assert_eq!(answer.status, 200, "{question}: {answer:?}");
        assert_eq!(breaches(&document, &schemas["Probed"], &answer.body, ""), [""; 0]);
        assert_eq!(answer.body["healthy"], healthy, "{question}");
        let phases = answer.body["phases"].as_array().unwrap();
        if healthy {
            assert_eq!(answer.body["rtt"], "7ms");
            assert_eq!(phases[0]["note"], place, "{question}");
            assert_eq!((&phases[1]["at_ms"], &phases[1]["took_ms"]), (&json!(2.01), &json!(5.0)));
        } else {
            assert_eq!(answer.body["failure_reason"], "DNS Unknown Host");
            assert_eq!((&phases[1]["attempt"], &phases[1]["failed"]), (&json!(2), &json!(true)));
        }
    }
    assert_eq!(api.live.load().revision, before, "nothing changed by it");
}

#[tokio::test]
async fn questions_that_name_nothing_to_probe_are_refused() {
    let (api, monitor, pool) = installed().await;
    let gone = "f".repeat(32);
    for (question, failure, pointer) in [
        (json!({}), "400/1002", None),
        (json!({"monitor": monitor}), "400/1002", None),
        (json!({"monitor": monitor, "pool": pool}), "400/1002", None),
        (json!({"monitor": monitor, "pool": pool, "address": "192.0.2.1"}), "400/1002", None),
        (json!({"monitor": monitor, "address": "192.0.2.1", "colour": 1}), "400/1002", None),
        (json!({"monitor": 7, "address": "192.0.2.1"}), "400/1002", None),
        (json!({"monitor": gone, "address": "192.0.2.1"}), "404/1001", None),
        (json!({"monitor": monitor, "pool": gone, "endpoint": "a"}), "404/1001", None),
        (json!({"monitor": monitor, "pool": pool, "endpoint": "z"}), "404/1001", None),
        (json!({"monitor": monitor, "pool": pool, "endpoint": "192.0.2.10"}), "400/1002", None),
        (
            json!({"monitor": {"type": "tcp"}, "address": "192.0.2.1"}),
            "400/1002",
            Some("/monitor/port"),
        ),
        (json!({"monitor": monitor, "address": "a b"}), "400/1002", Some("/address")),
        (json!({"monitor": monitor, "address": "169.254.169.254"}), "400/1002", Some("/address")),
        (
            json!({"monitor": monitor, "address": "192.0.2.1", "host": "a b"}),
            "400/1002",
            Some("/host"),
        ),
    ] {
        let answer = ask(&api, TOKEN, &question).await;
        assert_eq!(answer.failure(), failure, "{question}: {answer:?}");
        let told = answer.body["errors"][0]["source"]["pointer"].as_str();
        assert_eq!(told.filter(|pointer| !pointer.is_empty()), pointer, "{question}: {answer:?}");
    }
}

#[tokio::test]
async fn it_takes_the_permission_to_write_pools() {
    let (api, monitor, pool) = installed().await;
    let question = json!({"monitor": monitor, "pool": pool, "endpoint": "a"});
    for (group, outcome) in [
        ("Load Balancing: Monitors and Pools Read", "403/10000"),
        ("Load Balancers Write", "403/10000"),
        ("Load Balancing: Monitors and Pools Write", "200"),
    ] {
        let (token, _) = token(&api, &[&format!("allow {group} on account.{ACCOUNT}")]).await;
        let answer = ask(&api, &token, &question).await;
        let status = if answer.status == 200 { "200".to_owned() } else { answer.failure() };
        assert_eq!(status, outcome, "{group}");
    }
    let grant = format!("allow Load Balancing: Monitors and Pools Write on account.{ACCOUNT}");
    let (limited, _) = token(&api, &[&grant]).await;
    let mut elsewhere = question;
    elsewhere["account"] = json!("f".repeat(32));
    assert_eq!(ask(&api, &limited, &elsewhere).await.failure(), "403/10000");
    elsewhere["account"] = json!(ACCOUNT);
    assert_eq!(ask(&api, &limited, &elsewhere).await.status, 200);
    assert_eq!(ask(&api, "wrong", &elsewhere).await.failure(), "401/10000");
}
