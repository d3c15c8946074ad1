//! Regular expressions of bounded size, over bytes.

use alloc::format;
use alloc::string::{String, ToString};

use regex::bytes::{Captures, Regex, RegexBuilder};

/// Largest compiled regular expression. A few thousand states: more than a rule written by hand
/// needs, and little enough for a configuration of thousands of them.
const COMPILED_BYTES_MAX: usize = 64 << 10;

/// Largest cache of the states met while searching, for each thread that searches. When full it
/// starts over; matching stays linear in the length of the text.
const CACHE_BYTES_MAX: usize = 256 << 10;

/// Deepest nesting of groups, which bounds the compiler's stack.
const NESTING_MAX: u32 = 50;

/// A compiled regular expression, not anchored, its classes ASCII unless it says `(?u)`.
#[derive(Debug)]
pub(crate) struct Pattern(Regex);

impl Pattern {
    /// Compiles, or says in one line why not.
    pub(crate) fn new(pattern: &str) -> Result<Self, String> {
        RegexBuilder::new(pattern)
            .unicode(false)
            .size_limit(COMPILED_BYTES_MAX)
            .dfa_size_limit(CACHE_BYTES_MAX)
            .nest_limit(NESTING_MAX)
            .build()
            .map(Self)
            .map_err(|error| match error {
                regex::Error::CompiledTooBig(_) => format!(
                    "the regular expression is too large: compiled it exceeds {} KiB",
                    COMPILED_BYTES_MAX >> 10
                ),
                error => {
                    // The last of several lines says what, those above show where.
                    let text = error.to_string();
                    let why = text.lines().last().unwrap_or_default();
                    format!("malformed regular expression: {}", why.trim_start_matches("error: "))
                }
            })
    }

    pub(crate) fn matches(&self, text: &[u8]) -> bool {
        self.0.is_match(text)
    }

    /// The groups of the first match.
    pub(super) fn captures<'t>(&self, text: &'t [u8]) -> Option<Captures<'t>> {
        self.0.captures(text)
    }

    /// Groups, the whole match among them.
    pub(super) fn groups(&self) -> usize {
        self.0.captures_len()
    }
}
