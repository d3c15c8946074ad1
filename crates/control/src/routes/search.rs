//! Search over what an account has (api.md 2, row 23; 2.8).
//!
//! Finds load balancers, the account's own and those of its zones, pools and monitors. Monitor groups
//! are not looked for: the published answer has no word for them. They appear as references.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use evenkeel_api::envelope::{self, Envelope};
use evenkeel_api::references::{Direction, Reference};
use evenkeel_api::search::{SearchResource, SearchResult};
use evenkeel_api::{LoadBalancer, Monitor, Pool};
use schemars::JsonSchema;
use serde::Deserialize;

use super::object::Object;
use super::references::{References, Resourceful};
use crate::app::App;
use crate::catalog::Catalog;
use crate::error::{Answer, ApiError};
use crate::request::{At, Parameters, Place};

/// Results on a page unless told otherwise.
const PER_PAGE_DEFAULT: u64 = 25;
/// The most results on a page.
const PER_PAGE_MAX: u64 = 1000;

/// What is looked for.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct SearchQuery {
    /// Part of a name or an identifier, in any letter case. Everything is found without it.
    query: Option<String>,
    /// Which references come with each result: none unless told otherwise.
    references: Option<Wanted>,
    /// From 1.
    page: Option<u64>,
    /// Results on a page, 1 to 1000; 25 unless told otherwise.
    per_page: Option<u64>,
}

/// Which references are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Wanted {
    /// None.
    #[serde(rename = "")]
    Nothing,
    /// All.
    #[serde(rename = "*")]
    Everything,
    /// Whom the found one names.
    Referral,
    /// Who names the found one.
    Referrer,
}

impl Wanted {
    fn has(self, reference: &Reference) -> bool {
        match self {
            Self::Nothing => false,
            Self::Everything => true,
            Self::Referral => reference.reference_type == Direction::Referral,
            Self::Referrer => reference.reference_type == Direction::Referrer,
        }
    }
}

/// GET of what matches.
pub(super) async fn search(
    State(app): State<Arc<App>>,
    at: At,
    Parameters(query): Parameters<SearchQuery>,
) -> Answer<SearchResult> {
    let catalog = app.catalog();
    let place = at.place(&catalog)?;
    let per_page = query.per_page.unwrap_or(PER_PAGE_DEFAULT);
    if !(1..=PER_PAGE_MAX).contains(&per_page) {
        let reason = format_args!("per_page is not in range [1, {PER_PAGE_MAX}]");
        return Err(ApiError::invalid(reason));
    }
    let text = query.query.unwrap_or_default().to_lowercase();
    let mut found = Vec::new();
    look_for::<LoadBalancer>(&catalog, &place, &text, &mut found);
    look_for::<Pool>(&catalog, &place, &text, &mut found);
    look_for::<Monitor>(&catalog, &place, &text, &mut found);
    let (mut resources, info) = envelope::page(found, query.page, Some(per_page));
    if let Some(wanted) = query.references.filter(|wanted| *wanted != Wanted::Nothing) {
        let references = References::of(&catalog);
        for resource in &mut resources {
            let mut around = references.around(resource.resource_type, &resource.resource_id);
            around.retain(|reference| wanted.has(reference));
            resource.references = Some(around);
        }
    }
    let result = Envelope::success(SearchResult { resources });
    Ok(Json(Envelope { result_info: Some(info), ..result }))
}

/// Adds what matches of one kind, by name.
fn look_for<O: Resourceful>(
    catalog: &Catalog,
    place: &Place,
    text: &str,
    found: &mut Vec<SearchResource>,
) {
    let matches = |document: &&O| {
        document.name().to_lowercase().contains(text) || document.id().contains(text)
    };
    let owned = <O as Object>::table(catalog).values();
    let mine = owned.filter(|owned| place.account_has(catalog, &owned.owner));
    let mut documents: Vec<_> = mine.map(|owned| &owned.document).filter(matches).collect();
    documents.sort_by_key(|document| (document.name(), document.id()));
    found.extend(documents.into_iter().map(|document| SearchResource {
        resource_type: O::RESOURCE,
        resource_id: document.id().to_owned(),
        resource_name: document.name().to_owned(),
        references: None,
    }));
}
