use evenkeel_model::{Address, AffinityKey, AffinityKeys, ConfigBuilder, EndpointSpec, PoolSpec};

use super::*;

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
    Load { requests, connections }
}

#[test]
fn a_guard_counts_on_the_endpoint_and_its_pool() {
    let table = LoadTable::default();
    let config = config(&[&[1, 2], &[3]]);
    let ids: Vec<_> = config.endpoints.iter().map(|endpoint| endpoint.id).collect();
    let first = table.request(&config, EndpointIx(0));
    let second = table.request(&config, EndpointIx(1));
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
    let request = table.request(&before, EndpointIx(0));
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
    let request = table.request(&before, EndpointIx(2));
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
                    drop(table.request(&config, EndpointIx(1)));
                    table.follow(&config);
                }
            });
        }
    });
    assert_eq!(table.pool(PoolId([1; 16])), load(0, 0));
}
