//! The message format (RFC 1035, RFC 6891): queries are judged and read, responses written.
//!
//! Records, names and options of strangers are read by the `domain` library; what is written is
//! written here, see `docs/notes` for the measurement. What a query is answered with is
//! [`mod@crate::answer`]'s work; cookies, limits and transactions are the server's.

mod compression;
mod edns;
mod name;
mod number;
mod query;
mod write;

pub use edns::{Cookie, Edns, EdnsOut, ExtendedError, UDP_BYTES_MAX, UDP_BYTES_PLAIN};
pub use name::{LowerName, NAME_BYTES_MAX, Name, NameText, host_to_wire, parent};
pub use number::{Rcode, rtype};
pub use query::{HEADER_BYTES, Parsed, Query, Rejection};
pub use write::{Signer, Written, write, write_rejection, write_signed};
