//! Moving messages between peers.

pub(crate) mod pump;
