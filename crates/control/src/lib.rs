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
//! | [`notifications`] | who wants to be told of what, and what was told |
//! | `app` | how a change is decided and committed |
//! | `catalog`, `records` | the store's documents as values |
//! | `dns` | what is kept of zones besides their records |
//! | `seen`, `previews` | health as answers carry it; monitors tried before they are in force |
//! | `auth`, `permission`, `grants` | who is asking; what an operation takes; what a token gives |
//! | `keys` | whether uploaded private keys can be used, and whose they are |
//! | `audit`, `uses`, `ids` | who changed what; when tokens were used; identifiers, secrets, time |
//!
//! What a document may contain and what it means is `api`'s; how it is kept is `store`'s. Nothing
//! here touches traffic.

mod app;
mod audit;
mod auth;
mod bootstrap;
mod catalog;
mod dns;
mod error;
mod grants;
pub mod health;
mod ids;
mod keys;
pub mod notifications;
mod permission;
mod previews;
pub mod publisher;
mod records;
mod request;
mod routes;
mod seen;
mod server;
mod upload;
mod uses;

pub use audit::STREAM as AUDIT_STREAM;
pub use auth::is_token;
pub use bootstrap::{BootstrapError, BootstrapSettings, Bootstrapped, bootstrap};
pub use ids::timestamp;
pub use previews::{PreviewAsk, PreviewOutcome, Probed, ProbedPhase, Prober, Probing};
pub use routes::{AnswerQuery, ExplainSources, FindSession, NameAnswer, NameRecord, SupposedQuery};
pub use server::{ControlOptions, Metrics, RateLimit, ServerSettings, TlsConfig, serve};
