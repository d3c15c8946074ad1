//! Where something is on earth (RFC 1876): the short forms of its text, and its RDATA.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use super::fields::Member;
use crate::Map;

/// What stands in for a size and two precisions that are left out, in metres (RFC 1876 section 3).
const DEFAULTS: [&str; 3] = ["1", "10000", "10"];

/// The words of a location with every part it may leave out filled in, so that they are one for one
/// the members of its data. Metres lose their unit.
pub(super) fn expanded(words: &[String]) -> Option<Vec<String>> {
    let mut rest = words;
    let mut expanded = Vec::new();
    for directions in [["N", "S"], ["E", "W"]] {
        let is_direction = |word: &String| directions.contains(&word.to_ascii_uppercase().as_str());
        let end = rest.iter().position(is_direction).filter(|end| (1..=3).contains(end))?;
        expanded.extend_from_slice(&rest[..end]);
        expanded.resize(expanded.len() + 3 - end, "0".to_owned());
        expanded.push(rest[end].to_ascii_uppercase());
        rest = &rest[end + 1..];
    }
    if !(1..=4).contains(&rest.len()) {
        return None;
    }
    expanded.extend(rest.iter().map(|word| word.trim_end_matches(['m', 'M']).to_owned()));
    expanded.extend(DEFAULTS[rest.len() - 1..].iter().map(|word| (*word).to_owned()));
    Some(expanded)
}

/// The RDATA (RFC 1876 section 2).
pub(super) fn wire(data: &Map<Member>) -> Option<Vec<u8>> {
    let number = |name| match data.get(name) {
        Some(Member::Number(number)) => Some(number.get()),
        _ => None,
    };
    let is = |name, word| matches!(data.get(name), Some(Member::Text(text)) if text == word);
    let angle = |degrees, minutes, seconds, negative: bool| {
        let seconds = (number(degrees)? * 60.0 + number(minutes)?) * 60.0 + number(seconds)?;
        // Thousandths of a second of arc, the equator or the prime meridian being 2^31.
        let offset = libm::round(seconds * 1000.0);
        whole(2_147_483_648.0 + if negative { -offset } else { offset })
    };
    let latitude = angle("lat_degrees", "lat_minutes", "lat_seconds", is("lat_direction", "S"))?;
    let longitude =
        angle("long_degrees", "long_minutes", "long_seconds", is("long_direction", "W"))?;
    // Centimetres above 100 km below the reference spheroid.
    let altitude = whole(libm::round((number("altitude")? + 100_000.0) * 100.0))?;
    let mut rdata = vec![0];
    for name in ["size", "precision_horz", "precision_vert"] {
        rdata.push(power_of_ten(number(name)?)?);
    }
    for part in [latitude, longitude, altitude] {
        rdata.extend_from_slice(&part.to_be_bytes());
    }
    Some(rdata)
}

/// A length in metres as centimetres: a digit and a power of ten, four bits each.
fn power_of_ten(metres: f64) -> Option<u8> {
    let mut mantissa = libm::round(metres * 100.0);
    let mut exponent = 0;
    while mantissa >= 10.0 && exponent < 9 {
        mantissa = libm::floor(mantissa / 10.0);
        exponent += 1;
    }
    let mantissa = u8::try_from(whole(mantissa)?).ok().filter(|digit| *digit < 10)?;
    Some(mantissa << 4 | exponent)
}

fn whole(number: f64) -> Option<u32> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "range checked")]
    (0.0..=f64::from(u32::MAX)).contains(&number).then_some(number as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_left_out_are_filled_in() {
        for (sent, full) in [
            ("42 N 71 W 0", Some("42 0 0 N 71 0 0 W 0 1 10000 10")),
            ("42 21 n 71 6 w -24m 30m", Some("42 21 0 N 71 6 0 W -24 30 10000 10")),
            ("1 2 3.5 S 4 5 6 E 7m 8m 9m 10m", Some("1 2 3.5 S 4 5 6 E 7 8 9 10")),
            ("42 N 71 W", None),
            ("N 71 W 0", None),
            ("1 2 3 4 N 71 W 0", None),
            ("42 N 71 W 0 1 2 3 4", None),
            ("", None),
        ] {
            let words: Vec<_> = sent.split_whitespace().map(str::to_owned).collect();
            assert_eq!(expanded(&words).map(|words| words.join(" ")).as_deref(), full, "{sent}");
        }
    }

    #[test]
    fn lengths_are_a_digit_and_a_power_of_ten() {
        for (metres, byte) in
            [(0.0, 0x00), (0.01, 0x10), (1.0, 0x12), (10_000.0, 0x16), (9e7, 0x99), (25.0, 0x23)]
        {
            assert_eq!(power_of_ten(metres), Some(byte), "{metres}");
        }
    }
}
