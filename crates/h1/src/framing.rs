//! Where a message ends: the one reading of `Content-Length` and `Transfer-Encoding`
//! (RFC 9112 section 6) that both directions share.

use crate::error::HeadError;
use crate::grammar::{is_token, trim_ows};

/// Longest body that `Content-Length` or a chunk size may announce. Nothing real comes near it,
/// and sums of a few lengths still fit 64 bits.
pub const BODY_BYTES_MAX: u64 = i64::MAX as u64;

/// How the body of a message is delimited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Body {
    /// There is none: the next message starts right behind the head.
    None,
    /// As many bytes as `Content-Length` says, up to [`BODY_BYTES_MAX`].
    Length(u64),
    /// Chunked: see [`crate::ChunkedDecoder`].
    Chunked,
    /// Everything until the connection closes. Responses only.
    UntilClose,
}

/// The value of a `Content-Length`.
pub(crate) fn content_length(value: &[u8]) -> Result<u64, HeadError> {
    if value.is_empty() {
        return Err(HeadError::ContentLength);
    }
    let mut length = 0u64;
    for byte in value {
        let digit = char::from(*byte).to_digit(10).ok_or(HeadError::ContentLength)?;
        length = length
            .checked_mul(10)
            .and_then(|tens| tens.checked_add(u64::from(digit)))
            .filter(|length| *length <= BODY_BYTES_MAX)
            .ok_or(HeadError::ContentLength)?;
    }
    Ok(length)
}

/// Accepts a `Transfer-Encoding` that says `chunked` and nothing else.
///
/// A list of other codings that may still end in `chunked` is well understood and not supported;
/// anything else (parameters, empty members, `chunked` before the end) is malformed, as two
/// recipients could read it differently.
pub(crate) fn transfer_encoding(value: &[u8]) -> Result<(), HeadError> {
    if value.eq_ignore_ascii_case(b"chunked") {
        return Ok(());
    }
    let mut after_chunked = false;
    for coding in value.split(|&byte| byte == b',').map(trim_ows) {
        if after_chunked || !is_token(coding) {
            return Err(HeadError::TransferEncoding);
        }
        after_chunked = coding.eq_ignore_ascii_case(b"chunked");
    }
    Err(HeadError::TransferCoding)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn row02_lengths() {
        let accepted: [(&[u8], u64); 4] =
            [(b"0", 0), (b"5", 5), (b"007", 7), (b"9223372036854775807", BODY_BYTES_MAX)];
        for (value, length) in accepted {
            assert_eq!(content_length(value), Ok(length));
        }
        let refused: [&[u8]; 12] = [
            b"",
            b"+5",
            b"-5",
            b"0x5",
            b"5, 6",
            b"5,5",
            b"5 5",
            b"5.0",
            b"1e3",
            b"five",
            b"5;",
            b"9223372036854775808",
        ];
        for value in refused {
            assert_eq!(content_length(value), Err(HeadError::ContentLength), "{value:?}");
        }
        assert!(content_length(&[b'9'; 4000]).is_err());
    }

    #[test]
    fn row03_codings() {
        let table: [(&[u8], Result<(), HeadError>); 14] = [
            (b"chunked", Ok(())),
            (b"Chunked", Ok(())),
            (b"xchunked", Err(HeadError::TransferCoding)),
            (b"identity", Err(HeadError::TransferCoding)),
            (b"gzip, chunked", Err(HeadError::TransferCoding)),
            (b"chunked, identity", Err(HeadError::TransferEncoding)),
            (b"chunked, chunked", Err(HeadError::TransferEncoding)),
            (b",chunked", Err(HeadError::TransferEncoding)),
            (b"chunked,", Err(HeadError::TransferEncoding)),
            (b"", Err(HeadError::TransferEncoding)),
            (b"\"chunked\"", Err(HeadError::TransferEncoding)),
            (b"chunked;q=1", Err(HeadError::TransferEncoding)),
            (b"chun ked", Err(HeadError::TransferEncoding)),
            (b"chunked\xa0", Err(HeadError::TransferEncoding)),
        ];
        for (value, expected) in table {
            assert_eq!(transfer_encoding(value), expected, "{value:?}");
        }
    }
}
