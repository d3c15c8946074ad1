//! The line as a JSON object: always the same fields in the same order, `null` where there is
//! nothing to say. Names and meanings are a promise to whoever reads logs: they may be added to, and
//! do not change.

use std::fmt::Write;

use super::escape::{JsonText, write_json};
use super::number::{write_address, write_number};
use super::time::Clock;
use crate::RequestRecord;

/// Adds the line of a request.
pub(super) fn write(record: &RequestRecord<'_>, clock: &mut Clock, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"time\":\"");
    clock.write_rfc3339(record.at_us, out);
    let mut line = Line { out };
    line.out.push(b'"');
    line.text("ray", record.ray.as_bytes());
    line.name("client");
    line.quoted(|out| write_address(out, record.client));
    line.number("client_port", record.client_port);
    line.text("country", record.country.as_bytes());
    line.word("protocol", record.protocol);
    line.optional("tls", record.tls.map(str::as_bytes));
    line.text("method", record.method);
    line.word("scheme", record.scheme);
    line.text("host", record.host.as_bytes());
    line.text("target", record.target);
    line.text("referer", record.referer);
    line.text("user_agent", record.user_agent);
    line.number("status", record.status);
    line.word("end", record.end.as_str());
    line.number("received_bytes", record.received_bytes);
    line.number("sent_bytes", record.sent_bytes);
    line.number("duration_us", record.total_us);
    line.optional("load_balancer", record.load_balancer.map(str::as_bytes));
    line.optional("pool", record.pool.map(str::as_bytes));
    line.optional("endpoint", record.endpoint.map(str::as_bytes));
    line.name("endpoint_address");
    match record.endpoint_address {
        Some(address) => line.quoted(|out| {
            let is_v6 = address.is_ipv6();
            out.extend_from_slice(if is_v6 { b"[" } else { b"" });
            write_address(out, address.ip());
            out.extend_from_slice(if is_v6 { b"]:" } else { b":" });
            write_number(out, address.port().into());
        }),
        None => line.null(),
    }
    line.optional_number("endpoint_status", record.endpoint_status);
    line.number("attempts", record.attempts);
    line.name("connection_reused");
    line.out.extend_from_slice(if record.is_reused { b"true" } else { b"false" });
    line.optional_number("connect_us", record.connect_us);
    line.optional_number("first_byte_us", record.first_byte_us);
    line.name("trail");
    line.quoted(|out| {
        // What cannot be told of itself is left out; the line stays whole.
        let _ = write!(JsonText(out), "{}", record.trail);
    });
    line.out.extend_from_slice(b"}\n");
}

/// An object that has a field already.
struct Line<'a> {
    out: &'a mut Vec<u8>,
}

impl Line<'_> {
    fn name(&mut self, name: &str) {
        self.out.extend_from_slice(b",\"");
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
    }

    fn null(&mut self) {
        self.out.extend_from_slice(b"null");
    }

    fn quoted(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        self.out.push(b'"');
        write(self.out);
        self.out.push(b'"');
    }

    /// One of our own words, which need no escaping.
    fn word(&mut self, name: &str, word: &'static str) {
        self.name(name);
        self.quoted(|out| out.extend_from_slice(word.as_bytes()));
    }

    fn text(&mut self, name: &str, value: &[u8]) {
        self.name(name);
        self.quoted(|out| write_json(out, value));
    }

    fn optional(&mut self, name: &str, value: Option<&[u8]>) {
        match value {
            Some(value) => self.text(name, value),
            None => {
                self.name(name);
                self.null();
            }
        }
    }

    fn number(&mut self, name: &str, number: impl Into<u64>) {
        self.name(name);
        write_number(self.out, number.into());
    }

    fn optional_number<N: Into<u64>>(&mut self, name: &str, number: Option<N>) {
        match number {
            Some(number) => self.number(name, number),
            None => {
                self.name(name);
                self.null();
            }
        }
    }
}
