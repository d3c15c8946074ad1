//! What the server would answer, for whoever explains its answers: the same view, names and code as
//! for queries that come, and no query. Nothing is sent, limited, counted or logged.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use arc_swap::ArcSwap;
use domain::base::Message;
use domain::rdata::AllRecordData;
use evenkeel_decision::{ClientSubnet, Env, Trail};
use evenkeel_model::View;

use super::follow::Serving;
use super::settings::Settings;
use crate::answer::{Context, answer};
use crate::resolve::Names;
use crate::wire::{EdnsOut, Parsed, Query, host_to_wire, write};
use crate::zone::Catalog;

/// A query that nobody sent.
#[derive(Debug, Clone, Copy)]
pub struct Supposed<'a> {
    /// The name asked for, without a final dot.
    pub name: &'a str,
    /// The number of the type asked for.
    pub qtype: u16,
    /// Who asks.
    pub resolver: IpAddr,
    /// For whom, as the resolver says.
    pub client_subnet: Option<ClientSubnet>,
}

/// What it would be answered with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rehearsed {
    /// Its code, as `NOERROR`.
    pub rcode: &'static str,
    /// Length of the prefix of the client's network that it is for; 0 when it is for everyone.
    pub scope: u8,
    /// The answer section in its order, names with their final dots.
    pub records: Vec<RehearsedRecord>,
}

/// A record in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RehearsedRecord {
    /// Whose it is.
    pub owner: String,
    /// Seconds that it may be kept.
    pub ttl_s: u32,
    /// The mnemonic of its type.
    pub rtype: String,
    /// What it says, as in a zone file.
    pub data: String,
}

/// What answers are made with. Outlives the server, and then stays with the last view it served.
#[derive(Clone)]
pub struct Rehearsal {
    serving: Arc<ArcSwap<Serving>>,
    names: Arc<Names>,
    settings: Settings,
    started: Instant,
}

impl fmt::Debug for Rehearsal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rehearsal").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Rehearsal {
    pub(super) const fn new(
        serving: Arc<ArcSwap<Serving>>,
        names: Arc<Names>,
        settings: Settings,
        started: Instant,
    ) -> Self {
        Self { serving, names, settings, started }
    }

    /// The answer on a view, and on the trail why. `None` for what is no query: a name that is
    /// none, or a type that asks for more than records.
    #[must_use]
    pub fn answer(
        &self,
        view: &View,
        supposed: &Supposed<'_>,
        env: &mut Env<'_>,
        trail: &mut Trail,
    ) -> Option<Rehearsed> {
        let message = message(supposed)?;
        let Parsed::Query(query) = Query::parse(&message) else { return None };
        let serving = self.serving.load();
        let own;
        let catalog = if serving.catalog.fits(view) {
            &*serving.catalog
        } else {
            own = Catalog::new(view, Some(&serving.catalog));
            &own
        };
        let since_start_ms = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let known = self.names.at(since_start_ms);
        let context = Context {
            view,
            catalog,
            node: &self.settings.node,
            geography: &*self.settings.geography,
            advertised: &self.settings.advertised,
            resolved: &known,
        };
        let answer = answer(&query, supposed.resolver, &context, env, trail);
        let (rcode, scope) = (answer.rcode.as_str(), answer.scope);
        let mut response = Vec::new();
        write(&mut response, &query, &answer, usize::from(u16::MAX), &EdnsOut::default());
        Some(Rehearsed { rcode, scope, records: records(&response).unwrap_or_default() })
    }
}

/// The message that would ask it.
fn message(supposed: &Supposed<'_>) -> Option<Vec<u8>> {
    let name = match supposed.name {
        "" => [0].into_iter().collect(),
        name => host_to_wire(name)?,
    };
    let mut message = vec![0; 12];
    message[5] = 1;
    message.extend_from_slice(&name);
    message.extend(supposed.qtype.to_be_bytes());
    message.extend([0, 1]);
    let Some(ClientSubnet { address, prefix }) = supposed.client_subnet else {
        return Some(message);
    };
    let (family, octets) = match address {
        IpAddr::V4(v4) => (1, v4.octets().to_vec()),
        IpAddr::V6(v6) => (2, v6.octets().to_vec()),
    };
    // RFC 7871 section 6: as many bytes as the prefix has, and no bit beyond it.
    let mut network = octets.get(..usize::from(prefix).div_ceil(8))?.to_vec();
    if let (Some(last), bits @ 1..) = (network.last_mut(), prefix % 8) {
        *last &= 0xFF << (8 - bits);
    }
    let length = u8::try_from(4 + network.len()).ok()?;
    message[11] = 1;
    message.extend([0, 0, 41, 0x10, 0, 0, 0, 0, 0, 0, 4 + length, 0, 8, 0, length, 0, family]);
    message.extend([prefix, 0]);
    message.extend(network);
    Some(message)
}

/// The answer section of a response.
fn records(response: &[u8]) -> Option<Vec<RehearsedRecord>> {
    let message = Message::from_octets(response).ok()?;
    let section = message.answer().ok()?.limit_to::<AllRecordData<_, _>>();
    let record = section.map(|record| {
        let record = record.ok()?;
        Some(RehearsedRecord {
            owner: absolute(record.owner().to_string()),
            ttl_s: record.ttl().as_secs(),
            rtype: record.rtype().to_string(),
            data: record.data().to_string(),
        })
    });
    record.collect()
}

fn absolute(mut name: String) -> String {
    if !name.ends_with('.') {
        name.push('.');
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_supposed_query_is_one_that_can_be_read() {
        let supposed = |name, client_subnet| Supposed {
            name,
            qtype: 28,
            resolver: IpAddr::from([127, 0, 0, 1]),
            client_subnet,
        };
        let bytes = message(&supposed("www.example.com", None)).unwrap();
        let Parsed::Query(query) = Query::parse(&bytes) else { panic!("{bytes:?}") };
        assert_eq!((query.name.to_string().as_str(), query.qtype), ("www.example.com", 28));
        for (address, prefix, network) in [
            ("192.0.2.255", 24, "192.0.2.0"),
            ("192.0.2.255", 25, "192.0.2.128"),
            ("192.0.2.255", 0, "0.0.0.0"),
            ("2001:db8:ffff::", 33, "2001:db8:8000::"),
        ] {
            let subnet = ClientSubnet { address: address.parse().unwrap(), prefix };
            let bytes = message(&supposed("a.example", Some(subnet))).unwrap();
            let Parsed::Query(query) = Query::parse(&bytes) else { panic!("{address}/{prefix}") };
            let read = query.edns.unwrap().subnet.unwrap();
            assert_eq!((read.address.to_string(), read.prefix), (network.to_owned(), prefix));
        }
        assert!(message(&supposed("a..example", None)).is_none());
        assert!(message(&supposed("", None)).is_some());
    }

    #[test]
    fn records_are_told_as_in_zone_files() {
        let mut response = message(&Supposed {
            name: "a.example",
            qtype: 16,
            resolver: IpAddr::from([127, 0, 0, 1]),
            client_subnet: None,
        })
        .unwrap();
        response[2] = 0x84;
        response[7] = 2;
        response.extend(b"\xc0\x0c\0\x05\0\x01\0\0\0\x1e\0\x04\x01b\xc0\x0e");
        response.extend(b"\xc0\x27\0\x10\0\x01\0\0\0\x3c\0\x04\x03c d");
        let told = records(&response).unwrap();
        let line = |record: &RehearsedRecord| {
            let RehearsedRecord { owner, ttl_s, rtype, data } = record;
            format!("{owner} {ttl_s} {rtype} {data}")
        };
        let told: Vec<_> = told.iter().map(line).collect();
        assert_eq!(told, ["a.example. 30 CNAME b.example.", "b.example. 60 TXT \"c d\""]);
    }
}
