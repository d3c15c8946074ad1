//! What happens while a node runs: signals, and what comes of them.
//!
//! | signal | what it does |
//! |---|---|
//! | SIGTERM, SIGINT | drains promptly and ends; the second one ends at once |
//! | SIGHUP | files are looked at again, settings judged |
//! | SIGUSR2 | another process takes over, this one drains gently |

use std::io;
use std::time::Duration;

use evenkeel_net::drain::Drain;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use super::control_plane::Prepared;
use super::succession::successor::Successor;
use super::{Node, manager};
use crate::exit::Failure;

/// After this long a control plane that could not begin again is tried once more.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// Signals that are listened for.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
    upgrade: Signal,
}

impl Signals {
    fn listen() -> io::Result<Self> {
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
    Done,
    Failed,
    /// It was asked to stop meanwhile.
    Stopped,
}

impl Node {
    /// Serves until a signal asks to stop, or another process has taken over; then drains.
    ///
    /// # Errors
    /// When signals cannot be received, or a worker ended by itself.
    pub(crate) fn run(mut self) -> Result<(), Failure> {
        let entered = self.house.handle().clone();
        let entered = entered.enter();
        let mut signals = Signals::listen().map_err(Failure::doing("listening for signals"))?;
        drop(entered);
        manager::keep_watchdog_quiet(self.house.handle());
        manager::ready();
        loop {
            match self.next(&mut signals) {
                Event::Stop => return self.stop(signals),
                Event::Failed => {
                    let _ = self.stop(signals);
                    return Err(Failure::doing("serving requests")("a worker ended by itself"));
                }
                Event::Reload => {
                    manager::reloading();
                    self.reload.look(&self.ground);
                    self.data.reopen_logs();
                    manager::ready();
                }
                Event::Resume => self.resume(),
                Event::Upgrade => match self.upgrade(&mut signals) {
                    Upgrade::Done => return self.leave(signals),
                    Upgrade::Stopped => return self.stop(signals),
                    Upgrade::Failed => {}
                },
            }
        }
    }

    fn next(&mut self, signals: &mut Signals) -> Event {
        let Self { house, data, control, .. } = self;
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
    fn upgrade(&mut self, signals: &mut Signals) -> Upgrade {
        if std::process::id() == 1 || !self.reload.is_repeatable() {
            tracing::error!(
                "This process cannot hand over: the container ends with it, or it is a demo."
            );
            return Upgrade::Failed;
        }
        tracing::info!("Starting the process that is to take over.");
        manager::reloading();
        let successor = match Successor::start(&self.ground.sockets.descriptors()) {
            Ok(successor) => successor,
            Err(error) => {
                tracing::error!(%error, "No other process could be started; going on.");
                manager::ready();
                return Upgrade::Failed;
            }
        };
        let line = successor.line();
        let prepared = self.house.block_on(async {
            let prepared = tokio::task::spawn_blocking(move || line.prepared());
            tokio::select! {
                prepared = prepared => Some(prepared.unwrap_or_else(|e| Err(io::Error::other(e)))),
                () = signals.stop() => None,
            }
        });
        match prepared {
            Some(Ok(())) => self.hand_over(successor),
            Some(Err(error)) => {
                successor.give_up();
                tracing::error!(%error, "The new process does not take over; going on.");
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
        match successor.line().take(&self.ground.shared.sessions) {
            Ok(()) => {
                manager::succeeded_by(successor.id());
                successor.line().yours();
                tracing::info!(pid = successor.id(), "Another process has taken over.");
                Upgrade::Done
            }
            Err(error) => {
                tracing::error!(%error, "The new process has failed; going on.");
                successor.give_up();
                self.resume();
                manager::ready();
                Upgrade::Failed
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
    fn stop(self, signals: Signals) -> Result<(), Failure> {
        tracing::info!("Draining: no new connections, requests under way are finished.");
        manager::stopping();
        let Self { house, ground, data, control, .. } = self;
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
    fn leave(self, signals: Signals) -> Result<(), Failure> {
        let Self { house, ground, data, .. } = self;
        let drain = data.drain();
        drain.send_replace(Drain::Gentle);
        house.spawn(hurry(signals, drain));
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
