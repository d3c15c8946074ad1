//! A trail as one line of text: a token per note, tokens apart by single spaces.

use core::fmt::{self, Write as _};

use evenkeel_model::{EndpointIx, PoolIx, View};

use super::{Trail, TrailStep};

/// Prints a trail, see [`Trail::describe`].
#[derive(Debug, Clone, Copy)]
pub struct Description<'a> {
    pub(super) trail: &'a Trail,
    pub(super) view: &'a View,
}

impl fmt::Display for Description<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dropped = self.trail.dropped();
        let last = self.trail.steps().len().saturating_sub(1);
        for (n, step) in self.trail.steps().iter().enumerate() {
            if n > 0 {
                f.write_char(' ')?;
            }
            if n == last && dropped > 0 {
                write!(f, "dropped={dropped} ")?;
            }
            self.step(f, *step)?;
        }
        Ok(())
    }
}

impl Description<'_> {
    fn step(&self, f: &mut fmt::Formatter<'_>, step: TrailStep) -> fmt::Result {
        match step {
            TrailStep::LoadBalancer(ix) => {
                write!(f, "lb={}", self.view.config.load_balancer(ix).host)
            }
            TrailStep::Session(finding) => write!(f, "session={}", finding.as_str()),
            TrailStep::Pinned(ix) => write!(f, "session={}", self.endpoint(ix)),
            TrailStep::PassedOver(ix, why) => write!(f, "pool={}:{}", self.pool(ix), why.as_str()),
            TrailStep::Pool(ix) => write!(f, "pool={}", self.pool(ix)),
            TrailStep::Fallback(ix) => write!(f, "fallback={}", self.pool(ix)),
            TrailStep::Endpoint(ix) => write!(f, "endpoint={}", self.endpoint(ix)),
            TrailStep::DialFailed(ix, failure) => {
                write!(f, "failed={}:{}", self.endpoint(ix), failure.as_str())
            }
            TrailStep::Unresolved(ix) => write!(f, "unresolved={}", self.endpoint(ix)),
            TrailStep::Retry => f.write_str("retry"),
            TrailStep::GaveUp(reason) => write!(f, "gave_up={}", reason.as_str()),
        }
    }

    fn pool(&self, ix: PoolIx) -> Token<'_> {
        Token(&self.view.config.pool(ix).name)
    }

    fn endpoint(&self, ix: EndpointIx) -> Token<'_> {
        Token(&self.view.config.endpoint(ix).name)
    }
}

/// A name that must not fall apart into two tokens, nor break the line it is logged on.
struct Token<'a>(&'a str);

impl fmt::Display for Token<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let breaks = |c: char| c.is_whitespace() || c.is_control();
        self.0.chars().try_for_each(|c| f.write_char(if breaks(c) { '_' } else { c }))
    }
}
