//! The known names nearest to a mistyped one.

/// Longer names are not compared: no known name is that long, and the work grows with the square.
const LONGEST: usize = 128;

/// Up to `most` of the candidates, nearest first, that differ in few enough letters to be meant.
#[must_use]
pub fn closest<'a>(
    name: &str,
    candidates: impl IntoIterator<Item = &'a str>,
    most: usize,
) -> Vec<String> {
    if name.len() > LONGEST {
        return Vec::new();
    }
    let folded = name.to_ascii_lowercase();
    let mut scored: Vec<(usize, &str)> = candidates
        .into_iter()
        .filter(|candidate| candidate.len() <= LONGEST)
        .filter_map(|candidate| {
            let other = candidate.to_ascii_lowercase();
            let distance = distance(folded.as_bytes(), other.as_bytes());
            let contained =
                folded.len() >= 3 && (other.contains(&folded) || folded.contains(&other));
            let near = distance <= 1 + folded.len().max(other.len()) / 4;
            (near || (contained && !other.is_empty())).then_some((distance, candidate))
        })
        .collect();
    scored.sort_unstable();
    scored.dedup();
    scored
        .into_iter()
        .take(most)
        .map(|(_, candidate)| candidate.to_owned())
        .collect()
}

/// Edits (insert, delete, replace) from one to the other.
fn distance(a: &[u8], b: &[u8]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_was_meant() {
        let known = ["claude-sonnet-4-5", "gpt-4o", "gpt-4o-mini", "qwen3-max"];
        assert_eq!(closest("gpt4o", known, 1), ["gpt-4o"]);
        assert_eq!(closest("claude-sonet-4-5", known, 3), ["claude-sonnet-4-5"]);
        assert_eq!(closest("sonnet", known, 3), ["claude-sonnet-4-5"]);
        assert!(closest("llama-guard", known, 3).is_empty());
        assert!(closest(&"x".repeat(100_000), known, 3).is_empty());
        assert_eq!(distance(b"kitten", b"sitting"), 3);
    }
}
