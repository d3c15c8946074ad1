//! Session affinity as meant, a load balancer's own and what rules replace of it.

use alloc::string::String;
use alloc::vec::Vec;

use evenkeel_model::{
    self as model, AffinityHeader, AffinityKind, AffinityOverrides, CookieSameSite, CookieSecure,
};

use crate::load_balancer::affinity::{SameSite, Secure, SessionAffinity, ZeroDowntimeFailover};
use crate::load_balancer::document::LoadBalancer;
use crate::load_balancer::rules::Overrides;

/// The load balancer's own.
pub(super) fn build(document: &LoadBalancer) -> model::SessionAffinity {
    let attributes = &document.session_affinity_attributes;
    model::SessionAffinity {
        kind: kind(document.session_affinity),
        ttl_s: document.session_affinity_ttl,
        same_site: same_site(attributes.samesite),
        secure: secure(attributes.secure),
        drain_duration_s: attributes.drain_duration,
        failover: failover(attributes.zero_downtime_failover),
        headers: headers(attributes.headers.as_deref().unwrap_or_default()),
        require_all_headers: attributes.require_all_headers.unwrap_or(false),
    }
}

/// What a rule replaces. A time-to-live of 0 stays 0, which is in no kind's range: the default of
/// whatever kind is in force then counts.
pub(super) fn overrides(sent: &Overrides) -> AffinityOverrides {
    let attributes = sent.session_affinity_attributes.clone().unwrap_or_default();
    AffinityOverrides {
        kind: sent.session_affinity.map(kind),
        ttl_s: sent.session_affinity_ttl,
        same_site: attributes.samesite.map(same_site),
        secure: attributes.secure.map(secure),
        failover: attributes.zero_downtime_failover.map(failover),
        headers: attributes.headers.as_deref().map(headers),
        require_all_headers: attributes.require_all_headers,
    }
}

const fn kind(word: SessionAffinity) -> AffinityKind {
    match word {
        SessionAffinity::Unset | SessionAffinity::None => AffinityKind::None,
        SessionAffinity::Cookie => AffinityKind::Cookie,
        SessionAffinity::IpCookie => AffinityKind::IpCookie,
        SessionAffinity::Header => AffinityKind::Header,
    }
}

const fn same_site(word: SameSite) -> CookieSameSite {
    match word {
        SameSite::Auto => CookieSameSite::Auto,
        SameSite::Lax => CookieSameSite::Lax,
        SameSite::None => CookieSameSite::None,
        SameSite::Strict => CookieSameSite::Strict,
    }
}

const fn secure(word: Secure) -> CookieSecure {
    match word {
        Secure::Auto => CookieSecure::Auto,
        Secure::Always => CookieSecure::Always,
        Secure::Never => CookieSecure::Never,
    }
}

const fn failover(word: ZeroDowntimeFailover) -> model::ZeroDowntimeFailover {
    match word {
        ZeroDowntimeFailover::None => model::ZeroDowntimeFailover::None,
        ZeroDowntimeFailover::Temporary => model::ZeroDowntimeFailover::Temporary,
        ZeroDowntimeFailover::Sticky => model::ZeroDowntimeFailover::Sticky,
    }
}

fn headers(sent: &[String]) -> Vec<AffinityHeader> {
    sent.iter().map(|header| AffinityHeader::parse(header)).collect()
}
