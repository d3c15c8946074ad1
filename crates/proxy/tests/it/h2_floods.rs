//! Clients that flood with frames (hostile-inputs.md rows 20 to 25, 27, 28): they are sent away, what
//! they ask of endpoints is bounded, and others are served beside them.

use std::time::Instant;

use evenkeel_telemetry::H2Flood;

use crate::endpoint::Endpoint;
use crate::h2_client::{
    ACK, CONTINUATION, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PING, RST_STREAM, RawClient,
    SETTINGS, WINDOW_UPDATE, block, field, frame, get_block,
};
use crate::world::{Plan, World, ms};

/// ENHANCE_YOUR_CALM
const CALM: u32 = 11;
/// Frames a flood has at most.
const FRAMES_MAX: u32 = 200_000;

fn headers(stream: u32) -> Vec<u8> {
    frame(HEADERS, END_HEADERS | END_STREAM, stream, &get_block())
}

fn reset(stream: u32) -> Vec<u8> {
    frame(RST_STREAM, 0, stream, &[0, 0, 0, 8])
}

/// Sends what `frames` yields for each number until the other side closes; it must.
fn flood(client: &mut RawClient, frames: impl Fn(u32) -> Vec<u8>) {
    let mut at = 0;
    while at < FRAMES_MAX {
        let burst: Vec<u8> = (at..at + 100).flat_map(&frames).collect();
        if !client.try_send(burst) {
            return;
        }
        at += 100;
    }
    // All of it went into buffers; then it is the answer that tells.
    assert!(client.wait_for(GOAWAY).is_some() || client.frame().is_none(), "no end of it");
}

/// Another client is answered, and soon.
fn assert_others_are_served(world: &World) {
    let start = Instant::now();
    assert_eq!(world.client().get("").status, 200);
    assert!(start.elapsed() < ms(250), "{:?}", start.elapsed());
}

#[test]
fn rows_24_and_25_frames_that_nothing_comes_of_are_bounded() {
    let endpoint = Endpoint::named("a");
    let world = World::start(Plan::pool(&[endpoint.address]));
    let open = frame(HEADERS, END_HEADERS, 1, &get_block());
    type Frames = fn(u32) -> Vec<u8>;
    let floods: [(&str, Frames); 9] = [
        ("PING", |_| frame(PING, 0, 0, &[0; 8])),
        ("PING ACK", |_| frame(PING, ACK, 0, &[0; 8])),
        ("SETTINGS", |_| frame(SETTINGS, 0, 0, &[0, 3, 0, 0, 0, 100])),
        ("PRIORITY", |_| frame(2, 0, 1, &[0, 0, 0, 3, 7])),
        ("WINDOW_UPDATE", |_| frame(WINDOW_UPDATE, 0, 0, &[0, 0, 0, 1])),
        ("unknown frames", |_| frame(0xee, 0, 0, &[0; 100])),
        ("empty DATA", |_| frame(DATA, 0, 1, &[])),
        ("DATA of a byte", |_| frame(DATA, 0, 1, b"x")),
        ("DATA of padding", |_| frame(DATA, 0x8, 1, &[&[200][..], &[0; 200]].concat())),
    ];
    for (n, (name, frames)) in floods.into_iter().enumerate() {
        let mut client = RawClient::connect(world.address);
        client.send(&open);
        flood(&mut client, frames);
        assert_others_are_served(&world);
        let metrics = &world.metrics;
        let sent_away = metrics.h2_floods(H2Flood::Chatter) + metrics.h2_floods(H2Flood::Codec);
        assert_eq!(sent_away, n as u64 + 1, "{name}");
    }
}

#[test]
fn the_reason_is_told() {
    let endpoint = Endpoint::named("a");
    let world = World::start(Plan::pool(&[endpoint.address]));
    let mut client = RawClient::connect(world.address);
    let pings: Vec<u8> = (0..10_000).flat_map(|_| frame(PING, 0, 0, &[0; 8])).collect();
    client.send(pings);
    assert_eq!(client.goaway(), Some(CALM));
    assert_eq!(world.metrics.h2_floods(H2Flood::Chatter), 1);
}

#[test]
fn row20_rapid_resets_are_bounded_and_so_is_what_an_endpoint_hears_of_them() {
    let endpoint = Endpoint::mute();
    let quick = Endpoint::named("a");
    let world = World::start(Plan::pool(&[endpoint.address]));
    let other = World::start(Plan::pool(&[quick.address]));
    // In one write, in pairs, and in rounds that leave time for each request to be taken up.
    let mut client = RawClient::connect(world.address);
    flood(&mut client, |n| [headers(2 * n + 1), reset(2 * n + 1)].concat());
    let mut client = RawClient::connect(world.address);
    let mut is_open = true;
    let mut rounds = 0;
    while is_open && rounds < 100 {
        let streams: Vec<u32> = (0..50).map(|n| 2 * (rounds * 50 + n) + 1).collect();
        is_open = client.try_send(streams.iter().flat_map(|n| headers(*n)).collect::<Vec<_>>());
        std::thread::sleep(ms(5));
        is_open &= client.try_send(streams.iter().flat_map(|n| reset(*n)).collect::<Vec<_>>());
        rounds += 1;
    }
    assert!(!is_open || client.goaway() == Some(CALM));
    world.wait_for_quiet();
    let floods = &world.metrics;
    assert_eq!(floods.h2_floods(H2Flood::Resets) + floods.h2_floods(H2Flood::Codec), 2);
    assert!(endpoint.connections() < 600, "{}", endpoint.connections());
    endpoint.wait_for_ends(endpoint.connections());
    assert_eq!((world.metrics.h2_streams_open.get(), world.load(0).requests), (0, 0));
    assert_others_are_served(&other);
}

#[test]
fn row21_resets_that_a_client_makes_us_send_count_as_its_own() {
    let endpoint = Endpoint::mute();
    let world = World::start(Plan::pool(&[endpoint.address]));
    type Fault = fn(u32) -> Vec<u8>;
    let faults: [(&str, Fault); 4] = [
        ("an increment of nothing", |stream| frame(WINDOW_UPDATE, 0, stream, &[0; 4])),
        ("a window that overflows", |stream| {
            frame(WINDOW_UPDATE, 0, stream, &[0x7f, 0xff, 0xff, 0xff])
        }),
        ("a stream that depends on itself", |stream| {
            frame(2, 0, stream, &[&stream.to_be_bytes()[..], &[1]].concat())
        }),
        ("DATA behind the end", |stream| frame(DATA, 0, stream, b"hello")),
    ];
    for (name, fault) in faults {
        let before = endpoint.connections();
        let mut client = RawClient::connect(world.address);
        flood(&mut client, |n| [headers(2 * n + 1), fault(2 * n + 1)].concat());
        world.wait_for_quiet();
        assert!(endpoint.connections() - before < 600, "{name}: {}", endpoint.connections());
        endpoint.wait_for_ends(endpoint.connections());
    }
    assert_eq!((world.metrics.h2_streams_open.get(), world.load(0).requests), (0, 0));
}

#[test]
fn row22_header_blocks_without_an_end_are_bounded() {
    let endpoint = Endpoint::named("a");
    let world = World::start(Plan::pool(&[endpoint.address]));
    for payload in [&[][..], &[0, 1, b'a', 1, b'b'], &[0; 16_384]] {
        let mut client = RawClient::connect(world.address);
        client.send(frame(HEADERS, 0, 1, &get_block()));
        let mut sent = 0;
        while sent < 1_000 && client.try_send(frame(CONTINUATION, 0, 1, payload)) {
            sent += 1;
        }
        assert!(sent < 1_000 || client.goaway().is_none_or(|code| code != 0));
        assert_others_are_served(&world);
    }
    world.wait_for_quiet();
    assert_eq!(endpoint.requests().len(), 3, "only the others' requests");
}

#[test]
fn row23_fields_that_compression_makes_of_little_are_bounded() {
    let endpoint = Endpoint::mute();
    let quick = Endpoint::named("a");
    let world = World::start(Plan::pool(&[endpoint.address]));
    let other = World::start(Plan::pool(&[quick.address]));
    // A field of 3,900 bytes enters the table once and is named by one byte from then on.
    let mut bomb = get_block();
    bomb.extend(field(0x40, "x", &"v".repeat(3_900)));
    for (name, times, status) in [("too many", 60, true), ("just so", 25, false)] {
        let mut client = RawClient::connect(world.address);
        client.send(frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 0]));
        for n in 0..120 {
            let mut fields = if n == 0 { bomb.clone() } else { get_block() };
            fields.extend(vec![0xbe; times]);
            client.send(frame(HEADERS, END_HEADERS | END_STREAM, 2 * n + 1, &fields));
        }
        let answer = client.frame_of(&[HEADERS, RST_STREAM, GOAWAY]);
        if status {
            assert_eq!(answer.kind, HEADERS, "{name}: 431");
        } else {
            assert_eq!(
                (answer.kind, &answer.payload[..]),
                (RST_STREAM, &[0, 0, 0, 7][..]),
                "{name}"
            );
            // A megabyte of heads, of which each is about a hundred kilobytes.
            assert!(world.metrics.h2_streams_open.get() < 15);
        }
        assert_others_are_served(&other);
    }
}

#[test]
fn row27_malformed_heads_never_reach_an_endpoint() {
    let endpoint = Endpoint::named("a");
    let world = World::start(Plan::pool(&[endpoint.address]));
    let usual =
        [(":method", "GET"), (":scheme", "http"), (":path", "/"), (":authority", "lb.test")];
    let with = |more: &[(&'static str, &'static str)]| [&usual[..], more].concat();
    let instead = |name: &str, value: &'static str| {
        usual.map(|(n, v)| if n == name { (n, value) } else { (n, v) }).to_vec()
    };
    let without =
        |name: &str| usual.iter().copied().filter(|(n, _)| *n != name).collect::<Vec<_>>();
    let cases: Vec<(&str, Vec<(&str, &str)>)> = vec![
        ("no method", without(":method")),
        ("no path", without(":path")),
        ("no scheme", without(":scheme")),
        ("no host", without(":authority")),
        ("method twice", with(&[(":method", "GET")])),
        ("path twice", with(&[(":path", "/")])),
        ("pseudo-field behind a field", [&[("a", "b")], &usual[..]].concat()),
        ("unknown pseudo-field", with(&[(":proto", "x")])),
        ("status", with(&[(":status", "200")])),
        ("capital", with(&[("X-A", "b")])),
        ("space in a name", with(&[("x a", "b")])),
        ("colon in a name", with(&[("x:a", "b")])),
        ("line end in a name", with(&[("x\r\nevil", "b")])),
        ("empty name", with(&[("", "b")])),
        ("CR LF in a value", with(&[("x-a", "b\r\nevil: 1")])),
        ("LF in a value", with(&[("x-a", "b\nevil: 1")])),
        ("CR in a value", with(&[("x-a", "b\revil: 1")])),
        ("NUL in a value", with(&[("x-a", "b\0")])),
        ("space in the path", instead(":path", "/ HTTP/1.1\r\nevil: 1")),
        ("line end in the path", instead(":path", "/\r\nevil: 1")),
        ("no slash", instead(":path", "evil")),
        ("another host in the path", instead(":path", "http://evil/")),
        ("the same host in the path", instead(":path", "http://lb.test/")),
        ("empty path", instead(":path", "")),
        ("asterisk", instead(":path", "*")),
        ("NUL in the path", instead(":path", "/%00")),
        ("raw bytes in the path", instead(":path", "/\u{e4}")),
        ("space in the method", instead(":method", "GET /evil HTTP/1.1\r\n")),
        ("method of nothing", instead(":method", "")),
        ("gopher", instead(":scheme", "gopher")),
        ("scheme with a line end", instead(":scheme", "http\r\n")),
        ("authority with a path", instead(":authority", "lb.test/evil")),
        ("authority with a line end", instead(":authority", "lb.test\r\nevil: 1")),
        ("authority with a user", instead(":authority", "evil@lb.test")),
        ("empty authority", instead(":authority", "")),
        ("another host", with(&[("host", "evil.test")])),
        ("two hosts", with(&[("host", "lb.test"), ("host", "lb.test")])),
        ("connection", with(&[("connection", "close")])),
        ("keep-alive", with(&[("keep-alive", "1")])),
        ("proxy-connection", with(&[("proxy-connection", "close")])),
        ("transfer-encoding", with(&[("transfer-encoding", "chunked")])),
        ("upgrade", with(&[("upgrade", "h2c")])),
        ("te", with(&[("te", "gzip")])),
        ("lengths that differ", with(&[("content-length", "0"), ("content-length", "1")])),
        ("a length that is none", with(&[("content-length", "+0")])),
        ("a length without a body", with(&[("content-length", "5")])),
    ];
    for (name, fields) in cases {
        let mut client = RawClient::connect(world.address);
        client.send(frame(HEADERS, END_HEADERS | END_STREAM, 1, &block(&fields)));
        let answer = client.frame_of(&[HEADERS, RST_STREAM, GOAWAY]);
        match answer.kind {
            // Errors of ours, by their index in the static table or as a literal.
            HEADERS => assert!(client.status_is_error(&answer), "{name}: {answer:?}"),
            RST_STREAM => assert_eq!(answer.payload, [0, 0, 0, 1], "{name}"),
            _ => assert_ne!(answer.payload[7], 0, "{name}"),
        }
    }
    assert!(endpoint.requests().is_empty(), "{:#?}", endpoint.requests());
    assert_eq!(endpoint.connections(), 0);
}

#[test]
fn row28_bodies_that_are_not_as_long_as_they_say_are_never_whole() {
    let endpoint = Endpoint::named("a");
    let world = World::start(Plan::pool(&[endpoint.address]));
    let head = |length| {
        let fields = [
            (":method", "POST"),
            (":scheme", "http"),
            (":path", "/"),
            (":authority", "lb.test"),
            ("content-length", length),
        ];
        frame(HEADERS, END_HEADERS, 1, &block(&fields))
    };
    let trailers = frame(HEADERS, END_HEADERS | END_STREAM, 1, &block(&[("x-a", "b")]));
    for (name, frames) in [
        ("short", vec![head("5"), frame(DATA, END_STREAM, 1, b"abc")]),
        ("long", vec![head("5"), frame(DATA, 0, 1, b"abcdefgh")]),
        (
            "long by the second",
            vec![head("5"), frame(DATA, 0, 1, b"abc"), frame(DATA, 0, 1, b"def")],
        ),
        ("short with trailers", vec![head("5"), frame(DATA, 0, 1, b"abc"), trailers]),
    ] {
        let mut client = RawClient::connect(world.address);
        for frame in frames {
            client.send(frame);
            std::thread::sleep(ms(5));
        }
        let answer = client.frame_of(&[RST_STREAM, GOAWAY]);
        assert_eq!((answer.kind, answer.payload), (RST_STREAM, vec![0, 0, 0, 1]), "{name}");
    }
    world.wait_for_quiet();
    assert!(endpoint.requests().is_empty(), "none is whole");
    endpoint.wait_for_ends(endpoint.connections());
}
