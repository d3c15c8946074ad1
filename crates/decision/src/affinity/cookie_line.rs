//! The session cookie in the request's `Cookie` lines: finding its values, and taking it out
//! before the line goes on to the endpoint (behaviour.md 4.2, U7). On the request path.
//!
//! A line is split as RFC 6265 section 5.4 joins it: at every `;`, a pair at its first `=`, names
//! compared with their case. Reading and stripping share the split, so what one takes for ours the
//! other removes.

use alloc::vec::Vec;

use super::COOKIE_NAME;

/// Whether a line could hold the session cookie. Most lines do not, and may be passed on whole.
#[must_use]
pub fn mentions_session_cookie(line_value: &[u8]) -> bool {
    // Names with underscores are few, so jumping from one to the next beats looking at each byte.
    memchr::memchr_iter(b'_', line_value)
        .any(|at| line_value[at..].starts_with(COOKIE_NAME.as_bytes()))
}

/// Appends a line's value without the session cookie to `out`. Every other cookie keeps its bytes
/// and its separator.
///
/// Returns whether anything is left to send; if not, `out` is as it was. A line that does not have
/// the cookie is copied whole, and is always left.
pub fn strip_session_cookie(line_value: &[u8], out: &mut Vec<u8>) -> bool {
    let start = out.len();
    let mut left = false;
    let mut first = true;
    let mut trim = false;
    let mut stripped = false;
    for pair in split(line_value) {
        if session_value(pair).is_some() {
            stripped = true;
            // The space that follows belonged between the two.
            trim |= first;
        } else {
            let pair = if trim { pair.trim_ascii_start() } else { pair };
            trim = false;
            if !first {
                out.push(b';');
            }
            out.extend_from_slice(pair);
            left |= !pair.trim_ascii().is_empty();
            first = false;
        }
    }
    if stripped && !left {
        out.truncate(start);
        return false;
    }
    true
}

/// The values of all session cookies of a line, in order.
pub(super) fn session_values(line_value: &[u8]) -> impl Iterator<Item = &[u8]> {
    let line = if mentions_session_cookie(line_value) { line_value } else { &[] };
    split(line).filter_map(session_value)
}

fn split(line_value: &[u8]) -> impl Iterator<Item = &[u8]> {
    line_value.split(|byte| *byte == b';')
}

/// The value of a pair, if it is a session cookie.
fn session_value(pair: &[u8]) -> Option<&[u8]> {
    let (name, value) = pair.split_at(pair.iter().position(|byte| *byte == b'=')?);
    (name.trim_ascii() == COOKIE_NAME.as_bytes()).then(|| value[1..].trim_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::string::String;

    fn strip(line: &str) -> Option<String> {
        let mut out = b"before".to_vec();
        let left = strip_session_cookie(line.as_bytes(), &mut out);
        let out = String::from_utf8(out).unwrap();
        let text = out.strip_prefix("before").unwrap();
        assert!(left || text.is_empty(), "{line}");
        left.then(|| text.into())
    }

    #[test]
    fn only_our_cookie_is_taken_out() {
        for (line, left) in [
            ("__cflb=x", None),
            ("__cflb=x;", None),
            (" __cflb=x ; ", None),
            ("__cflb=x; __cflb=y", None),
            ("__cflb=", None),
            ("__cflb=x; a=1", Some("a=1")),
            ("__cflb=x; __cflb=y;  a=1", Some("a=1")),
            ("a=1; __cflb=x", Some("a=1")),
            ("a=1; __cflb=x; b=2", Some("a=1; b=2")),
            ("a=1;__cflb=x;b=2", Some("a=1;b=2")),
            ("a=1; __cflb=x;  b = \"2\" ;", Some("a=1;  b = \"2\" ;")),
            ("a=1;; __cflb =x;;b", Some("a=1;;;b")),
            ("a=__cflb=x", Some("a=__cflb=x")),
            ("__cflb", Some("__cflb")),
            ("__CFLB=x; __cflbx=1; x__cflb=2", Some("__CFLB=x; __cflbx=1; x__cflb=2")),
            (" a=1 ;; b ", Some(" a=1 ;; b ")),
            ("", Some("")),
        ] {
            assert_eq!(strip(line).as_deref(), left, "{line:?}");
        }
    }

    #[test]
    fn values_come_in_order() {
        for (line, values) in [
            ("a=1; __cflb=x; __cflb=y=z; b=2", &["x", "y=z"][..]),
            ("__cflb= x ", &["x"]),
            ("__cflb", &[]),
            ("___cflb=x", &[]),
            ("", &[]),
        ] {
            let expected: Vec<_> = values.iter().map(|value| value.as_bytes()).collect();
            assert_eq!(session_values(line.as_bytes()).collect::<Vec<_>>(), expected, "{line:?}");
        }
    }

    #[test]
    fn a_mention_is_seen_wherever_it_stands() {
        for (line, mentioned) in [
            ("", false),
            ("_ga=1; __cfl", false),
            ("__cflb", true),
            ("___cflb", true),
            ("_ga=1; _gid=__; x=___cflb=", true),
        ] {
            assert_eq!(mentions_session_cookie(line.as_bytes()), mentioned, "{line}");
        }
    }

    proptest! {
        #[test]
        fn a_stripped_line_has_none_and_keeps_the_rest(line in "((__cflb|a|b)?=?[ x]?;? ?){0,8}") {
            let mut out = Vec::new();
            let left = strip_session_cookie(line.as_bytes(), &mut out);
            prop_assert_eq!(session_values(&out).count(), 0);
            let others = |line: &[u8]| -> Vec<Vec<u8>> {
                split(line)
                    .filter(|pair| session_value(pair).is_none() && !pair.trim_ascii().is_empty())
                    .map(|pair| pair.trim_ascii().to_vec())
                    .collect()
            };
            prop_assert_eq!(others(&out), others(line.as_bytes()));
            if session_values(line.as_bytes()).next().is_none() {
                prop_assert!(left);
                prop_assert_eq!(out, line.as_bytes());
            }
        }
    }
}
