//! Sans-I/O HTTP/1.1 codec, strict by RFC 9112. On the request path.
//!
//! A head is one buffer plus [`Span`]s: nothing of it is copied, and the list of [`Field`]s is the
//! caller's to reuse. Only fields that the product acts upon are looked at; the rest is for the
//! caller to pass on as the bytes it came in. Tokenising is `httparse`'s work, whose leniency
//! (bare LF, blank lines, non-ASCII targets) is taken back here: each spelling has one answer, so
//! that what stands in front of us and what stands behind us cut the byte stream at the same places.
//!
//! | wire | call | yields |
//! |---|---|---|
//! | request head | [`parse_request`] | [`RequestHead`], fields |
//! | response head | [`parse_response`] | [`ResponseHead`], fields |
//! | a head in pieces | [`HeadScanner`] | the same, without starting over for each piece |
//! | chunked body | [`ChunkedDecoder`] | slices of data, then trailers |
//! | chunked body, outwards | [`chunk_head`], [`LAST_CHUNK`] | the bytes around the data |
//!
//! ```
//! use evenkeel_h1::{Body, FieldKind, HeadScanner, Limits};
//!
//! let (mut scanner, mut fields) = (HeadScanner::new(), Vec::new());
//! let read = b"POST /a?b HTTP/1.1\r\nHost: a.example\r\nContent-Length: 2\r\n\r\nhi";
//! let incomplete = scanner.request(&read[..20], &Limits::default(), &mut fields);
//! assert!(matches!(incomplete, Ok(None)));
//!
//! let head = scanner.request(read, &Limits::default(), &mut fields).unwrap().unwrap();
//! assert_eq!(head.target.path(read), b"/a");
//! assert_eq!(head.host_name.of(read), b"a.example");
//! assert_eq!(head.body, Body::Length(2));
//! assert_eq!(fields[1].kind, FieldKind::ContentLength);
//! assert_eq!(&read[head.bytes..], b"hi");
//! ```
//!
//! Left to others: sockets and time-outs, which fields reach the other side, what an error page
//! looks like. After any error here the connection has no known message boundary left and must be
//! closed.

#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod chunked;
mod error;
mod field;
mod framing;
mod grammar;
mod head;
pub mod host;
mod method;
mod request;
mod response;
mod scanner;
mod span;
mod target;

pub use chunked::{
    CHUNK_EXT_BYTES_MAX, ChunkError, ChunkedDecoder, LAST_CHUNK, Step, TRAILER_BYTES_MAX,
    chunk_head, may_trail,
};
pub use error::{HeadError, RequestError, ResponseError};
pub use field::{Field, FieldKind, find};
pub use framing::{BODY_BYTES_MAX, Body};
pub use head::{CONNECTION_OPTIONS_MAX, FIELDS_MAX, Limits, Version};
pub use method::Method;
pub use request::{METHOD_BYTES_MAX, RequestHead, parse_request};
pub use response::{AnswerTo, ResponseHead, parse_response};
pub use scanner::HeadScanner;
pub use span::Span;
pub use target::Target;
