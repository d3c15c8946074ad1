//! Certificates that users bring along.

use std::sync::OnceLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use evenkeel_api::certificate::{
    BundleMethod, CertificateStatus, Current, CustomScope, CustomUpload, KeyProblem, Keys,
    StoredCertificate, apply, prioritized,
};
use evenkeel_api::{Problem, Verb, parse_time};
use proptest::prelude::*;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use serde_json::{Value, json};

use crate::world::{EARLY, LATE, NEW, World, ZONE};

const NAME: &str = "example.com";
/// What stands for a private key: the checking of keys is not done here.
const KEY: &str = "-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----\n";

/// Says of every key the same, and remembers nothing.
struct Always(Result<(), KeyProblem>);

impl Keys for Always {
    fn check(&self, chain: &[&[u8]], _: &str) -> Result<(), KeyProblem> {
        assert!(!chain.is_empty(), "a key belongs to something");
        self.0
    }
}

fn params(names: &[&str], years: (i32, i32)) -> CertificateParams {
    let names: Vec<_> = names.iter().map(ToString::to_string).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.distinguished_name.push(DnType::CommonName, "leaf");
    params.not_before = rcgen::date_time_ymd(years.0, 1, 1);
    params.not_after = rcgen::date_time_ymd(years.1, 1, 1);
    params
}

fn authority(name: &str) -> CertificateParams {
    let mut params = params(&[], (2020, 2040));
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.distinguished_name.push(DnType::OrganizationName, "Example Trust");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
}

/// A root, an authority below it, and a certificate below that: as PEM each.
fn chain(names: &[&str]) -> [String; 3] {
    let root =
        CertifiedIssuer::self_signed(authority("root"), KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let middle = CertifiedIssuer::signed_by(authority("middle"), key, &root).unwrap();
    let key = KeyPair::generate().unwrap();
    let leaf = params(names, (2025, 2030)).signed_by(&key, &middle).unwrap();
    [leaf.pem(), middle.pem(), root.pem()]
}

/// A certificate of its own.
fn alone(names: &[&str], years: (i32, i32)) -> String {
    params(names, years).self_signed(&KeyPair::generate().unwrap()).unwrap().pem()
}

fn scope(there: Vec<&StoredCertificate>) -> CustomScope<'_> {
    CustomScope { zone_id: ZONE, zone_name: NAME, there }
}

fn upload(body: &Value) -> Result<CustomUpload, Vec<Problem>> {
    let world = World::default();
    let body = body.to_string();
    let keys = Always(Ok(()));
    apply::custom(Verb::Create, body.as_bytes(), None, &scope(vec![]), &keys, &world.context())
}

fn uploaded(certificate: &str) -> StoredCertificate {
    upload(&json!({"certificate": certificate, "private_key": KEY})).unwrap().stored
}

fn told(problems: &[Problem]) -> Vec<String> {
    problems.iter().map(|problem| format!("{} {problem}", problem.code)).collect()
}

#[test]
fn an_upload_is_described_and_its_key_stands_apart() {
    let [leaf, middle, root] = chain(&["*.Example.com", "example.com", "other.test"]);
    // In any order, with text around.
    let pem = format!("Bag Attributes\r\n{root}\n{leaf}subject=CN = middle\n{middle}");
    let made = upload(&json!({"certificate": pem, "private_key": format!("\n {KEY}\n")})).unwrap();
    assert_eq!(made.private_key.as_deref(), Some(KEY));
    assert_eq!(made.stored.chain, format!("{leaf}{middle}{root}").replace("\r\n", "\n"));
    assert_eq!(
        serde_json::to_value(&made.stored.certificate).unwrap(),
        json!({
            "id": NEW, "zone_id": ZONE, "hosts": ["*.example.com", "example.com", "other.test"],
            "issuer": "Example Trust", "signature": "ECDSAWithSHA256", "status": "active",
            "bundle_method": "ubiquitous", "type": "legacy_custom", "uploaded_on": EARLY,
            "modified_on": EARLY, "expires_on": "2030-01-01T00:00:00Z", "priority": 1,
        })
    );
    let stored = serde_json::to_string(&made.stored).unwrap();
    assert!(!stored.contains("PRIVATE"), "{stored}");
    assert_eq!(serde_json::from_str::<StoredCertificate>(&stored).unwrap(), made.stored);
}

#[test]
fn what_it_is_worth_is_told_by_the_time() {
    let stored = uploaded(&alone(&[NAME], (2027, 2030)));
    for (now, status) in [
        (EARLY, CertificateStatus::Pending),
        ("2028-06-01T00:00:00Z", CertificateStatus::Active),
        ("2030-01-01T00:00:01Z", CertificateStatus::Expired),
    ] {
        assert_eq!(stored.answered(parse_time(now).unwrap()).status, status, "{now}");
    }
}

#[test]
fn wrong_certificates_are_refused_by_what_is_wrong() {
    let [leaf, middle, root] = chain(&[NAME]);
    let [stranger, ..] = chain(&["a.test"]);
    let short = leaf.lines().take(3).collect::<Vec<_>>().join("\n");
    let damaged = leaf.replacen("MII", "MIJ", 1);
    for (certificate, refusal) in [
        (json!(null), "1002 /certificate: certificate is required: validation failed"),
        (json!(7), "1002 /certificate: certificate must be a string: validation failed"),
        (
            json!("certificate"),
            "1002 /certificate: certificate must be PEM: it has no BEGIN CERTIFICATE line: \
             validation failed",
        ),
        (
            json!(short),
            "1002 /certificate: a BEGIN line has no END line of its own: validation failed",
        ),
        (
            json!(format!("{leaf}{KEY}")),
            "1002 /certificate: it has a PRIVATE KEY, and must have nothing but certificates: \
             validation failed",
        ),
        (
            json!("-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----"),
            "1002 /certificate: certificate 1 is not base64: validation failed",
        ),
        (json!(damaged), "1002 /certificate: certificate 1: it cannot be read"),
        (
            json!(leaf.repeat(9)),
            "1002 /certificate: it has more than 8 certificates: validation failed",
        ),
        (
            json!(format!("{middle}{root}")),
            "2101 /certificate: The certificate chain you uploaded has no leaf certificates",
        ),
        (
            json!(format!("{leaf}{root}")),
            "1002 /certificate: the certificate of \"O=Example Trust,CN=root\" is not part of the \
             chain: leave it out: validation failed",
        ),
        (
            json!(alone(&[NAME], (2020, 2021))),
            "1002 /certificate: the certificate of \"CN=leaf\" expired on 2021-01-01T00:00:00Z: \
             validation failed",
        ),
        (
            json!(stranger),
            "2103 /certificate: The certificate chain you uploaded does not include any hostnames \
             from your zone: its subject alternative names are a.test, none of them example.com \
             or below it.",
        ),
        (
            json!(alone(&["notexample.com"], (2020, 2030))),
            "2103 /certificate: The certificate chain you uploaded does not include any hostnames",
        ),
    ] {
        let body = json!({"certificate": certificate, "private_key": KEY});
        let problems = told(&upload(&body).err().unwrap());
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(problems[0].starts_with(refusal), "{problems:?}");
    }
}

#[test]
fn wrong_keys_and_wishes_are_refused_without_a_word_of_the_key() {
    let certificate = alone(&[NAME], (2020, 2030));
    let world = World::default();
    for (problem, code, words) in [
        (KeyProblem::Missing, 2106, "no PEM"),
        (KeyProblem::Encrypted, 2106, "passphrase"),
        (KeyProblem::Unusable, 2106, "cannot be used"),
        (KeyProblem::Mismatch, 2200, "not that of the certificate"),
    ] {
        let body = json!({"certificate": certificate, "private_key": KEY}).to_string();
        let made = apply::custom(
            Verb::Create,
            body.as_bytes(),
            None,
            &scope(vec![]),
            &Always(Err(problem)),
            &world.context(),
        );
        let problems = made.err().unwrap();
        assert_eq!((problems[0].code, &*problems[0].pointer), (code, "/private_key"));
        assert!(problems[0].message.contains(words) && !problems[0].message.contains("AA=="));
    }
    for (members, refusal) in [
        (json!({"private_key": null}), "1002 /private_key: private_key is required"),
        (json!({"private_key": "x".repeat(16 * 1024 + 1)}), "1002 /private_key: the private_key"),
        (json!({"custom_csr_id": NEW}), "1002 /custom_csr_id: custom_csr_id is not supported"),
        (json!({"deploy": "staging"}), "1002 /deploy: deploy must be production"),
        (json!({"bundle_method": "best"}), "1002 /bundle_method: bundle_method must be one of"),
        (json!({"type": "best"}), "1002 /type: type must be one of"),
        (json!({"geo_restrictions": {}}), "1002 /geo_restrictions/label: label is required"),
    ] {
        let mut body = json!({"certificate": certificate, "private_key": KEY});
        for (name, value) in members.as_object().unwrap() {
            body[name] = value.clone();
        }
        let problems = told(&upload(&body).err().unwrap());
        assert!(problems.len() == 1 && problems[0].starts_with(refusal), "{problems:?}");
    }
}

#[test]
fn a_certificate_is_renewed_in_place_and_either_half_may_come_alone() {
    let stored = uploaded(&alone(&[NAME], (2020, 2027)));
    let current = Current { stored: &stored, private_key: KEY };
    let patch = |body: Value, keys: Result<(), KeyProblem>| {
        let world = World::late();
        apply::custom(
            Verb::Patch,
            body.to_string().as_bytes(),
            Some(current),
            &scope(vec![&stored]),
            &Always(keys),
            &world.context(),
        )
    };
    let renewed = patch(json!({"certificate": alone(&[NAME], (2026, 2029))}), Ok(())).unwrap();
    assert_eq!(renewed.private_key, None, "the key stays");
    let certificate = &renewed.stored.certificate;
    assert_eq!(certificate.expires_on, "2029-01-01T00:00:00Z");
    assert_eq!((&*certificate.uploaded_on, &*certificate.modified_on), (EARLY, LATE));
    assert_eq!((&certificate.id, certificate.priority), (&stored.certificate.id, 1));

    let same = patch(json!({"certificate": stored.chain}), Ok(())).unwrap();
    assert_eq!(same.stored.chain, stored.chain, "its own certificate is no second one");
    let key = patch(json!({"private_key": KEY}), Ok(())).unwrap();
    assert_eq!((key.private_key.as_deref(), &key.stored.chain), (Some(KEY), &stored.chain));
    let method = patch(json!({"bundle_method": "force"}), Err(KeyProblem::Mismatch)).unwrap();
    assert_eq!(method.stored.certificate.bundle_method, BundleMethod::Force);
    for body in [json!({"private_key": KEY}), json!({"certificate": alone(&[NAME], (2026, 2029))})]
    {
        let problems = patch(body, Err(KeyProblem::Mismatch)).err().unwrap();
        assert_eq!(problems[0].code, 2200);
    }
    let kept =
        patch(json!({"geo_restrictions": {"label": "eu"}, "policy": "(region: EU)"}), Ok(()));
    let kept = serde_json::to_value(kept.unwrap().stored.certificate).unwrap();
    assert_eq!(kept["geo_restrictions"], json!({"label": "eu"}));
    assert_eq!(kept["policy_restrictions"], "(region: EU)");
}

#[test]
fn a_certificate_is_there_once_and_new_ones_come_first() {
    let first = uploaded(&alone(&[NAME], (2020, 2030)));
    let world = World::default();
    let again = |pem: &str| {
        let body = json!({"certificate": pem, "private_key": KEY}).to_string();
        let scope = scope(vec![&first]);
        apply::custom(
            Verb::Create,
            body.as_bytes(),
            None,
            &scope,
            &Always(Ok(())),
            &world.context(),
        )
    };
    let problems = again(&first.chain).err().unwrap();
    assert_eq!(problems[0].code, 1220);
    let second = again(&alone(&[NAME], (2020, 2030))).unwrap().stored;
    assert_eq!((first.certificate.priority, second.certificate.priority), (1, 2));
}

#[test]
fn priorities_are_given_to_what_is_there() {
    let first = uploaded(&alone(&[NAME], (2020, 2030)));
    let id = first.certificate.id.clone();
    let moved = |body: Value| prioritized(body.to_string().as_bytes(), &[&first], LATE);
    let list = |items: Value| json!({ "certificates": items });
    let done = moved(list(json!([{"id": id, "priority": 7.0}]))).unwrap();
    assert_eq!(done.len(), 1);
    assert_eq!((done[0].certificate.priority, &*done[0].certificate.modified_on), (7, LATE));
    for (body, refusal) in [
        (json!({}), "1002 /certificates: certificates is required"),
        (list(json!([])), "1002 /certificates: the certificates list length"),
        (list(json!([{"id": id}])), "1002 /certificates/0/priority: priority is required"),
        (list(json!([{"id": id, "priority": -1}])), "1002 /certificates/0/priority: priority is"),
        (list(json!([{"id": ZONE, "priority": 1}])), "1001 /certificates/0/id: certificate"),
    ] {
        let problems = told(&moved(body).unwrap_err());
        assert!(problems[0].starts_with(refusal), "{problems:?}");
    }
}

#[test]
fn only_roots_are_trusted() {
    let world = World::default();
    let [leaf, middle, root] = chain(&[NAME]);
    let add = |pem: &str, there: &[_]| {
        let body = json!({ "certificate": pem }).to_string();
        apply::trusted(body.as_bytes(), there, &world.context())
    };
    let trusted = add(&root, &[]).unwrap();
    assert_eq!(
        serde_json::to_value(&trusted).unwrap(),
        json!({
            "id": NEW, "certificate": root.replace("\r\n", "\n"),
            "issuer": "O=Example Trust,CN=root", "signature": "ECDSAWithSHA256",
            "status": "active", "valid_from": "2020-01-01T00:00:00Z",
            "expires_on": "2040-01-01T00:00:00Z", "uploaded_on": EARLY, "updated_at": EARLY,
        })
    );
    for (pem, code) in [
        (&middle, 1411),
        (&leaf, 1411),
        (&format!("{leaf}{middle}{root}"), 1411),
        (&KEY.into(), 1002),
    ] {
        assert_eq!(add(pem, &[]).unwrap_err()[0].code, code);
    }
    assert_eq!(add(&root, &[&trusted]).unwrap_err()[0].code, 1220);
}

#[test]
fn client_certificates_are_for_no_host() {
    let world = World::default();
    let [leaf, middle, _] = chain(&[]);
    let send = |keys: Result<(), KeyProblem>, there: &[_]| {
        let pem = format!("{leaf}{middle}");
        let body = json!({"certificate": pem, "private_key": KEY}).to_string();
        apply::client(body.as_bytes(), there, &Always(keys), &world.context())
    };
    let made = send(Ok(()), &[]).unwrap();
    assert_eq!(made.private_key, KEY);
    let answer = serde_json::to_value(&made.certificate).unwrap();
    assert_eq!(answer["issuer"], "O=Example Trust,CN=middle");
    assert!(!answer.to_string().contains("PRIVATE"));
    assert_eq!(made.certificate.clone().deleted().status, CertificateStatus::Deleted);
    assert_eq!(send(Ok(()), &[&made.certificate]).err().unwrap()[0].code, 1220);
    assert_eq!(send(Err(KeyProblem::Mismatch), &[]).err().unwrap()[0].code, 2200);
    for (body, outcome) in [
        (json!({"enabled": true}), Ok(true)),
        (json!({"enabled": false}), Ok(false)),
        (json!({}), Err("1002 /enabled: enabled is required: validation failed")),
        (
            json!({"enabled": 1}),
            Err("1002 /enabled: enabled must be true or false: validation failed"),
        ),
    ] {
        let got = apply::client_auth(body.to_string().as_bytes());
        match (got, outcome) {
            (Ok(got), Ok(wanted)) => assert_eq!(got, wanted),
            (Err(problems), Err(refusal)) => assert_eq!(told(&problems), [refusal]),
            (got, _) => panic!("{body}: {got:?}"),
        }
    }
}

proptest! {
    /// Whatever is sent is refused or read, and what is read is stored as itself.
    #[test]
    fn damaged_certificates_are_no_crash(place in 0_usize..2000, byte: u8, cut in 0_usize..2000) {
        static ROOT: OnceLock<String> = OnceLock::new();
        let root = ROOT.get_or_init(|| chain(&[NAME])[2].clone());
        let body: String = root.lines().filter(|line| !line.starts_with('-')).collect();
        let mut der = STANDARD.decode(body).unwrap();
        let length = der.len();
        der[place % length] = byte;
        der.truncate(length - cut % 8);
        let pem = format!(
            "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----",
            STANDARD.encode(&der)
        );
        let world = World::default();
        let add = |pem: &str| {
            let body = json!({ "certificate": pem }).to_string();
            apply::trusted(body.as_bytes(), &[], &world.context())
        };
        if let Ok(trusted) = add(&pem) {
            prop_assert_eq!(add(&trusted.certificate).unwrap(), trusted);
        }
    }
}
