//! `evenkeel health`: how pools fare, and what became of one and its endpoints, when and why. Asks
//! for pools, their health and health events; [`timeline`] makes a story of the events.

mod timeline;

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::object::{Labels, labels_of, name_of, one, text};
use super::output::{Style, print, print_json, table};
use super::session::{Session, id};
use super::{group, monitor, pool};
use crate::cli::{HealthCommand, HealthSubject, Span};
use crate::client::ClientError;
use crate::commands::object::Found;
use crate::exit::Failure;
use timeline::Story;

/// Answers that the events of one story may come in, a thousand events each.
const PAGES_MAX: usize = 50;
/// Endpoints whose reasons a line of the overview has room for.
const REASONS_MAX: usize = 3;

/// Shows what is asked for.
///
/// # Errors
/// When the pool means nothing, or the server cannot be asked or refuses.
pub(crate) fn run(args: &HealthCommand) -> Result<(), Failure> {
    let session = Session::open(&args.remote)?;
    match &args.subject {
        None => overview(&session, args.remote.json),
        Some(HealthSubject::Pool { name, since }) => {
            story(&session, name, *since, args.remote.json)
        }
    }
}

fn overview(session: &Session, json: bool) -> Result<(), Failure> {
    let pools = pool::all(session)?;
    if json {
        return print_json(&Value::Array(pools));
    }
    let mut labels = labels_of(&monitor::KIND, &monitor::all(session)?);
    labels.extend(labels_of(&group::KIND, &group::all(session)?));
    let rows: Vec<_> = pools.iter().map(|pool| row(pool, &labels)).collect();
    let heads = ["POOL", "STATUS", "HEALTHY", "NEEDED", "MONITOR", "FAILING"];
    print(&table(&heads, &rows, Style::of_output()))
}

/// A pool on one line.
fn row(pool: &Value, labels: &Labels) -> Vec<String> {
    let origins = pool["origins"].as_array().map(Vec::as_slice).unwrap_or_default();
    let healthy = origins.iter().filter(|origin| origin["healthy"] == true).count();
    let mut failing = origins.iter().filter(|origin| origin["healthy"] == false);
    let named = failing.by_ref().take(REASONS_MAX);
    let named = named
        .map(|origin| format!("{} ({})", text(origin, "name"), text(origin, "failure_reason")));
    let mut named: Vec<_> = named.collect();
    match failing.count() {
        0 => {}
        more => named.push(format!("{more} more")),
    }
    let judge = if pool["monitor"].is_null() { &pool["monitor_group"] } else { &pool["monitor"] };
    vec![
        text(pool, "name"),
        status(pool).to_owned(),
        format!("{healthy}/{}", origins.len()),
        pool["minimum_origins"].as_u64().unwrap_or(1).to_string(),
        name_of(labels, judge),
        if named.is_empty() { "-".to_owned() } else { named.join(", ") },
    ]
}

/// How a pool fares, in a word or two.
fn status(pool: &Value) -> &'static str {
    match pool["healthy"].as_bool() {
        _ if pool["enabled"] == false => "disabled",
        Some(true) => "healthy",
        Some(false) => "unhealthy",
        None if pool["monitor"].is_string() || pool["monitor_group"].is_string() => "unknown",
        None => "no monitor",
    }
}

fn story(session: &Session, name: &str, Span(span): Span, json: bool) -> Result<(), Failure> {
    let collection = format!("{}/load_balancers/pools", session.account_path()?);
    let found = |object| Found { collection: collection.clone(), object };
    let pools = pool::all(session)?.into_iter().map(found).collect();
    let found = one(&pool::KIND, pools, name)?;
    let now = Timestamp::now();
    let since = SignedDuration::try_from(span).ok().and_then(|span| now.checked_sub(span).ok());
    let since = since.unwrap_or(Timestamp::UNIX_EPOCH).max(Timestamp::UNIX_EPOCH);
    let events = events(session, id(&found.object), since, now)?;
    let mut story = Story::of(&found.object, &events, since, now);
    for (address, health) in measured(session, &found)? {
        story.measure(&address, &health);
    }
    if json { print_json(&story.to_json()) } else { print(&story.to_text(Style::of_output())) }
}

/// What is known of each address now; nothing while nothing is.
fn measured(session: &Session, found: &Found) -> Result<Vec<(String, Value)>, Failure> {
    let health = match session.client.get(&format!("{}/health", found.path())) {
        // Not judged yet.
        Err(ClientError::Refused(refusal)) if refusal.status == 404 => Value::Null,
        answer => session.asked(answer, "asking for the pool's health")?,
    };
    // One observer speaks for all: the first.
    let report = health["pop_health"].as_object().and_then(|pops| pops.values().next());
    let origins = report.and_then(|report| report["origins"].as_array());
    let members = origins.into_iter().flatten().filter_map(Value::as_object).flatten();
    Ok(members.map(|(address, health)| (address.clone(), health.clone())).collect())
}

/// The events of a pool, oldest first.
fn events(
    session: &Session,
    pool: &str,
    since: Timestamp,
    now: Timestamp,
) -> Result<Vec<Value>, Failure> {
    let mut until = now;
    let mut seen = BTreeSet::new();
    let mut all = Vec::new();
    for _ in 0..PAGES_MAX {
        let path = format!(
            "/user/load_balancing_analytics/events?pool_id={pool}&since={since}&until={until}"
        );
        let page = session.asked(session.client.list(&path), "asking for health events")?;
        // Pages end in the middle of a moment, which the next one therefore tells again.
        let count = all.len();
        all.extend(page.into_iter().filter(|event| seen.insert(event["id"].to_string())));
        let oldest = all[count..].iter().filter_map(timeline::moment).min();
        match oldest {
            Some(oldest) if oldest > since => until = oldest,
            _ => break,
        }
    }
    all.sort_by_key(|event| (timeline::moment(event), event["id"].as_u64()));
    Ok(all)
}
