//! Hostile requests (hostile-inputs.md rows 1 to 16, 18, 19, 29 and 30) over the wire: what they are
//! answered with, and above all what the endpoint gets to see of them. What the codec alone
//! decides has its tables in `h1`.

use std::sync::mpsc;

use crate::client::End;
use crate::endpoint::Endpoint;
use crate::world::{Plan, World, eventually, ms};

/// What follows an attack in the same packet; it must never be seen as a request.
const SMUGGLED: &str = "GET /smuggled HTTP/1.1\r\nHost: lb.test\r\n\r\n";

/// An endpoint and a proxy in front of it that are attacked.
struct Target {
    endpoint: Endpoint,
    world: World,
}

impl Target {
    fn new() -> Self {
        let endpoint = Endpoint::named("a");
        let world = World::start(Plan::pool(&[endpoint.address]));
        Self { endpoint, world }
    }

    /// Sends bytes and a request to be smuggled behind them: there has to be one answer, with one
    /// of these statuses and with the end of the connection behind it, and the endpoint must have
    /// seen nothing whole.
    fn refuses(&self, request: impl AsRef<[u8]>, statuses: &[u16]) {
        let request = request.as_ref();
        let text = String::from_utf8_lossy(&request[..request.len().min(300)]).into_owned();
        let mut client = self.world.client();
        // The proxy may answer and close before it has read everything.
        let _ = client.try_send(request) && client.try_send(SMUGGLED);
        let response = client.head().unwrap_or_else(|| panic!("no answer to {text:?}"));
        assert!(statuses.contains(&response.status), "{} for {text:?}", response.status);
        assert_eq!(response.all("connection"), ["close"], "{text:?}");
        let body = response.all("content-length")[0].parse().unwrap();
        client.read(body);
        let (rest, _) = client.rest();
        assert_eq!(String::from_utf8_lossy(&rest), "", "{text:?}");
        assert_eq!(self.endpoint.requests().len(), 0, "{text:?}");
    }

    /// The same for a request made of lines behind `POST / HTTP/1.1` and `Host`.
    fn refuses_lines(&self, lines: &str, statuses: &[u16]) {
        self.refuses(format!("POST / HTTP/1.1\r\nHost: lb.test\r\n{lines}"), statuses);
    }
}

impl Drop for Target {
    /// Whatever was tried, others are served as before.
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert_eq!(self.world.client().get("").text(), "a");
        }
    }
}

#[test]
fn row01_length_and_chunks_together() {
    let target = Target::new();
    for lines in [
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
        "transfer-encoding: CHUNKED\r\ncontent-length: 0\r\n\r\n0\r\n\r\n",
    ] {
        target.refuses_lines(lines, &[400]);
    }
}

#[test]
fn row02_lengths_that_are_not_one_number() {
    let target = Target::new();
    for value in [
        "5, 6",
        "5,5",
        "+5",
        "-5",
        "0x5",
        " 5 ",
        "5 ",
        "\t5",
        "",
        "05",
        "5;",
        "five",
        "5\r\nContent-Length: 6",
        "5\r\nContent-Length: 5",
        "9223372036854775808",
        "99999999999999999999999",
    ] {
        target.refuses_lines(&format!("Content-Length: {value}\r\n\r\nhello"), &[400]);
    }
}

#[test]
fn row03_transfer_encodings_in_disguise() {
    let target = Target::new();
    for value in [
        "chunked\x0b",
        "\x0bchunked",
        "xchunked",
        "chunked, identity",
        "identity, chunked",
        "\tchunked",
        " chunked",
        ",chunked",
        ", chunked",
        "chunked,",
        "chunked\r\nTransfer-Encoding: chunked",
        "chunked\r\nTransfer-Encoding: identity",
        "identity",
        "gzip, chunked",
        "\"chunked\"",
        "chunked;q=1",
        "",
        "chunked\x00",
        "chunked\u{e9}",
    ] {
        let lines = format!("Transfer-Encoding: {value}\r\n\r\n0\r\n\r\n");
        target.refuses_lines(&lines, &[400, 501]);
    }
    for line in [
        "Transfer-Encoding : chunked",
        "Transfer-Encoding\t: chunked",
        " Transfer-Encoding: chunked",
        "X: y\nTransfer-Encoding: chunked",
        "X: y\rTransfer-Encoding: chunked",
        "Transfer-Encoding:\r\n chunked",
        "Transfer\x00-Encoding: chunked",
    ] {
        target.refuses_lines(&format!("{line}\r\n\r\n0\r\n\r\n"), &[400]);
    }
}

#[test]
fn row04_line_ends_without_their_other_half() {
    let target = Target::new();
    for request in [
        "GET / HTTP/1.1\nHost: lb.test\n\n",
        "GET / HTTP/1.1\r\nHost: lb.test\n\r\n",
        "GET / HTTP/1.1\r\nHost: lb.test\r\n\n",
        "GET / HTTP/1.1\r\nHost: lb.test\r\nX: a\rb\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: lb.test\r\nX: a\r\r\n\r\n",
        "GET / HTTP/1.1\rHost: lb.test\r\r",
        "\nGET / HTTP/1.1\r\nHost: lb.test\r\n\r\n",
    ] {
        target.refuses(request, &[400]);
    }
    for chunks in [
        "5\nhello\r\n0\r\n\r\n",
        "5\r\nhello\n0\r\n\r\n",
        "5\r\nhello\r\n0\n\r\n",
        "5\r\nhello\r\n0\r\n\n",
        "5\rhello\r\n0\r\n\r\n",
        "5\r\nhello\r0\r\n\r\n",
    ] {
        target.refuses_lines(&format!("Transfer-Encoding: chunked\r\n\r\n{chunks}"), &[400]);
    }
}

#[test]
fn row05_chunk_sizes_that_are_not_sizes() {
    let target = Target::new();
    for size in [
        "FFFFFFFFFFFFFFFF1",
        "FFFFFFFFFFFFFFFF",
        "8000000000000000",
        "-1",
        "+5",
        "0x5",
        "5_0",
        " 5",
        "",
        "g",
        "5,5",
        "00000000000000005",
    ] {
        let lines = format!("Transfer-Encoding: chunked\r\n\r\n{size}\r\nhello\r\n0\r\n\r\n");
        target.refuses_lines(&lines, &[400]);
    }
    let extension = "x".repeat(1024 * 1024);
    let lines = format!("Transfer-Encoding: chunked\r\n\r\n5;{extension}\r\nhello\r\n0\r\n\r\n");
    target.refuses_lines(&lines, &[400]);
    // A little at a time is too much in the end as well.
    let chunks = format!("1;{}\r\nx\r\n", "y".repeat(100)).repeat(1000);
    target.refuses_lines(&format!("Transfer-Encoding: chunked\r\n\r\n{chunks}0\r\n\r\n"), &[400]);
}

#[test]
fn row06_chunk_extensions_and_ends_of_bodies() {
    let target = Target::new();
    for chunks in [
        "5;\nhello\r\n0\r\n\r\n",
        "5;a\nhello\r\n0\r\n\r\n",
        "5;a=\"\n\"\r\nhello\r\n0\r\n\r\n",
        "5;a\rb\r\nhello\r\n0\r\n\r\n",
        "5\r\nhello0\r\n\r\n",
        "5\r\nhelloXX0\r\n\r\n",
        "5\r\nhello\r\n0\r\nGET /smuggled HTTP/1.1\r\n\r\n",
        "5\r\nhello\r\n0\r\n Content-Length: 5\r\n\r\n",
        "5\r\nhello\r\n0\r\nA : b\r\n\r\n",
    ] {
        target.refuses_lines(&format!("Transfer-Encoding: chunked\r\n\r\n{chunks}"), &[400]);
    }
}

#[test]
fn row06_trailers_that_would_change_the_request_are_dropped() {
    let target = Target::new();
    let mut client = target.world.client();
    client.send(
        "POST / HTTP/1.1\r\nHost: lb.test\r\nTransfer-Encoding: chunked\r\n\r\n\
         5\r\nhello\r\n0\r\nContent-Length: 50\r\nHost: other.test\r\nX-Sum: 1\r\n\
         CF-Connecting-IP: 1.2.3.4\r\nTransfer-Encoding: chunked\r\n\r\n",
    );
    assert_eq!(client.response().status, 200);
    let request = target.endpoint.request();
    assert_eq!((request.text(), request.trailers.as_str()), ("hello", "X-Sum: 1\r\n"));
}

#[test]
fn row07_http10_and_bodies_without_a_length() {
    let target = Target::new();
    target.refuses(
        "POST / HTTP/1.0\r\nHost: lb.test\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        &[400],
    );
    for keep_alive in ["", "Connection: keep-alive\r\n"] {
        let seen = target.endpoint.requests().len();
        let mut client = target.world.client();
        client.send(format!("POST /0 HTTP/1.0\r\nHost: lb.test\r\n{keep_alive}\r\n{SMUGGLED}"));
        let response = client.response();
        assert_eq!((response.status, response.all("connection")), (200, vec!["close"]));
        assert_eq!(client.end(), End::Closed, "the answer must not be lost to a reset");
        let requests = target.endpoint.requests();
        assert_eq!(requests.len(), seen + 1);
        assert_eq!((requests[seen].line(), requests[seen].text()), ("POST /0 HTTP/1.1", ""));
    }
}

#[test]
fn row08_what_follows_an_upgrade_waits_for_the_answer() {
    let (head_read, after_head) = mpsc::channel();
    let (go, may_answer) = mpsc::channel::<()>();
    let may_answer = std::sync::Mutex::new(may_answer);
    let endpoint = Endpoint::scripted(move |mut conversation| {
        conversation.request().unwrap();
        head_read.send(()).unwrap();
        may_answer.lock().unwrap().recv().unwrap();
        // Nothing may have come before this answer.
        conversation.stream.set_nonblocking(true).unwrap();
        let early = conversation.stream.peek(&mut [0]).map_err(|error| error.kind());
        assert_eq!(early, Err(std::io::ErrorKind::WouldBlock));
        conversation.stream.set_nonblocking(false).unwrap();
        conversation.answer("no");
        conversation.request().unwrap();
        conversation.answer("second");
    });
    let world = World::start(Plan::pool(&[endpoint.address]));
    let mut client = world.client();
    client.send(format!(
        "GET /ws HTTP/1.1\r\nHost: lb.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n{SMUGGLED}"
    ));
    after_head.recv().unwrap();
    go.send(()).unwrap();
    assert_eq!((client.response().text(), client.response().text()), ("no", "second"));
    let requests = endpoint.requests();
    assert_eq!(requests[1].line(), "GET /smuggled HTTP/1.1");
    // It is a request like any other: read and written by the proxy.
    assert_eq!(requests[1].all("cf-connecting-ip"), ["127.0.0.1"]);
}

#[test]
fn row09_an_upgrade_with_a_body_is_no_upgrade() {
    let target = Target::new();
    let mut client = target.world.client();
    client.send(format!(
        "POST /ws HTTP/1.1\r\nHost: lb.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Content-Length: {}\r\n\r\n{SMUGGLED}",
        SMUGGLED.len()
    ));
    assert_eq!(client.response().status, 200);
    let request = target.endpoint.request();
    assert_eq!(request.text(), SMUGGLED);
    assert!(request.all("upgrade").is_empty());
    assert_eq!(client.get("").status, 200);
    assert_eq!(target.endpoint.requests().len(), 2);
}

#[test]
fn row10_what_the_proxy_says_cannot_be_named_away() {
    let target = Target::new();
    let response = target.world.client().get(
        "Connection: close, X-Forwarded-For, X-Forwarded-Proto, CF-Connecting-IP, CF-Ray, CDN-Loop, Host, Cookie, \
         Content-Length\r\nCookie: a=b\r\n",
    );
    assert_eq!(response.status, 200);
    let request = target.endpoint.request();
    for (name, value) in [
        ("host", "lb.test"),
        ("cookie", "a=b"),
        ("x-forwarded-for", "127.0.0.1"),
        ("x-forwarded-proto", "http"),
        ("cf-connecting-ip", "127.0.0.1"),
    ] {
        assert_eq!(request.all(name), [value]);
    }
    assert_eq!((request.all("cf-ray").len(), request.all("cdn-loop").len()), (1, 1));
}

#[test]
fn row11_hosts() {
    let target = Target::new();
    for request in [
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: lb.test\r\nHost: lb.test\r\n\r\n",
        "GET / HTTP/1.1\r\nHost:\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a@lb.test\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: lb.test:99999\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: lb.test/x\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: lb.test, other.test\r\n\r\n",
        "GET http://other.test/ HTTP/1.1\r\nHost: lb.test\r\n\r\n",
        "GET http://user@lb.test/ HTTP/1.1\r\nHost: lb.test\r\n\r\n",
        "GET http://user:pw@lb.test/ HTTP/1.1\r\nHost: user:pw@lb.test\r\n\r\n",
        "GET lb.test/ HTTP/1.1\r\nHost: lb.test\r\n\r\n",
        "GET ftp://lb.test/ HTTP/1.1\r\nHost: lb.test\r\n\r\n",
    ] {
        target.refuses(request, &[400]);
    }
    for (line, host) in [
        ("GET / HTTP/1.1", "lb.test."),
        ("GET / HTTP/1.1", "LB.Test:80"),
        ("GET http://lb.test/ HTTP/1.1", "lb.test"),
    ] {
        let mut client = target.world.client();
        client.send(format!("{line}\r\nHost: {host}\r\n\r\n"));
        assert_eq!(client.response().status, 200, "{line} {host}");
        let requests = target.endpoint.requests();
        let last = requests.last().unwrap();
        assert_eq!((last.line(), last.all("host")), ("GET / HTTP/1.1", vec![host]));
    }
}

#[test]
fn row12_paths_arrive_as_they_were_sent_or_not_at_all() {
    let target = Target::new();
    for path in ["/a%00b", "/\0", "/\u{e9}", "/a#b", "/a b", "/\x7f", "/\x01"] {
        target.refuses(format!("GET {path} HTTP/1.1\r\nHost: lb.test\r\n\r\n"), &[400]);
    }
    for path in [
        "//", "//a//b", "/..;/a", "/a/../b", "/%2e%2e/", "/a%2fb", "/%c0%ae", "/a%", "/a?b=%00",
        "/?", "/a;b?c?d",
    ] {
        let mut client = target.world.client();
        client.send(format!("GET {path} HTTP/1.1\r\nHost: lb.test\r\n\r\n"));
        assert_eq!(client.response().status, 200, "{path}");
        let requests = target.endpoint.requests();
        assert_eq!(requests.last().unwrap().line(), format!("GET {path} HTTP/1.1"));
    }
}

#[test]
fn row13_heads_without_an_end() {
    let target = Target::new();
    let mega = "x".repeat(1024 * 1024);
    target.refuses(format!("GET /{mega} HTTP/1.1\r\nHost: lb.test\r\n\r\n"), &[414]);
    target.refuses(format!("GET / HTTP/1.1\r\nHost: lb.test\r\nX: {mega}\r\n\r\n"), &[431]);
    let many: String = (0..10_000).map(|n| format!("X-{n}: y\r\n")).collect();
    target.refuses(format!("GET / HTTP/1.1\r\nHost: lb.test\r\n{many}\r\n"), &[431]);
    let method = "M".repeat(100 * 1024);
    target.refuses(format!("{method} / HTTP/1.1\r\nHost: lb.test\r\n\r\n"), &[400]);
}

#[test]
fn row14_fields_that_are_none() {
    let target = Target::new();
    let fields: [&[u8]; 12] = [
        b"X: a\r\n b",
        b"X: a\r\n\tb",
        b" X: a",
        b"X : a",
        b": a",
        b"X\0: a",
        b"X: a\0b",
        b"X\x80: a",
        b"X\xff: a",
        b"X: \x01",
        b"X: \x7f",
        b"nothing",
    ];
    for field in fields {
        let request = [b"GET / HTTP/1.1\r\nHost: lb.test\r\n", field, b"\r\n\r\n"].concat();
        target.refuses(request, &[400]);
    }
}

#[test]
fn row15_an_expectation_that_no_body_follows() {
    let endpoint = Endpoint::scripted(|mut conversation| {
        conversation.request_head().unwrap();
        conversation.send("HTTP/1.1 100 Continue\r\n\r\n");
        conversation.wait_for_end();
    });
    let mut plan = Plan::pool(&[endpoint.address]);
    plan.settings.timeouts.request_body = ms(200);
    let world = World::start(plan);
    let mut client = world.client();
    client.send(
        "POST / HTTP/1.1\r\nHost: lb.test\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n",
    );
    assert_eq!(client.head().unwrap().status, 100);
    assert_eq!(client.response().status, 408);
    assert_eq!(client.end(), End::Closed);
    endpoint.wait_for_ends(1);

    let target = Target::new();
    target.refuses_lines("Expect: a miracle\r\nContent-Length: 0\r\n\r\n", &[417]);
}

#[test]
fn row16_a_thousand_requests_and_a_client_that_never_reads() {
    let body = "x".repeat(64 * 1024);
    let endpoint = Endpoint::scripted(move |mut conversation| {
        while conversation.request().is_some() {
            conversation.answer(&body);
        }
    });
    let mut plan = Plan::pool(&[endpoint.address]);
    plan.settings.timeouts.downstream_write = ms(300);
    let world = World::start(plan);
    let mut client = world.client();
    client.send("GET / HTTP/1.1\r\nHost: lb.test\r\n\r\n".repeat(1000));
    endpoint.wait_for_requests(1);
    world.wait_for_quiet();
    // 64 MB were asked for; what fits into the sockets' buffers was fetched.
    assert!(endpoint.requests().len() < 900, "{}", endpoint.requests().len());
}

#[test]
fn row18_clients_that_leave_early() {
    let (asked, was_asked) = mpsc::channel();
    let (go, may_answer) = mpsc::channel::<()>();
    let may_answer = std::sync::Mutex::new(may_answer);
    let endpoint = Endpoint::scripted(move |mut conversation| {
        while conversation.request().is_some() {
            asked.send(()).unwrap();
            may_answer.lock().unwrap().recv().unwrap();
            conversation.answer("late");
        }
    });
    let world = World::start(Plan::pool(&[endpoint.address]));
    let request = "GET / HTTP/1.1\r\nHost: lb.test\r\n\r\n";

    // Gone before the answer.
    let mut client = world.client();
    client.send(request);
    was_asked.recv().unwrap();
    drop(client);
    go.send(()).unwrap();
    world.wait_for_quiet();

    // Only half gone: still waiting for the answer.
    let mut client = world.client();
    client.send(request);
    was_asked.recv().unwrap();
    client.half_close();
    go.send(()).unwrap();
    assert_eq!((client.response().text(), client.end()), ("late", End::Closed));
    world.wait_for_quiet();
}

#[test]
fn row18_resets_within_a_body() {
    let target = Target::new();
    for head in ["Content-Length: 50\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n32\r\n"] {
        let opened = target.world.metrics.upstream_opened.get();
        let mut client = target.world.client();
        client.send(format!("POST / HTTP/1.1\r\nHost: lb.test\r\n{head}half"));
        eventually("the request is under way", || {
            target.world.metrics.upstream_opened.get() == opened + 1
        });
        client.reset();
        target.world.wait_for_quiet();
        target.endpoint.wait_for_ends(opened as usize + 1);
    }
    assert_eq!(target.endpoint.requests().len(), 0, "half a request is none");

    // Within a response: the endpoint is not made to deliver the rest to nobody.
    let endpoint = Endpoint::scripted(|mut conversation| {
        conversation.request().unwrap();
        conversation.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n");
        let piece = [b'x'; 65536];
        while std::io::Write::write_all(&mut conversation.stream, &piece).is_ok() {}
    });
    let world = World::start(Plan::pool(&[endpoint.address]));
    let mut client = world.client();
    client.send("GET / HTTP/1.1\r\nHost: lb.test\r\n\r\n");
    client.read(100_000);
    client.reset();
    world.wait_for_quiet();
    endpoint.wait_for_ends(1);
}

#[test]
fn row19_slow_clients_are_ended_and_cost_others_nothing() {
    let endpoint = Endpoint::named("a");
    let mut plan = Plan::pool(&[endpoint.address]);
    plan.settings.timeouts.request_head = ms(1000);
    plan.settings.timeouts.request_body = ms(1000);
    let world = World::start(plan);
    let mut slow: Vec<_> = (0..200).map(|_| world.client()).collect();
    for (n, client) in slow.iter_mut().enumerate() {
        client.send(match n % 3 {
            0 => "G",
            1 => "GET / HTTP/1.1\r\nHost: lb.test\r\nX-Slow:",
            _ => "POST / HTTP/1.1\r\nHost: lb.test\r\nContent-Length: 9\r\n\r\nhalf",
        });
    }
    let mut client = world.client();
    for _ in 0..20 {
        assert_eq!(client.get("").text(), "a");
    }
    for client in &mut slow {
        assert_eq!((client.response().status, client.end()), (408, End::Closed));
    }
    assert_eq!(client.get("").text(), "a");
}

#[test]
fn row29_no_way_to_http2_through_an_upgrade() {
    let target = Target::new();
    for protocol in ["h2c", "h2c, websocket", "websocket, H2C", "HTTP/2.0"] {
        let response = target.world.client().get(&format!(
            "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: {protocol}\r\nHTTP2-Settings: AAMAAABk\r\n"
        ));
        assert_eq!(response.status, 200, "{protocol}");
        let requests = target.endpoint.requests();
        let request = requests.last().unwrap();
        assert!(request.all("upgrade").is_empty() && request.all("http2-settings").is_empty());
        assert_eq!(request.all("connection"), ["Keep-Alive"]);
    }
}

#[test]
fn row30_no_open_proxy() {
    let target = Target::new();
    for request in [
        "CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n",
        "CONNECT lb.test:80 HTTP/1.1\r\nHost: lb.test:80\r\n\r\n",
        "TRACE / HTTP/1.1\r\nHost: lb.test\r\n\r\n",
    ] {
        target.refuses(request, &[405]);
    }
}
