//! A fixed response is given exactly when a pool set or rule says so, and contacts nobody
//! (behaviour.md 1.8, 1.9).

use super::{Finding, ensure};
use crate::exchange::{Exchange, Outcome};

pub(super) fn check(exchange: &Exchange) -> Finding {
    let meant = exchange.meant.as_ref().and_then(|meant| meant.respond);
    let given = match exchange.outcome {
        Outcome::Responded(status) => Some(status),
        _ => None,
    };
    ensure(given == meant, || format!("{given:?} was given, {meant:?} was meant"))?;
    let alone = exchange.contacts.is_empty() && exchange.set_cookie.is_none();
    ensure(given.is_none() || alone, || "more than the fixed response was given".to_owned())
}
