//! Patterns for names: `claude-*`, `*-mini`, `qwen/*`, `gpt-?o`.
//!
//! Case does not matter and `*` crosses slashes, as model names of different vendors differ in both.
//! Compiled once; a check of the common forms is a comparison of bytes.

use std::fmt;

/// A compiled pattern.
#[derive(Clone)]
pub struct Glob {
    /// The first byte of every name that fits, in lower case, where there is one.
    first: Option<u8>,
    text: Box<str>,
    shape: Shape,
}

#[derive(Clone)]
enum Shape {
    Any,
    Exact,
    Prefix,
    Suffix,
    General(globset::GlobMatcher),
}

impl Glob {
    /// Compiles a pattern.
    ///
    /// # Errors
    /// When brackets or braces do not close; the text says which.
    pub fn new(pattern: &str) -> Result<Self, String> {
        let special = |c: char| matches!(c, '*' | '?' | '[' | ']' | '{' | '}' | '\\');
        let (text, shape) = match pattern {
            "*" => ("", Shape::Any),
            _ if !pattern.contains(special) => (pattern, Shape::Exact),
            _ => match (pattern.strip_suffix('*'), pattern.strip_prefix('*')) {
                (Some(prefix), _) if !prefix.contains(special) => (prefix, Shape::Prefix),
                (_, Some(suffix)) if !suffix.contains(special) => (suffix, Shape::Suffix),
                _ => (pattern, Shape::General(general(pattern)?)),
            },
        };
        let first = match shape {
            Shape::Exact | Shape::Prefix => text.bytes().next(),
            Shape::Any | Shape::Suffix | Shape::General(_) => None,
        };
        Ok(Self {
            first: first.map(|byte| byte.to_ascii_lowercase()),
            text: text.into(),
            shape,
        })
    }

    /// Whether a name fits.
    #[must_use]
    #[inline]
    pub fn matches(&self, name: &str) -> bool {
        let begins = name.bytes().next().map(|byte| byte.to_ascii_lowercase());
        (self.first.is_none() || self.first == begins) && self.fits(name)
    }

    /// The first byte of every name that fits, in lower case; none where names may begin with anything.
    #[must_use]
    pub const fn first(&self) -> Option<u8> {
        self.first
    }

    fn fits(&self, name: &str) -> bool {
        let (text, name_bytes) = (self.text.as_bytes(), name.as_bytes());
        match &self.shape {
            Shape::Any => true,
            Shape::Exact => name_bytes.eq_ignore_ascii_case(text),
            Shape::Prefix => name_bytes
                .get(..text.len())
                .is_some_and(|head| head.eq_ignore_ascii_case(text)),
            Shape::Suffix => name_bytes
                .len()
                .checked_sub(text.len())
                .is_some_and(|start| name_bytes[start..].eq_ignore_ascii_case(text)),
            Shape::General(matcher) => matcher.is_match(name),
        }
    }

    /// The name itself when the pattern has no wildcard.
    #[must_use]
    pub fn literal(&self) -> Option<&str> {
        matches!(self.shape, Shape::Exact).then_some(&*self.text)
    }
}

fn general(pattern: &str) -> Result<globset::GlobMatcher, String> {
    globset::GlobBuilder::new(pattern)
        .case_insensitive(true)
        .literal_separator(false)
        .backslash_escape(true)
        .build()
        .map(|glob| glob.compile_matcher())
        .map_err(|error| error.kind().to_string())
}

impl fmt::Debug for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.shape {
            Shape::Any => f.write_str("*"),
            Shape::Prefix => write!(f, "{}*", self.text),
            Shape::Suffix => write!(f, "*{}", self.text),
            Shape::Exact | Shape::General(_) => f.write_str(&self.text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shape_matches_what_it_says() {
        let cases: [(&str, &[&str], &[&str]); 8] = [
            ("*", &["", "anything"], &[]),
            ("gpt-4o", &["gpt-4o", "GPT-4o"], &["gpt-4o-mini", "xgpt-4o"]),
            (
                "claude-*",
                &["claude-", "Claude-opus/4"],
                &["claude", "aclaude-x"],
            ),
            ("*-mini", &["-mini", "o4-MINI"], &["mini", "o4-mini-high"]),
            ("*sonnet*", &["claude-sonnet-4", "sonnet"], &["sonet"]),
            ("gpt-?o", &["gpt-4o", "gpt-5O"], &["gpt-o", "gpt-45o"]),
            ("o[134]*", &["o1", "o3-mini"], &["o2"]),
            ("{qwen,glm}-*", &["qwen-plus", "glm-5"], &["kimi-2"]),
        ];
        for (pattern, yes, no) in cases {
            let glob = Glob::new(pattern).expect("valid");
            assert_eq!(glob.to_string(), pattern);
            for name in yes {
                assert!(glob.matches(name), "{pattern} should match {name}");
            }
            for name in no {
                assert!(!glob.matches(name), "{pattern} should not match {name}");
            }
        }
        assert!(Glob::new("a[").is_err());
        assert_eq!(Glob::new("a").expect("valid").literal(), Some("a"));
    }
}
