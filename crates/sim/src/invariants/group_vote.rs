//! The verdict on an endpoint is what its monitors come to, by the words of behaviour.md 7.7.

use evenkeel_model::{PoolMonitor, Verdict};

use super::{Finding, ensure};
use crate::publication::Publication;

pub(super) fn check(publication: &Publication) -> Finding {
    let config = &publication.view.config;
    for ((ix, endpoint), members) in config.endpoints_indexed().zip(&publication.findings) {
        let (published, meant) =
            (publication.view.health.endpoint(ix).verdict, by_the_book(members));
        ensure(published == meant, || {
            format!("{}: {published:?} instead of {meant:?} from {members:?}", endpoint.name)
        })?;
    }
    Ok(())
}

fn by_the_book(members: &[(PoolMonitor, Verdict)]) -> Verdict {
    let voting: Vec<_> = members.iter().filter(|(member, _)| !member.monitoring_only).collect();
    let has = |wanted| {
        voting.iter().any(|(member, verdict)| member.must_be_healthy && *verdict == wanted)
    };
    let known: Vec<_> = voting.iter().filter(|(_, found)| *found != Verdict::Unknown).collect();
    let unhealthy = known.iter().filter(|(_, found)| *found == Verdict::Unhealthy).count();
    match () {
        () if has(Verdict::Unhealthy) => Verdict::Unhealthy,
        () if has(Verdict::Unknown) || known.is_empty() => Verdict::Unknown,
        // Half of two is one, of three one and a half.
        () if unhealthy > known.len() / 2 => Verdict::Unhealthy,
        () => Verdict::Healthy,
    }
}
