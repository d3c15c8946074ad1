//! `evenkeel monitor`. A monitor has no name of its own: it goes by its description.

use serde_json::{Map, Value, json};

use super::body::Body;
use super::object::{Column, Found, Kind, Object, text};
use super::session::Session;
use crate::cli::MonitorFields;
use crate::exit::Failure;

/// Monitors.
pub(super) const KIND: Kind = Kind {
    noun: "monitor",
    label: "description",
    columns: &[
        Column { head: "DESCRIPTION", cell: |monitor, _| text(monitor, "description") },
        Column { head: "TYPE", cell: |monitor, _| text(monitor, "type") },
        Column { head: "PROBE", cell: |monitor, _| probe(monitor) },
        Column { head: "INTERVAL", cell: |monitor, _| format!("{} s", monitor["interval"]) },
        Column { head: "CODES", cell: |monitor, _| text(monitor, "expected_codes") },
        Column { head: "ID", cell: |monitor, _| text(monitor, "id") },
    ],
    flags: &[
        ("description", "NAME"),
        ("type", "--type"),
        ("path", "--path"),
        ("port", "--port"),
        ("method", "--method"),
        ("header", "--header"),
        ("interval", "--interval"),
        ("timeout", "--timeout"),
        ("retries", "--retries"),
        ("consecutive_up", "--consecutive-up"),
        ("consecutive_down", "--consecutive-down"),
        ("expected_codes", "--expected-codes"),
        ("expected_body", "--expected-body"),
        ("follow_redirects", "--follow-redirects"),
        ("allow_insecure", "--allow-insecure"),
    ],
};

/// All monitors of the account.
pub(super) fn all(session: &Session) -> Result<Vec<Value>, Failure> {
    session.asked(session.client.list(&home(session)?), "listing monitors")
}

fn home(session: &Session) -> Result<String, Failure> {
    Ok(format!("{}/load_balancers/monitors", session.account_path()?))
}

/// What one probe asks for.
fn probe(monitor: &Value) -> String {
    let text = |member: &str| monitor[member].as_str().unwrap_or_default();
    let request = match text("type") {
        "http" | "https" => format!("{} {}", text("method"), text("path")),
        _ => String::new(),
    };
    match monitor["port"].as_u64() {
        Some(port) => format!("{request} :{port}").trim_start().to_owned(),
        None if request.is_empty() => "-".to_owned(),
        None => request,
    }
}

impl Object for MonitorFields {
    const KIND: Kind = KIND;

    fn all(session: &Session) -> Result<Vec<Found>, Failure> {
        let collection = home(session)?;
        let found = |object| Found { collection: collection.clone(), object };
        Ok(all(session)?.into_iter().map(found).collect())
    }

    fn home(session: &Session, _: &str) -> Result<String, Failure> {
        home(session)
    }

    fn lay(&self, body: &mut Body, _: &Session) -> Result<(), Failure> {
        body.put("description", self.rename.as_deref());
        body.put("type", self.kind.as_deref());
        body.put("path", self.path.as_deref());
        body.put("port", self.port);
        body.put("method", self.method.as_deref());
        body.put("interval", self.interval.clone());
        body.put("timeout", self.timeout.clone());
        body.put("retries", self.retries);
        body.put("consecutive_up", self.consecutive_up);
        body.put("consecutive_down", self.consecutive_down);
        body.put("expected_codes", self.expected_codes.as_deref());
        body.put("expected_body", self.expected_body.as_deref());
        body.put("follow_redirects", self.follow_redirects);
        body.put("allow_insecure", self.allow_insecure);
        if !self.header.is_empty() {
            let mut fields: Map<String, Value> = Map::new();
            for (name, value) in &self.header {
                let values = fields.entry(name).or_insert_with(|| json!([]));
                values.as_array_mut().expect("it was made one").push(json!(value));
            }
            body.put("header", Some(fields));
        }
        Ok(())
    }
}
