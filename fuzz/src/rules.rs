//! Rule expressions: what is refused says where, what is accepted means the same when printed.

use std::borrow::Cow;
use std::net::IpAddr;
use std::ops::ControlFlow;

use evenkeel_rules::{
    BooleanField, EXPRESSION_BYTES_MAX, Expression, Facts, HeaderVisitor, IntegerField, IpField,
    TextField,
};

/// Checks one text.
pub fn check(input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else { return };
    let expression = match Expression::parse(text) {
        Ok(expression) => expression,
        Err(error) => {
            assert!(text.is_char_boundary(error.at), "{error}");
            assert!(!error.message.is_empty() && !error.message.contains('\n'), "{error}");
            return;
        }
    };
    let canonical = expression.to_string();
    let again = Expression::parse(&canonical);
    // Words for symbols make a text longer; only then may it be refused.
    let Ok(again) = again else {
        assert!(canonical.len() > EXPRESSION_BYTES_MAX, "{canonical}: {again:?}");
        return;
    };
    assert_eq!(again, expression);
    assert_eq!(again.is_always(), expression.is_always());
    for facts in &FACTS {
        let matches = expression.matches(facts);
        assert_eq!(again.matches(facts), matches, "{canonical}");
        let copies = Sample { owned: true, ..*facts };
        assert_eq!(expression.matches(&copies), matches, "{canonical}");
    }
}

/// A request or a query.
struct Sample {
    proxied: bool,
    query: &'static str,
    headers: &'static [(&'static [u8], &'static [u8])],
    ip: IpAddr,
    /// Whether texts are handed out as copies.
    owned: bool,
}

const FACTS: [Sample; 4] = [
    Sample {
        proxied: true,
        query: "a=1&a=2&b&%2520=%41+&=",
        headers: &[
            (b"Cookie", b"a=b"),
            (b"x", b"One"),
            (b"X", b"two\xff"),
            (b"y", br#"{"a": [1, {"b": "c"}]}"#),
        ],
        ip: IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1)),
        owned: false,
    },
    Sample {
        proxied: true,
        query: "",
        headers: &[],
        ip: IpAddr::V6(std::net::Ipv6Addr::LOCALHOST),
        owned: false,
    },
    Sample {
        proxied: false,
        query: "",
        headers: &[],
        ip: IpAddr::V4(std::net::Ipv4Addr::new(198, 51, 100, 1)),
        owned: false,
    },
    Sample {
        proxied: true,
        query: "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa=a*\\\"",
        headers: &[(b"a", b"")],
        ip: IpAddr::V6(std::net::Ipv6Addr::UNSPECIFIED),
        owned: false,
    },
];

impl Facts for Sample {
    fn is_proxied(&self) -> bool {
        self.proxied
    }

    fn text(&self, field: TextField) -> Option<Cow<'_, [u8]>> {
        let text: &[u8] = match field {
            TextField::LoadBalancerName => b"lb.example",
            TextField::LoadBalancerRegion => b"WEU",
            TextField::Cookie | TextField::Referer => self.headers.first()?.1,
            TextField::Host => b"Shop.example",
            TextField::Method => b"GET",
            TextField::Uri => b"/a/b?c",
            TextField::UriPath => b"/a/%2525/b",
            TextField::UriQuery => self.query.as_bytes(),
            TextField::Version => b"HTTP/1.1",
            TextField::QueryName => b"shop.example.",
            TextField::ClientSubnetAddress => return None,
        };
        Some(if self.owned { Cow::Owned(text.to_vec()) } else { Cow::Borrowed(text) })
    }

    fn integer(&self, field: IntegerField) -> Option<i64> {
        match field {
            IntegerField::SourceAsn => None,
            IntegerField::TimestampSeconds => Some(1_795_505_280),
            IntegerField::QueryNameLength => Some(13),
            IntegerField::QueryType => Some(28),
        }
    }

    fn boolean(&self, field: BooleanField) -> Option<bool> {
        Some(field == BooleanField::QueryUnicast)
    }

    fn ip(&self, _: IpField) -> Option<IpAddr> {
        Some(self.ip)
    }

    fn each_header<'a>(&'a self, name: Option<&[u8]>, visit: &mut HeaderVisitor<'a, '_>) {
        let _: ControlFlow<()> = self
            .headers
            .iter()
            .filter(|(known, _)| name.is_none_or(|name| known.eq_ignore_ascii_case(name)))
            .try_for_each(|(name, value)| visit(name, value));
    }
}
