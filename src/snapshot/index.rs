//! Providers by name and by listed model, so that no request searches lists.

use std::collections::HashMap;
use std::sync::Arc;

use super::Provider;

#[derive(Debug, Default)]
pub(super) struct Index {
    by_name: HashMap<Arc<str>, usize>,
    by_model: HashMap<Arc<str>, Vec<usize>>,
}

impl Index {
    pub(super) fn new(providers: &[Arc<Provider>]) -> Self {
        let mut index = Self::default();
        for (at, provider) in providers.iter().enumerate() {
            index.by_name.insert(provider.name.clone(), at);
            for model in provider.models() {
                let listing = index.by_model.entry(model.clone()).or_default();
                if listing.last() != Some(&at) {
                    listing.push(at);
                }
            }
        }
        index
    }

    pub(super) fn provider(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).copied()
    }

    pub(super) fn listing(&self, model: &str) -> &[usize] {
        self.by_model.get(model).map_or(&[], Vec::as_slice)
    }
}
