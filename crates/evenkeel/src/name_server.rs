//! The name server as a part of a node: started with the workers on sockets of the node, ended with
//! them.

use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use evenkeel_control::{AnswerQuery, ExplainSources, NameAnswer, NameRecord};
use evenkeel_dns::server::{
    QueryLog, Rehearsal, RehearsedRecord, Running, ServerOptions, Settings as ServerSettings,
    Sockets, Supposed, kept_secret, start,
};
use evenkeel_model::{Live, ZoneId};
use evenkeel_net::drain::Drain;
use evenkeel_telemetry::DnsRegistry;
use tokio::sync::{mpsc, watch};

use crate::exit::Failure;
use crate::settings::Settings;

/// How long a node waits for the addresses of its endpoints' names before it is ready. What is not
/// known by then counts as unresolvable until it is.
const NAMES_LIMIT: Duration = Duration::from_secs(2);

/// A name server about to be started.
pub(crate) struct NameServer {
    /// What it counts.
    registry: DnsRegistry,
    sockets: Vec<Sockets>,
    settings: ServerSettings,
    log: Option<QueryLog>,
    /// Where those find its answers who explain them.
    explained: Arc<OnceLock<AnswerQuery>>,
}

impl fmt::Debug for NameServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NameServer").field("sockets", &self.sockets).finish_non_exhaustive()
    }
}

/// What it shares with the rest of the node.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) live: Live,
    pub(crate) revision: watch::Receiver<u64>,
    pub(crate) drain: watch::Receiver<Drain>,
    /// Zones whose secondaries are to be told though nothing has changed.
    pub(crate) notices: mpsc::Receiver<ZoneId>,
    pub(crate) ended: mpsc::UnboundedSender<()>,
}

impl NameServer {
    /// Opens its files; `None` when none is wanted. `listeners` are the addresses of the proxy.
    ///
    /// # Errors
    /// When the log or the cookie secret is not to be had.
    pub(crate) fn prepare(
        settings: &Settings,
        sources: &ExplainSources,
        listeners: &[SocketAddr],
        sockets: &[Sockets],
        registry: Option<DnsRegistry>,
    ) -> Result<Option<Self>, Failure> {
        let Some(registry) = registry else { return Ok(None) };
        let dns = &settings.of_dns;
        let cookies = match &dns.cookies {
            Some(secrets) => secrets.clone(),
            None => kept_secret(&settings.data_dir)
                .map_err(Failure::doing("reading the secret of DNS cookies"))?,
        };
        let log = match &dns.log {
            None => None,
            Some(log) => Some(QueryLog::open(log).map_err(Failure::doing(format!(
                "opening the log of DNS queries at {}",
                log.path.display()
            )))?),
        };
        let sockets = sockets.iter().map(Sockets::try_clone).collect::<std::io::Result<_>>();
        Ok(Some(Self {
            registry,
            sockets: sockets.map_err(Failure::doing("starting the name server"))?,
            settings: ServerSettings {
                node: sources.node,
                geography: Arc::clone(&sources.geography),
                ejections: sources.ejections.clone(),
                advertised: dns.advertised(listeners),
                reach: settings.of_api.limits.reach(),
                resolvers: dns.resolvers.clone(),
                nsid: dns.nsid.clone(),
                cookies,
                rate: dns.rate,
                rate_exempt: dns.rate_exempt.clone(),
            },
            log,
            explained: Arc::clone(&sources.names),
        }))
    }

    /// Starts to answer, and waits a little for the names of endpoints.
    ///
    /// # Errors
    /// When a thread is not to be had.
    pub(crate) fn start(
        self,
        parts: Parts,
        control: &tokio::runtime::Handle,
    ) -> Result<Running, Failure> {
        let Parts { live, revision, drain, notices, ended } = parts;
        let Self { registry, sockets, settings, log, explained, .. } = self;
        let options = ServerOptions {
            live,
            revision,
            sockets,
            registry,
            settings,
            log,
            drain,
            notices,
            ended,
        };
        let mut running = start(options).map_err(Failure::doing("starting the name server"))?;
        // Set by nobody else.
        let _ = explained.set(as_explained(running.rehearsal()));
        control.block_on(running.settled(NAMES_LIMIT));
        Ok(running)
    }
}

/// The server's answers as explanations have them.
fn as_explained(rehearsal: Rehearsal) -> AnswerQuery {
    let record = |record: RehearsedRecord| {
        let RehearsedRecord { owner, ttl_s, rtype, data } = record;
        NameRecord { owner, ttl_s, rtype, data }
    };
    Arc::new(move |view, query, env, trail| {
        let supposed = Supposed {
            name: query.name,
            qtype: query.qtype,
            resolver: query.resolver,
            client_subnet: query.client_subnet,
        };
        let rehearsed = rehearsal.answer(view, &supposed, env, trail)?;
        Some(NameAnswer {
            rcode: rehearsed.rcode.to_owned(),
            scope: rehearsed.scope,
            records: rehearsed.records.into_iter().map(record).collect(),
        })
    })
}
