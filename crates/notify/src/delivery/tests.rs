//! Deliveries to a real HTTP server on the loopback.

use std::net::SocketAddr;
use std::sync::Mutex;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::*;
use crate::message::tests::outage;
use crate::payload::Shape;

/// A server that answers each request with the next of some responses, the last one for ever, and
/// hands on what it was sent.
async fn server(
    responses: &'static [&'static str],
) -> (SocketAddr, mpsc::UnboundedReceiver<String>, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (seen, requests) = mpsc::unbounded_channel();
    let task = tokio::spawn(async move {
        let mut answered = 0;
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut bytes = vec![0; 64 * 1024];
            let mut filled = 0;
            while !is_whole(&bytes[..filled]) {
                match stream.read(&mut bytes[filled..]).await.unwrap() {
                    0 => break,
                    read => filled += read,
                }
            }
            seen.send(String::from_utf8_lossy(&bytes[..filled]).into_owned()).unwrap();
            let response = responses[answered.min(responses.len() - 1)];
            answered += 1;
            stream.write_all(response.as_bytes()).await.unwrap();
        }
    });
    (address, requests, task)
}

fn is_whole(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    length.is_some_and(|length| body.len() >= length.parse().unwrap())
}

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
const BUSY: &str =
    "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
const GONE: &str = "HTTP/1.1 410 Gone\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
const MOVED: &str = "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

struct Fixture {
    dispatcher: Dispatcher,
    stats: Arc<Stats>,
    records: mpsc::UnboundedReceiver<Delivery>,
}

fn fixture() -> Fixture {
    fixture_refusing(Arc::new(|_| None))
}

fn fixture_refusing(refuses: Refuses) -> Fixture {
    let stats = Arc::<Stats>::default();
    let (sender, records) = mpsc::unbounded_channel();
    let record: Record = Arc::new(move |delivery| sender.send(delivery).unwrap());
    let roots = Arc::new(RootCertStore::empty());
    let backoff = Duration::from_millis(1);
    let dispatcher =
        Dispatcher::with_backoff(None, roots, refuses, record, Arc::clone(&stats), backoff);
    Fixture { dispatcher, stats, records }
}

fn webhook(id: &str, address: SocketAddr) -> Destination {
    Destination::Webhook {
        id: id.to_owned(),
        url: format!("http://{address}/hook"),
        secret: Some("s3cret".to_owned()),
        shape: Shape::Generic,
    }
}

fn numbered(n: usize) -> Arc<Message> {
    Arc::new(Message { name: format!("message {n:03}"), ..outage() })
}

#[tokio::test]
async fn webhooks_arrive_in_order_once_with_the_secret() {
    let (address, mut requests, server) = server(&[OK]).await;
    let mut fixture = fixture();
    for n in 0..50 {
        fixture.dispatcher.send(&webhook("a", address), &numbered(n));
    }
    for n in 0..50 {
        let delivery = fixture.records.recv().await.unwrap();
        assert_eq!((delivery.tries, delivery.outcome), (1, Outcome::Delivered));
        let request = requests.recv().await.unwrap();
        assert!(request.starts_with("POST /hook HTTP/1.1\r\n"), "{request}");
        assert!(request.contains("cf-webhook-auth: s3cret\r\n"), "{request}");
        assert!(request.contains(&format!("\"name\":\"message {n:03}\"")), "{n}: {request}");
    }
    fixture.dispatcher.stop().await;
    server.abort();
    assert!(requests.try_recv().is_err(), "one more than was sent");
    assert_eq!(fixture.stats.delivered.get(), 50);
}

#[tokio::test]
async fn a_failure_that_may_pass_is_tried_again_and_others_are_not() {
    for (responses, tries, outcome) in [
        (&[BUSY, BUSY, OK][..], 3, Outcome::Delivered),
        (&[BUSY], 5, Outcome::Failed("it answered 503 Service Unavailable".to_owned())),
        (&[GONE], 1, Outcome::Failed("it answered 410 Gone".to_owned())),
        (&[MOVED], 1, Outcome::Failed("it answered 302 Found".to_owned())),
    ] {
        let (address, _requests, server) = server(responses).await;
        let mut fixture = fixture();
        fixture.dispatcher.send(&webhook("a", address), &numbered(0));
        let delivery = fixture.records.recv().await.unwrap();
        assert_eq!((delivery.tries, delivery.outcome), (tries, outcome), "{responses:?}");
        server.abort();
    }
}

#[tokio::test]
async fn a_dead_destination_delays_only_itself() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent = listener.local_addr().unwrap();
    let (address, _requests, server) = server(&[OK]).await;
    let mut fixture = fixture();
    fixture.dispatcher.send(&webhook("silent", silent), &numbered(0));
    fixture.dispatcher.send(&webhook("quick", address), &numbered(1));
    let delivery = fixture.records.recv().await.unwrap();
    assert_eq!(delivery.destination, webhook("quick", address));
    fixture.dispatcher.stop().await;
    server.abort();
}

#[tokio::test]
async fn what_waits_at_the_stop_is_recorded() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent = listener.local_addr().unwrap();
    let (address, _requests, server) = server(&[OK]).await;
    let mut fixture = fixture();
    for n in 0..3 {
        fixture.dispatcher.send(&webhook("silent", silent), &numbered(n));
        fixture.dispatcher.send(&webhook("quick", address), &numbered(n));
    }
    fixture.dispatcher.stop().await;
    let (mut delivered, mut failed) = (0, 0);
    while let Ok(delivery) = fixture.records.try_recv() {
        match delivery.outcome {
            Outcome::Delivered => delivered += 1,
            Outcome::Failed(why) => {
                assert_eq!(why, STOPPED);
                failed += 1;
            }
        }
    }
    assert_eq!((delivered, failed), (3, 3));
    server.abort();
}

#[tokio::test]
async fn a_full_queue_drops_and_counts() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent = listener.local_addr().unwrap();
    let mut fixture = fixture();
    // The task has no turn in between, so that all of them wait in the queue.
    for n in 0..QUEUE_MAX + 7 {
        fixture.dispatcher.send(&webhook("silent", silent), &numbered(n));
    }
    assert_eq!(fixture.stats.dropped.get(), 7);
    fixture.dispatcher.stop().await;
}

#[tokio::test]
async fn mail_without_a_relay_fails_and_says_how_to_get_one() {
    let mut fixture = fixture();
    let to = Destination::Email { address: "oncall@example.com".to_owned() };
    fixture.dispatcher.send(&to, &numbered(0));
    let delivery = fixture.records.recv().await.unwrap();
    let Outcome::Failed(why) = delivery.outcome else { panic!("{delivery:?}") };
    assert!(why.contains("--smtp-relay"), "{why}");
}

/// A relay that speaks just enough SMTP, and what it was handed.
#[tokio::test]
async fn mail_reaches_the_relay() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let relay = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let (read, mut write) = stream.into_split();
        let mut lines = tokio::io::AsyncBufReadExt::lines(tokio::io::BufReader::new(read));
        let mut mail = String::new();
        write.write_all(b"220 relay.example\r\n").await.unwrap();
        let mut in_data = false;
        while let Some(line) = lines.next_line().await.unwrap() {
            let answer = match line.as_str() {
                "." if in_data => {
                    in_data = false;
                    "250 taken\r\n"
                }
                _ if in_data => {
                    mail.push_str(&line);
                    mail.push('\n');
                    continue;
                }
                "DATA" => {
                    in_data = true;
                    "354 go on\r\n"
                }
                _ if line.starts_with("QUIT") => break,
                _ => "250 fine\r\n",
            };
            write.write_all(answer.as_bytes()).await.unwrap();
            if !mail.is_empty() && !in_data {
                break;
            }
        }
        mail
    });
    let stats = Arc::<Stats>::default();
    let ended = Arc::new(Mutex::new(Vec::new()));
    let (sender, mut records) = mpsc::unbounded_channel();
    let keep = Arc::clone(&ended);
    let record: Record = Arc::new(move |delivery| {
        keep.lock().unwrap().push(delivery);
        sender.send(()).unwrap();
    });
    let mail = MailRelay::new(&format!("smtp://{address}"), "evenkeel@example.com").unwrap();
    let mut dispatcher = Dispatcher::new(
        Some(mail),
        Arc::new(RootCertStore::empty()),
        Arc::new(|_| None),
        record,
        stats,
    );
    let to = Destination::Email { address: "oncall@example.com".to_owned() };
    dispatcher.send(&to, &numbered(1));
    records.recv().await.unwrap();
    assert_eq!(ended.lock().unwrap()[0].outcome, Outcome::Delivered);
    let mail = relay.await.unwrap();
    assert!(
        mail.contains("Subject: message 001") && mail.contains("To: oncall@example.com"),
        "{mail}"
    );
}

#[tokio::test]
async fn a_name_leads_only_where_the_installation_wants_to_reach() {
    let (address, _requests, server) = server(&[OK]).await;
    let nothing: Refuses = Arc::new(|_| None);
    let loopback: Refuses = Arc::new(|ip| ip.is_loopback().then_some("private"));
    for (refuses, is_delivered) in [(nothing, true), (loopback, false)] {
        let mut fixture = fixture_refusing(refuses);
        let named = Destination::Webhook {
            id: "a".to_owned(),
            url: format!("http://localhost:{}/", address.port()),
            secret: None,
            shape: Shape::Generic,
        };
        fixture.dispatcher.send(&named, &numbered(1));
        let outcome = fixture.records.recv().await.unwrap().outcome;
        match outcome {
            Outcome::Delivered => assert!(is_delivered),
            Outcome::Failed(why) => {
                assert!(!is_delivered && why.contains("private and not allowed"), "{why}");
            }
        }
        fixture.dispatcher.stop().await;
    }
    server.abort();
}
