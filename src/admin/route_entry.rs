//! A route rule as people write and read it, with the member names of `app.yml`.

use std::collections::BTreeMap;

use poem_openapi::Object;
use poem_openapi::types::{Any, ParseFromJSON as _, ToJSON as _};
use serde_json::{Map, Value};

use super::definition::Wanted;
use super::owned::{Origin, without_row_members};
use crate::config::{MatchSettings, RouteSettings};
use crate::store::entities::definition::Model;

/// The conditions of a rule: all that are there must hold; within a list one is enough.
#[derive(Clone, Debug, Default, Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct RouteMatch {
    /// Patterns of model names.
    #[oai(default, skip_serializing_if_is_empty)]
    pub model: Vec<String>,
    /// Expressions for model names.
    #[oai(default, skip_serializing_if_is_empty)]
    pub model_regex: Vec<String>,
    /// Words in the conversation.
    #[oai(default, skip_serializing_if_is_empty)]
    pub keyword: Vec<String>,
    /// Headers, each with patterns; none means that presence is enough.
    #[oai(default, skip_serializing_if_is_empty)]
    pub header: BTreeMap<String, Vec<String>>,
    /// Names or ids of client keys.
    #[oai(default, skip_serializing_if_is_empty)]
    pub client_key: Vec<String>,
    /// Tags of client keys.
    #[oai(default, skip_serializing_if_is_empty)]
    pub tag: Vec<String>,
    /// `tools`, `images`, `thinking`; every one must be there.
    #[oai(default, skip_serializing_if_is_empty)]
    pub has: Vec<String>,
    /// Least estimated input tokens.
    pub min_input_tokens: Option<u64>,
    /// Most estimated input tokens.
    pub max_input_tokens: Option<u64>,
    /// Dialects of the caller.
    #[oai(default, skip_serializing_if_is_empty)]
    pub ingress: Vec<String>,
}

/// Where requests go.
#[derive(Clone, Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct RouteTarget {
    /// The provider.
    pub provider: String,
    /// The model; absent keeps the requested name.
    pub model: Option<String>,
    /// Its share under the weighted strategy.
    pub weight: Option<u32>,
}

/// A rule as it is written.
#[derive(Clone, Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct RouteEntry {
    /// Shown in `x-bridge-route`.
    #[oai(validator(min_length = 1, max_length = 128))]
    pub name: String,
    /// For people.
    pub description: Option<String>,
    /// Whether it is in force.
    #[oai(default = "super::definition::yes")]
    pub enabled: bool,
    /// Smaller is looked at first.
    #[oai(
        default = "super::definition::usual_priority",
        validator(
            minimum(value = "-9007199254740991"),
            maximum(value = "9007199254740991")
        )
    )]
    pub priority: i64,
    /// When it holds.
    #[oai(rename = "match", default)]
    pub matches: RouteMatch,
    /// Where matching requests go.
    pub targets: Vec<RouteTarget>,
    /// `priority`, `random`, `weighted`, `round_robin`, `least_latency` or `least_busy`.
    pub strategy: Option<String>,
    /// `transformer` or `direct`.
    pub mode: Option<String>,
    /// A key pool in the place of the providers' own.
    pub key_pool: Option<String>,
    /// Parameters to put over the request's, such as `temperature`.
    pub params: Option<Any<Map<String, Value>>>,
}

/// A rule.
#[derive(Clone, Debug, Object)]
pub(super) struct Route {
    #[oai(flatten)]
    pub entry: RouteEntry,
    #[oai(flatten)]
    pub origin: Origin,
    /// What is odd about it: never reached, hidden by another, without a target that can serve.
    pub warnings: Vec<String>,
}

impl RouteEntry {
    /// As the settings have it.
    pub(super) fn of(route: &RouteSettings) -> Self {
        Self {
            name: route.name.clone(),
            description: None,
            enabled: route.enabled,
            priority: route.priority,
            matches: matches(&route.matches),
            targets: route
                .targets
                .iter()
                .map(|target| RouteTarget {
                    provider: target.provider.clone(),
                    model: target.model.clone(),
                    weight: (target.weight != 1).then_some(target.weight),
                })
                .collect(),
            strategy: Some(route.strategy.as_str().to_owned()),
            mode: route.mode.map(|mode| mode.as_str().to_owned()),
            key_pool: route.key_pool.clone(),
            params: (!route.params.is_empty()).then(|| Any(route.params.clone())),
        }
    }

    /// As a row has it, also where it is not in force. `settings` is the same as read, for documents that are written in
    /// another of the forms that `app.yml` allows.
    pub(super) fn of_row(row: &Model, settings: Option<&RouteSettings>) -> Self {
        Self::of_document(
            serde_json::from_str(&row.document).unwrap_or_default(),
            &row.name,
            row.enabled,
            row.position,
        )
        .unwrap_or_else(|| match settings {
            Some(route) => Self::of(route),
            None => Self {
                name: row.name.clone(),
                description: None,
                enabled: row.enabled,
                priority: row.position,
                matches: RouteMatch::default(),
                targets: Vec::new(),
                strategy: None,
                mode: None,
                key_pool: None,
                params: None,
            },
        })
    }

    /// From a document and what stands beside it.
    pub(super) fn of_document(
        mut document: Value,
        name: &str,
        enabled: bool,
        priority: i64,
    ) -> Option<Self> {
        let map = document.as_object_mut()?;
        map.insert("name".to_owned(), name.into());
        map.insert("enabled".to_owned(), enabled.into());
        map.insert("priority".to_owned(), priority.into());
        Self::parse_from_json(Some(document)).ok()
    }

    /// As a definition.
    pub(super) fn wanted(&self) -> Wanted {
        let mut document = without_row_members(self.to_json().unwrap_or_default());
        // A header without patterns says that presence is enough, so it is not nothing.
        if !self.matches.header.is_empty() {
            document["match"]["header"] = self.matches.header.to_json().unwrap_or_default();
        }
        Wanted {
            name: self.name.clone(),
            position: self.priority,
            enabled: self.enabled,
            document,
            secrets: Vec::new(),
        }
    }
}

fn matches(matches: &MatchSettings) -> RouteMatch {
    let has = [
        (matches.has_tools, "tools"),
        (matches.has_images, "images"),
        (matches.has_thinking, "thinking"),
    ];
    RouteMatch {
        model: matches.model.clone(),
        model_regex: matches.model_regex.clone(),
        keyword: matches.keyword.clone(),
        header: matches.header.iter().cloned().collect(),
        client_key: matches.client_key.clone(),
        tag: matches.tag.clone(),
        has: has
            .into_iter()
            .filter(|(there, _)| *there)
            .map(|(_, word)| word.to_owned())
            .collect(),
        min_input_tokens: matches.min_input_tokens,
        max_input_tokens: matches.max_input_tokens,
        ingress: matches
            .ingress
            .iter()
            .map(|dialect| dialect.as_str().to_owned())
            .collect(),
    }
}
