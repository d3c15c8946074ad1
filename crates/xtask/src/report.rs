//! Runs suites one after the other and says what became of each: a header and a time around every
//! one, a table at the end, and a last line that a script can read.

use std::fmt;
use std::io::Write;
use std::time::{Duration, Instant};

use crate::suite::{Need, Stop, Suite};
use crate::workspace::Workspace;

/// What became of every suite that was asked for.
pub(crate) struct Report {
    rows: Vec<Row>,
}

struct Row {
    name: &'static str,
    need: Need,
    result: Result<(), Stop>,
    took: Duration,
}

impl Report {
    /// Runs them all, also after a failure: one run then shows everything there is to mend.
    pub(crate) fn of(suites: &[&Suite], workspace: &Workspace) -> Self {
        let rows = suites.iter().map(|suite| Row::of(suite, workspace)).collect();
        Self { rows }
    }

    /// Whether the run as a whole passed. Where `strict`, a required suite that was left out
    /// counts as failed.
    pub(crate) fn is_good(&self, strict: bool) -> bool {
        self.rows.iter().all(|row| match (&row.result, row.need) {
            (Ok(()), _) | (Err(Stop::LeftOut(_)), Need::OptIn | Need::Asked) => true,
            (Err(Stop::LeftOut(_)), Need::Required) => !strict,
            (Err(Stop::Failed(_)), _) => false,
        })
    }

    fn count(&self, which: fn(&Result<(), Stop>) -> bool) -> usize {
        self.rows.iter().filter(|row| which(&row.result)).count()
    }
}

impl Row {
    fn of(suite: &Suite, workspace: &Workspace) -> Self {
        println!("\n== {}: {} ==", suite.name, suite.what);
        flush();
        let start = Instant::now();
        let result = (suite.run)(workspace);
        let row = Self { name: suite.name, need: suite.need, result, took: start.elapsed() };
        println!("-- {row}");
        flush();
        row
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (word, note) = match &self.result {
            Ok(()) => ("passed", ""),
            Err(Stop::Failed(why)) => ("failed", why.as_str()),
            Err(Stop::LeftOut(why)) => ("left out", why.as_str()),
        };
        let line =
            format!("{:<11} {word:<9} {:>6.1} s  {note}", self.name, self.took.as_secs_f64());
        f.write_str(line.trim_end())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for row in &self.rows {
            writeln!(f, "{row}")?;
        }
        let passed = self.count(Result::is_ok);
        let failed = self.count(|result| matches!(result, Err(Stop::Failed(_))));
        write!(f, "\n{passed} passed, {failed} failed")?;
        match self.count(|result| matches!(result, Err(Stop::LeftOut(_)))) {
            0 => writeln!(f),
            left_out => writeln!(f, ", {left_out} skipped"),
        }
    }
}

/// Children write to the same standard output: what we say has to be out before they start.
/// A closed pipe is the reader's choice and no failure of the run.
fn flush() {
    let _ = std::io::stdout().flush();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &'static str, need: Need, result: Result<(), Stop>) -> Row {
        Row { name, need, result, took: Duration::from_millis(1250) }
    }

    #[test]
    fn the_table_ends_with_one_plain_line() {
        let report = Report {
            rows: vec![
                row("fmt", Need::Required, Ok(())),
                row("unit", Need::Required, Err(Stop::failed("exit status: 101"))),
                row("deny", Need::OptIn, Err(Stop::left_out("cargo-deny is not installed"))),
            ],
        };
        let text = report.to_string();
        assert!(text.contains("fmt         passed       1.2 s\n"), "{text}");
        assert!(text.ends_with("\n1 passed, 1 failed, 1 skipped\n"), "{text}");
    }

    #[test]
    fn leaving_out_fails_only_a_strict_run_of_a_required_suite() {
        let left_out = || Err(Stop::left_out("no python3"));
        for (need, result, strict, good) in [
            (Need::Required, Ok(()), true, true),
            (Need::Required, left_out(), false, true),
            (Need::Required, left_out(), true, false),
            (Need::OptIn, left_out(), true, true),
            (Need::OptIn, Err(Stop::failed("a licence")), false, false),
        ] {
            let report = Report { rows: vec![row("suite", need, result)] };
            assert_eq!(report.is_good(strict), good, "{report}");
        }
    }
}
