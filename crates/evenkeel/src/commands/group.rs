//! `evenkeel group`: monitor groups, which go by their description.

use serde_json::{Value, json};

use super::body::Body;
use super::monitor;
use super::object::{Column, Found, Kind, Labels, Object, labels_of, name_of, resolve, text};
use super::session::Session;
use crate::cli::GroupFields;
use crate::client::ClientError;
use crate::exit::Failure;

/// Monitor groups.
pub(super) const KIND: Kind = Kind {
    noun: "monitor group",
    label: "description",
    columns: &[
        Column { head: "DESCRIPTION", cell: |group, _| text(group, "description") },
        Column { head: "MONITORS", cell: members },
        Column { head: "ID", cell: |group, _| text(group, "id") },
    ],
    flags: &[("description", "NAME"), ("members", "--member")],
};

/// All monitor groups of the account; none where the server does not know of such a thing.
pub(super) fn all(session: &Session) -> Result<Vec<Value>, Failure> {
    match session.client.list(&home(session)?) {
        Err(ClientError::Refused(refusal)) if refusal.status == 404 => Ok(Vec::new()),
        answer => session.asked(answer, "listing monitor groups"),
    }
}

fn home(session: &Session) -> Result<String, Failure> {
    Ok(format!("{}/load_balancers/monitor_groups", session.account_path()?))
}

fn members(group: &Value, labels: &Labels) -> String {
    let members = group["members"].as_array().map(Vec::as_slice).unwrap_or_default();
    let shown = members.iter().map(|member| {
        let name = name_of(labels, &member["monitor_id"]);
        if member["enabled"] == false { format!("({name})") } else { name }
    });
    shown.collect::<Vec<_>>().join(", ")
}

impl Object for GroupFields {
    const KIND: Kind = KIND;

    fn all(session: &Session) -> Result<Vec<Found>, Failure> {
        let collection = home(session)?;
        let found = |object| Found { collection: collection.clone(), object };
        Ok(all(session)?.into_iter().map(found).collect())
    }

    fn home(session: &Session, _: &str) -> Result<String, Failure> {
        home(session)
    }

    fn labels(session: &Session) -> Result<Labels, Failure> {
        Ok(labels_of(&monitor::KIND, &monitor::all(session)?))
    }

    fn lay(&self, body: &mut Body, session: &Session) -> Result<(), Failure> {
        body.put("description", self.rename.as_deref());
        if self.member.is_empty() {
            return Ok(());
        }
        let monitors = monitor::all(session)?;
        let members = self.member.iter().map(|member| {
            let id = resolve(&monitor::KIND, &monitors, &member.monitor, "--member")?;
            Ok(json!({
                "monitor_id": id,
                "enabled": member.enabled,
                "must_be_healthy": member.must_be_healthy,
                "monitoring_only": member.monitoring_only,
            }))
        });
        let members: Vec<Value> = members.collect::<Result<_, Failure>>()?;
        body.put("members", Some(members));
        Ok(())
    }
}
