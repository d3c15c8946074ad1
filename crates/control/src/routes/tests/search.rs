//! Search (api.md 2.8).

use super::*;

fn path(query: &str) -> String {
    format!("/accounts/{ACCOUNT}/load_balancers/search?{query}")
}

fn names(result: &Value) -> String {
    let resources = result["resources"].as_array().unwrap().iter();
    let label = |resource: &Value| {
        let (kind, name) = (&resource["resource_type"], &resource["resource_name"]);
        format!("{}:{}", kind.as_str().unwrap(), name.as_str().unwrap())
    };
    resources.map(label).collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn names_and_identifiers_are_searched_in_any_case() {
    let api = Api::start().await;
    let zone = api.zone("example.com").await;
    let (pool, other) = (api.pool("eu-West").await, api.pool("us").await);
    api.load_balancer(&zone, "west.example.com", &pool).await;
    let in_account = format!("/accounts/{ACCOUNT}/load_balancers");
    api.create(&in_account, lb_body("private.internal", &other)).await;
    api.create(&monitors(), json!({"type": "tcp", "port": 1, "description": "The WEST"})).await;
    for (query, found) in [
        ("query=west", "load_balancer:west.example.com pool:eu-West monitor:The WEST"),
        ("query=WEST&page=1", "load_balancer:west.example.com pool:eu-West monitor:The WEST"),
        ("query=EST.EX", "load_balancer:west.example.com"),
        ("query=nowhere", ""),
        ("query=%25", ""),
        (&format!("query={pool}"), "pool:eu-West"),
        (&format!("query={}", &pool[4..28].to_uppercase()), "pool:eu-West"),
        ("query=west&per_page=2", "load_balancer:west.example.com pool:eu-West"),
        ("query=west&per_page=2&page=2", "monitor:The WEST"),
        ("query=west&per_page=2&page=3", ""),
        (
            "",
            "load_balancer:private.internal load_balancer:west.example.com pool:eu-West pool:us \
             monitor:The WEST",
        ),
    ] {
        assert_eq!(names(&api.get(&path(query)).await.result()), found, "{query}");
    }
    let answer = api.get(&path("query=west&per_page=2")).await;
    let info = json!({"page": 1, "per_page": 2, "count": 2, "total_count": 3, "total_pages": 2});
    assert_eq!(answer.body["result_info"], info);
    let answer = api.get(&path("")).await;
    assert_eq!(answer.body["result_info"]["per_page"], 25);
    for query in ["per_page=0", "per_page=1001", "per_page=x", "page=-1", "references=all"] {
        assert_eq!(api.get(&path(query)).await.failure(), "400/1002", "{query}");
    }
    let nobody = format!("/accounts/{NOBODY}/load_balancers/search");
    assert_eq!(api.get(&nobody).await.failure(), "404/1001");
}

#[tokio::test]
async fn references_come_only_when_asked_for() {
    let api = Api::start().await;
    let zone = api.zone("example.com").await;
    let monitor = api.monitor().await;
    let mut body = pool_body("eu");
    body["monitor"] = json!(monitor);
    let pool = api.create(&pools(), body).await;
    let lb = api.load_balancer(&zone, "www.example.com", &pool).await;
    let referrer = json!({"reference_type": "referrer", "resource_type": "load_balancer",
        "resource_id": lb, "resource_name": "www.example.com"});
    let referral = json!({"reference_type": "referral", "resource_type": "monitor",
        "resource_id": monitor, "resource_name": ""});
    for (query, found) in [
        ("", None),
        ("references=", None),
        ("references=*", Some(json!([referrer, referral]))),
        ("references=referrer", Some(json!([referrer]))),
        ("references=referral", Some(json!([referral]))),
    ] {
        let result = api.get(&path(&format!("query=eu&{query}"))).await.result();
        let resource = &result["resources"][0];
        assert_eq!(resource["resource_id"], pool, "{query}");
        assert_eq!(resource.get("references"), found.as_ref(), "{query}");
    }
}
