//! Who names whom (api.md 2, rows 14, 17 and 19; 2.7).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::extract::State;
use evenkeel_api::references::{
    Direction, Reference, Resource, monitor_groups_of, monitors_of, monitors_of_group, pools_of,
};
use evenkeel_api::{LoadBalancer, Monitor, MonitorGroup, Pool};

use super::object::{Object, find, page_of};
use crate::app::App;
use crate::catalog::{Catalog, Table};
use crate::error::Answer;
use crate::records::Owned;
use crate::request::{At, Page};

/// A kind of document that can name others or be named.
pub(super) trait Resourceful: Object {
    /// The word for the kind.
    const RESOURCE: Resource;

    /// Its identifier.
    fn id(&self) -> &str;

    /// What it goes by.
    fn name(&self) -> &str;
}

macro_rules! resourceful {
    ($($kind:ident by $name:ident;)*) => {$(
        impl Resourceful for $kind {
            const RESOURCE: Resource = Resource::$kind;

            fn id(&self) -> &str {
                &self.id
            }

            fn name(&self) -> &str {
                &self.$name
            }
        }
    )*};
}

resourceful! {
    LoadBalancer by name;
    Pool by name;
    Monitor by description;
    MonitorGroup by description;
}

/// Every reference between the documents of a catalog, from both of its ends.
#[derive(Debug, Default)]
pub(super) struct References<'c>(
    BTreeMap<End<'c>, BTreeSet<(Direction, Resource, Name<'c>, Id<'c>)>>,
);

type End<'c> = (Resource, Id<'c>);
type Id<'c> = &'c str;
type Name<'c> = &'c str;

impl<'c> References<'c> {
    /// All of them, in one walk over the documents.
    pub(super) fn of(catalog: &'c Catalog) -> Self {
        let mut references = Self::default();
        for lb in catalog.load_balancers.values() {
            references.add(&lb.document, &catalog.pools, pools_of(&lb.document));
        }
        for pool in catalog.pools.values().map(|pool| &pool.document) {
            references.add(pool, &catalog.monitors, monitors_of(pool));
            references.add(pool, &catalog.monitor_groups, monitor_groups_of(pool));
        }
        for group in catalog.monitor_groups.values().map(|group| &group.document) {
            references.add(group, &catalog.monitors, monitors_of_group(group));
        }
        references
    }

    fn add<A: Resourceful, B: Resourceful>(
        &mut self,
        naming: &'c A,
        table: &'c Table<Owned<B>>,
        named: impl Iterator<Item = &'c str>,
    ) {
        let from = (A::RESOURCE, naming.id());
        for named in named.filter_map(|id| table.get(id)).map(|owned| &owned.document) {
            let to = (B::RESOURCE, named.id());
            let referral = (Direction::Referral, to.0, named.name(), to.1);
            let referrer = (Direction::Referrer, from.0, naming.name(), from.1);
            self.0.entry(from).or_default().insert(referral);
            self.0.entry(to).or_default().insert(referrer);
        }
    }

    /// Those of one document, each once: whoever names it, then whatever it names, by name.
    pub(super) fn around(&self, resource: Resource, id: &str) -> Vec<Reference> {
        let others = self.0.get(&(resource, id)).into_iter().flatten();
        let reference = |&(reference_type, resource_type, name, id): &(_, _, &str, &str)| {
            let (resource_id, resource_name) = (id.to_owned(), name.to_owned());
            Reference { reference_type, resource_type, resource_id, resource_name }
        };
        others.map(reference).collect()
    }
}

/// GET of who names a document, and whom it names.
pub(super) async fn list<O: Resourceful>(
    State(app): State<Arc<App>>,
    at: At,
) -> Answer<Vec<Reference>> {
    let catalog = app.catalog();
    let row = find::<O>(&catalog, &at.place(&catalog)?, at.id())?;
    let references = References::of(&catalog).around(O::RESOURCE, row.value.document.id());
    Ok(page_of(references, Page::default()))
}
