//! Authorities that endpoints' certificates may come from.

use std::sync::Arc;

use axum::extract::State;
use evenkeel_api::Context;
use evenkeel_api::certificate::{self, TrustedCertificate};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{find, of_zone, this_moment};
use crate::app::{App, within_quota};
use crate::auth::Caller;
use crate::error::Answer;
use crate::ids::{new_id, now};
use crate::permission::Group;
use crate::records::{Owned, kind};
use crate::request::{At, Body, Page, Parameters, bounded_page};
use crate::routes::object::{Deleted, page_of, success};
use crate::routes::operation::{Operation, Operations};

/// The query of the list.
#[derive(Debug, Deserialize, JsonSchema)]
struct ListQuery {
    /// From 1.
    page: Option<u64>,
    /// Items on a page, 20 unless told.
    per_page: Option<u64>,
    /// Only so many.
    limit: Option<usize>,
    /// Without so many at the beginning.
    offset: Option<usize>,
}

/// An authority to be trusted.
#[derive(Debug, JsonSchema)]
#[expect(dead_code, reason = "read by the description of the API alone")]
struct TrustedCertificateBody {
    /// PEM, one certificate of a root authority.
    certificate: String,
}

/// Adds the operations.
pub(super) fn serve(api: &mut Operations) {
    let group = Group::Certificates;
    let all = "/zones/{zone_id}/acm/custom_trust_store";
    let one = "/zones/{zone_id}/acm/custom_trust_store/{certificate_id}";
    api.serve(
        Operation::get(all, group, "List trusted certificates")
            .query::<ListQuery>()
            .lists::<TrustedCertificate>(),
        list,
    );
    api.serve(
        Operation::post(all, group, "Upload a trusted certificate")
            .body::<TrustedCertificateBody>()
            .answers::<TrustedCertificate>(),
        create,
    );
    api.serve(
        Operation::get(one, group, "Get a trusted certificate").answers::<TrustedCertificate>(),
        fetch,
    );
    api.serve(
        Operation::delete(one, group, "Delete a trusted certificate").answers::<Deleted>(),
        delete,
    );
}

/// GET on the collection, the oldest first.
async fn list(
    State(app): State<Arc<App>>,
    at: At,
    Parameters(query): Parameters<ListQuery>,
) -> Answer<Vec<TrustedCertificate>> {
    let page = bounded_page(Page { page: query.page, per_page: query.per_page })?;
    let catalog = app.catalog();
    at.place(&catalog)?;
    let moment = this_moment();
    let rows = of_zone(&catalog.trusted_certificates, at.zone());
    let mut all: Vec<_> = rows.map(|row| row.value.document.clone().answered(moment)).collect();
    all.sort_by(|a, b| (&a.uploaded_on, &a.id).cmp(&(&b.uploaded_on, &b.id)));
    let all = all.into_iter().skip(query.offset.unwrap_or(0));
    Ok(page_of(all.take(query.limit.unwrap_or(usize::MAX)).collect(), page))
}

/// POST on the collection.
async fn create(
    State(app): State<Arc<App>>,
    caller: Caller,
    at: At,
    Body(body): Body,
) -> Answer<TrustedCertificate> {
    let id = new_id();
    app.change(&caller, |catalog, draft| {
        let place = at.place(catalog)?;
        let rows = of_zone(&catalog.trusted_certificates, at.zone());
        let there: Vec<_> = rows.map(|row| &row.value.document).collect();
        within_quota(there.len(), app.limits.trusted_certificate_quota, "trusted certificate")?;
        let lookup = catalog.of_account(&place.account);
        let cx = Context { now: &now(), id: &id, limits: &app.limits, lookup: &lookup };
        let document = certificate::apply::trusted(&body, &there, &cx)?;
        let owned = Owned { owner: place.owner, document };
        draft.create(kind::TRUSTED_CERTIFICATE, &id, &owned);
        Ok(owned.document.answered(this_moment()))
    })
    .await
    .map(success)
}

/// GET on one.
async fn fetch(State(app): State<Arc<App>>, at: At) -> Answer<TrustedCertificate> {
    let catalog = app.catalog();
    let row = find(&catalog.trusted_certificates, &at)?;
    Ok(success(row.value.document.clone().answered(this_moment())))
}

/// DELETE on one.
async fn delete(State(app): State<Arc<App>>, caller: Caller, at: At) -> Answer<Deleted> {
    app.change(&caller, |catalog, draft| {
        draft.delete(find(&catalog.trusted_certificates, &at)?);
        Ok(Deleted { id: at.id().to_owned() })
    })
    .await
    .map(success)
}
