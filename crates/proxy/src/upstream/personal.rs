//! Connections that have become one client's: NTLM and Negotiate authenticate a connection instead
//! of each request on it, so whoever came next would act as somebody else (behaviour.md 4.4).
//!
//! Such a connection never waits among the idle ones. It waits beside the client's connection for
//! the next request to the same place, and ends with it.
//!
//! On the request path.

use std::time::Duration;

use evenkeel_h1::{Field, FieldKind};
use tokio::time::Instant;

use super::{Connection, Key};

/// A client's own connection to an endpoint, between two requests.
#[derive(Debug)]
pub(crate) struct Personal {
    key: Key,
    connection: Connection,
    until: Instant,
}

impl Personal {
    /// Keeps a connection for so long.
    pub(crate) fn new(key: Key, connection: Connection, limit: Duration) -> Self {
        Self { key, connection, until: Instant::now() + limit }
    }

    /// Whether it is of use for requests to this place.
    pub(crate) fn leads_to(&self, key: Key) -> bool {
        self.key == key
    }

    /// The connection, if it is still good.
    pub(crate) fn into_connection(mut self) -> Option<Connection> {
        (self.connection.io.is_quiet() && Instant::now() < self.until).then_some(self.connection)
    }
}

/// Whether a request comes with credentials that its connection is then trusted by.
pub(crate) fn has_credentials(buffer: &[u8], fields: &[Field]) -> bool {
    values(buffer, fields, FieldKind::Authorization).any(is_of_connection)
}

/// Whether a response asks for such credentials, or goes on with the handshake. That a quoted
/// comma cuts a parameter in two can only make a connection personal without need.
pub(crate) fn has_challenge(buffer: &[u8], fields: &[Field]) -> bool {
    values(buffer, fields, FieldKind::WwwAuthenticate)
        .any(|value| value.split(|byte| *byte == b',').any(is_of_connection))
}

fn values<'a>(
    buffer: &'a [u8],
    fields: &'a [Field],
    kind: FieldKind,
) -> impl Iterator<Item = &'a [u8]> {
    fields.iter().filter(move |field| field.kind == kind).map(|field| field.value.of(buffer))
}

/// Whether a challenge or credentials are of a scheme that authenticates connections.
fn is_of_connection(value: &[u8]) -> bool {
    let value = value.trim_ascii_start();
    let scheme = value.split(u8::is_ascii_whitespace).next().unwrap_or_default();
    scheme.eq_ignore_ascii_case(b"ntlm") || scheme.eq_ignore_ascii_case(b"negotiate")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemes_are_told_by_their_first_word() {
        for (value, expected) in [
            ("NTLM", true),
            ("ntlm TlRMTVNTUAAB", true),
            (" Negotiate YIIG", true),
            ("NEGOTIATE\t", true),
            ("", false),
            ("Basic NTLM", false),
            ("NTLMv2 x", false),
            ("Bearer negotiate", false),
        ] {
            assert_eq!(is_of_connection(value.as_bytes()), expected, "{value:?}");
        }
    }
}
