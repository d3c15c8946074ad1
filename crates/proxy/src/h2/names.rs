//! Names of fields that responses have had before: most have the same ones, and to check, lower and
//! store a name costs more than to find it here.
//!
//! On the request path.

use std::cell::RefCell;

use http::header::HeaderName;

/// Places for names. Two that meet in one replace each other.
const NAMES_MAX: usize = 256;
/// Longest name that is kept, in bytes.
const NAME_BYTES_MAX: usize = 64;

/// One worker's names, 8 KiB and as much again at most for those that are not well known.
#[derive(Debug)]
pub(crate) struct Names(RefCell<Box<[Option<HeaderName>]>>);

impl Default for Names {
    fn default() -> Self {
        Self(RefCell::new(vec![None; NAMES_MAX].into()))
    }
}

impl Names {
    /// The name in the form of HTTP/2. `None`: these bytes are no name.
    pub(super) fn of(&self, name: &[u8]) -> Option<HeaderName> {
        let mut names = self.0.borrow_mut();
        let place = &mut names[place_of(name)];
        if let Some(known) = place
            && known.as_str().as_bytes().eq_ignore_ascii_case(name)
        {
            return Some(known.clone());
        }
        let new = HeaderName::from_bytes(name).ok()?;
        if name.len() <= NAME_BYTES_MAX {
            *place = Some(new.clone());
        }
        Some(new)
    }
}

/// The same for a name in any case. Names of a message differ in their length, their middle or
/// their ends.
fn place_of(name: &[u8]) -> usize {
    let [first, .., last] = name else { return 0 };
    // The bit sets small letters apart from capitals.
    let letter = |byte: u8| usize::from(byte | 0x20);
    let middle = letter(name[name.len() / 2]);
    let mixed = name.len() + letter(*first) * 5 + middle * 37 + letter(*last) * 101;
    mixed % NAMES_MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_same_the_second_time() {
        let names = Names::default();
        let long = "x".repeat(NAME_BYTES_MAX + 1);
        for name in ["Date", "X-Header-1", "x-header-1", "X-HEADER-1", "dAtE", "a", "B", &long] {
            for _ in 0..2 {
                let known = names.of(name.as_bytes()).unwrap();
                assert_eq!(known.as_str(), name.to_ascii_lowercase());
            }
        }
        for _ in 0..2 {
            for wrong in [&b""[..], b"a b", b"x:", b"\xe4", b"dat\xe5"] {
                assert_eq!(names.of(wrong), None, "{}", wrong.escape_ascii());
            }
        }
    }

    #[test]
    fn more_names_than_places_are_told_apart() {
        let names = Names::default();
        for round in 0..2 {
            for number in 0..4 * NAMES_MAX {
                let name = format!("X-{number}");
                let known = names.of(name.as_bytes()).unwrap();
                assert_eq!(known.as_str(), format!("x-{number}"), "round {round}");
            }
        }
    }
}
