//! Pools and their origins (api.md 3.4, 3.5).

mod address;
mod build;
mod document;
mod origin;
mod validate;

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;

use serde_json::Value;

use crate::body;
use crate::context::{Context, Limits, Verb};
use crate::problem::{Problem, Problems};
use crate::read::{Node, Object};

pub use document::{
    FilterOptions, LoadShedding, NotificationFilter, OriginSteering, OriginSteeringPolicy, Pool,
    SheddingPolicy, SheddingSessionPolicy,
};
pub use origin::{Origin, OriginHeader};

pub(crate) use build::build;

/// The document a request leaves behind. Replace and Patch start from `current`; without one they
/// act on an empty document.
///
/// # Errors
/// Everything wrong with the body, or with the document it would result in.
pub fn apply(
    verb: Verb,
    body: &[u8],
    current: Option<&Pool>,
    cx: &Context<'_>,
) -> Result<Pool, Vec<Problem>> {
    let sent = body::parse(body)?;
    let current = current.filter(|_| verb != Verb::Create);
    let whole = match current {
        Some(current) if verb == Verb::Patch => {
            let mut current = current.clone();
            if is_set(&sent, "monitor_group") {
                current.monitor = None;
            } else if is_set(&sent, "monitor") {
                current.monitor_group = None;
            }
            body::overlaid(&current, sent, &[])
        }
        _ => sent,
    };
    let problems = Problems::default();
    let document = validate::read(&Object::root(&whole, &problems), current, cx);
    problems.unless_any(document)
}

/// Whether a member is sent and names something: a monitor that is attached takes the place of the
/// group, and the other way round (behaviour.md 7.7 item 10). Both at once are refused.
fn is_set(sent: &serde_json::Map<String, Value>, name: &str) -> bool {
    sent.get(name).is_some_and(|value| !value.is_null() && value != "")
}

/// The pools that a PATCH of the whole collection leaves changed, in the order given. All it can do
/// is to clear `notification_email` (api.md 2, endpoint 10).
///
/// # Errors
/// When the body asks for anything else.
pub fn apply_to_all<'a>(
    body: &[u8],
    pools: impl IntoIterator<Item = &'a Pool>,
    cx: &Context<'_>,
) -> Result<Vec<Pool>, Vec<Problem>> {
    const MEMBER: &str = "notification_email";
    let sent = body::parse(body)?;
    if sent.get(MEMBER).and_then(Value::as_str) != Some("") {
        let pointer = alloc::format!("/{MEMBER}");
        let reason = format_args!("{MEMBER} can only be cleared, by \"\"");
        return Err(Problem::invalid(&pointer, reason).into());
    }
    let with_email = pools.into_iter().filter(|pool| !pool.notification_email.is_empty());
    let cleared = with_email.map(|pool| Pool {
        notification_email: String::new(),
        modified_on: cx.now.to_owned(),
        ..pool.clone()
    });
    Ok(cleared.collect())
}

/// Notes what is wrong with an address that somebody other than a pool's origin may name, such as a
/// webhook's: the same ones are refused.
pub(crate) fn check_address(node: &Node<'_>, address: &str, limits: &Limits) {
    address::check(node, address, false, limits);
}
