//! `evenkeel demo`: a node with sample endpoints and a load balancer over them, configured through
//! its own API as any user would, and the lines to try it with.

mod sample;
mod setup;

use std::net::{SocketAddr, TcpListener};

use evenkeel_model::Region;

use crate::cli::{DemoArgs, IntervalMin};
use crate::exit::Failure;
use crate::serve::{Announce, Heritage, Node, init_logs};
use crate::settings::{ApiSettings, HealthSettings, Settings, TlsSettings};
use sample::Samples;
use setup::Setup;

/// Names of the sample pools and of the endpoints in them, in failover order.
pub(crate) const POOLS: [(&str, [&str; 2]); 2] =
    [("eu", ["eu-1", "eu-2"]), ("us", ["us-1", "us-2"])];
/// The host name that is balanced, and its zone.
const ZONE: &str = "example.com";
const HOST: &str = "shop.example.com";

/// Runs until a signal comes.
///
/// # Errors
/// When no address is free or the node does not start.
pub(crate) fn run(args: &DemoArgs) -> Result<(), Failure> {
    init_logs("warn,evenkeel_control::publisher=info");
    let home = tempfile::Builder::new()
        .prefix("evenkeel-demo-")
        .tempdir()
        .map_err(Failure::doing("making a folder for the demo's data"))?;
    let samples = Samples::start().map_err(Failure::doing("starting the sample endpoints"))?;
    let setup = Setup::new();
    let settings = Settings {
        data_dir: home.path().join("data"),
        api: free_or_any(args.api),
        of_health: HealthSettings::default(),
        of_tls: TlsSettings { https: vec![free_or_any(args.https)], ..TlsSettings::default() },
        of_clients: crate::settings::ClientSettings::default(),
        of_dns: crate::settings::DnsSettings::default(),
        of_api: ApiSettings::default(),
        http: vec![free_or_any(args.http)],
        workers: 1,
        pop: "LOC".to_owned(),
        region: Region::Weu,
        coordinates: None,
        geoip: Vec::new(),
        monitor_interval_min: IntervalMin { ms: 1000 },
        passive_health: None,
        access_log: None,
        traces: None,
        api_token: Some(setup.token.clone()),
        account_id: Some(setup.account.clone()),
    };
    let node = Node::start(settings, Heritage::default(), Announce::Nothing)?;
    setup.configure(node.api, &samples).map_err(Failure::doing("configuring the demo"))?;
    print_guide(&node, &setup, &samples);
    node.run()
}

/// The address, or any free port beside it when it is taken.
fn free_or_any(address: SocketAddr) -> SocketAddr {
    match TcpListener::bind(address) {
        Ok(_) => address,
        Err(_) => SocketAddr::new(address.ip(), 0),
    }
}

fn print_guide(node: &Node, setup: &Setup, samples: &Samples) {
    let (api, http, https, switch) = (node.api, node.http[0], node.https[0], samples.switch);
    let (token, account) = (&setup.token, &setup.account);
    println!(
        "Evenkeel demo: {HOST} is balanced over two pools of two sample endpoints, with cookie affinity.
Pool eu serves while one of its endpoints is healthy, then pool us. Each request is shown below.

See who answers:
  curl -s -H 'Host: {HOST}' http://{http}/
The same over TLS and HTTP/2, with a certificate that nobody vouches for:
  curl -sk --connect-to ::{https} https://{HOST}/
Stay with one endpoint, by its cookie:
  curl -s -c /tmp/evenkeel-demo.cookies -b /tmp/evenkeel-demo.cookies -H 'Host: {HOST}' http://{http}/
Stop an endpoint and ask again; no request fails:
  curl -s -X POST http://{switch}/stop/eu-1
  curl -s -H 'Host: {HOST}' http://{http}/
Stop the other one, and pool us takes over; then start both again:
  curl -s -X POST http://{switch}/stop/eu-2
  curl -s -X POST http://{switch}/start/eu-1
  curl -s -X POST http://{switch}/start/eu-2
Ask the API, which is Cloudflare's:
  curl -s -H 'Authorization: Bearer {token}' http://{api}/client/v4/accounts/{account}/load_balancers/pools
See the counters:
  curl -s http://{api}/metrics

Ctrl-C ends the demo; nothing is kept.
"
    );
}
