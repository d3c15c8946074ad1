//! Blanks, words and signs, and what an error says was found instead.

use alloc::format;
use alloc::string::String;

use winnow::Parser;
use winnow::combinator::opt;
use winnow::stream::Location;
use winnow::token::{literal, take_while};

use super::{Input, Parsed};
use crate::error::ParseError;

/// Longest piece of the text that a message repeats, in characters.
const FOUND_CHARS_MAX: usize = 40;

/// Bytes before what comes next.
pub(super) fn position(input: &Input<'_>) -> usize {
    input.current_token_start()
}

/// Whether nothing comes next.
pub(super) fn at_end(input: &Input<'_>) -> bool {
    input.is_empty()
}

/// The next character.
pub(super) fn peek_char(input: &Input<'_>) -> Option<char> {
    input.chars().next()
}

/// What separates words.
pub(super) const BLANKS: [char; 4] = [' ', '\t', '\r', '\n'];

/// Skips blanks.
pub(super) fn space(input: &mut Input<'_>) -> Parsed<()> {
    take_while(0.., BLANKS).void().parse_next(input)
}

/// Takes a sign, whatever follows it.
pub(super) fn take(input: &mut Input<'_>, sign: &str) -> Parsed<bool> {
    opt(literal(sign)).map(|taken| taken.is_some()).parse_next(input)
}

/// Takes a word that ends where `word` does.
pub(super) fn take_word(input: &mut Input<'_>, word: &str) -> Parsed<bool> {
    if peek_word(input) == word { take(input, word) } else { Ok(false) }
}

/// The next word: the name of a field or a function, or an operator. Empty if there is none.
pub(super) fn peek_word<'t>(input: &Input<'t>) -> &'t str {
    let rest: &'t str = &input.input;
    let is_word = |char: char| char.is_ascii_alphanumeric() || matches!(char, '_' | '.');
    &rest[..rest.find(|char| !is_word(char)).unwrap_or(rest.len())]
}

/// An error here: what was expected, and what was found.
pub(super) fn fail(input: &Input<'_>, expected: &str) -> ParseError {
    ParseError::new(position(input), format!("{expected}; found {}", found(input)))
}

/// The next word or character, for a message.
fn found(input: &Input<'_>) -> String {
    match (peek_word(input), peek_char(input)) {
        (_, None) => "the end".into(),
        ("", Some('`')) => "a backquote".into(),
        ("", Some(char)) if char.is_control() => format!("character {:#04x}", u32::from(char)),
        ("", Some(char)) => format!("`{char}`"),
        (word, _) => format!("`{}`", shortened(word)),
    }
}

/// A piece of the text, cut where it gets too long for a message.
pub(super) fn shortened(text: &str) -> String {
    match text.char_indices().nth(FOUND_CHARS_MAX) {
        Some((cut, _)) => format!("{}…", &text[..cut]),
        None => text.into(),
    }
}
