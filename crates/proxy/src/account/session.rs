//! What became of a request's session, read from its trail.
//!
//! On the request path.

use evenkeel_decision::{SessionFinding, Trail, TrailStep};
use evenkeel_model::EndpointIx;
use evenkeel_telemetry::SessionResult;

/// What became of the session of a request that this endpoint answered, if any did. `None` where
/// sessions are not kept.
pub(super) fn result(trail: &Trail, served: Option<EndpointIx>) -> Option<SessionResult> {
    let stayed = |pinned: EndpointIx, result| match served {
        Some(other) if other != pinned => SessionResult::Moved,
        _ => result,
    };
    trail.steps().iter().find_map(|step| match *step {
        TrailStep::Pinned(pinned) => Some(Some(stayed(pinned, SessionResult::Hit))),
        TrailStep::Draining(pinned) => Some(Some(stayed(pinned, SessionResult::Draining))),
        TrailStep::Session(finding) => Some(without_pin(finding, served.is_some())),
        _ => None,
    })?
}

fn without_pin(finding: SessionFinding, is_served: bool) -> Option<SessionResult> {
    use SessionFinding as Finding;
    Some(match finding {
        Finding::Off => return None,
        // The session, if there is one, stays as it is.
        Finding::NoKey | Finding::Overridden => SessionResult::None,
        _ if !is_served => SessionResult::None,
        Finding::None
        | Finding::Malformed
        | Finding::UnknownVersion
        | Finding::BadMac
        | Finding::OtherLoadBalancer
        | Finding::OtherKind
        | Finding::Expired => SessionResult::New,
        Finding::Gone
        | Finding::PoolUnfit
        | Finding::EndpointUnfit
        | Finding::EndpointEjected
        | Finding::FallbackOver
        | Finding::Shed => SessionResult::Moved,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_are_few_results() {
        use SessionFinding as Finding;
        use SessionResult::{Moved, New, None as Without};
        for (finding, served, unserved) in [
            (Finding::Off, None, None),
            (Finding::None, Some(New), Some(Without)),
            (Finding::BadMac, Some(New), Some(Without)),
            (Finding::Expired, Some(New), Some(Without)),
            (Finding::NoKey, Some(Without), Some(Without)),
            (Finding::Overridden, Some(Without), Some(Without)),
            (Finding::EndpointUnfit, Some(Moved), Some(Without)),
            (Finding::Shed, Some(Moved), Some(Without)),
        ] {
            assert_eq!(without_pin(finding, true), served, "{finding:?}");
            assert_eq!(without_pin(finding, false), unserved, "{finding:?}");
        }
        assert_eq!(result(&Trail::new(), None), None);
    }
}
