//! Did you mean: the known word nearest to an unknown one.

/// The candidate that `word` was probably meant to be.
pub(crate) fn suggest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let plain = |text: &str| text.to_lowercase().replace('-', "_").chars().collect::<Vec<_>>();
    let word = plain(word);
    candidates
        .into_iter()
        .map(|candidate| (distance(&word, &plain(candidate)), candidate))
        .filter(|(distance, candidate)| *distance <= (candidate.chars().count().max(word.len()) / 3).max(1))
        .min()
        .map(|(_, candidate)| candidate)
}

/// The entry whose name is nearest to `word`, and how many letters they differ in. Long names, such as paths, share much
/// with each other, so few letters may differ. Of equally near ones it is the first.
pub(super) fn nearest<T>(word: &str, candidates: impl IntoIterator<Item = (String, T)>) -> Option<(usize, T)> {
    let word: Vec<_> = word.chars().collect();
    candidates
        .into_iter()
        .map(|(name, candidate)| (distance(&word, &name.chars().collect::<Vec<_>>()), name.chars().count(), candidate))
        .filter(|(distance, length, _)| *distance <= (length.max(&word.len()) / 8).max(1))
        .min_by_key(|(distance, ..)| *distance)
        .map(|(distance, _, candidate)| (distance, candidate))
}

/// How many letters were added, lost, replaced or swapped with their neighbour.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let mut best = (last[j] + 1).min(row[j - 1] + 1).min(last[j - 1] + usize::from(a[i - 1] != b[j - 1]));
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
    use super::suggest;

    #[test]
    fn near_words_are_suggested_and_far_ones_are_not() {
        let known = ["every", "cron", "on_failure", "stop_timeout", "tz"];
        for (word, expected) in [
            ("evrey", Some("every")),
            ("on-failure", Some("on_failure")),
            ("on_failrue", Some("on_failure")),
            ("stoptimeout", Some("stop_timeout")),
            ("CRON", Some("cron")),
            ("tx", Some("tz")),
            ("banana", None),
            ("", None),
        ] {
            assert_eq!(suggest(word, known), expected, "{word}");
        }
    }
}
