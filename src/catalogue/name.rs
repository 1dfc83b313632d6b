//! Names of models in one spelling.

/// Lower case, one kind of separator, without the folder that some interfaces put before a name.
pub(super) fn plain(name: &str) -> String {
    let name = name.trim();
    let name = name.strip_prefix("models/").unwrap_or(name);
    name.chars()
        .map(|letter| match letter {
            '.' | '_' | '@' | ' ' => '-',
            other => other.to_ascii_lowercase(),
        })
        .collect()
}

/// A plain name without the date of its release: `-20250929`, `-2024-05-13`, and `-latest`.
pub(super) fn undated(plain: &str) -> Option<&str> {
    if let Some(name) = plain.strip_suffix("-latest") {
        return Some(name);
    }
    let bytes = plain.as_bytes();
    let fits = |pattern: &[u8]| {
        bytes.len() > pattern.len()
            && bytes[bytes.len() - pattern.len()..]
                .iter()
                .zip(pattern)
                .all(|(byte, wanted)| match wanted {
                    b'9' => byte.is_ascii_digit(),
                    // Years only, so that versions and sizes are no dates.
                    b'2' | b'0' | b'-' => byte == wanted,
                    _ => false,
                })
    };
    [&b"-20999999"[..], b"-2099-99-99"]
        .into_iter()
        .find(|pattern| fits(pattern))
        .map(|pattern| &plain[..plain.len() - pattern.len()])
}

/// A name like `vendor/model`, in its parts.
pub(super) fn prefixed(name: &str) -> Option<(&str, &str)> {
    name.split_once('/')
        .filter(|(vendor, model)| !vendor.is_empty() && !model.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_and_dates() {
        for (name, wanted, without) in [
            ("Claude-Sonnet-4.5", "claude-sonnet-4-5", None),
            (
                "claude-sonnet-4-5-20250929",
                "claude-sonnet-4-5-20250929",
                Some("claude-sonnet-4-5"),
            ),
            (
                "claude-3-5-haiku@20241022",
                "claude-3-5-haiku-20241022",
                Some("claude-3-5-haiku"),
            ),
            ("gpt-4o-2024-05-13", "gpt-4o-2024-05-13", Some("gpt-4o")),
            ("models/gemini-2.5-pro", "gemini-2-5-pro", None),
            ("qwen3-235b-a22b-2507", "qwen3-235b-a22b-2507", None),
            ("kimi-latest", "kimi-latest", Some("kimi")),
            ("gpt-4", "gpt-4", None),
        ] {
            let plain = plain(name);
            assert_eq!(plain, wanted);
            assert_eq!(undated(&plain), without, "{name}");
        }
        assert_eq!(prefixed("a/b/c"), Some(("a", "b/c")));
        assert_eq!(prefixed("/b"), None);
    }
}
