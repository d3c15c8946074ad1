//! What one probe did, step by step: for people who want to know why it failed. Probes on a schedule
//! keep no trace; everything here then costs one comparison.

use std::fmt;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use evenkeel_model::FailureReason;
use tokio::time::Instant;

/// Phases kept of one probe; later ones are dropped. Six attempts of eleven requests with six phases
/// each are the most that the API's limits allow.
const PHASES_MAX: usize = 400;

/// Characters of a note; a peer may choose some of them.
const NOTE_CHARS_MAX: usize = 200;

/// One step of a probe. Steps do not overlap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Phase {
    /// What was done.
    pub name: PhaseName,
    /// In which attempt, from 1 on.
    pub attempt: u16,
    /// When it began, in microseconds since the probe did.
    pub at_us: u64,
    /// How long it took, in microseconds.
    pub took_us: u64,
    /// What came of it, for people: an address, a status code, why it failed.
    pub note: String,
    /// Whether the probe failed here.
    pub failed: bool,
}

/// What a [`Phase`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PhaseName {
    /// Looked a host name up.
    Resolve,
    /// Opened a TCP connection.
    Connect,
    /// Shook hands over TLS.
    Tls,
    /// Sent a request and waited for the first byte of the answer.
    FirstByte,
    /// Read the rest of a response's head, or of an answer that has only one part.
    Head,
    /// Read and searched a body.
    Body,
    /// Sent an ICMP echo request and waited for its reply.
    Ping,
    /// Sent a UDP datagram and waited for anything that says nobody wants it.
    Datagram,
    /// Waited for a mail server's greeting.
    Greeting,
    /// Greeted a mail server.
    Hello,
    /// Said goodbye to a mail server.
    Quit,
    /// Judged the settings, before anything was asked.
    Settings,
}

impl PhaseName {
    /// A word for people.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Resolve => "resolve",
            Self::Connect => "connect",
            Self::Tls => "TLS",
            Self::FirstByte => "first byte",
            Self::Head => "head",
            Self::Body => "body",
            Self::Ping => "ping",
            Self::Datagram => "datagram",
            Self::Greeting => "greeting",
            Self::Hello => "HELO",
            Self::Quit => "QUIT",
            Self::Settings => "settings",
        }
    }
}

impl fmt::Display for PhaseName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Takes down the phases of one probe, or nothing.
#[derive(Debug)]
pub(crate) struct Trace(Option<Mutex<Log>>);

#[derive(Debug)]
struct Log {
    begun: Instant,
    attempt: u16,
    phases: Vec<Phase>,
    /// When the phase under way began, and which it is.
    open: Option<(PhaseName, Instant)>,
    /// What the failure to come is about.
    because: Option<String>,
    address: Option<IpAddr>,
}

impl Trace {
    /// Takes nothing down.
    pub(crate) const fn off() -> Self {
        Self(None)
    }

    /// Takes everything down, from now on.
    pub(crate) fn on() -> Self {
        Self(Some(Mutex::new(Log {
            begun: Instant::now(),
            attempt: 1,
            phases: Vec::new(),
            open: None,
            because: None,
            address: None,
        })))
    }

    fn log(&self) -> Option<MutexGuard<'_, Log>> {
        self.0.as_ref().map(|log| log.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Begins a phase.
    pub(crate) fn begin(&self, name: PhaseName) {
        if let Some(mut log) = self.log() {
            log.open = Some((name, Instant::now()));
        }
    }

    /// Ends the phase under way, and well.
    pub(crate) fn done(&self, note: impl FnOnce() -> String) {
        if let Some(mut log) = self.log() {
            log.close(Instant::now(), &note(), false);
        }
    }

    /// Ends the phase under way at a moment that has passed, and begins another there.
    pub(crate) fn turn(&self, at: Instant, to: PhaseName) {
        if let Some(mut log) = self.log() {
            log.close(at, "", false);
            log.open = Some((to, at));
        }
    }

    /// Which address was asked. The first counts: that is the endpoint's.
    pub(crate) fn address(&self, ip: IpAddr) {
        if let Some(mut log) = self.log() {
            log.address.get_or_insert(ip);
        }
    }

    /// Explains the failure to come.
    pub(crate) fn because(&self, why: &dyn fmt::Display) {
        if let Some(mut log) = self.log() {
            log.because = Some(why.to_string());
        }
    }

    /// Ends the attempt with its phase under way, and not well.
    pub(crate) fn failed(&self, reason: FailureReason) {
        if let Some(mut log) = self.log() {
            let note = match log.because.take() {
                Some(why) => format!("{reason}: {why}"),
                None => reason.to_string(),
            };
            // With nothing under way, it was not the endpoint that failed.
            log.open.get_or_insert((PhaseName::Settings, Instant::now()));
            log.close(Instant::now(), &note, true);
        }
    }

    /// Begins another attempt.
    pub(crate) fn next_attempt(&self) {
        if let Some(mut log) = self.log() {
            log.attempt = log.attempt.saturating_add(1);
        }
    }

    /// What was taken down: the phases, and the endpoint's address if that was found out.
    pub(crate) fn finish(self) -> (Vec<Phase>, Option<IpAddr>) {
        let Some(log) = self.0 else { return (Vec::new(), None) };
        let log = log.into_inner().unwrap_or_else(PoisonError::into_inner);
        (log.phases, log.address)
    }
}

impl Log {
    fn close(&mut self, at: Instant, note: &str, failed: bool) {
        let Some((name, begun)) = self.open.take() else { return };
        if self.phases.len() >= PHASES_MAX {
            return;
        }
        let us = |from: Instant, to: Instant| {
            u64::try_from(to.saturating_duration_since(from).as_micros()).unwrap_or(u64::MAX)
        };
        self.phases.push(Phase {
            name,
            attempt: self.attempt,
            at_us: us(self.begun, begun),
            took_us: us(begun, at),
            note: printable(note),
            failed,
        });
    }
}

/// What a peer chose must not move a terminal's cursor.
fn printable(note: &str) -> String {
    let visible = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    note.chars().take(NOTE_CHARS_MAX).map(visible).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::advance;

    use super::*;

    fn told(trace: Trace) -> Vec<(PhaseName, u16, u64, u64, String, bool)> {
        let (phases, _) = trace.finish();
        let tuple = |p: Phase| (p.name, p.attempt, p.at_us, p.took_us, p.note, p.failed);
        phases.into_iter().map(tuple).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn phases_follow_one_another_and_a_failure_ends_the_one_under_way() {
        let trace = Trace::on();
        let ms = Duration::from_millis;
        trace.begin(PhaseName::Connect);
        advance(ms(2)).await;
        trace.done(|| "there".to_owned());
        trace.begin(PhaseName::FirstByte);
        let first_byte = Instant::now() + ms(1);
        advance(ms(3)).await;
        trace.turn(first_byte, PhaseName::Head);
        trace.because(&"no\x1bmore");
        trace.failed(FailureReason::HttpTimeout);
        trace.next_attempt();
        trace.begin(PhaseName::Connect);
        trace.failed(FailureReason::TcpTimeout);
        let phase = |name, attempt, at, took, note: &str, failed| {
            (name, attempt, at, took, note.to_owned(), failed)
        };
        assert_eq!(
            told(trace),
            [
                phase(PhaseName::Connect, 1, 0, 2_000, "there", false),
                phase(PhaseName::FirstByte, 1, 2_000, 1_000, "", false),
                phase(
                    PhaseName::Head,
                    1,
                    3_000,
                    2_000,
                    "HTTP timeout occurred: no\u{fffd}more",
                    true
                ),
                phase(PhaseName::Connect, 2, 5_000, 0, "TCP Timeout", true),
            ]
        );
    }

    #[tokio::test]
    async fn what_is_taken_down_is_bounded() {
        let trace = Trace::on();
        for _ in 0..2 * PHASES_MAX {
            trace.begin(PhaseName::Head);
            trace.done(|| "x".repeat(2 * NOTE_CHARS_MAX));
        }
        let phases = told(trace);
        assert_eq!(phases.len(), PHASES_MAX);
        assert_eq!(phases[0].4.len(), NOTE_CHARS_MAX);
        let off = Trace::off();
        off.begin(PhaseName::Head);
        off.done(|| unreachable!("nobody reads it"));
        assert_eq!(off.finish(), (Vec::new(), None));
    }
}
