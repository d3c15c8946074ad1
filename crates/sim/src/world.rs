//! A world from a seed: configuration, servers, monitors and clients, and the events that move it.

use std::sync::Arc;

use evenkeel_decision::{Env, SessionTable, Sighting};
use evenkeel_model::{LoadBalancerIx, MonitorIx, Node, View};

use crate::agenda::Agenda;
use crate::blueprint::Blueprint;
use crate::chance::Chance;
use crate::change;
use crate::checkers::Checkers;
use crate::exchange::{self, Contact, Exchange, Setting};
use crate::generate;
use crate::loads::{LiveLoads, Place};
use crate::memory::Memory;
use crate::oracle::{self, Meant};
use crate::places;
use crate::publication::{Herald, Publication};
use crate::request::{Client, Request};
use crate::servers::{Fate, Servers};

/// Clients there are. Enough that sessions of several meet, few enough that each comes back often.
const CLIENTS: usize = 12;

/// Sessions by header that the engine remembers: more than there can be, so that none is forgotten
/// for lack of room.
const SESSIONS_MAX: usize = 10_000;

/// Times between events, in milliseconds. Requests come in bursts, with pauses long enough that
/// sessions by header end; ends of drains and of cookies fall between them too.
const REQUEST_GAPS_MS: [u64; 6] = [0, 10, 100, 1_000, 20_000, 60_000];
const TROUBLE_GAPS_MS: [u64; 3] = [1_000, 60_000, 300_000];
const CHANGE_GAPS_MS: [u64; 3] = [1_000, 60_000, 600_000];
const IDLE_GAP_MS: u64 = 90_000;
const LATENCY_GAP_MS: u64 = 120_000;

#[derive(Debug, Clone, Copy)]
enum Event {
    /// Somebody asks for something.
    Request,
    /// The last byte of an answer passes.
    Complete(Place),
    /// Connections that nobody used are closed.
    CloseIdle,
    /// Something befalls a server.
    Trouble,
    /// A monitor probes.
    Probe(MonitorIx),
    /// The way to a pool gets shorter or longer.
    Latency,
    /// A user changes the configuration.
    Change,
}

/// Everything there is.
#[derive(Debug)]
pub struct World {
    agenda: Agenda<Event>,
    blueprint: Blueprint,
    view: Arc<View>,
    node: Node,
    servers: Servers,
    checkers: Checkers,
    loads: LiveLoads,
    sessions: SessionTable,
    memory: Memory,
    herald: Herald,
    /// The newest view's, until somebody takes it.
    publication: Option<Publication>,
    clients: Vec<Client>,
    /// What the engine draws from.
    draws: Chance,
    /// What clients draw from.
    traffic: Chance,
    /// What users draw from.
    changes: Chance,
}

impl World {
    /// The world of a seed, before anything has happened.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let mut chance = Chance::new(seed);
        let blueprint = generate::blueprint(&mut chance.fork());
        let node = places::node(&mut chance.fork());
        let servers = Servers::new(chance.fork());
        let checkers = Checkers::new(chance.fork());
        let mut traffic = chance.fork();
        let clients = (0..CLIENTS).map(|_| Client::new(&mut traffic)).collect();
        let mut agenda = Agenda::default();
        for event in
            [Event::Request, Event::CloseIdle, Event::Trouble, Event::Latency, Event::Change]
        {
            agenda.plan(0, event);
        }
        for ix in (0..).map(MonitorIx).take(blueprint.monitors.len()) {
            agenda.plan(traffic.between(0, 2_000), Event::Probe(ix));
        }
        let view = view(&blueprint, &checkers, 1);
        Self {
            agenda,
            blueprint,
            view,
            node,
            servers,
            checkers,
            loads: LiveLoads::default(),
            sessions: SessionTable::new(SESSIONS_MAX),
            memory: Memory::default(),
            herald: Herald::default(),
            publication: None,
            clients,
            draws: chance.fork(),
            traffic,
            changes: chance.fork(),
        }
    }

    /// Lets the next event happen; a request leaves an exchange.
    pub fn step(&mut self) -> Option<Exchange> {
        let event = self.agenda.advance().expect("requests never end");
        match event {
            Event::Request => {
                let gap = *self.traffic.pick(&REQUEST_GAPS_MS);
                self.agenda.plan(gap, Event::Request);
                return Some(self.request());
            }
            Event::Complete(place) => self.loads.end(place),
            Event::CloseIdle => {
                self.loads.close_idle();
                self.agenda.plan(IDLE_GAP_MS, Event::CloseIdle);
            }
            Event::Trouble => {
                self.servers.change();
                self.agenda.plan(*self.changes.pick(&TROUBLE_GAPS_MS), Event::Trouble);
            }
            Event::Probe(ix) => {
                let config = &self.view.config;
                let interval_ms = config.monitor(ix).interval_ms;
                if self.checkers.probe(config, ix, &mut self.servers) {
                    self.publish();
                }
                self.agenda.plan(interval_ms.into(), Event::Probe(ix));
            }
            Event::Latency => {
                self.checkers.shift_latency(&self.view.config);
                self.publish();
                self.agenda.plan(LATENCY_GAP_MS, Event::Latency);
            }
            Event::Change => {
                change::change(&mut self.blueprint, self.agenda.now(), &mut self.changes);
                self.publish();
                self.agenda.plan(*self.changes.pick(&CHANGE_GAPS_MS), Event::Change);
            }
        }
        None
    }

    /// What the last event has published, if it was that.
    pub fn take_publication(&mut self) -> Option<Publication> {
        self.publication.take()
    }

    /// What decisions are taken on at this moment.
    #[must_use]
    pub const fn view(&self) -> &Arc<View> {
        &self.view
    }

    /// Where the server stands.
    #[must_use]
    pub const fn node(&self) -> &Node {
        &self.node
    }

    /// How busy endpoints are at this moment.
    #[must_use]
    pub const fn loads(&self) -> &LiveLoads {
        &self.loads
    }

    /// A host name of the load balancer at a place.
    #[must_use]
    pub fn host(&self, ix: LoadBalancerIx) -> &str {
        &self.blueprint.service(ix).host
    }

    /// What the oracle says of a request.
    #[must_use]
    pub fn meant(&self, request: &Request) -> Option<Meant> {
        let owner = oracle::owner(&self.view, &request.host)?;
        Some(oracle::meant(&self.blueprint, owner, &self.node, request))
    }

    fn request(&mut self) -> Exchange {
        let host = match self.traffic.index(50) {
            0 => "nobody.test".to_owned(),
            _ => self.traffic.pick(&self.blueprint.services).host.clone(),
        };
        let who = self.traffic.index(self.clients.len());
        let request = self.clients[who].request(&host, &mut self.traffic);
        let now = self.agenda.now();
        let meant = self.meant(&request);
        let session =
            meant.as_ref().and_then(|meant| self.memory.session(&self.view, meant, &request, now));
        let setting = Setting { view: &self.view, node: &self.node, meant, session };
        let mut env = Env {
            now,
            rng: &mut self.draws,
            loads: &self.loads,
            ejections: None,
            sessions: &mut self.sessions,
        };
        let exchange = exchange::send(setting, request, &mut env, &mut self.servers);
        if let Some(held) = self.memory.learn(&exchange) {
            self.clients[who].keep(&host, held);
        }
        self.count(&exchange);
        exchange
    }

    /// Counts the answer as in flight until its last byte, and takes in how fast everybody was.
    fn count(&mut self, exchange: &Exchange) {
        for Contact { target, fate } in &exchange.contacts {
            let sighting = match fate {
                Fate::Answer(ms) => Sighting::Answered(ms * 1_000),
                Fate::Failure(_) => Sighting::Failed(1_000),
                Fate::Unresolved => continue,
            };
            let endpoint = self.view.config.endpoint(target.endpoint).id;
            self.loads.see(endpoint, sighting, self.agenda.now());
        }
        let Some(Contact { target, fate: Fate::Answer(ms) }) = exchange.contacts.last() else {
            return;
        };
        let config = &self.view.config;
        let place = Place {
            pool: config.pool(target.pool).id,
            endpoint: config.endpoint(target.endpoint).id,
        };
        self.loads.begin(place);
        self.agenda.plan(*ms, Event::Complete(place));
    }

    fn publish(&mut self) {
        self.view = view(&self.blueprint, &self.checkers, self.view.revision + 1);
        self.publication = Some(self.herald.follow(&self.view, &self.checkers));
    }
}

fn view(blueprint: &Blueprint, checkers: &Checkers, revision: u64) -> Arc<View> {
    let config = Arc::new(blueprint.build());
    let health = checkers.health(&config);
    Arc::new(View { config, health, zones: Arc::default(), revision })
}
