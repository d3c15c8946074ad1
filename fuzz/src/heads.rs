//! Heads: spans, fields and framing against a plain reading of the accepted bytes.

use evenkeel_h1::{
    AnswerTo, Body, Field, FieldKind, HeadScanner, Limits, Method, RequestHead, Span, Version,
    parse_request, parse_response,
};

/// Small enough for inputs to reach them.
pub const LIMITS: Limits = Limits { head_bytes: 2048, target_bytes: 256 };

/// Checks a request head, in one piece and in many.
pub fn request(input: &[u8]) {
    let (mut fields, mut fields_again) = (Vec::new(), Vec::new());
    let whole = parse_request(input, &LIMITS, &mut fields);

    let mut scanner = HeadScanner::new();
    for end in prefixes(input) {
        match scanner.request(&input[..end], &LIMITS, &mut fields_again) {
            Ok(None) => {}
            Ok(Some(head)) => {
                let whole = whole.expect("whole input is refused").expect("or incomplete");
                assert_eq!(format!("{head:?}"), format!("{whole:?}"));
                assert_eq!(fields, fields_again);
                break;
            }
            Err(_) => {
                assert!(whole.is_err(), "refused in pieces only");
                break;
            }
        }
    }
    match whole {
        Ok(Some(head)) => {
            accepted_request(input, &head, &fields);
            // What follows has no say.
            let alone = parse_request(&input[..head.bytes], &LIMITS, &mut fields_again);
            assert_eq!(format!("{alone:?}"), format!("{whole:?}"));
            // And every byte of it is needed.
            let cut = parse_request(&input[..head.bytes - 1], &LIMITS, &mut fields_again);
            assert!(matches!(cut, Ok(None)), "{cut:?} without the last byte");
        }
        Ok(None) => assert!(input.len() < LIMITS.head_bytes, "unbounded"),
        Err(error) => {
            assert!(matches!(error.status(), 400 | 405 | 414 | 417 | 431 | 501 | 505));
            assert!(!error.to_string().is_empty());
        }
    }
}

/// Checks a response head. The first byte says what it answers.
pub fn response(input: &[u8]) {
    let Some((&first, input)) = input.split_first() else { return };
    let method = if first & 1 == 0 { Method::Get } else { Method::Head };
    let answer_to = AnswerTo { method, upgrade_asked: first & 2 != 0 };
    let (mut fields, mut fields_again) = (Vec::new(), Vec::new());
    let whole = parse_response(input, answer_to, &LIMITS, &mut fields);

    let mut scanner = HeadScanner::new();
    for end in prefixes(input) {
        match scanner.response(&input[..end], answer_to, &LIMITS, &mut fields_again) {
            Ok(None) => {}
            Ok(Some(head)) => {
                let whole = whole.expect("whole input is refused").expect("or incomplete");
                assert_eq!(format!("{head:?}"), format!("{whole:?}"));
                assert_eq!(fields, fields_again);
                break;
            }
            Err(_) => {
                assert!(whole.is_err(), "refused in pieces only");
                break;
            }
        }
    }
    let head = match whole {
        Ok(Some(head)) => head,
        Ok(None) => return assert!(input.len() < LIMITS.head_bytes, "unbounded"),
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    let lines = lines(&input[..head.bytes]);
    let status_line = lines[0];
    assert!(status_line.starts_with(b"HTTP/1."));
    assert_eq!(&status_line[9..12], head.status.to_string().as_bytes());
    assert_eq!(status_line.get(13..).unwrap_or_default(), head.reason.of(input));
    assert!(head.reason.of(input).iter().all(|&byte| is_value_byte(byte)));
    check_fields(input, &lines[1..], &fields);

    let bodyless = matches!(head.status, 100..200 | 204 | 304) || method == Method::Head;
    let framed = framing(&lines[1..], head.version);
    let expected = if bodyless { Body::None } else { framed.unwrap_or(Body::UntilClose) };
    assert_eq!(head.body, expected);
    assert!(!(head.keep_alive && head.body == Body::UntilClose));
    assert!(!head.upgrade || head.status == 101 && answer_to.upgrade_asked);
}

/// Where to cut the input for the scanner: after each byte, or in larger steps if it is long.
fn prefixes(input: &[u8]) -> impl Iterator<Item = usize> {
    let step = 1 + input.len() / 256;
    (0..input.len()).step_by(step).chain([input.len()])
}

fn accepted_request(input: &[u8], head: &RequestHead, fields: &[Field]) {
    let mut rest = &input[..head.bytes];
    while let Some(line) = rest.strip_prefix(b"\r\n") {
        rest = line;
    }
    let lines = lines(rest);
    let parts: Vec<_> = lines[0].split(|&byte| byte == b' ').collect();
    assert_eq!(parts.len(), 3);
    assert_eq!(parts[0], head.method.of(input));
    assert!(parts[0].iter().all(|&byte| is_token_byte(byte)) && !parts[0].is_empty());
    assert!(parts[1].iter().all(u8::is_ascii_graphic) && !parts[1].contains(&b'#'));
    assert_eq!(parts[2] == b"HTTP/1.1", head.version == Version::Http11);
    assert_ne!(parts[0], b"CONNECT");

    let target = head.target.of(input);
    assert!(target.starts_with(b"/") || *target == *b"*" && head.method_kind == Method::Options);
    assert!(target.starts_with(head.target.path(input)));
    assert_eq!(
        target.get(head.target.path(input).len() + 1..),
        head.target.query(input),
        "path and query make up the target"
    );

    let host = head.host.of(input);
    assert!(!host.is_empty() && host.starts_with(head.host_name.of(input)));
    assert!(host.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:[]".contains(byte)));

    check_fields(input, &lines[1..], fields);
    let names = |name: &[u8]| values(&lines[1..], name).len();
    assert!(names(b"host") == 1 || head.version == Version::Http10 && names(b"host") == 0);
    assert_eq!(head.body, framing(&lines[1..], head.version).unwrap_or(Body::None));
    let has_body = !matches!(head.body, Body::None | Body::Length(0));
    assert!(!(head.upgrade && has_body));
    assert!(!head.expect_continue || has_body);
}

/// The lines of a head without their CR LF, start line first. Asserts that there is no other CR
/// or LF and no byte that no line may have.
fn lines(head: &[u8]) -> Vec<&[u8]> {
    let mut rest = head.strip_suffix(b"\r\n\r\n").expect("a head ends in an empty line");
    let mut lines = Vec::new();
    while let Some(end) = rest.windows(2).position(|pair| pair == b"\r\n") {
        lines.push(&rest[..end]);
        rest = &rest[end + 2..];
    }
    lines.push(rest);
    for line in &lines {
        assert!(line.iter().all(|&byte| is_value_byte(byte)), "{line:?}");
    }
    lines
}

fn check_fields(input: &[u8], lines: &[&[u8]], fields: &[Field]) {
    assert_eq!(lines.len(), fields.len());
    let mut end = None;
    for (line, field) in lines.iter().zip(fields) {
        assert_eq!(field.line.of(input).strip_suffix(b"\r\n"), Some(*line));
        assert!(end.is_none_or(|end| end == field.line.start), "lines have no gaps");
        end = Some(field.line.end);
        let colon = line.iter().position(|&byte| byte == b':').expect("a colon");
        assert_eq!(field.name.of(input), &line[..colon]);
        assert!(colon > 0 && line[..colon].iter().all(|&byte| is_token_byte(byte)));
        assert_eq!(field.value.of(input), trim(&line[colon + 1..]));
        assert!(is_within(field.name, field.line) && is_within(field.value, field.line));
        if field.kind == FieldKind::Named {
            assert_eq!(FieldKind::of(field.name.of(input)), FieldKind::Other);
        } else {
            assert_eq!(FieldKind::of(field.name.of(input)), field.kind);
        }
        let options = values(lines, b"connection");
        let named = options
            .iter()
            .flat_map(|value| value.split(|&byte| byte == b','))
            .any(|option| trim(option).eq_ignore_ascii_case(&line[..colon]));
        if matches!(field.kind, FieldKind::Other | FieldKind::Named) {
            assert_eq!(named, field.kind == FieldKind::Named);
        }
    }
}

/// The framing of an accepted head, which can only be the plain kind.
fn framing(lines: &[&[u8]], version: Version) -> Option<Body> {
    let lengths = values(lines, b"content-length");
    let codings = values(lines, b"transfer-encoding");
    match (lengths.as_slice(), codings.as_slice()) {
        ([], []) => None,
        ([length], []) => {
            assert!(length.iter().all(u8::is_ascii_digit));
            let length = std::str::from_utf8(length).expect("digits");
            Some(Body::Length(length.parse().expect("a length that fits")))
        }
        ([], [coding]) => {
            assert_eq!(coding.to_ascii_lowercase(), b"chunked");
            assert_eq!(version, Version::Http11);
            Some(Body::Chunked)
        }
        both => panic!("ambiguous framing accepted: {both:?}"),
    }
}

fn values<'a>(lines: &[&'a [u8]], name: &[u8]) -> Vec<&'a [u8]> {
    lines
        .iter()
        .filter_map(|line| line.split_at_checked(line.iter().position(|&byte| byte == b':')?))
        .filter(|(found, _)| found.eq_ignore_ascii_case(name))
        .map(|(_, value)| trim(&value[1..]))
        .collect()
}

/// The bytes without spaces and tabs around them.
pub(crate) fn trim(bytes: &[u8]) -> &[u8] {
    let solid = |byte: &u8| !matches!(byte, b' ' | b'\t');
    match (bytes.iter().position(solid), bytes.iter().rposition(solid)) {
        (Some(first), Some(last)) => &bytes[first..=last],
        _ => &[],
    }
}

fn is_within(inner: Span, outer: Span) -> bool {
    outer.start <= inner.start && inner.start <= inner.end && inner.end <= outer.end
}

fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

fn is_value_byte(byte: u8) -> bool {
    matches!(byte, b'\t' | b' '..=b'~' | 0x80..)
}
