//! What the service manager is told (systemd's `sd_notify`), where there is one.

use sd_notify::NotifyState;
use tokio::runtime::Handle;

/// Everything is served.
pub(super) fn ready() {
    tell(&[NotifyState::Ready]);
}

/// Settings are looked at, or another process prepares to take over. Ends with [`ready`], of
/// whichever process serves then.
pub(super) fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(_) => tell(&[NotifyState::Reloading]),
    }
}

/// Another process is the service from now on.
pub(super) fn succeeded_by(pid: u32) {
    tell(&[NotifyState::MainPid(pid)]);
}

/// The node ends.
pub(super) fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// Shows that we are alive, twice as often as the manager wants to see it.
pub(super) fn keep_watchdog_quiet(house: &Handle) {
    let Some(limit) = sd_notify::watchdog_enabled().filter(|limit| !limit.is_zero()) else {
        return;
    };
    house.spawn(async move {
        let mut turns = tokio::time::interval(limit / 2);
        loop {
            turns.tick().await;
            tell(&[NotifyState::Watchdog]);
        }
    });
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, ?states, "The service manager cannot be told.");
    }
}
