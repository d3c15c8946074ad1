//! What is settled before any endpoint is thought of: answers to authorities that look whether a
//! name is ours, and what the zone's settings say of the connection a request came on and of the
//! request's form.
//!
//! On the request path.

use std::borrow::Cow;

use evenkeel_h1::host::Authority;
use evenkeel_h1::{Body, RequestHead};
use evenkeel_model::{Edge, FixedResponse, LoadBalancerIx, View};
use evenkeel_net::certificate::{CHALLENGE_PATH, Challenges};

use crate::arrival::Arrival;
use crate::refusal::Refusal;

/// The port of HTTPS, which URLs leave out.
const HTTPS_PORT: u16 = 443;

/// Why a request goes no further.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Barred {
    Refused(Refusal),
    Answered(FixedResponse),
}

/// A request at the gate.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Comer<'a> {
    pub(crate) arrival: &'a Arrival,
    pub(crate) head: &'a RequestHead,
    /// What the head is cut from.
    pub(crate) buffer: &'a [u8],
    /// Its host name, in lower case.
    pub(crate) host: &'a str,
    /// The owner of that name.
    pub(crate) owner: Option<LoadBalancerIx>,
    /// Where this node is reached over TLS.
    pub(crate) https_port: Option<u16>,
    /// What authorities are waiting for.
    pub(crate) challenges: &'a Challenges,
}

/// Whether a request may pass, by the settings of the zone that its host belongs to.
pub(crate) fn check(view: &View, comer: &Comer<'_>) -> Option<Barred> {
    // Authorities follow redirects, but not to names that have no certificate yet.
    if let Some(answer) = comer.challenge() {
        return Some(Barred::Answered(answer));
    }
    let edge = &view.config.load_balancer(comer.owner?).edge;
    // The usual case in one comparison each.
    if !comer.arrival.satisfies(edge) {
        return Some(Barred::Refused(Refusal::MISDIRECTED));
    }
    if edge.always_use_https && !comer.arrival.is_https() {
        return Some(Barred::Answered(comer.sent_to_https()));
    }
    if comer.head.upgrade && !edge.websockets {
        return Some(Barred::Refused(Refusal::UPGRADE_FORBIDDEN));
    }
    let is_too_long = |max: u64| matches!(comer.head.body, Body::Length(bytes) if bytes > max);
    if edge.request_body_bytes_max.is_some_and(is_too_long) {
        return Some(Barred::Refused(Refusal::of(413)));
    }
    None
}

impl Comer<'_> {
    /// The answer to an http-01 challenge (RFC 8555 section 8.3), where one is waited for.
    fn challenge(&self) -> Option<FixedResponse> {
        let token = self.head.target.path(self.buffer).strip_prefix(CHALLENGE_PATH.as_bytes())?;
        let body = self.challenges.answer(self.host, std::str::from_utf8(token).ok()?)?;
        let content_type = Some("application/octet-stream".to_owned());
        Some(FixedResponse { status: 200, content_type, location: None, body })
    }

    /// Sends the client to the same address over TLS. Clients that named a port are on a node that
    /// is not reached by the usual ones, so they are told the one of its TLS listener.
    fn sent_to_https(&self) -> FixedResponse {
        let authority = Authority::parse(self.head.host.of(self.buffer)).ok();
        let has_port = authority.is_some_and(|authority| authority.port.is_some());
        let port = self.https_port.filter(|port| has_port && *port != HTTPS_PORT);
        let port = port.map(|port| format!(":{port}")).unwrap_or_default();
        let target = self.head.target.of(self.buffer);
        // `OPTIONS *` asks about the host as a whole, whose address ends with its name.
        let target =
            if &*target == b"*" { Cow::Borrowed("") } else { String::from_utf8_lossy(&target) };
        FixedResponse {
            status: 301,
            content_type: None,
            location: Some(format!("https://{}{port}{target}", self.host)),
            body: String::new(),
        }
    }
}

/// Longest body that requests for a zone may have, in bytes.
pub(crate) const fn body_bytes_max(edge: &Edge) -> u64 {
    match edge.request_body_bytes_max {
        Some(bytes) => bytes,
        None => u64::MAX,
    }
}
