//! What becomes known of a request while it lasts, and what is made of it once it is over.
//!
//! On the request path.

mod meter;

pub(crate) use meter::Meter;
