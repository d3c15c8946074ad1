//! The arguments of a query string: pieces between `&`, names before the first `=`, not decoded.

use alloc::borrow::Cow;
use core::ops::ControlFlow;

use super::Evaluation;
use crate::field::TextField;

/// What names and values are passed to, until it breaks.
pub(super) type Visitor<'a, 'v> = dyn FnMut(Cow<'a, [u8]>, Cow<'a, [u8]>) -> ControlFlow<()> + 'v;

/// Visits the arguments in order. `None` if there is no query string; an empty one has none.
pub(super) fn visit<'a>(e: &Evaluation<'a>, each: &mut Visitor<'a, '_>) -> Option<()> {
    if !TextField::UriQuery.mode().covers(e.proxied) {
        return None;
    }
    // Breaking off is no failure.
    let _: ControlFlow<()> = match e.facts.text(TextField::UriQuery)? {
        Cow::Borrowed(query) => pairs(query)
            .try_for_each(|(name, value)| each(Cow::Borrowed(name), Cow::Borrowed(value))),
        Cow::Owned(query) => pairs(&query)
            .try_for_each(|(name, value)| each(name.to_vec().into(), value.to_vec().into())),
    };
    Some(())
}

fn pairs(query: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    query.split(|byte| *byte == b'&').filter(|piece| !piece.is_empty()).map(|piece| {
        match memchr::memchr(b'=', piece) {
            Some(sign) => (&piece[..sign], &piece[sign + 1..]),
            None => (piece, &piece[piece.len()..]),
        }
    })
}
