//! Connections: pipelining, pieces, hostile frames, how many there may be, and how they end.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};

use super::{Server, ask_tcp, ask_udp, framed, message, next};
use crate::dig::show;

const WORLD: &str = "zone example.com; a A 10.0.0.1; b A 10.0.0.2; c A 10.0.0.3";

/// Whether the server has closed it.
fn is_closed(stream: &mut TcpStream) -> bool {
    matches!(stream.read(&mut [0; 1]), Ok(0) | Err(_))
}

#[test]
fn queries_of_one_connection_are_answered_in_order_however_they_come() {
    let server = Server::of(WORLD);
    let queries = ["a.example.com A", "b.example.com A", "c.example.com A"];
    let bytes: Vec<u8> = queries.iter().flat_map(|query| framed(&message(query))).collect();
    for piece in [bytes.len(), 1, 2, 7, 40] {
        let mut stream = server.tcp();
        for piece in bytes.chunks(piece) {
            stream.write_all(piece).expect("sent");
        }
        for n in 1..=3 {
            let answer = show(&next(&mut stream).expect("an answer"));
            assert!(answer.ends_with(&format!("A 10.0.0.{n}")), "{piece}: {answer}");
        }
    }
}

#[test]
fn a_thousand_queries_at_once_are_answered() {
    let server = Server::of(WORLD);
    let stream = server.tcp();
    let mut reader = stream.try_clone().expect("a handle");
    let mut writer = stream;
    let sending = std::thread::spawn(move || {
        let query = framed(&message("a.example.com A"));
        writer.write_all(&query.repeat(1000)).expect("sent");
        writer
    });
    for n in 0..1000 {
        assert!(next(&mut reader).is_some(), "{n} answers");
    }
    drop(sending.join().expect("sent"));
}

#[test]
fn who_has_said_everything_is_still_answered() {
    let server = Server::of(WORLD);
    let mut stream = server.tcp();
    stream.write_all(&framed(&message("a.example.com A"))).expect("sent");
    stream.shutdown(Shutdown::Write).expect("half closed");
    assert!(next(&mut stream).is_some());
    assert!(is_closed(&mut stream));
}

#[test]
fn impossible_lengths_end_a_connection_after_what_was_asked() {
    let server = Server::of(WORLD);
    for length in [[0, 0], [0xff, 0xff], [0x10, 0x01]] {
        let mut stream = server.tcp();
        let bytes = [&framed(&message("a.example.com A"))[..], &length].concat();
        stream.write_all(&bytes).expect("sent");
        assert!(next(&mut stream).is_some());
        assert!(is_closed(&mut stream), "{length:?}");
    }
}

#[test]
fn what_is_no_query_is_passed_over() {
    let server = Server::of(WORLD);
    let mut stream = server.tcp();
    let mut response = message("a.example.com A");
    response[2] |= 0x80;
    for silent in [&response[..], &[1], &[0; 11]] {
        stream.write_all(&framed(silent)).expect("sent");
    }
    assert!(ask_tcp(&mut stream, "b.example.com A").ends_with("10.0.0.2"));
}

#[test]
fn connections_that_say_nothing_keep_nobody_out() {
    let server = Server::of(WORLD);
    let mut first = server.tcp();
    assert!(ask_tcp(&mut first, "a.example.com A").ends_with("10.0.0.1"));
    let mut idle: Vec<_> = (0..400).map(|_| server.tcp()).collect();
    assert!(ask_tcp(&mut server.tcp(), "a.example.com A").ends_with("10.0.0.1"));
    assert!(ask_udp(&server.udp(), "a.example.com A").ends_with("10.0.0.1"));
    assert!(is_closed(&mut first), "the one silent longest makes room");
    let last = idle.last_mut().expect("one");
    assert!(ask_tcp(last, "a.example.com A").ends_with("10.0.0.1"), "the youngest stay");
    assert!(server.metric("evenkeel_dns_tcp_connections") <= 256);
    assert!(server.metric("evenkeel_dns_tcp_connections_shed_total") >= 400 - 256);
}

#[test]
fn the_end_of_the_server_ends_connections_after_their_answers() {
    let mut server = Server::of(WORLD);
    let mut idle = server.tcp();
    let mut asking = server.tcp();
    assert!(ask_tcp(&mut idle, "a.example.com A").ends_with("10.0.0.1"));
    asking.write_all(&framed(&message("b.example.com A"))).expect("sent");
    let answer = next(&mut asking).expect("an answer");
    server.end().expect("a good end");
    assert!(show(&answer).ends_with("10.0.0.2"));
    assert!(is_closed(&mut idle) && is_closed(&mut asking));
    assert!(TcpStream::connect(server.addresses[0]).is_err());
}
