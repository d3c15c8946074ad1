//! Accounts (api.md 6.2), as far as the caller's token reaches: read only, for they are made with the installation.

use std::cmp::Ordering;
use std::sync::Arc;

use axum::extract::State;
use evenkeel_api::Account;
use schemars::JsonSchema;
use serde::Deserialize;

use super::object::{page_of, success};
use super::user::{VerifiedToken, verified};
use crate::app::App;
use crate::auth::Caller;
use crate::error::{Answer, ApiError};
use crate::request::{At, Direction, Page, Parameters, bounded_page};

/// The query of the list.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct ListQuery {
    name: Option<String>,
    direction: Option<Direction>,
    page: Option<u64>,
    per_page: Option<u64>,
}

/// GET on the collection.
pub(super) async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    Parameters(query): Parameters<ListQuery>,
) -> Answer<Vec<Account>> {
    let page = bounded_page(Page { page: query.page, per_page: query.per_page })?;
    let catalog = app.catalog();
    let accounts = catalog.accounts.values();
    let wanted = |account: &&Account| query.name.as_ref().is_none_or(|name| account.name == *name);
    let seen = |account: &&Account| caller.may_see_account(&account.id);
    let mut accounts: Vec<_> = accounts.filter(seen).filter(wanted).cloned().collect();
    let by_name =
        |a: &Account, b: &Account| -> Ordering { (&a.name, &a.id).cmp(&(&b.name, &b.id)) };
    accounts.sort_by(by_name);
    if query.direction == Some(Direction::Desc) {
        accounts.reverse();
    }
    Ok(page_of(accounts, page))
}

/// GET on one.
pub(super) async fn fetch(State(app): State<Arc<App>>, at: At) -> Answer<Account> {
    Ok(success(at.account(&app.catalog())?.clone()))
}

/// GET of whether the caller's token works, asked by way of an account.
pub(super) async fn verify_token(
    State(app): State<Arc<App>>,
    caller: Caller,
    at: At,
) -> Result<VerifiedToken, ApiError> {
    at.account(&app.catalog())?;
    Ok(verified(&caller))
}
