//! `regex_replace`: the first match replaced by a template.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::Pattern;

/// Most references to groups in a template, which bounds how much longer it makes a string.
const REFERENCES_MAX: usize = 8;

/// A regular expression, and what its first match becomes.
#[derive(Debug)]
pub(crate) struct Replacement {
    pattern: Pattern,
    template: Box<[Piece]>,
}

#[derive(Debug)]
enum Piece {
    Text(Box<[u8]>),
    Group(usize),
}

impl Replacement {
    /// Takes a template apart: `${1}` is a group, `$$` a dollar sign. Or says why it is malformed.
    pub(crate) fn new(pattern: Pattern, template: &[u8]) -> Result<Self, String> {
        let (mut pieces, mut text, mut references) = (Vec::new(), Vec::new(), 0);
        let mut rest = template;
        while let Some((byte, behind)) = rest.split_first() {
            rest = behind;
            if *byte != b'$' {
                text.push(*byte);
            } else if let Some(behind) = rest.strip_prefix(b"$") {
                rest = behind;
                text.push(b'$');
            } else if let Some((group, behind)) = group(rest) {
                rest = behind;
                if group >= pattern.groups() {
                    return Err(format!("the regular expression has no group {group}"));
                }
                references += 1;
                if references > REFERENCES_MAX {
                    return Err(format!("more than {REFERENCES_MAX} references to groups"));
                }
                pieces.push(Piece::Text(core::mem::take(&mut text).into()));
                pieces.push(Piece::Group(group));
            } else {
                return Err("`$` must be followed by `{`, the number of a group and `}`, or by \
                            another `$`"
                    .into());
            }
        }
        pieces.push(Piece::Text(text.into()));
        Ok(Self { pattern, template: pieces.into() })
    }

    pub(super) fn apply<'a>(&self, subject: Cow<'a, [u8]>) -> Cow<'a, [u8]> {
        let Some(captures) = self.pattern.find(&subject) else { return subject };
        let Some(whole) = captures.get_group(0) else { return subject };
        let mut replaced = subject[..whole.start].to_vec();
        for piece in &self.template {
            match piece {
                Piece::Text(text) => replaced.extend_from_slice(text),
                Piece::Group(group) => {
                    if let Some(group) = captures.get_group(*group) {
                        replaced.extend_from_slice(&subject[group.range()]);
                    }
                }
            }
        }
        replaced.extend_from_slice(&subject[whole.end..]);
        Cow::Owned(replaced)
    }
}

/// The number in `{…}`, and what stands behind.
fn group(text: &[u8]) -> Option<(usize, &[u8])> {
    let text = text.strip_prefix(b"{")?;
    let end = text.iter().position(|byte| *byte == b'}')?;
    let (digits, behind) = (&text[..end], &text[end + 1..]);
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some((core::str::from_utf8(digits).ok()?.parse().ok()?, behind))
}
