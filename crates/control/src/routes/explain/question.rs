//! What can be asked, read and checked.

use std::net::{IpAddr, Ipv4Addr};

use evenkeel_api::dns_record::RecordType;
use evenkeel_decision::ClientSubnet;
use http::{Method, Uri};
use serde::Deserialize;

use crate::error::ApiError;

/// Decisions of one question. Enough for a share to be exact to a percent; some tens of
/// milliseconds.
pub(super) const REPEAT_MAX: u32 = 10_000;
/// Header fields of an imagined request, as many as a real one may have by far.
const HEADERS_MAX: usize = 128;

/// A question as sent.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    method: Option<String>,
    url: Option<String>,
    client: Option<IpAddr>,
    #[serde(default)]
    headers: Vec<(String, String)>,
    repeat: Option<u32>,
    dns: Option<DnsDocument>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DnsDocument {
    name: String,
    r#type: Option<String>,
    resolver: Option<IpAddr>,
    ecs: Option<String>,
}

/// A question as meant.
#[derive(Debug)]
pub(super) struct Question {
    pub(super) asked: Asked,
    /// At least 1.
    pub(super) repeat: u32,
}

#[derive(Debug)]
pub(super) enum Asked {
    Request(Request),
    Query(Query),
}

/// An imagined request.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) https: bool,
    pub(super) method: String,
    /// Lower case, no port, no final dot.
    pub(super) host: String,
    /// Path and query.
    pub(super) target: String,
    pub(super) client: IpAddr,
    pub(super) headers: Vec<(String, String)>,
}

/// An imagined query.
#[derive(Debug)]
pub(super) struct Query {
    pub(super) name: String,
    pub(super) qtype: u16,
    pub(super) resolver: IpAddr,
    pub(super) client_subnet: Option<ClientSubnet>,
}

impl Question {
    /// Reads a body.
    ///
    /// # Errors
    /// 400 that names the member which cannot be used.
    pub(super) fn read(body: &[u8]) -> Result<Self, ApiError> {
        let document: Document = serde_json::from_slice(body)
            .map_err(|error| ApiError::invalid(format_args!("{error}")))?;
        let repeat = document.repeat.unwrap_or(1);
        if !(1..=REPEAT_MAX).contains(&repeat) {
            return Err(refused("repeat", &format!("is not in range [1, {REPEAT_MAX}]")));
        }
        let asked = match document {
            Document { dns: Some(dns), url: None, method: None, client, .. } => {
                Asked::Query(Query::of(&dns, client)?)
            }
            Document { dns: Some(_), .. } => {
                return Err(refused("dns", "excludes url and method"));
            }
            document => Asked::Request(Request::of(document)?),
        };
        Ok(Self { asked, repeat })
    }

    /// Whose place counts.
    pub(super) fn client(&self) -> IpAddr {
        match &self.asked {
            Asked::Request(request) => request.client,
            Asked::Query(Query { client_subnet: Some(subnet), .. }) => subnet.address,
            Asked::Query(query) => query.resolver,
        }
    }
}

impl Request {
    fn of(document: Document) -> Result<Self, ApiError> {
        let Some(url) = document.url else {
            return Err(refused("url", "is missing, and so is dns"));
        };
        let uri: Uri = url.parse().map_err(|error| refused("url", &format!("{error}")))?;
        let https = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(refused("url", "begins neither with http:// nor with https://")),
        };
        let method = document.method.unwrap_or_else(|| "GET".to_owned());
        if Method::from_bytes(method.as_bytes()).is_err() {
            return Err(refused("method", "is not a method"));
        }
        if document.headers.len() > HEADERS_MAX {
            return Err(refused("headers", &format!("has more than {HEADERS_MAX} fields")));
        }
        let mut headers = document.headers;
        let named = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("host"));
        let authority = match named {
            Some((_, host)) => host.clone(),
            None => {
                let host = uri.authority().map_or_else(String::new, ToString::to_string);
                headers.insert(0, ("Host".to_owned(), host.clone()));
                host
            }
        };
        Ok(Self {
            https,
            method,
            host: host_name(&authority),
            target: uri.path_and_query().map_or("/", |target| target.as_str()).to_owned(),
            client: canonical(document.client),
            headers,
        })
    }

    /// The values of the `Cookie` fields.
    pub(super) fn cookies(&self) -> impl Iterator<Item = &[u8]> {
        let is_cookie = |(name, _): &&(String, String)| name.eq_ignore_ascii_case("cookie");
        self.headers.iter().filter(is_cookie).map(|(_, value)| value.as_bytes())
    }
}

impl Query {
    fn of(dns: &DnsDocument, client: Option<IpAddr>) -> Result<Self, ApiError> {
        let qtype = dns.r#type.as_deref().map_or(Some(1), qtype);
        let client_subnet = match &dns.ecs {
            None => None,
            Some(text) => {
                let subnet = subnet(text);
                Some(subnet.ok_or_else(|| refused("dns.ecs", "is not an address and its prefix"))?)
            }
        };
        Ok(Self {
            name: host_name(&dns.name),
            qtype: qtype.ok_or_else(|| refused("dns.type", "is not a type of records"))?,
            resolver: canonical(dns.resolver.or(client)),
            client_subnet,
        })
    }
}

fn refused(member: &str, why: &str) -> ApiError {
    ApiError::invalid(format_args!("{member} {why}"))
}

/// An address to come from when none is given: this machine.
fn canonical(address: Option<IpAddr>) -> IpAddr {
    address.map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |address| address.to_canonical())
}

/// Lower case, without credentials, port and final dot.
fn host_name(authority: &str) -> String {
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase()
}

/// The number of a type, by its name, by RFC 3597 (`TYPE65`), or as it is.
fn qtype(text: &str) -> Option<u16> {
    let name = text.to_ascii_uppercase();
    let known: Result<RecordType, _> = serde_json::from_value(name.as_str().into());
    match (name.as_str(), known) {
        ("SOA", _) => Some(6),
        ("NSEC", _) => Some(47),
        ("ANY", _) => Some(255),
        (_, Ok(known)) => Some(known.code()),
        (other, Err(_)) => other.strip_prefix("TYPE").unwrap_or(other).parse().ok(),
    }
}

/// `203.0.113.0/24`; an address alone is itself.
fn subnet(text: &str) -> Option<ClientSubnet> {
    let (address, prefix) = match text.split_once('/') {
        Some((address, prefix)) => (address.parse::<IpAddr>().ok()?, Some(prefix.parse().ok()?)),
        None => (text.parse().ok()?, None),
    };
    let bits = if address.is_ipv4() { 32 } else { 128 };
    let prefix = prefix.unwrap_or(bits);
    (prefix <= bits).then_some(ClientSubnet { address, prefix })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_what_a_request_is_routed_by() {
        for (authority, host) in [
            ("Shop.Example.com", "shop.example.com"),
            ("shop.example.com.:8443", "shop.example.com"),
            ("me@shop.example.com", "shop.example.com"),
            ("[::1]:80", "[::1]"),
        ] {
            assert_eq!(host_name(authority), host);
        }
    }

    #[test]
    fn types_and_subnets() {
        for (text, number) in [
            ("a", Some(1)),
            ("TYPE65", Some(65)),
            ("28", Some(28)),
            ("Tlsa", Some(52)),
            ("x", None),
        ] {
            assert_eq!(qtype(text), number, "{text}");
        }
        assert_eq!(subnet("203.0.113.0/24").map(|subnet| subnet.prefix), Some(24));
        assert_eq!(subnet("2001:db8::").map(|subnet| subnet.prefix), Some(128));
        for text in ["203.0.113.0/33", "x/1", "203.0.113.0/", ""] {
            assert_eq!(subnet(text), None, "{text}");
        }
    }
}
