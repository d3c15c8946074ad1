//! A view that was just published: what its health was concluded from, and what is told of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use evenkeel_decision::health::ledger::{Ledger, PoolChange, Turn};
use evenkeel_model::{
    Config, EndpointId, EndpointIx, MonitorIx, PoolId, PoolMonitor, Verdict, View,
};

use crate::checkers::Checkers;

/// Whose health can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// A pool's.
    Pool(PoolId),
    /// An endpoint's.
    Endpoint(EndpointId),
}

/// What was last told of whom.
pub type Told = BTreeMap<Subject, bool>;

/// One view and its news.
#[derive(Debug, Clone)]
pub struct Publication {
    /// The view.
    pub view: Arc<View>,
    /// What each endpoint's monitors found, by the endpoint's place.
    pub findings: Vec<Vec<(PoolMonitor, Verdict)>>,
    /// What is told.
    pub changes: Vec<PoolChange>,
    /// What had been told before, of those who still have a monitor.
    pub before: Told,
}

/// Follows the views.
#[derive(Debug, Clone, Default)]
pub(crate) struct Herald {
    ledger: Ledger,
    told: Told,
}

impl Herald {
    /// Takes the next view in.
    pub(crate) fn follow(&mut self, view: &Arc<View>, checkers: &Checkers) -> Publication {
        let config = &*view.config;
        let finding = |endpoint, monitor| checkers.finding(config, endpoint, monitor);
        let changes = self.ledger.follow(config, &view.health, finding);
        self.told = judged(config)
            .filter_map(|subject| Some((subject, *self.told.get(&subject)?)))
            .collect();
        let before = self.told.clone();
        for (subject, turn) in changes.iter().flat_map(|change| turns(config, change)) {
            self.told.insert(subject, turn.healthy);
        }
        Publication { view: Arc::clone(view), findings: findings(config, finding), changes, before }
    }
}

/// Everyone whose health a change is about.
pub fn turns(config: &Config, change: &PoolChange) -> impl Iterator<Item = (Subject, Turn)> {
    let pool = change.health.map(|turn| (Subject::Pool(config.pool(change.pool).id), turn));
    let endpoints = change.endpoints.iter();
    pool.into_iter()
        .chain(endpoints.map(|(ix, turn)| (Subject::Endpoint(config.endpoint(*ix).id), *turn)))
}

/// Everyone whose health some monitor has a say in.
fn judged(config: &Config) -> impl Iterator<Item = Subject> {
    let pools = config.pools.iter().filter(|pool| pool.is_monitored());
    pools.flat_map(|pool| {
        let endpoints = pool.endpoints().map(|ix| Subject::Endpoint(config.endpoint(ix).id));
        endpoints.chain([Subject::Pool(pool.id)])
    })
}

fn findings(
    config: &Config,
    finding: impl Fn(EndpointIx, MonitorIx) -> Verdict,
) -> Vec<Vec<(PoolMonitor, Verdict)>> {
    let of = |(ix, endpoint): (EndpointIx, &evenkeel_model::Endpoint)| {
        let members = config.pool(endpoint.pool).monitors().iter();
        members.map(|member| (*member, finding(ix, member.monitor))).collect()
    };
    config.endpoints_indexed().map(of).collect()
}
