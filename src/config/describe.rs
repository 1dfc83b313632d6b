//! A readable summary of settings, for people who check them. Secrets are masked.

use std::fmt::Write as _;

use super::{ProviderSettings, RouteSettings, Settings};
use crate::snapshot::{Auth, BaseUrl, Rotation};

/// Describes settings in a few lines.
#[must_use]
pub fn describe(settings: &Settings) -> String {
    let mut out = String::new();
    let mut line = |text: String| {
        out.push_str(&text);
        out.push('\n');
    };
    let auth = match settings.auth() {
        Auth::Required => "client keys required",
        Auth::Open => "open",
    };
    line(format!(
        "listen     {}:{}, {}, {auth}",
        settings.host,
        settings.port,
        settings.mode.as_str()
    ));
    if let Some((name, _)) = &settings.preferred_provider {
        line(format!("preferred  {name}"));
    }
    let breaker = settings.circuit_breaker;
    line(format!(
        "fallback   {}, breaker opens after {} failures for {} s",
        settings.fallback_strategy.as_str(),
        breaker.failure_threshold,
        breaker.recovery_timeout.as_secs()
    ));
    for (family, model) in [
        ("opus", &settings.big_model),
        ("sonnet", &settings.middle_model),
        ("haiku", &settings.small_model),
    ] {
        if let Some(model) = model {
            line(format!("role       {family} -> {model}"));
        }
    }
    for (alias, model) in &settings.aliases {
        line(format!("alias      {alias} -> {model}"));
    }
    for provider in &settings.providers {
        line(describe_provider(settings, provider));
    }
    for route in &settings.routes {
        line(describe_route(route));
    }
    for key in &settings.client_keys {
        line(format!(
            "client     {} ({})",
            key.name,
            key.credential.masked()
        ));
    }
    for warning in &settings.warnings {
        line(format!("warning    {warning}"));
    }
    out
}

fn describe_provider(settings: &Settings, provider: &ProviderSettings) -> String {
    let keys = settings.keys_of(provider);
    let state = match (provider.enabled, keys.missing) {
        (false, _) => "disabled",
        (true, true) => "no key set",
        (true, false) => "enabled",
    };
    let url = BaseUrl::parse(&provider.base_url)
        .map_or_else(|_| "invalid address".to_owned(), |base| base.to_string());
    let mut text = format!(
        "provider   {} ({}, {}, priority {}, from {}) {url}",
        provider.name,
        provider.dialect.as_str(),
        state,
        provider.priority,
        provider.source.as_str()
    );
    let masked: Vec<_> = keys.keys.iter().map(super::Secret::masked).collect();
    if !masked.is_empty() {
        let _ = write!(text, ", keys {}", masked.join(" "));
        let rotation = keys
            .pool
            .map_or(provider.key_strategy, |pool| pool.strategy);
        if rotation != Rotation::default() {
            let _ = write!(text, " ({})", rotation.as_str());
        }
    }
    let models = &provider.models;
    for (role, list) in [
        ("big", &models.big),
        ("middle", &models.middle),
        ("small", &models.small),
        ("other", &models.other),
    ] {
        if !list.is_empty() {
            let _ = write!(text, ", {role}: {}", list.join(" "));
        }
    }
    text
}

fn describe_route(route: &RouteSettings) -> String {
    let targets = route.targets.iter().map(|target| match &target.model {
        Some(model) => format!("{}/{model}", target.provider),
        None => target.provider.clone(),
    });
    let targets: Vec<_> = targets.collect();
    let state = if route.enabled { "" } else { " (disabled)" };
    let models = if route.matches.model.is_empty() {
        "*".to_owned()
    } else {
        route.matches.model.join(" ")
    };
    format!(
        "route      {}{state}: {models} -> {} by {}",
        route.name,
        targets.join(", "),
        route.strategy.as_str()
    )
}
