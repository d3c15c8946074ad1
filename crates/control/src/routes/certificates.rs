//! Certificates of zones: those that clients are shown ([`custom`]), those that endpoints are shown
//! ([`client`]), and the authorities that endpoints' certificates may come from ([`trusted`]).
//!
//! Private keys come in and never go out: each is a document of its own beside its certificate's,
//! which no answer, audit entry or export is made from.

mod client;
mod custom;
mod trusted;

use evenkeel_model::Timestamp;

use super::operation::Operations;
use crate::app::Draft;
use crate::catalog::{Catalog, Row, Table};
use crate::error::ApiError;
use crate::records::{Owned, Owner};
use crate::request::At;

/// Adds the operations.
pub(super) fn serve(api: &mut Operations) {
    custom::serve(api);
    client::serve(api);
    trusted::serve(api);
}

/// Drafts that the certificates of a zone go with it.
pub(super) fn delete_all(catalog: &Catalog, zone_id: &str, draft: &mut Draft) {
    for row in of_zone(&catalog.custom_certificates, zone_id) {
        delete_with_key(catalog, draft, row);
    }
    for row in of_zone(&catalog.client_certificates, zone_id) {
        delete_with_key(catalog, draft, row);
    }
    for row in of_zone(&catalog.trusted_certificates, zone_id) {
        draft.delete(row);
    }
}

/// Drafts that a certificate goes, and its key with it.
fn delete_with_key<T>(catalog: &Catalog, draft: &mut Draft, row: &Row<Owned<T>>) {
    if let Some(key) = catalog.certificate_keys.row(&row.document.key.id) {
        draft.delete_quietly(key);
    }
    draft.delete(row);
}

/// The documents of a zone.
fn of_zone<'c, T>(
    table: &'c Table<Owned<T>>,
    zone_id: &str,
) -> impl Iterator<Item = &'c Row<Owned<T>>> {
    table.rows().filter(move |row| matches!(&row.value.owner, Owner::Zone(id) if id == zone_id))
}

/// The certificate that a path names, if it stands where the path says.
fn find<'c, T>(table: &'c Table<Owned<T>>, at: &At) -> Result<&'c Row<Owned<T>>, ApiError> {
    table
        .row(at.id())
        .filter(|row| matches!(&row.value.owner, Owner::Zone(id) if id == at.zone()))
        .ok_or_else(|| ApiError::not_found("certificate"))
}

/// The moment that answers are told by.
fn this_moment() -> Timestamp {
    Timestamp(evenkeel_net::unix_time_ms())
}
