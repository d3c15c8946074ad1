//! The chunked coding (RFC 9112 section 7.1). On the request path.
//!
//! Decodes strictly: whoever accepts more than the grammar disagrees sooner or later with the
//! other side about where a body ends. Extensions are checked and dropped. Buffering data, and
//! deciding what becomes of a body that breaks off, are the caller's.

mod extension;
mod trailers;

use core::fmt;
use core::ops::Range;

use self::extension::{After, Extension};
use self::trailers::Trailers;
pub use self::trailers::may_trail;
use crate::framing::BODY_BYTES_MAX;

/// Most bytes of chunk extensions in one body. Nobody uses extensions; an attacker could hide
/// megabytes of traffic in them that no body limit sees.
pub const CHUNK_EXT_BYTES_MAX: usize = 16 * 1024;

/// Most bytes of a trailer section. It is kept in memory until the body ends.
pub const TRAILER_BYTES_MAX: usize = 16 * 1024;

/// Most digits of a chunk size, leading zeros included.
const SIZE_DIGITS_MAX: u8 = 16;

/// What ends the data. Trailer lines may follow, then CR LF.
pub const LAST_CHUNK: &[u8] = b"0\r\n";

/// The line that announces a chunk of `len` bytes. The data and CR LF follow it.
///
/// `len` is not zero: that would end the body ([`LAST_CHUNK`]).
pub fn chunk_head(len: u64, out: &mut [u8; 18]) -> &[u8] {
    debug_assert_ne!(len, 0, "an empty chunk ends the body");
    let (mut at, mut rest) = (out.len() - 2, len);
    out[at..].copy_from_slice(b"\r\n");
    loop {
        at -= 1;
        out[at] = b"0123456789abcdef"[(rest & 0xf) as usize];
        rest >>= 4;
        if rest == 0 {
            return &out[at..];
        }
    }
}

/// Why a chunked body is refused. Nothing behind it can be trusted: close the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChunkError {
    /// A chunk size that is not one to 16 hexadecimal digits.
    Size,
    /// A chunk size beyond [`BODY_BYTES_MAX`].
    SizeTooLarge,
    /// A malformed chunk extension.
    Extension,
    /// More than [`CHUNK_EXT_BYTES_MAX`] bytes of extensions.
    ExtensionsTooLong,
    /// No CR LF where a line or a chunk's data has to end.
    LineEnding,
    /// A malformed trailer field.
    Trailer,
    /// More than [`TRAILER_BYTES_MAX`] bytes or [`crate::FIELDS_MAX`] fields of trailers.
    TrailersTooLong,
}

impl fmt::Display for ChunkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Size => "malformed chunk size",
            Self::SizeTooLarge => "chunk size too large",
            Self::Extension => "malformed chunk extension",
            Self::ExtensionsTooLong => "too many chunk extensions",
            Self::LineEnding => "a chunk does not end in CR LF",
            Self::Trailer => "malformed trailer field",
            Self::TrailersTooLong => "too many trailer fields",
        })
    }
}

impl core::error::Error for ChunkError {}

/// What one call of [`ChunkedDecoder::step`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// How many bytes of the input are dealt with. Never beyond the end of the body.
    pub consumed: usize,
    /// Where in `input[..consumed]` the data of one chunk (or of a part of it) is; may be empty.
    pub data: Range<usize>,
    /// Whether the body has ended, trailers and final CR LF included.
    pub done: bool,
}

/// Takes a chunked body apart.
///
/// ```text
///           hex          ;            CR          LF, size > 0
///  ──▶ Size ─────▶ Size ────▶ Extension ──▶ SizeLf ─────────▶ Data
///       ▲            └────────────CR──────────▲ │               │ all of it
///       │                                       │ LF, size = 0  ▼
///       └──────────────LF── DataLf ◀──CR── DataCr        Trailers ── empty line ─▶ Done
/// ```
#[derive(Debug, Clone)]
pub struct ChunkedDecoder {
    state: State,
    /// Size of the current chunk; while in `Data`, what is left of it.
    left: u64,
    extension_bytes: usize,
    trailers: Trailers,
}

#[derive(Debug, Clone, Copy)]
enum State {
    Size { digits: u8 },
    Extension(Extension),
    SizeLf,
    Data,
    DataCr,
    DataLf,
    Trailers,
    Done,
    Failed(ChunkError),
}

impl Default for ChunkedDecoder {
    fn default() -> Self {
        Self::new()
    }
}

impl ChunkedDecoder {
    /// A decoder at the start of a body. Allocates nothing until there are trailers.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            state: State::Size { digits: 0 },
            left: 0,
            extension_bytes: 0,
            trailers: Trailers::new(),
        }
    }

    /// Reads on. Pass what is buffered, use `data`, drop `consumed`, and again, until `done` or
    /// until nothing is left. A call returns the data of at most one chunk, in one piece, and deals
    /// with the framing around it: a small body is one call.
    ///
    /// # Errors
    /// When the body breaks the grammar or a limit; from then on, always.
    pub fn step(&mut self, input: &[u8]) -> Result<Step, ChunkError> {
        let mut at = 0;
        let mut data = 0..0;
        while let Some(&byte) = input.get(at) {
            match self.state {
                State::Data if !data.is_empty() => break,
                State::Data => {
                    let available = input.len() - at;
                    let taken = usize::try_from(self.left).map_or(available, |l| l.min(available));
                    data = at..at + taken;
                    at += taken;
                    self.left -= taken as u64;
                    if self.left == 0 {
                        self.state = State::DataCr;
                    }
                }
                State::Trailers => {
                    at += self.trailers.take(&input[at..]).map_err(|error| self.fail(error))?;
                    if self.trailers.ended() {
                        self.state = State::Done;
                    }
                }
                State::Done => break,
                _ => {
                    self.state = self.after(byte).map_err(|error| self.fail(error))?;
                    at += 1;
                }
            }
        }
        Ok(Step { consumed: at, data, done: matches!(self.state, State::Done) })
    }

    /// The trailer lines that may be passed on, each with its CR LF, once the body is done. Fields
    /// that would change framing, routing, authentication or what we say about the client are not
    /// among them (RFC 9110 section 6.5.1).
    #[must_use]
    pub fn trailers(&self) -> &[u8] {
        self.trailers.accepted()
    }

    fn fail(&mut self, error: ChunkError) -> ChunkError {
        self.state = State::Failed(error);
        error
    }

    /// The state behind one byte of framing.
    fn after(&mut self, byte: u8) -> Result<State, ChunkError> {
        match (self.state, byte) {
            (State::Size { digits: 1.. }, b'\r') => Ok(State::SizeLf),
            (State::Size { digits: 1.. }, b';' | b' ' | b'\t') => {
                self.extension(Extension::default(), byte)
            }
            (State::Size { digits }, _) => {
                let digit = char::from(byte).to_digit(16).ok_or(ChunkError::Size)?;
                if digits == SIZE_DIGITS_MAX || self.left > BODY_BYTES_MAX >> 4 {
                    return Err(ChunkError::SizeTooLarge);
                }
                self.left = self.left << 4 | u64::from(digit);
                Ok(State::Size { digits: digits + 1 })
            }
            (State::Extension(extension), _) => self.extension(extension, byte),
            (State::SizeLf, b'\n') if self.left == 0 => Ok(State::Trailers),
            (State::SizeLf, b'\n') => Ok(State::Data),
            (State::DataCr, b'\r') => Ok(State::DataLf),
            (State::DataLf, b'\n') => Ok(State::Size { digits: 0 }),
            (State::Failed(error), _) => Err(error),
            (State::SizeLf | State::DataCr | State::DataLf, _) => Err(ChunkError::LineEnding),
            (State::Data | State::Trailers | State::Done, _) => Ok(self.state),
        }
    }

    fn extension(&mut self, extension: Extension, byte: u8) -> Result<State, ChunkError> {
        self.extension_bytes += 1;
        if self.extension_bytes > CHUNK_EXT_BYTES_MAX {
            return Err(ChunkError::ExtensionsTooLong);
        }
        match extension.after(byte) {
            After::Extension(extension) => Ok(State::Extension(extension)),
            After::LineEnd => Ok(State::SizeLf),
            After::Malformed => Err(ChunkError::Extension),
        }
    }
}
