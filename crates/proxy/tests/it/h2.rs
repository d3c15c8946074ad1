//! HTTP/2 from clients (RFC 9113): requests and responses that nothing goes wrong with.

use crate::endpoint::Endpoint;
use crate::h2_client::{H2Client, get, run};
use crate::world::{Plan, World};

#[test]
fn a_request_reaches_the_endpoint_and_its_answer_the_client() {
    let endpoint = Endpoint::named("a");
    let world = World::start(Plan::pool(&[endpoint.address]));
    let answer = run(async { H2Client::connect(world.address).await.ask(get("/x?y")).await });
    assert_eq!((answer.status, answer.text()), (200, "a"));
    assert_eq!(endpoint.request().line(), "GET /x?y HTTP/1.1");
    assert_eq!(endpoint.request().all("host"), ["lb.test"]);
    if let Ok(seconds) = std::env::var("HOLD") {
        eprintln!("PORT {}", world.address.port());
        std::thread::sleep(std::time::Duration::from_secs(seconds.parse().unwrap()));
    }
}
