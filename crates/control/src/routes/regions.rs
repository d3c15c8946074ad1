//! Regions and their countries (api.md 2.10): the same for every account.

use std::sync::Arc;

use axum::extract::State;
use evenkeel_api::regions::{RegionFilter, Regions, regions};
use evenkeel_model::Region;
use schemars::JsonSchema;
use serde::Deserialize;

use super::object::success;
use crate::app::App;
use crate::error::{Answer, ApiError};
use crate::request::{At, Parameters};

/// The query, under the names of either source; the longer one counts where both are sent.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct RegionQuery {
    country_code_a2: Option<String>,
    country_code: Option<String>,
    subdivision_code_a2: Option<String>,
    subdivision_code: Option<String>,
}

impl RegionQuery {
    fn filter(self) -> Result<RegionFilter, ApiError> {
        let country = self.country_code_a2.or(self.country_code);
        let subdivision = self.subdivision_code_a2.or(self.subdivision_code);
        Ok(RegionFilter::parse(country.as_deref(), subdivision.as_deref())?)
    }
}

/// GET on all of them.
pub(super) async fn list(
    State(app): State<Arc<App>>,
    at: At,
    Parameters(query): Parameters<RegionQuery>,
) -> Answer<Regions> {
    at.account(&app.catalog())?;
    Ok(success(regions(&query.filter()?)))
}

/// GET on one: the same object with one entry.
pub(super) async fn fetch(
    State(app): State<Arc<App>>,
    at: At,
    Parameters(query): Parameters<RegionQuery>,
) -> Answer<Regions> {
    at.account(&app.catalog())?;
    let region = Region::parse(at.region()).ok_or_else(|| ApiError::not_found("region"))?;
    Ok(success(regions(&RegionFilter { region: Some(region), ..query.filter()? })))
}
