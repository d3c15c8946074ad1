use super::*;

fn page_of(workers: &[Traffic], load: &dyn Fn(u128) -> EndpointLoad) -> String {
    let mut page = Exposition::default();
    render(workers.iter(), load, &mut page);
    page.finish()
}

fn idle(_: u128) -> EndpointLoad {
    EndpointLoad::default()
}

#[test]
fn workers_and_things_of_one_name_are_summed() {
    let workers = [Traffic::default(), Traffic::default()];
    workers[0].endpoints.cells(1, ["eu", "a"]).requested(Some(200));
    workers[1].endpoints.cells(1, ["eu", "a"]).requested(Some(204));
    // Another endpoint of the same name, and one of another pool.
    workers[1].endpoints.cells(2, ["eu", "a"]).requested(Some(200));
    workers[0].endpoints.cells(3, ["us", "a"]).requested(None);
    workers[0].endpoints.cells(1, ["eu", "a"]).connect_failed("timed_out");
    workers[0].endpoints.cells(1, ["eu", "a"]).connect_failed("nonsense");
    workers[1].endpoints.cells(2, ["eu", "a"]).first_byte.observe(3_000);
    workers[0].endpoints.cells(3, ["us", "a"]).idle.increment();
    let lb = workers[0].load_balancers.cells(9, ["shop.test", ""]);
    lb.requested(Some(503));
    lb.session(SessionResult::Moved);
    let pool = workers[0].pools.cells(8, ["eu", ""]);
    pool.passed_over("shed");
    pool.passed_over("critical");
    let load = |id| match id {
        1 => EndpointLoad { requests: 2, connections: 5 },
        2 => EndpointLoad { requests: 1, connections: 1 },
        _ => EndpointLoad::default(),
    };
    let page = page_of(&workers, &load);
    for line in [
        "evenkeel_endpoint_requests_total{pool=\"eu\",endpoint=\"a\",class=\"2xx\"} 3",
        "evenkeel_endpoint_requests_total{pool=\"us\",endpoint=\"a\",class=\"none\"} 1",
        "evenkeel_endpoint_connect_failures_total{pool=\"eu\",endpoint=\"a\",reason=\"timed_out\"} 1",
        "evenkeel_endpoint_connect_failures_total{pool=\"eu\",endpoint=\"a\",reason=\"other\"} 1",
        "evenkeel_endpoint_first_byte_duration_seconds_bucket{pool=\"eu\",endpoint=\"a\",le=\"0.005\"} 1",
        "evenkeel_endpoint_first_byte_duration_seconds_count{pool=\"eu\",endpoint=\"a\"} 1",
        "evenkeel_endpoint_connections_idle{pool=\"us\",endpoint=\"a\"} 1",
        "evenkeel_endpoint_connections{pool=\"eu\",endpoint=\"a\"} 6",
        "evenkeel_endpoint_requests{pool=\"eu\",endpoint=\"a\"} 3",
        "evenkeel_load_balancer_requests_total{load_balancer=\"shop.test\",class=\"5xx\"} 1",
        "evenkeel_load_balancer_sessions_total{load_balancer=\"shop.test\",result=\"moved\"} 1",
        "evenkeel_load_balancer_retries_total{load_balancer=\"shop.test\"} 0",
        "evenkeel_pool_sheds_total{pool=\"eu\"} 1",
        "evenkeel_pool_passed_over_total{pool=\"eu\",reason=\"shed\"} 1",
        "evenkeel_pool_passed_over_total{pool=\"eu\",reason=\"critical\"} 1",
    ] {
        assert!(page.lines().any(|have| have == line), "{line} missing in\n{page}");
    }
    let series = page.lines().filter(|line| !line.starts_with('#'));
    let names: Vec<_> =
        series.filter_map(|line| line.rsplit_once(' ')).map(|(name, _)| name).collect();
    let mut once = names.clone();
    once.sort_unstable();
    once.dedup();
    assert_eq!(once.len(), names.len(), "no series comes twice");
}

#[test]
fn what_had_no_traffic_writes_no_samples() {
    let page = page_of(&[Traffic::default()], &idle);
    assert!(page.lines().all(|line| line.starts_with('#')), "{page}");
}
