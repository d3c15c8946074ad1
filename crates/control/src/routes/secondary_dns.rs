//! Name servers elsewhere: the keys shared with them and they themselves below an account, and
//! below a zone which of them copy it. The servers have all the common verbs; a zone's transfer is
//! one document with a few verbs of its own.

use std::sync::Arc;

use axum::extract::State;
use evenkeel_api::secondary_dns::{Outgoing, Peer, Tsig};
use evenkeel_api::{Context, Limits, Problem, Verb};
use evenkeel_model::ZoneId;

use super::object::{Deleted, Object, Shared, success};
use super::operation::{Operation, Operations};
use crate::app::App;
use crate::auth::Caller;
use crate::catalog::{Catalog, Row, Table};
use crate::error::{Answer, ApiError};
use crate::ids::now;
use crate::permission::Group;
use crate::records::{Owned, Owner, kind};
use crate::request::{At, Body, Place};

/// What a transfer is called in messages.
const NOUN: &str = "outgoing zone transfer";

/// Adds what is served here.
pub(super) fn serve(api: &mut Operations) {
    const REQUIRED: &[&str] = &["name", "peers"];
    api.object::<Tsig>("/accounts/{account_id}/secondary_dns/tsigs");
    api.object::<Peer>("/accounts/{account_id}/secondary_dns/peers");
    let group = Group::DnsRecords;
    let path = "/zones/{zone_id}/secondary_dns/outgoing";
    let noun = "an outgoing zone transfer";
    api.serve(Operation::get(path, group, &format!("Get {noun}")).answers::<Outgoing>(), fetch);
    api.serve(
        Operation::post(path, group, &format!("Create {noun}"))
            .document::<Outgoing>(REQUIRED)
            .answers::<Outgoing>(),
        create,
    );
    api.serve(
        Operation::put(path, group, &format!("Replace {noun}"))
            .document::<Outgoing>(REQUIRED)
            .answers::<Outgoing>(),
        replace,
    );
    api.serve(
        Operation::delete(path, group, &format!("Delete {noun}")).answers::<Deleted>(),
        delete,
    );
    api.serve(
        Operation::get(&format!("{path}/status"), group, "Get whether a zone may be copied")
            .answers::<String>(),
        status,
    );
    api.serve(
        Operation::post(&format!("{path}/enable"), group, "Let a zone be copied")
            .answers::<String>(),
        enable,
    );
    api.serve(
        Operation::post(&format!("{path}/disable"), group, "Let no zone be copied")
            .answers::<String>(),
        disable,
    );
    api.serve(
        Operation::post(&format!("{path}/force_notify"), group, "Notify secondary name servers")
            .answers::<String>(),
        force_notify,
    );
}

impl Object for Tsig {
    const KIND: &str = kind::TSIG;
    const NOUN: &str = "tsig";
    const GROUP: Group = Group::DnsRecords;
    const REQUIRED: &'static [&'static str] = &["name", "algo", "secret"];

    fn table(catalog: &Catalog) -> &Table<Owned<Self>> {
        &catalog.dns.tsigs
    }

    fn quota(_: &Limits) -> Option<usize> {
        None
    }

    fn apply(
        verb: Verb,
        body: &[u8],
        current: Option<&Self>,
        _: &Place,
        cx: &Context<'_>,
    ) -> Result<Self, Vec<Problem>> {
        Self::apply(verb, body, current, cx)
    }

    fn is_referenced(catalog: &Catalog, id: &str) -> bool {
        catalog.dns.peers.values().any(|peer| peer.document.tsig_id.as_deref() == Some(id))
    }

    fn sort(list: &mut [Shared<Self>]) {
        list.sort_by(|a, b| a.0.document.name.cmp(&b.0.document.name));
    }
}

impl Object for Peer {
    const KIND: &str = kind::DNS_PEER;
    const NOUN: &str = "peer";
    const GROUP: Group = Group::DnsRecords;
    const REQUIRED: &'static [&'static str] = &["name"];

    fn table(catalog: &Catalog) -> &Table<Owned<Self>> {
        &catalog.dns.peers
    }

    fn quota(_: &Limits) -> Option<usize> {
        None
    }

    fn apply(
        verb: Verb,
        body: &[u8],
        current: Option<&Self>,
        _: &Place,
        cx: &Context<'_>,
    ) -> Result<Self, Vec<Problem>> {
        Self::apply(verb, body, current, cx)
    }

    fn is_referenced(catalog: &Catalog, id: &str) -> bool {
        let mut outgoing = catalog.dns.outgoing.values();
        outgoing.any(|outgoing| outgoing.document.peers.iter().any(|peer| peer == id))
    }

    fn sort(list: &mut [Shared<Self>]) {
        let key = |peer: &Shared<Self>| (peer.0.document.name.clone(), peer.0.document.id.clone());
        list.sort_by_cached_key(key);
    }
}

/// GET.
async fn fetch(State(app): State<Arc<App>>, at: At) -> Answer<Outgoing> {
    let catalog = app.catalog();
    Ok(success(answered(&app, find(&catalog, &at)?.value.document.clone())))
}

/// POST.
async fn create(
    State(app): State<Arc<App>>,
    caller: Caller,
    at: At,
    Body(body): Body,
) -> Answer<Outgoing> {
    let outgoing = app.change(&caller, |catalog, draft| {
        if find(catalog, &at).is_ok() {
            let reason = format_args!("the zone has an {NOUN} already; change it with PUT");
            return Err(ApiError::invalid(reason));
        }
        let owned = apply(&app, catalog, Verb::Create, &body, None, &at)?;
        draft.create(kind::OUTGOING_TRANSFER, at.zone(), &owned);
        Ok(owned.document)
    });
    Ok(success(answered(&app, outgoing.await?)))
}

/// PUT.
async fn replace(
    State(app): State<Arc<App>>,
    caller: Caller,
    at: At,
    Body(body): Body,
) -> Answer<Outgoing> {
    let outgoing = app.change(&caller, |catalog, draft| {
        let row = find(catalog, &at)?;
        let current = Some(&row.value.document);
        let owned = apply(&app, catalog, Verb::Replace, &body, current, &at)?;
        draft.update(row, &owned);
        Ok(owned.document)
    });
    Ok(success(answered(&app, outgoing.await?)))
}

/// DELETE.
async fn delete(State(app): State<Arc<App>>, caller: Caller, at: At) -> Answer<Deleted> {
    app.change(&caller, |catalog, draft| {
        draft.delete(find(catalog, &at)?);
        Ok(Deleted { id: at.zone().to_owned() })
    })
    .await
    .map(success)
}

/// GET of whether anybody may copy the zone.
async fn status(State(app): State<Arc<App>>, at: At) -> Answer<String> {
    let catalog = app.catalog();
    Ok(success(word(find(&catalog, &at)?.value.document.enabled)))
}

/// POST that lets the peers copy the zone.
async fn enable(State(app): State<Arc<App>>, caller: Caller, at: At) -> Answer<String> {
    switch(&app, &caller, &at, true).await
}

/// POST that lets nobody.
async fn disable(State(app): State<Arc<App>>, caller: Caller, at: At) -> Answer<String> {
    switch(&app, &caller, &at, false).await
}

async fn switch(app: &App, caller: &Caller, at: &At, enabled: bool) -> Answer<String> {
    app.change(caller, |catalog, draft| {
        let row = find(catalog, at)?;
        if row.value.document.enabled != enabled {
            let mut owned = Owned::clone(&row.value);
            owned.document.enabled = enabled;
            draft.update(row, &owned);
        }
        Ok(word(enabled))
    })
    .await
    .map(success)
}

/// POST that has the peers told of the zone as it is, though nothing changed. Who tells them does
/// so after the answer.
async fn force_notify(State(app): State<Arc<App>>, at: At) -> Answer<String> {
    let catalog = app.catalog();
    if !find(&catalog, &at)?.value.document.enabled {
        let reason = format_args!("the {NOUN} is disabled; enable it first");
        return Err(ApiError::invalid(reason));
    }
    let zone: ZoneId = at.zone().parse().map_err(|_| ApiError::not_found("zone"))?;
    let told = app.notify_peers.as_ref().is_some_and(|notify| notify.try_send(zone).is_ok());
    if told { Ok(success("OK".to_owned())) } else { Err(ApiError::not_notified()) }
}

fn word(enabled: bool) -> String {
    if enabled { "Enabled" } else { "Disabled" }.to_owned()
}

fn find<'c>(catalog: &'c Catalog, at: &At) -> Result<&'c Row<Owned<Outgoing>>, ApiError> {
    at.place(catalog)?;
    catalog.dns.outgoing.row(at.zone()).ok_or_else(|| ApiError::not_found(NOUN))
}

fn apply(
    app: &App,
    catalog: &Catalog,
    verb: Verb,
    body: &[u8],
    current: Option<&Outgoing>,
    at: &At,
) -> Result<Owned<Outgoing>, ApiError> {
    let place = at.place(catalog)?;
    let lookup = catalog.of_account(&place.account);
    let cx = Context { now: &now(), id: at.zone(), limits: &app.limits, lookup: &lookup };
    let zone = place.zone_name.as_deref().unwrap_or_default();
    let document = Outgoing::apply(verb, body, current, zone, &cx)?;
    Ok(Owned { owner: Owner::Zone(at.zone().to_owned()), document })
}

/// The document with the serial that is served.
fn answered(app: &App, outgoing: Outgoing) -> Outgoing {
    let view = app.live.load();
    let id = outgoing.id.parse::<ZoneId>().ok();
    let zone = view.zones.iter().find(|zone| Some(zone.id) == id);
    Outgoing { soa_serial: zone.map_or(0, |zone| zone.serial), ..outgoing }
}
