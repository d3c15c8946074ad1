//! Where a client is, as its endpoints are told.

use std::path::Path;

use evenkeel_net::geo::GeoFiles;

use crate::client::Client;
use crate::endpoint::Endpoint;
use crate::world::{Plan, World};

/// `data/example.mmdb` of `net` gives loopback addresses to several countries.
pub(crate) fn example() -> GeoFiles {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../net/data/example.mmdb");
    GeoFiles::open(&[file]).expect("the example is whole")
}

#[test]
fn the_endpoint_is_told_the_clients_country_and_nobody_elses_word() {
    let endpoint = Endpoint::named("a");
    let mut plan = Plan::pool(&[endpoint.address]);
    plan.geo = example().geo();
    let world = World::start(plan);
    for (source, country) in
        [("127.0.0.1", "XX"), ("127.0.0.2", "DE"), ("127.0.0.3", "US"), ("127.0.0.4", "JP")]
    {
        let mut client = Client::connect_from(source.parse().unwrap(), world.address);
        client.get("CF-IPCountry: FR\r\n");
        let request = endpoint.requests().pop().unwrap();
        assert_eq!(request.all("cf-ipcountry"), [country], "{source}");
        assert_eq!(request.all("cf-connecting-ip"), [source]);
    }
}
