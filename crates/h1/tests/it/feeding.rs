//! However a stream is cut into reads, the same messages come out of it.

use std::fmt::Debug;

use evenkeel_h1::{Field, HeadScanner, Limits, parse_request, parse_response};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use crate::support::{GET, request_bytewise};

/// Pieces that heads are made of, good and bad, so that a random sequence comes close to one.
const PIECES: &[&str] = &[
    "GET ",
    "POST ",
    "OPTIONS ",
    "/",
    "/a?b",
    "*",
    "http://a",
    " HTTP/1.1\r\n",
    " HTTP/1.0\r\n",
    "\r\n",
    "Host: a\r\n",
    "Host: a",
    "HTTP/1.1 200 OK\r\n",
    "HTTP/1.1 204\r\n",
    "Content-Length: 5\r\n",
    "Transfer-Encoding: chunked\r\n",
    "Connection: close\r\n",
    "A:",
    " ",
    "x",
    ":",
    "\r",
    "\n",
    "\r\n\r\n",
    "\0",
    "\u{e9}",
    "\n\n",
    "Expect: 100-continue\r\n",
];

fn text() -> impl Strategy<Value = Vec<u8>> {
    let good = Just("GET / HTTP/1.1\r\nHost: a\r\n".to_owned());
    let start = prop_oneof![good, Just(String::new()), Just("HTTP/1.1 200 OK\r\n".to_owned())];
    (start, vec(select(PIECES), 0..12))
        .prop_map(|(start, rest)| (start + &rest.concat()).into_bytes())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn a_request_in_pieces_is_the_request_as_a_whole(text in text(), cuts in vec(0usize..80, 0..6)) {
        let limits = Limits { head_bytes: 100, target_bytes: 20 };
        let (mut fields, mut piece_fields) = (Vec::new(), Vec::new());
        let whole = parse_request(&text, &limits, &mut fields);
        let bytewise = request_bytewise(&text, &limits, &mut piece_fields);
        let bytewise = bytewise.map_err(|(error, _)| error);
        agree(&text, (&whole, &fields), (&bytewise, &piece_fields))?;

        let mut cuts = cuts;
        cuts.sort_unstable();
        cuts.push(text.len());
        let mut scanner = HeadScanner::new();
        let mut last = Ok(None);
        for cut in cuts {
            last = scanner.request(&text[..cut.min(text.len())], &limits, &mut piece_fields);
            if !matches!(last, Ok(None)) {
                break;
            }
        }
        agree(&text, (&whole, &fields), (&last, &piece_fields))?;
    }

    #[test]
    fn a_response_in_pieces_is_the_response_as_a_whole(text in text()) {
        let limits = Limits { head_bytes: 100, target_bytes: 20 };
        let (mut fields, mut piece_fields) = (Vec::new(), Vec::new());
        let whole = parse_response(&text, GET, &limits, &mut fields);
        let mut scanner = HeadScanner::new();
        let pieces = (0..=text.len())
            .map(|end| scanner.response(&text[..end], GET, &limits, &mut piece_fields))
            .find(|result| !matches!(result, Ok(None)))
            .unwrap_or(Ok(None));
        agree(&text, (&whole, &fields), (&pieces, &piece_fields))?;
    }
}

/// What a parser returned, and the fields it found.
type Parsed<'a, H, E> = (&'a Result<Option<H>, E>, &'a [Field]);

/// Equal heads, equal errors. In pieces, a head that is already beyond hope may go unnoticed until
/// its end is there, so that a limit is met first.
fn agree<H: Debug, E: Debug>(
    text: &[u8],
    (whole, fields): Parsed<'_, H, E>,
    (pieces, piece_fields): Parsed<'_, H, E>,
) -> Result<(), TestCaseError> {
    let text = String::from_utf8_lossy(text);
    let (whole_text, pieces_text) = (format!("{whole:?}"), format!("{pieces:?}"));
    match (whole, pieces) {
        (Ok(Some(_)), _) => {
            prop_assert_eq!(whole_text, pieces_text, "{:?}", text);
            prop_assert_eq!(fields, piece_fields);
        }
        (Ok(None), Ok(None)) | (Err(_), Ok(None)) => {}
        (Err(_), Err(_)) if pieces_text.contains("TooL") => {}
        (Err(_), Err(_)) => prop_assert_eq!(whole_text, pieces_text, "{:?}", text),
        _ => prop_assert!(false, "{text:?}: {whole:?} but in pieces {pieces:?}"),
    }
    Ok(())
}

#[test]
fn a_scanner_is_ready_for_the_next_head() {
    let first = b"GET /1 HTTP/1.1\r\nHost: a\r\n\r\n";
    let second = b"GET /22 HTTP/1.1\r\nHost: a\r\n\r\n";
    let (limits, mut fields) = (Limits::default(), Vec::new());
    let mut scanner = HeadScanner::new();
    for text in [&first[..], second, first] {
        for end in 0..text.len() {
            assert!(
                scanner
                    .request(&text[..end], &limits, &mut fields)
                    .is_ok_and(|head| head.is_none())
            );
        }
        let head = scanner.request(text, &limits, &mut fields).expect("valid").expect("whole");
        assert_eq!(head.bytes, text.len());
    }
    assert!(scanner.request(b"G", &limits, &mut fields).is_ok());
    assert!(scanner.request(b"G\n\n", &limits, &mut fields).is_err());
    assert!(scanner.request(first, &limits, &mut fields).is_ok_and(|head| head.is_some()));
}
