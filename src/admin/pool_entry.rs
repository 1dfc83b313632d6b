//! A pool of keys as people write and read it, and whose keys it has: a file's, a pool's, a provider's own.

use std::time::Instant;

use poem_openapi::Object;
use poem_openapi::types::{MaybeUndefined, ToJSON as _};
use serde_json::Value;

use super::Admin;
use super::definition::{self, Wanted};
use super::owned::{Origin, read_only, without_row_members};
use super::pool_key::PoolKey;
use super::problem::{Answer, Problem};
use super::provider_entry::distinct;
use crate::config::{KeyWeights, Kind, Place, PoolSettings, ProviderSettings, Secret, Settings};
use crate::pool::KeyStats;
use crate::snapshot::{Rotation, Source};
use crate::store::entities::definition::Model;
use crate::store::entities::secret;

/// A pool as it is written.
#[derive(Clone, Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct KeyPoolEntry {
    /// What providers and routes call it.
    #[oai(validator(min_length = 1, max_length = 128))]
    pub name: String,
    /// Which key is tried first: `round_robin` (the default), `weighted`, `random`, `least_busy`, or `priority`, which
    /// stays with the first key for as long as that can be used.
    pub strategy: Option<String>,
    /// The header that carries a key; the dialect's own by default.
    pub auth_header: Option<String>,
    /// Its value, with `{key}` in the place of the key.
    pub auth_format: Option<String>,
    /// Most requests in flight with one key.
    pub max_concurrency_per_key: Option<u32>,
    /// Its keys, all of them; not named, they stay.
    #[oai(write_only)]
    pub keys: MaybeUndefined<Vec<String>>,
}

/// How many keys are in which state.
#[derive(Clone, Debug, Default, Object)]
pub(super) struct KeyCounts {
    /// All of them.
    pub total: u64,
    /// Ready to be used, those included that have just rested.
    pub active: u64,
    /// Resting after a rate limit.
    pub cooling: u64,
    /// Refused by the provider.
    pub quarantined: u64,
    /// Taken out of use.
    pub disabled: u64,
    /// Calls in flight with them.
    pub in_flight: u64,
}

/// A pool of keys.
#[derive(Clone, Debug, Object)]
pub(super) struct KeyPool {
    #[oai(flatten)]
    pub entry: KeyPoolEntry,
    #[oai(flatten)]
    pub origin: Origin,
    /// These are a provider's own keys, and it is called as the provider is.
    pub of_provider: bool,
    /// The providers that are called with its keys.
    pub providers: Vec<String>,
    /// The routes that name it.
    pub routes: Vec<String>,
    /// Its keys, counted.
    pub counts: KeyCounts,
}

impl KeyPoolEntry {
    pub(super) fn wanted(&self) -> Wanted {
        let keys = match &self.keys {
            MaybeUndefined::Value(keys) => Some(distinct(keys)),
            MaybeUndefined::Null => Some(Vec::new()),
            MaybeUndefined::Undefined => None,
        };
        Wanted {
            name: self.name.clone(),
            position: 0,
            enabled: true,
            document: without_row_members(self.to_json().unwrap_or_default()),
            secrets: keys
                .map(|keys| ("key".to_owned(), keys))
                .into_iter()
                .collect(),
        }
    }

    fn bare(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            strategy: Some(Rotation::default().as_str().to_owned()),
            auth_header: None,
            auth_format: None,
            max_concurrency_per_key: None,
            keys: MaybeUndefined::Undefined,
        }
    }

    pub(super) fn of(pool: &PoolSettings) -> Self {
        Self {
            strategy: Some(pool.strategy.as_str().to_owned()),
            auth_header: pool.auth_header.clone(),
            auth_format: pool.auth_format.clone(),
            max_concurrency_per_key: pool
                .max_concurrency_per_key
                .and_then(|limit| u32::try_from(limit).ok()),
            ..Self::bare(&pool.name)
        }
    }

    /// As a row has it, of a pool or of a provider with keys of its own.
    pub(super) fn of_row(row: &Model) -> Self {
        let document: Value = serde_json::from_str(&row.document).unwrap_or_default();
        let text = |member: &str| document[member].as_str().map(str::to_owned);
        let strategy = if row.kind == Kind::Provider.as_str() {
            text("key_strategy")
        } else {
            text("strategy")
        };
        let bare = Self::bare(&row.name);
        Self {
            strategy: strategy.or(bare.strategy),
            auth_header: text("auth_header"),
            auth_format: text("auth_format"),
            max_concurrency_per_key: document["max_concurrency_per_key"]
                .as_u64()
                .and_then(|limit| u32::try_from(limit).ok()),
            name: bare.name,
            keys: bare.keys,
        }
    }

    /// Of the keys that a provider in a file has of its own.
    fn of_provider(provider: &ProviderSettings) -> Self {
        Self {
            strategy: Some(provider.key_strategy.as_str().to_owned()),
            auth_header: provider.auth_header.clone(),
            auth_format: provider.auth_format.clone(),
            max_concurrency_per_key: provider
                .max_concurrency_per_key
                .and_then(|limit| u32::try_from(limit).ok()),
            ..Self::bare(&provider.name)
        }
    }
}

/// Where a pool's settings come from.
pub(super) fn source_of(place: &Place) -> Source {
    if place.definition().is_some() {
        Source::Database
    } else if place.is_variable() {
        Source::Environment
    } else {
        Source::File
    }
}

/// Whose keys a name stands for.
pub(super) enum Holder {
    /// A file's, with the keys themselves.
    Given {
        entry: KeyPoolEntry,
        source: Source,
        place: Place,
        keys: Vec<Secret>,
        weights: KeyWeights,
        of_provider: bool,
    },
    /// The database's: of a pool, or of a provider.
    Row(Model),
}

impl Holder {
    /// The definition, unless a file owns the keys.
    pub(super) fn row(self) -> Answer<Model> {
        match self {
            Self::Row(row) => Ok(row),
            Self::Given {
                entry,
                source,
                place,
                ..
            } => Err(read_only("key pool", &entry.name, source, &place)),
        }
    }
}

/// Pools that files own.
pub(super) fn given(settings: &Settings) -> Vec<Holder> {
    let pools = settings
        .key_pools
        .iter()
        .filter(|pool| pool.place.definition().is_none())
        .map(|pool| Holder::Given {
            entry: KeyPoolEntry::of(pool),
            source: source_of(&pool.place),
            place: pool.place.clone(),
            keys: pool.keys.clone(),
            weights: pool.weights.clone(),
            of_provider: false,
        });
    let own = settings
        .providers
        .iter()
        .filter(|provider| provider.source != Source::Database && !provider.keys.is_empty())
        .filter(|provider| settings.keys_of(provider).pool.is_none())
        .map(|provider| Holder::Given {
            entry: KeyPoolEntry::of_provider(provider),
            source: provider.source,
            place: provider.place.clone(),
            keys: provider.keys.clone(),
            weights: provider.key_weights.clone(),
            of_provider: true,
        });
    pools.chain(own).collect()
}

impl Admin {
    /// Whose keys a name stands for.
    pub(super) async fn holder(&self, name: &str) -> Answer<Holder> {
        let in_force = self.control.in_force();
        let is_named =
            |holder: &Holder| matches!(holder, Holder::Given { entry, .. } if entry.name == name);
        if let Some(holder) = given(&in_force.settings).into_iter().find(is_named) {
            return Ok(holder);
        }
        match definition::find(self, Kind::KeyPool, name).await {
            Err(Problem::NotFound(_)) => {}
            found => return found.map(Holder::Row),
        }
        match definition::find(self, Kind::Provider, name).await {
            Err(Problem::NotFound(_)) => Err(Problem::not_found("key pool")),
            found => found.map(Holder::Row),
        }
    }

    /// The keys of a holder, in order.
    pub(super) async fn keys_of(&self, holder: &Holder) -> Answer<Vec<PoolKey>> {
        let stats = self.control.hub().pools.stats(Instant::now());
        Ok(match holder {
            Holder::Given {
                entry,
                keys,
                weights,
                ..
            } => given_keys(&stats, &entry.name, keys, weights),
            Holder::Row(row) => {
                let secrets = definition::secrets_of(self, &row.id).await?;
                defined_keys(&stats, &row.name, &secrets)
            }
        })
    }
}

fn found<'s>(stats: &'s [KeyStats], pool: &str, mask: &str) -> Option<&'s KeyStats> {
    stats
        .iter()
        .find(|one| *one.pool == *pool && *one.key == *mask)
}

fn given_keys(
    stats: &[KeyStats],
    pool: &str,
    keys: &[Secret],
    weights: &KeyWeights,
) -> Vec<PoolKey> {
    keys.iter()
        .map(|key| {
            let mask = key.masked();
            let weight = weights.get(&mask).copied().unwrap_or(1);
            PoolKey::of(&mask, &mask, "", weight, true, found(stats, pool, &mask))
        })
        .collect()
}

fn defined_keys(stats: &[KeyStats], pool: &str, secrets: &[secret::Model]) -> Vec<PoolKey> {
    secrets
        .iter()
        .filter(|secret| secret.field == "key")
        .map(|secret| {
            PoolKey::of(
                &secret.id,
                &secret.masked,
                &secret.label,
                u32::try_from(secret.weight).unwrap_or(1),
                secret.enabled,
                found(stats, pool, &secret.masked),
            )
        })
        .collect()
}

/// A pool with its keys counted.
pub(super) fn portrait(
    settings: &Settings,
    stats: &[KeyStats],
    holder: &Holder,
    secrets: &[secret::Model],
    origin: Origin,
) -> KeyPool {
    let (entry, keys, of_provider) = match holder {
        Holder::Given {
            entry,
            keys,
            weights,
            of_provider,
            ..
        } => (
            entry.clone(),
            given_keys(stats, &entry.name, keys, weights),
            *of_provider,
        ),
        Holder::Row(row) => {
            let of_provider = row.kind == Kind::Provider.as_str();
            let entry = KeyPoolEntry::of_row(row);
            (entry, defined_keys(stats, &row.name, secrets), of_provider)
        }
    };
    let mut counts = KeyCounts {
        total: keys.len() as u64,
        ..KeyCounts::default()
    };
    for key in &keys {
        counts.in_flight += key.live.in_flight;
        *match key.live.state.as_str() {
            "cooling" => &mut counts.cooling,
            "quarantined" => &mut counts.quarantined,
            "disabled" => &mut counts.disabled,
            _ => &mut counts.active,
        } += 1;
    }
    KeyPool {
        providers: users(settings, &entry.name),
        routes: settings
            .routes
            .iter()
            .filter(|route| route.key_pool.as_deref() == Some(&entry.name))
            .map(|route| route.name.clone())
            .collect(),
        entry,
        origin,
        of_provider,
        counts,
    }
}

/// The providers that are called with the keys of a pool.
pub(super) fn users(settings: &Settings, pool: &str) -> Vec<String> {
    settings
        .providers
        .iter()
        .filter(|provider| match settings.keys_of(provider).pool {
            Some(named) => named.name == pool,
            None => provider.name == pool,
        })
        .map(|provider| provider.name.clone())
        .collect()
}
