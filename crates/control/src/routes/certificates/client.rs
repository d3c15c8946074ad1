//! Certificates that endpoints are shown, and whether they are.

use std::sync::Arc;

use axum::extract::State;
use evenkeel_api::Context;
use evenkeel_api::certificate::{self, ClientCertificate};
use schemars::JsonSchema;
use serde::Serialize;

use super::{delete_with_key, find, of_zone, this_moment};
use crate::app::{App, within_quota};
use crate::auth::Caller;
use crate::error::Answer;
use crate::ids::{new_id, now};
use crate::keys::Rustls;
use crate::permission::Group;
use crate::records::{CertificateKey, Owned, kind};
use crate::request::{At, Body, Page};
use crate::routes::object::{page_of, success};
use crate::routes::operation::{Operation, Operations};
use crate::routes::zone_settings;

/// A certificate to be shown to endpoints.
#[derive(Debug, JsonSchema)]
#[expect(dead_code, reason = "read by the description of the API alone")]
struct ClientCertificateBody {
    /// PEM: the certificate, and those that lead up to an authority.
    certificate: String,
    /// PEM: PKCS#8, PKCS#1 or SEC1, without a passphrase.
    private_key: String,
}

/// Whether endpoints are shown a certificate.
#[derive(Debug, Serialize, JsonSchema)]
struct ClientAuth {
    /// The same as the zone setting `tls_client_auth`.
    enabled: bool,
}

/// Adds the operations.
pub(super) fn serve(api: &mut Operations) {
    let group = Group::Certificates;
    let all = "/zones/{zone_id}/origin_tls_client_auth";
    let one = "/zones/{zone_id}/origin_tls_client_auth/{certificate_id}";
    let settings = "/zones/{zone_id}/origin_tls_client_auth/settings";
    api.serve(
        Operation::get(all, group, "List client certificates").lists::<ClientCertificate>(),
        list,
    );
    api.serve(
        Operation::post(all, group, "Upload a client certificate")
            .body::<ClientCertificateBody>()
            .answers::<ClientCertificate>(),
        create,
    );
    api.serve(
        Operation::get(settings, group, "Get client authentication").answers::<ClientAuth>(),
        fetch_settings,
    );
    api.serve(
        Operation::put(settings, group, "Set client authentication")
            .body::<ClientAuth>()
            .answers::<ClientAuth>(),
        put_settings,
    );
    api.serve(
        Operation::get(one, group, "Get a client certificate").answers::<ClientCertificate>(),
        fetch,
    );
    api.serve(
        Operation::delete(one, group, "Delete a client certificate").answers::<ClientCertificate>(),
        delete,
    );
}

/// GET on the collection, the newest first.
async fn list(State(app): State<Arc<App>>, at: At) -> Answer<Vec<ClientCertificate>> {
    let catalog = app.catalog();
    at.place(&catalog)?;
    let moment = this_moment();
    let rows = of_zone(&catalog.client_certificates, at.zone());
    let mut all: Vec<_> = rows.map(|row| row.value.document.clone().answered(moment)).collect();
    all.sort_by(|a, b| (&b.uploaded_on, &b.id).cmp(&(&a.uploaded_on, &a.id)));
    Ok(page_of(all, Page::default()))
}

/// POST on the collection.
async fn create(
    State(app): State<Arc<App>>,
    caller: Caller,
    at: At,
    Body(body): Body,
) -> Answer<ClientCertificate> {
    let id = new_id();
    app.change(&caller, |catalog, draft| {
        let place = at.place(catalog)?;
        let rows = of_zone(&catalog.client_certificates, at.zone());
        let there: Vec<_> = rows.map(|row| &row.value.document).collect();
        within_quota(there.len(), app.limits.client_certificate_quota, "client certificate")?;
        let lookup = catalog.of_account(&place.account);
        let cx = Context { now: &now(), id: &id, limits: &app.limits, lookup: &lookup };
        let upload = certificate::apply::client(&body, &there, &Rustls, &cx)?;
        let key = CertificateKey { private_key: upload.private_key };
        draft.create_quietly(kind::CERTIFICATE_KEY, &id, &key);
        let owned = Owned { owner: place.owner, document: upload.certificate };
        draft.create(kind::CLIENT_CERTIFICATE, &id, &owned);
        Ok(owned.document.answered(this_moment()))
    })
    .await
    .map(success)
}

/// GET on one.
async fn fetch(State(app): State<Arc<App>>, at: At) -> Answer<ClientCertificate> {
    let catalog = app.catalog();
    let row = find(&catalog.client_certificates, &at)?;
    Ok(success(row.value.document.clone().answered(this_moment())))
}

/// DELETE on one, answered with what was deleted.
async fn delete(State(app): State<Arc<App>>, caller: Caller, at: At) -> Answer<ClientCertificate> {
    app.change(&caller, |catalog, draft| {
        let row = find(&catalog.client_certificates, &at)?;
        delete_with_key(catalog, draft, row);
        Ok(row.value.document.clone().deleted())
    })
    .await
    .map(success)
}

/// GET of whether endpoints are shown a certificate.
async fn fetch_settings(State(app): State<Arc<App>>, at: At) -> Answer<ClientAuth> {
    let settings = zone_settings::of_zone(&app.catalog(), &at)?;
    Ok(success(ClientAuth { enabled: settings.shows_client_certificate() }))
}

/// PUT of whether endpoints are shown a certificate.
async fn put_settings(
    State(app): State<Arc<App>>,
    caller: Caller,
    at: At,
    Body(body): Body,
) -> Answer<ClientAuth> {
    app.change(&caller, |catalog, draft| {
        let enabled = certificate::apply::client_auth(&body)?;
        let mut settings = zone_settings::of_zone(catalog, &at)?;
        settings.show_client_certificate(enabled, &now());
        zone_settings::write(catalog, draft, &settings);
        Ok(ClientAuth { enabled })
    })
    .await
    .map(success)
}
