//! The rules in their order, and which of them a model's name may fit at all.
//!
//! Of a hundred rules nearly all ask for other models. Reading each one costs more than deciding: they lie all over the
//! memory. So what a name begins with says at once which rules are worth a look.

use std::ops::Deref;

use super::Rule;
use crate::routing::Glob;

/// Names that begin with each byte, and the name without one.
const ROWS: usize = 257;

/// Rules in the order in which they are looked at.
#[derive(Debug, Default)]
pub struct RuleList {
    rules: Vec<Rule>,
    /// A row of bits for each first byte of a name (in lower case), a bit for each rule.
    may_fit: Box<[u64]>,
    /// Words of a row.
    width: usize,
}

impl RuleList {
    pub(super) fn new(rules: Vec<Rule>) -> Self {
        let width = rules.len().div_ceil(64);
        let mut may_fit = vec![0; ROWS * width].into_boxed_slice();
        for (index, rule) in rules.iter().enumerate() {
            let patterns = &rule.matches.model;
            let any = patterns.is_empty() || patterns.iter().any(|glob| glob.first().is_none());
            let mark = |row: usize| may_fit[row * width + index / 64] |= 1 << (index % 64);
            if any {
                (0..ROWS).for_each(mark);
            } else {
                let begins = patterns.iter().filter_map(Glob::first);
                begins.map(usize::from).for_each(mark);
            }
        }
        Self {
            rules,
            may_fit,
            width,
        }
    }

    /// The rules whose patterns for models this name may fit, each with its place among all; those without such patterns
    /// too.
    pub fn for_model(&self, model: &str) -> impl Iterator<Item = (usize, &Rule)> {
        let row = model
            .bytes()
            .next()
            .map_or(ROWS - 1, |byte| usize::from(byte.to_ascii_lowercase()));
        let words = &self.may_fit[row * self.width..][..self.width];
        words.iter().enumerate().flat_map(move |(word, &bits)| {
            std::iter::successors((bits != 0).then_some(bits), |bits| {
                let rest = bits & (bits - 1);
                (rest != 0).then_some(rest)
            })
            .map(move |bits| {
                let index = word * 64 + bits.trailing_zeros() as usize;
                (index, &self.rules[index])
            })
        })
    }
}

impl Deref for RuleList {
    type Target = [Rule];

    fn deref(&self) -> &[Rule] {
        &self.rules
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::{RuleMatch, Source, Strategy};

    fn rule(patterns: &[&str]) -> Rule {
        Rule {
            name: patterns.join("|").into(),
            priority: 0,
            matches: RuleMatch {
                model: patterns
                    .iter()
                    .map(|pattern| Glob::new(pattern).expect("a pattern"))
                    .collect(),
                ..RuleMatch::default()
            },
            targets: Vec::new(),
            strategy: Strategy::Priority,
            mode: None,
            key_pool: None,
            params: None,
            source: Source::File,
        }
    }

    /// However many there are and whatever they ask for: a rule is left out only where none of its patterns fits.
    #[test]
    fn no_rule_that_fits_is_left_out() {
        let patterns = [
            "gpt-*",
            "Claude-*",
            "*-mini",
            "*",
            "o?",
            "qwen/coder",
            "",
            "[a-c]*",
            "é*",
        ];
        let mut rules = vec![rule(&[])];
        for number in 0..140 {
            let one = patterns[number % patterns.len()];
            let other = patterns[number * 7 / 3 % patterns.len()];
            rules.push(rule(&[one, other]));
        }
        let list = RuleList::new(rules);
        for name in [
            "",
            "gpt-5",
            "GPT-5",
            "claude-x",
            "o3",
            "Qwen/Coder",
            "b",
            "zzz",
            "été",
            "x-mini",
        ] {
            let found: Vec<usize> = list.for_model(name).map(|(index, _)| index).collect();
            assert!(found.is_sorted(), "{name}");
            for (index, rule) in list.iter().enumerate() {
                let patterns = &rule.matches.model;
                if patterns.is_empty() || patterns.iter().any(|glob| glob.matches(name)) {
                    assert!(found.contains(&index), "{name}: {}", rule.name);
                }
            }
        }
        let zzz: Vec<_> = list.for_model("zzz").collect();
        assert!(zzz.len() < list.len());
        assert_eq!(RuleList::default().for_model("gpt-5").count(), 0);
    }
}
