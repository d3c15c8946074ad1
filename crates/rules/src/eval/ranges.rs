//! Sets of integers and addresses: ranges, sorted and merged, searched by halves.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::net::IpAddr;

/// A set of values as ranges that include both ends, ascending and apart from each other.
#[derive(Debug)]
pub(crate) struct Ranges<T>(Box<[(T, T)]>);

impl<T: Ord + Copy> Ranges<T> {
    /// The union of ranges, whose starts are not above their ends.
    pub(crate) fn new(mut ranges: Vec<(T, T)>) -> Self {
        ranges.sort_unstable();
        ranges.dedup_by(|(first, last), (_, before)| {
            let overlaps = *first <= *before;
            if overlaps {
                *before = (*before).max(*last);
            }
            overlaps
        });
        Self(ranges.into())
    }

    pub(crate) fn contain(&self, value: T) -> bool {
        let after = self.0.partition_point(|(first, _)| *first <= value);
        after > 0 && value <= self.0[after - 1].1
    }
}

/// A set of addresses of both versions.
#[derive(Debug)]
pub(crate) struct IpRanges {
    v4: Ranges<u32>,
    v6: Ranges<u128>,
}

impl IpRanges {
    /// The union of ranges, each within one version and with a start not above its end.
    pub(crate) fn new(ranges: impl Iterator<Item = (IpAddr, IpAddr)>) -> Self {
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for (first, last) in ranges {
            // IPv4 addresses mapped into IPv6 arrive as IPv4.
            match (first.to_canonical(), last.to_canonical(), first, last) {
                (IpAddr::V4(first), IpAddr::V4(last), ..) => {
                    v4.push((first.to_bits(), last.to_bits()));
                }
                (_, _, IpAddr::V6(first), IpAddr::V6(last)) => {
                    v6.push((first.to_bits(), last.to_bits()));
                }
                _ => {}
            }
        }
        Self { v4: Ranges::new(v4), v6: Ranges::new(v6) }
    }

    pub(crate) fn contain(&self, address: IpAddr) -> bool {
        match address {
            IpAddr::V4(address) => self.v4.contain(address.to_bits()),
            IpAddr::V6(address) => self.v6.contain(address.to_bits()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::vec;

    use super::*;

    #[test]
    fn overlaps_merge_and_ends_belong() {
        let ranges = Ranges::new(vec![(5, 9), (1, 3), (7, 12), (3, 3), (20, 20), (8, 8)]);
        assert_eq!(*ranges.0, [(1, 3), (5, 12), (20, 20)]);
        let inside: Vec<_> = (0..25).filter(|value| ranges.contain(*value)).collect();
        assert_eq!(inside, [1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12, 20]);
        assert!(!Ranges::new(vec![]).contain(0));
    }
}
