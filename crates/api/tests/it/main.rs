//! The API's promise, held up to documents as clients send and expect them.

#![expect(clippy::unwrap_used, reason = "helpers of tests, too")]

mod build;
mod certificates;
mod dns_records;
mod dns_zones;
mod dnssec;
mod drift;
mod health;
mod load_balancers;
mod monitor_groups;
mod monitors;
mod notifications;
mod nulls;
mod patches;
mod pools;
mod recorded;
mod references;
mod regions;
mod secondary_dns;
mod world;
mod zone_settings;
mod zones;
