//! What bounds an expression: its length, its depth, the stack and the time it takes.

use std::thread;

use evenkeel_rules::{EXPRESSION_BYTES_MAX, Expression, REGEXES_MAX};

use crate::support::Sample;

/// As deep as [`Expression::parse`] goes.
const NESTING_MAX: usize = 48;

#[test]
fn blank_texts_always_hold() {
    for text in ["", " ", "\n\t\r "] {
        let expression = Expression::parse(text).unwrap();
        assert!(expression.is_always());
        assert!(expression.matches(&Sample::default()));
        assert_eq!(expression, Expression::always());
        assert_eq!(expression.to_string(), "");
    }
    let expression = Expression::parse(" true ").unwrap();
    assert!(expression.is_always());
    assert_eq!(expression.to_string(), "true");
    assert!(!Expression::parse("not false").unwrap().is_always());
    assert!(Expression::default().is_always());
}

#[test]
fn length() {
    let fits = format!("http.host eq \"{}\"", "a".repeat(EXPRESSION_BYTES_MAX - 15));
    assert_eq!(fits.len(), EXPRESSION_BYTES_MAX);
    assert!(Expression::parse(&fits).is_ok());

    let error = Expression::parse(&format!("{fits} ")).unwrap_err();
    assert_eq!(error.at, EXPRESSION_BYTES_MAX);
    assert_eq!(error.message, "the expression is too long: 4097 bytes, at most 4096");

    let error = Expression::parse(&format!("a{}", "é".repeat(EXPRESSION_BYTES_MAX))).unwrap_err();
    assert_eq!(error.at, EXPRESSION_BYTES_MAX - 1);
}

/// Expressions nested as deep as the number says, in every way there is.
fn nested(depth: usize) -> [String; 6] {
    let leaf = "http.host eq \"a\"";
    let wrap = |open: &str, inner: &str, close: &str| {
        format!("{}{inner}{}", open.repeat(depth), close.repeat(depth))
    };
    [
        wrap("(", leaf, ")"),
        wrap("not ", leaf, ""),
        wrap("!", leaf, ""),
        wrap("(true or false and ", leaf, " xor true)"),
        wrap("lower(", "http.host", ")") + " eq \"a\"",
        wrap("concat(", "http.request.uri.args.names", ", http.request.uri.args.names)")
            + "[0] eq \"a\"",
    ]
}

#[test]
fn nesting_is_bounded() {
    for text in nested(NESTING_MAX) {
        assert!(Expression::parse(&text).is_ok(), "{text}");
    }
    for text in nested(NESTING_MAX + 1) {
        let error = Expression::parse(&text).unwrap_err();
        assert_eq!(error.message, "nested too deep: at most 48 levels", "{text}");
    }
    for char in ["(", "!", "not ", "lower(", "any(", "a[", "{", "http.request.headers["] {
        assert!(Expression::parse(&char.repeat(EXPRESSION_BYTES_MAX / char.len())).is_err());
    }
}

#[test]
fn the_deepest_expression_fits_a_small_stack() {
    // Half of what threads get by default; optimised builds need a fraction of that.
    let thread = thread::Builder::new().stack_size(1 << 20).spawn(|| {
        let facts = Sample::request("GET /?a=b&c=d");
        for text in nested(NESTING_MAX) {
            let expression = Expression::parse(&text).unwrap();
            let again = Expression::parse(&expression.to_string()).unwrap();
            assert_eq!(expression.matches(&facts), again.matches(&facts));
        }
    });
    thread.unwrap().join().unwrap();
}

#[test]
fn nested_calls_do_not_multiply() {
    // Each level names its inner level once, but visits lists of many values.
    let mut text = "http.request.uri.args.names".to_owned();
    for _ in 0..20 {
        text = format!("concat(lower({text}[*]), http.request.uri.args.names)");
    }
    let quantified = format!("any({text}[*] eq \"b\")");
    let mut nested = "any(http.request.uri.args.names[*] eq \"b\")".to_owned();
    for _ in 0..15 {
        nested = format!("any(starts_with(http.request.uri.args.names[*], to_string({nested})))");
    }
    let query = vec!["a=1"; 1000].join("&");
    let facts = Sample { query, ..Sample::default() };
    assert!(!facts.matches(&quantified));
    assert!(!facts.matches(&nested));
}

#[test]
fn expressions_are_shared_between_threads() {
    fn shared<T: Send + Sync + Clone + 'static>() {}
    shared::<Expression>();
}

#[test]
fn regular_expressions_are_counted() {
    let conditions = |count: usize| vec![r#"http.host matches "a.b""#; count].join(" or ");
    assert!(Expression::parse(&conditions(REGEXES_MAX)).is_ok());
    let error = Expression::parse(&conditions(REGEXES_MAX + 1)).unwrap_err();
    assert_eq!(error.message, "too many regular expressions: 17, at most 16");
}
