//! DNS records of a zone (api.md 6.3): what a request may say, and what the DNS server is told.
//!
//! A record is said in one of two ways: by `content`, the presentation form of its type, or by
//! `data`, the parts of it as numbers and texts. Whichever is sent, the document holds both; it
//! serialises as it is answered, and [`DnsRecord::record_data`] reads what it says for whoever
//! answers queries.
//!
//! Where a load balancer has the same name it goes before (api.md 5.2); nothing of that shows here.

mod batch;
mod conflicts;
mod data;
mod document;
mod fields;
mod filter;
mod loc;
mod name;
mod svcb;
mod tokens;
mod validate;
mod zone_file;

use alloc::string::String;
use alloc::vec::Vec;

use serde_json::{Map, Value};

use crate::body;
use crate::context::{Context, Verb};
use crate::problem::{Problem, Problems};
use crate::read::Object;

pub use batch::{BATCH_RECORDS_MAX, Batch, BatchAnswer};
pub use conflicts::check;
pub use data::RecordData;
pub use document::{DnsRecord, RecordMeta, RecordSettings, RecordType};
pub use fields::Member;
pub use filter::{Direction, Filter, Match, OrderBy, Query};
pub(crate) use name::wire as wire_name;
pub use zone_file::export;

/// Shortest TTL that can be chosen, in seconds: that of the largest published plan.
const TTL_MIN: u32 = 30;

/// Longest content, in characters: room for every escape of the longest RDATA.
const CONTENT_CHARS_MAX: usize = 16_384;

/// The document a request leaves behind in the zone of this name, which its neighbours may still
/// refuse: see [`check`]. Replace and Patch start from `current`; without one they act on an empty
/// document.
///
/// # Errors
/// Everything wrong with the body, or with the document it would result in.
pub fn apply(
    verb: Verb,
    body: &[u8],
    current: Option<&DnsRecord>,
    zone: &str,
    cx: &Context<'_>,
) -> Result<DnsRecord, Vec<Problem>> {
    let sent = body::parse(body)?;
    let problems = Problems::default();
    let record = read(verb, sent, String::new(), &problems, current, zone, cx);
    problems.unless_any(record)
}

/// The same for an object somewhere in a body.
fn read(
    verb: Verb,
    sent: Map<String, Value>,
    pointer: String,
    problems: &Problems,
    current: Option<&DnsRecord>,
    zone: &str,
    cx: &Context<'_>,
) -> DnsRecord {
    let current = current.filter(|_| verb != Verb::Create);
    let whole = match current {
        Some(current) if verb == Verb::Patch => overlaid(current, sent),
        _ => sent,
    };
    validate::read(&Object::at(&whole, pointer, problems), current, zone, cx)
}

/// Content and data say the same: the one that is sent drops the other, and a change of type drops
/// both, for neither is right any more.
fn overlaid(current: &DnsRecord, sent: Map<String, Value>) -> Map<String, Value> {
    let is_sent = |name: &str| sent.get(name).is_some_and(|value| !value.is_null());
    let changes_type = is_sent("type") && sent["type"] != current.r#type.as_str();
    let drops_content = !is_sent("content") && (is_sent("data") || changes_type);
    let drops_data = !is_sent("data") && (is_sent("content") || changes_type);
    let mut whole = body::overlaid(current, sent, &[]);
    for (drops, name) in [(drops_content, "content"), (drops_data, "data")] {
        if drops {
            whole.shift_remove(name);
        }
    }
    whole
}
