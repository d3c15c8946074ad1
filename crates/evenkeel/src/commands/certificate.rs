//! `evenkeel certificate`: the certificates that clients are shown, which are known by the hosts
//! that they are for.

use std::path::Path;

use serde_json::{Value, json};
use ureq::http::Method;

use super::object::{Column, Found, Kind, Labels, delete, list, name_of, text, told};
use super::refusal;
use super::session::{Session, id};
use crate::cli::{CertificateArgs, CertificateVerb};
use crate::exit::Failure;

/// Certificates for clients.
const KIND: Kind = Kind {
    noun: "certificate",
    label: "hosts",
    columns: &[
        Column { head: "HOSTS", cell: |certificate, _| hosts(certificate).join(", ") },
        Column { head: "STATUS", cell: |certificate, _| text(certificate, "status") },
        Column { head: "EXPIRES", cell: |certificate, _| text(certificate, "expires_on") },
        Column { head: "ISSUER", cell: |certificate, _| text(certificate, "issuer") },
        Column { head: "PRIORITY", cell: |certificate, _| text(certificate, "priority") },
        Column { head: "ZONE", cell: |certificate, zones| name_of(zones, &certificate["zone_id"]) },
        Column { head: "ID", cell: |certificate, _| text(certificate, "id") },
    ],
    flags: &[("certificate", "CERTIFICATE"), ("private_key", "KEY")],
};

/// Does what a command about certificates asks.
///
/// # Errors
/// When the server cannot be asked or refuses, or a file cannot be read.
pub(crate) fn run(args: &CertificateArgs) -> Result<(), Failure> {
    let session = &Session::open(&args.remote)?.within(args.zone.clone());
    let json = args.remote.json;
    let zones = session.zones()?;
    match &args.verb {
        CertificateVerb::List => {
            let all = all(session, &zones)?.into_iter().map(|found| found.object).collect();
            let name = |zone: &Value| zone["name"].as_str().unwrap_or_default().to_owned();
            let names: Labels =
                zones.iter().map(|zone| (id(zone).to_owned(), name(zone))).collect();
            list(&KIND, all, &names, json)
        }
        CertificateVerb::Upload { certificate, key, replace } => {
            let body = json!({ "certificate": read(certificate)?, "private_key": read(key)? });
            let (method, path, done) = match replace {
                Some(wanted) => {
                    let found = find(all(session, &zones)?, wanted)?;
                    (Method::PATCH, found.path(), "replaced")
                }
                None => (Method::POST, home(only(&zones)?), "uploaded"),
            };
            let answer = session.client.call(method, &path, Some(&body)).map_err(|error| {
                let doing = format!("uploading the certificate of {}", certificate.display());
                refusal::failure(doing, error, KIND.flags)
            })?;
            told(&KIND, &labelled(answer), done, json)
        }
        CertificateVerb::Delete { name } => {
            let mut found = find(all(session, &zones)?, name)?;
            found.object = labelled(found.object);
            delete(session, &KIND, &found, json)
        }
    }
}

fn home(zone: &Value) -> String {
    format!("/zones/{}/custom_certificates", id(zone))
}

fn all(session: &Session, zones: &[Value]) -> Result<Vec<Found>, Failure> {
    let mut all = Vec::new();
    for zone in zones {
        let collection = home(zone);
        let found = session.asked(session.client.pages(&collection), "listing certificates")?;
        all.extend(
            found.into_iter().map(|object| Found { collection: collection.clone(), object }),
        );
    }
    Ok(all)
}

/// The zone that a new certificate goes to.
fn only(zones: &[Value]) -> Result<&Value, Failure> {
    match zones {
        [zone] => Ok(zone),
        [] => Err(Failure::Usage(
            "there is no zone yet; make one (evenkeel zone create NAME)".to_owned(),
        )),
        zones => {
            let names: Vec<_> = zones.iter().filter_map(|zone| zone["name"].as_str()).collect();
            let names = names.join(", ");
            Err(Failure::Usage(format!("--zone is missing; there are {names}")))
        }
    }
}

/// The one certificate that a host or an id means.
fn find(all: Vec<Found>, wanted: &str) -> Result<Found, Failure> {
    let host = wanted.trim_end_matches('.').to_ascii_lowercase();
    let is_meant = |found: &Found| {
        id(&found.object) == wanted || hosts(&found.object).contains(&host.as_str())
    };
    let (mut meant, others): (Vec<_>, Vec<_>) = all.into_iter().partition(is_meant);
    match meant.len() {
        1 => Ok(meant.remove(0)),
        0 => {
            let known: Vec<_> =
                others.iter().flat_map(|found| hosts(&found.object)).map(str::to_owned).collect();
            let known = match known.as_slice() {
                [] => "there is none yet".to_owned(),
                known => format!("there are some for {}", known.join(", ")),
            };
            Err(Failure::Usage(format!("no certificate is for {wanted:?}; {known}")))
        }
        count => {
            let ids: Vec<_> = meant.iter().map(|found| id(&found.object)).collect();
            let ids = ids.join(", ");
            let problem =
                format!("{count} certificates are for {wanted:?}; name one by its id: {ids}");
            Err(Failure::Usage(problem))
        }
    }
}

/// The hosts that a certificate is for.
fn hosts(certificate: &Value) -> Vec<&str> {
    certificate["hosts"].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

/// The certificate with its hosts as one text, by which it is told of.
fn labelled(mut certificate: Value) -> Value {
    let hosts = hosts(&certificate).join(", ");
    certificate["hosts"] = Value::from(hosts);
    certificate
}

fn read(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path).map_err(Failure::doing(format!("reading {}", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(id: &str, hosts: &[&str]) -> Found {
        Found { collection: String::new(), object: json!({ "id": id, "hosts": hosts }) }
    }

    #[test]
    fn a_host_or_an_id_means_one_certificate() {
        let all = || vec![found("1", &["a.test", "*.a.test"]), found("2", &["b.test", "a.test"])];
        for (wanted, meant) in [("1", "1"), ("B.test.", "2"), ("*.a.test", "1")] {
            assert_eq!(id(&find(all(), wanted).unwrap().object), meant, "{wanted}");
        }
        for (wanted, problem) in [
            ("a.test", r#"2 certificates are for "a.test"; name one by its id: 1, 2"#),
            (
                "c.test",
                r#"no certificate is for "c.test"; there are some for a.test, *.a.test, b.test, a.test"#,
            ),
        ] {
            let Err(Failure::Usage(told)) = find(all(), wanted) else {
                panic!("{wanted} was taken")
            };
            assert_eq!(told, problem);
        }
    }
}
