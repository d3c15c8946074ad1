//! Dates as HTTP writes them: IMF-fixdate of RFC 9110 section 5.6.7, always 29 bytes.

use evenkeel_model::Timestamp;

/// Length of every date.
pub(super) const DATE_BYTES: usize = 29;

/// The last second of the year 9999: there is no room for a fifth digit.
const SECONDS_MAX: u64 = 253_402_300_799;

/// A point in time as `Tue, 24 Nov 2026 07:28:00 GMT`, milliseconds dropped.
pub(super) fn format(time: Timestamp) -> [u8; DATE_BYTES] {
    let seconds = time.seconds().min(SECONDS_MAX);
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = civil(days);
    let mut date = *b"Thu, 01 Jan 1970 00:00:00 GMT";
    // 1970-01-01 was a Thursday.
    date[..3].copy_from_slice(name(b"ThuFriSatSunMonTueWed", days % 7));
    date[5..7].copy_from_slice(&two(day));
    date[8..11].copy_from_slice(name(b"JanFebMarAprMayJunJulAugSepOctNovDec", month - 1));
    date[12..14].copy_from_slice(&two(year / 100));
    date[14..16].copy_from_slice(&two(year % 100));
    date[17..19].copy_from_slice(&two(second / 3600));
    date[20..22].copy_from_slice(&two(second / 60 % 60));
    date[23..25].copy_from_slice(&two(second % 60));
    date
}

/// Year, month and day of a number of days since 1970-01-01.
///
/// Counts in years that begin in March, so that the leap day is a year's last, and in eras of 400
/// years, which are all alike (Howard Hinnant, "chrono-compatible low-level date algorithms").
const fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    let year = era * 400 + year_of_era + (month <= 2) as u64;
    (year, month, day)
}

fn name(names: &'static [u8], nth: u64) -> &'static [u8] {
    let at = 3 * usize::try_from(nth).expect("at most eleven");
    &names[at..at + 3]
}

/// The last two digits of a number.
const fn two(number: u64) -> [u8; 2] {
    [b'0' + (number / 10 % 10) as u8, b'0' + (number % 10) as u8]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_written_as_http_wants_them() {
        for (seconds, date) in [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
            (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
            (1_735_689_599, "Tue, 31 Dec 2024 23:59:59 GMT"),
            (1_795_505_280, "Tue, 24 Nov 2026 07:28:00 GMT"),
            (4_107_542_399, "Sun, 28 Feb 2100 23:59:59 GMT"),
            (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"),
            (SECONDS_MAX, "Fri, 31 Dec 9999 23:59:59 GMT"),
            (SECONDS_MAX + 1, "Fri, 31 Dec 9999 23:59:59 GMT"),
        ] {
            let written = format(Timestamp::from_seconds(seconds));
            assert_eq!(core::str::from_utf8(&written), Ok(date), "{seconds}");
        }
    }
}
