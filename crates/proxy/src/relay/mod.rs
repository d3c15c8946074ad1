//! Moving messages between peers.

pub(crate) mod pump;
pub(crate) mod splice;
