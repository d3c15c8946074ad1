//! Connections in time that the test makes pass. What they do in real time is tested from outside.

use std::sync::Arc;

use arc_swap::ArcSwap;
use evenkeel_decision::NoGeography;
use evenkeel_model::{
    AffinityKey, AffinityKeys, ConfigBuilder, Health, Live, Node, Reach, View, Zones,
};
use tokio::io::AsyncReadExt as _;

use super::*;
use crate::answer::Advertised;
use crate::server::cookie::{CookieSecret, CookieSecrets};
use crate::server::follow::Serving;
use crate::server::respond::{Shared, Transport};
use crate::server::settings::Settings;
use crate::transfer::Histories;

/// A query that is refused, for there is no zone.
const QUERY: &[u8] = b"\0\x13\x12\x34\0\0\0\x01\0\0\0\0\0\0\x01a\0\0\x01\0\x01";
/// What it is answered with.
const ANSWER_BYTES: usize = QUERY.len();
/// Something that is not answered: the same as a response.
const RESPONSE: &[u8] = b"\0\x13\x12\x34\x80\0\0\x01\0\0\0\0\0\0\x01a\0\0\x01\0\x01";

fn responder() -> Responder {
    let keys = AffinityKeys { current: AffinityKey([0; 32]), previous: None };
    let config = Arc::new(ConfigBuilder::new(keys).build());
    let health = Health::new(&config, |_| unreachable!("there are no endpoints"));
    let view = View { config, health, zones: Arc::new(Zones::default()), revision: 1 };
    let (_, live) = Live::new(view);
    let settings = Settings {
        node: Node::default(),
        geography: Arc::new(NoGeography),
        ejections: None,
        advertised: Advertised::default(),
        reach: Reach::EVERYWHERE,
        resolvers: Vec::new(),
        nsid: Vec::new(),
        cookies: CookieSecrets { current: CookieSecret([0; 16]), others: Vec::new() },
        rate: None,
        rate_exempt: Vec::new(),
    };
    let shared = Shared {
        serving: Arc::new(ArcSwap::from_pointee(Serving::first(&live))),
        names: Arc::default(),
        histories: Histories::default(),
        rate: None,
        log: None,
        started: std::time::Instant::now(),
        is_draining: false.into(),
        settings,
    };
    Responder::new(Arc::new(shared), Arc::default(), Transport::Tcp)
}

/// Runs a client of a server whose time passes whenever nobody has anything to do.
fn run<F: Future>(client: impl FnOnce(TcpStream) -> F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build_local(tokio::runtime::LocalOptions::default())
        .unwrap();
    runtime.block_on(async {
        let listener = StdListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let (drain, is_draining) = watch::channel(Drain::Not);
        let server = tokio::task::spawn_local(serve(responder(), vec![listener], is_draining));
        let output = client(TcpStream::connect(address).await.unwrap()).await;
        drain.send_replace(Drain::Prompt);
        server.await.unwrap().unwrap();
        output
    })
}

/// Seconds until a connection is closed on which these bytes are sent at these seconds.
fn closed_after(sent: &[(u64, &[u8])]) -> u64 {
    run(|mut client| async move {
        let start = Instant::now();
        let (mut reader, mut writer) = client.split();
        let sending = async {
            for (at, bytes) in sent {
                tokio::time::sleep_until(start + Duration::from_secs(*at)).await;
                writer.write_all(bytes).await.unwrap();
            }
            std::future::pending::<()>().await;
        };
        let mut answers = Vec::new();
        tokio::select! {
            () = sending => unreachable!("it never ends"),
            read = reader.read_to_end(&mut answers) => { read.unwrap(); }
        }
        start.elapsed().as_secs()
    })
}

#[test]
fn only_whole_queries_that_are_answered_keep_a_connection() {
    let idle = IDLE.as_secs();
    for (sent, expected) in [
        (&[][..], idle),
        (&[(0, &b"\0"[..])], idle),
        (&[(0, b"\0\x40"), (3, b"\x12"), (6, b"\x34")], idle),
        (&[(3, RESPONSE), (6, RESPONSE)], idle),
        (&[(3, QUERY)], 3 + idle),
        (&[(3, QUERY), (9, QUERY)], 9 + idle),
        (&[(3, b"\0\0")], 3),
    ] {
        assert_eq!(closed_after(sent), expected, "{sent:?}");
    }
}

#[test]
fn no_connection_is_for_ever() {
    const BATCH: usize = 200;
    let batches = run(|mut client| async move {
        let mut answers = [0; BATCH * ANSWER_BYTES];
        let mut batches = 0;
        while client.write_all(&QUERY.repeat(BATCH)).await.is_ok()
            && client.read_exact(&mut answers).await.is_ok()
        {
            batches += 1;
        }
        batches
    });
    assert_eq!(batches * BATCH, QUERIES_MAX as usize);
}

#[test]
fn frames_are_whole_or_waited_for_or_impossible() {
    for (bytes, expected) in [
        (&[][..], None),
        (&[0], None),
        (&[0, 1], None),
        (&[0, 1, 7], Some(Frame::Whole(&[7]))),
        (&[0, 1, 7, 0], Some(Frame::Whole(&[7]))),
        (&[0, 0], Some(Frame::Impossible)),
        (&[16, 1], Some(Frame::Impossible)),
        (&[255, 255, 1], Some(Frame::Impossible)),
    ] {
        assert_eq!(Frame::next(bytes), expected, "{bytes:?}");
    }
}
