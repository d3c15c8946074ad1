//! What the control plane keeps of zones besides their records: the serial, the keys that they are
//! signed with, and the name servers elsewhere that copy them.
//!
//! | module | what it is for |
//! |---|---|
//! | [`documents`] | how it is stored |
//! | [`tables`] | all of it as values, one part of the [`Catalog`](crate::catalog::Catalog) |
//! | [`accompany`] | what is written along with every change of a zone |
//!
//! What the API answers of it is `api`'s and `routes`', what is served of it
//! [`publisher`](crate::publisher)'s.

mod accompany;
mod documents;
mod tables;

pub(crate) use self::accompany::accompany;
pub(crate) use self::documents::{StoredKey, ZoneDnssec, ZoneSerial};
pub(crate) use self::tables::DnsTables;
