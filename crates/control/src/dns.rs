//! What the control plane keeps of zones besides their records: the serial, the keys that they are
//! signed with, and the name servers elsewhere that copy them.
//!
//! | module | what it is for |
//! |---|---|
//! | [`documents`] | how it is stored |
//! | [`keys`] | how keys are made |
//! | [`tables`] | all of it as values, one part of the [`Catalog`](crate::catalog::Catalog) |
//! | [`mod@accompany`] | what is written along with every change of a zone |
//!
//! What the API answers of it is `api`'s and `routes`', what is served of it
//! [`publisher`](crate::publisher)'s.

mod accompany;
mod documents;
mod keys;
mod tables;

pub(crate) use self::accompany::accompany;
#[cfg(test)]
pub(crate) use self::documents::StoredKey;
pub(crate) use self::documents::{ZoneDnssec, ZoneSerial};
pub(crate) use self::keys::{new_key, sha256};
pub(crate) use self::tables::DnsTables;
