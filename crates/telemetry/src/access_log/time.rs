//! Moments as the two formats write them. Requests of one second share what was worked out for the
//! first.

use super::number::write_digits;

const MONTHS: [&[u8; 3]; 12] = [
    b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec",
];

/// Writes moments, in UTC.
#[derive(Default)]
pub(super) struct Clock {
    second: u64,
    /// `2026-01-31T23:59:59.` of that second; empty in the beginning.
    rfc3339: Vec<u8>,
    /// `31/Jan/2026:23:59:59 +0000`.
    apache: Vec<u8>,
}

impl Clock {
    /// RFC 3339 with microseconds: `2026-01-31T23:59:59.000001Z`.
    pub(super) fn write_rfc3339(&mut self, at_us: u64, out: &mut Vec<u8>) {
        self.turn_to(at_us / 1_000_000);
        out.extend_from_slice(&self.rfc3339);
        write_digits::<6>(out, at_us % 1_000_000);
        out.push(b'Z');
    }

    /// As Apache does: `31/Jan/2026:23:59:59 +0000`.
    pub(super) fn write_apache(&mut self, at_us: u64, out: &mut Vec<u8>) {
        self.turn_to(at_us / 1_000_000);
        out.extend_from_slice(&self.apache);
    }

    fn turn_to(&mut self, second: u64) {
        if self.second == second && !self.rfc3339.is_empty() {
            return;
        }
        self.second = second;
        let (year, month, day) = date(second / 86_400);
        let in_day = second % 86_400;
        let time = [in_day / 3600, in_day / 60 % 60, in_day % 60];

        let out = &mut self.rfc3339;
        out.clear();
        write_digits::<4>(out, year);
        for (mark, part) in [(b'-', month), (b'-', day)] {
            out.push(mark);
            write_digits::<2>(out, part);
        }
        for (mark, part) in [b'T', b':', b':'].into_iter().zip(time) {
            out.push(mark);
            write_digits::<2>(out, part);
        }
        out.push(b'.');

        let out = &mut self.apache;
        out.clear();
        write_digits::<2>(out, day);
        out.push(b'/');
        out.extend_from_slice(MONTHS[(month - 1) as usize]);
        out.push(b'/');
        write_digits::<4>(out, year);
        for part in time {
            out.push(b':');
            write_digits::<2>(out, part);
        }
        out.extend_from_slice(b" +0000");
    }
}

/// Year, month and day of a day since 1970, in the Gregorian calendar. Years begin in March here,
/// so that the leap day is the last, and repeat after 400.
fn date(day: u64) -> (u64, u64, u64) {
    const DAYS_400: u64 = 146_097;
    // From the first of March of the year 0 until 1970.
    let day = day + 719_468;
    let (era, day) = (day / DAYS_400, day % DAYS_400);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (era * 400 + year + next, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_in_both_forms() {
        let mut clock = Clock::default();
        for (at_us, rfc3339, apache) in [
            (0, "1970-01-01T00:00:00.000000Z", "01/Jan/1970:00:00:00 +0000"),
            (951_827_696_000_001, "2000-02-29T12:34:56.000001Z", "29/Feb/2000:12:34:56 +0000"),
            (951_827_696_999_999, "2000-02-29T12:34:56.999999Z", "29/Feb/2000:12:34:56 +0000"),
            (1_772_323_199_500_000, "2026-02-28T23:59:59.500000Z", "28/Feb/2026:23:59:59 +0000"),
            (1_772_323_200_000_000, "2026-03-01T00:00:00.000000Z", "01/Mar/2026:00:00:00 +0000"),
            (4_107_542_399_000_000, "2100-02-28T23:59:59.000000Z", "28/Feb/2100:23:59:59 +0000"),
            (4_107_542_400_000_000, "2100-03-01T00:00:00.000000Z", "01/Mar/2100:00:00:00 +0000"),
        ] {
            let mut out = Vec::new();
            clock.write_rfc3339(at_us, &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), rfc3339);
            let mut out = Vec::new();
            clock.write_apache(at_us, &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), apache);
        }
    }

    #[test]
    fn every_day_of_four_centuries_follows_the_one_before() {
        let mut last = date(0);
        for day in 1..=146_097 {
            let (year, month, dom) = date(day);
            let follows = match last {
                (y, m, d) if (year, month) == (y, m) => dom == d + 1,
                (y, 12, 31) => (year, month, dom) == (y + 1, 1, 1),
                (y, m, d) => (year, month, dom) == (y, m + 1, 1) && (28..=31).contains(&d),
            };
            assert!(follows, "{last:?} → {:?}", (year, month, dom));
            last = (year, month, dom);
        }
        assert_eq!(last, (2370, 1, 1));
    }
}
