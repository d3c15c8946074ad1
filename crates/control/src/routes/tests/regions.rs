//! Regions (api.md 2.10).

use super::*;

fn regions(rest: &str) -> String {
    format!("/accounts/{ACCOUNT}/load_balancers/regions{rest}")
}

/// The countries of an answer by region: `WNAM: CA HT`.
fn told(result: &Value) -> String {
    let regions = result["regions"].as_array().unwrap().iter().map(|region| {
        let countries = region["countries"].as_array().unwrap().iter();
        let codes: Vec<_> =
            countries.map(|country| country["country_code_a2"].as_str().unwrap()).collect();
        format!("{}: {}", region["region_code"].as_str().unwrap(), codes.join(" "))
    });
    regions.collect::<Vec<_>>().join(", ")
}

#[tokio::test]
async fn regions_are_filtered_under_either_name() {
    let api = Api::start().await;
    let all = api.get(&regions("")).await.result();
    assert_eq!(all["regions"].as_array().unwrap().len(), 13);
    for (rest, found) in [
        ("?country_code_a2=US", "WNAM: US, ENAM: US"),
        ("?country_code=us", "WNAM: US, ENAM: US"),
        ("?country_code=DE&country_code_a2=FR", "WEU: FR"),
        ("?country_code_a2=US&subdivision_code_a2=CA", "WNAM: US"),
        ("?country_code=US&subdivision_code=NY", "ENAM: US"),
        ("?subdivision_code=ON&unknown=1", "ENAM: CA"),
        ("?country_code=ZZ", ""),
        ("/WNAM", "WNAM: CA HT MX US"),
        ("/wnam?country_code_a2=MX", "WNAM: MX"),
        ("/WNAM?country_code_a2=DE", ""),
    ] {
        assert_eq!(told(&api.get(&regions(rest)).await.result()), found, "{rest}");
    }
    assert_eq!(
        api.get(&regions("?country_code=US&subdivision_code=CA")).await.result(),
        json!({
            "iso_standard": "Country and subdivision codes follow ISO 3166-1 alpha-2 and ISO 3166-2",
            "regions": [{"region_code": "WNAM", "countries": [
                {"country_code_a2": "US", "country_name": "United States", "country_subdivisions": [
                    {"subdivision_code_a2": "CA", "subdivision_name": "California"}]}]}]})
    );
}

#[tokio::test]
async fn regions_are_refused_in_the_apis_shape() {
    let api = Api::start().await;
    for (rest, refusal) in [
        ("?country_code_a2=USA", "400/1002"),
        ("?subdivision_code=", "400/1002"),
        ("?country_code=U&subdivision_code=C", "400/1002,1002"),
        ("/ALL_REGIONS", "404/1001"),
        ("/%FF", "404/7003,7000"),
        ("/WNAM/x", "404/7003,7000"),
    ] {
        assert_eq!(api.get(&regions(rest)).await.failure(), refusal, "{rest}");
    }
    let elsewhere = format!("/accounts/{NOBODY}/load_balancers/regions");
    assert_eq!(api.get(&elsewhere).await.failure(), "404/1001");
    assert_eq!(api.post(&regions(""), json!({})).await.failure(), "405/10405");
}
