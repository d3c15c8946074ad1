//! Monitor groups (api.md 2, rows 18 and 19): nothing beyond the common verbs, but that a deletion
//! answers with the whole group.

use evenkeel_api::references::monitor_groups_of;
use evenkeel_api::{Context, Limits, MonitorGroup, Problem, Verb, monitor_group};

use super::object::{Object, Shared};
use crate::catalog::{Catalog, Table};
use crate::permission::Group;
use crate::records::{Owned, kind};
use crate::request::Place;

impl Object for MonitorGroup {
    const KIND: &str = kind::MONITOR_GROUP;
    const NOUN: &str = "monitor group";
    const GROUP: Group = Group::MonitorsAndPools;
    const REQUIRED: &'static [&'static str] = &["description", "members"];
    const DELETE_ANSWERS_WHOLE: bool = true;

    fn table(catalog: &Catalog) -> &Table<Owned<Self>> {
        &catalog.monitor_groups
    }

    fn quota(limits: &Limits) -> Option<usize> {
        limits.monitor_group_quota
    }

    fn apply(
        verb: Verb,
        body: &[u8],
        current: Option<&Self>,
        _: &Place,
        cx: &Context<'_>,
    ) -> Result<Self, Vec<Problem>> {
        monitor_group::apply(verb, body, current, cx)
    }

    fn is_referenced(catalog: &Catalog, id: &str) -> bool {
        let mut pools = catalog.pools.values();
        pools.any(|pool| monitor_groups_of(&pool.document).any(|group| group == id))
    }

    fn sort(list: &mut [Shared<Self>]) {
        list.sort_by(|a, b| key(a).cmp(&key(b)));
    }
}

fn key(group: &Shared<MonitorGroup>) -> (&str, &str) {
    (&group.0.document.created_on, &group.0.document.id)
}
