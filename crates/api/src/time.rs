//! The timestamps of documents as points in time.

use evenkeel_model::Timestamp;

/// Reads RFC 3339 (`2025-02-27T22:31:48.033418Z`, `2025-02-27T22:31:48+01:00`) to the millisecond.
/// `None` for anything else and for years before 1970.
#[must_use]
pub fn parse(text: &str) -> Option<Timestamp> {
    let (date, time) = text.split_once('T')?;
    let (time, offset) = split_offset(time)?;
    let mut date = date.splitn(3, '-').map(digits);
    let (year, month, day) = (date.next()??, date.next()??, date.next()??);
    let (clock, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let mut clock = clock.splitn(3, ':').map(digits);
    let (hour, minute, second) = (clock.next()??, clock.next()??, clock.next()??);
    let valid = (1970..=9999).contains(&year)
        && (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && hour < 24
        && minute < 60
        && second <= 60;
    if !valid {
        return None;
    }
    let seconds = ((days(year, month, day) * 24 + hour) * 60 + minute) * 60 + second;
    let fraction = fraction.get(..3.min(fraction.len()))?;
    let millis = digits(fraction)? * [1000, 100, 10, 1][fraction.len()];
    let seconds = match offset {
        Offset::Ahead(ahead) => seconds.checked_sub(ahead)?,
        Offset::Behind(behind) => seconds + behind,
    };
    Some(Timestamp(seconds * 1000 + millis))
}

/// How far a clock is from UTC, in seconds.
enum Offset {
    Ahead(u64),
    Behind(u64),
}

fn split_offset(time: &str) -> Option<(&str, Offset)> {
    if let Some(time) = time.strip_suffix('Z') {
        return Some((time, Offset::Ahead(0)));
    }
    let sign = time.rfind(['+', '-'])?;
    let (time, offset) = (time.get(..sign)?, time.get(sign..)?);
    let (hours, minutes) = offset.get(1..)?.split_once(':')?;
    let (hours, minutes) = (digits(hours)?, digits(minutes)?);
    if hours > 23 || minutes > 59 {
        return None;
    }
    let seconds = (hours * 60 + minutes) * 60;
    Some((
        time,
        if offset.starts_with('+') { Offset::Ahead(seconds) } else { Offset::Behind(seconds) },
    ))
}

fn digits(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

/// Days from 1970-01-01 in the Gregorian calendar. Years start in March here, so that the leap day
/// is the last one of its year.
const fn days(year: u64, month: u64, day: u64) -> u64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let before_year = year * 365 + year / 4 - year / 100 + year / 400;
    let before_month = (month * 153 + 2) / 5;
    /// From March of year 0 to January 1970.
    const EPOCH: u64 = 719_468;
    before_year + before_month + day - 1 - EPOCH
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_moments() {
        for (text, millis) in [
            ("1970-01-01T00:00:00.000000Z", Some(0)),
            ("2000-02-29T12:00:00Z", Some(951_825_600_000)),
            ("2025-02-27T22:31:48.033418Z", Some(1_740_695_508_033)),
            ("2026-01-05T09:10:11.1Z", Some(1_767_604_211_100)),
            ("9999-12-31T23:59:59.999999Z", Some(253_402_300_799_999)),
            ("1969-12-31T23:59:59Z", None),
            ("2025-13-01T00:00:00Z", None),
            ("2025-02-27T22:31:48+01:00", Some(1_740_691_908_000)),
            ("2025-02-27T22:31:48.5-01:30", Some(1_740_700_908_500)),
            ("1970-01-01T00:30:00+01:00", None),
            ("2025-02-27T22:31:48+24:00", None),
            ("2025-02-27T22:31:48+0100", None),
            ("2025-02-27", None),
            ("2025-02-27T22:31Z", None),
            ("2025-+2-27T22:31:48Z", None),
            ("", None),
        ] {
            assert_eq!(parse(text), millis.map(Timestamp), "{text}");
        }
    }
}
