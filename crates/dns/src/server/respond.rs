//! One message in, one response out: what both transports have in common.
//!
//! On the path of every query. In the common case nothing is allocated here.

use std::cell::RefCell;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use arc_swap::ArcSwap;
use evenkeel_decision::{Env, NoLoads, NoSessions, Rng, Trail};
use evenkeel_model::Timestamp;
use evenkeel_net::unix_time_ms;
use evenkeel_telemetry::DnsMetrics;

use super::cookie::COOKIE_BYTES;
use super::follow::Serving;
use super::log::{Line, LogSender};
use super::places::{Places, Remembered};
use super::rate::{Fate, Kind, RateLimiter};
use super::settings::Settings;
use crate::answer::{Answer, Context, answer};
use crate::dnssec::Signatures;
use crate::resolve::Names;
use crate::transfer::{Histories, Session};
use crate::wire::{
    self, Edns, EdnsOut, ExtendedError, Parsed, Query, Rcode, Rejection, UDP_BYTES_MAX,
    UDP_BYTES_PLAIN,
};

/// How long a TCP connection may be without a query (RFC 7766 section 6.2.3 leaves it to us), and
/// what clients that ask are told (RFC 7828), in tenths of a second.
pub(super) const TCP_IDLE_DS: u16 = 80;

/// What all threads share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) settings: Settings,
    pub(crate) serving: Arc<ArcSwap<Serving>>,
    pub(crate) names: Arc<Names>,
    /// What secondaries may ask the differences of.
    pub(crate) histories: Histories,
    /// `None` while there is no limit.
    pub(crate) rate: Option<RateLimiter>,
    pub(crate) log: Option<LogSender>,
    /// Where monotonic times begin.
    pub(crate) started: Instant,
    /// Whether the node ends.
    pub(crate) is_draining: AtomicBool,
}

/// A moment on both clocks, read once for a batch.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    /// The time of day.
    pub(crate) now: Timestamp,
    /// Since [`Shared::started`].
    pub(crate) since_start_us: u64,
}

impl Moment {
    pub(crate) fn now(shared: &Shared) -> Self {
        let since_start = shared.started.elapsed();
        let since_start_us = u64::try_from(since_start.as_micros()).unwrap_or(u64::MAX);
        Self { now: Timestamp(unix_time_ms()), since_start_us }
    }
}

/// How a message came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transport {
    Udp,
    Tcp,
}

impl Transport {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
        }
    }
}

/// A thread's means to answer.
#[derive(Debug)]
pub(crate) struct Responder {
    pub(crate) shared: Arc<Shared>,
    pub(crate) metrics: Arc<DnsMetrics>,
    pub(super) transport: Transport,
    chance: RefCell<Chance>,
    signatures: RefCell<Signatures>,
    places: Places,
}

/// A thread's random draws. They spread answers; nothing secret comes from them.
#[derive(Debug)]
struct Chance(fastrand::Rng);

impl Rng for Chance {
    fn next_u64(&mut self) -> u64 {
        self.0.u64(..)
    }
}

/// What is known of the sender of a message.
struct Sender {
    client: IpAddr,
    /// What the response brings; nothing for a client without cookies.
    cookie: Option<[u8; COOKIE_BYTES]>,
    /// Whether it is where it says, beyond doubt.
    is_proven: bool,
}

impl Responder {
    pub(crate) fn new(shared: Arc<Shared>, metrics: Arc<DnsMetrics>, transport: Transport) -> Self {
        let chance = RefCell::new(Chance(fastrand::Rng::new()));
        Self {
            shared,
            metrics,
            transport,
            chance,
            signatures: RefCell::default(),
            places: Places::default(),
        }
    }

    /// Appends the response to a message, or nothing.
    pub(crate) fn respond(
        &self,
        serving: &Serving,
        moment: Moment,
        message: &[u8],
        source: SocketAddr,
        out: &mut Vec<u8>,
    ) {
        match Query::parse(message) {
            Parsed::Silent => self.metrics.ignored.increment(),
            Parsed::Refuse(rejection) => {
                self.metrics.asked(0);
                self.refuse(&rejection, moment, source.ip(), out);
            }
            Parsed::Transfer(query) => {
                self.metrics.asked(query.qtype);
                self.answer_transfer(serving, moment, &query, source, out);
            }
            Parsed::Query(query) => {
                self.metrics.asked(query.qtype);
                match query.tsig {
                    None => self.answer(serving, moment, &query, source.ip(), None, out),
                    Some(at) => self.answer_signed(serving, moment, &query, at, source, out),
                }
            }
        }
    }

    /// Answers a query; `session` signs what goes out.
    pub(super) fn answer(
        &self,
        serving: &Serving,
        moment: Moment,
        query: &Query<'_>,
        client: IpAddr,
        session: Option<Session>,
        out: &mut Vec<u8>,
    ) {
        let sender = self.sender(query.edns.as_ref(), client, moment);
        let shared = &*self.shared;
        let settings = &shared.settings;
        let known = shared.names.at(moment.since_start_us / 1000);
        let geography = Remembered {
            places: &self.places,
            database: &*settings.geography,
            now_s: moment.now.seconds(),
        };
        let context = Context {
            view: &serving.view,
            catalog: &serving.catalog,
            node: &settings.node,
            geography: &geography,
            advertised: &settings.advertised,
            resolved: &known,
        };
        let mut trail = Trail::new();
        let mut answer = {
            let mut env = Env {
                now: moment.now,
                rng: &mut *self.chance.borrow_mut(),
                loads: &NoLoads,
                ejections: settings.ejections.as_deref().map(|ejections| ejections as _),
                sessions: &mut NoSessions,
            };
            answer(query, client, &context, &mut env, &mut trail)
        };
        let mut signatures = self.signatures.borrow_mut();
        let mut signer = signatures.complete(query, &mut answer, moment.now.seconds());
        let fate = self.judge(&sender, kind(&answer), moment);
        let start = out.len();
        let answers = match fate {
            Fate::Sent => {
                let error = match answer.rcode {
                    Rcode::Refused => Some(ExtendedError::NotAuthoritative),
                    Rcode::ServFail => Some(ExtendedError::NoReachableAuthority),
                    _ => None,
                };
                let extra = self.extra(&sender, error);
                let limit = self.limit(query.edns.as_ref());
                let limit = limit - session.as_ref().map_or(0, Session::bytes).min(limit);
                let written = wire::write_signed(
                    out,
                    query,
                    &answer,
                    limit,
                    &extra,
                    signer.as_mut().map(|it| it as _),
                );
                if written.truncated {
                    self.metrics.truncated.increment();
                }
                if let Some(mut session) = session {
                    session.sign(out, start, moment.now.seconds());
                }
                self.metrics.responded(answer.rcode.number());
                written.answers
            }
            Fate::Slipped => {
                self.reject(&query.truncate(), &sender, out);
                0
            }
            Fate::Dropped => 0,
        };
        let Some(log) = &shared.log else { return };
        if log.sample > 1 && self.chance.borrow_mut().below(log.sample.into()) != 0 {
            return;
        }
        let line = Line {
            now: moment.now,
            client,
            transport: self.transport.as_str(),
            rcode: answer.rcode,
            answers,
            bytes: out.len() - start,
            fate: fate.as_str(),
            trail: &trail,
            view: &serving.view,
        };
        if !log.write(query, &line) {
            self.metrics.log_dropped.increment();
        }
    }

    pub(super) fn refuse(
        &self,
        rejection: &Rejection<'_>,
        moment: Moment,
        client: IpAddr,
        out: &mut Vec<u8>,
    ) {
        let sender = self.sender(rejection.edns.as_ref(), client, moment);
        match self.judge(&sender, Kind::Error, moment) {
            Fate::Sent => self.reject(rejection, &sender, out),
            Fate::Slipped => {
                self.reject(&Rejection { truncated: true, ..*rejection }, &sender, out);
            }
            Fate::Dropped => {}
        }
    }

    fn reject(&self, rejection: &Rejection<'_>, sender: &Sender, out: &mut Vec<u8>) {
        let limit = self.limit(rejection.edns.as_ref());
        let error = match rejection.rcode {
            Rcode::Refused => Some(ExtendedError::Prohibited),
            Rcode::NotImp => Some(ExtendedError::NotSupported),
            _ => None,
        };
        wire::write_rejection(out, rejection, limit, &self.extra(sender, error));
        self.metrics.responded(rejection.rcode.number());
    }

    /// Judges the cookie. Whoever has a TCP connection is where it says without one.
    fn sender(&self, edns: Option<&Edns<'_>>, client: IpAddr, moment: Moment) -> Sender {
        let is_connected = self.transport == Transport::Tcp;
        let Some(cookie) = edns.and_then(|edns| edns.cookie) else {
            return Sender { client, cookie: None, is_proven: is_connected };
        };
        let now_s = moment.now.seconds() as u32;
        let judged = self.shared.settings.cookies.judge(&cookie, client, now_s);
        if judged.is_known {
            self.metrics.cookies_known.increment();
        } else {
            self.metrics.cookies_unknown.increment();
        }
        let is_proven = is_connected || judged.is_known;
        Sender { client, cookie: Some(judged.answered), is_proven }
    }

    /// What becomes of a response of a kind.
    fn judge(&self, sender: &Sender, kind: Kind, moment: Moment) -> Fate {
        let Some(rate) = self.shared.rate.as_ref().filter(|_| !sender.is_proven) else {
            return Fate::Sent;
        };
        let exempt = &self.shared.settings.rate_exempt;
        if exempt.iter().any(|network| network.contains(&sender.client)) {
            return Fate::Sent;
        }
        let rng = &mut *self.chance.borrow_mut();
        let fate = rate.judge(sender.client, kind, moment.since_start_us, rng);
        match fate {
            Fate::Sent => {}
            Fate::Slipped => self.metrics.rate_slipped.increment(),
            Fate::Dropped => self.metrics.rate_dropped.increment(),
        }
        fate
    }

    fn extra<'s>(&'s self, sender: &'s Sender, error: Option<ExtendedError>) -> EdnsOut<'s> {
        EdnsOut {
            cookie: sender.cookie.as_ref().map_or(&[], |cookie| cookie),
            nsid: &self.shared.settings.nsid,
            keepalive_ds: (self.transport == Transport::Tcp).then_some(TCP_IDLE_DS),
            error,
            ..EdnsOut::default()
        }
    }

    /// Most bytes of a response.
    fn limit(&self, edns: Option<&Edns<'_>>) -> usize {
        match self.transport {
            Transport::Tcp => usize::from(u16::MAX),
            Transport::Udp => {
                edns.map_or(UDP_BYTES_PLAIN, |edns| edns.udp_limit(UDP_BYTES_MAX)).into()
            }
        }
    }
}

/// As which an answer is counted against the rate of its network.
fn kind(answer: &Answer<'_>) -> Kind {
    match answer.rcode {
        Rcode::NoError if answer.answer.is_empty() => Kind::Empty,
        Rcode::NoError => Kind::Answer,
        Rcode::NxDomain => Kind::NoName,
        _ => Kind::Error,
    }
}
