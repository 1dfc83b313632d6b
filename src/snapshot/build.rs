//! From settings to a snapshot: names become references, patterns are compiled, and whatever does not
//! fit together is told with its place.

use std::sync::Arc;

use http::{HeaderName, HeaderValue};

use super::build_clients::build_client_keys;
use super::build_rules::RuleBuilder;
use super::credentials::PoolMaker;
use super::index::Index;
use super::{BaseUrl, Provider, ProxyAddress, Roles, RuleList, Snapshot};
use crate::catalogue::{Identity, PriceBook};
use crate::config::{ConfigErrors, ProviderSettings, Settings, is_vendor};
use crate::routing::{Glob, closest};

impl Snapshot {
    /// Builds the view of these settings.
    ///
    /// # Errors
    /// Everything that does not fit together, at once.
    pub fn build(settings: &Settings, version: u64) -> Result<Self, ConfigErrors> {
        let mut errors = ConfigErrors::default();
        let mut pools = PoolMaker::default();
        let usable =
            |provider: &&ProviderSettings| provider.enabled && !settings.keys_of(provider).missing;
        let mut providers: Vec<_> = settings
            .providers
            .iter()
            .filter(usable)
            .filter_map(|provider| build_provider(settings, provider, &mut pools, &mut errors))
            .collect();
        providers.sort_by(|a, b| (a.priority, &a.name).cmp(&(b.priority, &b.name)));
        for provider in &settings.providers {
            check_pool_name(settings, provider, &mut errors);
        }
        let index = Index::new(&providers);
        let find = |name: &str| index.provider(name).map(|at| providers[at].clone());
        let preferred = settings
            .preferred_provider
            .as_ref()
            .and_then(|(name, place)| {
                if !is_vendor(name) {
                    check_provider_name(settings, name, "PREFERRED_PROVIDER", place, &mut errors);
                }
                find(name)
            });
        let client_keys = build_client_keys(settings, &mut errors);
        let mut rules = RuleBuilder::new(settings, &find, &mut pools, &mut errors);
        rules.add_all();
        let (rules, matchers) = rules.finish();
        let Some(matchers) = matchers else {
            return Err(errors);
        };
        errors.or(Self {
            version,
            mode: settings.mode,
            auth: settings.auth(),
            client_keys,
            rules: RuleList::new(rules),
            roles: build_roles(settings),
            preferred,
            clamps: settings.clamps,
            strategy: settings.fallback_strategy,
            breaker: settings.circuit_breaker,
            max_body: settings.max_body,
            prices: build_prices(settings, &providers),
            capture: settings.capture,
            matchers,
            index,
            providers,
        })
    }
}

fn build_prices(settings: &Settings, providers: &[Arc<Provider>]) -> PriceBook {
    let identities = providers.iter().map(|provider| {
        let profile = provider.profile.map(|profile| profile.name.as_str());
        let identity = Identity::of(&provider.base.host, profile, &provider.name);
        (Arc::clone(&provider.name), identity)
    });
    PriceBook::new(
        identities,
        settings.models.iter().cloned(),
        settings.catalogue.clone(),
    )
}

fn build_provider(
    settings: &Settings,
    provider: &ProviderSettings,
    pools: &mut PoolMaker,
    errors: &mut ConfigErrors,
) -> Option<Arc<Provider>> {
    let base = match BaseUrl::parse(&provider.base_url) {
        Ok(base) => base,
        Err(why) => {
            let what = format!("base_url of provider `{}` {why}", provider.name);
            errors.push(&provider.place, what, "write it as https://host/path");
            return None;
        }
    };
    let proxy = provider
        .proxy
        .as_ref()
        .map(|proxy| ProxyAddress::parse(proxy.expose()))
        .transpose()
        .unwrap_or_else(|why| {
            // Never a reason to go without it.
            let what = format!("provider `{}`: {why}", provider.name);
            errors.push(&provider.place, what, "write it as http://host:port");
            None
        });
    let mut headers = Vec::new();
    for (name, value) in &provider.headers {
        match (
            name.parse::<HeaderName>(),
            HeaderValue::from_str(value.expose()),
        ) {
            (Ok(name), Ok(mut value)) => {
                value.set_sensitive(true);
                headers.push((name, value));
            }
            _ => {
                let what = format!(
                    "header `{name}` of provider `{}` cannot be sent",
                    provider.name
                );
                errors.push(&provider.place, what, "use plain characters");
            }
        }
    }
    let list = |models: &[String]| models.iter().map(|model| model.as_str().into()).collect();
    Some(Arc::new(Provider {
        name: provider.name.as_str().into(),
        dialect: provider.dialect,
        profile: provider.recognised(&base),
        api_version: provider.api_version.as_deref().map(Into::into),
        base,
        pool: pools.of_provider(settings, provider, errors),
        timeout: provider.timeout,
        max_retries: provider.max_retries,
        headers,
        max_tokens_limit: provider.max_tokens_limit,
        omit_params: provider
            .omit_params
            .iter()
            .map(|name| name.as_str().into())
            .collect(),
        always_stream: provider.always_stream,
        allow_private_network: provider.allow_private_network,
        priority: provider.priority,
        big: list(&provider.models.big),
        middle: list(&provider.models.middle),
        small: list(&provider.models.small),
        other: list(&provider.models.other),
        mode: provider.mode,
        max_concurrency: provider.max_concurrency,
        proxy,
        weight: provider.weight,
        source: provider.source,
    }))
}

fn check_pool_name(settings: &Settings, provider: &ProviderSettings, errors: &mut ConfigErrors) {
    let Some(name) = &provider.key_pool else {
        return;
    };
    if settings.key_pools.iter().all(|pool| pool.name != *name) {
        let what = format!(
            "provider `{}` names key pool `{name}`, which does not exist",
            provider.name
        );
        errors.push(
            &provider.place.key("key_pool"),
            what,
            suggest_pool(settings, name),
        );
    }
}

/// What to do about a pool that does not exist.
pub(super) fn suggest_pool(settings: &Settings, name: &str) -> String {
    let near = closest(
        name,
        settings.key_pools.iter().map(|pool| pool.name.as_str()),
        1,
    )
    .pop();
    near.map_or_else(
        || "add it to API_KEY_POOLS".to_owned(),
        |near| format!("did you mean `{near}`?"),
    )
}

/// Notes a provider that does not exist; one that is disabled is fine.
pub(super) fn check_provider_name(
    settings: &Settings,
    name: &str,
    who: &str,
    place: &crate::config::Place,
    errors: &mut ConfigErrors,
) {
    if settings.provider(name).is_some() {
        return;
    }
    let near = closest(
        name,
        settings
            .providers
            .iter()
            .map(|provider| provider.name.as_str()),
        1,
    )
    .pop();
    let fix = near.map_or_else(
        || "add it to PROVIDERS".to_owned(),
        |near| format!("did you mean `{near}`?"),
    );
    errors.push(
        place,
        format!("{who} names provider `{name}`, which does not exist"),
        fix,
    );
}

fn build_roles(settings: &Settings) -> Roles {
    let text = |model: &Option<String>| model.as_deref().map(Into::into);
    Roles {
        big: text(&settings.big_model),
        middle: text(&settings.middle_model),
        small: text(&settings.small_model),
        aliases: settings
            .aliases
            .iter()
            .map(|(name, model)| (name.as_str().into(), model.as_str().into()))
            .collect(),
    }
}

/// Compiles patterns; bad ones are noted.
pub(super) fn compile(
    patterns: &[String],
    place: &crate::config::Place,
    errors: &mut ConfigErrors,
) -> Vec<Glob> {
    let mut globs = Vec::with_capacity(patterns.len());
    for pattern in patterns {
        match Glob::new(pattern) {
            Ok(glob) => globs.push(glob),
            Err(why) => errors.push(
                place,
                format!("pattern `{pattern}`: {why}"),
                "close its brackets, or write them as \\[",
            ),
        }
    }
    globs
}
