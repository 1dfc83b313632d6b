//! The facts of a request, and what rules find out about it, lazily and once.

use std::cell::OnceCell;

use http::HeaderMap;
use translator::Dialect;

use super::conversation::Conversation;
use crate::snapshot::{ClientKey, RuleMatchers};

/// What routing is told about a request.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The caller's dialect.
    pub ingress: Dialect,
    /// The model it asks for.
    pub model: &'a str,
    /// The body, decompressed.
    pub body: &'a [u8],
    /// The request's headers.
    pub headers: &'a HeaderMap,
    /// Who asks; `None` on an open hub.
    pub client_key: Option<&'a ClientKey>,
    /// The provider chosen by `x-bridge-provider`.
    pub pin: Option<&'a str>,
}

/// Facts with everything that takes a look into the body remembered.
#[derive(Debug)]
pub(super) struct Request<'a> {
    pub(super) facts: &'a Facts<'a>,
    matchers: &'a RuleMatchers,
    expressions: OnceCell<regex::SetMatches>,
    conversation: OnceCell<Conversation<'a>>,
    images: OnceCell<bool>,
    keywords: OnceCell<Vec<bool>>,
}

impl<'a> Request<'a> {
    pub(super) fn new(facts: &'a Facts<'a>, matchers: &'a RuleMatchers) -> Self {
        Self {
            facts,
            matchers,
            expressions: OnceCell::new(),
            conversation: OnceCell::new(),
            images: OnceCell::new(),
            keywords: OnceCell::new(),
        }
    }

    /// Whether the model name fits one of the shared expressions.
    pub(super) fn fits_expression(&self, index: usize) -> bool {
        self.expressions
            .get_or_init(|| self.matchers.expressions.matches(self.facts.model))
            .matched(index)
    }

    /// Whether one of the shared keywords is in the conversation.
    pub(super) fn says(&self, index: usize) -> bool {
        self.keywords.get_or_init(|| self.find_keywords())[index]
    }

    pub(super) fn has_tools(&self) -> bool {
        self.conversation().tools
    }

    pub(super) fn has_thinking(&self) -> bool {
        self.conversation().thinking
    }

    pub(super) fn has_images(&self) -> bool {
        *self.images.get_or_init(|| self.conversation().has_images())
    }

    /// Four bytes of JSON to the token: only good enough to tell a short request from a long one.
    pub(super) fn input_tokens(&self) -> u64 {
        self.facts.body.len() as u64 / 4
    }

    fn conversation(&self) -> &Conversation<'a> {
        self.conversation
            .get_or_init(|| Conversation::read(self.facts.body))
    }

    fn find_keywords(&self) -> Vec<bool> {
        let mut found = vec![false; self.matchers.keyword_count];
        if let Some(matcher) = &self.matchers.keywords {
            self.conversation().each_text(&mut |text| {
                for hit in matcher.find_overlapping_iter(text) {
                    found[hit.pattern().as_usize()] = true;
                }
            });
        }
        found
    }
}
