//! The control plane: the REST server that speaks Cloudflare's API, who may use it, and the
//! publisher that turns documents and health into the view all planes decide on.
//!
//! ```text
//! client ──▶ server ──▶ routes ──▶ api: validate ──▶ store: commit ─┐
//!    ▲                                                              ▼ watch
//!    └──────────── answered once live ◀── view ◀── publisher ◀── api: build
//!                                                       ▲
//!                                          reports of the monitors
//! ```
//!
//! | module | what it is for |
//! |---|---|
//! | [`bootstrap()`] | the first start: account, user, token, keys |
//! | [`publisher`] | the only writer of the view |
//! | [`health`] | health kept over a restart, its event log, and occasions to notify somebody |
//! | [`serve`] | the listener |
//! | `routes`, `request`, `error` | paths, what they take, how they refuse |
//! | `app` | how a change is decided and committed |
//! | `catalog`, `records` | the store's documents as values |
//! | `seen`, `previews` | health as answers carry it; monitors tried before they are in force |
//! | `auth`, `permission`, `ids` | who is asking; what that takes; identifiers, secrets, time |
//!
//! What a document may contain and what it means is `api`'s; how it is kept is `store`'s. Nothing
//! here touches traffic.

mod app;
mod auth;
mod bootstrap;
mod catalog;
mod error;
pub mod health;
mod ids;
mod permission;
mod previews;
pub mod publisher;
mod records;
mod request;
mod routes;
mod seen;
mod server;
mod upload;

pub use bootstrap::{BootstrapError, BootstrapSettings, Bootstrapped, bootstrap};
pub use previews::{PreviewAsk, PreviewOutcome, Prober, Probing};
pub use routes::{ExplainSources, FindSession};
pub use server::{ControlOptions, Metrics, serve};
