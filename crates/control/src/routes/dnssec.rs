//! DNSSEC of a zone: whether it is signed, and what its registrar has to be told. Enabling makes a
//! key the first time; disabling keeps it, so that what the registrar was told is right again once
//! the zone is signed again; only DELETE lets it go. The private key is never answered.

use std::sync::Arc;

use axum::extract::State;
use evenkeel_api::dnssec::{self, DnssecStatus};
use evenkeel_api::{Dnssec, DnssecSettings};
use evenkeel_model::ZoneKey;

use super::object::success;
use super::operation::{Operation, Operations};
use crate::app::App;
use crate::auth::Caller;
use crate::catalog::Catalog;
use crate::dns::{ZoneDnssec, new_key, sha256};
use crate::error::{Answer, ApiError};
use crate::ids::now;
use crate::permission::Group;
use crate::records::kind;
use crate::request::{At, Body};

/// Adds what is served here.
pub(super) fn serve(api: &mut Operations) {
    let (path, group) = ("/zones/{zone_id}/dnssec", Group::DnsRecords);
    api.serve(Operation::get(path, group, "Get DNSSEC").answers::<Dnssec>(), fetch);
    api.serve(
        Operation::patch(path, group, "Change DNSSEC").document::<Dnssec>(&[]).answers::<Dnssec>(),
        patch,
    );
    api.serve(Operation::delete(path, group, "Delete DNSSEC").answers::<String>(), delete);
}

/// GET.
async fn fetch(State(app): State<Arc<App>>, at: At) -> Answer<Dnssec> {
    let catalog = app.catalog();
    let zone = zone_name(&catalog, &at)?;
    Ok(success(answer(zone, catalog.dns.dnssec.get(at.zone()))))
}

/// PATCH.
async fn patch(
    State(app): State<Arc<App>>,
    caller: Caller,
    at: At,
    Body(body): Body,
) -> Answer<Dnssec> {
    // Made once, wanted or not: a change may be decided more than once.
    let key = new_key();
    app.change(&caller, |catalog, draft| {
        let zone = zone_name(catalog, &at)?;
        let row = catalog.dns.dnssec.row(at.zone());
        let settings = row.map_or_else(DnssecSettings::default, |row| row.value.settings.clone());
        let settings = dnssec::patch(&body, &settings, &now())?;
        let mut keys = row.map_or_else(Vec::new, |row| row.value.keys.clone());
        if keys.is_empty() && settings.status == DnssecStatus::Active {
            keys.push(key.clone().into());
        }
        let dnssec = ZoneDnssec { zone_id: at.zone().to_owned(), settings, keys };
        match row {
            Some(row) => draft.update(row, &dnssec),
            None => draft.create(kind::DNSSEC, at.zone(), &dnssec),
        }
        Ok(answer(zone, Some(&dnssec)))
    })
    .await
    .map(success)
}

/// DELETE, which lets the key go. Answers an empty text, as published.
async fn delete(State(app): State<Arc<App>>, caller: Caller, at: At) -> Answer<String> {
    app.change(&caller, |catalog, draft| {
        zone_name(catalog, &at)?;
        catalog.dns.dnssec.row(at.zone()).into_iter().for_each(|row| draft.delete(row));
        Ok(String::new())
    })
    .await
    .map(success)
}

fn zone_name<'c>(catalog: &'c Catalog, at: &At) -> Result<&'c str, ApiError> {
    let zone = catalog.zones.get(at.zone()).ok_or_else(|| ApiError::not_found("zone"))?;
    Ok(&zone.name)
}

fn answer(zone: &str, dnssec: Option<&ZoneDnssec>) -> Dnssec {
    let nothing = DnssecSettings::default();
    let settings = dnssec.map_or(&nothing, |dnssec| &dnssec.settings);
    let key = dnssec.and_then(|dnssec| dnssec.keys.first()).map(ZoneKey::from);
    Dnssec::new(zone, settings, key.as_ref(), sha256)
}
