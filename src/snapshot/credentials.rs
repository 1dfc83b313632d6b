//! Which keys a provider is called with, and how they are written into a header.

use std::collections::HashMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use http::{HeaderName, HeaderValue};
use translator::Dialect;
use translator::profile::{self, Profile};

use super::{BaseUrl, KeyPool, PoolKey, Rotation};
use crate::config::{ConfigErrors, KeyWeights, PoolSettings, ProviderSettings, Secret, Settings};

/// The keys of a provider as configured.
#[derive(Clone, Copy, Debug)]
pub struct KeysOf<'s> {
    /// The keys that are set.
    pub keys: &'s [Secret],
    /// The named pool they come from, where they do.
    pub pool: Option<&'s PoolSettings>,
    /// Keys were configured, but none of them is set: the provider cannot be called.
    pub missing: bool,
}

impl Settings {
    /// A provider's keys: of its `key_pool`, else of the pool of its own name, else its own.
    #[must_use]
    pub fn keys_of(&self, provider: &ProviderSettings) -> KeysOf<'_> {
        let name = provider.key_pool.as_ref().unwrap_or(&provider.name);
        if let Some(pool) = self.key_pools.iter().find(|pool| pool.name == *name)
            && (provider.key_pool.is_some() || !pool.keys.is_empty())
        {
            return KeysOf {
                keys: &pool.keys,
                pool: Some(pool),
                missing: pool.keys.is_empty(),
            };
        }
        let own = self
            .providers
            .iter()
            .find(|other| other.name == provider.name);
        let keys = own.map_or(&[][..], |own| own.keys.as_slice());
        KeysOf {
            keys,
            pool: None,
            missing: keys.is_empty() && provider.wants_key,
        }
    }
}

impl ProviderSettings {
    /// Which kind of server it is: what the configuration says, else whose address it is.
    #[must_use]
    pub fn recognised(&self, base: &BaseUrl) -> Option<&'static Profile> {
        self.profile.or_else(|| profile::at(&base.host, base.port))
    }
}

/// The header in which a dialect's vendors take keys.
fn usual_header(dialect: Dialect) -> (&'static str, &'static str) {
    match dialect {
        Dialect::OpenAiChat | Dialect::OpenAiResponses => ("authorization", "Bearer {key}"),
        Dialect::Anthropic => ("x-api-key", "{key}"),
        Dialect::Gemini => ("x-goog-api-key", "{key}"),
    }
}

/// What a pool is made of, as configured.
struct Wanted<'s> {
    name: &'s str,
    keys: &'s [Secret],
    weights: &'s KeyWeights,
    rotation: Rotation,
    limit: Option<usize>,
    /// Header and format that the pool itself names.
    form: (Option<&'s str>, Option<&'s str>),
}

/// Makes each pool once per header form.
#[derive(Debug, Default)]
pub(super) struct PoolMaker {
    made: HashMap<(String, String, String), Arc<KeyPool>>,
}

impl PoolMaker {
    /// The pool of a provider.
    pub(super) fn of_provider(
        &mut self,
        settings: &Settings,
        provider: &ProviderSettings,
        errors: &mut ConfigErrors,
    ) -> Arc<KeyPool> {
        let found = settings.keys_of(provider);
        match found.pool {
            Some(pool) => self.of_pool(settings, pool, provider, errors),
            None => {
                let wanted = Wanted {
                    name: &provider.name,
                    keys: found.keys,
                    weights: &provider.key_weights,
                    rotation: provider.key_strategy,
                    limit: provider.max_concurrency_per_key,
                    form: (None, None),
                };
                self.make(settings, &wanted, provider, errors)
            }
        }
    }

    /// A named pool in the header form of a provider.
    pub(super) fn of_pool(
        &mut self,
        settings: &Settings,
        pool: &PoolSettings,
        provider: &ProviderSettings,
        errors: &mut ConfigErrors,
    ) -> Arc<KeyPool> {
        let wanted = Wanted {
            name: &pool.name,
            keys: &pool.keys,
            weights: &pool.weights,
            rotation: pool.strategy,
            limit: pool
                .max_concurrency_per_key
                .or(provider.max_concurrency_per_key),
            form: (pool.auth_header.as_deref(), pool.auth_format.as_deref()),
        };
        self.make(settings, &wanted, provider, errors)
    }

    fn make(
        &mut self,
        settings: &Settings,
        wanted: &Wanted<'_>,
        provider: &ProviderSettings,
        errors: &mut ConfigErrors,
    ) -> Arc<KeyPool> {
        let (name, form) = (wanted.name, wanted.form);
        let usual = usual_header(provider.dialect);
        let base = BaseUrl::parse(&provider.base_url).ok();
        let profile = base.and_then(|base| provider.recognised(&base));
        let own = profile.and_then(|profile| profile.address.auth_header.as_deref());
        let header = provider
            .auth_header
            .as_deref()
            .or(form.0)
            .or(own)
            .unwrap_or(usual.0)
            .to_ascii_lowercase();
        let usual_format = if header == "authorization" {
            "Bearer {key}"
        } else {
            "{key}"
        };
        let format = provider
            .auth_format
            .as_deref()
            .or(form.1)
            .unwrap_or(usual_format);
        let id = (name.to_owned(), header.clone(), format.to_owned());
        if let Some(pool) = self.made.get(&id) {
            return pool.clone();
        }
        let mut ready: Vec<_> = wanted
            .keys
            .iter()
            .filter_map(|key| pool_key(key, wanted.weights, format, provider, errors))
            .collect();
        let named = settings.key_pools.iter().any(|pool| pool.name == name);
        if wanted.keys.is_empty() && !provider.wants_key && !named {
            // A provider that takes no key has one without a header, so that it can be leased all the same.
            ready.push(PoolKey {
                id: "none".into(),
                header: None,
                weight: 1,
            });
        }
        let header_name = header
            .parse()
            .unwrap_or(HeaderName::from_static("authorization"));
        let purpose = purpose(settings, name, &header, format);
        let pool = Arc::new(KeyPool::new(
            name.into(),
            ready,
            header_name,
            format.into(),
            wanted.rotation,
            wanted.limit,
            purpose,
        ));
        self.made.insert(id, pool.clone());
        pool
    }
}

fn pool_key(
    key: &Secret,
    weights: &KeyWeights,
    format: &str,
    provider: &ProviderSettings,
    errors: &mut ConfigErrors,
) -> Option<PoolKey> {
    let Ok(mut header) = HeaderValue::from_str(&format.replace("{key}", key.expose())) else {
        let what = format!(
            "a key of provider `{}` has characters that a header must not have",
            provider.name
        );
        errors.push(&provider.place, what, "paste the key again");
        return None;
    };
    header.set_sensitive(true);
    let id = key.masked();
    Some(PoolKey {
        weight: weights.get(&id).copied().unwrap_or(1),
        id: id.into(),
        header: Some(header),
    })
}

/// Changes when the pool's keys are sent in another way or to another place.
fn purpose(settings: &Settings, name: &str, header: &str, format: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    (header, format).hash(&mut hasher);
    for provider in &settings.providers {
        if provider.name == name || provider.key_pool.as_deref() == Some(name) {
            (&provider.name, &provider.base_url).hash(&mut hasher);
        }
    }
    hasher.finish()
}
