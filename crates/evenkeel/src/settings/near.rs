//! Which name was meant by one that does not exist.

/// The nearest of some names, if one is near enough to have been meant: a slip of a few keys, or
/// one name the beginning of the other.
pub(super) fn nearest<'a>(
    typed: &str,
    names: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    const PREFIX_CHARS_MIN: usize = 4;
    let slips_max = (typed.len() / 3).clamp(1, 3);
    names
        .into_iter()
        .filter_map(|name| {
            let shorter = typed.len().min(name.len());
            let is_start = name.starts_with(typed) || typed.starts_with(name);
            let slips = slips(typed, name);
            let is_near = slips <= slips_max || (is_start && shorter >= PREFIX_CHARS_MIN);
            is_near.then_some((slips, name))
        })
        .min()
        .map(|(_, name)| name)
}

/// Letters to add, drop or change to make one of the other (Levenshtein's distance).
fn slips(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in other.bytes().enumerate() {
            let changed = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_understood_and_a_stranger_is_not() {
        let names = ["workers", "https", "http", "tls-cert", "connections-max", "region", "pop"];
        for (typed, meant) in [
            ("worker", Some("workers")),
            ("wrokers", Some("workers")),
            ("htttps", Some("https")),
            ("tls-certificate", Some("tls-cert")),
            ("connection-max", Some("connections-max")),
            ("conections", None),
            ("connections", Some("connections-max")),
            ("colour", None),
            ("po", Some("pop")),
            ("", None),
        ] {
            assert_eq!(nearest(typed, names), meant, "{typed}");
        }
    }
}
