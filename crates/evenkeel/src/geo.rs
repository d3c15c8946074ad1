//! The operator's geographic databases: refused as settings when they cannot be used at the start,
//! and looked after while the node runs.

use std::sync::Arc;
use std::time::Duration;

use evenkeel_net::geo::{GeoChange, GeoFiles};
use evenkeel_telemetry::Counter;
use tokio::sync::Notify;

use crate::exit::Failure;

/// How often the files are looked at. Publishers replace them once a week; whoever replaces one by
/// hand sees the change before wondering.
const LOOK_INTERVAL: Duration = Duration::from_secs(2);

/// Settings that name files which cannot be used.
pub(crate) fn refused(problems: &[GeoChange]) -> Failure {
    Failure::Configuration(problems.iter().map(describe).collect())
}

/// Reads files again when they change, for as long as the node runs; at once when asked to look.
///
/// Dropping the future ends it after what is being read.
pub(crate) async fn watch(mut files: GeoFiles, look: Arc<Notify>, reloads: Arc<Counter>) {
    if files.is_empty() {
        return;
    }
    let mut looks = tokio::time::interval(LOOK_INTERVAL);
    loop {
        tokio::select! {
            _ = looks.tick() => {}
            () = look.notified() => {}
        }
        let looked = tokio::task::spawn_blocking(move || {
            let changes = files.refresh();
            (files, changes)
        });
        let Ok((kept, changes)) = looked.await else { return };
        files = kept;
        changes.iter().for_each(log);
        reloads.add(changes.iter().filter(|change| change.outcome.is_ok()).count() as u64);
    }
}

fn log(change: &GeoChange) {
    let file = change.path.display();
    match &change.outcome {
        Ok(()) => tracing::info!(%file, "A geographic database was read again."),
        Err(error) => {
            let cause = std::error::Error::source(error).map(ToString::to_string);
            tracing::warn!(
                %file,
                %error,
                cause,
                "A geographic database cannot be used; the one read before stays."
            );
        }
    }
}

/// A sentence that begins with the setting.
pub(crate) fn describe(change: &GeoChange) -> String {
    let file = change.path.display();
    match &change.outcome {
        Ok(()) => format!("geoip: {file}"),
        Err(error) => match std::error::Error::source(error) {
            Some(cause) => format!("geoip: {file} {error}: {cause}"),
            None => format!("geoip: {file} {error}"),
        },
    }
}
