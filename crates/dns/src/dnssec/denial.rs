//! NSEC records that deny what is not there, each made for one name (RFC 9824).

use crate::wire::{NAME_BYTES_MAX, rtype};

/// Longest label (RFC 1035 section 2.3.4).
const LABEL_BYTES_MAX: u8 = 63;

/// The data of an NSEC record: that a name (in lower case) has these types, and that no name is
/// between it and the one right behind it. Types in the order of their numbers, each once.
pub(super) fn nsec(name: &[u8], types: impl IntoIterator<Item = u16>) -> Box<[u8]> {
    let mut rdata = successor(name);
    let mut window: Option<(u8, usize)> = None;
    for rtype in types {
        let [block, bit] = rtype.to_be_bytes();
        let at = match window {
            Some((open, at)) if open == block => at,
            _ => {
                rdata.extend_from_slice(&[block, 0]);
                rdata.len()
            }
        };
        window = Some((block, at));
        let needed = at + usize::from(bit / 8) + 1;
        rdata.resize(needed, 0);
        rdata[needed - 1] |= 0x80 >> (bit % 8);
        rdata[at - 1] = u8::try_from(needed - at).unwrap_or(32);
    }
    rdata.into()
}

/// The name right behind another one in the canonical order (RFC 4034 section 6.1): its first child,
/// or where that would be too long, its next neighbour.
fn successor(name: &[u8]) -> Vec<u8> {
    if name.len() + 2 <= NAME_BYTES_MAX {
        return [&[1, 0][..], name].concat();
    }
    let mut next = name.to_vec();
    let first = usize::from(next[0]);
    if next[0] < LABEL_BYTES_MAX && name.len() < NAME_BYTES_MAX {
        next[0] += 1;
        next.insert(1 + first, 0);
        return next;
    }
    // Neither fits: the first label counts up, passing over capital letters, which are lowered.
    let last = next[1..=first].iter().rposition(|byte| *byte != u8::MAX).unwrap_or(0);
    next[1 + last] = match next[1 + last] {
        b'@' => b'[',
        byte => byte.saturating_add(1),
    };
    next
}

/// The types of a name, and those that signing adds.
pub(super) fn with_signing(types: &[u16], is_name_absent: bool) -> Vec<u16> {
    let mut all = types.to_vec();
    all.extend([rtype::RRSIG, rtype::NSEC]);
    all.extend(is_name_absent.then_some(rtype::NXNAME));
    all.sort_unstable();
    all.dedup();
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bitmaps_are_those_of_the_rfc() {
        // RFC 4034 section 4.3: A MX RRSIG NSEC TYPE1234, here behind another name.
        let rdata = nsec(b"\x01a\0", [1, 15, 46, 47, 1234]);
        let mut expected = b"\x01\0\x01a\0".to_vec();
        expected.extend([0, 6, 0x40, 0x01, 0, 0, 0, 0x03, 4, 27]);
        expected.extend([0; 26]);
        expected.push(0x20);
        assert_eq!(*rdata, *expected);
    }

    #[test]
    fn an_absent_name_has_the_type_that_says_so() {
        assert_eq!(with_signing(&[], true), [46, 47, 128]);
        assert_eq!(with_signing(&[1, 48], false), [1, 46, 47, 48]);
    }

    #[test]
    fn the_successor_of_the_longest_names_still_fits() {
        let label = |length: u8, with: u8| {
            let mut label = vec![length];
            label.extend(vec![with; usize::from(length)]);
            label
        };
        let of = |lengths: [u8; 4], with: u8| {
            let mut name: Vec<u8> =
                lengths.iter().flat_map(|length| label(*length, with)).collect();
            name.push(0);
            name
        };
        for (lengths, with) in
            [([61, 63, 63, 63], b'a'), ([62, 62, 63, 63], b'@'), ([60, 63, 63, 63], b'z')]
        {
            let name = of(lengths, with);
            let next = successor(&name);
            assert!(next.len() <= NAME_BYTES_MAX && next != name, "{lengths:?}");
            assert!(!next.iter().any(u8::is_ascii_uppercase));
        }
        assert_eq!(successor(b"\x01a\0"), b"\x01\0\x01a\0");
    }
}
