//! The settings of zones: all of them, several at once, and one by its name.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use evenkeel_api::envelope::Envelope;
use evenkeel_api::zone_setting::{self, ZoneSetting, ZoneSettings};
use schemars::JsonSchema;
use serde_json::Value;

use super::object::{page_of, success};
use super::operation::{Operation, Operations};
use crate::app::{App, Draft};
use crate::auth::Caller;
use crate::catalog::{Catalog, Row};
use crate::error::{Answer, ApiError};
use crate::ids::now;
use crate::permission::Group;
use crate::records::kind;
use crate::request::{At, Body, Page};

/// What a setting is to be.
#[derive(Debug, JsonSchema)]
#[expect(dead_code, reason = "read by the description of the API alone")]
struct SettingBody {
    /// A word, or a number for some.
    value: Option<Value>,
    /// Instead of the value, for what is on or off.
    enabled: Option<bool>,
}

/// What several settings are to be.
#[derive(Debug, JsonSchema)]
#[expect(dead_code, reason = "read by the description of the API alone")]
struct SettingsBody {
    /// Each setting once.
    items: Vec<SettingItem>,
}

/// What one of several settings is to be.
#[derive(Debug, JsonSchema)]
#[expect(dead_code, reason = "read by the description of the API alone")]
struct SettingItem {
    /// Its name.
    id: String,
    /// A word, or a number for some.
    value: Option<Value>,
    /// Instead of the value, for what is on or off.
    enabled: Option<bool>,
}

/// Adds the operations.
pub(super) fn serve(api: &mut Operations) {
    let group = Group::ZoneSettings;
    let all = "/zones/{zone_id}/settings";
    let one = "/zones/{zone_id}/settings/{setting_id}";
    api.serve(Operation::get(all, group, "List zone settings").lists::<ZoneSetting>(), list);
    api.serve(
        Operation::patch(all, group, "Change several zone settings")
            .body::<SettingsBody>()
            .lists::<ZoneSetting>(),
        patch_many,
    );
    api.serve(Operation::get(one, group, "Get a zone setting").answers::<ZoneSetting>(), fetch);
    api.serve(
        Operation::patch(one, group, "Change a zone setting")
            .body::<SettingBody>()
            .answers::<ZoneSetting>(),
        patch,
    );
}

/// The settings of the zone that a path names.
///
/// # Errors
/// 404 when there is no such zone.
pub(super) fn of_zone(catalog: &Catalog, at: &At) -> Result<ZoneSettings, ApiError> {
    at.place(catalog)?;
    let there = catalog.zone_settings.get(at.zone());
    Ok(there.cloned().unwrap_or_else(|| ZoneSettings::of_zone(at.zone())))
}

/// Drafts what the settings of a zone are from now on.
pub(super) fn write(catalog: &Catalog, draft: &mut Draft, settings: &ZoneSettings) {
    match catalog.zone_settings.row(&settings.zone_id) {
        Some(row) => draft.update(row, settings),
        None => draft.create(kind::ZONE_SETTINGS, &settings.zone_id, settings),
    }
}

/// Drafts that the settings of a zone go with it.
pub(super) fn delete_all(catalog: &Catalog, zone_id: &str, draft: &mut Draft) {
    let row: Option<&Row<ZoneSettings>> = catalog.zone_settings.row(zone_id);
    row.into_iter().for_each(|row| draft.delete(row));
}

/// GET of all.
async fn list(State(app): State<Arc<App>>, at: At) -> Answer<Vec<ZoneSetting>> {
    Ok(page_of(of_zone(&app.catalog(), &at)?.all(), Page::default()))
}

/// PATCH of several.
async fn patch_many(
    State(app): State<Arc<App>>,
    caller: Caller,
    at: At,
    Body(body): Body,
) -> Answer<Vec<ZoneSetting>> {
    let changed = app
        .change(&caller, |catalog, draft| {
            let current = of_zone(catalog, &at)?;
            let (settings, changed) = zone_setting::patch_many(&body, &current, &now())?;
            write(catalog, draft, &settings);
            Ok(changed)
        })
        .await?;
    let messages = zone_setting::remarks(changed.iter().map(|setting| &*setting.id));
    let Json(answer) = page_of(changed, Page::default());
    Ok(Json(Envelope { messages, ..answer }))
}

/// GET of one.
async fn fetch(State(app): State<Arc<App>>, at: At) -> Answer<ZoneSetting> {
    Ok(success(of_zone(&app.catalog(), &at)?.get(at.id())?))
}

/// PATCH of one.
async fn patch(
    State(app): State<Arc<App>>,
    caller: Caller,
    at: At,
    Body(body): Body,
) -> Answer<ZoneSetting> {
    let changed = app
        .change(&caller, |catalog, draft| {
            let current = of_zone(catalog, &at)?;
            let settings = zone_setting::patch(at.id(), &body, &current, &now())?;
            write(catalog, draft, &settings);
            Ok(settings.get(at.id())?)
        })
        .await?;
    let messages = zone_setting::remarks([at.id()]);
    Ok(Json(Envelope { messages, ..Envelope::success(changed) }))
}
