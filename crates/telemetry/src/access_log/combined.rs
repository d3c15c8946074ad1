//! The line as Apache's combined format: what every analyser of logs reads, and nothing more.
//!
//! ```text
//! client - - [31/Jan/2026:23:59:59 +0000] "GET /a HTTP/1.1" 200 1234 "referer" "user agent"
//! ```
//!
//! Bytes are those sent, head included (Apache's `%O`, as Debian configures it). A status that
//! nobody was sent is `-`, as there.

use super::escape::write_apache;
use super::number::{write_address, write_number};
use super::time::Clock;
use crate::RequestRecord;

/// Adds the line of a request.
pub(super) fn write(record: &RequestRecord<'_>, clock: &mut Clock, out: &mut Vec<u8>) {
    write_address(out, record.client);
    out.extend_from_slice(b" - - [");
    clock.write_apache(record.at_us, out);
    out.extend_from_slice(b"] \"");
    write_apache(out, record.method);
    out.push(b' ');
    write_apache(out, record.target);
    out.push(b' ');
    out.extend_from_slice(record.protocol.as_bytes());
    out.extend_from_slice(b"\" ");
    match record.status {
        0 => out.push(b'-'),
        status => write_number(out, status.into()),
    }
    out.push(b' ');
    write_number(out, record.sent_bytes);
    for value in [record.referer, record.user_agent] {
        out.extend_from_slice(b" \"");
        write_apache(out, if value.is_empty() { b"-" } else { value });
        out.push(b'"');
    }
    out.push(b'\n');
}
