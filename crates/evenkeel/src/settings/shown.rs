//! Settings as they are in force, for people to read: each with where it came from, as TOML that
//! could be a configuration file. Secrets are not shown.

use std::fmt::Write;

/// Who gave a setting its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    Flag,
    /// By its name.
    Variable(String),
    /// As `FILE:LINE`.
    File(String),
}

/// A setting that was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Taken {
    /// The flag without its dashes.
    pub(crate) key: String,
    pub(crate) source: Source,
    pub(crate) values: Vec<String>,
}

/// Settings that are secrets, or have one in them.
fn is_secret(key: &str) -> bool {
    const PARTS: [&str; 4] = ["secret", "token", "password", "header"];
    key == "smtp-relay" || PARTS.iter().any(|part| key.ends_with(part))
}

/// All settings, in the order of the help text. Those that nobody gave are comments with their
/// default.
pub(crate) fn render(taken: &[Taken]) -> String {
    let mut out = String::new();
    for arg in crate::cli::settings() {
        let key = arg.get_long().unwrap_or_default();
        let of_key = taken.iter().find(|taken| taken.key == key);
        let _ = match of_key {
            None => {
                let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
                writeln!(out, "# {key}: {}", default_in(&help))
            }
            Some(taken) if is_secret(key) => {
                writeln!(out, "# {key}: not shown; from {}", taken.source)
            }
            Some(taken) => {
                writeln!(out, "{key} = {} # {}", value(&taken.values), taken.source)
            }
        };
    }
    out
}

/// What the help text of a flag says that it is without one.
fn default_in(help: &str) -> String {
    match help.split_once("[default: ").map(|(_, rest)| rest.split(']').next().unwrap_or(rest)) {
        Some(default) => {
            format!("{} (default)", default.split_whitespace().collect::<Vec<_>>().join(" "))
        }
        None => "not given".to_owned(),
    }
}

fn value(values: &[String]) -> String {
    let text = |text: &String| toml::Value::String(text.clone()).to_string();
    match values {
        [one] => text(one),
        several => format!("[{}]", several.iter().map(text).collect::<Vec<_>>().join(", ")),
    }
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Flag => f.write_str("flag"),
            Self::Variable(name) => f.write_str(name),
            Self::File(place) => f.write_str(place),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_is_a_file_without_secrets() {
        let taken = |key: &str, source, values: &[&str]| Taken {
            key: key.to_owned(),
            source,
            values: values.iter().map(|text| (*text).to_owned()).collect(),
        };
        let text = render(&[
            taken("http", Source::File("f:3".to_owned()), &["127.0.0.1:1", "[::1]:2"]),
            taken("workers", Source::Variable("EVENKEEL_WORKERS".to_owned()), &["2"]),
            taken("dns-cookie-secret", Source::Flag, &["5ec4e7"]),
            taken("smtp-relay", Source::Flag, &["smtp://a:5ec4e7@b"]),
            taken("pop", Source::Flag, &["a \"b\""]),
        ]);
        for line in [
            "http = [\"127.0.0.1:1\", \"[::1]:2\"] # f:3",
            "workers = \"2\" # EVENKEEL_WORKERS",
            "# dns-cookie-secret: not shown; from flag",
            "# api: 127.0.0.1:8787 (default)",
            "# coordinates: not given",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} missing in\n{text}");
        }
        assert!(!text.contains("5ec4e7"), "{text}");
        let file: toml::Table = text.parse().unwrap();
        assert_eq!(file["pop"].as_str(), Some("a \"b\""));
    }
}
