//! `evenkeel probe`: has a running server probe one endpoint, now, and prints each step and its time
//! (`openapi/explain.json`).

use serde_json::{Value, json};
use ureq::http::Method;

use super::object::{label, resolve};
use super::output::{Style, print, print_json, printable, shown, table};
use super::session::{Session, id};
use super::{monitor, pool};
use crate::cli::{ProbeArgs, address};
use crate::exit::Failure;

/// Where it is asked.
const PATH: &str = "/evenkeel/v1/probe";
/// Names that a message lists at most.
const LISTED_MAX: usize = 10;

/// Asks for the probe, and prints what it saw. That an endpoint is unhealthy is an answer, no
/// failure.
///
/// # Errors
/// When monitor or endpoint mean nothing, or the server cannot be asked or refuses.
pub(crate) fn run(args: &ProbeArgs) -> Result<(), Failure> {
    let session = Session::open(&args.remote)?;
    let monitors = monitor::all(&session)?;
    let monitor = resolve(&monitor::KIND, &monitors, &args.monitor, "MONITOR")?;
    let pools = pool::all(&session)?;
    let target = target(&pools, &args.endpoint)
        .map_err(|problem| Failure::Usage(format!("ENDPOINT: {problem}")))?;
    let mut question = target.question;
    question["monitor"] = monitor;
    question["account"] = json!(id(session.account()?));
    let answer = session.client.send(Method::POST, PATH, Some(&question));
    let answer = session.asked(answer, &format!("probing {}", printable(&target.label)))?;
    if args.remote.json {
        return print_json(&answer);
    }
    let monitor = monitors.iter().find(|each| each["id"] == question["monitor"]);
    let monitor = monitor.map_or("", |monitor| label(&monitor::KIND, monitor));
    let who = format!("{}, by monitor {}", printable(&target.label), printable(monitor));
    print(&told(&who, &answer, Style::of_output()))
}

/// Whom to probe: what the server is asked, and what people call it.
#[derive(Debug, PartialEq)]
struct Target {
    question: Value,
    label: String,
}

/// Finds the endpoint that is meant: a name, of a pool or of any, comes before an address.
fn target(pools: &[Value], wanted: &str) -> Result<Target, String> {
    let in_pool = wanted.split_once('/').and_then(|(name, rest)| {
        let pool = super::find(pool::KIND.noun, pool::KIND.label, pools, name).ok()?;
        Some((pool, rest))
    });
    if let Some((pool, name)) = in_pool {
        let is_meant = |origin: &&Value| origin["name"] == name || origin["address"] == name;
        return match origins(pool).iter().find(is_meant) {
            Some(_) => Ok(configured(pool, name)),
            None => {
                let names: Vec<_> =
                    origins(pool).iter().map(|origin| shown(&origin["name"])).collect();
                let pool = shown(&pool["name"]);
                Err(format!("pool {pool} has no endpoint {name:?}; {}", listed(&names)))
            }
        };
    }
    let named: Vec<_> = pools
        .iter()
        .filter(|pool| origins(pool).iter().any(|origin| origin["name"] == wanted))
        .collect();
    match named.as_slice() {
        [pool] => return Ok(configured(pool, wanted)),
        [] => {}
        several => {
            let names = several.iter().map(|pool| format!("{}/{wanted}", shown(&pool["name"])));
            let names: Vec<_> = names.collect();
            return Err(format!("several pools have a {wanted:?}; {}", listed(&names)));
        }
    }
    let (host, port) = address(wanted);
    let is_address = host.parse::<std::net::IpAddr>().is_ok() || port.is_some();
    if !is_address && !host.contains('.') {
        let names = pools.iter().flat_map(|pool| {
            let pool_name = shown(&pool["name"]);
            origins(pool)
                .iter()
                .map(move |origin| format!("{pool_name}/{}", shown(&origin["name"])))
        });
        let names: Vec<_> = names.collect();
        return Err(format!(
            "{wanted:?} is neither an endpoint nor an address; {}",
            listed(&names)
        ));
    }
    let mut question = json!({ "address": host });
    if let Some(port) = port {
        question["port"] = json!(port);
    }
    Ok(Target { question, label: wanted.to_owned() })
}

fn configured(pool: &Value, endpoint: &str) -> Target {
    Target {
        question: json!({ "pool": pool["id"], "endpoint": endpoint }),
        label: format!("{}/{endpoint}", shown(&pool["name"])),
    }
}

fn origins(pool: &Value) -> &[Value] {
    pool["origins"].as_array().map(Vec::as_slice).unwrap_or_default()
}

fn listed(names: &[String]) -> String {
    match names.len() {
        0 => "there is none yet".to_owned(),
        count if count > LISTED_MAX => {
            format!("there are {}, … ({count} in all)", names[..LISTED_MAX].join(", "))
        }
        _ => format!("there are {}", names.join(", ")),
    }
}

/// What the probe saw, in words.
fn told(who: &str, answer: &Value, style: Style) -> String {
    let phases = answer["phases"].as_array().map(Vec::as_slice).unwrap_or_default();
    let has_retries = phases.iter().any(|phase| phase["attempt"].as_u64() > Some(1));
    let mut heads = vec!["PHASE", "AT", "TOOK", "RESULT"];
    if has_retries {
        heads.insert(0, "TRY");
    }
    let row = |phase: &Value| {
        let result = match (phase["note"].as_str().unwrap_or_default(), &phase["failed"]) {
            ("", Value::Bool(true)) => "failed".to_owned(),
            ("", _) => "done".to_owned(),
            (note, Value::Bool(true)) => format!("failed: {note}"),
            (note, _) => note.to_owned(),
        };
        let mut row =
            vec![shown(&phase["phase"]), ms(&phase["at_ms"]), ms(&phase["took_ms"]), result];
        if has_retries {
            row.insert(0, shown(&phase["attempt"]));
        }
        row
    };
    let rows: Vec<_> = phases.iter().map(row).collect();
    let verdict = match answer["healthy"].as_bool() {
        Some(true) => "healthy",
        Some(false) => "unhealthy",
        None => "no verdict, the server lacks what a probe takes",
    };
    let mut facts = vec![shown(&answer["failure_reason"])];
    if answer["response_code"].as_u64().is_some_and(|code| code != 0) {
        facts.push(format!("status {}", answer["response_code"]));
    }
    if let Some(rtt) = answer["rtt"].as_str() {
        facts.push(format!("first byte after {rtt}"));
    }
    facts.push(format!("{} in all", ms(&answer["took_ms"])));
    let table = table(&heads, &rows, style);
    format!("{who}\n{table}{verdict}: {}\n", printable(&facts.join(", ")))
}

fn ms(value: &Value) -> String {
    format!("{:.1} ms", value.as_f64().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pools() -> Vec<Value> {
        let origin = |name: &str, address: &str| json!({ "name": name, "address": address });
        vec![
            json!({ "id": "1", "name": "web", "origins": [
                origin("a", "192.0.2.1"), origin("both", "192.0.2.2"), origin("x/y", "h.example"),
            ] }),
            json!({ "id": "2", "name": "api", "origins": [origin("both", "192.0.2.3")] }),
        ]
    }

    #[test]
    fn an_endpoint_is_found_by_name_or_is_an_address() {
        let pool = |id: &str, endpoint: &str| json!({ "pool": id, "endpoint": endpoint });
        for (wanted, question, label) in [
            ("web/a", pool("1", "a"), "web/a"),
            ("1/a", pool("1", "a"), "web/a"),
            ("api/both", pool("2", "both"), "api/both"),
            ("web/192.0.2.1", pool("1", "192.0.2.1"), "web/192.0.2.1"),
            ("web/x/y", pool("1", "x/y"), "web/x/y"),
            ("x/y", pool("1", "x/y"), "web/x/y"),
            ("a", pool("1", "a"), "web/a"),
            ("192.0.2.9", json!({ "address": "192.0.2.9" }), "192.0.2.9"),
            ("[::1]:81", json!({ "address": "::1", "port": 81 }), "[::1]:81"),
            ("localhost:81", json!({ "address": "localhost", "port": 81 }), "localhost:81"),
            ("h.example", json!({ "address": "h.example" }), "h.example"),
        ] {
            let target = target(&pools(), wanted).unwrap();
            assert_eq!((&target.question, &*target.label), (&question, label), "{wanted}");
        }
        for (wanted, named) in [
            ("both", "web/both, api/both"),
            ("web/z", "a, both, x/y"),
            ("nobody", "web/a, web/both"),
        ] {
            let problem = target(&pools(), wanted).unwrap_err();
            assert!(problem.contains(named), "{wanted}: {problem}");
        }
    }

    #[test]
    fn steps_and_verdict_are_told() {
        let phase = |attempt: u8, name: &str, took: f64, note: &str, failed: bool| {
            json!({ "phase": name, "attempt": attempt, "at_ms": 0.25, "took_ms": took,
                "note": note, "failed": failed })
        };
        let answer = json!({
            "healthy": true, "failure_reason": "No failures", "response_code": 200,
            "rtt": "1.2ms", "address": "192.0.2.1", "took_ms": 3.04,
            "phases": [phase(1, "connect", 1.0, "192.0.2.1:80", false), phase(1, "body", 0.0, "", false)],
        });
        let text = told("web/a, by monitor live", &answer, Style::Plain);
        let expected = "\
web/a, by monitor live
PHASE    AT      TOOK    RESULT
connect  0.2 ms  1.0 ms  192.0.2.1:80
body     0.2 ms  0.0 ms  done
healthy: No failures, status 200, first byte after 1.2ms, 3.0 ms in all
";
        assert_eq!(text, expected);
        let answer = json!({
            "healthy": false, "failure_reason": "TCP Timeout", "response_code": 0,
            "address": null, "took_ms": 2000.5,
            "phases": [phase(1, "connect", 1000.0, "TCP Timeout", true),
                phase(2, "connect", 1000.0, "TCP Timeout", true)],
        });
        let text = told("192.0.2.1, by monitor live", &answer, Style::Plain);
        let expected = "\
192.0.2.1, by monitor live
TRY  PHASE    AT      TOOK       RESULT
1    connect  0.2 ms  1000.0 ms  failed: TCP Timeout
2    connect  0.2 ms  1000.0 ms  failed: TCP Timeout
unhealthy: TCP Timeout, 2000.5 ms in all
";
        assert_eq!(text, expected);
    }
}
