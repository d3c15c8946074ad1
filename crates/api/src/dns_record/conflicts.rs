//! What a record's neighbours in the zone do not allow.

use alloc::borrow::ToOwned;

use super::document::{DnsRecord, RecordType};
use crate::problem::{HOST_TAKEN, IDENTICAL_RECORD, Problem, TEXTS_TOO_LONG};

/// Most characters all TXT records of one name may hold together.
const TEXTS_CHARS_MAX: usize = 8192;

/// Checks a record against the others of its zone; one of the same id is the record itself, as it
/// was.
///
/// # Errors
/// When the same record exists, when a CNAME would not be alone among addresses and other CNAMEs, or
/// when the texts of one name become too long to be asked for.
pub fn check<'a>(
    record: &DnsRecord,
    others: impl IntoIterator<Item = &'a DnsRecord>,
) -> Result<(), Problem> {
    let mut texts = record.content.len();
    let neighbours = others.into_iter().filter(|other| other.name == record.name);
    for other in neighbours.filter(|other| other.id != record.id) {
        if is_identical(record, other) {
            return Err(problem(
                IDENTICAL_RECORD,
                "/content",
                "An identical record already exists.",
            ));
        }
        let both_stand_for_the_host = is_host(record) && is_host(other);
        if both_stand_for_the_host && record.r#type == RecordType::Cname {
            let message = "An A, AAAA, or CNAME record with that host already exists.";
            return Err(problem(HOST_TAKEN, "/name", message));
        }
        if both_stand_for_the_host && other.r#type == RecordType::Cname {
            let message = "A CNAME record with that host already exists.";
            return Err(problem(HOST_TAKEN, "/name", message));
        }
        if other.r#type == RecordType::Txt {
            texts += other.content.len();
        }
    }
    if record.r#type == RecordType::Txt && texts > TEXTS_CHARS_MAX {
        let message = "Combined content length of records with this name exceeds 8192 characters.";
        return Err(problem(TEXTS_TOO_LONG, "/content", message));
    }
    Ok(())
}

fn is_host(record: &DnsRecord) -> bool {
    matches!(record.r#type, RecordType::A | RecordType::Aaaa | RecordType::Cname)
}

fn is_identical(one: &DnsRecord, other: &DnsRecord) -> bool {
    let priorities_differ = one.r#type.has_priority() && one.priority != other.priority;
    one.r#type == other.r#type
        && !priorities_differ
        && (one.content == other.content || one.record_data() == other.record_data())
}

fn problem(code: u32, pointer: &str, message: &str) -> Problem {
    Problem { code, pointer: pointer.to_owned(), message: message.to_owned() }
}
