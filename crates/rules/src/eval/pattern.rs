//! Regular expressions of bounded size, over bytes.

use alloc::format;
use alloc::string::{String, ToString};

use regex_automata::meta::{BuildError, Config, Regex};
use regex_automata::nfa::thompson::WhichCaptures;
use regex_automata::util::{captures::Captures, syntax};

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
    /// Compiles for [`matches`](Self::matches), or says in one line why not.
    pub(crate) fn matching(pattern: &str) -> Result<Self, String> {
        // Whether something matches needs no groups, and no states to keep them.
        Self::compile(pattern, WhichCaptures::None)
    }

    /// Compiles for [`find`](Self::find), or says in one line why not.
    pub(crate) fn finding(pattern: &str) -> Result<Self, String> {
        Self::compile(pattern, WhichCaptures::All)
    }

    fn compile(pattern: &str, captures: WhichCaptures) -> Result<Self, String> {
        // One-pass automata have a limit of their own, and little to give here.
        let config = Config::new()
            .utf8_empty(false)
            .which_captures(captures)
            .onepass(false)
            .nfa_size_limit(Some(COMPILED_BYTES_MAX))
            .hybrid_cache_capacity(CACHE_BYTES_MAX);
        let syntax = syntax::Config::new().unicode(false).utf8(false).nest_limit(NESTING_MAX);
        let built = Regex::builder().configure(config).syntax(syntax).build(pattern);
        built.map(Self).map_err(|error| why(&error))
    }

    pub(crate) fn matches(&self, text: &[u8]) -> bool {
        self.0.is_match(text)
    }

    /// The groups of the first match, if there is one.
    pub(super) fn find(&self, text: &[u8]) -> Option<Captures> {
        let mut captures = self.0.create_captures();
        self.0.captures(text, &mut captures);
        captures.is_match().then_some(captures)
    }

    /// Groups, the whole match among them.
    pub(super) fn groups(&self) -> usize {
        self.0.captures_len()
    }
}

fn why(error: &BuildError) -> String {
    if error.size_limit().is_some() {
        let limit = COMPILED_BYTES_MAX >> 10;
        return format!("the regular expression is too large: compiled it exceeds {limit} KiB");
    }
    let text = match error.syntax_error() {
        Some(error) => error.to_string(),
        None => error.to_string(),
    };
    // The last of several lines says what, those above show where.
    let why = text.lines().last().unwrap_or_default().trim_start_matches("error: ");
    format!("malformed regular expression: {why}")
}
