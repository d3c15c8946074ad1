use std::io::Read;
use std::path::Path;

use serde_json::{Value, json};

use super::*;
use crate::RequestEnd;

fn record() -> RequestRecord<'static> {
    RequestRecord {
        at_us: 1_772_323_199_500_001,
        total_us: 1234,
        ray: "0123456789abcdef-LIS",
        client: "192.0.2.7".parse().unwrap(),
        client_port: 50_000,
        country: "PT",
        protocol: "HTTP/1.1",
        tls: Some("TLSv1.3"),
        method: b"GET",
        scheme: "https",
        host: "shop.example",
        target: b"/cart?q=\"\xff",
        referer: b"",
        user_agent: b"curl/8\n",
        status: 200,
        end: RequestEnd::Whole,
        received_bytes: 0,
        sent_bytes: 512,
        load_balancer: Some("shop.example"),
        pool: Some("eu"),
        endpoint: Some("a"),
        endpoint_address: Some("[2001:db8::1]:8080".parse().unwrap()),
        endpoint_status: Some(200),
        attempts: 1,
        is_reused: true,
        connect_us: None,
        first_byte_us: Some(900),
        trail: &"pool \"eu\" → a",
    }
}

fn options(path: &Path) -> AccessLogOptions {
    AccessLogOptions {
        to: LogTo::from(path),
        format: AccessLogFormat::Json,
        sample: SampleRate::default(),
    }
}

fn line(record: &RequestRecord<'_>, format: AccessLogFormat) -> String {
    let (mut clock, mut out) = (Clock::default(), Vec::new());
    match format {
        AccessLogFormat::Json => json::write(record, &mut clock, &mut out),
        AccessLogFormat::Combined => combined::write(record, &mut clock, &mut out),
    }
    String::from_utf8(out).unwrap()
}

/// Long enough for every machine, and only waited for where something is wrong.
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn a_line_of_json_says_everything() {
    let text = line(&record(), AccessLogFormat::Json);
    assert!(text.ends_with("}\n") && text.lines().count() == 1);
    let expected = json!({
        "time": "2026-02-28T23:59:59.500001Z",
        "ray": "0123456789abcdef-LIS",
        "client": "192.0.2.7",
        "client_port": 50_000,
        "country": "PT",
        "protocol": "HTTP/1.1",
        "tls": "TLSv1.3",
        "method": "GET",
        "scheme": "https",
        "host": "shop.example",
        "target": "/cart?q=\"\u{ff}",
        "referer": "",
        "user_agent": "curl/8\n",
        "status": 200,
        "end": "whole",
        "received_bytes": 0,
        "sent_bytes": 512,
        "duration_us": 1234,
        "load_balancer": "shop.example",
        "pool": "eu",
        "endpoint": "a",
        "endpoint_address": "[2001:db8::1]:8080",
        "endpoint_status": 200,
        "attempts": 1,
        "connection_reused": true,
        "connect_us": null,
        "first_byte_us": 900,
        "trail": "pool \"eu\" → a",
    });
    let have: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(have, expected);
    let own = RequestRecord {
        load_balancer: None,
        pool: None,
        endpoint: None,
        endpoint_address: None,
        endpoint_status: None,
        tls: None,
        connect_us: Some(7),
        first_byte_us: None,
        is_reused: false,
        ..record()
    };
    let have: Value = serde_json::from_str(&line(&own, AccessLogFormat::Json)).unwrap();
    let fields = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(fields(&have), fields(&expected));
    assert_eq!((&have["pool"], &have["connect_us"]), (&Value::Null, &json!(7)));
}

#[test]
fn a_combined_line_is_apaches() {
    let expected = r#"192.0.2.7 - - [28/Feb/2026:23:59:59 +0000] "GET /cart?q=\"\xff HTTP/1.1" 200 512 "-" "curl/8\n""#;
    assert_eq!(line(&record(), AccessLogFormat::Combined), format!("{expected}\n"));
    let gone = RequestRecord { status: 0, sent_bytes: 0, referer: b"r", ..record() };
    let text = line(&gone, AccessLogFormat::Combined);
    assert!(text.contains("HTTP/1.1\" - 0 \"r\" "), "{text}");
}

#[test]
fn samples_keep_their_share_and_the_errors() {
    let ok = record();
    let own = RequestRecord { end: RequestEnd::Own, status: 400, ..record() };
    let redirect = RequestRecord { end: RequestEnd::Own, status: 301, ..record() };
    let error = RequestRecord { status: 500, ..record() };
    let not_found = RequestRecord { status: 404, ..record() };
    let cut = RequestRecord { end: RequestEnd::EndpointCut, ..record() };
    let half = u64::MAX / 2 + 1;
    for (share, chance, kept) in
        [(1.0, u64::MAX, true), (0.0, 0, false), (0.5, half - 1, true), (0.5, half, false)]
    {
        for keeps_errors in [false, true] {
            let rate = SampleRate::new(share, keeps_errors).unwrap();
            for record in [&ok, &redirect, &not_found] {
                assert_eq!(rate.keeps(record, chance), kept, "{share} {chance}");
            }
            for record in [&own, &error, &cut] {
                assert_eq!(rate.keeps(record, chance), kept || keeps_errors, "{share} {chance}");
            }
        }
    }
    for share in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
        assert_eq!(SampleRate::new(share, true), None);
    }
}

#[test]
fn everything_written_is_there_in_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("access");
    let log = AccessLog::start(options(&path)).unwrap();
    let requests = 2000;
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut writer = log.writer();
                for attempts in 0..requests {
                    writer.write(&RequestRecord { attempts, ..record() }, 0);
                }
            });
        }
    });
    let stats = log.clone();
    log.finish(PATIENCE);
    let text = std::fs::read_to_string(&path).unwrap();
    let mut seen = vec![0; requests as usize];
    for line in text.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        seen[usize::try_from(line["attempts"].as_u64().unwrap()).unwrap()] += 1;
    }
    assert!(seen.iter().all(|n| *n == 2));
    let stats = stats.stats();
    assert_eq!((stats.lines(), stats.lines_dropped()), (2 * u64::from(requests), 0));
}

#[test]
fn a_renamed_file_is_left_at_the_next_batch() {
    let folder = tempfile::tempdir().unwrap();
    let (path, old) = (folder.path().join("access"), folder.path().join("access.1"));
    let log = AccessLog::start(options(&path)).unwrap();
    let mut writer = log.writer();
    for name in ["a", "b"] {
        writer.write(&RequestRecord { ray: name, ..record() }, 0);
        writer.flush();
        if name == "a" {
            wait_for(|| log.stats().lines() == 1);
            std::fs::rename(&path, &old).unwrap();
            log.reopen();
        }
    }
    drop(writer);
    log.finish(PATIENCE);
    for (path, ray) in [(&old, "a"), (&path, "b")] {
        let line: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        assert_eq!(line["ray"], ray);
    }
}

#[test]
fn a_disk_that_refuses_drops_what_no_longer_fits_and_counts_it() {
    let full = Path::new("/dev/full");
    let log = AccessLog::start(options(full)).unwrap();
    let mut writer = log.writer();
    let user_agent = [b'x'; 8 * 1024];
    let enough = queue::QUEUE_BYTES_MAX / user_agent.len() + 100;
    for _ in 0..enough {
        writer.write(&RequestRecord { user_agent: &user_agent, ..record() }, 0);
    }
    drop(writer);
    wait_for(|| log.stats().write_errors() > 0);
    let before = log.stats().lines_dropped();
    assert!(before > 0 && before < enough as u64, "{before}");
    let stats = log.clone();
    log.finish(PATIENCE);
    assert_eq!((stats.stats().lines(), stats.stats().lines_dropped()), (0, enough as u64));
}

#[test]
fn a_pipe_that_nobody_reads_holds_nobody_up() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
    let log = AccessLog::start(options(&path)).unwrap();
    let mut writer = log.writer();
    let requests = queue::QUEUE_BYTES_MAX / 300;
    for _ in 0..requests {
        writer.write(&record(), 0);
    }
    drop(writer);
    assert!(log.stats().lines_dropped() > 0);
    // Both ends: the log's own keeps the pipe from ending.
    let mut pipe = std::fs::OpenOptions::new().read(true).write(true).open(&path).unwrap();
    let mut lines = 0;
    let mut bytes = vec![0; 1 << 16];
    let wanted = requests as u64 - log.stats().lines_dropped();
    while lines < wanted {
        let read = pipe.read(&mut bytes).unwrap();
        lines += bytes[..read].iter().filter(|byte| **byte == b'\n').count() as u64;
    }
    wait_for(|| log.stats().lines() == wanted);
    log.finish(PATIENCE);
}

#[test]
fn a_writer_that_hangs_is_not_waited_for_without_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
    let log = AccessLog::start(options(&path)).unwrap();
    let mut writer = log.writer();
    for _ in 0..1000 {
        writer.write(&record(), 0);
    }
    drop(writer);
    log.finish(Duration::from_millis(10));
}

#[test]
fn a_file_that_cannot_be_opened_is_an_error_at_once() {
    assert!(AccessLog::start(options(Path::new("/nonexistent/access"))).is_err());
}

fn wait_for(mut is_so: impl FnMut() -> bool) {
    let since = std::time::Instant::now();
    while !is_so() {
        assert!(since.elapsed() < PATIENCE);
        std::thread::yield_now();
    }
}
