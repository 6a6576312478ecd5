//! What somebody may have meant who typed a name that does not exist.

/// As many suggestions as can be taken in at a glance.
const SUGGESTED: usize = 3;

/// The names nearest to one: those that begin alike or differ by a few letters. Best first; none if nothing is near.
pub(super) fn nearest<'a>(typed: &str, known: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    // A third of the letters wrong is another word, not a slip.
    let tolerated = (typed.len() / 3).clamp(1, 3);
    let scored = known.filter_map(|name| {
        let begins = !typed.is_empty() && name.starts_with(typed);
        let distance = if begins { 1 } else { distance(typed, name) };
        (distance <= tolerated).then_some((distance, name))
    });
    let mut scored: Vec<_> = scored.collect();
    scored.sort_by_key(|&(distance, _)| distance);
    scored.into_iter().take(SUGGESTED).map(|(_, name)| name).collect()
}

/// How many letters have to be put in, taken out or changed (Levenshtein), row by row.
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<_> = to.chars().collect();
    let mut row: Vec<_> = (0..=to.len()).collect();
    for (index, letter) in from.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = index + 1;
        for (column, other) in to.iter().enumerate() {
            let changed = diagonal + usize::from(letter != *other);
            diagonal = row[column + 1];
            row[column + 1] = changed.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [&str; 5] = ["delivery.p50", "delivery.p99", "delivery.lost", "fanout.t99.p99", "loss"];

    fn near(typed: &str) -> Vec<&'static str> {
        nearest(typed, KNOWN.into_iter())
    }

    #[test]
    fn slips_and_beginnings_are_understood() {
        assert_eq!(near("delivry.p99"), ["delivery.p99", "delivery.p50"]);
        assert_eq!(near("fanout"), ["fanout.t99.p99"]);
        assert_eq!(near("los"), ["loss"]);
        assert_eq!(near("delivery"), ["delivery.p50", "delivery.p99", "delivery.lost"]);
        assert!(near("cpu").is_empty() && near("").is_empty());
    }

    #[test]
    fn letters_are_counted() {
        assert_eq!([distance("", "abc"), distance("abc", "abc"), distance("kitten", "sitting")], [3, 0, 3]);
    }
}
