//! Load balancers, of zones and of accounts (api.md 2, rows 1 to 7). Nothing names one, so one can
//! always be deleted.

use evenkeel_api::load_balancer::{self, Scope};
use evenkeel_api::{Context, Limits, LoadBalancer, Problem, Verb};

use super::object::{Object, Shared};
use crate::catalog::{Catalog, Table};
use crate::permission::Group;
use crate::records::{Owned, Owner, kind};
use crate::request::Place;

impl Object for LoadBalancer {
    const KIND: &str = kind::LOAD_BALANCER;
    const NOUN: &str = "load balancer";
    const GROUP: Group = Group::LoadBalancers;
    const REQUIRED: &'static [&'static str] = &["default_pools", "fallback_pool"];

    fn table(catalog: &Catalog) -> &Table<Owned<Self>> {
        &catalog.load_balancers
    }

    fn quota(limits: &Limits) -> Option<usize> {
        limits.load_balancer_quota
    }

    fn apply(
        verb: Verb,
        body: &[u8],
        current: Option<&Self>,
        place: &Place,
        cx: &Context<'_>,
    ) -> Result<Self, Vec<Problem>> {
        let scope = match (&place.owner, &place.zone_name) {
            (Owner::Zone(id), Some(name)) => Scope::Zone { id, name },
            _ => Scope::Account,
        };
        load_balancer::apply(verb, body, current, &scope, cx)
    }

    fn is_referenced(_: &Catalog, _: &str) -> bool {
        false
    }

    fn sort(list: &mut [Shared<Self>]) {
        list.sort_by(|a, b| key(a).cmp(&key(b)));
    }
}

fn key(lb: &Shared<LoadBalancer>) -> (&str, &str) {
    (&lb.0.document.name, &lb.0.document.id)
}
