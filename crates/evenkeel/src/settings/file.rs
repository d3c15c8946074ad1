//! The configuration file: TOML whose keys are the flags of `serve`, read as the texts that a flag
//! would have had, with the lines they stand on. What the texts mean is for the settings.
//!
//! Every setting is a key at the top. Tables are refused, and each key in one is told its name: a
//! key then reads the same as the flag and the variable that come before it.

use std::collections::BTreeMap;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A file, or none.
#[derive(Debug, Default)]
pub(super) struct ConfigFile {
    path: String,
    /// What was not asked for yet, by the names of flags.
    entries: BTreeMap<String, Entry>,
    /// Where each key stands, counted from 1; keys of tables have none.
    lines: BTreeMap<String, usize>,
    /// Whether some of the text could not be read: a key that seems to be missing may not be.
    pub(super) is_broken: bool,
}

/// What a key is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Entry {
    /// A text or a number is one; a list is several.
    Texts(Vec<String>),
    /// `true` or `false`.
    Switch(bool),
    /// A value of this type, which no setting has.
    Unusable(&'static str),
}

impl ConfigFile {
    /// Reads a file. What is wrong with its text is told with lines.
    ///
    /// # Errors
    /// When there is nothing to read, with the reason.
    pub(super) fn read(path: &str) -> Result<(Self, Vec<String>), String> {
        let bytes =
            std::fs::read(path).map_err(|error| format!("config: cannot read {path}: {error}"))?;
        match String::from_utf8(bytes) {
            Ok(text) => Ok(Self::parse(path, &text)),
            Err(error) => {
                let good = error.utf8_error().valid_up_to();
                let line = line_at(&error.as_bytes()[..good], good);
                Err(format!("{path}:{line}: not UTF-8, which TOML is written in"))
            }
        }
    }

    /// Reads what can be read of a text, also around mistakes in it.
    pub(super) fn parse(path: &str, text: &str) -> (Self, Vec<String>) {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let (table, errors) = DeTable::parse_recoverable(text);
        let mut file =
            Self { path: path.to_owned(), is_broken: !errors.is_empty(), ..Self::default() };
        let mut problems = mistakes(path, text, &errors);
        let line = |key: &Spanned<_>| line_at(text.as_bytes(), key.span().start);
        let mut keys: Vec<_> = table.into_inner().into_iter().collect();
        keys.sort_by_key(|(key, _)| key.span().start);
        for (key, value) in keys {
            let (line_of_key, name) = (line(&key), flag_name(key.get_ref()));
            match value.into_inner() {
                DeValue::Table(inner) => {
                    if inner.is_empty() {
                        let why = "settings stand in no table; write them at the top of the file";
                        problems.push(format!("{path}:{line_of_key}: {name}: {why}"));
                    }
                    let mut inner: Vec<_> = inner.into_iter().collect();
                    inner.sort_by_key(|(key, _)| key.span().start);
                    for (key, _) in inner {
                        let (own, line) = (flag_name(key.get_ref()), line(&key));
                        problems.push(format!("{path}:{line}: {}", in_table(&name, &own)));
                    }
                }
                value => {
                    if let Some(first) = file.lines.get(&name) {
                        let why = format!("is in line {first} already, written with - or _");
                        problems.push(format!("{path}:{line_of_key}: {name}: {why}"));
                        continue;
                    }
                    file.lines.insert(name.clone(), line_of_key);
                    file.entries.insert(name, entry(value));
                }
            }
        }
        (file, problems)
    }

    /// Takes a key out: what remains at the end is no setting.
    pub(super) fn take(&mut self, key: &str) -> Option<Entry> {
        self.entries.remove(key)
    }

    /// Gives a key that says `true` or `false` the word that a flag would have had.
    pub(super) fn word(&mut self, key: &str, [no, yes]: [&str; 2]) {
        if let Some(entry) = self.entries.get_mut(key)
            && let Entry::Switch(is_on) = *entry
        {
            *entry = Entry::Texts(vec![if is_on { yes } else { no }.to_owned()]);
        }
    }

    /// Keys that nobody asked for, as they stand in the file.
    pub(super) fn unknown(&self) -> Vec<&str> {
        let mut keys: Vec<_> = self.entries.keys().map(String::as_str).collect();
        keys.sort_by_key(|key| self.lines.get(*key));
        keys
    }

    /// Where a key stands, as `FILE:LINE`.
    pub(super) fn place(&self, key: &str) -> Option<String> {
        self.lines.get(key).map(|line| format!("{}:{line}", self.path))
    }
}

fn entry(value: DeValue<'_>) -> Entry {
    match value {
        DeValue::Boolean(is_on) => Entry::Switch(is_on),
        DeValue::Array(items) => {
            let mut texts = Vec::new();
            for item in items {
                match entry(item.into_inner()) {
                    Entry::Texts(more) => texts.extend(more),
                    Entry::Switch(_) => return Entry::Unusable("list with a boolean"),
                    Entry::Unusable(what) => return Entry::Unusable(what),
                }
            }
            Entry::Texts(texts)
        }
        DeValue::String(text) => Entry::Texts(vec![text.into_owned()]),
        DeValue::Integer(number) => {
            let whole = i128::from_str_radix(number.as_str(), number.radix());
            let text = whole.map_or_else(|_| number.as_str().to_owned(), |n| n.to_string());
            Entry::Texts(vec![text])
        }
        DeValue::Float(number) => {
            let parsed = number.as_str().parse::<f64>();
            let text = parsed.map_or_else(|_| number.as_str().to_owned(), |n| n.to_string());
            Entry::Texts(vec![text])
        }
        DeValue::Datetime(_) => Entry::Unusable("datetime"),
        DeValue::Table(_) => Entry::Unusable("table"),
    }
}

/// Mistakes in the grammar, one for each line: what follows on the same line comes of the first.
fn mistakes(path: &str, text: &str, errors: &[toml::de::Error]) -> Vec<String> {
    let mut by_line = BTreeMap::new();
    for error in errors {
        let at = error.span().map_or(0, |span| span.start);
        by_line.entry(line_at(text.as_bytes(), at)).or_insert((at, error.message()));
    }
    let told = by_line.into_iter().map(|(line, (at, message))| {
        let (column, message) = (column_at(text, at), message.replace('\n', " "));
        format!("{path}:{line}: not TOML at column {column}: {message}")
    });
    told.collect()
}

/// What is said of a key inside a table.
fn in_table(table: &str, key: &str) -> String {
    let joined = format!("{table}-{key}");
    let names = crate::cli::setting_names();
    let meant = [joined.as_str(), key].into_iter().find(|name| names.iter().any(|n| n == name));
    let meant = meant.map_or(String::new(), |name| format!("; write {name} above the first table"));
    format!("{table}.{key}: settings stand in no table{meant}")
}

/// Keys may be written as the flag or as the variable is.
fn flag_name(key: &str) -> String {
    key.replace('_', "-")
}

fn line_at(text: &[u8], at: usize) -> usize {
    1 + text[..at.min(text.len())].iter().filter(|byte| **byte == b'\n').count()
}

/// In characters, as editors count.
fn column_at(text: &str, at: usize) -> usize {
    let before = text.get(..at).unwrap_or(text);
    1 + before.rsplit('\n').next().unwrap_or_default().chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(values: &[&str]) -> Option<Entry> {
        Some(Entry::Texts(values.iter().map(|text| (*text).to_owned()).collect()))
    }

    #[test]
    fn values_are_what_a_flag_would_have_had() {
        let text = "a = 'x'\nb_c = 12\nd = 0.5\ne = [1, 'y', 2.5]\nf = true\ng = 0x10\nh = 1_000\n\
                    i = 1979-05-27\nj = [true]";
        let (mut file, problems) = ConfigFile::parse("f", text);
        assert_eq!((problems, file.is_broken), (Vec::<String>::new(), false));
        assert_eq!(file.place("b-c").as_deref(), Some("f:2"));
        for (key, expected) in [
            ("a", texts(&["x"])),
            ("b-c", texts(&["12"])),
            ("d", texts(&["0.5"])),
            ("e", texts(&["1", "y", "2.5"])),
            ("f", Some(Entry::Switch(true))),
            ("g", texts(&["16"])),
            ("h", texts(&["1000"])),
            ("i", Some(Entry::Unusable("datetime"))),
            ("j", Some(Entry::Unusable("list with a boolean"))),
            ("k", None),
        ] {
            assert_eq!(file.take(key), expected, "{key}");
        }
        assert!(file.unknown().is_empty());
        file.entries.insert("f".to_owned(), Entry::Switch(false));
        file.word("f", ["off", "on"]);
        assert_eq!(file.take("f"), texts(&["off"]));
    }

    #[test]
    fn every_mistake_is_told_with_its_line() {
        for (text, expected) in [
            ("a = \nb = 1\n'c", &["f:1: not TOML at column", "f:3: not TOML at column"][..]),
            (
                "x = 1\n\n[tls]\ncert = 'a'\n# why\nkey = 'b'\n",
                &[
                    "f:4: tls.cert: settings stand in no table; write tls-cert above",
                    "f:6: tls.key: settings stand in no table; write tls-key above",
                ],
            ),
            (
                "[server]\nworkers = 1\n[empty]\n",
                &[
                    "f:2: server.workers: settings stand in no table; write workers above",
                    "f:3: empty: settings stand in no table",
                ],
            ),
            ("data-dir = 'a'\ndata_dir = 'b'", &["f:2: data-dir: is in line 1 already"]),
            ("\u{feff}a = 1", &[]),
        ] {
            let (_, problems) = ConfigFile::parse("f", text);
            assert_eq!(problems.len(), expected.len(), "{text:?}: {problems:#?}");
            for (problem, start) in problems.iter().zip(expected) {
                assert!(problem.starts_with(start), "{problem} does not begin with {start}");
            }
        }
    }
}
