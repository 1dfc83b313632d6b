//! Which vendor a bare model name belongs to: a table of families, kept as data.

use std::sync::{Arc, LazyLock};

use serde::Deserialize;

use super::Glob;
use crate::snapshot::{Provider, Snapshot};

static FAMILIES: LazyLock<Vec<Family>> = LazyLock::new(|| {
    let rows: Vec<Row> = serde_json::from_str(include_str!("owners.json"))
        .expect("the table is part of the build and tested");
    rows.into_iter().map(Family::from).collect()
});

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    owner: String,
    models: Vec<String>,
    providers: Vec<String>,
    hosts: Vec<String>,
}

/// A vendor's family of names.
#[derive(Debug)]
struct Family {
    owner: String,
    models: Vec<Glob>,
    providers: Vec<String>,
    hosts: Vec<String>,
}

impl From<Row> for Family {
    fn from(row: Row) -> Self {
        let models = row
            .models
            .iter()
            .map(|model| Glob::new(model).expect("the table's patterns are tested"));
        Self {
            owner: row.owner,
            models: models.collect(),
            providers: row.providers,
            hosts: row.hosts,
        }
    }
}

impl Family {
    /// The first provider that is this vendor, by name, else by address.
    fn provider<'s>(&self, snapshot: &'s Snapshot) -> Option<&'s Arc<Provider>> {
        let named = self.providers.iter().find_map(|name| {
            snapshot
                .providers
                .iter()
                .find(|provider| provider.name.eq_ignore_ascii_case(name))
        });
        named.or_else(|| {
            snapshot
                .providers
                .iter()
                .find(|provider| self.hosts.iter().any(|host| **host == *provider.base.host))
        })
    }
}

/// The enabled provider that owns a model name.
pub(super) fn owner_of<'s>(snapshot: &'s Snapshot, model: &str) -> Option<&'s Arc<Provider>> {
    FAMILIES
        .iter()
        .filter(|family| family.models.iter().any(|glob| glob.matches(model)))
        .find_map(|family| family.provider(snapshot))
}

/// The enabled provider that a vendor's name stands for, where no provider has that name: `google/...`
/// reaches a provider called `gemini`.
pub(super) fn vendor<'s>(snapshot: &'s Snapshot, name: &str) -> Option<&'s Arc<Provider>> {
    FAMILIES
        .iter()
        .find(|family| {
            family.owner.eq_ignore_ascii_case(name)
                || family
                    .providers
                    .first()
                    .is_some_and(|own| own.eq_ignore_ascii_case(name))
                || (family.owner == "gemini" && name.eq_ignore_ascii_case("google"))
        })
        .and_then(|family| family.provider(snapshot))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sound_and_unambiguous_for_common_names() {
        for (model, owner) in [
            ("claude-sonnet-4-5", "anthropic"),
            ("gpt-4o", "openai"),
            ("o1", "openai"),
            ("o3-mini", "openai"),
            ("o4-mini", "openai"),
            ("chatgpt-4o-latest", "openai"),
            ("gemini-2.5-pro", "gemini"),
            ("models/gemini-2.5-pro", "gemini"),
            ("qwen3-max", "qwen"),
            ("deepseek-chat", "deepseek"),
            ("kimi-k2", "moonshot"),
            ("glm-4.6", "zhipu"),
            ("grok-4", "xai"),
        ] {
            let first = FAMILIES
                .iter()
                .find(|family| family.models.iter().any(|glob| glob.matches(model)));
            assert_eq!(
                first.map(|family| family.owner.as_str()),
                Some(owner),
                "{model}"
            );
        }
        let unowned = |name: &str| {
            !FAMILIES
                .iter()
                .any(|f| f.models.iter().any(|glob| glob.matches(name)))
        };
        assert!(unowned("o10x") && unowned("my-model") && unowned("claudette"));
    }
}
