//! What happens while a node runs: signals, and what comes of them.
//!
//! | signal | what it does |
//! |---|---|
//! | SIGTERM, SIGINT | drains promptly and ends; the second one ends at once |
//! | SIGHUP | files are looked at again, settings judged |
//! | SIGUSR2 | another process takes over, this one drains gently |

use std::io;
use std::sync::Arc;
use std::time::Duration;

use evenkeel_net::drain::Drain;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use super::control_plane::Prepared;
use super::succession::Goodbye;
use super::succession::successor::Successor;
use super::upgrades::Upgraded;
use super::{Node, manager};
use crate::exit::Failure;

/// After this long a control plane that could not begin again is tried once more.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// Signals that are listened for: from before anybody is told that we serve, for one that nobody
/// listens for ends the process.
#[derive(Debug)]
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
    upgrade: Signal,
}

impl Signals {
    /// To be called within a runtime.
    pub(super) fn listen() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
            upgrade: signal(SignalKind::user_defined2())?,
        })
    }

    /// One that asks to end.
    async fn stop(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// What a node is asked to do.
enum Event {
    Stop,
    Reload,
    Upgrade,
    /// The control plane is tried again.
    Resume,
    /// A worker is gone.
    Failed,
}

/// What became of an upgrade.
enum Upgrade {
    /// What we said to the process that serves.
    Done(Goodbye),
    Failed,
    /// It was asked to stop meanwhile.
    Stopped,
}

impl Node {
    /// Serves until a signal asks to stop, or another process has taken over; then drains.
    ///
    /// # Errors
    /// When a worker ended by itself.
    pub(crate) fn run(mut self) -> Result<(), Failure> {
        manager::keep_watchdog_quiet(self.house.handle());
        manager::ready();
        if self.is_to_stop {
            tracing::info!("The service was asked to stop while it was handed over.");
            // A signal to both processes is one wish.
            let Self { house, signals, .. } = &mut self;
            house.block_on(async {
                tokio::select! {
                    biased;
                    () = signals.stop() => {}
                    () = std::future::ready(()) => {}
                }
            });
            return self.stop();
        }
        loop {
            match self.next() {
                Event::Stop => return self.stop(),
                Event::Failed => {
                    let _ = self.stop();
                    return Err(Failure::doing("serving requests")("a worker ended by itself"));
                }
                Event::Reload => {
                    manager::reloading();
                    self.reload.look(&self.ground);
                    self.data.reopen_logs();
                    manager::ready();
                }
                Event::Resume => self.resume(),
                Event::Upgrade => match self.upgrade() {
                    Upgrade::Done(Goodbye::Yours) => return self.leave(Drain::Gentle),
                    Upgrade::Done(Goodbye::Stop) => return self.leave(Drain::Prompt),
                    Upgrade::Stopped => return self.stop(),
                    Upgrade::Failed => {}
                },
            }
        }
    }

    fn next(&mut self) -> Event {
        let Self { house, signals, data, control, .. } = self;
        house.block_on(async {
            tokio::select! {
                _ = signals.terminate.recv() => Event::Stop,
                _ = signals.interrupt.recv() => Event::Stop,
                _ = signals.hangup.recv() => Event::Reload,
                _ = signals.upgrade.recv() => Event::Upgrade,
                () = data.failed() => Event::Failed,
                () = tokio::time::sleep(RETRY_AFTER), if control.is_none() => Event::Resume,
            }
        })
    }

    /// Has another process take over. Whatever fails, this one serves as before.
    fn upgrade(&mut self) -> Upgrade {
        if std::process::id() == 1 || !self.reload.is_repeatable() {
            tracing::error!(
                "This process cannot hand over: the container ends with it, or it is a demo."
            );
            self.ground.upgrades.count(Upgraded::Refused);
            return Upgrade::Failed;
        }
        tracing::info!("Starting the process that is to take over.");
        manager::reloading();
        let successor = match Successor::start(&self.ground.sockets.descriptors()) {
            Ok(successor) => successor,
            Err(error) => {
                tracing::error!(%error, "No other process could be started; going on.");
                self.ground.upgrades.count(Upgraded::Refused);
                manager::ready();
                return Upgrade::Failed;
            }
        };
        let line = successor.line();
        let Self { house, signals, .. } = self;
        let prepared = house.block_on(async {
            let prepared = tokio::task::spawn_blocking(move || line.prepared());
            tokio::select! {
                prepared = prepared => Some(prepared.unwrap_or_else(|e| Err(io::Error::other(e)))),
                () = signals.stop() => None,
            }
        });
        match prepared {
            Some(Ok(())) => self.hand_over(successor),
            Some(Err(error)) => {
                successor.give_up_for(&error);
                tracing::error!(%error, "The new process does not take over; going on.");
                self.ground.upgrades.count(Upgraded::Refused);
                manager::ready();
                Upgrade::Failed
            }
            None => {
                successor.give_up();
                Upgrade::Stopped
            }
        }
    }

    /// Ends the control plane, and begins it again if the other process does not serve.
    fn hand_over(&mut self, successor: Successor) -> Upgrade {
        if let Some(control) = self.control.take() {
            self.stage = control.end();
        }
        let line = successor.line();
        let upgrades = Arc::clone(&self.ground.upgrades);
        let sessions = Arc::clone(&self.ground.shared.sessions);
        let take = move || line.take(&upgrades, &sessions);
        let Self { house, signals, .. } = self;
        let taken = house.block_on(async {
            let mut taken = tokio::task::spawn_blocking(take);
            let mut goodbye = Goodbye::Yours;
            loop {
                tokio::select! {
                    taken = &mut taken => {
                        let taken = taken.unwrap_or_else(|error| Err(io::Error::other(error)));
                        return Some(taken.map(|()| goodbye).map_err(|error| (error, goodbye)));
                    }
                    () = signals.stop() => match goodbye {
                        Goodbye::Yours => goodbye = Goodbye::Stop,
                        Goodbye::Stop => return None,
                    },
                }
                tracing::info!("Asked to stop: the new process will be as well, once it serves.");
            }
        });
        match taken {
            Some(Ok(goodbye)) => {
                let id = successor.id();
                manager::succeeded_by(id);
                successor.line().part(goodbye);
                tracing::info!(pid = id, "Another process has taken over.");
                self.house.spawn_blocking(move || successor.see_off());
                Upgrade::Done(goodbye)
            }
            Some(Err((error, goodbye))) => {
                tracing::error!(%error, "The new process has failed; going on.");
                successor.give_up_for(&error);
                self.ground.upgrades.count(Upgraded::Failed);
                if goodbye == Goodbye::Stop {
                    return Upgrade::Stopped;
                }
                self.resume();
                manager::ready();
                Upgrade::Failed
            }
            None => {
                successor.give_up();
                Upgrade::Stopped
            }
        }
    }

    /// Begins the control plane again. The data plane serves the last view until it does.
    fn resume(&mut self) {
        let prepared = Prepared::again(&self.ground, &mut self.stage, &self.data.live);
        let started = prepared.and_then(|prepared| {
            prepared.start(&self.ground).map_err(|(failure, stage)| {
                self.stage = Some(stage);
                failure
            })
        });
        match started {
            Ok(control) => {
                tracing::info!("The control plane goes on.");
                self.control = Some(control);
            }
            Err(error) => tracing::error!(
                %error,
                "The control plane cannot go on: requests are served as they were, the API is not."
            ),
        }
    }

    /// Drains the workers, then ends the rest.
    fn stop(self) -> Result<(), Failure> {
        tracing::info!("Draining: no new connections, requests under way are finished.");
        manager::stopping();
        let Self { house, signals, ground, data, control, .. } = self;
        ground.ready.send_replace(false);
        let drain = data.drain();
        house.spawn(end_at_once(signals));
        let records = ground.records.clone();
        // Workers have their own copies, and the last one of each closes a listener.
        drop(ground);
        drain.send_replace(Drain::Prompt);
        let outcome = data.join();
        records.finish();
        if let Some(control) = control {
            control.end();
        }
        house.shutdown_background();
        outcome
    }

    /// Lets the clients go that are left, while the other process serves those who come.
    fn leave(self, how: Drain) -> Result<(), Failure> {
        let Self { house, signals, ground, data, .. } = self;
        let drain = data.drain();
        drain.send_replace(how);
        match how {
            Drain::Prompt => house.spawn(end_at_once(signals)),
            Drain::Not | Drain::Gentle => house.spawn(hurry(signals, drain)),
        };
        let records = ground.records.clone();
        drop(ground);
        let outcome = data.join();
        records.finish();
        tracing::info!("The last client of this process is gone.");
        house.shutdown_background();
        outcome
    }
}

/// A signal while a node takes its time leaving: it drains promptly from then on.
async fn hurry(mut signals: Signals, drain: watch::Sender<Drain>) {
    signals.stop().await;
    drain.send_replace(Drain::Prompt);
    end_at_once(signals).await;
}

async fn end_at_once(mut signals: Signals) {
    signals.stop().await;
    tracing::warn!("Second signal: ending at once.");
    std::process::exit(0);
}
