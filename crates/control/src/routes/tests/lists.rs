//! Lists: order, pages and filters (api.md 1.6, 6.1).

use super::*;

fn names(list: &Value, member: &str) -> String {
    let items = list.as_array().unwrap().iter();
    items.map(|item| item[member].as_str().unwrap()).collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn lists_are_whole_and_in_order_unless_pages_are_asked_for() {
    let api = Api::start().await;
    let zone = api.zone("example.com").await;
    let lbs = format!("/zones/{zone}/load_balancers");
    assert_eq!(api.get(&lbs).await.result(), json!([]));
    let mut pool = String::new();
    for name in ["c", "a", "b"] {
        pool = api.pool(name).await;
        api.load_balancer(&zone, &format!("{name}.example.com"), &pool).await;
        api.create(&monitors(), json!({"type": "tcp", "port": 1, "description": name})).await;
    }
    for (path, member, order) in [
        (pools(), "name", "a b c"),
        (lbs.clone(), "name", "a.example.com b.example.com c.example.com"),
        (monitors(), "description", "c a b"),
    ] {
        let answer = api.get(&path).await;
        let info =
            json!({"page": 1, "per_page": 1000, "count": 3, "total_count": 3, "total_pages": 1});
        assert_eq!(answer.body["result_info"], info, "{path}");
        assert_eq!(names(&answer.result(), member), order, "{path}");
    }
    for (query, found, info) in [
        ("page=1&per_page=2", "a b", [1, 2, 2, 3, 2]),
        ("page=2&per_page=2", "c", [2, 2, 1, 3, 2]),
        ("page=3&per_page=2", "", [3, 2, 0, 3, 2]),
        ("page=18446744073709551615&per_page=1", "", [u64::MAX, 1, 0, 3, 3]),
        ("per_page=18446744073709551615", "a b c", [1, u64::MAX, 3, 3, 1]),
        ("unknown=1&page=1", "a b c", [1, 1000, 3, 3, 1]),
    ] {
        let answer = api.get(&format!("{}?{query}", pools())).await;
        let members = ["page", "per_page", "count", "total_count", "total_pages"];
        let got = members.map(|member| answer.body["result_info"][member].as_u64().unwrap());
        assert_eq!(got, info, "{query}");
        assert_eq!(names(&answer.result(), "name"), found, "{query}");
    }
    for query in ["page=-1", "page=x", "per_page=1e3", "per_page=18446744073709551616", "page="] {
        let answer = api.get(&format!("{}?{query}", pools())).await;
        assert_eq!(answer.failure(), "400/1002", "{query}");
    }
    let monitor = api.monitor().await;
    api.patch(&format!("{}/{pool}", pools()), json!({"monitor": monitor})).await.result();
    let with_monitor = api.get(&format!("{}?monitor={monitor}", pools())).await.result();
    assert_eq!(names(&with_monitor, "name"), "b");
}

#[tokio::test]
async fn zones_are_filtered_ordered_and_paged() {
    let api = Api::start().await;
    for name in ["c.example", "a.example", "b.example"] {
        api.zone(name).await;
    }
    api.create("/zones", json!({"name": "d.example", "type": "partial"})).await;
    // Left out unless it is asked for.
    api.create("/zones", json!({"name": "e.example", "type": "internal"})).await;
    for (query, found) in [
        ("", "a.example b.example c.example d.example"),
        ("name=b.example", "b.example"),
        ("name=B.Example.", "b.example"),
        ("name=nowhere.example", ""),
        ("type=partial", "d.example"),
        ("type=partial,secondary", "d.example"),
        ("type=full&type=partial", "a.example b.example c.example d.example"),
        ("type=internal", "e.example"),
        ("name=contains:B.ex", "b.example"),
        ("name=starts_with:a&name.x=y", "a.example"),
        ("name=starts_with_case_sensitive:A", ""),
        ("name=ends_with:d.example", "d.example"),
        ("name=not_equal:a.example", "b.example c.example d.example"),
        ("account.name=contains:even&type=partial", "d.example"),
        ("status=active&type=full", "a.example b.example c.example"),
        ("status=pending", ""),
        ("name=a.example&type=partial", ""),
        ("name=a.example&type=partial&match=any", "a.example d.example"),
        ("match=any", "a.example b.example c.example d.example"),
        (&format!("account.id={ACCOUNT}&name=a.example"), "a.example"),
        (&format!("account.id={NOBODY}"), ""),
        ("account.name=Evenkeel&name=c.example", "c.example"),
        ("direction=desc", "d.example c.example b.example a.example"),
        ("order=status&direction=asc", "a.example b.example c.example d.example"),
        ("page=1&per_page=5", "a.example b.example c.example d.example"),
        ("page=2", ""),
        ("page=99999999999", ""),
    ] {
        let list = api.get(&format!("/zones?{query}")).await.result();
        assert_eq!(names(&list, "name"), found, "{query}");
    }
    let info = api.get("/zones").await.body["result_info"].clone();
    let wanted = json!({"page": 1, "per_page": 20, "count": 4, "total_count": 4, "total_pages": 1});
    assert_eq!(info, wanted);
    for query in ["per_page=4", "per_page=51", "order=size", "direction=up", "match=some", "page=x"]
    {
        assert_eq!(api.get(&format!("/zones?{query}")).await.failure(), "400/1002", "{query}");
    }
}

#[tokio::test]
async fn accounts_are_filtered_and_paged() {
    let api = Api::start().await;
    for (query, count) in
        [("", 1), ("name=Evenkeel", 1), ("name=x", 0), ("page=2", 0), ("direction=desc", 1)]
    {
        let list = api.get(&format!("/accounts?{query}")).await.result();
        assert_eq!(list.as_array().unwrap().len(), count, "{query}");
    }
    assert_eq!(api.get("/accounts?per_page=1000").await.failure(), "400/1002");
}
