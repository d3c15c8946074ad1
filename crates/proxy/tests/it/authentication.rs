//! Connections that authenticate their user (NTLM, Negotiate): they stay with the client whose they
//! are (behaviour.md 4.4).

use crate::endpoint::Endpoint;
use crate::world::{Plan, World};

#[test]
fn a_connection_that_authenticates_its_user_stays_with_its_client() {
    let ntlm = "HTTP/1.1 401 No\r\nWWW-Authenticate: Negotiate\r\nWWW-Authenticate: NTLM\r\nContent-Length: 0\r\n\r\n";
    let token = "HTTP/1.1 200 OK\r\nWWW-Authenticate: Negotiate oRQw\r\nContent-Length: 0\r\n\r\n";
    let listed =
        "HTTP/1.1 401 No\r\nwww-authenticate: Basic realm=\"x\", ntlm\r\nContent-Length: 0\r\n\r\n";
    let plain = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    for (lines, response) in [
        ("", ntlm),
        ("", token),
        ("", listed),
        // A client that comes with its token at once.
        ("Authorization: NTLM TlRM\r\n", plain),
        ("authorization: negotiate YIIG\r\n", plain),
    ] {
        let endpoint = Endpoint::scripted(move |mut conversation| {
            while let Some(request) = conversation.request() {
                if request.all("x-end").is_empty() {
                    conversation.send(response);
                } else {
                    conversation.answer("mine");
                }
            }
        });
        let world = World::start(Plan::pool(&[endpoint.address]));
        let mut client = world.client();
        client.get(lines);
        assert_eq!(world.metrics.upstream_idle.get(), 0, "{response:?}");
        world.client().get("X-End: 1\r\n");
        client.get("X-End: 1\r\n");
        client.get("X-End: 1\r\n");
        let used: Vec<usize> = endpoint.requests().iter().map(|r| r.connection).collect();
        assert_eq!(used, [1, 2, 1, 1], "{response:?}");
        drop(client);
        endpoint.wait_for_ends(1);
    }
    // Everything else is shared.
    for challenge in ["Basic realm=\"NTLM\"", "Bearer", "NTLMv3", "X-Negotiate"] {
        let endpoint = Endpoint::scripted(move |mut conversation| {
            while conversation.request().is_some() {
                conversation.send(format!(
                    "HTTP/1.1 401 No\r\nWWW-Authenticate: {challenge}\r\nContent-Length: 0\r\n\r\n"
                ));
            }
        });
        let world = World::start(Plan::pool(&[endpoint.address]));
        world.client().get("Authorization: Basic x\r\n");
        world.client().get("");
        assert_eq!(endpoint.connections(), 1, "{challenge}");
    }
}

#[test]
fn an_authenticated_connection_that_went_stale_is_replaced() {
    let endpoint = Endpoint::scripted(|mut conversation| {
        conversation.request().unwrap();
        conversation.send("HTTP/1.1 401 No\r\nWWW-Authenticate: NTLM\r\nContent-Length: 0\r\n\r\n");
        if conversation.connection == 1 {
            conversation.request_head();
        }
    });
    let world = World::start(Plan::pool(&[endpoint.address]));
    let mut client = world.client();
    client.get("");
    assert_eq!(client.get("").status, 401);
    assert_eq!((endpoint.connections(), world.metrics.stale_retries.get()), (2, 1));
}
