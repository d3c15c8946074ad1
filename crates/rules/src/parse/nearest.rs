//! What a misspelt name was probably meant to be.

/// Longest name that is compared with what exists; longer ones resemble none of it.
const NAME_BYTES_MAX: usize = 48;

/// Most letters wrong in a name that still resembles another, and at most a third of them.
const DISTANCE_MAX: usize = 4;

/// The name nearest to `name`, if one is near.
pub(super) fn to(name: &str, known: impl Iterator<Item = &'static str>) -> Option<&'static str> {
    let limit = DISTANCE_MAX.min(name.len() / 3);
    known
        .filter_map(|known| Some((distance(name, known)?, known)))
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map(|(_, known)| known)
}

/// Letters to change, add or leave out. `None` for names of no plausible length.
fn distance(name: &str, known: &str) -> Option<usize> {
    let mut row = [0; NAME_BYTES_MAX + 1];
    let row = row.get_mut(..=name.len())?;
    for (column, cell) in row.iter_mut().enumerate() {
        *cell = column;
    }
    for (line, known) in known.bytes().enumerate() {
        let mut diagonal = line;
        row[0] = line + 1;
        for (column, name) in name.bytes().enumerate() {
            let changed = diagonal + usize::from(!name.eq_ignore_ascii_case(&known));
            diagonal = row[column + 1];
            row[column + 1] = changed.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row.last().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_found_and_far_ones_are_not() {
        let known = ["http.host", "http.referer", "lower"];
        for (name, expected) in [
            ("http.hst", Some("http.host")),
            ("HTTP.HOST", Some("http.host")),
            ("http.referrer", Some("http.referer")),
            ("lowr", Some("lower")),
            ("cf.zone.name", None),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(to(name, known.into_iter()), expected, "{name}");
        }
        assert_eq!(to(&"http.host".repeat(9), known.into_iter()), None);
    }
}
