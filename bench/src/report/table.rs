//! Markdown tables whose columns also line up on a terminal.

use std::fmt;

use super::Row;
use crate::load::Latency;
use crate::stats::Spread;
use crate::strace::Count;

/// Calls rarer than this per request are summed up in one line: timers, connects, accepts.
const RARE: f64 = 0.01;

/// Rows of cells under a heading; the first column is left-aligned, the others right.
#[derive(Debug)]
pub struct Table(Vec<Vec<String>>);

impl Table {
    /// Without rows.
    pub fn new(heading: &[&str]) -> Self {
        Self(vec![heading.iter().map(|&cell| cell.to_owned()).collect()])
    }

    /// Adds a row.
    pub fn add(&mut self, cells: Vec<String>) {
        self.0.push(cells);
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = self.0.first().map_or(0, Vec::len);
        let width = |column: usize| {
            self.0
                .iter()
                .filter_map(|row| Some(row.get(column)?.chars().count()))
                .max()
                .unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        for (n, row) in self.0.iter().enumerate() {
            for (column, (cell, &width)) in row.iter().zip(&widths).enumerate() {
                match column {
                    0 => write!(f, "| {cell:<width$} ")?,
                    _ => write!(f, "| {cell:>width$} ")?,
                }
            }
            writeln!(f, "|")?;
            if n == 0 {
                for (column, &width) in widths.iter().enumerate() {
                    let (dashes, end) =
                        ("-".repeat(width + 1), if column == 0 { "-" } else { ":" });
                    write!(f, "|{dashes}{end}")?;
                }
                writeln!(f, "|")?;
            }
        }
        Ok(())
    }
}

/// One line per proxy. Cells are medians over the rounds, with the least and the most in brackets
/// where they decide.
pub(super) fn measurements(rows: &[Row], baseline: &str) -> Table {
    let against = format!("÷ {baseline}");
    let mut table = Table::new(&[
        "proxy",
        "CPU µs/request",
        &against,
        "kernel",
        "requests/s",
        &against,
        "p50 ms",
        "p99 ms",
        &against,
        "p99.9 ms",
        "requests",
        "errors",
        "reuse",
        "cores: proxy + other",
        "cores: load + endpoint",
    ]);
    let base = rows.iter().find(|row| row.name == baseline);
    for row in rows {
        let cpu = |s: &super::Sample| s.cpu_us_per_request();
        let rate = |s: &super::Sample| s.load.rate();
        let percent = |value: Option<Spread>| {
            value.map_or_else(|| "–".to_owned(), |s| format!("{:.0} %", s.median * 100.0))
        };
        let requests: u64 = row.samples.iter().map(|s| s.load.requests).sum();
        let errors: u64 = row.samples.iter().map(|s| s.load.errors).sum();
        let name = if row.is_void() { format!("{} (void)", row.name) } else { row.name.clone() };
        table.add(vec![
            name,
            wide(row.spread(cpu), 2),
            wide(row.ratio(base, cpu), 3),
            percent(row.spread(|s| s.proxy.kernel_share)),
            wide(row.spread(rate), 0),
            wide(row.ratio(base, rate), 3),
            latency(row, |latency| latency.p50_us),
            latency(row, |latency| latency.p99_us),
            row.ratio_of_p99(base).map_or_else(|| "–".to_owned(), |s| format!("{:.2}", s.median)),
            latency(row, |latency| latency.p999_us),
            requests.to_string(),
            errors.to_string(),
            row.spread(super::Sample::reuse)
                .map_or_else(|| "–".to_owned(), |s| format!("{:.3} %", s.median * 100.0)),
            format!(
                "{} + {}",
                percent(row.spread(|s| s.share(s.proxy.total))),
                percent(row.spread(super::Sample::foreign_at_proxy))
            ),
            format!(
                "{} + {}",
                percent(row.spread(|s| s.share(s.generator))),
                percent(row.spread(|s| s.share(s.endpoints)))
            ),
        ]);
    }
    table
}

/// A percentile in milliseconds, where the generator tells.
fn latency(row: &Row, percentile: fn(&Latency) -> u64) -> String {
    let values = row.samples.iter().filter_map(|s| s.load.latency.as_ref().map(percentile));
    Spread::of(values.map(|us| us as f64 / 1e3))
        .map_or_else(|| "–".to_owned(), |s| format!("{:.2}", s.median))
}

/// `median (min–max)`.
fn wide(spread: Option<Spread>, digits: usize) -> String {
    match spread {
        Some(Spread { median, min, max }) => {
            format!("{median:.digits$} ({min:.digits$}–{max:.digits$})")
        }
        None => "–".to_owned(),
    }
}

/// One line per system call, one column per proxy; calls per request.
pub(super) fn system_calls(counts: &[Count]) -> Table {
    let mut heading = vec!["per request"];
    heading.extend(counts.iter().map(|count| count.name.as_str()));
    let mut table = Table::new(&heading);
    let mut line = |name: &str, value: &dyn Fn(&Count) -> String| {
        let mut cells = vec![name.to_owned()];
        cells.extend(counts.iter().map(value));
        table.add(cells);
    };
    let calls = |count: &Count, name: &str| {
        count.per_request(count.calls.get(name).copied().unwrap_or_default())
    };

    let mut names: Vec<&String> = counts.iter().flat_map(|count| count.calls.keys()).collect();
    names.sort();
    names.dedup();
    let (common, rare): (Vec<&String>, Vec<&String>) =
        names.into_iter().partition(|name| counts.iter().any(|c| calls(c, name) >= RARE));
    for name in common {
        line(name, &|count| format!("{:.3}", calls(count, name)));
    }
    line("all others", &|count| {
        format!("{:.3}", rare.iter().map(|name| calls(count, name)).sum::<f64>())
    });
    line("**socket calls**", &|count| format!("**{:.3}**", count.socket_calls_per_request()));
    line("**all calls**", &|count| {
        format!("**{:.3}**", count.per_request(count.calls.values().sum()))
    });
    line("requests", &|count| count.requests.to_string());
    line("reuse, as endpoints saw it", &|count| {
        let opened = count.arrived.connections as f64 / count.arrived.requests.max(1) as f64;
        format!("{:.3} %", (1.0 - opened).max(0.0) * 100.0)
    });
    line("reuse, own metrics", &|count| {
        count.own_metrics.map_or_else(|| "–".to_owned(), |m| format!("{:.3} %", m.reuse() * 100.0))
    });
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let mut table = Table::new(&["proxy", "µs"]);
        table.add(vec!["a".to_owned(), "10.00".to_owned()]);
        assert_eq!(table.to_string(), "| proxy |    µs |\n|-------|------:|\n| a     | 10.00 |\n");
    }

    #[test]
    fn spreads_are_written_out() {
        assert_eq!(wide(Spread::of([1.0, 2.0, 4.0]), 1), "2.0 (1.0–4.0)");
        assert_eq!(wide(None, 1), "–");
    }
}
