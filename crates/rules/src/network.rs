//! Networks: an address and the length of a prefix, which is at most the address's.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The lowest address that shares the prefix.
pub(crate) fn network(address: IpAddr, bits: u8) -> IpAddr {
    match address {
        IpAddr::V4(address) => {
            let host = u32::MAX.checked_shr(bits.into()).unwrap_or(0);
            Ipv4Addr::from_bits(address.to_bits() & !host).into()
        }
        IpAddr::V6(address) => {
            let host = u128::MAX.checked_shr(bits.into()).unwrap_or(0);
            Ipv6Addr::from_bits(address.to_bits() & !host).into()
        }
    }
}

/// The highest address that shares the prefix.
pub(crate) fn last(address: IpAddr, bits: u8) -> IpAddr {
    match address {
        IpAddr::V4(address) => {
            let host = u32::MAX.checked_shr(bits.into()).unwrap_or(0);
            Ipv4Addr::from_bits(address.to_bits() | host).into()
        }
        IpAddr::V6(address) => {
            let host = u128::MAX.checked_shr(bits.into()).unwrap_or(0);
            Ipv6Addr::from_bits(address.to_bits() | host).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_of_networks() {
        for (address, bits, first, final_one) in [
            ("192.0.2.130", 24, "192.0.2.0", "192.0.2.255"),
            ("192.0.2.130", 32, "192.0.2.130", "192.0.2.130"),
            ("192.0.2.130", 1, "128.0.0.0", "255.255.255.255"),
            ("192.0.2.130", 0, "0.0.0.0", "255.255.255.255"),
            ("2001:db8::1", 32, "2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"),
            ("2001:db8::1", 128, "2001:db8::1", "2001:db8::1"),
            ("2001:db8::1", 0, "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        ] {
            let address = address.parse().unwrap();
            assert_eq!(
                network(address, bits),
                first.parse::<IpAddr>().unwrap(),
                "{address}/{bits}"
            );
            assert_eq!(
                last(address, bits),
                final_one.parse::<IpAddr>().unwrap(),
                "{address}/{bits}"
            );
        }
    }
}
