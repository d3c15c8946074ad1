//! Heads that arrive in pieces, in time that grows with their length and not with its square.

use alloc::vec::Vec;

use crate::error::{RequestError, ResponseError};
use crate::field::Field;
use crate::head::Limits;
use crate::request::{self, RequestHead};
use crate::response::{self, AnswerTo, ResponseHead};

/// Remembers how far an incomplete head has been searched for its end.
///
/// ```text
///            incomplete                      end seen
///  Fresh ───────────────▶ Searching(from) ─────────────▶ parse ──▶ Fresh
///    │                      │        ▲                      │
///    └──▶ parsed: Fresh     └────────┘ not yet              └── incomplete: Searching
/// ```
///
/// The first call parses at once, as most heads arrive whole. After that, only new bytes are looked
/// at until the empty line is among them. The buffer must start at the same byte in each call
/// until a head or an error is returned; then the scanner is ready for the next head.
#[derive(Debug, Clone, Copy, Default)]
pub struct HeadScanner {
    /// Where to go on searching; zero when nothing was parsed yet.
    from: usize,
}

impl HeadScanner {
    /// A scanner that has seen nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self { from: 0 }
    }

    /// As [`crate::parse_request`].
    ///
    /// # Errors
    /// As [`crate::parse_request`].
    pub fn request(
        &mut self,
        buf: &[u8],
        limits: &Limits,
        fields: &mut Vec<Field>,
    ) -> Result<Option<RequestHead>, RequestError> {
        self.advance(
            buf,
            |buf| request::parse_whole(buf, limits, fields),
            |buf| request::check_partial(buf, limits),
        )
    }

    /// As [`crate::parse_response`].
    ///
    /// # Errors
    /// As [`crate::parse_response`].
    pub fn response(
        &mut self,
        buf: &[u8],
        answer_to: AnswerTo,
        limits: &Limits,
        fields: &mut Vec<Field>,
    ) -> Result<Option<ResponseHead>, ResponseError> {
        self.advance(
            buf,
            |buf| response::parse_whole(buf, answer_to, limits, fields),
            |buf| response::check_partial(buf, limits),
        )
    }

    fn advance<H, E>(
        &mut self,
        buf: &[u8],
        parse: impl FnOnce(&[u8]) -> Result<Option<H>, E>,
        check_partial: impl FnOnce(&[u8]) -> Result<(), E>,
    ) -> Result<Option<H>, E> {
        if self.from == 0 || self.finds_end(buf) {
            let parsed = parse(buf);
            if !matches!(parsed, Ok(None)) {
                *self = Self::new();
                return parsed;
            }
            // The last two bytes may be the first of an empty line.
            self.from = buf.len().saturating_sub(2);
        }
        check_partial(buf).inspect_err(|_| *self = Self::new()).map(|()| None)
    }

    /// Whether a line break right after a line break is among the bytes not yet searched. One
    /// without its CR counts, so that it is refused at once; so does what cannot be told apart.
    fn finds_end(&mut self, buf: &[u8]) -> bool {
        let unsearched = buf.get(self.from..).unwrap_or_default();
        for at in memchr::memchr_iter(b'\n', unsearched) {
            match &unsearched[at + 1..] {
                [] | [b'\r'] => {
                    self.from += at;
                    return false;
                }
                [b'\r' | b'\n', ..] => return true,
                _ => {}
            }
        }
        self.from = buf.len();
        false
    }
}
