//! `evenkeel zone`.

use serde_json::{Value, json};

use super::body::Body;
use super::object::{Column, Found, Kind, Object, text};
use super::session::{Session, id};
use crate::cli::ZoneFields;
use crate::exit::Failure;

/// Zones.
pub(super) const KIND: Kind = Kind {
    noun: "zone",
    label: "name",
    columns: &[
        Column { head: "NAME", cell: |zone, _| text(zone, "name") },
        Column { head: "STATUS", cell: |zone, _| text(zone, "status") },
        Column { head: "PAUSED", cell: |zone, _| text(zone, "paused") },
        Column { head: "TYPE", cell: |zone, _| text(zone, "type") },
        Column { head: "ACCOUNT", cell: |zone, _| text(&zone["account"], "name") },
        Column { head: "ID", cell: |zone, _| text(zone, "id") },
    ],
    flags: &[
        ("name", "NAME"),
        ("paused", "--paused"),
        ("type", "--type"),
        ("account", "--account"),
    ],
};

impl Object for ZoneFields {
    const KIND: Kind = KIND;

    fn all(session: &Session) -> Result<Vec<Found>, Failure> {
        let found = |object: Value| Found { collection: "/zones".to_owned(), object };
        Ok(session.zones()?.into_iter().map(found).collect())
    }

    fn home(_: &Session, _: &str) -> Result<String, Failure> {
        Ok("/zones".to_owned())
    }

    fn lay(&self, body: &mut Body, _: &Session) -> Result<(), Failure> {
        body.put("paused", self.paused);
        body.put("type", self.kind.as_deref());
        Ok(())
    }

    fn complete(body: &mut Body, session: &Session) -> Result<(), Failure> {
        if !body.sends("account") {
            body.put("account", Some(json!({ "id": id(session.account()?) })));
        }
        Ok(())
    }
}
