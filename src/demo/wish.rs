//! The `demo:` words of a user text. It only reads them: what they lead to is the script's business.

/// Whether the text has the word, as a word of its own (`demo:tool` is not in `demo:tools`).
pub(super) fn has(text: &str, word: &str) -> bool {
    words(text).any(|found| found == word)
}

/// The number behind a word with one, such as `error-429` or `steps-3`.
pub(super) fn number(text: &str, word: &str) -> Option<u64> {
    words(text).find_map(|found| found.strip_prefix(word)?.strip_prefix('-')?.parse().ok())
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split("demo:").skip(1).map(|rest| {
        let end = rest
            .find(|c: char| !c.is_ascii_alphanumeric() && c != '-')
            .unwrap_or(rest.len());
        &rest[..end]
    })
}

#[cfg(test)]
mod tests {
    use super::{has, number};

    #[test]
    fn finds_whole_words_only() {
        let text = "please demo:reasoning, then demo:tools and demo:error-429.";
        assert!(has(text, "reasoning"));
        assert!(!has(text, "tool"));
        assert_eq!(number(text, "error"), Some(429));
        assert_eq!(number(text, "steps"), None);
        assert!(!has("reasoning without the prefix", "reasoning"));
    }
}
