//! Settings of the access log: where to, how, and of which requests.

use std::path::PathBuf;
use std::str::FromStr;

use evenkeel_telemetry::{AccessLogFormat, AccessLogOptions, LogTo, SampleRate};

use super::Layers;
use crate::cli::LogArgs;

impl Layers<'_> {
    /// Settings as meant; `None` while there is no access log.
    pub(super) fn access_log(&mut self, args: &LogArgs) -> Option<AccessLogOptions> {
        let path = self.whole("access-log", &args.access_log).map(PathBuf::from);
        let format = self.one("access-log-format", &args.access_log_format);
        let share = self.one("access-log-sample", &args.access_log_sample);
        let errors = self.one("access-log-errors", &args.access_log_errors);
        let Some(path) = path else {
            for (key, is_given) in [
                ("access-log-format", format.is_some()),
                ("access-log-sample", share.is_some()),
                ("access-log-errors", errors.is_some()),
            ] {
                if is_given {
                    self.problems.push(format!("access-log: missing beside {key}"));
                }
            }
            return None;
        };
        let Share(share) = share.unwrap_or(Share(1.0));
        let keeps_errors = errors.unwrap_or(Errors::Always) == Errors::Always;
        Some(AccessLogOptions {
            to: LogTo::from(path.as_path()),
            format: format.map_or_else(AccessLogFormat::default, |FormatName(format)| format),
            sample: SampleRate::new(share, keeps_errors).unwrap_or_default(),
        })
    }
}

/// A format as typed.
#[derive(Debug)]
struct FormatName(AccessLogFormat);

impl FromStr for FormatName {
    type Err = &'static str;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        match word {
            "json" => Ok(Self(AccessLogFormat::Json)),
            "combined" => Ok(Self(AccessLogFormat::Combined)),
            _ => Err("is neither json nor combined"),
        }
    }
}

/// Which errors get a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Errors {
    Always,
    Sampled,
}

impl FromStr for Errors {
    type Err = &'static str;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        match word {
            "always" => Ok(Self::Always),
            "sampled" => Ok(Self::Sampled),
            _ => Err("is neither always nor sampled"),
        }
    }
}

/// A share as typed.
#[derive(Debug)]
pub(super) struct Share(pub(super) f64);

impl FromStr for Share {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let share = text.parse().ok().filter(|share| (0.0..=1.0).contains(share));
        share.map(Self).ok_or("is not a share from 0 to 1, 0.01 for one in a hundred")
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;
    use super::*;

    #[test]
    fn there_is_no_access_log_until_one_is_asked_for() {
        assert_eq!(check(&[], &[], "").0.access_log, None);
        let (settings, problems) = check(&["--access-log", "-"], &[], "");
        assert_eq!(problems, Vec::<String>::new());
        let usual = AccessLogOptions {
            to: LogTo::Stdout,
            format: AccessLogFormat::Json,
            sample: SampleRate::default(),
        };
        assert_eq!(settings.access_log, Some(usual));
        let environment = [("EVENKEEL_ACCESS_LOG", "/var/log/a,b")];
        let flags = ["--access-log-sample=0.25", "--access-log-errors=sampled"];
        let (settings, problems) = check(&flags, &environment, "access_log_format = 'combined'");
        assert_eq!(problems, Vec::<String>::new());
        let expected = AccessLogOptions {
            to: LogTo::File("/var/log/a,b".into()),
            format: AccessLogFormat::Combined,
            sample: SampleRate::new(0.25, false).unwrap(),
        };
        assert_eq!(settings.access_log, Some(expected));
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        for (flags, start) in [
            (&["--access-log=-", "--access-log-format=apache"][..], "--access-log-format:"),
            (&["--access-log=-", "--access-log-sample=1.5"], "--access-log-sample:"),
            (&["--access-log=-", "--access-log-sample=half"], "--access-log-sample:"),
            (&["--access-log=-", "--access-log-errors=never"], "--access-log-errors:"),
            (&["--access-log-format=json"], "access-log:"),
        ] {
            let (_, problems) = check(flags, &[], "");
            assert_eq!(problems.len(), 1, "{flags:?}: {problems:?}");
            assert!(problems[0].starts_with(start), "{problems:?}");
        }
    }
}
