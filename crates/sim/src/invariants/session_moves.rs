//! A session's cookie is set exactly when a session begins or moves: not while it is kept, not when
//! another endpoint stands in for once, always when somebody new answers; and a session whose
//! endpoint fails does what zero-downtime failover says (behaviour.md 4.2, 4.7 (3)).

use evenkeel_model::{AffinityKind, ZeroDowntimeFailover};

use super::session_kept::must_keep;
use super::{Finding, ensure};
use crate::exchange::Exchange;
use crate::servers::Fate;

pub(super) fn check(exchange: &Exchange) -> Finding {
    let set = exchange.set_cookie.is_some();
    let Some(meant) = &exchange.meant else {
        return ensure(!set, || "a cookie from nobody".to_owned());
    };
    let Some(answered) = exchange.answered() else {
        return ensure(!set, || "a cookie without an answer".to_owned());
    };
    let kind = meant.affinity.kind;
    if !matches!(kind, AffinityKind::Cookie | AffinityKind::IpCookie) {
        return ensure(!set, || format!("a cookie under {kind:?}"));
    }
    let kept = exchange.session.as_ref().and_then(|held| must_keep(exchange, meant, held));
    let Some(pinned) = kept else {
        // Whoever has no session gets one. One that may or may not be kept is left alone.
        return match &exchange.session {
            Some(_) => Ok(()),
            None => ensure(set, || "an answer without a session".to_owned()),
        };
    };
    if answered.endpoint == pinned {
        return ensure(!set, || "a kept session got another cookie".to_owned());
    }
    match exchange.contacts[0].fate {
        Fate::Unresolved => ensure(!set, || "a name that did not resolve moved it".to_owned()),
        _ => match meant.affinity.failover {
            ZeroDowntimeFailover::None => Err("a pinned request was retried".to_owned()),
            ZeroDowntimeFailover::Temporary => {
                ensure(!set, || "a temporary failover moved the session".to_owned())
            }
            ZeroDowntimeFailover::Sticky => {
                ensure(set, || "a sticky failover left the session".to_owned())
            }
        },
    }
}
