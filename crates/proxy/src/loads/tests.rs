use std::time::Duration;

use evenkeel_model::{Address, AffinityKey, AffinityKeys, ConfigBuilder, EndpointSpec, PoolSpec};

use super::*;

const NOW: Timestamp = Timestamp::from_seconds(1_795_422_480);

/// Pools of endpoints, each known by a port.
fn config(pools: &[&[u16]]) -> Arc<Config> {
    let keys = AffinityKeys { current: AffinityKey([7; 32]), previous: None };
    let mut builder = ConfigBuilder::new(keys);
    for (n, ports) in (1u8..).zip(pools) {
        let endpoint = |port: &u16| EndpointSpec::new("e", Address::parse("192.0.2.1"), *port);
        let endpoints = ports.iter().map(endpoint).collect();
        builder.pool(PoolSpec::new(PoolId([n; 16]), "p", endpoints));
    }
    Arc::new(builder.build())
}

fn load(requests: u32, connections: u32) -> Load {
    Load::new(requests, connections)
}

#[test]
fn a_guard_counts_on_the_endpoint_and_its_pool() {
    let table = LoadTable::default();
    let config = config(&[&[1, 2], &[3]]);
    let ids: Vec<_> = config.endpoints.iter().map(|endpoint| endpoint.id).collect();
    let first = table.request(&config, EndpointIx(0), || NOW);
    let second = table.request(&config, EndpointIx(1), || NOW);
    let connection = table.connection(&config, EndpointIx(1));
    assert_eq!(
        ids.iter().map(|id| table.endpoint(*id)).collect::<Vec<_>>(),
        [load(1, 0), load(1, 1), load(0, 0)]
    );
    assert_eq!(table.pool(PoolId([1; 16])), load(2, 1));
    assert_eq!(table.pool(PoolId([2; 16])), load(0, 0));
    drop((first, second, connection));
    assert_eq!(table.pool(PoolId([1; 16])), load(0, 0));
    assert_eq!(table.endpoint(EndpointId(77)), load(0, 0));
}

#[test]
fn counts_outlive_configurations() {
    let table = LoadTable::default();
    let before = config(&[&[1, 2]]);
    table.follow(&before);
    let id = before.endpoints[0].id;
    let request = table.request(&before, EndpointIx(0), || NOW);
    // Reordered, gone, and back again: the same endpoint.
    for ports in [&[2, 1][..], &[2], &[1]] {
        table.follow(&config(&[ports]));
        assert_eq!(table.endpoint(id), load(1, 0));
        assert_eq!(table.pool(PoolId([1; 16])), load(1, 0));
    }
    drop(request);
    assert_eq!(table.endpoint(id), load(0, 0));
}

#[test]
fn what_left_and_is_not_counted_is_forgotten() {
    let table = LoadTable::default();
    let before = config(&[&[1, 2], &[3]]);
    table.follow(&before);
    let request = table.request(&before, EndpointIx(2), || NOW);
    let counted = |table: &LoadTable| {
        let counters = table.0.load();
        (counters.endpoints.len(), counters.pools.len())
    };
    assert_eq!(counted(&table), (3, 2));
    let after = config(&[&[2]]);
    table.follow(&after);
    assert_eq!(counted(&table), (2, 2));
    drop(request);
    // Followed already: only another configuration is looked at.
    table.follow(&after);
    assert_eq!(counted(&table), (2, 2));
    table.follow(&config(&[&[2]]));
    table.follow(&config(&[&[2]]));
    assert_eq!(counted(&table), (1, 1));
}

#[test]
fn all_threads_count_on_the_same() {
    let table = LoadTable::default();
    let config = config(&[&[1, 2]]);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..1_000 {
                    drop(table.request(&config, EndpointIx(1), || NOW));
                    table.follow(&config);
                }
            });
        }
    });
    assert_eq!(table.pool(PoolId([1; 16])), load(0, 0));
}

/// One pool of two endpoints, steered by this.
fn steered(by: EndpointSteering) -> Arc<Config> {
    let keys = AffinityKeys { current: AffinityKey([7; 32]), previous: None };
    let mut builder = ConfigBuilder::new(keys);
    let endpoint = |port| EndpointSpec::new("e", Address::parse("192.0.2.1"), port);
    let mut pool = PoolSpec::new(PoolId([1; 16]), "p", vec![endpoint(1), endpoint(2)]);
    pool.endpoint_steering = by;
    builder.pool(pool);
    Arc::new(builder.build())
}

/// What is known of the first endpoint after requests that each took so long, and met this.
async fn known_after(
    by: EndpointSteering,
    requests: &[(u64, bool, Option<Evidence>)],
) -> Option<u64> {
    let (table, config) = (LoadTable::default(), steered(by));
    table.follow(&config);
    for (ms, is_at_hand, evidence) in requests {
        let mut request = table.request(&config, EndpointIx(0), || NOW);
        tokio::time::advance(Duration::from_secs(9)).await;
        request.dispatched(*is_at_hand);
        tokio::time::advance(Duration::from_millis(*ms)).await;
        request.met(*evidence);
        // The body takes its time.
        tokio::time::advance(Duration::from_secs(9)).await;
    }
    let load = |n: usize| table.endpoint(config.endpoints[n].id);
    assert_eq!((load(0).requests, load(1)), (0, Load::default()));
    load(0).pace.latency_us().map(|us| us / 1_000)
}

#[tokio::test(start_paused = true)]
async fn the_first_byte_tells_how_fast_an_endpoint_is() {
    const LEAST_LATENCY: EndpointSteering = EndpointSteering::LeastLatency;
    let (answered, failed) = (Some(Evidence::Answered), Some(Evidence::ServerError));
    let refused = Some(Evidence::ConnectFailed);
    for (requests, ms) in [
        (&[][..], None),
        (&[(20, true, answered)], Some(20)),
        (&[(20, true, answered), (80, true, answered)], Some(40)),
        // An upload waits for its client.
        (&[(20, false, answered)], None),
        // Fast failures are slow, uploads or not; slow ones are as slow as they are.
        (&[(1, true, failed)], Some(250)),
        (&[(1, false, refused)], Some(250)),
        (&[(2_000, true, failed)], Some(2_000)),
        // Nobody waited for the rest: nine seconds more. Those of a fast endpoint tell nothing.
        (&[(1_000, true, None)], Some(10_000)),
        (&[(1_000, false, None)], None),
        (&[(20_000, true, answered), (1_000, true, None)], Some(20_000)),
    ] {
        let known = known_after(LEAST_LATENCY, requests).await;
        let about = |ms: u64| (ms - ms / 100 - 1..=ms + ms / 100 + 1).contains(&known.unwrap_or(0));
        assert!(ms.map_or(known.is_none(), about), "{requests:?}: {known:?} is not {ms:?}");
    }
    // Elsewhere nobody asks.
    let answer = [(20, true, answered)];
    let known = known_after(EndpointSteering::LeastOutstandingRequests, &answer).await;
    assert_eq!(known, None);
}

#[tokio::test(start_paused = true)]
async fn a_pace_outlives_configurations_and_is_shared() {
    let (table, config) = (LoadTable::default(), steered(EndpointSteering::LeastLatency));
    table.follow(&config);
    let mut request = table.request(&config, EndpointIx(1), || NOW);
    request.dispatched(true);
    tokio::time::advance(Duration::from_millis(30)).await;
    request.met(Some(Evidence::Answered));
    table.follow(&steered(EndpointSteering::Random));
    let pace = table.endpoint(config.endpoints[1].id).pace;
    assert!(pace.latency_us().is_some_and(|us| (29_900..=30_100).contains(&us)), "{pace:?}");
}
