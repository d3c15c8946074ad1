//! DNSSEC of a zone as it is answered, and what a PATCH may change.

use evenkeel_api::dnssec::{self, DnssecStatus};
use evenkeel_api::{Dnssec, DnssecSettings};
use evenkeel_model::ZoneKey;
use serde_json::{Value, json};

use crate::world::{EARLY, LATE};

fn patched(body: &Value, current: &DnssecSettings) -> Result<DnssecSettings, Vec<String>> {
    let patched = dnssec::patch(body.to_string().as_bytes(), current, LATE);
    patched.map_err(|problems| problems.iter().map(ToString::to_string).collect())
}

fn active() -> DnssecSettings {
    let modified_on = Some(EARLY.to_owned());
    DnssecSettings { status: DnssecStatus::Active, multi_signer: false, modified_on }
}

#[test]
fn a_zone_that_never_was_signed_answers_nothing_of_keys() {
    let answer = Dnssec::new("example.com", &DnssecSettings::default(), None, |_| [0; 32]);
    assert_eq!(
        serde_json::to_value(answer).unwrap(),
        json!({
            "status": "disabled", "flags": null, "algorithm": null, "key_type": null,
            "digest_type": null, "digest_algorithm": null, "digest": null, "ds": null,
            "key_tag": null, "public_key": null, "dnssec_multi_signer": false,
            "dnssec_presigned": false, "dnssec_use_nsec3": false, "modified_on": null,
        })
    );
}

#[test]
fn a_signed_zone_answers_what_its_registrar_asks_for() {
    let key = ZoneKey {
        algorithm: 13,
        flags: 257,
        public: [1, 2, 3].into(),
        private: b"hush".as_slice().into(),
    };
    let hashed = std::cell::RefCell::new(Vec::new());
    let sha256 = |text: &[u8]| {
        hashed.borrow_mut().extend_from_slice(text);
        [0xAB; 32]
    };
    let answer = Dnssec::new("example.com", &active(), Some(&key), sha256);
    assert_eq!(*hashed.borrow(), b"\x07example\x03com\0\x01\x01\x03\x0d\x01\x02\x03");
    let digest = "AB".repeat(32);
    assert_eq!(
        serde_json::to_value(&answer).unwrap(),
        json!({
            "status": "active", "flags": 257, "algorithm": "13", "key_type": "ECDSAP256SHA256",
            "digest_type": "2", "digest_algorithm": "SHA256", "digest": digest,
            "ds": format!("example.com. 3600 IN DS 2064 13 2 {digest}"), "key_tag": 2064,
            "public_key": "AQID", "dnssec_multi_signer": false, "dnssec_presigned": false,
            "dnssec_use_nsec3": false, "modified_on": EARLY,
        })
    );
    let off = DnssecSettings { status: DnssecStatus::Disabled, ..active() };
    let answer = Dnssec::new("example.com", &off, Some(&key), |_| [0; 32]);
    assert_eq!((answer.ds, answer.key_tag), (None, None), "a key that is not used is not told");
}

#[test]
fn a_patch_changes_what_it_names() {
    let on = patched(&json!({"status": "active"}), &DnssecSettings::default()).unwrap();
    assert_eq!((on.status, on.modified_on.as_deref()), (DnssecStatus::Active, Some(LATE)));
    let multi = patched(&json!({"dnssec_multi_signer": true, "status": null}), &on).unwrap();
    assert!(multi.multi_signer && multi.status == DnssecStatus::Active);
    let off = patched(&json!({"status": "disabled", "dnssec_use_nsec3": false}), &multi).unwrap();
    assert!(off.multi_signer && off.status == DnssecStatus::Disabled);
}

#[test]
fn what_is_not_done_here_is_refused() {
    for (body, expected) in [
        (
            json!({"status": "pending"}),
            "/status: status must be one of active, disabled: validation failed",
        ),
        (
            json!({"dnssec_presigned": true}),
            "/dnssec_presigned: dnssec_presigned must be false, for zones are signed here: \
             validation failed",
        ),
        (
            json!({"dnssec_use_nsec3": true}),
            "/dnssec_use_nsec3: dnssec_use_nsec3 must be false, for what does not exist is denied \
             by compact NSEC records: validation failed",
        ),
        (json!([]), "the body must be a JSON object: validation failed"),
    ] {
        assert_eq!(patched(&body, &active()).unwrap_err(), [expected], "{body}");
    }
}
