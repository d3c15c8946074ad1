//! Probes that previews ask for.

use std::sync::Arc;

use evenkeel_control::{PreviewAsk, PreviewOutcome, Probed, ProbedPhase, Prober, Probing};
use evenkeel_model::{EndpointHealth, Verdict};
use evenkeel_monitor::{Ask, Phase, ProbeResult};

/// Probes of previews, by the monitors' own means.
pub(super) struct Trials(pub(super) evenkeel_monitor::Prober);

impl Prober for Trials {
    fn probe(self: Arc<Self>, ask: PreviewAsk) -> Probing {
        Box::pin(async move {
            let endpoint = ask.config.endpoint(ask.endpoint);
            let pool = ask.config.pool(endpoint.pool).id;
            let ask = Ask::new(pool, endpoint, ask.config.monitor(ask.monitor));
            let ProbeResult { health, phases, address } = self.0.probe(ask).await;
            let EndpointHealth { verdict, reason, response_code, rtt_us, .. } = health;
            Probed {
                outcome: PreviewOutcome { reason, response_code, rtt_us },
                is_telling: verdict != Verdict::Unknown,
                address,
                phases: phases.into_iter().map(told).collect(),
            }
        })
    }
}

fn told(phase: Phase) -> ProbedPhase {
    let Phase { name, attempt, at_us, took_us, note, failed } = phase;
    ProbedPhase { name: name.as_str(), attempt, at_us, took_us, note, failed }
}
