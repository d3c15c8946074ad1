//! Clients and what they send: addresses, headers, and the session cookies they were given.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use evenkeel_model::{AffinityKind, EndpointId, LoadBalancerId, PoolId, Timestamp};

use crate::chance::Chance;

const METHODS: [&str; 3] = ["GET", "GET", "POST"];
const PATHS: [&str; 3] = ["/", "/api/v1", "/cart"];

/// A request as the engine gets to see it.
#[derive(Debug, Clone)]
pub struct Request {
    /// Whom it is for.
    pub host: String,
    /// Who sends it.
    pub client: Ipv4Addr,
    /// Its method.
    pub method: &'static str,
    /// Its path.
    pub path: &'static str,
    /// Its fields but for `Cookie`, names in lower case.
    pub headers: Vec<(&'static str, &'static str)>,
    /// Values of its `Cookie` lines.
    pub cookies: Vec<String>,
    /// The session that one of the cookies holds.
    pub held: Option<Held>,
}

/// What a session cookie was seen to say when it was set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Whose session.
    pub load_balancer: LoadBalancerId,
    /// By what it is recognised.
    pub kind: AffinityKind,
    /// The pool of its endpoint.
    pub pool: PoolId,
    /// Who serves it.
    pub endpoint: EndpointId,
    /// When it ends.
    pub expires: Timestamp,
    /// The cookie, as `__cflb=…`.
    pub pair: String,
    /// It may have ended or begun anew since: the specification leaves open what became of it.
    pub in_doubt: bool,
}

/// Somebody with a browser.
#[derive(Debug, Clone)]
pub struct Client {
    address: Ipv4Addr,
    headers: Vec<(&'static str, &'static str)>,
    /// By host.
    jar: BTreeMap<String, Held>,
}

impl Client {
    /// Somebody new, in one of the countries.
    pub fn new(chance: &mut Chance) -> Self {
        let byte = |chance: &mut Chance, bound| u8::try_from(chance.index(bound)).expect("a byte");
        let (net, host) = (byte(chance, 5), byte(chance, 256));
        let mut headers = Vec::new();
        if chance.percent(60) {
            headers.push(("x-user", *chance.pick(&["u1", "u2", "u3", ""])));
        }
        if chance.percent(20) {
            headers.push(("x-user", "again"));
        }
        Self { address: Ipv4Addr::new(198, 18, net, host), headers, jar: BTreeMap::new() }
    }

    /// A request to a host. Browsers move to other addresses, forget cookies, and send some that
    /// nobody gave them.
    pub fn request(&mut self, host: &str, chance: &mut Chance) -> Request {
        if chance.percent(3) {
            self.address = Self::new(chance).address;
        }
        if chance.percent(3) {
            self.jar.remove(host);
        }
        let held = self.jar.get(host).cloned();
        let mut pairs = Vec::new();
        if chance.percent(10) {
            pairs.push("__cflb=forged".to_owned());
        }
        if chance.percent(10) {
            pairs.extend(self.foreign_pair(host, chance));
        }
        if chance.percent(30) {
            pairs.push(format!("sid={}", chance.index(3)));
        }
        pairs.extend(held.iter().map(|held| held.pair.clone()));
        if chance.percent(20) {
            pairs.push("lang=de".to_owned());
        }
        let cookies = match pairs.len() {
            0 => Vec::new(),
            1 => pairs,
            _ if chance.percent(30) => {
                let rest = pairs.split_off(1);
                vec![pairs.join("; "), rest.join("; ")]
            }
            _ => vec![pairs.join("; ")],
        };
        Request {
            host: host.to_owned(),
            client: self.address,
            method: METHODS[chance.index(METHODS.len())],
            path: PATHS[chance.index(PATHS.len())],
            headers: self.headers.clone(),
            cookies,
            held,
        }
    }

    /// A cookie that is well-formed but not for this host: another load balancer's, or one that was
    /// tampered with.
    fn foreign_pair(&self, host: &str, chance: &mut Chance) -> Option<String> {
        let (of, held) = self.jar.iter().nth(chance.index(self.jar.len().max(1)))?;
        if of != host {
            return Some(held.pair.clone());
        }
        let mut pair = held.pair.clone();
        let last = pair.pop()?;
        pair.push(if last == 'A' { 'B' } else { 'A' });
        Some(pair)
    }

    /// Takes a cookie that an answer has set.
    pub fn keep(&mut self, host: &str, held: Held) {
        self.jar.insert(host.to_owned(), held);
    }
}

/// A request from an address of its own, without headers and cookies.
pub fn stranger(host: &str, chance: &mut Chance) -> Request {
    let [_, a, b, c] =
        u32::try_from(chance.between(0, u32::MAX.into())).expect("32 bits").to_be_bytes();
    Request {
        host: host.to_owned(),
        client: Ipv4Addr::new(10, a, b, c),
        method: "GET",
        path: "/",
        headers: Vec::new(),
        cookies: Vec::new(),
        held: None,
    }
}
