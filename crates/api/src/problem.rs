//! What is wrong with a request, in the words of api.md 1.3, and the collector that lets one answer
//! name every mistake of a body.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use alloc::{format, vec};
use core::cell::RefCell;
use core::fmt;

/// Any failed validation (api.md 1.3).
pub const INVALID: u32 = 1002;
/// A name or list entry that must be unique and is not.
pub const NOT_UNIQUE: u32 = 1003;
/// The object is named by others and cannot be deleted.
pub const REFERENCED: u32 = 1005;
/// The object does not exist (api.md 9 item 1).
pub const NOT_FOUND: u32 = 1001;
/// A zone of that name exists.
pub const ZONE_EXISTS: u32 = 1061;
/// The DNS record does not exist.
pub const NO_RECORD: u32 = 81_044;
/// A host has a CNAME record, or has addresses and would get one.
pub const HOST_TAKEN: u32 = 81_053;
/// The same DNS record exists.
pub const IDENTICAL_RECORD: u32 = 81_057;
/// The TXT records of one name are too long together.
pub(crate) const TEXTS_TOO_LONG: u32 = 83_011;
/// The name of a DNS record is none.
pub(crate) const INVALID_NAME: u32 = 9000;
/// The record can not be proxied.
pub(crate) const NOT_PROXIABLE: u32 = 9004;
/// The content of an A record is no IPv4 address.
pub(crate) const INVALID_A: u32 = 9005;
/// The content of an AAAA record is no IPv6 address.
pub(crate) const INVALID_AAAA: u32 = 9006;
/// The content of a CNAME record is no host name.
pub(crate) const INVALID_CNAME: u32 = 9007;
/// The content of an MX record is no host name.
pub(crate) const INVALID_MX: u32 = 9009;
/// A record says more than fits.
pub(crate) const CONTENT_TOO_LONG: u32 = 9015;
/// A TTL out of range.
pub(crate) const INVALID_TTL: u32 = 9021;
/// A CNAME record that names itself.
pub(crate) const SELF_REFERENCE: u32 = 9039;

/// A zone setting that does not exist is asked for.
pub(crate) const UNDEFINED_SETTING: u32 = 1003;
/// Settings are to be changed, and none is named.
pub(crate) const MISSING_ITEMS: u32 = 1004;
/// A zone setting that does not exist is to be changed.
pub(crate) const UNRECOGNIZED_SETTING: u32 = 1006;
/// A zone setting cannot have the value.
pub(crate) const INVALID_SETTING: u32 = 1007;
/// The certificate is in the zone already.
pub(crate) const CERTIFICATE_TWICE: u32 = 1220;
/// The certificate is not one of a root authority.
pub(crate) const NO_ROOT: u32 = 1411;
/// A chain has nothing but authorities.
pub(crate) const NO_LEAF: u32 = 2101;
/// A certificate is for no name of its zone.
pub(crate) const NO_HOST_OF_ZONE: u32 = 2103;
/// A private key cannot be used.
pub(crate) const INVALID_KEY: u32 = 2106;
/// A private key is another certificate's.
pub(crate) const KEY_MISMATCH: u32 = 2200;

/// Problems kept of one body. Each mistake of the first screenful is worth naming; a body of a
/// thousand wrong origins must not be answered with a thousand lines.
const PROBLEMS_MAX: usize = 100;

/// One thing wrong with a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The number clients match on, such as [`INVALID`].
    pub code: u32,
    /// JSON pointer into the document (`/origins/0/weight`), `""` for the whole. For a PATCH that
    /// is the document as merged.
    pub pointer: String,
    /// The sentence clients show; where api.md 1.3 quotes one, literally that.
    pub message: String,
}

impl Problem {
    /// A failed validation: the reason, closed by `: validation failed`.
    #[must_use]
    pub fn invalid(pointer: &str, reason: fmt::Arguments<'_>) -> Self {
        let message = format!("{reason}: validation failed");
        Self { code: INVALID, pointer: pointer.to_string(), message }
    }

    /// A value that another object, or the same list, holds already.
    #[must_use]
    pub fn not_unique(pointer: &str) -> Self {
        let message = "value not unique".to_string();
        Self { code: NOT_UNIQUE, pointer: pointer.to_string(), message }
    }

    /// The refusal to delete what others name. Clients match the words.
    #[must_use]
    pub fn referenced() -> Self {
        let message = "This object is referenced by other objects, delete them first.".to_string();
        Self { code: REFERENCED, pointer: String::new(), message }
    }

    /// The object of a path is not there, `object` being its kind.
    #[must_use]
    pub fn not_found(object: &str) -> Self {
        Self { code: NOT_FOUND, pointer: String::new(), message: format!("{object} not found") }
    }

    /// The DNS record of a path is not there; clients match the words.
    #[must_use]
    pub fn no_record() -> Self {
        let message = "Record does not exist.".to_string();
        Self { code: NO_RECORD, pointer: String::new(), message }
    }

    /// One more object than the quota allows, `object` being its kind (api.md 9 item 6).
    #[must_use]
    pub fn quota(object: &str) -> Self {
        Self::invalid("", format_args!("{object} quota exceeded"))
    }

    /// The HTTP status it is answered with (api.md 1.2).
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self.code {
            NOT_FOUND | NO_RECORD => 404,
            REFERENCED => 412,
            _ => 400,
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.pointer.as_str() {
            "" => f.write_str(&self.message),
            pointer => write!(f, "{pointer}: {}", self.message),
        }
    }
}

impl core::error::Error for Problem {}

/// The problems found so far. Shared by all readers of one body, hence the cell.
#[derive(Debug, Default)]
pub(crate) struct Problems(RefCell<Vec<Problem>>);

impl Problems {
    /// Notes a failed validation. Its message is only written while there is room.
    pub(crate) fn invalid(&self, pointer: &str, reason: fmt::Arguments<'_>) {
        self.add(|| Problem::invalid(pointer, reason));
    }

    /// Notes a value that is taken.
    pub(crate) fn not_unique(&self, pointer: &str) {
        self.add(|| Problem::not_unique(pointer));
    }

    /// Past [`PROBLEMS_MAX`] the body is wrong enough and the rest is dropped.
    pub(crate) fn add(&self, problem: impl FnOnce() -> Problem) {
        let mut problems = self.0.borrow_mut();
        if problems.len() < PROBLEMS_MAX {
            problems.push(problem());
        }
    }

    /// The document, when nothing was wrong with it.
    pub(crate) fn unless_any<T>(self, document: T) -> Result<T, Vec<Problem>> {
        let problems = self.0.into_inner();
        if problems.is_empty() { Ok(document) } else { Err(problems) }
    }
}

impl From<Problem> for Vec<Problem> {
    fn from(problem: Problem) -> Self {
        vec![problem]
    }
}
