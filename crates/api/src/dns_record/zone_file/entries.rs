//! The entries of a zone file: lines, or several of them in parentheses, without their comments.

use alloc::borrow::ToOwned;
use alloc::string::String;

/// One entry: its text on one line, without comment and parentheses.
pub(super) struct Entry {
    pub(super) text: String,
    /// Whether it begins with a space, which stands for the name before it.
    pub(super) is_indented: bool,
    /// What stands behind it; of entries that take several lines, nothing.
    pub(super) comment: String,
}

/// The entries of a file, each with the number of its first line.
pub(super) fn entries(text: &str) -> impl Iterator<Item = (usize, Result<Entry, &'static str>)> {
    let mut lines = text.lines().enumerate();
    core::iter::from_fn(move || {
        loop {
            let (number, first) = lines.next()?;
            let mut entry = Entry {
                text: String::new(),
                is_indented: first.starts_with([' ', '\t']),
                comment: String::new(),
            };
            let mut depth = add(&mut entry, first, 0);
            while depth.is_some_and(|depth| depth > 0) {
                match lines.next() {
                    Some((_, line)) => depth = add(&mut entry, line, depth.unwrap_or(0)),
                    None => return Some((number + 1, Err("a parenthesis is open"))),
                }
                entry.comment.clear();
            }
            if depth.is_none() {
                return Some((number + 1, Err("a parenthesis is closed that is not open")));
            }
            if !entry.text.trim().is_empty() {
                return Some((number + 1, Ok(entry)));
            }
        }
    })
}

/// Adds a line without its comment, parentheses as spaces; returns how many of these are open.
fn add(entry: &mut Entry, line: &str, mut depth: usize) -> Option<usize> {
    let (mut quoted, mut escaped) = (false, false);
    let Entry { text, comment, .. } = entry;
    for (at, char) in line.char_indices() {
        if escaped {
            escaped = false;
            text.push(char);
            continue;
        }
        match char {
            ';' if !quoted => {
                *comment = line[at + 1..].trim().to_owned();
                break;
            }
            '(' if !quoted => {
                depth += 1;
                text.push(' ');
            }
            ')' if !quoted => {
                depth = depth.checked_sub(1)?;
                text.push(' ');
            }
            char => {
                escaped = char == '\\';
                quoted ^= char == '"';
                text.push(char);
            }
        }
    }
    text.push(' ');
    Some(depth)
}
