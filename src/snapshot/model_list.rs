//! The models and aliases that a caller may use, for the model listings of all dialects.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{ClientKey, Role, Snapshot};

/// One row of the model listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelEntry {
    /// The name a caller may use.
    pub id: Arc<str>,
    /// The provider that would serve it; `None` where rules or roles decide.
    pub provider: Option<Arc<str>>,
    /// What an alias or role stands for.
    pub target: Option<Arc<str>>,
}

impl Snapshot {
    /// All names this caller may use, sorted, each once.
    #[must_use]
    pub fn models(&self, key: Option<&ClientKey>) -> Vec<ModelEntry> {
        let mut rows = BTreeMap::new();
        let mut add = |id: &Arc<str>, provider: Option<&Arc<str>>, target: Option<&Arc<str>>| {
            if key.is_none_or(|key| key.allows_model(id)) {
                rows.entry(id.clone()).or_insert_with(|| ModelEntry {
                    id: id.clone(),
                    provider: provider.cloned(),
                    target: target.cloned(),
                });
            }
        };
        for provider in &self.providers {
            if key.is_some_and(|key| !key.allows_provider(&provider.name)) {
                continue;
            }
            for model in provider.models() {
                add(model, Some(&provider.name), None);
                if self.index.listing(model).len() > 1 {
                    // Several serve it: this name says which.
                    add(
                        &format!("{}/{model}", provider.name).into(),
                        Some(&provider.name),
                        None,
                    );
                }
            }
        }
        for (alias, target) in &self.roles.aliases {
            add(alias, None, Some(target));
        }
        for role in Role::ALL {
            let listed = || {
                self.providers
                    .iter()
                    .find_map(|provider| provider.role_models(role).first())
            };
            if let Some(target) = self.roles.get(role).or_else(listed) {
                add(&role.family().into(), None, Some(target));
            }
        }
        for rule in self.rules.iter() {
            for name in rule
                .matches
                .model
                .iter()
                .filter_map(crate::routing::Glob::literal)
            {
                add(
                    &name.into(),
                    None,
                    rule.targets
                        .first()
                        .and_then(|target| target.model.as_ref()),
                );
            }
        }
        rows.into_values().collect()
    }
}
