//! API tokens of users and of accounts: made, listed, changed, rolled, revoked.
//!
//! A token's secret is shown once, when it is made or rolled. No token can be given more than its
//! maker has: neither rights, nor time, nor freedom of place; nor can the secret of a more powerful
//! one be rolled.

use std::sync::Arc;

use axum::extract::State;
use evenkeel_api::token::{self, Scope};
use evenkeel_api::{PermissionGroup, Token, Verb, parse_time};
use evenkeel_model::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::object::{Deleted, page_of, success};
use super::operation::{Operation, Operations};
use crate::app::{App, within_quota};
use crate::auth::{Caller, token_hash};
use crate::catalog::{Catalog, Row};
use crate::error::{Answer, ApiError};
use crate::grants;
use crate::ids::{new_id, new_token, now};
use crate::permission::{self, Group, Needs};
use crate::records::{self, Role, kind};
use crate::request::{At, Body, Direction, Page, Parameters, bounded_page};

/// Tokens of one installation. Each is in memory; more than this were made by a program that
/// forgot to revoke them.
const TOKENS_MAX: usize = 10_000;

/// The query of the list.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct ListQuery {
    direction: Option<Direction>,
    page: Option<u64>,
    per_page: Option<u64>,
}

/// The query of the list of permission groups.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct GroupQuery {
    /// Only the one of this name.
    name: Option<String>,
    /// Only those that can be given for this kind of resource.
    scope: Option<String>,
}

/// A token with its secret, shown once.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct NewToken {
    #[serde(flatten)]
    token: Token,
    /// What to send after `Bearer`.
    value: String,
}

/// Adds the operations, below `/user` and below an account.
pub(super) fn serve(api: &mut Operations) {
    let group = Group::ApiTokens;
    let required = &["name", "policies"];
    for (base, of) in [("/user", "user"), ("/accounts/{account_id}", "account")] {
        let tokens = format!("{base}/tokens");
        let single = format!("{tokens}/{{token_id}}");
        api.serve(
            Operation::get(&tokens, group, &format!("List {of} tokens"))
                .query::<ListQuery>()
                .lists::<Token>(),
            list,
        );
        api.serve(
            Operation::post(&tokens, group, &format!("Create {of} token"))
                .document::<Token>(required)
                .answers::<NewToken>(),
            create,
        );
        api.serve(
            Operation::get(&single, group, &format!("Get {of} token")).answers::<Token>(),
            fetch,
        );
        api.serve(
            Operation::put(&single, group, &format!("Replace {of} token"))
                .document::<Token>(required)
                .answers::<Token>(),
            replace,
        );
        api.serve(
            Operation::delete(&single, group, &format!("Revoke {of} token")).answers::<Deleted>(),
            delete,
        );
        api.serve(
            Operation::put(&format!("{single}/value"), group, &format!("Roll {of} token"))
                .answers::<String>(),
            roll,
        );
        api.serve(
            Operation::get(
                &format!("{tokens}/permission_groups"),
                group,
                &format!("List {of} permission groups"),
            )
            .query::<GroupQuery>()
            .answers::<Vec<PermissionGroup>>(),
            permission_groups,
        );
    }
}

/// Whose tokens a path is about: an account's, or the caller's own.
struct Place {
    account: Option<String>,
    user: String,
}

impl Place {
    fn of(caller: &Caller, at: &At, catalog: &Catalog) -> Result<Self, ApiError> {
        let below_user = caller.origin.path.starts_with("/user/");
        let account = if below_user { None } else { Some(at.account(catalog)?.id.clone()) };
        Ok(Self { account, user: caller.token.user_id.clone() })
    }

    fn has(&self, token: &records::Token) -> bool {
        token.account_id == self.account && (self.account.is_some() || token.user_id == self.user)
    }

    fn find<'c>(
        &self,
        catalog: &'c Catalog,
        id: &str,
    ) -> Result<&'c Row<records::Token>, ApiError> {
        let row = catalog.tokens.row(id).filter(|row| self.has(&row.value));
        row.ok_or_else(|| ApiError::not_found("token"))
    }
}

/// A token as it is answered: with what is known only now.
fn answered(app: &App, record: &records::Token) -> Token {
    let mut token = record.document.clone();
    token.status = token.status_at(Timestamp(evenkeel_net::unix_time_ms()));
    let last = app.uses.last_ms(&token.id).and_then(|ms| i64::try_from(ms).ok());
    let last = last.and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
    token.last_used_on = last.map(|time| time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
    if record.role == Role::Administrator {
        token.policies = grants::everything(&record.user_id);
    }
    token
}

async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    at: At,
    Parameters(query): Parameters<ListQuery>,
) -> Answer<Vec<Token>> {
    let page = bounded_page(Page { page: query.page, per_page: query.per_page })?;
    let catalog = app.catalog();
    let place = Place::of(&caller, &at, &catalog)?;
    let mut tokens: Vec<_> = catalog.tokens.values().filter(|token| place.has(token)).collect();
    tokens.sort_by_key(|token| (&token.document.issued_on, &token.document.id));
    if query.direction == Some(Direction::Desc) {
        tokens.reverse();
    }
    Ok(page_of(tokens.into_iter().map(|token| answered(&app, token)).collect(), page))
}

async fn create(
    State(app): State<Arc<App>>,
    caller: Caller,
    at: At,
    Body(body): Body,
) -> Answer<NewToken> {
    let (id, value) = (new_id(), new_token());
    let made = app.change(&caller, |catalog, draft| {
        let place = Place::of(&caller, &at, catalog)?;
        within_quota(catalog.tokens.values().count(), Some(TOKENS_MAX), "token")?;
        let document = apply(&caller, catalog, Verb::Create, &body, None, &id)?;
        let record = records::Token {
            user_id: place.user,
            account_id: place.account,
            role: Role::Limited,
            hash: token_hash(&value),
            document,
        };
        draft.create(kind::TOKEN, &id, &record);
        Ok(record)
    });
    let token = answered(&app, &made.await?);
    Ok(success(NewToken { token, value }))
}

async fn fetch(State(app): State<Arc<App>>, caller: Caller, at: At) -> Answer<Token> {
    let catalog = app.catalog();
    let row = Place::of(&caller, &at, &catalog)?.find(&catalog, at.id())?;
    Ok(success(answered(&app, &row.value)))
}

async fn replace(
    State(app): State<Arc<App>>,
    caller: Caller,
    at: At,
    Body(body): Body,
) -> Answer<Token> {
    let changed = app.change(&caller, |catalog, draft| {
        let row = Place::of(&caller, &at, catalog)?.find(catalog, at.id())?;
        let current = Some(&row.value.document);
        let document = apply(&caller, catalog, Verb::Replace, &body, current, at.id())?;
        // The administrator's policies are what it is answered with: sent back, they are no change.
        let everything = grants::everything(&row.value.user_id);
        let is_same = document
            .policies
            .iter()
            .map(|policy| &policy.permission_groups)
            .eq(everything.iter().map(|policy| &policy.permission_groups))
            && document
                .policies
                .iter()
                .map(|policy| &policy.resources)
                .eq(everything.iter().map(|policy| &policy.resources));
        let role = if is_same { row.value.role } else { Role::Limited };
        let record = records::Token { role, document, ..records::Token::clone(&row.value) };
        draft.update(row, &record);
        Ok(record)
    });
    Ok(success(answered(&app, &changed.await?)))
}

async fn delete(State(app): State<Arc<App>>, caller: Caller, at: At) -> Answer<Deleted> {
    app.change(&caller, |catalog, draft| {
        let row = Place::of(&caller, &at, catalog)?.find(catalog, at.id())?;
        draft.delete(row);
        Ok(Deleted { id: at.id().to_owned() })
    })
    .await
    .map(success)
}

/// PUT of a new secret: the old one is refused from now on. The body is empty, and not looked at.
async fn roll(State(app): State<Arc<App>>, caller: Caller, at: At) -> Answer<String> {
    let value = new_token();
    app.change(&caller, |catalog, draft| {
        let row = Place::of(&caller, &at, catalog)?.find(catalog, at.id())?;
        within_rights(&caller, catalog, &row.value)?;
        let mut record = records::Token::clone(&row.value);
        record.hash = token_hash(&value);
        record.document.modified_on = now();
        draft.update_as("roll", row, &record);
        Ok(())
    })
    .await?;
    Ok(success(value))
}

async fn permission_groups(
    caller: Caller,
    Parameters(query): Parameters<GroupQuery>,
) -> Answer<Vec<PermissionGroup>> {
    let selectable = |needs: Needs| grants::allows_somewhere(&caller.token, needs);
    let mut groups = permission::published(selectable);
    groups.retain(|group| {
        query.name.as_ref().is_none_or(|name| group.name == *name)
            && query.scope.as_ref().is_none_or(|scope| group.scopes.contains(scope))
    });
    Ok(page_of(groups, Page::default()))
}

/// The token that a body leaves behind, if the caller may give it.
fn apply(
    caller: &Caller,
    catalog: &Catalog,
    verb: Verb,
    body: &[u8],
    current: Option<&Token>,
    id: &str,
) -> Result<Token, ApiError> {
    let groups = permission::published(|_| true);
    let scope = Scope { now: &now(), id, groups: &groups };
    let token = token::apply(verb, body, current, &scope)?;
    let own = &caller.token.document;
    let outlives = own.expires().is_some_and(|own| {
        token.expires_on.as_deref().and_then(parse_time).is_none_or(|given| given > own)
    });
    let roams = own.condition.is_some() && own.condition != token.condition;
    if outlives || roams || !grants::contains(&caller.token, &token.policies, catalog) {
        return Err(ApiError::forbidden());
    }
    Ok(token)
}

/// Refuses to hand over a token that can do more than the caller's own.
fn within_rights(
    caller: &Caller,
    catalog: &Catalog,
    token: &records::Token,
) -> Result<(), ApiError> {
    let everything;
    let policies = match token.role {
        Role::Limited => &token.document.policies,
        Role::Administrator => {
            everything = grants::everything(&token.user_id);
            &everything
        }
    };
    let own = caller.token_id() == token.document.id;
    if own || grants::contains(&caller.token, policies, catalog) {
        return Ok(());
    }
    Err(ApiError::forbidden())
}
