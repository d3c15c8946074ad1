//! What the conditions of rules can ask of a request or query (behaviour.md 1.9).

use alloc::borrow::Cow;
use alloc::string::ToString;
use alloc::vec::Vec;
use core::net::IpAddr;
use core::ops::ControlFlow;

use evenkeel_model::{HostPattern, LoadBalancer, Node, Rule, Timestamp};
use evenkeel_rules::{BooleanField, Facts, IntegerField, IpField, TextField};

use crate::asker::Asker;
use crate::{HeaderVisitor, QueryFacts, RequestFacts};

/// Whether rules apply to whatever is to be decided.
pub(crate) trait Conditions {
    /// Whether a rule of a load balancer applies.
    fn hold(&self, lb: &LoadBalancer, rule: &Rule) -> bool;
}

/// Conditions on a request.
pub(crate) struct OfRequest<'a> {
    pub(crate) facts: &'a RequestFacts<'a>,
    pub(crate) asker: &'a Asker<'a>,
    pub(crate) now: Timestamp,
}

/// Conditions on a query.
pub(crate) struct OfQuery<'a> {
    pub(crate) facts: &'a QueryFacts<'a>,
    pub(crate) asker: &'a Asker<'a>,
}

impl Conditions for OfRequest<'_> {
    fn hold(&self, lb: &LoadBalancer, rule: &Rule) -> bool {
        rule.condition.matches(&Of { lb, asked: self })
    }
}

impl Conditions for OfQuery<'_> {
    fn hold(&self, lb: &LoadBalancer, rule: &Rule) -> bool {
        rule.condition.matches(&Of { lb, asked: self })
    }
}

/// Conditions, and the load balancer they are asked for.
struct Of<'a, T> {
    lb: &'a LoadBalancer,
    asked: &'a T,
}

fn name_of(lb: &LoadBalancer) -> Cow<'_, [u8]> {
    match &lb.host {
        HostPattern::Exact(name) => Cow::Borrowed(name.as_bytes()),
        wildcard => Cow::Owned(wildcard.to_string().into_bytes()),
    }
}

fn region_of(node: &Node) -> Option<Cow<'static, [u8]>> {
    node.region.map(|region| Cow::Borrowed(region.code().as_bytes()))
}

impl Facts for Of<'_, OfRequest<'_>> {
    fn is_proxied(&self) -> bool {
        true
    }

    fn text(&self, field: TextField) -> Option<Cow<'_, [u8]>> {
        let facts = self.asked.facts;
        let (path, query) = split_target(facts.target);
        Some(match field {
            TextField::LoadBalancerName => name_of(self.lb),
            TextField::LoadBalancerRegion => return region_of(facts.node),
            TextField::Cookie => return joined(facts.cookies),
            TextField::Host => facts.host.as_bytes().into(),
            TextField::Referer => return first_header(facts, b"referer").map(Cow::Borrowed),
            TextField::Method => facts.method.into(),
            TextField::Uri => facts.target.into(),
            TextField::UriPath => path.into(),
            TextField::UriQuery => query.into(),
            TextField::Version => facts.version.as_bytes().into(),
            TextField::QueryName | TextField::ClientSubnetAddress => return None,
        })
    }

    fn integer(&self, field: IntegerField) -> Option<i64> {
        match field {
            IntegerField::SourceAsn => self.asked.asker.rule_asn().map(i64::from),
            IntegerField::TimestampSeconds => i64::try_from(self.asked.now.seconds()).ok(),
            IntegerField::QueryNameLength | IntegerField::QueryType => None,
        }
    }

    fn boolean(&self, _field: BooleanField) -> Option<bool> {
        None
    }

    fn ip(&self, IpField::Source: IpField) -> Option<IpAddr> {
        Some(self.asked.asker.rule_address())
    }

    fn each_header<'a>(&'a self, name: Option<&[u8]>, visit: &mut HeaderVisitor<'a, '_>) {
        self.asked.facts.headers.each(name, visit);
    }
}

impl Facts for Of<'_, OfQuery<'_>> {
    fn is_proxied(&self) -> bool {
        false
    }

    fn text(&self, field: TextField) -> Option<Cow<'_, [u8]>> {
        let facts = self.asked.facts;
        match field {
            TextField::LoadBalancerName => Some(name_of(self.lb)),
            TextField::LoadBalancerRegion => region_of(facts.node),
            TextField::QueryName => {
                let mut name = facts.name.as_bytes().to_vec();
                name.push(b'.');
                Some(name.into())
            }
            TextField::ClientSubnetAddress => {
                self.asked.asker.note_subnet();
                Some(facts.client_subnet?.address.to_string().into_bytes().into())
            }
            _ => None,
        }
    }

    fn integer(&self, field: IntegerField) -> Option<i64> {
        let facts = self.asked.facts;
        match field {
            IntegerField::SourceAsn => self.asked.asker.rule_asn().map(i64::from),
            IntegerField::QueryNameLength => i64::try_from(facts.name.len() + 1).ok(),
            IntegerField::QueryType => Some(facts.qtype.into()),
            IntegerField::TimestampSeconds => None,
        }
    }

    fn boolean(&self, field: BooleanField) -> Option<bool> {
        let facts = self.asked.facts;
        match field {
            BooleanField::QueryUnicast => Some(facts.unicast),
            BooleanField::ClientSubnet => {
                self.asked.asker.note_subnet();
                Some(facts.client_subnet.is_some())
            }
        }
    }

    fn ip(&self, IpField::Source: IpField) -> Option<IpAddr> {
        Some(self.asked.asker.rule_address())
    }

    fn each_header<'a>(&'a self, _name: Option<&[u8]>, _visit: &mut HeaderVisitor<'a, '_>) {}
}

/// Path, and query without its question mark.
fn split_target(target: &[u8]) -> (&[u8], &[u8]) {
    match memchr::memchr(b'?', target) {
        Some(at) => (&target[..at], &target[at + 1..]),
        None => (target, &[]),
    }
}

/// Several `Cookie` lines are one, as HTTP/2 joins them (RFC 9113 section 8.2.3).
fn joined<'a>(lines: &[&'a [u8]]) -> Option<Cow<'a, [u8]>> {
    match lines {
        [] => None,
        [line] => Some(Cow::Borrowed(line)),
        lines => {
            let lines: Vec<&[u8]> = lines.to_vec();
            Some(Cow::Owned(lines.join(&b"; "[..])))
        }
    }
}

fn first_header<'a>(facts: &RequestFacts<'a>, name: &[u8]) -> Option<&'a [u8]> {
    let mut first = None;
    facts.headers.each(Some(name), &mut |_, value| {
        first = Some(value);
        ControlFlow::Break(())
    });
    first
}
