//! The configuration as it would be, to try something out before it is in force.

use std::sync::Arc;

use super::Control;
use crate::config::{ConfigErrors, Secret};
use crate::snapshot::{Provider, Snapshot};

/// A provider, and the snapshot that it is part of.
type Tried = (Arc<Snapshot>, Arc<Provider>);

impl Control {
    /// A provider as it would be if it were enabled, with these keys in the place of its own; `None` when there
    /// is none of this name or it would have no key.
    ///
    /// # Errors
    /// When what is in force does not fit together.
    pub fn provider_to_try(
        &self,
        name: &str,
        keys: Option<Vec<Secret>>,
    ) -> Result<Option<Tried>, ConfigErrors> {
        if keys.is_none() {
            let snapshot = self.hub.snapshots.load_full();
            if let Some(provider) = snapshot.provider(name).cloned() {
                return Ok(Some((snapshot, provider)));
            }
        }
        let mut settings = self.in_force().settings.clone();
        if let Some(keys) = keys {
            let pool = settings
                .provider(name)
                .and_then(|provider| settings.keys_of(provider).pool)
                .map(|pool| pool.name.clone());
            match pool {
                Some(pool) => {
                    for other in &mut settings.key_pools {
                        if other.name == pool {
                            other.keys.clone_from(&keys);
                        }
                    }
                }
                None => {
                    for provider in &mut settings.providers {
                        if provider.name == name {
                            provider.keys.clone_from(&keys);
                        }
                    }
                }
            }
        }
        for provider in &mut settings.providers {
            provider.enabled |= provider.name == name;
        }
        let snapshot = Arc::new(Snapshot::build(&settings, 0)?);
        let provider = snapshot.provider(name).cloned();
        Ok(provider.map(|provider| (snapshot, provider)))
    }
}
