//! `evenkeel dns sign`, `ds` and `unsign`.

use serde_json::{Value, json};
use ureq::http::Method;

use crate::commands::output;
use crate::commands::session::{Session, id};
use crate::exit::Failure;

/// Signs a zone, and shows what its registrar has to be told.
///
/// # Errors
/// When there is no such zone, or the server refuses.
pub(super) fn sign(session: &Session, zone: &str, json: bool) -> Result<(), Failure> {
    let (path, name) = place(session, zone)?;
    let sent = session.client.call(Method::PATCH, &path, Some(&json!({ "status": "active" })));
    print(&session.asked(sent, "signing the zone")?, &name, json)
}

/// Shows what the registrar of a zone has to be told.
///
/// # Errors
/// As [`sign`], and for a zone that is not signed.
pub(super) fn show(session: &Session, zone: &str, json: bool) -> Result<(), Failure> {
    let (path, name) = place(session, zone)?;
    print(&session.asked(session.client.get(&path), "looking at the zone's key")?, &name, json)
}

/// Signs a zone no longer.
///
/// # Errors
/// When there is no such zone, or the server refuses.
pub(super) fn unsign(
    session: &Session,
    zone: &str,
    forget_key: bool,
    json: bool,
) -> Result<(), Failure> {
    let (path, name) = place(session, zone)?;
    let sent = if forget_key {
        session.client.call(Method::DELETE, &path, None)
    } else {
        session.client.call(Method::PATCH, &path, Some(&json!({ "status": "disabled" })))
    };
    let answer = session.asked(sent, "changing the zone")?;
    if json {
        return output::print_json(&answer);
    }
    let key = if forget_key { "its key is gone" } else { "its key is kept" };
    output::print(&format!("{name} is signed no longer; {key}\n"))
}

/// Where DNSSEC of a zone is, and the zone's name.
fn place(session: &Session, zone: &str) -> Result<(String, String), Failure> {
    let zone = session.zone(zone)?;
    let name = zone["name"].as_str().unwrap_or_default().to_owned();
    Ok((format!("/zones/{}/dnssec", id(&zone)), name))
}

fn print(dnssec: &Value, zone: &str, json: bool) -> Result<(), Failure> {
    if json {
        return output::print_json(dnssec);
    }
    match in_words(dnssec) {
        Some(text) => output::print(&text),
        None => Err(Failure::Usage(format!(
            "{zone} is not signed; sign it first (evenkeel dns sign {zone})"
        ))),
    }
}

/// The DS record, and what registrars ask for who want it in parts; `None` when there is none.
fn in_words(dnssec: &Value) -> Option<String> {
    let ds = dnssec["ds"].as_str()?;
    let said = |member: &str| match &dnssec[member] {
        Value::String(text) => text.clone(),
        value => value.to_string(),
    };
    Some(format!(
        "{ds}\n\nkey tag      {}\nalgorithm    {} ({})\ndigest type  {} ({})\ndigest       {}\n\
         flags        {}\npublic key   {}\n",
        said("key_tag"),
        said("algorithm"),
        said("key_type"),
        said("digest_type"),
        said("digest_algorithm"),
        said("digest"),
        said("flags"),
        said("public_key"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registrar_finds_what_it_asks_for() {
        let dnssec = json!({
            "status": "active", "ds": "a.example. 3600 IN DS 7 13 2 AB", "key_tag": 7,
            "algorithm": "13", "key_type": "ECDSAP256SHA256", "digest_type": "2",
            "digest_algorithm": "SHA256", "digest": "AB", "flags": 257, "public_key": "AQID",
        });
        let text = in_words(&dnssec).unwrap();
        assert!(text.starts_with("a.example. 3600 IN DS 7 13 2 AB\n"), "{text}");
        assert!(text.contains("algorithm    13 (ECDSAP256SHA256)"), "{text}");
        assert_eq!(in_words(&json!({"status": "disabled", "ds": null})), None);
    }
}
