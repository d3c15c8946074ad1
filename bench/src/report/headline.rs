//! The table of the README: one line per scenario, our share of each peer's CPU time per request,
//! and our requests/s against the best of them; and the picture that goes with it.

use std::path::Path;

use super::{Header, Row, Sample, Table, plot};
use crate::failure::{Context, Result};
use crate::machine;
use crate::stats::Spread;

/// The row that is ours.
const OURS: &str = "ours";

/// Ours with one load balancer, where the others have many.
const OURS_ONE: &str = "ours-1";

/// A row that stands in for HAProxy's on a line of its own.
const SPLICED: &str = "haproxy-splice";

/// The columns: name of the row, and as people write it.
const PEERS: [(&str, &str); 3] = [("haproxy", "HAProxy"), ("nginx", "nginx"), ("caddy", "Caddy")];

/// Scenarios measured so far.
#[derive(Debug, Default)]
pub struct Headline {
    scenarios: Vec<(&'static str, Figure, Vec<Row>)>,
    versions: Vec<(String, String)>,
}

/// What the ratios of a line are of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Figure {
    /// CPU time per request.
    Cpu,
    /// The 99th percentile of latency, at a rate that is the same for all.
    P99,
}

/// A line of the table.
#[derive(Debug, PartialEq)]
struct Line {
    label: String,
    /// Ours ÷ theirs, in the order of [`PEERS`].
    ratios: [Option<f64>; PEERS.len()],
    /// Our requests/s ÷ those of the best peer.
    rate: Option<f64>,
}

impl Headline {
    /// Adds a scenario by the words of the table.
    pub fn add(&mut self, label: &'static str, header: &Header, figure: Figure, rows: Vec<Row>) {
        for (name, version) in &header.versions {
            if self.versions.iter().all(|(_, known)| known != version) {
                self.versions.push((name.clone(), version.clone()));
            }
        }
        self.scenarios.push((label, figure, rows));
    }

    /// The table in Markdown, with the machine and the versions below it.
    pub fn markdown(&self) -> String {
        let mut heading = vec!["CPU time per request, Evenkeel ÷ peer"];
        heading.extend(PEERS.map(|(_, name)| name));
        heading.push("requests/s ÷ best peer");
        let mut table = Table::new(&heading);
        let shown =
            |ratio: Option<f64>| ratio.map_or_else(|| "–".to_owned(), |r| format!("{r:.2}"));
        for line in
            self.scenarios.iter().flat_map(|(label, figure, rows)| lines(label, *figure, rows))
        {
            let mut cells = vec![line.label];
            cells.extend(line.ratios.map(shown));
            cells.push(shown(line.rate));
            table.add(cells);
        }
        let versions: Vec<&str> = self.versions.iter().map(|(_, v)| v.as_str()).collect();
        format!("{table}\n{}. {}.\n", machine::line(), versions.join("; "))
    }

    /// Draws the CPU time of all scenarios into one picture.
    pub fn draw(&self, file: &Path) -> Result<()> {
        let groups: Vec<_> = self
            .scenarios
            .iter()
            .filter(|(_, figure, _)| *figure == Figure::Cpu)
            .map(|(about, _, rows)| plot::group(about, rows, PEERS[0].0))
            .collect();
        let svg = plot::draw("Evenkeel and its peers, one thread", PEERS[0].1, &groups);
        std::fs::write(file, svg).context(format!("writing {}", file.display()))
    }
}

/// The lines of one scenario: one for its rows as they are, one more where HAProxy splices.
fn lines(label: &str, figure: Figure, rows: &[Row]) -> Vec<Line> {
    let row = |name: &str| rows.iter().find(|row| row.name == name);
    let Some(ours) = row(OURS) else { return Vec::new() };
    let ratio = |peer: &str| -> Option<Spread> {
        match figure {
            Figure::Cpu => ours.ratio(row(peer), Sample::cpu_us_per_request),
            Figure::P99 => ours.ratio_of_p99(row(peer)),
        }
    };
    let median = |peer: &str| Some(ratio(peer)?.median);
    let rate = |peers: &[&str]| match figure {
        // The least of the ratios is the one to the best peer.
        Figure::Cpu => peers
            .iter()
            .filter_map(|peer| Some(ours.ratio(row(peer), |sample| sample.load.rate())?.median))
            .reduce(f64::min),
        Figure::P99 => None,
    };
    let label = match (figure, median(OURS_ONE)) {
        (Figure::Cpu, Some(one)) => format!("{label} ({one:.2} × one of ours)"),
        _ => label.to_owned(),
    };
    let peers = PEERS.map(|(name, _)| name);
    let mut lines = vec![Line { label, ratios: peers.map(median), rate: rate(&peers) }];
    if row(SPLICED).is_some() {
        let [_, others @ ..] = PEERS.map(|_| None);
        let [second, third] = others;
        lines.push(Line {
            label: "the same, HAProxy with `splice`".to_owned(),
            ratios: [median(SPLICED), second, third],
            rate: rate(&[SPLICED]),
        });
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_ours_against_each_peer() {
        let rows = [
            Row::of_samples("ours", &[Sample::of(10.0, 300, 4)]),
            Row::of_samples("haproxy", &[Sample::of(20.0, 200, 8)]),
            Row::of_samples("nginx", &[Sample::of(40.0, 240, 2)]),
        ];
        let expected = [Some(0.5), Some(0.25), None];
        let line = Line { label: "a".to_owned(), ratios: expected, rate: Some(1.25) };
        assert_eq!(lines("a", Figure::Cpu, &rows), [line]);
        let expected = [Some(0.5), Some(2.0), None];
        let line = Line { label: "a".to_owned(), ratios: expected, rate: None };
        assert_eq!(lines("a", Figure::P99, &rows), [line]);
        assert_eq!(lines("a", Figure::Cpu, &rows[1..]), []);
    }

    #[test]
    fn splicing_has_a_line_of_its_own_and_many_hosts_a_remark() {
        let rows = [
            Row::of_samples("ours", &[Sample::of(10.0, 300, 4)]),
            Row::of_samples("ours-1", &[Sample::of(8.0, 300, 4)]),
            Row::of_samples("haproxy-splice", &[Sample::of(5.0, 600, 8)]),
        ];
        let lines = lines("b", Figure::Cpu, &rows);
        assert_eq!(lines[0].label, "b (1.25 × one of ours)");
        assert_eq!((lines[1].ratios[0], lines[1].rate), (Some(2.0), Some(0.5)));
    }
}
