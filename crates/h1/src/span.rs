//! A piece of the buffer a head was parsed from.

use core::fmt;

/// A range of bytes, to be read from the buffer that was given to the parser.
///
/// Half the size of a slice and free of its lifetime: a head can be kept beside its buffer.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Span {
    /// Offset of the first byte.
    pub start: u32,
    /// Offset behind the last byte.
    pub end: u32,
}

impl Span {
    /// The range `start..end`. Heads are bounded well below 4 GiB ([`crate::Limits`]).
    pub(crate) fn new(start: usize, end: usize) -> Self {
        debug_assert!(start <= end && u32::try_from(end).is_ok(), "span {start}..{end}");
        Self { start: start as u32, end: end as u32 }
    }

    /// The bytes meant.
    ///
    /// # Panics
    /// When `buf` is not the buffer, or not all of the head, that was parsed.
    #[must_use]
    pub fn of(self, buf: &[u8]) -> &[u8] {
        &buf[self.start as usize..self.end as usize]
    }

    /// Number of bytes.
    #[must_use]
    pub const fn len(self) -> usize {
        (self.end - self.start) as usize
    }

    /// Whether no byte is meant.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.start == self.end
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..{}", self.start, self.end)
    }
}
