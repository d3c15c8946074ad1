//! `evenkeel token`: who may do what. A token's value is shown once, when it is made.

use serde_json::{Value, json};
use ureq::http::Method;

use super::body::Body;
use super::names::find;
use super::object::{Column, Found, Kind, Labels, delete, label, list, one, show, text, told};
use super::output::{Style, print, print_json, printable, table};
use super::refusal;
use super::session::{Session, id};
use crate::cli::{TokenArgs, TokenChange, TokenVerb};
use crate::exit::Failure;

/// Tokens.
const KIND: Kind = Kind {
    noun: "token",
    label: "name",
    columns: &[
        Column { head: "NAME", cell: |token, _| text(token, "name") },
        Column { head: "STATUS", cell: |token, _| text(token, "status") },
        Column { head: "EXPIRES", cell: |token, _| text(token, "expires_on") },
        Column { head: "LAST USED", cell: |token, _| text(token, "last_used_on") },
        Column { head: "PERMISSIONS", cell: |token, _| permissions(token) },
        Column { head: "ID", cell: |token, _| text(token, "id") },
    ],
    flags: &[
        ("name", "NAME"),
        ("policies", "--permission"),
        ("expires_on", "--expires"),
        ("status", "--status"),
    ],
};

/// Where tokens are.
const TOKENS: &str = "/user/tokens";

fn permissions(token: &Value) -> String {
    let policies = token["policies"].as_array().map(Vec::as_slice).unwrap_or_default();
    let groups = policies.iter().filter_map(|policy| policy["permission_groups"].as_array());
    let names: Vec<_> = groups.flatten().filter_map(|group| group["name"].as_str()).collect();
    if names.is_empty() { "-".to_owned() } else { names.join(", ") }
}

/// Does what a command about tokens asks.
///
/// # Errors
/// When the server cannot be asked or refuses.
pub(crate) fn run(args: &TokenArgs) -> Result<(), Failure> {
    let session = &Session::open(&args.remote)?;
    let json = args.remote.json;
    match &args.verb {
        TokenVerb::List => list(&KIND, all(session)?, &Labels::new(), json),
        TokenVerb::Get(named) => show(&found(session, &named.name)?.object, json),
        TokenVerb::Permissions => {
            let groups = groups(session)?;
            if json {
                return print_json(&Value::Array(groups));
            }
            let row = |group: &Value| vec![text(group, "name"), text(group, "scopes")];
            let rows: Vec<_> = groups.iter().map(row).collect();
            print(&table(&["PERMISSION", "SCOPES"], &rows, Style::of_output()))
        }
        TokenVerb::Create(change) => create(session, change, json),
        TokenVerb::Set(change) => replace(session, change, json),
        TokenVerb::Delete(named) => delete(session, &KIND, &found(session, &named.name)?, json),
    }
}

fn all(session: &Session) -> Result<Vec<Value>, Failure> {
    session.asked(session.client.pages(TOKENS), "listing tokens")
}

fn groups(session: &Session) -> Result<Vec<Value>, Failure> {
    let path = format!("{TOKENS}/permission_groups");
    session.asked(session.client.list(&path), "listing what tokens can be permitted")
}

fn found(session: &Session, wanted: &str) -> Result<Found, Failure> {
    let found = |object| Found { collection: TOKENS.to_owned(), object };
    one(&KIND, all(session)?.into_iter().map(found).collect(), wanted)
}

fn create(session: &Session, change: &TokenChange, json: bool) -> Result<(), Failure> {
    let mut body = Body::begin(&change.body, Value::Null)?;
    body.put("name", Some(change.name.as_str()));
    lay(change, &mut body, session)?;
    if !body.sends("policies") {
        let problem = "--permission is missing; evenkeel token permissions shows what there is";
        return Err(Failure::Usage(problem.to_owned()));
    }
    body.assign(&change.body.set)?;
    let doing = format!("creating token {:?}", change.name);
    let made = session
        .client
        .call(Method::POST, TOKENS, Some(&body.finish()))
        .map_err(|error| refusal::failure(doing, error, KIND.flags))?;
    if json {
        return print_json(&made);
    }
    let name = printable(&change.name);
    let value = text(&made, "value");
    print(&format!("token {name} created ({}); it is shown only now:\n{value}\n", id(&made)))
}

fn replace(session: &Session, change: &TokenChange, json: bool) -> Result<(), Failure> {
    let found = found(session, &change.name)?;
    let mut body = Body::begin(&change.body, found.object.clone())?;
    lay(change, &mut body, session)?;
    body.assign(&change.body.set)?;
    // The API only replaces tokens whole.
    let mut whole = found.object.clone();
    if let (Some(whole), Value::Object(sent)) = (whole.as_object_mut(), body.finish()) {
        whole.extend(sent);
    }
    let doing = format!("changing token {:?}", label(&KIND, &found.object));
    let changed = session
        .client
        .call(Method::PUT, &found.path(), Some(&whole))
        .map_err(|error| refusal::failure(doing, error, KIND.flags))?;
    told(&KIND, &changed, "changed", json)
}

fn lay(change: &TokenChange, body: &mut Body, session: &Session) -> Result<(), Failure> {
    body.put("name", change.rename.as_deref());
    body.put("expires_on", change.expires.as_deref());
    body.put("status", change.status.as_deref());
    if change.permission.is_empty() {
        return Ok(());
    }
    let groups = groups(session)?;
    let permitted = change.permission.iter().map(|wanted| {
        find("permission", "name", &groups, wanted)
            .map(|group| json!({ "id": group["id"], "name": group["name"] }))
            .map_err(|problem| Failure::Usage(format!("--permission: {problem}")))
    });
    let permitted: Vec<Value> = permitted.collect::<Result<_, Failure>>()?;
    let mut resources = serde_json::Map::new();
    for zone in &change.zone {
        let zone = session.zone(zone)?;
        resources.insert(format!("com.cloudflare.api.account.zone.{}", id(&zone)), json!("*"));
    }
    if resources.is_empty() {
        let account = id(session.account()?);
        resources.insert(format!("com.cloudflare.api.account.{account}"), json!("*"));
    }
    let policy =
        json!({ "effect": "allow", "permission_groups": permitted, "resources": resources });
    body.put("policies", Some(json!([policy])));
    Ok(())
}
