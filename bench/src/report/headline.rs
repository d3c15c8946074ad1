//! The table of the README: one line per scenario, our share of each peer's CPU time per request,
//! and our requests/s against the best of them; and the picture that goes with it.

use std::path::Path;

use super::{Header, Row, Sample, Table, plot};
use crate::failure::{Context, Result};
use crate::machine;
use crate::stats::Spread;

/// The row that is ours.
const OURS: &str = "ours";

/// The peers of the table: name of the row, and as people write it.
const PEERS: [(&str, &str); 4] = [
    ("haproxy", "HAProxy"),
    ("haproxy-splice", "HAProxy, splice"),
    ("nginx", "nginx"),
    ("caddy", "Caddy"),
];

/// Scenarios measured so far.
#[derive(Debug, Default)]
pub struct Headline {
    lines: Vec<(&'static str, Vec<Row>)>,
    versions: Vec<(String, String)>,
}

impl Headline {
    /// Adds a scenario.
    pub fn add(&mut self, header: &Header, rows: Vec<Row>) {
        for (name, version) in &header.versions {
            if self.versions.iter().all(|(_, known)| known != version) {
                self.versions.push((name.clone(), version.clone()));
            }
        }
        self.lines.push((header.about, rows));
    }

    /// The table in Markdown, with the machine and the versions below it.
    pub fn markdown(&self) -> String {
        let mut heading = vec!["CPU time per request, ours ÷ theirs"];
        heading.extend(PEERS.map(|(_, name)| name));
        heading.push("requests/s ÷ best peer");
        let mut table = Table::new(&heading);
        for (about, rows) in &self.lines {
            let mut cells = vec![(*about).to_owned()];
            cells.extend(PEERS.map(|(peer, _)| {
                let cpu = against(rows, peer, Sample::cpu_us_per_request);
                cpu.map_or_else(|| "–".to_owned(), |ratio| format!("{:.2}", ratio.median))
            }));
            let rates = PEERS.iter().filter_map(|(peer, _)| {
                Some(against(rows, peer, |sample| sample.load.rate())?.median)
            });
            // The least of the ratios is the one to the best peer.
            cells.push(
                rates
                    .reduce(f64::min)
                    .map_or_else(|| "–".to_owned(), |ratio| format!("{ratio:.2}")),
            );
            table.add(cells);
        }
        let versions: Vec<&str> = self.versions.iter().map(|(_, v)| v.as_str()).collect();
        format!("{table}\n{}. {}.\n", machine::line(), versions.join("; "))
    }

    /// Draws all scenarios into one picture.
    pub fn draw(&self, file: &Path) -> Result<()> {
        let groups: Vec<_> =
            self.lines.iter().map(|(about, rows)| plot::group(about, rows, "haproxy")).collect();
        let svg = plot::draw("Evenkeel and its peers, one thread", "HAProxy", &groups);
        std::fs::write(file, svg).context(format!("writing {}", file.display()))
    }
}

/// Ours in proportion to a peer's, round by round.
fn against(rows: &[Row], peer: &str, value: impl Fn(&Sample) -> f64) -> Option<Spread> {
    let row = |name: &str| rows.iter().find(|row| row.name == name);
    row(OURS)?.ratio(row(peer), value)
}
