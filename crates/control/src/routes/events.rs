//! Health events (api.md 2, row 25; 2.9): what the journal has of changed health.

use std::sync::Arc;

use axum::extract::State;
use evenkeel_api::HealthEvent;
use evenkeel_api::health_event::HealthEventFilter;
use evenkeel_store::{Entry, JOURNAL_READ_MAX, JournalQuery};
use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::Deserialize;

use super::object::page_of;
use crate::app::App;
use crate::auth::Caller;
use crate::catalog::Catalog;
use crate::error::{Answer, ApiError};
use crate::health::HEALTH_EVENTS;
use crate::request::{Page, Parameters};

/// How far back events are looked for when no beginning is asked for.
const WINDOW: SignedDuration = SignedDuration::from_hours(24);

/// The most events of one answer. Older ones are found by an earlier `until`.
const EVENTS_MAX: usize = 1000;

/// Which events are asked for.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct EventsQuery {
    /// From when on, in RFC 3339; 24 hours before the end unless told otherwise.
    since: Option<String>,
    /// Until when, in RFC 3339; now unless told otherwise.
    until: Option<String>,
    /// Only of this pool.
    pool_id: Option<String>,
    /// Only of pools that had this name.
    pool_name: Option<String>,
    /// Only those after which the pool is healthy, or is not.
    pool_healthy: Option<bool>,
    /// Only where an origin has this name.
    origin_name: Option<String>,
    /// Only those after which an origin, the one of that name if one is asked for, is healthy, or is
    /// not.
    origin_healthy: Option<bool>,
}

impl EventsQuery {
    /// The first millisecond asked for, and the first one that is not.
    fn window(&self) -> Result<(u64, u64), ApiError> {
        let until = moment("until", self.until.as_deref())?.unwrap_or_else(Timestamp::now);
        let since = match moment("since", self.since.as_deref())? {
            Some(since) => since,
            None => until.saturating_sub(WINDOW).unwrap_or(Timestamp::UNIX_EPOCH),
        };
        if since > until {
            return Err(ApiError::invalid(format_args!("since is after until")));
        }
        let millis = |at: Timestamp| u64::try_from(at.as_millisecond()).unwrap_or(0);
        Ok((millis(since), millis(until) + 1))
    }

    fn filter(self) -> HealthEventFilter {
        HealthEventFilter {
            pool_id: self.pool_id,
            pool_name: self.pool_name,
            pool_healthy: self.pool_healthy,
            origin_name: self.origin_name,
            origin_healthy: self.origin_healthy,
        }
    }
}

/// Reads a time of a query. The plus of an offset reads as a space where a client forgot to encode
/// it.
pub(super) fn moment(name: &str, text: Option<&str>) -> Result<Option<Timestamp>, ApiError> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
    let read = text.replace(' ', "+").parse();
    read.map(Some).map_err(|_| {
        ApiError::invalid(format_args!("{name} is not a time such as 2026-01-05T10:00:00Z"))
    })
}

/// GET of the events of the caller's account, newest first.
pub(super) async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    Parameters(query): Parameters<EventsQuery>,
) -> Answer<Vec<HealthEvent>> {
    let (from_ms, until_ms) = query.window()?;
    let filter = query.filter();
    let mut query = JournalQuery {
        from_ms: Some(from_ms),
        until_ms: Some(until_ms),
        ..JournalQuery::newest(HEALTH_EVENTS, JOURNAL_READ_MAX)
    };
    let catalog = app.catalog();
    let mut events = Vec::new();
    while events.len() < EVENTS_MAX {
        let entries = app.journal(query.clone()).await?;
        let Some(last) = entries.last() else { break };
        query.before = Some(last.sequence);
        let found = entries.iter().filter_map(event);
        let is_wanted =
            |event: &HealthEvent| filter.passes(event) && is_visible(event, &caller, &catalog);
        events.extend(found.filter(is_wanted));
    }
    events.truncate(EVENTS_MAX);
    Ok(page_of(events, Page::default()))
}

/// The event of an entry. One that cannot be read is left out and logged.
fn event(entry: &Entry) -> Option<HealthEvent> {
    match serde_json::from_slice::<HealthEvent>(&entry.body) {
        Ok(event) => Some(HealthEvent { id: entry.sequence.0, ..event }),
        Err(error) => {
            tracing::error!(entry = %entry.sequence, %error, "A health event cannot be read.");
            None
        }
    }
}

/// Whether an event is of the caller's account. Whose a pool was that is gone nobody knows, so its
/// events are shown where there is only one account.
fn is_visible(event: &HealthEvent, caller: &Caller, catalog: &Catalog) -> bool {
    match catalog.pools.get(&event.pool.id) {
        Some(pool) => Some(pool.owner.id()) == caller.account.as_deref(),
        None => catalog.accounts.values().count() == 1,
    }
}
