//! Explanations, and that they are what `openapi/explain.json` promises.

use super::own::{breaches, describe};
use super::*;

const PATH: &str = "/evenkeel/v1/explain";

async fn ask(api: &Api, question: Value) -> Answered {
    let request = Request::post(PATH)
        .header("authorization", format!("Bearer {TOKEN}"))
        .header("content-type", "application/json")
        .body(Body::from(question.to_string()));
    api.send(request.unwrap()).await
}

/// Two pools of two endpoints each behind `lb.example.com`, whose rule answers `/gone`.
async fn installed() -> Api {
    let api = Api::start().await;
    let zone = api.zone("example.com").await;
    let mut ids = Vec::new();
    for pool in ["eu", "us"] {
        let origin = |n: u8| json!({"name": format!("{pool}-{n}"), "address": format!("192.0.2.{n}"), "port": 8080});
        let body = json!({"name": pool, "origins": [origin(1), origin(2)]});
        ids.push(api.create(&pools(), body).await);
    }
    let body = json!({
        "name": "lb.example.com", "default_pools": ids, "fallback_pool": ids[1], "proxied": true,
        "session_affinity": "cookie", "steering_policy": "random",
        "rules": [{
            "name": "gone", "condition": "http.request.uri.path eq \"/gone\"",
            "fixed_response": {"status_code": 410, "message_body": "gone"},
        }],
    });
    api.create(&format!("/zones/{zone}/load_balancers"), body).await;
    let body = json!({
        "name": "dns.example.com", "default_pools": [ids[0]], "fallback_pool": ids[1],
        "proxied": false, "ttl": 30,
    });
    api.create(&format!("/zones/{zone}/load_balancers"), body).await;
    api
}

#[tokio::test]
async fn a_request_is_explained_step_by_step() {
    let api = installed().await;
    let question = json!({
        "url": "https://LB.example.com:8443/cart?x=1", "client": "203.0.113.9",
        "headers": [["Cookie", "__cflb=nonsense"]], "repeat": 1000,
    });
    let before = api.live.load().revision;
    let answer = ask(&api, question).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let body = answer.body;
    assert_eq!(body["revision"], before);
    let step = |kind: &str| {
        let steps = body["steps"].as_array().unwrap();
        steps
            .iter()
            .rfind(|step| step["step"] == kind)
            .unwrap_or_else(|| panic!("{kind}: {body:#}"))
    };
    assert_eq!(step("load_balancer")["subject"], "lb.example.com");
    assert_eq!(
        (&step("rule")["subject"], &step("rule")["outcome"]),
        (&json!("gone"), &json!("no_match"))
    );
    assert_eq!(step("session")["outcome"], "malformed");
    assert_eq!(step("pool")["outcome"], "chosen");
    assert_eq!(body["outcome"]["action"], "forward");
    assert_eq!(body["outcome"]["pool"], step("pool")["subject"]);
    assert_eq!(body["outcome"]["endpoint"], step("endpoint")["subject"]);
    assert_eq!(body["outcome"]["sets_cookie"], true);
    assert!(body["trail"].as_str().unwrap().starts_with("lb=lb.example.com "), "{body:#}");
    assert!(body["text"].as_str().unwrap().contains("rule gone does not apply"), "{body:#}");
    let shares = body["distribution"].as_array().unwrap();
    assert_eq!(shares.len(), 4);
    let count: u64 = shares.iter().map(|share| share["count"].as_u64().unwrap()).sum();
    assert_eq!(count, 1000);
    // A quarter each, give or take; beyond these bounds with a chance below 1e-9.
    assert!(shares.iter().all(|share| (0.16..0.34).contains(&share["share"].as_f64().unwrap())));
}

#[tokio::test]
async fn every_way_of_ending_is_told() {
    let api = installed().await;
    let document = describe(&api).await;
    for (question, action, status) in [
        (json!({"url": "http://lb.example.com/"}), "forward", Value::Null),
        (json!({"url": "http://lb.example.com/gone"}), "respond", json!(410)),
        (json!({"url": "http://other.example.com/"}), "refuse", json!(409)),
        (
            json!({"url": "http://10.0.0.1/", "headers": [["host", "lb.example.com"]]}),
            "forward",
            Value::Null,
        ),
        (json!({"dns": {"name": "dns.example.com.", "type": "a"}}), "answer", Value::Null),
        (json!({"dns": {"name": "dns.example.com", "type": "TYPE16"}}), "answer", Value::Null),
        (json!({"dns": {"name": "lb.example.com"}, "repeat": 3}), "answer", Value::Null),
        (
            json!({"dns": {"name": "dns.example.com", "resolver": "192.0.2.1", "ecs": "2001:db8::/32"}}),
            "answer",
            Value::Null,
        ),
    ] {
        let schema = &document["components"]["schemas"];
        assert_eq!(breaches(&document, &schema["Question"], &question, ""), [""; 0]);
        let answer = ask(&api, question.clone()).await;
        assert_eq!(answer.status, 200, "{question}: {answer:?}");
        let outcome = &answer.body["outcome"];
        assert_eq!(
            (&outcome["action"], &outcome["status"]),
            (&json!(action), &status),
            "{question}"
        );
        assert_eq!(breaches(&document, &schema["Explanation"], &answer.body, ""), [""; 0]);
    }
    let answer = ask(&api, json!({"dns": {"name": "dns.example.com"}})).await;
    let mut records: Vec<_> = answer.body["outcome"]["records"].as_array().unwrap().clone();
    records.sort_by_key(ToString::to_string);
    assert_eq!(records, [json!("192.0.2.1"), json!("192.0.2.2")]);
    assert_eq!(answer.body["outcome"]["ttl_s"], 30);
}

/// A name server that knows one name.
fn knows_www(name: &str) -> Option<crate::NameAnswer> {
    let record = |owner: &str, ttl_s, rtype: &str, data: &str| crate::NameRecord {
        owner: owner.to_owned(),
        ttl_s,
        rtype: rtype.to_owned(),
        data: data.to_owned(),
    };
    let (rcode, records) = match name {
        "www.example.com" => (
            "NOERROR",
            vec![
                record("www.example.com.", 300, "CNAME", "a.example.com."),
                record("a.example.com.", 30, "A", "192.0.2.1"),
                record("a.example.com.", 30, "A", "192.0.2.2"),
            ],
        ),
        "alias.example.com" => {
            ("NOERROR", vec![record("alias.example.com.", 60, "CNAME", "b.example.")])
        }
        "empty.example.com" => ("NOERROR", Vec::new()),
        "example.net" => ("REFUSED", Vec::new()),
        "a..b" => return None,
        _ => ("NXDOMAIN", Vec::new()),
    };
    Some(crate::NameAnswer { rcode: rcode.to_owned(), scope: 24, records })
}

#[tokio::test]
async fn a_query_is_answered_as_the_name_server_does_where_there_is_one() {
    let api = installed().await;
    let answer: crate::AnswerQuery = Arc::new(|_, query, _, _| knows_www(query.name));
    assert!(api.app.explain.names.set(answer).is_ok());
    let document = describe(&api).await;
    for (name, rcode, records, text) in [
        (
            "www.example.com",
            json!("NOERROR"),
            json!(["192.0.2.1", "192.0.2.2"]),
            "answer: 192.0.2.1 192.0.2.2",
        ),
        ("alias.example.com", json!("NOERROR"), json!(["b.example"]), "answer: b.example"),
        ("empty.example.com", json!("NOERROR"), json!([]), "answer: no records"),
        (
            "gone.example.com",
            json!("NXDOMAIN"),
            json!([]),
            "answer: there is no such name (NXDOMAIN)",
        ),
        (
            "example.net",
            json!("REFUSED"),
            json!([]),
            "answer: the name lies in no zone of this server (REFUSED)",
        ),
        (
            "a..b",
            Value::Null,
            Value::Null,
            "answer: the name is none, or the type asks for more than records",
        ),
    ] {
        let body = ask(&api, json!({"dns": {"name": name}})).await.body;
        let outcome = &body["outcome"];
        assert_eq!((&outcome["rcode"], &outcome["records"]), (&rcode, &records), "{body:#}");
        assert!(body["text"].as_str().unwrap().contains(text), "{body:#}");
        let schema = &document["components"]["schemas"]["Explanation"];
        assert_eq!(breaches(&document, schema, &body, ""), [""; 0]);
    }
    let body = ask(&api, json!({"dns": {"name": "www.example.com"}})).await.body;
    assert_eq!((&body["outcome"]["ttl_s"], &body["outcome"]["scope"]), (&json!(30), &json!(24)));
    assert_eq!(body["outcome"]["answer"][0], "www.example.com. 300 IN CNAME a.example.com.");
}

#[tokio::test]
async fn questions_that_cannot_be_read_are_refused() {
    let api = installed().await;
    let many: Vec<_> = (0..129).map(|n| json!([format!("x-{n}"), ""])).collect();
    for (question, named) in [
        (json!({}), "url"),
        (json!({"url": "lb.example.com"}), "url"),
        (json!({"url": "ftp://lb.example.com/"}), "url"),
        (json!({"url": "http://lb.example.com/", "method": "A B"}), "method"),
        (json!({"url": "http://lb.example.com/", "client": "somewhere"}), "IP"),
        (json!({"url": "http://lb.example.com/", "repeat": 0}), "repeat"),
        (json!({"url": "http://lb.example.com/", "repeat": 10_001}), "repeat"),
        (json!({"url": "http://lb.example.com/", "headers": many}), "headers"),
        (json!({"url": "http://lb.example.com/", "colour": 1}), "colour"),
        (json!({"url": "http://lb.example.com/", "dns": {"name": "x"}}), "dns"),
        (json!({"dns": {"name": "x", "type": "nonsense"}}), "dns.type"),
        (json!({"dns": {"name": "x", "ecs": "192.0.2.0/64"}}), "dns.ecs"),
    ] {
        let answer = ask(&api, question.clone()).await;
        assert!(answer.failure().starts_with("400/"), "{question}: {answer:?}");
        assert!(answer.message().contains(named), "{question}: {answer:?}");
    }
}

#[tokio::test]
async fn it_needs_a_token() {
    let api = Api::start().await;
    let request = Request::post(PATH)
        .header("authorization", "Bearer wrong")
        .header("content-type", "application/json")
        .body(Body::from("{}"));
    assert_eq!(api.send(request.unwrap()).await.failure(), "401/10000");
}
