//! DNS records over the whole API (api.md 6.3).

use super::*;

fn records(zone: &str) -> String {
    format!("/zones/{zone}/dns_records")
}

fn a(name: &str, content: &str) -> Value {
    json!({"type": "A", "name": name, "content": content})
}

#[tokio::test]
async fn a_record_lives_through_all_verbs() {
    let api = Api::start().await;
    let zone = api.zone("example.com").await;
    let path = records(&zone);
    assert_eq!(api.get(&path).await.result(), json!([]));
    let created = api.post(&path, a("www", "192.0.2.1")).await.result();
    assert_eq!(created["name"], "www.example.com");
    let one = format!("{path}/{}", created["id"].as_str().unwrap());
    assert_eq!(api.get(&one).await.result(), created);
    assert_eq!(api.get(&path).await.result(), json!([created]));

    let patched = api.patch(&one, json!({"content": "192.0.2.2"})).await.result();
    assert_eq!((&patched["content"], &patched["id"]), (&json!("192.0.2.2"), &created["id"]));
    let replaced =
        api.put(&one, json!({"type": "TXT", "name": "@", "content": "x"})).await.result();
    assert_eq!((&replaced["name"], &replaced["type"]), (&json!("example.com"), &json!("TXT")));
    assert_eq!(replaced["created_on"], created["created_on"]);

    assert_eq!(api.delete(&one).await.result(), json!({"id": created["id"]}));
    for answer in [
        api.get(&one).await,
        api.put(&one, a("www", "192.0.2.1")).await,
        api.patch(&one, json!({})).await,
        api.delete(&one).await,
    ] {
        assert_eq!(answer.failure(), "404/81044");
        assert_eq!(answer.message(), "Record does not exist.");
    }
}

#[tokio::test]
async fn what_a_record_may_not_be_is_refused() {
    let api = Api::start_with(Limits { dns_record_quota: Some(3), ..Limits::default() }).await;
    let (zone, other) = (api.zone("example.com").await, api.zone("example.net").await);
    let path = records(&zone);
    let www = api.create(&path, a("www", "192.0.2.1")).await;
    for (body, failure) in [
        (a("www", "192.0.2.1"), "400/81057"),
        (json!({"type": "CNAME", "name": "www", "content": "a.example"}), "400/81053"),
        (a("www", "nowhere"), "400/9005"),
        (json!({"type": "A", "name": "www", "content": "192.0.2.9", "ttl": 2}), "400/9021"),
        (json!({"name": "www", "content": "192.0.2.9"}), "400/1002"),
    ] {
        assert_eq!(api.post(&path, body.clone()).await.failure(), failure, "{body}");
    }
    let answer = api.post(&path, a("www", "nowhere")).await;
    assert_eq!(answer.body["errors"][0]["source"]["pointer"], "/content");
    // The same name in another zone is another name, and a record is only found in its own.
    api.create(&records(&other), a("www", "192.0.2.1")).await;
    assert_eq!(api.get(&format!("{}/{www}", records(&other))).await.failure(), "404/81044");
    assert_eq!(api.get(&records(NOBODY)).await.failure(), "404/1001");

    api.create(&path, a("b", "192.0.2.1")).await;
    api.create(&path, a("c", "192.0.2.1")).await;
    let full = api.post(&path, a("d", "192.0.2.1")).await;
    assert_eq!(full.message(), "DNS record quota exceeded: validation failed");
    let batch = json!({"deletes": [{"id": www}], "posts": [a("d", "192.0.2.1")]});
    api.post(&format!("{path}/batch"), batch).await.result();
    let batch = json!({"posts": [a("e", "192.0.2.1")]});
    assert_eq!(api.post(&format!("{path}/batch"), batch).await.failure(), "400/1002");
}

#[tokio::test]
async fn lists_of_records_are_filtered_and_paged() {
    let api = Api::start().await;
    let zone = api.zone("example.com").await;
    let path = records(&zone);
    for name in ["c", "a", "b"] {
        api.create(&path, a(name, "192.0.2.1")).await;
    }
    api.create(&path, json!({"type": "MX", "name": "@", "content": "m.example", "priority": 1}))
        .await;
    for (query, found) in [
        ("", "a.example.com b.example.com c.example.com example.com"),
        ("type=MX", "example.com"),
        ("name=a.example.com", "a.example.com"),
        ("name.startswith=b", "b.example.com"),
        ("content.contains=192&direction=desc", "c.example.com b.example.com a.example.com"),
        ("proxied=true", ""),
        ("type=MX&name=a.example.com&match=any", "a.example.com example.com"),
        ("page=2&per_page=3", "example.com"),
        ("page=3&per_page=3", ""),
        ("unknown=x&search=m.example", "example.com"),
    ] {
        let list = api.get(&format!("{path}?{query}")).await.result();
        let names: Vec<_> =
            list.as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
        assert_eq!(names.join(" "), found, "{query}");
    }
    let info = api.get(&path).await.body["result_info"].clone();
    let expected =
        json!({"page": 1, "per_page": 100, "count": 4, "total_count": 4, "total_pages": 1});
    assert_eq!(info, expected);
    for query in ["type=X", "order=size", "proxied=1", "per_page=0", "per_page=5000001"] {
        assert_eq!(api.get(&format!("{path}?{query}")).await.failure(), "400/1002", "{query}");
    }
}

#[tokio::test]
async fn a_batch_is_made_whole_or_not_at_all() {
    let api = Api::start().await;
    let zone = api.zone("example.com").await;
    let path = records(&zone);
    let (one, two) = (
        api.create(&path, a("one", "192.0.2.1")).await,
        api.create(&path, a("two", "192.0.2.2")).await,
    );
    let before = api.get(&path).await.result();
    let wrong =
        json!({"deletes": [{"id": one}], "posts": [a("x", "192.0.2.1"), a("y", "nowhere")]});
    let answer = api.post(&format!("{path}/batch"), wrong).await;
    assert_eq!(answer.failure(), "400/9005");
    assert_eq!(answer.body["errors"][0]["source"]["pointer"], "/posts/1/content");
    assert_eq!(api.get(&path).await.result(), before);

    let right = json!({
        "deletes": [{"id": one}],
        "patches": [{"id": two, "ttl": 300}],
        "puts": [{"id": two, "type": "A", "name": "deux", "content": "192.0.2.2"}],
        "posts": [{"type": "CNAME", "name": "one", "content": "deux.example.com"}],
    });
    let answer = api.post(&format!("{path}/batch"), right).await.result();
    assert_eq!(answer["deletes"][0]["name"], "one.example.com");
    assert_eq!(answer["patches"][0]["ttl"], 300);
    assert_eq!(answer["puts"][0]["ttl"], 1);
    let after = api.get(&path).await.result();
    assert_eq!(after, json!([answer["puts"][0], answer["posts"][0]]));
}

#[tokio::test]
async fn zone_files_go_out_and_in() {
    let api = Api::start().await;
    let (from, to) = (api.zone("example.com").await, api.zone("example.net").await);
    api.create(&records(&from), a("www", "192.0.2.1")).await;
    api.create(&records(&from), json!({"type": "TXT", "name": "@", "content": "a \"b\""})).await;
    let exported = api.get(&format!("{}/export", records(&from))).await;
    assert_eq!(exported.headers["content-type"], "text/plain; charset=utf-8");
    let text = exported.body.as_str().unwrap().replace("example.com", "example.net");
    assert!(text.contains("\tSOA\tns1.example.net. dns.example.net. "), "{text}");
    // What a record says of itself goes before what is wished for all.
    let text = text.replace(" ; cf_tags=cf-proxied:false", "");

    let import = format!("{}/import", records(&to));
    let form = |text: &str| {
        format!(
            "--x\r\ncontent-disposition: form-data; name=\"file\"; filename=\"zone.txt\"\r\n\
             content-type: text/plain\r\n\r\n{text}\r\n--x\r\n\
             content-disposition: form-data; name=\"proxied\"\r\n\r\ntrue\r\n--x--\r\n"
        )
    };
    let send = async |media_type: &str, body: String| {
        let request = Request::builder()
            .method("POST")
            .uri(format!("/client/v4{import}"))
            .header("authorization", format!("Bearer {TOKEN}"))
            .header("content-type", media_type)
            .body(Body::from(body))
            .unwrap();
        api.send(request).await
    };
    let media_type = "multipart/form-data; boundary=x";
    for added in [2, 0] {
        let answer = send(media_type, form(&text)).await.result();
        assert_eq!(answer, json!({"recs_added": added, "total_records_parsed": 2}));
    }
    let list = api.get(&records(&to)).await.result();
    assert_eq!((&list[1]["name"], &list[1]["proxied"]), (&json!("www.example.net"), &json!(true)));
    for (media_type, body, failure) in [
        ("application/json", "{}".to_owned(), "415/1002"),
        ("multipart/form-data", form(&text), "415/1002"),
        (media_type, form("www A"), "400/1002"),
        (media_type, "--x--\r\n".to_owned(), "400/1002"),
        (media_type, "no form".to_owned(), "400/1002"),
        (media_type, form(&"; long\n".repeat(200_000)), "413/1002"),
    ] {
        assert_eq!(send(media_type, body).await.failure(), failure);
    }
}

#[tokio::test]
async fn records_go_with_their_zone() {
    let api = Api::start().await;
    let (zone, other) = (api.zone("example.com").await, api.zone("example.net").await);
    let gone = api.create(&records(&zone), a("www", "192.0.2.1")).await;
    let kept = api.create(&records(&other), a("www", "192.0.2.1")).await;
    api.delete(&format!("/zones/{zone}")).await.result();
    let stored = api.store.snapshot();
    let stored: Vec<_> = stored.documents("dns_record").map(|document| &*document.key.id).collect();
    assert_eq!(stored, [kept.as_str()], "{gone} is gone");
}
