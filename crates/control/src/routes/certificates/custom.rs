//! Certificates that clients are shown.

use std::sync::Arc;

use axum::extract::State;
use evenkeel_api::certificate::{
    self, BundleMethod, CertificateStatus, Current, CustomCertificate, CustomScope, CustomType,
    CustomUpload, GeoRestrictions, StoredCertificate,
};
use evenkeel_api::{Context, Verb};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{delete_with_key, find, of_zone, this_moment};
use crate::app::{App, within_quota};
use crate::auth::Caller;
use crate::catalog::Catalog;
use crate::error::{Answer, ApiError};
use crate::ids::{new_id, now};
use crate::keys::Rustls;
use crate::permission::Group;
use crate::records::{CertificateKey, Owned, kind};
use crate::request::{At, Body, Page, Parameters, Place, bounded_page};
use crate::routes::object::{Deleted, page_of, success};
use crate::routes::operation::{Operation, Operations};

/// The query of the list.
#[derive(Debug, Deserialize, JsonSchema)]
struct ListQuery {
    /// Only those of this status.
    status: Option<CertificateStatus>,
    // Not flattened: that would make serde read the numbers as text.
    /// From 1.
    page: Option<u64>,
    /// Items on a page, 20 unless told.
    per_page: Option<u64>,
}

/// A certificate to be shown, or what to change of one.
#[derive(Debug, JsonSchema)]
#[expect(dead_code, reason = "read by the description of the API alone")]
struct CertificateBody {
    /// PEM: the certificate, and those that lead up to an authority.
    certificate: Option<String>,
    /// PEM: PKCS#8, PKCS#1 or SEC1, without a passphrase.
    private_key: Option<String>,
    /// Kept, not acted on: the chain is shown as it was sent.
    bundle_method: Option<BundleMethod>,
    /// Kept, not acted on: every certificate is chosen by name.
    r#type: Option<CustomType>,
    /// Kept, not acted on.
    geo_restrictions: Option<GeoRestrictions>,
    /// Kept, not acted on.
    policy: Option<String>,
}

/// Which certificates are to be preferred.
#[derive(Debug, JsonSchema)]
#[expect(dead_code, reason = "read by the description of the API alone")]
struct PrioritizeBody {
    /// Each certificate once.
    certificates: Vec<Prioritized>,
}

/// How much a certificate is to be preferred.
#[derive(Debug, JsonSchema)]
#[expect(dead_code, reason = "read by the description of the API alone")]
struct Prioritized {
    /// Which.
    id: String,
    /// The higher, the more.
    priority: u32,
}

/// Adds the operations.
pub(super) fn serve(api: &mut Operations) {
    let group = Group::Certificates;
    let all = "/zones/{zone_id}/custom_certificates";
    let one = "/zones/{zone_id}/custom_certificates/{custom_certificate_id}";
    api.serve(
        Operation::get(all, group, "List custom certificates")
            .query::<ListQuery>()
            .lists::<CustomCertificate>(),
        list,
    );
    api.serve(
        Operation::post(all, group, "Upload a custom certificate")
            .body::<CertificateBody>()
            .answers::<CustomCertificate>(),
        create,
    );
    api.serve(
        Operation::put(&format!("{all}/prioritize"), group, "Prioritize custom certificates")
            .body::<PrioritizeBody>()
            .lists::<CustomCertificate>(),
        prioritize,
    );
    api.serve(
        Operation::get(one, group, "Get a custom certificate").answers::<CustomCertificate>(),
        fetch,
    );
    api.serve(
        Operation::patch(one, group, "Renew or change a custom certificate")
            .body::<CertificateBody>()
            .answers::<CustomCertificate>(),
        patch,
    );
    api.serve(
        Operation::delete(one, group, "Delete a custom certificate").answers::<Deleted>(),
        delete,
    );
}

/// What a zone has, the one that is preferred first.
fn in_order(catalog: &Catalog, zone_id: &str) -> Vec<CustomCertificate> {
    let moment = this_moment();
    let rows = of_zone(&catalog.custom_certificates, zone_id);
    let mut all: Vec<_> = rows.map(|row| row.value.document.answered(moment)).collect();
    all.sort_by(|a, b| {
        b.priority.cmp(&a.priority).then((&b.uploaded_on, &b.id).cmp(&(&a.uploaded_on, &a.id)))
    });
    all
}

/// GET on the collection.
async fn list(
    State(app): State<Arc<App>>,
    at: At,
    Parameters(query): Parameters<ListQuery>,
) -> Answer<Vec<CustomCertificate>> {
    let page = bounded_page(Page { page: query.page, per_page: query.per_page })?;
    let catalog = app.catalog();
    at.place(&catalog)?;
    let mut all = in_order(&catalog, at.zone());
    all.retain(|certificate| query.status.is_none_or(|status| certificate.status == status));
    Ok(page_of(all, page))
}

/// POST on the collection.
async fn create(
    State(app): State<Arc<App>>,
    caller: Caller,
    at: At,
    Body(body): Body,
) -> Answer<CustomCertificate> {
    let id = new_id();
    app.change(&caller, |catalog, draft| {
        let place = at.place(catalog)?;
        let count = of_zone(&catalog.custom_certificates, at.zone()).count();
        within_quota(count, app.limits.custom_certificate_quota, "custom certificate")?;
        let upload = apply(&app, catalog, &place, &at, Verb::Create, &body, None, &id)?;
        let private_key = upload.private_key.unwrap_or_default();
        draft.create_quietly(kind::CERTIFICATE_KEY, &id, &CertificateKey { private_key });
        let owned = Owned { owner: place.owner, document: upload.stored };
        draft.create(kind::CUSTOM_CERTIFICATE, &id, &owned);
        Ok(owned.document.answered(this_moment()))
    })
    .await
    .map(success)
}

/// GET on one.
async fn fetch(State(app): State<Arc<App>>, at: At) -> Answer<CustomCertificate> {
    let catalog = app.catalog();
    let row = find(&catalog.custom_certificates, &at)?;
    Ok(success(row.value.document.answered(this_moment())))
}

/// PATCH on one.
async fn patch(
    State(app): State<Arc<App>>,
    caller: Caller,
    at: At,
    Body(body): Body,
) -> Answer<CustomCertificate> {
    app.change(&caller, |catalog, draft| {
        let place = at.place(catalog)?;
        let row = find(&catalog.custom_certificates, &at)?;
        let key = catalog.certificate_keys.row(at.id());
        let current = Current {
            stored: &row.value.document,
            private_key: key.map_or("", |key| &key.value.private_key),
        };
        let upload = apply(&app, catalog, &place, &at, Verb::Patch, &body, Some(current), at.id())?;
        match (upload.private_key, key) {
            (Some(private_key), Some(key)) => {
                draft.update_quietly(key, &CertificateKey { private_key });
            }
            (Some(private_key), None) => {
                let key = CertificateKey { private_key };
                draft.create_quietly(kind::CERTIFICATE_KEY, at.id(), &key);
            }
            (None, _) => {}
        }
        let owned = Owned { owner: place.owner, document: upload.stored };
        draft.update(row, &owned);
        Ok(owned.document.answered(this_moment()))
    })
    .await
    .map(success)
}

/// DELETE on one.
async fn delete(State(app): State<Arc<App>>, caller: Caller, at: At) -> Answer<Deleted> {
    app.change(&caller, |catalog, draft| {
        delete_with_key(catalog, draft, find(&catalog.custom_certificates, &at)?);
        Ok(Deleted { id: at.id().to_owned() })
    })
    .await
    .map(success)
}

/// PUT of priorities.
async fn prioritize(
    State(app): State<Arc<App>>,
    caller: Caller,
    at: At,
    Body(body): Body,
) -> Answer<Vec<CustomCertificate>> {
    app.change(&caller, |catalog, draft| {
        let place = at.place(catalog)?;
        let rows: Vec<_> = of_zone(&catalog.custom_certificates, at.zone()).collect();
        let there: Vec<_> = rows.iter().map(|row| &row.value.document).collect();
        for stored in certificate::prioritized(&body, &there, &now())? {
            let row = rows.iter().find(|row| *row.document.key.id == *stored.certificate.id);
            let row = row.expect("only those that are there are prioritized");
            draft.update(row, &Owned { owner: place.owner.clone(), document: stored });
        }
        Ok(())
    })
    .await?;
    Ok(page_of(in_order(&app.catalog(), at.zone()), Page::default()))
}

#[expect(clippy::too_many_arguments, reason = "one call for what two verbs share")]
fn apply(
    app: &App,
    catalog: &Catalog,
    place: &Place,
    at: &At,
    verb: Verb,
    body: &[u8],
    current: Option<Current<'_>>,
    id: &str,
) -> Result<CustomUpload, ApiError> {
    let there: Vec<&StoredCertificate> =
        of_zone(&catalog.custom_certificates, at.zone()).map(|row| &row.value.document).collect();
    let zone_name = place.zone_name.as_deref().unwrap_or_default();
    let scope = CustomScope { zone_id: at.zone(), zone_name, there };
    let lookup = catalog.of_account(&place.account);
    let cx = Context { now: &now(), id, limits: &app.limits, lookup: &lookup };
    Ok(certificate::apply::custom(verb, body, current, &scope, &Rustls, &cx)?)
}
