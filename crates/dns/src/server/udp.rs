//! UDP: a thread per socket, which receives a batch of datagrams with one system call and sends
//! their answers with another.

use std::net::{SocketAddr, UdpSocket};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use evenkeel_net::udp::{Batch, Datagram};

use super::respond::{Moment, Responder};

/// How long a thread waits for a datagram before it looks whether the node ends: four times a
/// second costs nothing, and nobody waits longer for the end.
pub(super) const PATIENCE: Duration = Duration::from_millis(250);
/// Pause after a failure to receive, which is the machine's (no memory) and passes.
const FAILURE_PAUSE: Duration = Duration::from_millis(20);

/// Answers until the node ends.
pub(super) fn serve(responder: &Responder, socket: &UdpSocket, own: SocketAddr) {
    let mut batch = Batch::default();
    while !responder.shared.is_draining.load(Relaxed) {
        match batch.receive(socket) {
            Ok(0) => {}
            Ok(_) => turn(responder, &mut batch, socket, own),
            Err(error) => {
                tracing::debug!(%error, "Datagrams could not be received.");
                std::thread::sleep(FAILURE_PAUSE);
            }
        }
    }
}

fn turn(responder: &Responder, batch: &mut Batch, socket: &UdpSocket, own: SocketAddr) {
    let serving = responder.shared.serving.load();
    let moment = Moment::now(&responder.shared);
    batch.each(|datagram, out| {
        let Datagram { bytes, source, is_cut } = datagram;
        if is_cut || is_impossible(source, own) {
            responder.metrics.ignored.increment();
            return;
        }
        // A query that meets a mistake of ours must not take others along.
        let respond = || responder.respond(&serving, moment, bytes, source, out);
        if catch_unwind(AssertUnwindSafe(respond)).is_err() {
            tracing::error!(query = %bytes.escape_ascii(), "A query could not be answered.");
            out.clear();
        }
    });
    let sent = batch.send(socket);
    responder.metrics.unsent.add(sent.failed as u64);
}

/// Whether nobody who asks can be there: no port, this very socket, or one of the old services that
/// answer whatever they are sent.
fn is_impossible(source: SocketAddr, own: SocketAddr) -> bool {
    const ECHO: u16 = 7;
    const DAYTIME: u16 = 13;
    const QUOTE: u16 = 17;
    const CHARACTERS: u16 = 19;
    const TIME: u16 = 37;
    matches!(source.port(), 0 | ECHO | DAYTIME | QUOTE | CHARACTERS | TIME)
        || (source.port() == own.port() && source.ip() == own.ip())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn senders_that_cannot_have_asked_are_known() {
        let own = "192.0.2.1:53".parse().unwrap();
        for (source, expected) in [
            ("198.51.100.1:40000", false),
            ("198.51.100.1:53", false),
            ("192.0.2.1:54", false),
            ("192.0.2.1:53", true),
            ("198.51.100.1:0", true),
            ("198.51.100.1:7", true),
            ("198.51.100.1:19", true),
        ] {
            assert_eq!(is_impossible(source.parse().unwrap(), own), expected, "{source}");
        }
    }
}
