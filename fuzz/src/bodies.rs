//! Chunked bodies: the decoder against itself in pieces, and against a plain reading of the RFC.

use evenkeel_h1::{
    CHUNK_EXT_BYTES_MAX, ChunkError, ChunkedDecoder, FIELDS_MAX, LAST_CHUNK, chunk_head,
};

/// What a body turned out to be.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Decoded {
    /// Its data.
    pub data: Vec<u8>,
    /// The trailer lines that may be passed on.
    pub trailers: Vec<u8>,
    /// Bytes used up on the wire.
    pub consumed: usize,
    /// Whether the end was reached.
    pub done: bool,
}

/// Decodes pieces in turn, until the body ends or they do.
///
/// # Errors
/// The decoder's.
pub fn decode<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Result<Decoded, ChunkError> {
    let mut decoder = ChunkedDecoder::new();
    let mut decoded = Decoded::default();
    for mut piece in pieces {
        while !piece.is_empty() && !decoded.done {
            let step = decoder.step(piece)?;
            assert!(step.data.start <= step.data.end && step.data.end <= step.consumed);
            assert!(step.consumed > 0 && step.consumed <= piece.len());
            decoded.data.extend_from_slice(&piece[step.data]);
            decoded.consumed += step.consumed;
            decoded.done = step.done;
            piece = &piece[step.consumed..];
        }
    }
    decoded.trailers = decoder.trailers().to_vec();
    Ok(decoded)
}

/// Checks one input, whose first byte says how to cut the rest.
pub fn check(input: &[u8]) {
    let Some((&cut, input)) = input.split_first() else { return };
    let whole = decode([input].into_iter());
    let pieces = decode(input.chunks(1 + usize::from(cut) % 40));
    let bytewise = decode(input.chunks(1));
    assert_eq!(whole, pieces);
    assert_eq!(whole, bytewise);

    let Ok(decoded) = whole else {
        // Whatever the plain reading says is a body must be one, up to the limits.
        if let Some(plain) = plain_reading(input) {
            assert!(
                plain.extension_bytes > CHUNK_EXT_BYTES_MAX || plain.trailer_lines > FIELDS_MAX,
                "refused: {whole:?}"
            );
        }
        return;
    };
    if !decoded.done {
        assert_eq!(decoded.consumed, input.len(), "stopped before the end");
        return;
    }
    let plain = plain_reading(input).expect("accepted against the grammar");
    assert_eq!((plain.data, plain.bytes), (decoded.data.clone(), decoded.consumed));

    let mut wire = Vec::new();
    for chunk in decoded.data.chunks(1 + usize::from(cut)) {
        wire.extend_from_slice(chunk_head(chunk.len() as u64, &mut [0; 18]));
        wire.extend_from_slice(chunk);
        wire.extend_from_slice(b"\r\n");
    }
    wire.extend_from_slice(LAST_CHUNK);
    wire.extend_from_slice(&decoded.trailers);
    wire.extend_from_slice(b"\r\n");
    let expected = Decoded { consumed: wire.len(), ..decoded };
    assert_eq!(decode([&wire[..]].into_iter()), Ok(expected));
}

/// A chunked body as RFC 9112 section 7.1 describes it.
struct Plain {
    data: Vec<u8>,
    bytes: usize,
    extension_bytes: usize,
    trailer_lines: usize,
}

/// Reads a whole body line by line. `None` when it is malformed or incomplete.
fn plain_reading(input: &[u8]) -> Option<Plain> {
    let mut plain = Plain { data: Vec::new(), bytes: 0, extension_bytes: 0, trailer_lines: 0 };
    let mut rest = input;
    loop {
        let line = take_line(&mut rest)?;
        let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        let (size, extension) = line.split_at(digits);
        if digits == 0 || digits > 16 || !is_extension(extension) {
            return None;
        }
        plain.extension_bytes += extension.len();
        let size = u64::from_str_radix(std::str::from_utf8(size).ok()?, 16).ok()?;
        if size == 0 {
            break;
        }
        let (chunk, behind) = rest.split_at_checked(usize::try_from(size).ok()?)?;
        plain.data.extend_from_slice(chunk);
        rest = behind.strip_prefix(b"\r\n")?;
    }
    loop {
        let line = take_line(&mut rest)?;
        if line.is_empty() {
            plain.bytes = input.len() - rest.len();
            return Some(plain);
        }
        plain.trailer_lines += 1;
        let name = line.split(|&byte| byte == b':').next()?;
        let token = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
        if name.is_empty() || name.len() == line.len() || !name.iter().all(token) {
            return None;
        }
    }
}

/// A line that ends in CR LF and has no other control byte than tabs.
fn take_line<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let end = rest.iter().position(|&byte| byte == b'\n')?;
    let line = rest[..end].strip_suffix(b"\r")?;
    *rest = &rest[end + 1..];
    line.iter().all(|&byte| matches!(byte, b'\t' | b' '..=b'~' | 0x80..)).then_some(line)
}

/// `*( BWS ";" BWS name [ BWS "=" BWS ( token / quoted-string ) ] )`, by descent.
fn is_extension(mut rest: &[u8]) -> bool {
    fn blank(rest: &mut &[u8]) {
        while let [b' ' | b'\t', behind @ ..] = rest {
            *rest = behind;
        }
    }
    fn token(rest: &mut &[u8]) -> bool {
        let token = |byte: &&u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
        let len = rest.iter().take_while(token).count();
        *rest = &rest[len..];
        len > 0
    }
    fn quoted(rest: &mut &[u8]) -> bool {
        while let [byte, behind @ ..] = rest {
            *rest = behind;
            match (byte, behind) {
                (b'"', _) => return true,
                (b'\\', [_, behind @ ..]) => *rest = behind,
                _ => {}
            }
        }
        false
    }
    while !rest.is_empty() {
        blank(&mut rest);
        let Some(behind) = rest.strip_prefix(b";") else { return false };
        rest = behind;
        blank(&mut rest);
        if !token(&mut rest) {
            return false;
        }
        let mut value = rest;
        blank(&mut value);
        if let Some(behind) = value.strip_prefix(b"=") {
            rest = behind;
            blank(&mut rest);
            let ok = match rest.strip_prefix(b"\"") {
                Some(behind) => {
                    rest = behind;
                    quoted(&mut rest)
                }
                None => token(&mut rest),
            };
            if !ok {
                return false;
            }
        }
    }
    true
}
