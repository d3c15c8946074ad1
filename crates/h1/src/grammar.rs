//! The small productions of RFC 9110 section 5.6 that several modules read by.

/// Whether the byte may stand in a token (RFC 9110 section 5.6.2).
pub(crate) const fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'!' | b'#'
                | b'$'
                | b'%'
                | b'&'
                | b'\''
                | b'*'
                | b'+'
                | b'-'
                | b'.'
                | b'^'
                | b'_'
                | b'`'
                | b'|'
                | b'~'
        )
}

/// Whether the bytes are one token.
pub(crate) fn is_token(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(|&byte| is_token_byte(byte))
}

/// Whether the byte may stand in a field value: HTAB, SP, visible or obs-text (section 5.5).
pub(crate) const fn is_value_byte(byte: u8) -> bool {
    byte == b'\t' || (byte >= b' ' && byte != 0x7f)
}

/// The bytes without spaces and tabs around them (OWS, section 5.6.3).
pub(crate) fn trim_ows(mut bytes: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = bytes {
        bytes = rest;
    }
    bytes
}

/// The members of a comma-separated list; empty ones are skipped (section 5.6.1.2).
pub(crate) fn members(list: &[u8]) -> impl Iterator<Item = &[u8]> {
    list.split(|&byte| byte == b',').map(trim_ows).filter(|member| !member.is_empty())
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;

    #[test]
    fn members_are_trimmed_and_empty_ones_skipped() {
        let table: [(&[u8], &[&[u8]]); 5] = [
            (b"", &[]),
            (b" , ,\t,", &[]),
            (b"close", &[b"close"]),
            (b",a ,\tb c , d,", &[b"a", b"b c", b"d"]),
            (b"a,,b", &[b"a", b"b"]),
        ];
        for (list, expected) in table {
            assert_eq!(members(list).collect::<Vec<_>>(), expected, "{list:?}");
        }
    }

    #[test]
    fn tokens_are_the_77_characters_of_the_rfc() {
        assert_eq!((0..=255).filter(|&byte| is_token_byte(byte)).count(), 10 + 26 + 26 + 15);
        assert!(!is_token(b"") && !is_token(b"a b") && !is_token(b"a:") && is_token(b"x-1"));
    }
}
