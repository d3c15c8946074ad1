//! Names as clients send them, made comparable.

/// In lower case, without the final dot.
pub(super) fn normal(name: &str) -> Box<str> {
    name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase().into()
}

/// What follows the first label, when anything does.
pub(super) fn parent(name: &str) -> Option<&str> {
    name.split_once('.').map(|(_, parent)| parent).filter(|parent| !parent.is_empty())
}
