//! Numbers and addresses as text, at the end of a batch. On the request path: no allocation, and no
//! machinery of `fmt` where it would cost more than the digits.

use std::io::Write;
use std::net::IpAddr;

/// Digits of the longest number.
const DIGITS_MAX: usize = 20;

pub(super) fn write_number(out: &mut Vec<u8>, mut number: u64) {
    let mut digits = [0; DIGITS_MAX];
    let mut at = DIGITS_MAX;
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

/// The lowest digits of a number, with zeros before it.
pub(super) fn write_digits<const N: usize>(out: &mut Vec<u8>, mut number: u64) {
    let mut digits = [b'0'; N];
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
    out.extend_from_slice(&digits);
}

pub(super) fn write_address(out: &mut Vec<u8>, address: IpAddr) {
    match address {
        IpAddr::V4(v4) => {
            for (at, byte) in v4.octets().into_iter().enumerate() {
                if at > 0 {
                    out.push(b'.');
                }
                write_number(out, byte.into());
            }
        }
        IpAddr::V6(v6) => write!(out, "{v6}").expect("a Vec takes all"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_as_everybody_writes_them() {
        let mut out = Vec::new();
        for number in [0, 9, 10, 1234, u64::MAX] {
            out.clear();
            write_number(&mut out, number);
            assert_eq!(out, number.to_string().into_bytes());
        }
        out.clear();
        write_digits::<6>(&mut out, 42);
        write_digits::<2>(&mut out, 123);
        assert_eq!(out, b"00004223");
    }

    #[test]
    fn addresses_are_as_everybody_writes_them() {
        for text in ["0.0.0.0", "192.0.2.255", "::1", "2001:db8::a:0:1"] {
            let mut out = Vec::new();
            write_address(&mut out, text.parse().unwrap());
            assert_eq!(out, text.as_bytes());
        }
    }
}
