//! What an expression may ask of a request or a query. On the request path.
//!
//! Whoever decides implements [`Facts`] over what it already holds; nothing is copied into a table
//! of values first. Which fields exist in which mode is this crate's knowledge, not the
//! implementation's: a field of the other mode is missing without being asked for.

use alloc::borrow::Cow;
use core::net::IpAddr;
use core::ops::ControlFlow;

use crate::field::{BooleanField, IntegerField, IpField, TextField};

/// A request to a proxied load balancer, or a DNS query to one that is not.
///
/// `None` is a missing value: no comparison with it holds. A request always has a path, a query
/// string (empty without `?`) and a method; a header that was not sent is missing.
pub trait Facts {
    /// Whether this is a request: `http.*` is asked for only if it is, `dns.*` only if it is not.
    fn is_proxied(&self) -> bool;

    /// The bytes of a string field. Borrowed wherever they exist as such.
    fn text(&self, field: TextField) -> Option<Cow<'_, [u8]>>;

    /// The value of an integer field.
    fn integer(&self, field: IntegerField) -> Option<i64>;

    /// The value of a boolean field.
    fn boolean(&self, field: BooleanField) -> Option<bool>;

    /// The value of an address field. An IPv4 address mapped into IPv6 counts as the IPv4 address.
    fn ip(&self, field: IpField) -> Option<IpAddr>;

    /// Visits header fields in the order received, until `visit` breaks.
    ///
    /// `name` is lower-case and selects the fields of that name, which may have been received in
    /// any case; without it every field is visited. `visit` gets a name, in any case, and a value
    /// without the whitespace around it. Not called for queries.
    fn each_header<'a>(&'a self, name: Option<&[u8]>, visit: &mut HeaderVisitor<'a, '_>);
}

/// What [`Facts::each_header`] calls with the name and the value of each header field.
pub type HeaderVisitor<'a, 'v> = dyn FnMut(&'a [u8], &'a [u8]) -> ControlFlow<()> + 'v;
