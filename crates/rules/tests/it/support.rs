//! Facts that own their values, and the shortest way to ask them something.

use std::borrow::Cow;
use std::net::IpAddr;
use std::ops::ControlFlow;

use evenkeel_rules::{
    BooleanField, Expression, Facts, HeaderVisitor, IntegerField, IpField, TextField,
};

/// A request or a query.
#[derive(Debug, Clone)]
pub(crate) struct Sample {
    pub(crate) proxied: bool,
    pub(crate) ip: IpAddr,
    pub(crate) asn: Option<i64>,
    pub(crate) host: String,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) timestamp: i64,
    /// Names in any case.
    pub(crate) headers: Vec<(String, Vec<u8>)>,
    pub(crate) query_name: String,
    pub(crate) query_type: i64,
    pub(crate) unicast: bool,
    pub(crate) subnet: Option<String>,
    /// Whether texts are handed out as copies.
    pub(crate) owned: bool,
}

impl Default for Sample {
    fn default() -> Self {
        Self {
            proxied: true,
            ip: IpAddr::from([192, 0, 2, 1]),
            asn: Some(64496),
            host: "shop.example".into(),
            method: "GET".into(),
            path: "/".into(),
            query: String::new(),
            timestamp: 1_795_505_280,
            headers: Vec::new(),
            query_name: "shop.example.".into(),
            query_type: 28,
            unicast: false,
            subnet: None,
            owned: false,
        }
    }
}

impl Sample {
    /// A request: method, target and headers, as they stand in a head.
    pub(crate) fn request(head: &str) -> Self {
        let mut lines = head.lines();
        let (method, target) =
            lines.next().and_then(|line| line.split_once(' ')).expect("a request line");
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let headers = lines.map(|line| {
            let (name, value) = line.split_once(':').expect("a header");
            (name.trim().to_owned(), value.trim().as_bytes().to_vec())
        });
        Self {
            method: method.into(),
            path: path.into(),
            query: query.into(),
            headers: headers.collect(),
            ..Self::default()
        }
    }

    /// A query for AAAA of `shop.example.`, without a client subnet.
    pub(crate) fn query() -> Self {
        Self { proxied: false, ..Self::default() }
    }

    /// Whether an expression holds.
    #[track_caller]
    pub(crate) fn matches(&self, text: &str) -> bool {
        parse(text).matches(self)
    }

    fn header(&self, name: &str) -> Option<&[u8]> {
        let mut headers = self.headers.iter();
        headers.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| &**value)
    }
}

/// Parses what has to be an expression.
#[track_caller]
pub(crate) fn parse(text: &str) -> Expression {
    Expression::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

impl Facts for Sample {
    fn is_proxied(&self) -> bool {
        self.proxied
    }

    fn text(&self, field: TextField) -> Option<Cow<'_, [u8]>> {
        // Values of the other mode are there to be ignored.
        let text = match field {
            TextField::LoadBalancerName => b"lb.example",
            TextField::LoadBalancerRegion => b"WEU".as_slice(),
            TextField::Cookie => self.header("cookie")?,
            TextField::Host => self.host.as_bytes(),
            TextField::Referer => self.header("referer")?,
            TextField::Method => self.method.as_bytes(),
            TextField::Uri => {
                return Some(match &*self.query {
                    "" => Cow::Borrowed(self.path.as_bytes()),
                    query => format!("{}?{query}", self.path).into_bytes().into(),
                });
            }
            TextField::UriPath => self.path.as_bytes(),
            TextField::UriQuery => self.query.as_bytes(),
            TextField::Version => b"HTTP/1.1",
            TextField::QueryName => self.query_name.as_bytes(),
            TextField::ClientSubnetAddress => self.subnet.as_ref()?.as_bytes(),
        };
        Some(if self.owned { Cow::Owned(text.to_vec()) } else { Cow::Borrowed(text) })
    }

    fn integer(&self, field: IntegerField) -> Option<i64> {
        match field {
            IntegerField::SourceAsn => self.asn,
            IntegerField::TimestampSeconds => Some(self.timestamp),
            IntegerField::QueryNameLength => i64::try_from(self.query_name.len()).ok(),
            IntegerField::QueryType => Some(self.query_type),
        }
    }

    fn boolean(&self, field: BooleanField) -> Option<bool> {
        Some(match field {
            BooleanField::QueryUnicast => self.unicast,
            BooleanField::ClientSubnet => self.subnet.is_some(),
        })
    }

    fn ip(&self, field: IpField) -> Option<IpAddr> {
        match field {
            IpField::Source => Some(self.ip),
        }
    }

    fn each_header<'a>(&'a self, name: Option<&[u8]>, visit: &mut HeaderVisitor<'a, '_>) {
        if let Some(name) = name {
            assert!(!name.iter().any(u8::is_ascii_uppercase), "asked for an upper-case name");
        }
        let _: ControlFlow<()> = self
            .headers
            .iter()
            .filter(|(known, _)| {
                name.is_none_or(|name| known.as_bytes().eq_ignore_ascii_case(name))
            })
            .try_for_each(|(name, value)| visit(name.as_bytes(), value));
    }
}
