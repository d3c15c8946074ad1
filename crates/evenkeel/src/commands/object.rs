//! The verbs that all kinds of objects share: list, get, create, set and delete. What differs is in
//! [`Object`].

use std::collections::HashMap;

use clap::Args;
use serde_json::Value;
use ureq::http::Method;

use super::body::Body;
use super::names::find;
use super::output::{Style, details, print, print_json, printable, table};
use super::refusal::{self, Flags};
use super::session::{Session, id};
use crate::cli::{BodyArgs, Change, ObjectArgs, Verb};
use crate::client::ClientError;
use crate::exit::Failure;

/// The code of a deletion refused because others name the object.
const REFERENCED: u64 = 1005;

/// A kind of object, as people know it.
pub(super) struct Kind {
    /// What it is called.
    pub(super) noun: &'static str,
    /// The member that people know one by.
    pub(super) label: &'static str,
    /// What a list shows.
    pub(super) columns: &'static [Column],
    /// Which flag sets what.
    pub(super) flags: Flags,
}

/// A column of a list.
pub(super) struct Column {
    pub(super) head: &'static str,
    pub(super) cell: fn(&Value, &Labels) -> String,
}

/// Labels of other objects by id, for cells that name them.
pub(super) type Labels = HashMap<String, String>;

/// An object and the collection that it stands in.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub(super) collection: String,
    pub(super) object: Value,
}

impl Found {
    /// The object's own path.
    pub(super) fn path(&self) -> String {
        format!("{}/{}", self.collection, id(&self.object))
    }
}

/// A kind of object, by the flags of its fields.
pub(super) trait Object: Args {
    /// What it is called and how it is shown.
    const KIND: Kind;

    /// All of them.
    fn all(session: &Session) -> Result<Vec<Found>, Failure>;

    /// The collection that a new one of this name goes to.
    fn home(session: &Session, name: &str) -> Result<String, Failure>;

    /// Labels of the objects that the cells name.
    fn labels(_: &Session) -> Result<Labels, Failure> {
        Ok(Labels::new())
    }

    /// Lays the flags over the body.
    fn lay(&self, body: &mut Body, session: &Session) -> Result<(), Failure>;

    /// Fills in what a new one needs and was not said.
    fn complete(_: &mut Body, _: &Session) -> Result<(), Failure> {
        Ok(())
    }
}

/// Does what a command about one kind of object asks.
///
/// # Errors
/// When the server cannot be asked or refuses.
#[expect(private_bounds, reason = "kinds are this module's; callers name the flags of one")]
pub(crate) fn run<O: Object>(args: &ObjectArgs<O>) -> Result<(), Failure> {
    run_in(&Session::open(&args.remote)?, &args.verb, args.remote.json)
}

pub(super) fn run_in<O: Object>(
    session: &Session,
    verb: &Verb<O>,
    json: bool,
) -> Result<(), Failure> {
    match verb {
        Verb::List => {
            let objects = O::all(session)?.into_iter().map(|found| found.object).collect();
            let labels = if json { Labels::new() } else { O::labels(session)? };
            list(&O::KIND, objects, &labels, json)
        }
        Verb::Get(named) => {
            let found = one(&O::KIND, O::all(session)?, &named.name)?;
            // The list may say less than the object does.
            let object = session.asked(session.client.get(&found.path()), "reading it")?;
            show(&object, json)
        }
        Verb::Create(change) => create(session, change, json),
        Verb::Set(change) => {
            let found = one(&O::KIND, O::all(session)?, &change.name)?;
            let mut body = Body::begin(&change.body, found.object.clone())?;
            change.fields.lay(&mut body, session)?;
            set(session, &O::KIND, &found, body, &change.body, json)
        }
        Verb::Delete(named) => {
            let found = one(&O::KIND, O::all(session)?, &named.name)?;
            delete(session, &O::KIND, &found, json)
        }
    }
}

fn create<O: Object>(session: &Session, change: &Change<O>, json: bool) -> Result<(), Failure> {
    let mut body = Body::begin(&change.body, Value::Null)?;
    body.put(O::KIND.label, Some(change.name.as_str()));
    change.fields.lay(&mut body, session)?;
    O::complete(&mut body, session)?;
    body.assign(&change.body.set)?;
    let home = O::home(session, &change.name)?;
    make(session, &O::KIND, &home, &body.finish(), &change.name, json)
}

/// Prints a list.
pub(super) fn list(
    kind: &Kind,
    objects: Vec<Value>,
    labels: &Labels,
    json: bool,
) -> Result<(), Failure> {
    if json {
        return print_json(&Value::Array(objects));
    }
    let heads: Vec<_> = kind.columns.iter().map(|column| column.head).collect();
    let row = |object| kind.columns.iter().map(move |column| (column.cell)(object, labels));
    let rows: Vec<Vec<String>> = objects.iter().map(|object| row(object).collect()).collect();
    print(&table(&heads, &rows, Style::of_output()))
}

/// Prints one object.
pub(super) fn show(object: &Value, json: bool) -> Result<(), Failure> {
    if json { print_json(object) } else { print(&details(object, Style::of_output())) }
}

/// The one object that a name means.
pub(super) fn one(kind: &Kind, all: Vec<Found>, wanted: &str) -> Result<Found, Failure> {
    let objects: Vec<Value> = all.iter().map(|found| found.object.clone()).collect();
    let object = find(kind.noun, kind.label, &objects, wanted).map_err(Failure::Usage)?;
    let place = objects.iter().position(|each| std::ptr::eq(each, object));
    let found = place.and_then(|place| all.into_iter().nth(place));
    Ok(found.expect("it was found among them"))
}

/// Makes an object.
pub(super) fn make(
    session: &Session,
    kind: &Kind,
    home: &str,
    body: &Value,
    name: &str,
    json: bool,
) -> Result<(), Failure> {
    let made = session.client.call(Method::POST, home, Some(body)).map_err(|error| {
        refusal::failure(format!("creating {} {name:?}", kind.noun), error, kind.flags)
    })?;
    told(kind, &made, "created", json)
}

/// Changes an object.
pub(super) fn set(
    session: &Session,
    kind: &Kind,
    found: &Found,
    mut body: Body,
    args: &BodyArgs,
    json: bool,
) -> Result<(), Failure> {
    body.assign(&args.set)?;
    let body = body.finish();
    if body.as_object().is_some_and(serde_json::Map::is_empty) {
        let flags: Vec<_> = kind.flags.iter().map(|(_, flag)| *flag).collect();
        let problem = format!("nothing is to be changed; there are {}, --set", flags.join(", "));
        return Err(Failure::Usage(problem));
    }
    let doing = format!("changing {} {:?}", kind.noun, label(kind, &found.object));
    let changed = session
        .client
        .call(Method::PATCH, &found.path(), Some(&body))
        .map_err(|error| refusal::failure(doing, error, kind.flags))?;
    told(kind, &changed, "changed", json)
}

/// Deletes an object.
pub(super) fn delete(
    session: &Session,
    kind: &Kind,
    found: &Found,
    json: bool,
) -> Result<(), Failure> {
    let name = label(kind, &found.object);
    let doing = format!("deleting {} {name:?}", kind.noun);
    match session.client.call(Method::DELETE, &found.path(), None) {
        Ok(answer) if json => print_json(&answer),
        Ok(_) => print(&format!("{} {} deleted\n", kind.noun, printable(name))),
        Err(ClientError::Refused(refusal))
            if refusal.errors.iter().any(|reason| reason.code == REFERENCED) =>
        {
            Err(Failure::doing(doing)(in_use(session, found)))
        }
        Err(error) => Err(refusal::failure(doing, error, kind.flags)),
    }
}

/// Who names the object, and so keeps it from being deleted.
fn in_use(session: &Session, found: &Found) -> String {
    let references = session.client.list(&format!("{}/references", found.path()));
    let naming: Vec<String> = references
        .unwrap_or_default()
        .iter()
        .filter(|reference| reference["reference_type"] == "referrer")
        .map(|reference| {
            let noun = reference["resource_type"].as_str().unwrap_or_default().replace('_', " ");
            format!("{noun} {:?}", reference["resource_name"].as_str().unwrap_or_default())
        })
        .collect();
    match naming.as_slice() {
        [] => "other objects name it; take it out of them first".to_owned(),
        naming => format!("{} names it; take it out there first", naming.join(" and ")),
    }
}

/// Says what was done.
pub(super) fn told(kind: &Kind, object: &Value, done: &str, json: bool) -> Result<(), Failure> {
    if json {
        return print_json(object);
    }
    let name = printable(label(kind, object));
    print(&format!("{} {name} {done} ({})\n", kind.noun, id(object)))
}

/// What people know an object by.
pub(super) fn label<'a>(kind: &Kind, object: &'a Value) -> &'a str {
    match object[kind.label].as_str() {
        Some(label) if !label.is_empty() => label,
        _ => id(object),
    }
}

/// The id of the object that a flag names; the empty text, which detaches, stays as it is.
pub(super) fn resolve(
    kind: &Kind,
    objects: &[Value],
    wanted: &str,
    flag: &str,
) -> Result<Value, Failure> {
    if wanted.is_empty() {
        return Ok(Value::from(""));
    }
    find(kind.noun, kind.label, objects, wanted)
        .map(|object| object["id"].clone())
        .map_err(|problem| Failure::Usage(format!("{flag}: {problem}")))
}

/// Labels by id.
pub(super) fn labels_of(kind: &Kind, objects: &[Value]) -> Labels {
    objects.iter().map(|object| (id(object).to_owned(), label(kind, object).to_owned())).collect()
}

/// A cell that shows a member.
pub(super) fn text(object: &Value, member: &str) -> String {
    match &object[member] {
        Value::Null => "-".to_owned(),
        Value::String(text) if text.is_empty() => "-".to_owned(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        value => super::output::shown(value),
    }
}

/// A cell that names another object.
pub(super) fn name_of(labels: &Labels, id: &Value) -> String {
    match id.as_str() {
        None | Some("") => "-".to_owned(),
        Some(id) => labels.get(id).cloned().unwrap_or_else(|| id.to_owned()),
    }
}
