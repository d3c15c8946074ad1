//! The scenarios. Each is a file that says what is loaded with what; how proxies take turns is
//! `interleave`'s, what one turn measures is `measure`'s, what is printed `report`'s.

use crate::args::Args;
use crate::failure::Result;
use crate::interleave;
use crate::report::Figure;
use crate::shape::{Drive, Shape};

mod access_log;
mod affinity;
mod bodies;
mod dns;
mod everything_on;
mod half_load;
mod http1;
mod http2;
mod idle_connections;
mod load_balancers;
mod reload;
mod tls;
mod uneven;
mod uploads;
mod websocket;

/// One scenario.
#[derive(Debug)]
pub struct Scenario {
    /// Its name on the command line and in file names.
    pub name: &'static str,
    /// One line for `--help`.
    pub about: &'static str,
    /// How it is measured.
    pub kind: Kind,
}

/// How a scenario is measured.
#[derive(Debug)]
pub enum Kind {
    /// Proxies take turns under one load.
    Interleaved(&'static Shape),
    /// In its own way; false when a row is void.
    Own(fn(&Args) -> Result<bool>),
}

/// Every scenario, in the order in which all of them run.
pub const ALL: &[Scenario] = &[
    Scenario::interleaved(&http1::KEEP_ALIVE),
    Scenario::interleaved(&http1::KEEP_ALIVE_1000),
    Scenario::interleaved(&http1::NEW_CONNECTIONS),
    Scenario::interleaved(&bodies::BODIES_100K),
    Scenario::interleaved(&bodies::BODIES_1M),
    Scenario::interleaved(&uploads::CHUNKED),
    Scenario::interleaved(&tls::KEEP_ALIVE),
    Scenario::interleaved(&tls::RESUMED),
    Scenario::interleaved(&tls::FULL),
    Scenario::interleaved(&http2::HTTP2),
    Scenario::interleaved(&websocket::ECHO),
    Scenario::interleaved(&affinity::COOKIE),
    Scenario::interleaved(&load_balancers::TEN_THOUSAND),
    Scenario::interleaved(&everything_on::QUIET),
    Scenario::interleaved(&everything_on::LOGGED),
    Scenario::interleaved(&half_load::HALF),
    Scenario::interleaved(&access_log::LOG),
    idle_connections::SCENARIO,
    uneven::SCENARIO,
    reload::SCENARIO,
    dns::WEIGHTED,
    dns::WEIGHTED_10000,
    dns::GEO,
];

/// The scenarios of the README's table, by the words it has for them.
pub const HEADLINE: &[(&str, &Shape)] = &[
    ("everything on: cookie affinity, monitors, metrics", &everything_on::QUIET),
    ("everything on, and an access log", &everything_on::LOGGED),
    ("a connection for every request", &http1::NEW_CONNECTIONS),
    ("bodies of 1 MiB", &bodies::BODIES_1M),
    ("HTTPS keep-alive", &tls::KEEP_ALIVE),
    ("HTTP/2, 100 streams per connection", &http2::HTTP2),
    ("10,000 load balancers", &load_balancers::TEN_THOUSAND),
    ("p99 latency at half of HAProxy's saturation", &half_load::HALF),
];

impl Scenario {
    const fn interleaved(shape: &'static Shape) -> Self {
        Self { name: shape.name, about: shape.about, kind: Kind::Interleaved(shape) }
    }

    /// Runs it and prints its table; false when a row is void.
    pub fn run(&self, args: &Args) -> Result<bool> {
        match self.kind {
            Kind::Interleaved(shape) => interleave::run(args, shape),
            Kind::Own(run) => run(args),
        }
    }
}

/// What the README's table compares of it: a fixed rate leaves the latency to look at.
pub fn figure(shape: &Shape) -> Figure {
    if matches!(shape.load, Drive::Open(_)) { Figure::P99 } else { Figure::Cpu }
}

/// Whether any scenario has a row of that name beside the products.
pub fn has_row(name: &str) -> bool {
    ALL.iter().any(|scenario| match scenario.kind {
        Kind::Interleaved(shape) => shape.rows.iter().any(|row| row.name == name),
        Kind::Own(_) => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_apart_and_rows_belong_to_products() {
        let mut names: Vec<&str> = ALL.iter().map(|scenario| scenario.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), ALL.len());
        for scenario in ALL {
            let Kind::Interleaved(shape) = scenario.kind else { continue };
            assert!(!shape.about.is_empty() && shape.hosts > 0, "{}", shape.name);
            for row in shape.rows {
                assert!(["ours", "haproxy", "nginx", "caddy"].contains(&row.of), "{}", row.name);
            }
        }
        assert!(has_row("haproxy-splice") && !has_row("squid"));
    }
}
