//! The audit log as the API answers it: by page, by who, what, where and when, as JSON or CSV.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use evenkeel_api::AuditLog;
use evenkeel_api::token::Network;
use evenkeel_store::{JOURNAL_READ_MAX, JournalQuery, Order};
use http::header;
use schemars::JsonSchema;
use serde::Deserialize;

use super::object::success;
use super::operation::{Operation, Operations};
use crate::app::App;
use crate::audit;
use crate::auth::Caller;
use crate::catalog::Catalog;
use crate::error::ApiError;
use crate::grants::Target;
use crate::permission::{Group, Needs};
use crate::request::{At, Direction, Parameters};

const PER_PAGE_DEFAULT: u64 = 100;
const PER_PAGE_MAX: u64 = 1000;

/// The query of the list.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct ListQuery {
    /// Only this line.
    id: Option<String>,
    /// Only what was done like this: `create`, `update`, `delete`, `roll`.
    #[serde(rename = "action.type")]
    action_type: Option<String>,
    /// Only what was done by the user of this mail address.
    #[serde(rename = "actor.email")]
    actor_email: Option<String>,
    /// Only what was asked for from this address or network.
    #[serde(rename = "actor.ip")]
    actor_ip: Option<String>,
    /// Only what belongs to the zone of this name.
    #[serde(rename = "zone.name")]
    zone_name: Option<String>,
    /// Only what was done then or later: a time, or a date.
    since: Option<String>,
    /// Only what was done earlier: a time, or a date.
    before: Option<String>,
    /// Newest first unless `asc`.
    direction: Option<Direction>,
    /// Whether to answer with CSV.
    #[serde(default)]
    export: bool,
    /// Whether to leave out what belongs to a user and to no account.
    #[serde(default)]
    hide_user_logs: bool,
    /// From 1.
    page: Option<u64>,
    /// Lines on a page, from 1 to 1000; 100 unless said otherwise.
    per_page: Option<u64>,
}

/// Adds the operations.
pub(super) fn serve(api: &mut Operations) {
    for (path, of) in [("/user", "user"), ("/accounts/{account_id}", "account")] {
        let summary = format!("List {of} audit logs");
        api.serve(
            Operation::get(&format!("{path}/audit_logs"), Group::AccountSettings, &summary)
                .query::<ListQuery>()
                .answers::<Vec<AuditLog>>(),
            list,
        );
    }
}

/// GET on the log.
async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    at: At,
    Parameters(query): Parameters<ListQuery>,
) -> Result<Response, ApiError> {
    let per_page = query.per_page.unwrap_or(PER_PAGE_DEFAULT);
    if !(1..=PER_PAGE_MAX).contains(&per_page) {
        return Err(ApiError::invalid(format_args!(
            "per_page is not in range [1, {PER_PAGE_MAX}]"
        )));
    }
    let catalog = app.catalog();
    let filter = Filter::new(&query, whose(&catalog, &caller, &at)?, &catalog)?;
    let mut skip = (query.page.unwrap_or(1).max(1) - 1).saturating_mul(per_page);
    let mut lines = Vec::new();
    let mut asked = JournalQuery {
        from_ms: time(query.since.as_deref(), "since")?,
        until_ms: time(query.before.as_deref(), "before")?,
        order: match query.direction {
            Some(Direction::Asc) => Order::OldestFirst,
            _ => Order::NewestFirst,
        },
        ..JournalQuery::newest(audit::STREAM, JOURNAL_READ_MAX)
    };
    'reading: loop {
        let entries = app.journal(asked.clone()).await?;
        let Some(last) = entries.last().map(|entry| entry.sequence) else { break };
        for entry in entries {
            let Ok(line) = serde_json::from_slice::<AuditLog>(&entry.body) else { continue };
            if !filter.wants(&line) {
                continue;
            }
            if skip > 0 {
                skip -= 1;
                continue;
            }
            lines.push(line.answered());
            if lines.len() as u64 == per_page {
                break 'reading;
            }
        }
        asked = asked.past(last);
    }
    Ok(if query.export { csv(&lines).into_response() } else { success(lines).into_response() })
}

/// Which owners' lines are shown: those of the path's account, or of every account whose settings
/// the caller may read; and those of users, unless they are unwanted.
fn whose(catalog: &Catalog, caller: &Caller, at: &At) -> Result<Vec<String>, ApiError> {
    if !caller.origin.path.starts_with("/user/") {
        return Ok(vec![at.account(catalog)?.id.clone()]);
    }
    let needs = Needs::read(Group::AccountSettings);
    let may_read = |id: &&String| caller.may(needs, Target::Account(id));
    let owners: Vec<_> =
        catalog.accounts.values().map(|account| &account.id).filter(may_read).cloned().collect();
    if owners.is_empty() { Err(ApiError::forbidden()) } else { Ok(owners) }
}

/// What a query asks for, apart from times and pages.
struct Filter<'q> {
    query: &'q ListQuery,
    accounts: Vec<String>,
    catalog: &'q Catalog,
    network: Option<Network>,
}

impl<'q> Filter<'q> {
    fn new(
        query: &'q ListQuery,
        accounts: Vec<String>,
        catalog: &'q Catalog,
    ) -> Result<Self, ApiError> {
        let network = match query.actor_ip.as_deref() {
            None => None,
            Some(text) => Some(Network::parse(text).ok_or_else(|| {
                ApiError::invalid(format_args!("actor.ip is not an address or a network"))
            })?),
        };
        Ok(Self { query, accounts, catalog, network })
    }

    fn wants(&self, line: &AuditLog) -> bool {
        let Self { query, accounts, catalog, network } = self;
        let is = |wanted: &Option<String>, found: &str| {
            wanted.as_ref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(found))
        };
        let of_account = accounts.contains(&line.owner.id);
        let of_user = catalog.accounts.get(&line.owner.id).is_none();
        let from_there =
            |network: &Network| line.actor.ip.parse().is_ok_and(|ip| network.contains(ip));
        (of_account || of_user && !query.hide_user_logs)
            && is(&query.id, &line.id)
            && is(&query.action_type, &line.action.r#type)
            && is(&query.actor_email, &line.actor.email)
            && is(&query.zone_name, &line.metadata.zone_name)
            && network.as_ref().is_none_or(from_there)
    }
}

/// A time as asked for, in milliseconds since 1970: RFC 3339, or a date, at whose first moment.
fn time(text: Option<&str>, name: &str) -> Result<Option<u64>, ApiError> {
    let Some(text) = text else { return Ok(None) };
    let time = evenkeel_api::parse_time(text)
        .or_else(|| evenkeel_api::parse_time(&format!("{text}T00:00:00Z")));
    let time = time.ok_or_else(|| {
        ApiError::invalid(format_args!("{name} is not a time like 2030-01-31T00:00:00Z"))
    })?;
    Ok(Some(time.0))
}

/// The lines as RFC 4180 has it.
fn csv(lines: &[AuditLog]) -> impl IntoResponse {
    let mut text = String::from(
        "id,when,actor_type,actor_id,actor_email,actor_ip,action_type,action_result,\
         resource_type,resource_id,owner_id,interface,old_value,new_value\r\n",
    );
    for line in lines {
        let result = line.action.result.to_string();
        let cells = [
            &*line.id,
            &*line.when,
            line.actor.r#type.as_str(),
            &*line.actor.id,
            &*line.actor.email,
            &*line.actor.ip,
            &*line.action.r#type,
            &*result,
            &*line.resource.r#type,
            &*line.resource.id,
            &*line.owner.id,
            &*line.interface,
            &*line.old_value,
            &*line.new_value,
        ];
        let cells: Vec<_> = cells.iter().map(|cell| quoted(cell)).collect();
        text.push_str(&cells.join(","));
        text.push_str("\r\n");
    }
    ([(header::CONTENT_TYPE, "text/csv; charset=utf-8")], text)
}

fn quoted(cell: &str) -> String {
    // A cell that begins like this would be run as a formula by the programs that open it.
    let risky = cell.starts_with(['=', '+', '-', '@']);
    let cell = if risky { format!("'{cell}") } else { cell.to_owned() };
    if cell.contains([',', '"', '\r', '\n']) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell
    }
}
