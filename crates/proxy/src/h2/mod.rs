//! HTTP/2 towards clients (RFC 9113): a connection of many requests, each of which looks to the rest
//! of the proxy like a client's connection with one.
//!
//! ```text
//!           ┌──────── Wire ────────┐                 ┌─ Stream ─▶ request::handle
//!  client ──┤ floods, turns, writes ├── codec ── Session ─ Stream ─▶ request::handle
//!           └──────────────────────┘                 └─ …
//! ```
//!
//! The codec is the `h2` crate. What is ours is the translation at the streams ([`request`],
//! [`response`], [`fields`]), what the codec is told about limits, and what it has no eye for:
//! floods, clients that do not read, and time.

pub(crate) mod fields;
mod floods;
mod frames;
pub(crate) mod names;
mod piece;
mod request;
mod response;
mod session;
mod stream;
pub(crate) mod websocket;
mod wire;

pub(crate) use frames::PREFACE;
pub(crate) use session::serve;

/// Requests of a client at once (SETTINGS_MAX_CONCURRENT_STREAMS). RFC 9113 section 6.5.2 asks for
/// at least 100, which is what browsers expect; each may hold some 24 KiB.
const STREAMS_MAX: u32 = 128;
