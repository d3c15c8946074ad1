//! Monitors: how the origins of a pool are probed and judged (api.md 3.6, behaviour.md 7.2).

mod build;
mod document;
mod validate;

use alloc::vec::Vec;

use crate::body;
use crate::context::{Context, Verb};
use crate::problem::{Problem, Problems};
use crate::read::Object;

pub use document::{Monitor, MonitorType};

pub(crate) use build::build;

/// The document a request leaves behind. Replace and Patch start from `current`; without one they
/// act on an empty document.
///
/// # Errors
/// Everything wrong with the body, or with the document it would result in.
pub fn apply(
    verb: Verb,
    body: &[u8],
    current: Option<&Monitor>,
    cx: &Context<'_>,
) -> Result<Monitor, Vec<Problem>> {
    let sent = body::parse(body)?;
    let current = current.filter(|_| verb != Verb::Create);
    let whole = match current {
        Some(current) if verb == Verb::Patch => {
            let mut current = current.clone();
            if sent.contains_key("type") {
                forget_filled_in(&mut current);
            }
            body::overlaid(&current, sent, &[])
        }
        _ => sent,
    };
    let problems = Problems::default();
    let document = validate::read(&Object::root(&whole, &problems), current, cx);
    problems.unless_any(document)
}

/// What nobody chose follows the type: a tcp monitor has no path, and GET is no word of its own. The
/// empty texts left here are filled in anew.
fn forget_filled_in(current: &mut Monitor) {
    if current.method == current.r#type.method_default() {
        current.method.clear();
    }
    if current.path == current.r#type.path_default() {
        current.path.clear();
    }
}
