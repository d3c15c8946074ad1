//! What the access log and the tracer are told of a request that is over.
//!
//! On the request path only as far as finding out that nobody wants to be told.

use std::fmt::Display;

use evenkeel_decision::{Rng, Trail};
use evenkeel_h1::{Field, RequestHead};
use evenkeel_model::{TlsVersion, View};
use evenkeel_net::unix_time_us;
use evenkeel_telemetry::{RequestRecord, SpanContext};

use super::places::host_name;
use super::{Account, Meter, Outcome};
use crate::arrival::{Protocol, Visitor};
use crate::ray::Ray;
use crate::worker::Worker;

/// What there is to tell.
pub(crate) struct Told<'a> {
    visitor: &'a Visitor,
    ray: &'a Ray,
    moved: Meter,
    asked: Option<Asked<'a>>,
}

/// What was asked, where a request could be read.
pub(crate) struct Asked<'a> {
    /// What the head is cut from.
    pub(crate) buffer: &'a [u8],
    pub(crate) head: &'a RequestHead,
    pub(crate) fields: &'a [Field],
    pub(crate) host: &'a str,
    pub(crate) view: &'a View,
    pub(crate) trail: &'a Trail,
    pub(crate) account: &'a Account,
}

impl<'a> Told<'a> {
    /// Of a request.
    pub(crate) fn of(visitor: &'a Visitor, ray: &'a Ray, meter: &Meter, asked: Asked<'a>) -> Self {
        let moved = meter.since(&asked.account.before);
        Self { visitor, ray, moved, asked: Some(asked) }
    }

    /// Of a head that is no request.
    pub(crate) fn of_nothing(visitor: &'a Visitor, ray: &'a Ray, moved: Meter) -> Self {
        Self { visitor, ray, moved, asked: None }
    }

    /// Tells whoever wants to know.
    pub(crate) fn tell(self, worker: &Worker, span: Option<&SpanContext>, outcome: &Outcome) {
        if !worker.tells(span) {
            return;
        }
        match &self.asked {
            Some(asked) => {
                let trail = asked.trail.describe(asked.view);
                let load_balancer = asked
                    .account
                    .load_balancer
                    .map(|ix| host_name(&asked.view.config.load_balancer(ix).host));
                let target = asked.head.target.of(asked.buffer);
                let record = RequestRecord {
                    load_balancer: load_balancer.as_deref(),
                    target: &target,
                    ..asked.complete(self.record(outcome, &trail))
                };
                tell(worker, span, &record);
            }
            None => tell(worker, span, &self.record(outcome, &"")),
        }
    }

    /// What is known without a request.
    fn record<'r>(&'r self, outcome: &Outcome, trail: &'r dyn Display) -> RequestRecord<'r> {
        let arrival = &self.visitor.arrival;
        let tls = arrival.tls.map(|tls| match tls.version {
            TlsVersion::Tls12 => "TLSv1.2",
            TlsVersion::Tls13 => "TLSv1.3",
        });
        RequestRecord {
            at_us: unix_time_us().saturating_sub(outcome.total_us),
            total_us: outcome.total_us,
            ray: self.ray.as_str(),
            client: self.visitor.client.address,
            client_port: arrival.client_port,
            country: std::str::from_utf8(&self.visitor.client.country).unwrap_or("XX"),
            protocol: match arrival.protocol {
                Protocol::Http1 => "HTTP/1.1",
                Protocol::Http2 => "HTTP/2.0",
            },
            tls,
            method: b"",
            scheme: if arrival.is_https() { "https" } else { "http" },
            host: "",
            target: b"",
            referer: b"",
            user_agent: b"",
            status: outcome.status,
            end: outcome.end,
            received_bytes: self.moved.received,
            sent_bytes: self.moved.sent,
            load_balancer: None,
            pool: None,
            endpoint: None,
            endpoint_address: None,
            endpoint_status: None,
            attempts: 0,
            is_reused: false,
            connect_us: None,
            first_byte_us: None,
            trail,
        }
    }
}

impl<'a> Asked<'a> {
    /// The record with what the request says and what became of it.
    fn complete<'r>(&'r self, record: RequestRecord<'r>) -> RequestRecord<'r>
    where
        'a: 'r,
    {
        let Self { buffer, head, fields, host, view, account, .. } = *self;
        let field = |name: &[u8]| {
            let mut named =
                fields.iter().filter(|field| field.name.of(buffer).eq_ignore_ascii_case(name));
            named.next().map_or(&b""[..], |field| field.value.of(buffer))
        };
        let protocol = match record.protocol {
            "HTTP/1.1" => crate::facts::version(head.version),
            other => other,
        };
        let attempt = account.attempt.as_ref();
        RequestRecord {
            protocol,
            method: head.method.of(buffer),
            host,
            referer: field(b"referer"),
            user_agent: field(b"user-agent"),
            pool: attempt.map(|attempt| &*view.config.pool(attempt.target.pool).name),
            endpoint: attempt.map(|attempt| &*view.config.endpoint(attempt.target.endpoint).name),
            endpoint_address: attempt.and_then(|attempt| attempt.address),
            endpoint_status: attempt.and_then(|attempt| attempt.status),
            attempts: account.attempts,
            is_reused: attempt.is_some_and(|attempt| attempt.is_reused),
            connect_us: attempt.and_then(|attempt| attempt.connect_us),
            first_byte_us: attempt.and_then(|attempt| attempt.first_byte_us),
            ..record
        }
    }
}

fn tell(worker: &Worker, span: Option<&SpanContext>, record: &RequestRecord<'_>) {
    if let Some(log) = &worker.access_log {
        let chance = worker.chance().next_u64();
        log.borrow_mut().write(record, chance);
    }
    if let (Some(tracer), Some(span)) = (&worker.shared.tracer, span) {
        tracer.end(span, record);
    }
}
