use evenkeel_model::{Address, AffinityKey, AffinityKeys, ConfigBuilder, EndpointSpec, PoolSpec};

use super::*;

/// One pool of endpoints, each known by a port.
fn config(ports: &[u16]) -> Arc<Config> {
    let keys = AffinityKeys { current: AffinityKey([7; 32]), previous: None };
    let mut builder = ConfigBuilder::new(keys);
    let endpoint = |port: &u16| EndpointSpec::new("e", Address::parse("192.0.2.1"), *port);
    let endpoints = ports.iter().map(endpoint).collect();
    builder.pool(PoolSpec::new(PoolId([1; 16]), "p", endpoints));
    Arc::new(builder.build())
}

/// A table that ejects for half a minute at the third failure in a row.
fn table(config: &Arc<Config>) -> OutlierTable {
    let table =
        OutlierTable::new(PassiveSettings { failures_max: 3, ..PassiveSettings::default() });
    table.follow(config);
    table
}

fn fail(table: &OutlierTable, config: &Config, ix: u32, times: u32, now_s: u64) {
    for _ in 0..times {
        let now = Timestamp::from_seconds(now_s);
        table.see(config, EndpointIx(ix), Evidence::ConnectFailed, now);
    }
}

#[test]
fn whoever_stands_out_is_left_alone_for_its_time() {
    let config = config(&[1, 2]);
    let table = table(&config);
    let [first, second] = [0, 1].map(|n: usize| config.endpoints[n].id);
    let at = Timestamp::from_seconds;
    fail(&table, &config, 0, 2, 100);
    table.see(&config, EndpointIx(0), Evidence::Answered, at(100));
    fail(&table, &config, 0, 2, 100);
    assert!(table.in_force(at(100)).is_none());
    fail(&table, &config, 0, 1, 100);
    assert_eq!(table.of(first, at(100)), Some(Cause::ConnectFailures));
    assert_eq!(
        (table.of(second, at(100)), table.ejected(at(100)), table.ejections()),
        (None, 1, 1)
    );
    // The cap spares the other one, and whoever is ejected is not looked at.
    fail(&table, &config, 1, 3, 100);
    fail(&table, &config, 0, 9, 129);
    assert_eq!((table.ejected(at(129)), table.ejections()), (1, 1));
    assert!(table.in_force(at(129)).is_some() && table.in_force(at(130)).is_none());
    assert_eq!(table.of(first, at(130)), None);
    // What is asked for by errors is told by the same word.
    for _ in 0..20 {
        table.see(&config, EndpointIx(0), Evidence::ServerError, at(130));
    }
    assert_eq!(table.of(first, at(130)), Some(Cause::ServerErrors));
    assert_eq!(
        (table.of(first, at(189)), table.of(first, at(190))),
        (Some(Cause::ServerErrors), None)
    );
}

#[test]
fn it_follows_the_configuration() {
    let before = config(&[1, 2, 3]);
    let table = table(&before);
    fail(&table, &before, 0, 3, 1);
    let id = before.endpoints[0].id;
    let now = Timestamp::from_seconds(2);
    // Reordered: the same endpoint.
    table.follow(&config(&[3, 2, 1]));
    assert!(table.of(id, now).is_some());
    // Gone and back: a new one, and no longer in the way of others.
    let without = config(&[2, 3]);
    table.follow(&without);
    assert_eq!((table.of(id, now), table.ejected(now)), (None, 0));
    fail(&table, &before, 0, 3, 2);
    fail(&table, &without, 0, 3, 2);
    assert_eq!(table.ejected(now), 1);
    table.follow(&config(&[1, 2, 3]));
    assert_eq!((table.of(id, now), table.ejected(now)), (None, 1));
}

#[test]
fn workers_together_eject_no_more_than_the_cap() {
    let config = config(&[1, 2, 3, 4]);
    let table = table(&config);
    std::thread::scope(|scope| {
        for n in 0..4 {
            let (table, config) = (&table, &config);
            scope.spawn(move || {
                for _ in 0..1_000 {
                    fail(table, config, n, 1, 1);
                }
            });
        }
    });
    assert_eq!((table.ejected(Timestamp::from_seconds(1)), table.ejections()), (2, 2));
}
