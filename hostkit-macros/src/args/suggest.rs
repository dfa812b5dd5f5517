//! What was probably meant.

/// The candidate that is a typing slip away from `word`.
pub(crate) fn nearest<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let word = word.to_lowercase();
    let allowed = (word.chars().count() / 3).clamp(1, 3);
    candidates
        .into_iter()
        .map(|candidate| (distance(&word, &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// ", did you mean `x`?", or nothing.
pub(crate) fn hint<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> String {
    nearest(word, candidates).map(|meant| format!(", did you mean `{meant}`?")).unwrap_or_default()
}

/// Inserted, removed, replaced and swapped letters between the two words.
fn distance(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.chars().collect();
    let b: Vec<char> = b.chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replaced = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = replaced.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(before[j - 2] + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::{distance, nearest};

    #[test]
    fn one_slip_is_recognised_and_another_word_is_not() {
        let words = ["every", "cron", "timeout", "on_failure"];
        let check = |word, meant| assert_eq!(nearest(word, words), meant, "{word}");
        check("evry", Some("every"));
        check("eveyr", Some("every"));
        check("Cron", Some("cron"));
        check("on-failure", Some("on_failure"));
        check("time_out", Some("timeout"));
        check("interval", None);
    }

    #[test]
    fn swapped_neighbours_are_one_slip() {
        assert_eq!(distance("wiat", "wait"), 1);
        assert_eq!(distance("", "abc"), 3);
    }
}
