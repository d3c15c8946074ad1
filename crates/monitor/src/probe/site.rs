//! Where an HTTP request goes and what it calls the place: first the endpoint, then wherever
//! redirects lead. Following them is `http`'s.

use evenkeel_model::Address;
use http::uri::{Authority, PathAndQuery};
use rustls::pki_types::ServerName;

use super::dial::Place;
use super::{Attempt, Miss, impossible};
use crate::ask::Ask;

/// The destination of one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Site {
    /// Whether TLS comes first.
    pub tls: bool,
    /// What to connect to.
    pub address: Address,
    /// The port there.
    pub port: u16,
    /// Value of the Host header.
    pub host: String,
    /// The request target.
    pub path: PathAndQuery,
    /// Whether this is the endpoint itself. The monitor's headers, which may hold secrets, are for
    /// no one else.
    pub is_endpoint: bool,
}

impl Site {
    /// The endpoint, called by its address: with the port unless it is the protocol's own
    /// (behaviour.md 7.3).
    pub(crate) fn new(tls: bool, address: Address, port: u16, path: PathAndQuery) -> Self {
        let name = match &address {
            Address::Ip(ip) if ip.is_ipv6() => format!("[{ip}]"),
            other => other.to_string(),
        };
        let host = if port == default_port(tls) { name } else { format!("{name}:{port}") };
        Self { tls, address, port, host, path, is_endpoint: true }
    }

    /// What to reach. Where a redirect leads is in no virtual network.
    pub(crate) fn place(&self, ask: &Ask<'_>) -> Place<'_> {
        let in_virtual_network = ask.in_virtual_network && self.is_endpoint;
        Place { address: &self.address, port: self.port, in_virtual_network }
    }

    /// What the certificate must be for: the Host without its port. `None` when that is neither a
    /// DNS name nor an IP address.
    pub(crate) fn server_name(&self) -> Option<ServerName<'static>> {
        let name = host_name(&self.host);
        ServerName::try_from(name.strip_suffix('.').unwrap_or(name).to_owned()).ok()
    }

    /// The same, of a probe that cannot do without.
    pub(crate) fn certified_name(&self, attempt: Attempt<'_>) -> Result<ServerName<'static>, Miss> {
        let none = || impossible(attempt, "the Host is neither a name nor an address");
        self.server_name().ok_or_else(none)
    }

    /// Where a `Location` leads (RFC 9110 10.2.2, RFC 3986 5.2). `None` when it cannot be read or
    /// is not HTTP.
    ///
    /// A URL that names the same host stays with the endpoint, whatever the world's DNS says of
    /// that name (most likely: the load balancer); the URL chooses scheme and port. Another host is
    /// resolved, and its Host header comes from the URL (behaviour.md U26).
    pub(crate) fn redirected(&self, location: &str) -> Option<Self> {
        let location = location.split('#').next().unwrap_or_default();
        let (tls, rest) = match split_scheme(location) {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => (false, rest),
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => (true, rest),
            Some(_) => return None,
            None => (self.tls, location),
        };
        let Some(rest) = rest.strip_prefix("//") else {
            let path = resolve(&self.path, rest).parse().ok()?;
            return (rest.len() == location.len()).then(|| Self { path, ..self.clone() });
        };
        let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        let host = authority.rsplit('@').next().unwrap_or_default();
        let path = resolve(&PathAndQuery::from_static("/"), path).parse().ok()?;
        if tls == self.tls && host.eq_ignore_ascii_case(&self.host) {
            return Some(Self { path, ..self.clone() });
        }
        let parsed: Authority = host.parse().ok()?;
        let port = match host[parsed.host().len()..].strip_prefix(':') {
            None | Some("") => default_port(tls),
            Some(digits) => digits.parse().ok()?,
        };
        let name = host_name(host);
        let stays = name.eq_ignore_ascii_case(host_name(&self.host));
        let address = if stays { self.address.clone() } else { Address::parse(name) };
        let is_endpoint = self.is_endpoint && stays;
        Some(Self { tls, address, port, host: host.to_owned(), path, is_endpoint })
    }
}

const fn default_port(tls: bool) -> u16 {
    if tls { 443 } else { 80 }
}

/// A Host value without port and brackets.
fn host_name(host: &str) -> &str {
    match host.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    }
}

fn split_scheme(reference: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = reference.split_once(':')?;
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'));
    is_scheme.then_some((scheme, rest))
}

/// A reference without scheme and authority, made absolute.
fn resolve(base: &PathAndQuery, reference: &str) -> String {
    let (path, query) = match reference.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None if reference.is_empty() => ("", base.query()),
        None => (reference, None),
    };
    let directory = &base.path()[..base.path().rfind('/').map_or(0, |slash| slash + 1)];
    let path = match path {
        "" => base.path().to_owned(),
        path if path.starts_with('/') => without_dots(path),
        path => without_dots(&format!("{directory}{path}")),
    };
    match query {
        Some(query) => format!("{path}?{query}"),
        None => path,
    }
}

/// RFC 3986 5.2.4.
fn without_dots(path: &str) -> String {
    let mut segments = Vec::new();
    let mut parts = path.split('/').skip(1).peekable();
    while let Some(segment) = parts.next() {
        let is_last = parts.peek().is_none();
        match segment {
            "." | ".." => {
                if segment == ".." {
                    segments.pop();
                }
                if is_last {
                    segments.push("");
                }
            }
            segment => segments.push(segment),
        }
    }
    format!("/{}", segments.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site(url: &str) -> Site {
        let (scheme, rest) = url.split_once("://").unwrap();
        let (address, path) = rest.split_at(rest.find('/').unwrap());
        let tls = scheme == "https";
        let (address, port) = match address.rsplit_once(':').filter(|_| !address.ends_with(']')) {
            Some((address, port)) => (address, port.parse().unwrap()),
            None => (address, default_port(tls)),
        };
        let address = Address::parse(address.trim_matches(['[', ']']));
        Site::new(tls, address, port, path.parse().unwrap())
    }

    #[test]
    fn an_address_is_called_with_its_port_unless_that_is_the_protocols() {
        for (url, host, name) in [
            ("http://10.0.0.1:80/", "10.0.0.1", "10.0.0.1"),
            ("http://10.0.0.1:443/", "10.0.0.1:443", "10.0.0.1"),
            ("https://10.0.0.1:443/", "10.0.0.1", "10.0.0.1"),
            ("https://[2001:db8::1]:8443/", "[2001:db8::1]:8443", "2001:db8::1"),
            ("https://[2001:db8::1]/", "[2001:db8::1]", "2001:db8::1"),
            ("https://e.example:8443/", "e.example:8443", "e.example"),
        ] {
            let site = site(url);
            assert_eq!(site.host, host, "{url}");
            assert_eq!(site.server_name(), ServerName::try_from(name).ok(), "{url}");
        }
    }

    #[test]
    fn a_host_that_is_no_name_has_no_server_name() {
        for host in ["", "a b", "..", "[::1", ":443"] {
            let site = Site { host: host.to_owned(), ..site("https://10.0.0.1/") };
            let expected = if host == "[::1" { ServerName::try_from("::1").ok() } else { None };
            assert_eq!(site.server_name(), expected, "{host:?}");
        }
    }

    #[test]
    fn locations_are_resolved() {
        for (from, location, to) in [
            ("http://e.example/a/b?q", "/c", "http://e.example/c"),
            ("http://e.example/a/b?q", "c?r", "http://e.example/a/c?r"),
            ("http://e.example/a/b?q", "?r", "http://e.example/a/b?r"),
            ("http://e.example/a/b?q", "", "http://e.example/a/b?q"),
            ("http://e.example/a/b?q", "#top", "http://e.example/a/b?q"),
            ("http://e.example/a/b", "../../c/./d/..", "http://e.example/c/"),
            ("http://e.example/a", "x:y", ""),
            ("http://e.example/a", "./x:y", "http://e.example/x:y"),
            ("http://e.example:8080/a", "http://e.example:8080/b", "http://e.example:8080/b"),
            ("http://e.example/a", "https://e.example", "https://e.example/"),
            ("http://e.example/a", "HTTPS://E.example:444/b#c", "https://E.example:444/b"),
            ("https://e.example/a", "//e.example/b?c", "https://e.example/b?c"),
            ("http://e.example/a", "http://user:word@e.example/b", "http://e.example/b"),
            ("http://e.example/a", "ftp://e.example/b", ""),
            ("http://e.example/a", "http:/b", ""),
            ("http://e.example/a", "http://[::1/b", ""),
            ("http://e.example/a", "http://e.example:port/b", ""),
            ("http://e.example/a", "http://e.example:65536/b", ""),
            ("http://e.example/a", "/a b", ""),
        ] {
            let redirected = site(from).redirected(location).map(|site| {
                let scheme = if site.tls { "https" } else { "http" };
                format!("{scheme}://{}{}", site.host, site.path)
            });
            assert_eq!(redirected.unwrap_or_default(), to, "{from} → {location}");
        }
    }

    #[test]
    fn the_same_host_stays_with_the_endpoint_and_another_is_resolved() {
        let endpoint = Site { host: "m.example".to_owned(), ..site("http://10.0.0.1:8080/") };
        for (location, address, port, is_endpoint) in [
            ("/a", "10.0.0.1", 8080, true),
            ("http://m.example/a", "10.0.0.1", 8080, true),
            ("https://m.example/a", "10.0.0.1", 443, true),
            ("http://m.example:81/a", "10.0.0.1", 81, true),
            ("http://n.example/a", "n.example", 80, false),
            ("https://[2001:db8::1]:444/a", "2001:db8::1", 444, false),
        ] {
            let site = endpoint.redirected(location).unwrap();
            let to = (site.address, site.port, site.is_endpoint);
            assert_eq!(to, (Address::parse(address), port, is_endpoint), "{location}");
        }
        let away = endpoint.redirected("http://n.example/").unwrap();
        assert!(!away.redirected("/a").unwrap().is_endpoint);
    }
}
