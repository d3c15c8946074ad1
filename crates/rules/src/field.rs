//! The fields of the language: their names, types and the mode they exist in.
//!
//! Their values are [`crate::Facts`]' business.

/// A string field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextField {
    /// `cf.load_balancer.name`: the load balancer's host name.
    LoadBalancerName,
    /// `cf.load_balancer.region`: code of the region that the serving PoP lies in.
    LoadBalancerRegion,
    /// `http.cookie`: the whole `Cookie` header.
    Cookie,
    /// `http.host`: the host that was asked for, without the port.
    Host,
    /// `http.referer`: the whole `Referer` header.
    Referer,
    /// `http.request.method`, in upper case.
    Method,
    /// `http.request.uri`: path and query string.
    Uri,
    /// `http.request.uri.path`.
    UriPath,
    /// `http.request.uri.query`, without the `?`; empty if there is none.
    UriQuery,
    /// `http.request.version`: `HTTP/1.1`, `HTTP/2` and so on.
    Version,
    /// `dns.qry.name`, with the final dot.
    QueryName,
    /// `dns.rr.opt.client.addr`: the address of the client subnet option, as text.
    ClientSubnetAddress,
}

/// An integer field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IntegerField {
    /// `ip.src.asnum`: the autonomous system of [`IpField::Source`].
    SourceAsn,
    /// `http.request.timestamp.sec`: when the request arrived, in Unix seconds.
    TimestampSeconds,
    /// `dns.qry.name.len`: bytes of [`TextField::QueryName`].
    QueryNameLength,
    /// `dns.qry.type`: the record type's number, 1 for A and 28 for AAAA.
    QueryType,
}

/// A boolean field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BooleanField {
    /// `dns.qry.qu`: whether the query asks for a unicast response.
    QueryUnicast,
    /// `dns.rr.opt.client`: whether the query has a client subnet option.
    ClientSubnet,
}

/// An address field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IpField {
    /// `ip.src`: the client; for queries the client subnet's address if sent, else the resolver's.
    Source,
}

/// Any field of the language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Field {
    Text(TextField),
    Integer(IntegerField),
    Boolean(BooleanField),
    Ip(IpField),
    /// `http.request.headers`, from lower-case names to the values of each.
    Headers,
    /// `http.request.uri.args`, from names to the values of each, not decoded.
    Arguments,
    /// `http.request.uri.args.names`, in order, not decoded.
    ArgumentNames,
    /// `http.request.uri.args.values`, in order, not decoded.
    ArgumentValues,
}

/// Which kind of load balancer a field has a value for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Both,
    Proxied,
    DnsOnly,
}

impl Mode {
    /// Whether a field of this mode exists for a request (`proxied`) or a query (not).
    pub(crate) const fn covers(self, proxied: bool) -> bool {
        match self {
            Self::Both => true,
            Self::Proxied => proxied,
            Self::DnsOnly => !proxied,
        }
    }
}

/// Every field by its name, sorted by it.
const FIELDS: [(&str, Field); 23] = [
    ("cf.load_balancer.name", Field::Text(TextField::LoadBalancerName)),
    ("cf.load_balancer.region", Field::Text(TextField::LoadBalancerRegion)),
    ("dns.qry.name", Field::Text(TextField::QueryName)),
    ("dns.qry.name.len", Field::Integer(IntegerField::QueryNameLength)),
    ("dns.qry.qu", Field::Boolean(BooleanField::QueryUnicast)),
    ("dns.qry.type", Field::Integer(IntegerField::QueryType)),
    ("dns.rr.opt.client", Field::Boolean(BooleanField::ClientSubnet)),
    ("dns.rr.opt.client.addr", Field::Text(TextField::ClientSubnetAddress)),
    ("http.cookie", Field::Text(TextField::Cookie)),
    ("http.host", Field::Text(TextField::Host)),
    ("http.referer", Field::Text(TextField::Referer)),
    ("http.request.headers", Field::Headers),
    ("http.request.method", Field::Text(TextField::Method)),
    ("http.request.timestamp.sec", Field::Integer(IntegerField::TimestampSeconds)),
    ("http.request.uri", Field::Text(TextField::Uri)),
    ("http.request.uri.args", Field::Arguments),
    ("http.request.uri.args.names", Field::ArgumentNames),
    ("http.request.uri.args.values", Field::ArgumentValues),
    ("http.request.uri.path", Field::Text(TextField::UriPath)),
    ("http.request.uri.query", Field::Text(TextField::UriQuery)),
    ("http.request.version", Field::Text(TextField::Version)),
    ("ip.src", Field::Ip(IpField::Source)),
    ("ip.src.asnum", Field::Integer(IntegerField::SourceAsn)),
];

impl Field {
    /// Every field, sorted by name.
    pub(crate) fn all() -> impl Iterator<Item = (&'static str, Self)> {
        FIELDS.iter().copied()
    }

    /// The field of this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let index = FIELDS.binary_search_by(|(known, _)| (*known).cmp(name)).ok()?;
        Some(FIELDS[index].1)
    }

    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        FIELDS.iter().find(|(_, field)| *field == self).map_or("", |(name, _)| name)
    }
}

impl TextField {
    /// Which mode it has values in.
    pub(crate) const fn mode(self) -> Mode {
        match self {
            Self::LoadBalancerName | Self::LoadBalancerRegion => Mode::Both,
            Self::QueryName | Self::ClientSubnetAddress => Mode::DnsOnly,
            Self::Cookie
            | Self::Host
            | Self::Referer
            | Self::Method
            | Self::Uri
            | Self::UriPath
            | Self::UriQuery
            | Self::Version => Mode::Proxied,
        }
    }
}

impl IntegerField {
    /// Which mode it has values in.
    pub(crate) const fn mode(self) -> Mode {
        match self {
            Self::SourceAsn => Mode::Both,
            Self::TimestampSeconds => Mode::Proxied,
            Self::QueryNameLength | Self::QueryType => Mode::DnsOnly,
        }
    }
}

impl BooleanField {
    /// Which mode it has values in.
    pub(crate) const fn mode(self) -> Mode {
        match self {
            Self::QueryUnicast | Self::ClientSubnet => Mode::DnsOnly,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted_and_lead_back_to_their_fields() {
        assert!(FIELDS.is_sorted_by(|(a, _), (b, _)| a < b));
        for (name, field) in FIELDS {
            assert_eq!(Field::named(name), Some(field));
            assert_eq!(field.name(), name);
        }
        assert_eq!(Field::named("http.hosts"), None);
    }
}
