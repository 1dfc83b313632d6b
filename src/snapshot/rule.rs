//! Route rules, compiled.

use std::sync::Arc;

use http::HeaderName;
use serde_json::{Map, Value};
use translator::Dialect;

use super::{KeyPool, Mode, Provider, Source, Strategy};
use crate::routing::Glob;

/// A compiled rule.
#[derive(Debug)]
pub struct Rule {
    /// Unique name, shown in `x-bridge-route`.
    pub name: Arc<str>,
    /// Smaller is looked at first.
    pub priority: i64,
    /// All of this must hold.
    pub matches: RuleMatch,
    /// Where matching requests go.
    pub targets: Vec<RuleTarget>,
    /// In which order.
    pub strategy: Strategy,
    /// Overrides the mode of provider and hub.
    pub mode: Option<Mode>,
    /// The keys to use instead of the provider's: the name, and one pool per target.
    pub key_pool: Option<Arc<str>>,
    /// Parameter overrides by canonical name.
    pub params: Option<Arc<Map<String, Value>>>,
    /// Where it was defined.
    pub source: Source,
}

/// The conditions of a rule: all that are present must hold; within a list one is enough.
#[derive(Debug, Default)]
pub struct RuleMatch {
    /// Model name patterns.
    pub model: Vec<Glob>,
    /// Index of the rule's expression in the set that all rules share.
    pub model_regex: Vec<usize>,
    /// Indices of keywords in the matcher that all rules share.
    pub keyword: Vec<usize>,
    /// Request headers; every one must match.
    pub header: Vec<HeaderMatch>,
    /// Names or ids of client keys.
    pub client_key: Vec<Arc<str>>,
    /// Tags of the client key.
    pub tag: Vec<Arc<str>>,
    /// Presence of tools.
    pub has_tools: bool,
    /// Presence of images.
    pub has_images: bool,
    /// Presence of a request for thinking.
    pub has_thinking: bool,
    /// Least estimated input tokens.
    pub min_input_tokens: Option<u64>,
    /// Most estimated input tokens.
    pub max_input_tokens: Option<u64>,
    /// Dialects of the caller.
    pub ingress: Vec<Dialect>,
    /// Holds only for names of which nothing else says who serves them: no provider's name before a slash, no alias,
    /// role or list, no family of a provider that somebody has set up.
    pub unexplained: bool,
}

/// A header condition.
#[derive(Debug)]
pub struct HeaderMatch {
    /// The header.
    pub name: HeaderName,
    /// Patterns for its value; none means that presence is enough.
    pub values: Vec<Glob>,
}

/// One target of a rule.
#[derive(Debug)]
pub struct RuleTarget {
    /// The provider's name, also when it is not enabled.
    pub name: Arc<str>,
    /// The provider; `None` while it is not enabled.
    pub provider: Option<Arc<Provider>>,
    /// The model; `None` keeps the requested name.
    pub model: Option<Arc<str>>,
    /// Share under the weighted strategy.
    pub weight: u32,
    /// The rule's own pool in this provider's header form.
    pub pool: Option<Arc<KeyPool>>,
}
