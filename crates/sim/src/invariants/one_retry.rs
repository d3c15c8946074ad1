//! A request is dialled to two endpoints at most, never to one server twice, and leaves its pool
//! only where that is allowed (behaviour.md 5.1).

use super::{Finding, ensure};
use crate::exchange::Exchange;
use crate::servers::Fate;

pub(super) fn check(exchange: &Exchange) -> Finding {
    let attempts: Vec<_> = exchange.dialled().map(|target| target.attempt).collect();
    ensure(matches!(*attempts, [] | [1] | [1, 2]), || format!("attempts {attempts:?}"))?;
    for (n, contact) in exchange.contacts.iter().enumerate() {
        ensure(!exchange.has_met(contact.target.endpoint, n), || {
            let name = &exchange.view.config.endpoint(contact.target.endpoint).name;
            format!("{name} was met before")
        })?;
    }
    let across = exchange.meant.as_ref().is_none_or(|meant| meant.across);
    let failed = exchange.contacts.iter().position(|c| matches!(c.fate, Fate::Failure(_)));
    if let Some(failed) = failed
        && !across
    {
        let pool = exchange.contacts[failed].target.pool;
        let stayed = exchange.contacts[failed..].iter().all(|c| c.target.pool == pool);
        ensure(stayed, || "the retry left the pool".to_owned())?;
    }
    Ok(())
}
