//! Which requests get a line.

use crate::{RequestEnd, RequestRecord};

/// The share of requests that get a line, drawn by chance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SampleRate {
    /// Requests whose draw is below it are kept; `None` for all.
    below: Option<u64>,
    keeps_errors: bool,
}

impl Default for SampleRate {
    /// All of them.
    fn default() -> Self {
        Self { below: None, keeps_errors: true }
    }
}

impl SampleRate {
    /// A share from 0 to 1, and whether errors are kept whatever the draw: responses from 500 on,
    /// responses that an endpoint broke off, and requests that we refused ourselves.
    ///
    /// `None` for what is no such share.
    #[must_use]
    pub fn new(share: f64, keeps_errors: bool) -> Option<Self> {
        if !(0.0..=1.0).contains(&share) {
            return None;
        }
        // 2⁶⁴ draws: rounding is below what anybody could notice.
        let below = (share < 1.0).then_some((share * 2f64.powi(64)) as u64);
        Some(Self { below, keeps_errors })
    }

    pub(super) fn keeps(self, record: &RequestRecord<'_>, chance: u64) -> bool {
        self.below.is_none_or(|below| chance < below) || self.keeps_errors && is_error(record)
    }
}

fn is_error(record: &RequestRecord<'_>) -> bool {
    match record.end {
        RequestEnd::EndpointCut => true,
        RequestEnd::Own => record.status >= 400,
        _ => record.status >= 500,
    }
}
