//! The one form of a set of records that is signed (RFC 4034 section 6): names in lower case and
//! not compressed, records in the order of their data, each once.

use crate::answer::{Answer, Set};
use crate::wire::{Name, rtype};

/// Appends the records of a set as they are signed. The owner is in lower case.
pub(super) fn write(
    out: &mut Vec<u8>,
    answer: &Answer<'_>,
    set: &Set<'_>,
    owner: &[u8],
    original_ttl_s: u32,
) {
    let mut all = Vec::new();
    set.each_rdata(answer, &mut |rdata| {
        let mut rdata = rdata.to_vec();
        lower_names(set.rtype, &mut rdata);
        all.push(rdata);
    });
    all.sort_unstable();
    all.dedup();
    for rdata in &all {
        out.extend_from_slice(owner);
        out.extend_from_slice(&set.rtype.to_be_bytes());
        // Class IN.
        out.extend_from_slice(&[0, 1]);
        out.extend_from_slice(&original_ttl_s.to_be_bytes());
        out.extend_from_slice(&u16::try_from(rdata.len()).unwrap_or(u16::MAX).to_be_bytes());
        out.extend_from_slice(rdata);
    }
}

/// Brings the names in the data of a record to lower case, for those types of which that is said
/// (RFC 4034 section 6.2, RFC 6840 section 5.1); names of newer types keep their case.
fn lower_names(rtype: u16, rdata: &mut [u8]) {
    /// Mailbox of the person responsible for a name (RFC 1183).
    const RP: u16 = 17;
    /// Servers of a cell database (RFC 1183), routes (the same), key exchangers (RFC 2230).
    const WITH_PREFERENCE: [u16; 4] = [rtype::MX, 18, 21, 36];
    /// Mail mapping (RFC 2163).
    const PX: u16 = 26;
    /// Rewriting rules (RFC 3403).
    const NAPTR: u16 = 35;
    let (skipped, names) = match rtype {
        rtype::NS | rtype::CNAME | rtype::PTR | rtype::DNAME => (0, 1),
        rtype::SOA | RP => (0, 2),
        rtype::SRV => (6, 1),
        PX => (2, 2),
        NAPTR => (naptr_replacement(rdata), 1),
        _ if WITH_PREFERENCE.contains(&rtype) => (2, 1),
        _ => return,
    };
    let mut rest = rdata.get_mut(skipped..).unwrap_or_default();
    for _ in 0..names {
        let Some(bytes) = Name::at_start_of(rest).map(|name| name.as_wire().len()) else { return };
        let (name, after) = rest.split_at_mut(bytes);
        // Lengths of labels are below 64, where no letters are.
        name.make_ascii_lowercase();
        rest = after;
    }
}

/// Where the name stands in a NAPTR record: behind two numbers and three texts.
fn naptr_replacement(rdata: &[u8]) -> usize {
    let text = |at: usize| at + 1 + usize::from(rdata.get(at).copied().unwrap_or(0));
    text(text(text(4)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_the_old_types_are_lowered_and_nothing_else_is() {
        for (rtype, given, expected) in [
            (rtype::CNAME, &b"\x01A\0"[..], &b"\x01a\0"[..]),
            (rtype::SOA, b"\x01A\0\x01B\0ABCD", b"\x01a\0\x01b\0ABCD"),
            (rtype::MX, b"AB\x01A\0", b"AB\x01a\0"),
            (rtype::SRV, b"ABCDEF\x01A\0", b"ABCDEF\x01a\0"),
            (35, b"ABCD\x01S\x01E\x01R\x01A\0", b"ABCD\x01S\x01E\x01R\x01a\0"),
            (rtype::TXT, b"\x01A", b"\x01A"),
            (rtype::HTTPS, b"\0\x01\x01A\0", b"\0\x01\x01A\0"),
            (rtype::CNAME, b"\x05A", b"\x05A"),
        ] {
            let mut rdata = given.to_vec();
            lower_names(rtype, &mut rdata);
            assert_eq!(rdata, expected, "type {rtype}");
        }
    }
}
