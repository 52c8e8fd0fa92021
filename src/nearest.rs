//! The nearest known name to a misspelt one.

/// Longer names are not compared: no name of a contract or setting is that long, and the work
/// stays bounded whatever the environment holds.
const LONGEST: usize = 128;

/// The known name nearest to `name` by edits (Damerau-Levenshtein over bytes, letters in any
/// case), at most a third of its length away and at least one. Of equals the first.
pub fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    nearest_within(name, (name.len() / 3).max(1), known)
}

/// The same with at most `bound` edits.
pub fn nearest_within<'a>(
    name: &str,
    bound: usize,
    known: impl Iterator<Item = &'a str>,
) -> Option<&'a str> {
    if name.len() > LONGEST {
        return None;
    }
    let mut best: Option<(usize, &'a str)> = None;
    for candidate in known {
        let limit = best.map_or(bound, |(distance, _)| distance.saturating_sub(1));
        if candidate.len().abs_diff(name.len()) > limit || candidate.len() > LONGEST {
            continue;
        }
        if let Some(distance) = distance(name.as_bytes(), candidate.as_bytes(), limit)
            && best.is_none_or(|(so_far, _)| distance < so_far)
        {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// Optimal string alignment: insertions, deletions, replacements, swaps of neighbours. `None` for
/// more than `limit`, which most of a table is seldom needed to see.
fn distance(one: &[u8], other: &[u8], limit: usize) -> Option<usize> {
    let at = |row: &[usize], index: usize| row.get(index).copied().unwrap_or(usize::MAX / 2);
    // Rows of the table: two back, one back.
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=other.len()).collect();
    let mut previous = None;
    for (i, a) in one.iter().map(u8::to_ascii_lowercase).enumerate() {
        let mut row = Vec::with_capacity(other.len() + 1);
        row.push(i + 1);
        let mut left = None;
        for (j, b) in other.iter().map(u8::to_ascii_lowercase).enumerate() {
            let replaced = at(&last, j) + usize::from(a != b);
            let mut least = replaced.min(at(&last, j + 1) + 1).min(at(&row, j) + 1);
            if previous == Some(b) && left == Some(a) {
                least = least.min(at(&before, j.wrapping_sub(1)) + 1);
            }
            row.push(least);
            left = Some(b);
        }
        // What comes after is made of these two rows, and no less.
        if row.iter().chain(&last).all(|&so_far| so_far > limit) {
            return None;
        }
        previous = Some(a);
        before = std::mem::replace(&mut last, row);
    }
    Some(at(&last, other.len())).filter(|&all| all <= limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_are_counted_with_swaps_as_one() {
        for (one, other, expected) in [
            ("", "", 0),
            ("", "abc", 3),
            ("kitten", "sitting", 3),
            ("ab", "ba", 1),
            ("JWT_SERCET", "jwt_secret", 1),
            ("abc", "abc", 0),
        ] {
            let (a, b) = (one.as_bytes(), other.as_bytes());
            for limit in 0..9 {
                let within = (expected <= limit).then_some(expected);
                assert_eq!(distance(a, b, limit), within, "{one} {other} {limit}");
                assert_eq!(distance(b, a, limit), within, "{other} {one} {limit}");
            }
        }
    }

    #[test]
    fn the_nearest_within_a_third_is_found() {
        let known = ["NEXIS_JWT_SECRET", "NEXIS_JWT_ISSUER", "retries"];
        assert_eq!(nearest("NEXIS_JWT_SERCET", known.into_iter()), Some("NEXIS_JWT_SECRET"));
        assert_eq!(nearest("retrys", known.into_iter()), Some("retries"));
    }

    #[test]
    fn what_is_far_is_not_suggested() {
        assert_eq!(nearest("HOME", ["NEXIS_ENV", "PATH"].into_iter()), None);
        assert_eq!(nearest(&"A".repeat(200), ["A"].into_iter()), None);
    }
}
