//! Why a request goes where it goes, as data; text only when somebody reads it.

use std::fmt;
use std::sync::Arc;

use crate::snapshot::{Role, Strategy};

/// One step of the decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TraceStep {
    /// This many rules were looked at and did not hold.
    RulesPassedOver(usize),
    /// A rule did not hold; only told by `explain`.
    RulePassedOver {
        /// The rule.
        rule: Arc<str>,
        /// The condition that failed.
        why: Mismatch,
    },
    /// A rule held.
    RuleMatched(Arc<str>),
    /// A rule held, but none of its targets can serve.
    RuleWithoutTarget(Arc<str>),
    /// The provider was chosen by header.
    Pinned(Arc<str>),
    /// The name begins with a provider's name.
    Prefix(Arc<str>),
    /// The name is an alias of this one.
    Alias(Arc<str>),
    /// The name asks for a role, set hub-wide to this model.
    RoleSetting(Role, Arc<str>),
    /// The name asks for a role, served from the providers' lists.
    RoleList(Role),
    /// This many providers list the model.
    Listed(usize),
    /// The name belongs to a family that this provider owns.
    Owner(Arc<str>),
    /// Nothing explains the name: it goes to the preferred provider.
    Preferred(Arc<str>),
    /// A target was left out.
    TargetSkipped {
        /// Its provider.
        provider: Arc<str>,
        /// The reason.
        why: SkipReason,
    },
    /// The targets were put in order.
    Ordered(Strategy),
    /// Other providers that list the model follow.
    Fallbacks(usize),
}

/// The condition of a rule that did not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mismatch {
    /// The caller's dialect.
    Ingress,
    /// No pattern fits the model name.
    Model,
    /// No expression fits the model name.
    ModelRegex,
    /// A header is missing or differs.
    Header,
    /// Another caller.
    ClientKey,
    /// The caller has none of the tags.
    Tag,
    /// Tools, images or thinking are missing.
    Has,
    /// Too short or too long.
    InputTokens,
    /// No keyword is in the conversation.
    Keyword,
}

/// Why a target was left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SkipReason {
    /// Its provider is disabled or has no key.
    NotEnabled,
    /// The caller may not reach its provider.
    NotAllowed,
    /// Direct mode does not translate, and it speaks another dialect.
    OtherDialect,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ingress => "the caller speaks another dialect",
            Self::Model => "no model pattern fits",
            Self::ModelRegex => "no model expression fits",
            Self::Header => "a header is missing or differs",
            Self::ClientKey => "another client key",
            Self::Tag => "the client key has none of the tags",
            Self::Has => "no tools, images or thinking as asked for",
            Self::InputTokens => "the input is too short or too long",
            Self::Keyword => "no keyword is in the conversation",
        })
    }
}

impl fmt::Display for SkipReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotEnabled => "not enabled",
            Self::NotAllowed => "not allowed to this client key",
            Self::OtherDialect => "speaks another dialect, and direct mode does not translate",
        })
    }
}

impl fmt::Display for TraceStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RulesPassedOver(count) => write!(f, "{count} rules did not match"),
            Self::RulePassedOver { rule, why } => write!(f, "rule `{rule}` did not match: {why}"),
            Self::RuleMatched(rule) => write!(f, "rule `{rule}` matched"),
            Self::RuleWithoutTarget(rule) => {
                write!(f, "rule `{rule}` has no target that can serve")
            }
            Self::Pinned(provider) => write!(f, "provider `{provider}` was chosen by header"),
            Self::Prefix(provider) => write!(f, "the name begins with provider `{provider}`"),
            Self::Alias(model) => write!(f, "alias of `{model}`"),
            Self::RoleSetting(role, model) => {
                write!(f, "role {} ({}) is `{model}`", role.family(), role.as_str())
            }
            Self::RoleList(role) => write!(
                f,
                "role {} from the providers' {} lists",
                role.family(),
                role.as_str()
            ),
            Self::Listed(count) => write!(f, "{count} providers list the model"),
            Self::Owner(provider) => write!(f, "the name belongs to provider `{provider}`"),
            Self::Preferred(provider) => write!(f, "preferred provider `{provider}`"),
            Self::TargetSkipped { provider, why } => {
                write!(f, "target `{provider}` left out: {why}")
            }
            Self::Ordered(strategy) => write!(f, "ordered by {}", strategy.as_str()),
            Self::Fallbacks(count) => write!(f, "{count} other providers of the model follow"),
        }
    }
}
