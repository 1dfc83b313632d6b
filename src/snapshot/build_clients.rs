//! From the settings of client keys to the table of callers.

use translator::Dialect;

use super::build::{check_provider_name, compile};
use super::{Allowance, ClientKey, ClientKeys};
use crate::config::{ClientKeySettings, ConfigErrors, Settings};

/// The table of all keys that are enabled. What one names is checked in all of them.
pub(super) fn build_client_keys(settings: &Settings, errors: &mut ConfigErrors) -> ClientKeys {
    let mut keys = ClientKeys::under(settings.digest_key.as_ref());
    for key in &settings.client_keys {
        let who = format!("client key `{}`", key.name);
        let place = key.place.key("allowed_providers");
        for name in key.limits.allowed_providers.iter().flatten() {
            check_provider_name(settings, name, &who, &place, errors);
        }
        let built = build_client_key(key, errors);
        // A disabled key is as good as unknown.
        if key.enabled && !keys.insert(&key.credential, key.previous_until_ms, built) {
            errors.push(
                &key.place,
                format!("{who} is the same key as another's"),
                "give each its own key",
            );
        }
    }
    keys
}

fn build_client_key(key: &ClientKeySettings, errors: &mut ConfigErrors) -> ClientKey {
    let limits = &key.limits;
    let globs =
        |patterns: &Vec<String>| compile(patterns, &key.place.key("allowed_models"), errors);
    ClientKey {
        id: key.id.as_deref().unwrap_or(&key.name).into(),
        name: key.name.as_str().into(),
        owner: key.owner.as_deref().map(Into::into),
        tags: key.tags.iter().map(|tag| tag.as_str().into()).collect(),
        allowed_models: limits.allowed_models.as_ref().map(globs),
        allowed_providers: limits
            .allowed_providers
            .as_ref()
            .map(|names| names.iter().map(|name| name.as_str().into()).collect()),
        // A dialect that nobody knows is spoken by nobody: an unreadable list allows less, never more.
        allowed_dialects: limits.allowed_dialects.as_ref().map(|names| {
            let dialects = names.iter().filter_map(|name| Dialect::parse(name));
            dialects.collect()
        }),
        may_pin: limits.may_pin,
        allowance: Allowance {
            rpm: limits.rpm,
            tpm: limits.tpm,
            max_concurrency: limits.max_concurrency,
            budget_day_nano_usd: limits.budget_day_nano_usd,
            budget_month_nano_usd: limits.budget_month_nano_usd,
        },
        expires_at_ms: key.expires_at_ms,
    }
}
