//! The expressions and keywords of all rules, compiled together: a hundred rules cost one pass.

use aho_corasick::{AhoCorasick, MatchKind};
use regex::{RegexSet, RegexSetBuilder};

/// Largest compiled size of all expressions together.
const LARGEST_SET: usize = 4 * 1024 * 1024;

/// Shared matchers; rules refer to their parts by index.
#[derive(Debug)]
pub struct RuleMatchers {
    /// Model name expressions.
    pub(crate) expressions: RegexSet,
    /// Keywords, ASCII letters in any case; `None` when no rule has one.
    pub(crate) keywords: Option<AhoCorasick>,
    /// How many keywords there are.
    pub(crate) keyword_count: usize,
}

impl RuleMatchers {
    /// Compiles what the rules collected.
    ///
    /// # Errors
    /// When all of them together are too large.
    pub(super) fn new(expressions: &[String], keywords: &[String]) -> Result<Self, String> {
        let expressions = RegexSetBuilder::new(expressions)
            .size_limit(LARGEST_SET)
            .build()
            .map_err(|error| format!("the model_regex of all rules together: {error}"))?;
        let matcher = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::Standard)
            .build(keywords)
            .map_err(|error| format!("the keywords of all rules together: {error}"))?;
        let keyword_count = keywords.len();
        Ok(Self {
            expressions,
            keywords: (keyword_count > 0).then_some(matcher),
            keyword_count,
        })
    }
}
