//! How often each caller may ask (api.md 1.7): so many requests in a window of time, and once they
//! are used up none until as much time has passed again.
//!
//! ```text
//! first request ─▶ window of N requests ──N used up──▶ blocked for a window ──▶ first request
//!                        └──────time is up──────▶ first request
//! ```

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use http::{HeaderMap, HeaderName, HeaderValue, header};

/// Callers told apart at once. When there are more, those whose time is up are forgotten, and if
/// that is not enough all are: a flood of callers then gets one more window each, and memory stays.
const CALLERS_MAX: usize = 10_000;

const X_RATELIMIT_LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const X_RATELIMIT_REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const X_RATELIMIT_RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

/// A rate limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    /// Requests of one caller within a window; at least 1.
    pub requests: u32,
    /// The window's length, in seconds; at least 1.
    pub seconds: u32,
}

/// Who is limited: a token, or an address that names none that is known.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Key {
    Token(String),
    Address(Option<IpAddr>),
}

/// How much of the limit a caller has left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Allowance {
    limit: u32,
    /// `None` when the request is one too many.
    remaining: Option<u32>,
    /// When the caller may ask anew, in milliseconds since 1970.
    reset_ms: u64,
    now_ms: u64,
}

#[derive(Debug, Clone, Copy)]
struct Window {
    used: u32,
    end_ms: u64,
}

/// Counts the requests of every caller.
#[derive(Debug)]
pub(crate) struct Limiter {
    limit: RateLimit,
    windows: Mutex<HashMap<Key, Window>>,
}

impl Limiter {
    pub(crate) fn new(limit: RateLimit) -> Self {
        Self { limit, windows: Mutex::default() }
    }

    /// Counts a request.
    pub(crate) fn count(&self, key: Key, now_ms: u64) -> Allowance {
        let RateLimit { requests, seconds } = self.limit;
        let length_ms = u64::from(seconds) * 1000;
        // Poison says only that somebody panicked: every window is whole.
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        if windows.len() >= CALLERS_MAX && !windows.contains_key(&key) {
            windows.retain(|_, window| window.end_ms > now_ms);
            if windows.len() >= CALLERS_MAX {
                windows.clear();
            }
        }
        let fresh = Window { used: 0, end_ms: now_ms + length_ms };
        let window = match windows.entry(key) {
            Entry::Occupied(entry) => {
                let window = entry.into_mut();
                if window.end_ms <= now_ms {
                    *window = fresh;
                }
                window
            }
            Entry::Vacant(entry) => entry.insert(fresh),
        };
        let remaining = requests.checked_sub(window.used.saturating_add(1));
        if window.used == requests {
            // The one that is too many starts the time of waiting; those that follow do not.
            window.end_ms = now_ms + length_ms;
        }
        window.used = window.used.saturating_add(1);
        Allowance { limit: requests, remaining, reset_ms: window.end_ms, now_ms }
    }
}

impl Allowance {
    /// Whether the request is let through.
    pub(crate) fn is_granted(&self) -> bool {
        self.remaining.is_some()
    }

    /// Tells the client.
    pub(crate) fn write(&self, headers: &mut HeaderMap) {
        headers.insert(X_RATELIMIT_LIMIT, self.limit.into());
        headers.insert(X_RATELIMIT_REMAINING, self.remaining.unwrap_or(0).into());
        let reset = i64::try_from(self.reset_ms).ok();
        let reset = reset.and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
        let reset = reset.map(|time| time.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string());
        if let Some(reset) = reset.and_then(|text| HeaderValue::from_str(&text).ok()) {
            headers.insert(X_RATELIMIT_RESET, reset);
        }
        if !self.is_granted() {
            let seconds = self.reset_ms.saturating_sub(self.now_ms).div_ceil(1000);
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(name: &str) -> Key {
        Key::Token(name.to_owned())
    }

    #[test]
    fn who_asks_too_often_waits_for_a_window() {
        let limiter = Limiter::new(RateLimit { requests: 2, seconds: 10 });
        for (key, now_ms, remaining, reset_ms) in [
            ("a", 0, Some(1), 10_000),
            ("a", 5_000, Some(0), 10_000),
            ("b", 6_000, Some(1), 16_000),
            ("a", 9_000, None, 19_000),
            ("a", 12_000, None, 19_000),
            ("a", 19_000, Some(1), 29_000),
            ("a", 30_000, Some(1), 40_000),
        ] {
            let allowance = limiter.count(token(key), now_ms);
            let got = (allowance.remaining, allowance.reset_ms);
            assert_eq!(got, (remaining, reset_ms), "{key} at {now_ms}");
        }
    }

    #[test]
    fn the_client_reads_when_to_come_back() {
        let limiter = Limiter::new(RateLimit { requests: 1, seconds: 300 });
        let now_ms = 1_740_695_508_033;
        limiter.count(token("a"), now_ms);
        let mut headers = HeaderMap::new();
        limiter.count(token("a"), now_ms).write(&mut headers);
        for (name, value) in [
            ("x-ratelimit-limit", "1"),
            ("x-ratelimit-remaining", "0"),
            ("x-ratelimit-reset", "Thu, 27 Feb 2025 22:36:48 GMT"),
            ("retry-after", "300"),
        ] {
            assert_eq!(headers[name], value, "{name}");
        }
    }

    #[test]
    fn callers_are_forgotten_before_there_are_too_many() {
        let limiter = Limiter::new(RateLimit { requests: 1, seconds: 1 });
        for n in 0..CALLERS_MAX * 2 + 1 {
            limiter.count(token(&n.to_string()), 0);
        }
        assert!(limiter.windows.lock().unwrap().len() <= CALLERS_MAX);
    }
}
