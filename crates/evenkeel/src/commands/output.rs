//! What commands print: tables and details for people, the API's own JSON for programs.
//!
//! Texts of other people, the names of pools among them, are printed without their control
//! characters: nobody shall move the cursor of whoever looks.

use std::fmt::Write as _;
use std::io::{ErrorKind, IsTerminal, Write as _};

use serde_json::Value;

use crate::exit::Failure;

/// Writes to standard output. Whoever reads may have had enough: `| head` is no failure.
///
/// # Errors
/// When it cannot be written, the disk being full for instance.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut output = std::io::stdout().lock();
    match output.write_all(text.as_bytes()).and_then(|()| output.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        outcome => outcome.map_err(Failure::doing("writing to standard output")),
    }
}

/// A value as programs read it.
///
/// # Errors
/// See [`print()`].
pub(crate) fn print_json(value: &Value) -> Result<(), Failure> {
    print(&format!("{value:#}\n"))
}

/// Whether letters may be bold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    Plain,
    Terminal,
}

impl Style {
    /// Bold on a terminal, unless `NO_COLOR` is set to anything (no-color.org).
    pub(crate) fn of_output() -> Self {
        let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        if std::io::stdout().is_terminal() && !unwanted { Self::Terminal } else { Self::Plain }
    }

    fn bold(self, text: &str) -> String {
        match self {
            Self::Plain => text.to_owned(),
            Self::Terminal => format!("\u{1b}[1m{text}\u{1b}[0m"),
        }
    }
}

/// Rows under headings, as wide as they must be.
pub(crate) fn table(heads: &[&str], rows: &[Vec<String>], style: Style) -> String {
    let rows: Vec<Vec<String>> =
        rows.iter().map(|row| row.iter().map(|cell| printable(cell)).collect()).collect();
    let heads: Vec<String> = heads.iter().map(|&head| head.to_owned()).collect();
    let width = |column: usize| {
        let cells = rows.iter().chain([&heads]).filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..heads.len()).map(width).collect();
    let line = |row: &[String]| {
        let cells = row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let mut text = style.bold(&line(&heads)) + "\n";
    for row in &rows {
        text += &line(row);
        text.push('\n');
    }
    text
}

/// An object field by field. The paths are those that `--set` takes.
pub(crate) fn details(object: &Value, style: Style) -> String {
    let mut fields = Vec::new();
    flatten(String::new(), object, &mut fields);
    let width = fields.iter().map(|(path, _)| path.chars().count()).max().unwrap_or_default();
    let mut text = String::new();
    for (path, value) in fields {
        let padding = " ".repeat(width - path.chars().count());
        let path = style.bold(&path);
        let line = format!("{path}{padding}  {}", printable(&value));
        writeln!(text, "{}", line.trim_end()).expect("strings grow");
    }
    text
}

fn flatten(path: String, value: &Value, fields: &mut Vec<(String, String)>) {
    let below = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    match value {
        Value::Object(members) if !members.is_empty() => {
            for (key, value) in members {
                flatten(below(key), value, fields);
            }
        }
        Value::Array(items) if items.iter().any(Value::is_object) => {
            for (place, value) in items.iter().enumerate() {
                flatten(below(&place.to_string()), value, fields);
            }
        }
        value => fields.push((path, shown(value))),
    }
}

/// A value in a cell: text as it is, a list of texts by commas, all else as JSON.
pub(crate) fn shown(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) if items.iter().all(Value::is_string) && !items.is_empty() => {
            items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ")
        }
        value => value.to_string(),
    }
}

/// Text that moves no cursor and stays on its line.
pub(crate) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn tables_are_as_wide_as_their_cells() {
        let rows = [vec!["web".to_owned(), "1".to_owned()], vec!["grün".to_owned(), String::new()]];
        let plain = table(&["NAME", "POOLS"], &rows, Style::Plain);
        assert_eq!(plain, "NAME  POOLS\nweb   1\ngrün\n");
        let bold = table(&["NAME"], &[], Style::Terminal);
        assert_eq!(bold, "\u{1b}[1mNAME\u{1b}[0m\n");
    }

    #[test]
    fn nobody_moves_the_cursor_of_whoever_looks() {
        let rows = [vec!["a\u{1b}[2Jb\n".to_owned()]];
        let text = table(&["NAME"], &rows, Style::Plain);
        assert_eq!(text, "NAME\na\u{fffd}[2Jb\u{fffd}\n");
    }

    #[test]
    fn details_show_the_paths_that_can_be_set() {
        let pool = json!({
            "name": "web", "monitor": null, "check_regions": ["WEU", "ENAM"],
            "origins": [{ "address": "192.0.2.1", "weight": 0.5 }], "region_pools": {},
        });
        let text = details(&pool, Style::Plain);
        let expected = "\
name               web
monitor            -
check_regions      WEU, ENAM
origins.0.address  192.0.2.1
origins.0.weight   0.5
region_pools       {}
";
        assert_eq!(text, expected);
    }
}
