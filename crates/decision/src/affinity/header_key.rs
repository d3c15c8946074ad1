//! What a session by headers is recognised by (behaviour.md 4.6).

use core::hash::Hasher;
use core::ops::ControlFlow;

use evenkeel_model::AffinityHeader;
use siphasher::sip128::{Hasher128, SipHasher13};

use crate::effective::Effective;
use crate::{RequestFacts, SessionKey};

/// The request's key: a hash of the load balancer and of each configured header that is there, name
/// and exact value. `None` when what is there does not make a session.
///
/// The hash is fixed, so that all nodes agree. Who finds two values of one hash shares an endpoint
/// with himself.
pub(super) fn find(effective: &Effective<'_>, facts: &RequestFacts<'_>) -> Option<SessionKey> {
    let mut hash = SipHasher13::new();
    hash.write(&effective.view.config.load_balancer(effective.ix).id.0);
    let headers = effective.affinity.headers;
    let mut present = 0;
    for (n, header) in (0u8..).zip(headers) {
        let mut part = Part { hash: &mut hash, n, len: None };
        match header {
            AffinityHeader::Header(name) if name == "cookie" => {
                facts.cookies.iter().for_each(|line| part.value(name.as_bytes(), line));
            }
            AffinityHeader::Header(name) => {
                facts.headers.each(Some(name.as_bytes()), &mut |_, value| {
                    part.value(name.as_bytes(), value);
                    ControlFlow::Continue(())
                });
            }
            AffinityHeader::Cookies(names) => {
                for name in names {
                    let values = facts.cookies.iter().flat_map(|line| cookie_values(line, name));
                    values.for_each(|value| part.cookie(name.as_bytes(), value));
                }
            }
        }
        present += usize::from(part.end());
    }
    let needed = if effective.affinity.require_all_headers { headers.len() } else { 1 };
    (present >= needed.max(1)).then(|| SessionKey(hash.finish128().as_u128()))
}

/// One configured header, as it goes into the hash: its number, its name, its values joined by
/// commas, and their length, so that no two different parts spell the same bytes.
struct Part<'h> {
    hash: &'h mut SipHasher13,
    n: u8,
    /// Bytes written; `None` until it turns out that the header is there.
    len: Option<u64>,
}

impl Part<'_> {
    fn write(&mut self, bytes: &[u8]) {
        let len = self.len.get_or_insert(0);
        *len += u64::try_from(bytes.len()).expect("a header fits");
        self.hash.write(bytes);
    }

    fn value(&mut self, name: &[u8], value: &[u8]) {
        if self.len.is_none() {
            self.hash.write(&[self.n]);
            self.write(name);
            self.write(b":");
        } else {
            self.write(b",");
        }
        self.write(value);
    }

    /// A cookie says its own name: those that are there make the value.
    fn cookie(&mut self, name: &[u8], value: &[u8]) {
        self.value(b"cookie", name);
        self.write(b"=");
        self.write(value);
    }

    /// Whether the header was there.
    fn end(self) -> bool {
        if let Some(len) = self.len {
            self.hash.write(&len.to_be_bytes());
        }
        self.len.is_some()
    }
}

/// The values of a cookie in a line, in order.
fn cookie_values<'a>(line: &'a [u8], name: &str) -> impl Iterator<Item = &'a [u8]> {
    line.split(|byte| *byte == b';').filter_map(move |pair| {
        let (of, value) = pair.split_at(memchr::memchr(b'=', pair)?);
        (of.trim_ascii() == name.as_bytes()).then(|| value[1..].trim_ascii())
    })
}
