//! `evenkeel zone`, and what zones are set to.

use serde_json::{Value, json};
use ureq::http::Method;

use super::body::Body;
use super::object::{Column, Found, Kind, Labels, Object, list, run_in, text};
use super::output::shown;
use super::session::{Session, id};
use crate::cli::{ZoneArgs, ZoneFields, ZoneVerb};
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

/// What a zone is set to.
const SETTINGS: Kind = Kind {
    noun: "setting",
    label: "id",
    columns: &[
        Column { head: "SETTING", cell: |setting, _| text(setting, "id") },
        Column { head: "VALUE", cell: |setting, _| text(setting, "value") },
        Column { head: "SET", cell: |setting, _| text(setting, "modified_on") },
    ],
    flags: &[],
};

/// Does what a command about zones asks.
///
/// # Errors
/// When the server cannot be asked or refuses.
pub(crate) fn run(args: &ZoneArgs) -> Result<(), Failure> {
    let session = Session::open(&args.remote)?;
    match &args.verb {
        ZoneVerb::Object(verb) => run_in(&session, verb, args.remote.json),
        ZoneVerb::Settings { name, set } => settings(&session, name, set, args.remote.json),
    }
}

/// Shows what a zone is set to, or sets it and shows what was set.
fn settings(
    session: &Session,
    name: &str,
    set: &[(String, String)],
    json: bool,
) -> Result<(), Failure> {
    let zone = session.zone(name)?;
    let path = format!("/zones/{}/settings", id(&zone));
    let known = session.asked(session.client.list(&path), "reading the settings")?;
    if set.is_empty() {
        return list(&SETTINGS, known, &Labels::new(), json);
    }
    let items: Result<Vec<Value>, Failure> =
        set.iter().map(|(name, value)| item(&known, name, value)).collect();
    let body = json!({ "items": items? });
    let answer = session.client.call(Method::PATCH, &path, Some(&body));
    let answer = session.asked(answer, &format!("changing the settings of {name}"))?;
    list(&SETTINGS, answer.as_array().cloned().unwrap_or_default(), &Labels::new(), json)
}

/// A setting to be changed: a number where it is one.
fn item(known: &[Value], name: &str, value: &str) -> Result<Value, Failure> {
    let Some(setting) = known.iter().find(|setting| setting["id"] == name) else {
        let names: Vec<_> = known.iter().map(|setting| shown(&setting["id"])).collect();
        let names = names.join(", ");
        return Err(Failure::Usage(format!("{name} is no setting; there are {names}")));
    };
    let number = value.parse::<u64>().ok().filter(|_| setting["value"].is_number());
    Ok(json!({ "id": name, "value": number.map_or_else(|| Value::from(value), Value::from) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_numbers_where_the_setting_is_one() {
        let known = [
            json!({ "id": "ssl", "value": "off" }),
            json!({ "id": "max_upload", "value": 0 }),
            json!({ "id": "min_tls_version", "value": "1.2" }),
        ];
        for (name, value, sent) in [
            ("ssl", "full", json!("full")),
            ("max_upload", "100", json!(100)),
            ("max_upload", "much", json!("much")),
            ("min_tls_version", "1", json!("1")),
        ] {
            let item = item(&known, name, value).unwrap();
            assert_eq!(item, json!({ "id": name, "value": sent }));
        }
        let Err(Failure::Usage(told)) = item(&known, "mirage", "on") else { panic!("taken") };
        assert_eq!(told, "mirage is no setting; there are ssl, max_upload, min_tls_version");
    }
}
