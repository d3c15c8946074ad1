//! The chunked coding: hostile rows 4 to 6, limits, and what is left for the next message.

use evenkeel_h1::{
    CHUNK_EXT_BYTES_MAX, ChunkError, ChunkedDecoder, FIELDS_MAX, LAST_CHUNK, TRAILER_BYTES_MAX,
    chunk_head,
};

use crate::support::{Decoded, decode};

/// Decodes the text as a whole and byte by byte, which must come to the same.
fn check(text: impl AsRef<[u8]>) -> Result<Decoded, ChunkError> {
    let text = text.as_ref();
    let whole = decode([text]);
    let bytewise = decode(text.chunks(1).take(whole.as_ref().map_or(text.len(), |w| w.consumed)));
    assert_eq!(whole, bytewise, "{:?}", String::from_utf8_lossy(text));
    whole
}

#[test]
fn bodies() {
    let table = [
        // wire, data, trailers
        ("0\r\n\r\n", "", ""),
        ("5\r\nhello\r\n0\r\n\r\n", "hello", ""),
        ("5\r\nhello\r\n1\r\n \r\n5\r\nworld\r\n0\r\n\r\n", "hello world", ""),
        ("A\r\n0123456789\r\n0a\r\n0123456789\r\n000\r\n\r\n", "01234567890123456789", ""),
        ("0000000000000001\r\nx\r\n0\r\n\r\n", "x", ""),
        ("2\r\n\r\n\r\n0\r\n\r\n", "\r\n", ""),
        ("1;a=\"b;c\" ; d\r\nx\r\n0;e\r\n\r\n", "x", ""),
        ("0\r\nDigest: x\r\n\r\n", "", "Digest: x\r\n"),
        (
            "1\r\nx\r\n0\r\nA:b\r\nHost: h\r\nC: \t d \r\nEmpty:\r\n\r\n",
            "x",
            "A:b\r\nC: \t d \r\nEmpty:\r\n",
        ),
        ("0\r\nContent-Length: 5\r\ntransfer-encoding: x\r\nSet-Cookie: a\r\n\r\n", "", ""),
    ];
    for (wire, data, trailers) in table {
        for next in ["", "G", "GET / HTTP/1.1\r\n\r\n", "0\r\n\r\n", "\r\n"] {
            let decoded = check(format!("{wire}{next}")).expect(wire);
            assert_eq!(decoded.data, data.as_bytes(), "{wire:?}");
            assert_eq!(decoded.trailers, trailers.as_bytes(), "{wire:?}");
            assert_eq!((decoded.done, decoded.consumed), (true, wire.len()), "{wire:?} {next:?}");
        }
        for cut in 0..wire.len() {
            let decoded = check(&wire[..cut]).expect(wire);
            assert_eq!((decoded.done, decoded.consumed), (false, cut), "{:?}", &wire[..cut]);
        }
    }
}

#[test]
fn a_small_body_is_one_step_and_a_large_chunk_one_slice() {
    let mut decoder = ChunkedDecoder::new();
    let step = decoder.step(b"5\r\nhello\r\n0\r\n\r\nGET").expect("valid");
    assert_eq!((step.data, step.consumed, step.done), (3..8, 15, true));
    let after = decoder.step(b"GET").expect("nothing more to do");
    assert_eq!((after.data.is_empty(), after.consumed, after.done), (true, 0, true));

    let mut decoder = ChunkedDecoder::new();
    let mut wire = b"100000\r\n".to_vec();
    wire.resize(8 + 700_000, b'x');
    let step = decoder.step(&wire).expect("valid");
    assert_eq!((step.data, step.consumed, step.done), (8..wire.len(), wire.len(), false));
    assert_eq!(decoder.step(b"").expect("nothing to do").consumed, 0);
}

#[test]
fn row04_bare_lf_and_cr_in_chunk_lines() {
    let good = "5;a\r\nhello\r\n0\r\nA: b\r\n\r\n";
    check(good).expect("valid");
    for (at, _) in good.match_indices("\r\n") {
        for broken in ["\n", "\r", "\r\r\n", "\n\r", " \r\n"] {
            let text = format!("{}{broken}{}", &good[..at], &good[at + 2..]);
            // A space at the end of a trailer's value is one that may be there.
            if text.contains("A: b \r\n") {
                continue;
            }
            let result = check(&text);
            assert!(!matches!(&result, Ok(decoded) if decoded.done), "{text:?}: {result:?}");
            assert!(check(text.clone() + "xx\r\n\r\n").is_err(), "{text:?}");
        }
    }
    assert!(check(good.replace("\r\n", "\n")).is_err());
}

#[test]
fn row05_chunk_sizes() {
    let table = [
        ("FFFFFFFFFFFFFFFF1\r\n", ChunkError::SizeTooLarge),
        ("FFFFFFFFFFFFFFFF\r\n", ChunkError::SizeTooLarge),
        ("8000000000000000\r\n", ChunkError::SizeTooLarge),
        ("10000000000000000\r\n", ChunkError::SizeTooLarge),
        ("00000000000000001\r\n", ChunkError::SizeTooLarge),
        ("-1\r\n", ChunkError::Size),
        ("+1\r\n", ChunkError::Size),
        ("0x1\r\n", ChunkError::Size),
        ("1_0\r\n", ChunkError::Size),
        ("g\r\n", ChunkError::Size),
        ("1.0\r\n", ChunkError::Size),
        ("\r\n", ChunkError::Size),
        (";a\r\n", ChunkError::Size),
        (" 1\r\n", ChunkError::Size),
        ("\t1\r\n", ChunkError::Size),
        ("1 \r\n", ChunkError::Extension),
        ("1 1\r\n", ChunkError::Extension),
        ("1,1\r\n", ChunkError::Size),
        ("1\0\r\n", ChunkError::Size),
        ("\u{ff11}\r\n", ChunkError::Size),
    ];
    for (text, error) in table {
        assert_eq!(check(text), Err(error), "{text:?}");
        let second = format!("1\r\nx\r\n{text}");
        assert_eq!(check(&second), Err(error), "{second:?}");
    }
    let largest = check("7fffffffffffffff\r\nabc").expect("as long as a body may be");
    assert_eq!((largest.data, largest.done), (b"abc".to_vec(), false));
}

#[test]
fn row05_data_must_be_as_long_as_announced() {
    for text in ["5\r\nhello!\r\n", "5\r\nhell\r\n0", "5\r\nhello0\r\n\r\n", "5\r\nhello\n0\r\n"] {
        assert_eq!(check(text), Err(ChunkError::LineEnding), "{text:?}");
    }
}

#[test]
fn row05_extensions_are_bounded_over_the_whole_body() {
    let one = format!("1;{}\r\nx\r\n", "a".repeat(1 << 20));
    assert_eq!(check(one), Err(ChunkError::ExtensionsTooLong));
    let many = "1;a=b\r\nx\r\n".repeat(CHUNK_EXT_BYTES_MAX / ";a=b\r".len());
    check(&many).expect("within the bound");
    assert_eq!(check(many.clone() + "1;a=b\r\nx\r\n"), Err(ChunkError::ExtensionsTooLong));
}

#[test]
fn row06_extensions_with_line_breaks() {
    for text in [
        "2;a\nxx\r\n",
        "2;a=\"\n\"\r\n",
        "2;a=\"\r\n\"\r\n",
        "2;\r\n",
        "2;a\r\r\n",
        "2;a\0\r\n",
        "2;\nxx",
    ] {
        assert!(
            matches!(check(text), Err(ChunkError::Extension | ChunkError::LineEnding)),
            "{text:?}"
        );
    }
}

#[test]
fn row06_trailers() {
    let refused = [
        ("A : b\r\n", ChunkError::Trailer),
        (": b\r\n", ChunkError::Trailer),
        ("A\r\n", ChunkError::Trailer),
        (" b\r\n", ChunkError::Trailer),
        ("A: b\r\n c\r\n", ChunkError::Trailer),
        ("A: b\0\r\n", ChunkError::Trailer),
        ("A: b\rc\r\n", ChunkError::Trailer),
        ("\u{e9}: b\r\n", ChunkError::Trailer),
        ("A: b\n", ChunkError::LineEnding),
        ("\n", ChunkError::LineEnding),
        ("GET / HTTP/1.1\r\n", ChunkError::Trailer),
    ];
    for (lines, error) in refused {
        assert_eq!(check(format!("0\r\n{lines}\r\n")), Err(error), "{lines:?}");
    }
    let bytes = format!("0\r\nA: {}\r\n\r\n", "b".repeat(TRAILER_BYTES_MAX));
    assert_eq!(check(bytes), Err(ChunkError::TrailersTooLong));
    let dropped = format!("0\r\n{}\r\n", "Cookie: b\r\n".repeat(TRAILER_BYTES_MAX / 8));
    assert_eq!(check(dropped), Err(ChunkError::TrailersTooLong), "dropped lines count as well");
    check(format!("0\r\n{}\r\n", "A: b\r\n".repeat(FIELDS_MAX))).expect("as many as there may be");
    let fields = format!("0\r\n{}\r\n", "A: b\r\n".repeat(FIELDS_MAX + 1));
    assert_eq!(check(fields), Err(ChunkError::TrailersTooLong));
}

#[test]
fn errors_are_final() {
    let mut decoder = ChunkedDecoder::new();
    assert_eq!(decoder.step(b"x"), Err(ChunkError::Size));
    assert_eq!(decoder.step(b"5\r\nhello\r\n0\r\n\r\n"), Err(ChunkError::Size));
    let mut decoder = ChunkedDecoder::new();
    assert_eq!(decoder.step(b"0\r\nA\r\n"), Err(ChunkError::Trailer));
    assert_eq!(decoder.step(b"\r\n"), Err(ChunkError::Trailer));
}

#[test]
fn chunk_heads() {
    let mut out = [0; 18];
    for (len, head) in [
        (1, "1\r\n"),
        (15, "f\r\n"),
        (16, "10\r\n"),
        (65_535, "ffff\r\n"),
        (1 << 20, "100000\r\n"),
        (u64::MAX, "ffffffffffffffff\r\n"),
    ] {
        assert_eq!(chunk_head(len, &mut out), head.as_bytes());
    }
    assert_eq!(decode([LAST_CHUNK, b"\r\n"]).map(|decoded| decoded.done), Ok(true));
}
