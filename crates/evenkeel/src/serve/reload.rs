//! What SIGHUP does: files are looked at again, and settings judged. Settings themselves are those of
//! the start; a new process (SIGUSR2) takes new ones.

use std::sync::Arc;

use tokio::sync::Notify;

use super::ground::Ground;
use crate::cli::ServeArgs;
use crate::settings::{self, Taken};

/// Whoever has files to look at.
#[derive(Debug)]
pub(super) struct Reload {
    look_at_certificates: Arc<Notify>,
    pub(super) look_at_places: Arc<Notify>,
    /// What the settings were made of; `None` where they were made up.
    typed: Option<(Box<ServeArgs>, Vec<Taken>)>,
}

impl Reload {
    pub(super) fn new(ground: &Ground) -> Self {
        Self {
            look_at_certificates: Arc::clone(&ground.tls.look),
            look_at_places: Arc::default(),
            typed: None,
        }
    }

    /// Says what the settings were made of, and can be made of again.
    pub(super) fn judge_by(&mut self, args: ServeArgs, taken: Vec<Taken>) {
        self.typed = Some((Box::new(args), taken));
    }

    /// Whether a process started now would have the same command line.
    pub(super) fn is_repeatable(&self) -> bool {
        self.typed.is_some()
    }

    /// Has everything looked at. What cannot be used is logged and stays as it was.
    pub(super) fn look(&self, ground: &Ground) {
        tracing::info!("Looking at certificates, geographic databases and settings again.");
        self.look_at_certificates.notify_one();
        self.look_at_places.notify_one();
        ground.records.reopen();
        let api = &ground.settings.of_api;
        if let (Some(files), Some(tls)) = (&api.tls_files, &api.server.tls) {
            match files.read() {
                Ok(config) => tls.store(config),
                Err(problem) => {
                    tracing::error!(%problem, "The API keeps the certificate it has.");
                }
            }
        }
        if let Some((args, before)) = &self.typed {
            judge(args, before);
        }
    }
}

/// Logs what a new process would find different, and every mistake it would refuse.
fn judge(args: &ServeArgs, before: &[Taken]) {
    let reading = settings::read(args);
    for problem in &reading.problems {
        tracing::error!(%problem, "A setting is wrong; a new process would not start.");
    }
    for key in changed(before, &reading.taken) {
        tracing::warn!(setting = %key, "A setting has changed; SIGUSR2 or a restart makes it count.");
    }
}

/// Keys whose values are not what they were.
fn changed<'t>(before: &'t [Taken], after: &'t [Taken]) -> Vec<&'t str> {
    let values = |taken: &'t [Taken], key: &str| {
        taken.iter().find(|taken| taken.key == key).map(|taken| &taken.values)
    };
    let mut keys: Vec<_> = before.iter().chain(after).map(|taken| taken.key.as_str()).collect();
    keys.sort_unstable();
    keys.dedup();
    keys.retain(|key| values(before, key) != values(after, key));
    keys
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Source;

    #[test]
    fn a_setting_has_changed_when_its_values_have() {
        let taken = |key: &str, value: &str, line: u32| Taken {
            key: key.to_owned(),
            source: Source::File(format!("evenkeel.toml:{line}")),
            values: vec![value.to_owned()],
        };
        let before = [taken("workers", "2", 1), taken("pop", "LIS", 2), taken("api", "a", 3)];
        let after = [taken("workers", "3", 1), taken("pop", "LIS", 9), taken("region", "WEU", 3)];
        assert_eq!(changed(&before, &after), ["api", "region", "workers"]);
        assert!(changed(&before, &before).is_empty());
    }
}
