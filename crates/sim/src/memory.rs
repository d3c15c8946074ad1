//! What clients and the engine should remember of sessions: cookies in jars, sessions by header in
//! a table of the simulation's own that the engine's is held against.

use std::collections::BTreeMap;

use evenkeel_decision::{SessionFinding, Target, TrailStep};
use evenkeel_model::{
    AffinityHeader, AffinityKind, EndpointId, LoadBalancerId, PoolId, Timestamp, View,
};

use crate::exchange::Exchange;
use crate::oracle::Meant;
use crate::request::{Held, Request};

/// Sessions by request headers, by load balancer and by names and values (behaviour.md 4.6).
#[derive(Debug, Clone, Default)]
pub struct Memory(BTreeMap<Key, Held>);

type Key = (LoadBalancerId, Vec<(String, String)>);

impl Memory {
    /// The session that a request belongs to and that has not ended. One of a cookie may have begun
    /// when the load balancer, or a rule, asked for the other kind of cookie.
    #[must_use]
    pub fn session(
        &self,
        view: &View,
        meant: &Meant,
        request: &Request,
        now: Timestamp,
    ) -> Option<Held> {
        let id = view.config.load_balancer(meant.load_balancer).id;
        let held = match meant.affinity.kind {
            AffinityKind::None => None,
            AffinityKind::Cookie | AffinityKind::IpCookie => request.held.clone(),
            AffinityKind::Header => {
                key(meant, request).and_then(|key| self.0.get(&(id, key)).cloned())
            }
        };
        held.filter(|held| held.load_balancer == id && now < held.expires)
    }

    /// Learns from an exchange. Returns the session of a cookie that was set on it.
    pub fn learn(&mut self, exchange: &Exchange) -> Option<Held> {
        let meant = exchange.meant.as_ref().filter(|meant| meant.respond.is_none())?;
        let config = &exchange.view.config;
        let held = exchange.answered().map(|Target { pool, endpoint, .. }| {
            begun(exchange, meant, config.pool(pool).id, config.endpoint(endpoint).id)
        });
        if let Some(set) = &exchange.set_cookie {
            let pair = set.split(';').next().unwrap_or_default().to_owned();
            return held.map(|held| Held { pair, ..held });
        }
        if meant.affinity.kind != AffinityKind::Header {
            return None;
        }
        let key = key(meant, &exchange.request)?;
        let key = (exchange.view.config.load_balancer(meant.load_balancer).id, key);
        // A rule sends the request elsewhere for once; the session is not touched.
        let overridden = TrailStep::Session(SessionFinding::Overridden);
        if exchange.trail.steps().contains(&overridden) {
            return None;
        }
        let pinned = exchange.pinned();
        match (pinned, held) {
            // A pinned session that somebody else answered for, or nobody, stays as it is. Whether
            // that was a use of it, from which its time counts anew, is left open.
            (Some(pinned), held) if held.as_ref().is_none_or(|held| held.endpoint != pinned.1) => {
                let (pool, endpoint) = pinned;
                let known = begun(exchange, meant, pool, endpoint);
                self.0.insert(key, Held { in_doubt: true, ..known });
            }
            (_, Some(held)) => {
                self.0.insert(key, held);
            }
            // Nothing has come in the place of what was there; it may have been forgotten.
            (_, None) => {
                if let Some(known) = self.0.get_mut(&key) {
                    known.in_doubt = true;
                }
            }
        }
        None
    }
}

/// A session with an endpoint, begun or used now.
fn begun(exchange: &Exchange, meant: &Meant, pool: PoolId, endpoint: EndpointId) -> Held {
    Held {
        load_balancer: exchange.view.config.load_balancer(meant.load_balancer).id,
        kind: meant.affinity.kind,
        pool,
        endpoint,
        expires: exchange.now.plus_seconds(ttl_s(meant)),
        pair: String::new(),
        in_doubt: false,
    }
}

fn ttl_s(meant: &Meant) -> u64 {
    meant.affinity.kind.ttl_s(meant.affinity.ttl_s).into()
}

/// What a session by headers is recognised by; `None` when the request belongs to none.
fn key(meant: &Meant, request: &Request) -> Option<Vec<(String, String)>> {
    let mut key = Vec::new();
    for header in &meant.affinity.headers {
        let found = match header {
            AffinityHeader::Header(name) if name == "cookie" => {
                lines(request.cookies.iter().map(String::as_str)).map(|all| (name.clone(), all))
            }
            AffinityHeader::Header(name) => {
                let of_name = request.headers.iter().filter(|(of, _)| of == name);
                lines(of_name.map(|(_, value)| *value)).map(|all| (name.clone(), all))
            }
            AffinityHeader::Cookies(names) => cookies(names, request),
        };
        match found {
            Some(entry) => key.push(entry),
            None if meant.affinity.require_all_headers => return None,
            None => {}
        }
    }
    (!key.is_empty()).then_some(key)
}

/// Repeated lines, joined in order.
fn lines<'a>(values: impl Iterator<Item = &'a str>) -> Option<String> {
    let values: Vec<_> = values.collect();
    (!values.is_empty()).then(|| values.join(","))
}

/// These cookies and no others.
fn cookies(names: &[String], request: &Request) -> Option<(String, String)> {
    let mut found = Vec::new();
    for name in names {
        let pairs = request.cookies.iter().flat_map(|line| line.split("; "));
        let value = pairs.filter_map(|pair| pair.split_once('=')).find(|(of, _)| of == name);
        found.extend(value.map(|(name, value)| format!("{name}={value}")));
    }
    (!found.is_empty()).then(|| (names.join(","), found.join(";")))
}
