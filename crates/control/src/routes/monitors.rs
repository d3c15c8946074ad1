//! Monitors (api.md 2, row 15): nothing beyond the common verbs.

use evenkeel_api::envelope::ApiMessage;
use evenkeel_api::references::{monitors_of, monitors_of_group};
use evenkeel_api::{Context, Limits, Monitor, Problem, Verb, monitor};

use super::object::{Object, Shared};
use crate::catalog::{Catalog, Table};
use crate::permission::Group;
use crate::records::{Owned, kind};
use crate::request::Place;

/// Code of remarks about a monitor's settings.
const REMARK: u32 = 1102;

impl Object for Monitor {
    const KIND: &str = kind::MONITOR;
    const NOUN: &str = "monitor";
    const GROUP: Group = Group::MonitorsAndPools;
    const REQUIRED: &'static [&'static str] = &[];

    fn table(catalog: &Catalog) -> &Table<Owned<Self>> {
        &catalog.monitors
    }

    fn quota(limits: &Limits) -> Option<usize> {
        limits.monitor_quota
    }

    fn apply(
        verb: Verb,
        body: &[u8],
        current: Option<&Self>,
        _: &Place,
        cx: &Context<'_>,
    ) -> Result<Self, Vec<Problem>> {
        monitor::apply(verb, body, current, cx)
    }

    fn is_referenced(catalog: &Catalog, id: &str) -> bool {
        let (mut pools, mut groups) = (catalog.pools.values(), catalog.monitor_groups.values());
        pools.any(|pool| monitors_of(&pool.document).any(|monitor| monitor == id))
            || groups.any(|group| monitors_of_group(&group.document).any(|monitor| monitor == id))
    }

    fn remarks(&self) -> Vec<ApiMessage> {
        self.remarks().iter().map(|remark| ApiMessage::new(REMARK, remark)).collect()
    }

    fn sort(list: &mut [Shared<Self>]) {
        list.sort_by(|a, b| key(a).cmp(&key(b)));
    }
}

fn key(monitor: &Shared<Monitor>) -> (&str, &str) {
    (&monitor.0.document.created_on, &monitor.0.document.id)
}
