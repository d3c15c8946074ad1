//! From the verdicts of several monitors on one endpoint to one (behaviour.md 7.7). The checkers'
//! vote, per monitor, comes first and is [`super::vote`]'s.

use evenkeel_model::{EndpointHealth, FailureReason, PoolMonitor, Verdict};

/// What a pool's monitors make of an endpoint. `None` when none of them has a vote: health is then
/// ignored, as without a monitor.
///
/// ```text
///  a veto member unhealthy ────────────────────────────────▶ Unhealthy
///  else a veto member unknown, or every voter unknown ─────▶ Unknown
///  else more than half of the known voters unhealthy ──────▶ Unhealthy
///  else ───────────────────────────────────────────────────▶ Healthy
/// ```
///
/// A member with `must_be_healthy` is a veto member; one with `monitoring_only` is nothing here.
/// Members without a verdict do not vote. Half is not more than half: it is healthy.
#[must_use]
pub fn combine(members: impl IntoIterator<Item = (PoolMonitor, Verdict)>) -> Option<Verdict> {
    let (mut voters, mut known, mut unhealthy) = (0u32, 0u32, 0u32);
    let (mut vetoed, mut veto_pending) = (false, false);
    for (member, verdict) in members.into_iter().filter(|(member, _)| member.votes()) {
        voters += 1;
        known += u32::from(verdict != Verdict::Unknown);
        unhealthy += u32::from(verdict == Verdict::Unhealthy);
        vetoed |= member.is_veto() && verdict == Verdict::Unhealthy;
        veto_pending |= member.is_veto() && verdict == Verdict::Unknown;
    }
    (voters > 0).then_some(if vetoed {
        Verdict::Unhealthy
    } else if veto_pending || known == 0 {
        Verdict::Unknown
    } else if unhealthy * 2 > known {
        Verdict::Unhealthy
    } else {
        Verdict::Healthy
    })
}

/// The same with what the probes saw: the reason and the response code are those of the member that
/// explains the verdict best, the round trip is the voters' mean.
#[must_use]
pub fn conclude(members: &[(PoolMonitor, EndpointHealth)]) -> Option<EndpointHealth> {
    let verdict = combine(members.iter().map(|(member, health)| (*member, health.verdict)))?;
    let voters = || members.iter().filter(|(member, _)| member.votes());
    let agreeing = || voters().filter(|(_, health)| health.verdict == verdict);
    let speaker = match verdict {
        Verdict::Unhealthy => agreeing().find(|(member, _)| member.is_veto()),
        _ => None,
    };
    // Where a member of the minority fails, a healthy endpoint has no failures to tell of.
    let speaker = speaker.or_else(|| agreeing().next()).map(|(_, health)| health);
    Some(EndpointHealth {
        verdict,
        reason: speaker.map_or(FailureReason::NoFailures, |health| health.reason),
        response_code: speaker.map_or(0, |health| health.response_code),
        rtt_us: mean(voters().filter_map(|(_, health)| health.rtt_us)),
    })
}

fn mean(values: impl Iterator<Item = u32>) -> Option<u32> {
    let (count, sum) = values.fold((0u64, 0u64), |(n, sum), value| (n + 1, sum + u64::from(value)));
    let mean = sum.checked_div(count)?;
    u32::try_from(mean).ok()
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use evenkeel_model::MonitorIx;
    use proptest::prelude::*;

    use super::*;

    /// Members as text: `H`, `U` or `?`, with `!` for must_be_healthy and `~` for monitoring_only.
    fn group(text: &str) -> Vec<(PoolMonitor, Verdict)> {
        let member = |(n, word): (usize, &str)| {
            let verdict = match word.as_bytes()[0] {
                b'H' => Verdict::Healthy,
                b'U' => Verdict::Unhealthy,
                _ => Verdict::Unknown,
            };
            let monitor = PoolMonitor {
                monitor: MonitorIx(u32::try_from(n).unwrap()),
                must_be_healthy: word.contains('!'),
                monitoring_only: word.contains('~'),
            };
            (monitor, verdict)
        };
        text.split_whitespace().enumerate().map(member).collect()
    }

    #[test]
    fn trap_t26_more_than_half_or_one_that_must_be_healthy() {
        use Verdict::{Healthy, Unhealthy, Unknown};
        for (members, verdict) in [
            ("H", Some(Healthy)),
            ("U", Some(Unhealthy)),
            ("?", Some(Unknown)),
            // The trap itself: four voters.
            ("U U H H", Some(Healthy)),
            ("U U U H", Some(Unhealthy)),
            ("U! H H H", Some(Unhealthy)),
            ("U~ H H H", Some(Healthy)),
            ("U~ U~ U~ H", Some(Healthy)),
            // Both flags: monitoring_only wins.
            ("U!~ H", Some(Healthy)),
            // Nobody votes: no monitor.
            ("U~ U~", None),
            ("", None),
            // Unknown members do not vote ...
            ("? ? ? U", Some(Unhealthy)),
            ("? ? ? H", Some(Healthy)),
            ("? U H", Some(Healthy)),
            // ... unless all are, or one must be healthy.
            ("? ?", Some(Unknown)),
            ("?! H H", Some(Unknown)),
            ("?! U U", Some(Unknown)),
            ("?!~ H", Some(Healthy)),
            // Unhealthy at once, whatever is still unknown.
            ("?! U! H", Some(Unhealthy)),
        ] {
            assert_eq!(combine(group(members)), verdict, "{members:?}");
        }
    }

    #[test]
    fn the_reason_is_of_a_member_that_explains_the_verdict() {
        let told = |text: &str| {
            let members: Vec<_> = group(text)
                .into_iter()
                .zip(1u16..)
                .map(|((member, verdict), n)| {
                    let reason = match verdict {
                        Verdict::Unhealthy => FailureReason::TcpTimeout,
                        _ => FailureReason::NoFailures,
                    };
                    let rtt_us = Some(u32::from(n) * 1000);
                    (member, EndpointHealth { verdict, reason, response_code: n, rtt_us })
                })
                .collect();
            let health = conclude(&members).unwrap();
            (health.reason, health.response_code, health.rtt_us)
        };
        let (fine, late) = (FailureReason::NoFailures, FailureReason::TcpTimeout);
        for (members, expected) in [
            ("H", (fine, 1, Some(1000))),
            ("U", (late, 1, Some(1000))),
            ("U H H", (fine, 2, Some(2000))),
            ("H U U", (late, 2, Some(2000))),
            ("U U H U!", (late, 4, Some(2500))),
            ("U~ H", (fine, 2, Some(2000))),
            ("? ?", (fine, 1, Some(1500))),
            ("?! H", (fine, 1, Some(1500))),
        ] {
            assert_eq!(told(members), expected, "{members:?}");
        }
    }

    proptest! {
        /// Worse news never makes an endpoint healthier.
        #[test]
        fn the_vote_is_monotonous(words in prop::collection::vec(
            (prop::sample::select(std::vec!["H", "U", "?"]), any::<bool>(), any::<bool>()), 1..8),
            at in any::<prop::sample::Index>())
        {
            let member = |(verdict, veto, only): &(&str, bool, bool)| {
                let (veto, only) = (if *veto { "!" } else { "" }, if *only { "~" } else { "" });
                std::format!("{verdict}{veto}{only} ")
            };
            let members = group(&words.iter().map(member).collect::<std::string::String>());
            let at = at.index(members.len());
            let mut worse = members.clone();
            worse[at].1 = Verdict::Unhealthy;
            let mut better = members;
            better[at].1 = Verdict::Healthy;
            let (worse, better) = (combine(worse), combine(better));
            if worse == Some(Verdict::Healthy) {
                prop_assert_eq!(better, Some(Verdict::Healthy));
            }
            if better == Some(Verdict::Unhealthy) {
                prop_assert_eq!(worse, Some(Verdict::Unhealthy));
            }
        }
    }
}
