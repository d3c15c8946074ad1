//! Where a body of HTTP/1.1 ends (RFC 9112 section 6 and 7), counted instead of kept. Bytes come
//! from the caller; nothing here reads a socket.

/// What the other side sent is not HTTP/1.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed;

/// Where in the body the next byte belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// So many bytes are to come.
    Length(u64),
    /// The line before a chunk.
    ChunkSize,
    /// So many bytes of a chunk and its line end are to come.
    Chunk(u64),
    /// Lines after the last chunk.
    Trailer,
    UntilClose,
    Done,
}

/// A body on its way.
#[derive(Debug, Clone)]
pub struct Body {
    place: Place,
    /// Bytes of it so far, framing not counted.
    pub bytes: u64,
}

impl Body {
    /// Of that length; 0 is no body.
    pub fn of_length(length: u64) -> Self {
        let place = if length == 0 { Place::Done } else { Place::Length(length) };
        Self { place, bytes: 0 }
    }

    /// In chunks.
    pub fn chunked() -> Self {
        Self { place: Place::ChunkSize, bytes: 0 }
    }

    /// Everything until the connection ends.
    pub fn until_close() -> Self {
        Self { place: Place::UntilClose, bytes: 0 }
    }

    /// Whether all of it was seen.
    pub fn is_done(&self) -> bool {
        self.place == Place::Done
    }

    /// The connection has ended. True when the body is whole.
    pub fn ended(&mut self) -> bool {
        if self.place == Place::UntilClose {
            self.place = Place::Done;
        }
        self.is_done()
    }

    /// Takes as much of `bytes` as it understands and says how much that was; what is left is to
    /// be shown again with more behind it.
    ///
    /// # Errors
    ///
    /// The framing is broken: the connection is of no use any more.
    pub fn advance(&mut self, bytes: &[u8]) -> Result<usize, Malformed> {
        let mut taken = 0;
        while self.place != Place::Done {
            let rest = &bytes[taken..];
            let step = match self.place {
                Place::Length(left) => {
                    let step = within(rest, left);
                    self.bytes += step as u64;
                    let left = left - step as u64;
                    self.place = if left == 0 { Place::Done } else { Place::Length(left) };
                    step
                }
                Place::Chunk(left) => {
                    let step = within(rest, left);
                    // The two bytes of the line end are not of the body.
                    self.bytes += (step as u64).min(left.saturating_sub(2));
                    let left = left - step as u64;
                    self.place = if left == 0 { Place::ChunkSize } else { Place::Chunk(left) };
                    step
                }
                Place::ChunkSize => match line(rest) {
                    Some(line) => {
                        self.place = match chunk_size(line)? {
                            0 => Place::Trailer,
                            size => Place::Chunk(size + 2),
                        };
                        line.len() + 2
                    }
                    None => 0,
                },
                Place::Trailer => match line(rest) {
                    Some(line) => {
                        if line.is_empty() {
                            self.place = Place::Done;
                        }
                        line.len() + 2
                    }
                    None => 0,
                },
                Place::UntilClose => {
                    self.bytes += rest.len() as u64;
                    rest.len()
                }
                Place::Done => 0,
            };
            taken += step;
            if step == 0 {
                break;
            }
        }
        Ok(taken)
    }
}

/// How many of `bytes` belong to what is left.
fn within(bytes: &[u8], left: u64) -> usize {
    usize::try_from(left).map_or(bytes.len(), |left| left.min(bytes.len()))
}

/// A line without its end, if the end is there.
fn line(bytes: &[u8]) -> Option<&[u8]> {
    let end = bytes.windows(2).position(|pair| pair == b"\r\n")?;
    Some(&bytes[..end])
}

fn chunk_size(line: &[u8]) -> Result<u64, Malformed> {
    let size = line.split(|&byte| byte == b';').next().unwrap_or_default();
    let text = std::str::from_utf8(size.trim_ascii()).map_err(|_| Malformed)?;
    let size = u64::from_str_radix(text, 16).map_err(|_| Malformed)?;
    if size > u64::MAX - 2 { Err(Malformed) } else { Ok(size) }
}

/// Whether a list of words separated by commas has this one.
pub fn has_token(list: &[u8], token: &str) -> bool {
    let token = token.as_bytes();
    list.split(|&byte| byte == b',').any(|word| word.trim_ascii().eq_ignore_ascii_case(token))
}
