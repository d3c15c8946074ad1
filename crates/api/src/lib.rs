//! The documents of the published API: what a request body may hold, which defaults fill it up, what
//! comes back, and what it means to the data plane.
//!
//! A client's values come back exactly as sent, and a document that is read and sent again is the
//! same document: tools that compare wish and state must find no difference that nobody made.
//!
//! ```text
//! body ──parse──▶ members ──PATCH laid over the document──▶ whole ──validate──▶ document
//!                                                        store ◀──────────────────┘ │
//!                                                        model::Config ◀──build─────┘
//! ```
//!
//! | to                                  | use                                                     |
//! |-------------------------------------|---------------------------------------------------------|
//! | take a POST, PUT or PATCH           | [`load_balancer::apply`] and its sisters                |
//! | know whether an object may go       | [`references`]                                          |
//! | tell how things are                 | [`pool_health`], [`preview`], [`health_event`], [`search`] |
//! | answer                              | [`envelope`]; a document serialises as it is answered   |
//! | store                               | a document's JSON; it reads back as the same document   |
//! | put documents in force              | [`build()`], and [`rebuild`] again and again            |
//! | serve a zone                        | [`build_dns_record`], [`build_zone`]                    |
//! | tell which country lies where       | [`regions`]                                             |
//!
//! Everything else is left to others: routes, credentials and statuses to `control`, keeping to
//! `store`, the language of rule conditions to `rules`. Time, new identifiers and the existence of
//! other objects come in through [`Context`].

#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod account;
pub mod audit_log;
mod body;
mod build;
pub mod certificate;
mod conditions;
mod context;
pub mod dns_record;
mod dns_zone;
pub mod dnssec;
pub mod envelope;
pub mod health_event;
mod hosts;
pub mod load_balancer;
mod map;
pub mod monitor;
pub mod monitor_group;
pub mod notification;
mod number;
pub mod pool;
pub mod pool_health;
pub mod preview;
mod problem;
mod read;
pub mod references;
pub mod regions;
pub mod search;
pub mod secondary_dns;
mod time;
pub mod token;
pub mod transfer;
mod words;
pub mod zone;
pub mod zone_setting;

pub use account::{Account, AccountSettings, AccountType, Organization, User};
pub use audit_log::AuditLog;
pub use build::{BuildProblem, Documents, Kind, ScopedLoadBalancer, build, rebuild};
pub use conditions::Conditions;
pub use context::{Context, Limits, Lookup, Verb};
pub use dns_record::DnsRecord;
pub use dns_zone::{ZoneParts, build_dns_record, build_zone};
pub use dnssec::{Dnssec, DnssecSettings};
pub use health_event::HealthEvent;
pub use load_balancer::LoadBalancer;
pub use map::Map;
pub use monitor::Monitor;
pub use monitor_group::{MonitorGroup, MonitorGroupMember};
pub use number::Number;
pub use pool::{Origin, Pool};
pub use problem::{
    HOST_TAKEN, IDENTICAL_RECORD, INVALID, NO_RECORD, NOT_FOUND, NOT_UNIQUE, Problem, REFERENCED,
    ZONE_EXISTS,
};
pub use time::parse as parse_time;
pub use token::{PermissionGroup, Token};
pub use words::CheckRegion;
pub use zone::Zone;
pub use zone_setting::{ZoneSetting, ZoneSettings};

/// Longest description of anything, in characters.
const DESCRIPTION_CHARS_MAX: usize = 1024;
