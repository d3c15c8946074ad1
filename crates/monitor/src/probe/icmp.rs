//! The `icmp_ping` and `udp_icmp` monitors.

use std::net::{IpAddr, SocketAddr};

use evenkeel_model::FailureReason;
use evenkeel_net::icmp::{self, EchoError};
use tokio::time::{Instant, timeout_at};
use tracing::warn;

use super::dial::{Place, connect_reason, own_want};
use super::{Attempt, Miss, Pass, Prober, impossible, required_port};
use crate::ask::Ask;
use crate::trace::PhaseName;

/// What a UDP endpoint is sent: one byte, for some servers take an empty datagram for the end of
/// their input.
const DATAGRAM: &[u8] = &[0];

/// The `icmp_ping` monitor: an echo that comes back.
pub(crate) async fn ping(
    prober: &Prober,
    ask: &Ask<'_>,
    attempt: Attempt<'_>,
) -> Result<Pass, Miss> {
    let address = prober.resolver.resolve(Place::of(ask, 0), attempt).await?;
    echo(prober, address.ip(), attempt).await
}

/// The `udp_icmp` monitor: an echo that comes back, then a datagram that nobody calls
/// undeliverable. Silence is what most servers answer to a datagram that means nothing to them, so
/// it takes the whole timeout to pass; the round trip is the echo's.
pub(crate) async fn knock(
    prober: &Prober,
    ask: &Ask<'_>,
    attempt: Attempt<'_>,
) -> Result<Pass, Miss> {
    let port = required_port(ask, attempt)?;
    let address: SocketAddr = prober.resolver.resolve(Place::of(ask, port), attempt).await?;
    let pass = echo(prober, address.ip(), attempt).await?;
    attempt.trace.begin(PhaseName::Datagram);
    // Behaviour.md 7.8 has no word for a closed UDP port.
    match timeout_at(attempt.deadline, icmp::knock(address, DATAGRAM)).await {
        Err(_) => attempt.trace.done(|| "silence".to_owned()),
        Ok(Ok(())) => attempt.trace.done(|| "answered".to_owned()),
        Ok(Err(error)) => return Err(own_want(error, attempt, |_| FailureReason::Other)),
    }
    Ok(pass)
}

/// A want of time has no documented name either: those of TCP and HTTP would mislead.
async fn echo(prober: &Prober, to: IpAddr, attempt: Attempt<'_>) -> Result<Pass, Miss> {
    let token = fastrand::u128(..).to_ne_bytes();
    attempt.trace.begin(PhaseName::Ping);
    let started = Instant::now();
    match attempt.within(FailureReason::Other, icmp::echo(to, token)).await? {
        Ok(()) => {
            attempt.trace.done(|| to.to_string());
            Ok(Pass { response_code: 0, rtt: started.elapsed() })
        }
        Err(EchoError::Io(error)) => Err(own_want(error, attempt, connect_reason)),
        Err(error @ EchoError::Forbidden(_)) => {
            if prober.is_time_to_log() {
                warn!("Monitors of the types icmp_ping and udp_icmp fail: {error}.");
            }
            Err(impossible(attempt, &error.to_string()))
        }
    }
}
