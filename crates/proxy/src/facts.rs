//! A request's head as a decision asks about it: spans of the read buffer, no copies.
//!
//! On the request path.

use evenkeel_decision::{HeaderVisitor, Headers};
use evenkeel_h1::{Field, Version};

/// The fields of a head that stands at the front of a buffer.
#[derive(Debug)]
pub(crate) struct HeadFields<'b> {
    pub(crate) buffer: &'b [u8],
    pub(crate) fields: &'b [Field],
}

impl Headers for HeadFields<'_> {
    fn each<'a>(&'a self, name: Option<&[u8]>, visit: &mut HeaderVisitor<'a, '_>) {
        for field in self.fields {
            let of = field.name.of(self.buffer);
            let is_asked = name.is_none_or(|name| of.eq_ignore_ascii_case(name));
            if is_asked && visit(of, field.value.of(self.buffer)).is_break() {
                break;
            }
        }
    }
}

/// The client's version, in the words of a request line.
pub(crate) const fn version(version: Version) -> &'static str {
    match version {
        Version::Http10 => "HTTP/1.0",
        Version::Http11 => "HTTP/1.1",
    }
}
