//! A provider as people write and read it, with the member names of `app.yml`.

use std::collections::{BTreeMap, HashMap};

use poem_openapi::Object;
use poem_openapi::types::{MaybeUndefined, ParseFromJSON as _, ToJSON as _};
use serde_json::Value;

use super::definition::Wanted;
use super::owned::{Origin, without_row_members};
use crate::config::{ModelLists, ProviderSettings, Secret, Settings};
use crate::snapshot::Rotation;
use crate::store::entities::{definition, secret};

/// The models of a provider by role.
#[derive(Clone, Debug, Default, Object)]
#[oai(rename = "ProviderModels")]
pub(super) struct Models {
    /// For `opus`.
    #[oai(default, skip_serializing_if_is_empty)]
    pub big: Vec<String>,
    /// For `sonnet`.
    #[oai(default, skip_serializing_if_is_empty)]
    pub middle: Vec<String>,
    /// For `haiku`.
    #[oai(default, skip_serializing_if_is_empty)]
    pub small: Vec<String>,
    /// Without a role.
    #[oai(default, skip_serializing_if_is_empty)]
    pub other: Vec<String>,
}

/// A provider as it is written. Secrets that are not named stay; `null` removes them.
#[derive(Clone, Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct ProviderEntry {
    /// What stands before the slash in `provider/model`.
    #[oai(validator(min_length = 1, max_length = 64))]
    pub name: String,
    /// For people.
    pub description: Option<String>,
    /// `openai`, `openai-responses`, `anthropic` or `gemini`.
    pub api_format: Option<String>,
    /// What the vendor's SDK calls base URL; known vendors need none.
    pub base_url: Option<String>,
    /// Which kind of server it is, where its address does not say.
    pub profile: Option<String>,
    /// The `api-version` of addresses that need one.
    pub api_version: Option<String>,
    /// A key pool to use in the place of keys of its own.
    pub key_pool: Option<String>,
    /// Which of its own keys is tried first: `round_robin` (the default), `weighted`, `random`, `least_busy` or
    /// `priority`.
    pub key_strategy: Option<String>,
    /// The header that carries a key.
    pub auth_header: Option<String>,
    /// Its value, with `{key}` in the place of the key.
    pub auth_format: Option<String>,
    /// Whether it is in use.
    #[oai(default = "super::definition::yes")]
    pub enabled: bool,
    /// Smaller is tried first.
    #[oai(
        default = "super::definition::usual_priority",
        validator(
            minimum(value = "-9007199254740991"),
            maximum(value = "9007199254740991")
        )
    )]
    pub priority: i64,
    /// Seconds to the end of a whole answer; idle time on a stream.
    pub timeout: Option<f64>,
    /// Further tries on the same target.
    pub max_retries: Option<u32>,
    /// Upper bound on the output tokens of a request.
    pub max_tokens_limit: Option<u64>,
    /// Members of the body that it refuses.
    #[oai(default, skip_serializing_if_is_empty)]
    pub omit_params: Vec<String>,
    /// It answers in streams alone.
    #[oai(default)]
    pub always_stream: bool,
    /// Whether loopback and private addresses may be dialled; only administrators say yes.
    #[oai(default)]
    pub allow_private_network: bool,
    /// The models it serves.
    #[oai(default)]
    pub models: Models,
    /// `transformer` or `direct`, in the place of the hub's own.
    pub mode: Option<String>,
    /// Most requests in flight.
    pub max_concurrency: Option<u32>,
    /// Most requests in flight with one key.
    pub max_concurrency_per_key: Option<u32>,
    /// Its share under the weighted strategy.
    pub weight: Option<u32>,
    /// Its key; the short form of `keys` with one.
    #[oai(write_only)]
    pub api_key: MaybeUndefined<String>,
    /// Its keys, all of them.
    #[oai(write_only)]
    pub keys: MaybeUndefined<Vec<String>>,
    /// Headers for every request, all of them; a value of `null` keeps the one that is there.
    #[oai(write_only)]
    pub headers: MaybeUndefined<HashMap<String, Option<String>>>,
    /// The proxy to reach it through; it may carry a password.
    #[oai(write_only)]
    pub proxy: MaybeUndefined<String>,
}

/// What is shown of the secrets of a provider.
#[derive(Clone, Debug, Default, Object)]
#[oai(rename = "ProviderSecrets")]
#[oai(skip_serializing_if_is_none)]
pub(super) struct Masks {
    /// Its own keys.
    #[oai(default)]
    pub keys: Vec<String>,
    /// Its headers.
    #[oai(default)]
    pub headers: BTreeMap<String, String>,
    /// Its proxy.
    pub proxy: Option<String>,
}

/// A provider.
#[derive(Clone, Debug, Object)]
pub(super) struct Provider {
    #[oai(flatten)]
    pub entry: ProviderEntry,
    #[oai(flatten)]
    pub origin: Origin,
    /// Its secrets, masked.
    pub secrets: Masks,
    /// No key of it is set, so it is not called.
    pub lacks_key: bool,
}

impl ProviderEntry {
    /// As the settings have it.
    fn of(settings: &ProviderSettings) -> Self {
        let models = |models: &ModelLists| Models {
            big: models.big.clone(),
            middle: models.middle.clone(),
            small: models.small.clone(),
            other: models.other.clone(),
        };
        let number = |limit: Option<usize>| limit.and_then(|limit| u32::try_from(limit).ok());
        Self {
            name: settings.name.clone(),
            description: None,
            api_format: Some(settings.dialect.as_str().to_owned()),
            base_url: Some(settings.base_url.clone()),
            profile: settings.profile.map(|profile| profile.name.clone()),
            api_version: settings.api_version.clone(),
            key_pool: settings.key_pool.clone(),
            key_strategy: (settings.key_strategy != Rotation::default())
                .then(|| settings.key_strategy.as_str().to_owned()),
            auth_header: settings.auth_header.clone(),
            auth_format: settings.auth_format.clone(),
            enabled: settings.enabled,
            priority: settings.priority,
            timeout: Some(settings.timeout.as_secs_f64()),
            max_retries: Some(settings.max_retries),
            max_tokens_limit: settings.max_tokens_limit,
            omit_params: settings.omit_params.clone(),
            always_stream: settings.always_stream,
            allow_private_network: settings.allow_private_network,
            models: models(&settings.models),
            mode: settings.mode.map(|mode| mode.as_str().to_owned()),
            max_concurrency: number(settings.max_concurrency),
            max_concurrency_per_key: number(settings.max_concurrency_per_key),
            weight: Some(settings.weight),
            api_key: MaybeUndefined::Undefined,
            keys: MaybeUndefined::Undefined,
            headers: MaybeUndefined::Undefined,
            proxy: MaybeUndefined::Undefined,
        }
    }

    /// As a row has it, also where it is not in force.
    fn of_row(row: &definition::Model) -> Self {
        let mut document: Value = serde_json::from_str(&row.document).unwrap_or_default();
        if !document.is_object() {
            document = Value::Object(serde_json::Map::new());
        }
        let stand = |document: &mut Value| {
            document["name"] = row.name.as_str().into();
            document["enabled"] = row.enabled.into();
            document["priority"] = row.position.into();
        };
        stand(&mut document);
        Self::parse_from_json(Some(document)).unwrap_or_else(|_| {
            let bare = ProviderSettings::new(
                &row.name,
                translator::Dialect::OpenAiChat,
                "",
                crate::snapshot::Source::Database,
                crate::config::Place::default(),
            );
            Self {
                enabled: row.enabled,
                priority: row.position,
                ..Self::of(&bare)
            }
        })
    }

    /// As a definition; `there` are the secrets that it has now.
    pub(super) fn wanted(&self, there: &[secret::Model]) -> Wanted {
        let mut secrets = Vec::new();
        let keys = match (&self.keys, &self.api_key) {
            (MaybeUndefined::Value(keys), _) => Some(keys.clone()),
            (_, MaybeUndefined::Value(key)) => Some(vec![key.clone()]),
            (MaybeUndefined::Null, _) | (_, MaybeUndefined::Null) => Some(Vec::new()),
            _ => None,
        };
        if let Some(keys) = keys {
            secrets.push(("key".to_owned(), distinct(&keys)));
        }
        match &self.proxy {
            MaybeUndefined::Value(proxy) => {
                secrets.push(("proxy".to_owned(), distinct(std::slice::from_ref(proxy))));
            }
            MaybeUndefined::Null => secrets.push(("proxy".to_owned(), Vec::new())),
            MaybeUndefined::Undefined => {}
        }
        let none = HashMap::new();
        let headers = match &self.headers {
            MaybeUndefined::Value(headers) => Some(headers),
            MaybeUndefined::Null => Some(&none),
            MaybeUndefined::Undefined => None,
        };
        if let Some(headers) = headers {
            for secret in there {
                let gone = secret
                    .field
                    .strip_prefix("header:")
                    .is_some_and(|name| !headers.contains_key(name));
                if gone {
                    secrets.push((secret.field.clone(), Vec::new()));
                }
            }
            for (name, value) in headers {
                if let Some(value) = value {
                    secrets.push((format!("header:{name}"), vec![Secret::new(value.trim())]));
                }
            }
        }
        Wanted {
            name: self.name.clone(),
            position: self.priority,
            enabled: self.enabled,
            document: without_row_members(self.to_json().unwrap_or_default()),
            secrets,
        }
    }
}

/// Keys, each once, without what pasting leaves around them.
pub(super) fn distinct(keys: &[String]) -> Vec<Secret> {
    let mut secrets: Vec<Secret> = Vec::new();
    for key in keys
        .iter()
        .flat_map(|key| key.split([',', '\n', '\r', ' ', '\t']))
        .filter(|key| !key.is_empty())
    {
        let key = Secret::new(key);
        if !secrets.contains(&key) {
            secrets.push(key);
        }
    }
    secrets
}

impl Provider {
    /// As a file has it.
    pub(super) fn given(settings: &Settings, provider: &ProviderSettings) -> Self {
        Self {
            entry: ProviderEntry::of(provider),
            origin: Origin::given(provider.source, &provider.place),
            secrets: Masks {
                keys: settings
                    .keys_of(provider)
                    .keys
                    .iter()
                    .map(Secret::masked)
                    .collect(),
                headers: provider
                    .headers
                    .iter()
                    .map(|(name, value)| (name.clone(), value.masked()))
                    .collect(),
                proxy: provider.proxy.as_ref().map(Secret::masked),
            },
            lacks_key: settings.keys_of(provider).missing,
        }
    }

    /// As the database has it.
    pub(super) fn defined(
        settings: &Settings,
        row: &definition::Model,
        secrets: &[secret::Model],
        origin: Origin,
    ) -> Self {
        let masks = |field: &str| {
            secrets
                .iter()
                .filter(|secret| secret.field == field)
                .map(|secret| secret.masked.clone())
                .collect::<Vec<_>>()
        };
        let in_force = settings
            .provider(&row.name)
            .filter(|provider| provider.source == crate::snapshot::Source::Database);
        Self {
            entry: ProviderEntry::of_row(row),
            origin,
            secrets: Masks {
                keys: masks("key"),
                headers: secrets
                    .iter()
                    .filter_map(|secret| {
                        let name = secret.field.strip_prefix("header:")?;
                        Some((name.to_owned(), secret.masked.clone()))
                    })
                    .collect(),
                proxy: masks("proxy").pop(),
            },
            lacks_key: in_force.is_some_and(|provider| settings.keys_of(provider).missing),
        }
    }
}
