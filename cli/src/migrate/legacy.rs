//! The older bridge: its `provider.json` in both forms and all spellings, and its `.env`.

use serde_json::{Value, json};

use super::draft::{Draft, Entry};
use super::{text, unknown, vendors};

const FORMAT: [&str; 5] = ["api_format", "type", "format", "provider_type", "dialect"];
const URL: [&str; 5] = ["base_url", "api_base", "url", "endpoint", "api_url"];
const KEY: [&str; 5] = ["api_key", "api_keys", "keys", "key", "token"];
const HEADERS: [&str; 3] = ["headers", "custom_headers", "extra_headers"];
const LIMIT: [&str; 2] = ["max_tokens_limit", "max_tokens"];
const BIG: [&str; 2] = ["big_models", "big_model"];
const MIDDLE: [&str; 4] = [
    "middle_models",
    "middle_model",
    "medium_models",
    "medium_model",
];
const SMALL: [&str; 2] = ["small_models", "small_model"];
/// Those with the same name and the same sense in both files.
const SAME: [&str; 9] = [
    "enabled",
    "priority",
    "timeout",
    "mode",
    "proxy",
    "weight",
    "auth_header",
    "auth_format",
    "key_pool",
];
/// Members of the map form that are no providers.
const BESIDE: [&str; 8] = [
    "providers",
    "fallback_strategy",
    "circuit_breaker",
    "preferred_provider",
    "default_provider",
    "version",
    "description",
    "settings",
];

/// Writes `provider.json` anew.
pub(super) fn providers(file: &Value) -> Result<Draft, String> {
    let list = file.get("providers").unwrap_or(file);
    let entries: Vec<(Option<&String>, &Value)> = match list {
        Value::Array(items) => items.iter().map(|item| (None, item)).collect(),
        Value::Object(map) => map
            .iter()
            .filter(|(name, value)| value.is_object() && !BESIDE.contains(&name.as_str()))
            .map(|(name, value)| (Some(name), value))
            .collect(),
        _ => Vec::new(),
    };
    if entries.is_empty() {
        return Err("this holds no list and no map of providers".to_owned());
    }
    let mut draft = Draft::default();
    for (name, item) in entries {
        match text(item, "name").or(name.map(String::as_str)) {
            Some(name) => provider(&mut draft, name, item),
            None => draft.remark("a provider without a name"),
        }
    }
    let moved = [
        ("fallback_strategy", "FALLBACK_STRATEGY"),
        ("preferred_provider", "PREFERRED_PROVIDER"),
        ("default_provider", "PREFERRED_PROVIDER"),
    ];
    for (old, new) in moved {
        if let Some(value) = text(file, old) {
            draft.settings.entry(new).or_insert(json!(value));
        }
    }
    breaker(&mut draft, &file["circuit_breaker"]);
    Ok(draft)
}

fn breaker(draft: &mut Draft, old: &Value) {
    let mut new = serde_json::Map::new();
    for name in ["failure_threshold", "recovery_timeout"] {
        if let Some(value) = old[name].as_u64().filter(|value| *value > 0) {
            new.insert(name.to_owned(), json!(value));
        }
    }
    if !new.is_empty() {
        draft
            .settings
            .insert("CIRCUIT_BREAKER".to_owned(), Value::Object(new));
    }
    for name in unknown(old, &["failure_threshold", "recovery_timeout"]) {
        draft.remark(format!("circuit_breaker.{name}"));
    }
}

fn any<'v>(item: &'v Value, names: &[&str]) -> Option<&'v Value> {
    names
        .iter()
        .map(|name| &item[*name])
        .find(|value| !value.is_null())
}

fn provider(draft: &mut Draft, name: &str, item: &Value) {
    let known = vendors::named(&name.to_lowercase());
    let url = any(item, &URL).and_then(Value::as_str).map(str::to_owned);
    let url = url.or_else(|| Some(known?.base_url()?.to_owned()));
    let Some(url) = url else {
        draft.remark(format!("provider `{name}` has no base_url"));
        return;
    };
    let mut entry = Entry::named(&draft.free_name(name));
    let format = any(item, &FORMAT).and_then(Value::as_str);
    entry.set(
        "api_format",
        format
            .or(known.map(|vendor| vendor.api_format))
            .map(str::to_owned),
    );
    if vendors::is_private(&url) {
        entry.set("allow_private_network", Some(true));
    }
    entry.set("base_url", Some(url));
    credentials(&mut entry, item);
    for name in SAME {
        entry.set(
            name,
            Some(item[name].clone()).filter(|value| !value.is_null()),
        );
    }
    entry.set(
        "max_retries",
        item["max_retries"].as_u64().map(|retries| retries.min(10)),
    );
    entry.set("max_tokens_limit", any(item, &LIMIT).cloned());
    entry.set("headers", any(item, &HEADERS).cloned());
    models(&mut entry, item);
    let spellings = [
        &FORMAT[..],
        &URL,
        &KEY,
        &HEADERS,
        &LIMIT,
        &BIG,
        &MIDDLE,
        &SMALL,
        &SAME,
    ];
    let mut read: Vec<&str> = spellings.concat();
    read.extend(["name", "models", "auth_type", "max_retries", "description"]);
    for name in unknown(item, &read) {
        entry.remark(name);
    }
    draft.providers.push(entry);
}

fn credentials(entry: &mut Entry, item: &Value) {
    match any(item, &KEY) {
        Some(Value::Array(keys)) => entry.set("keys", Some(keys.clone())),
        Some(key) => entry.set("api_key", Some(key.clone())),
        None => {}
    }
    let kind = text(item, "auth_type").map(|kind| kind.to_ascii_lowercase().replace('-', "_"));
    let (header, format) = match kind.as_deref() {
        Some("bearer" | "auth_token" | "token" | "oauth") => ("authorization", "Bearer {key}"),
        Some("x_api_key") => ("x-api-key", "{key}"),
        Some("x_goog_api_key") => ("x-goog-api-key", "{key}"),
        Some("none") => {
            entry.value.shift_remove("api_key");
            entry.value.shift_remove("keys");
            return;
        }
        Some("api_key") | None => return,
        Some(other) => {
            return entry.remark(format!(
                "auth_type `{other}`: the dialect's own header is used"
            ));
        }
    };
    entry.value.entry("auth_header").or_insert(json!(header));
    entry.value.entry("auth_format").or_insert(json!(format));
}

fn models(entry: &mut Entry, item: &Value) {
    let mut list = |list: &str, value: Option<&Value>| match value {
        Some(Value::Array(models)) => models
            .iter()
            .filter_map(Value::as_str)
            .for_each(|model| entry.list(list, model)),
        Some(Value::String(model)) if !model.is_empty() => entry.list(list, model),
        _ => {}
    };
    list("big", any(item, &BIG));
    list("middle", any(item, &MIDDLE));
    list("small", any(item, &SMALL));
    let models = &item["models"];
    if models.is_object() {
        list("big", models.get("big"));
        list("middle", models.get("middle").or(models.get("medium")));
        list("small", models.get("small"));
        list("other", models.get("other"));
    } else {
        list("other", Some(models));
    }
}

/// Settings that both have.
const SETTINGS: [&str; 14] = [
    "HOST",
    "PORT",
    "LOG_LEVEL",
    "DEBUG",
    "MODE",
    "PREFERRED_PROVIDER",
    "FALLBACK_STRATEGY",
    "BIG_MODEL",
    "MIDDLE_MODEL",
    "SMALL_MODEL",
    "MAX_TOKENS_LIMIT",
    "MIN_TOKENS_LIMIT",
    "DATABASE_URL",
    "REDIS_URL",
];
/// Addresses that make a provider of their own, with the variable of the key.
const ADDRESSES: [(&str, &str, &str, &str); 4] = [
    ("OPENAI_BASE_URL", "OPENAI_API_KEY", "openai", "openai"),
    ("OPENAI_API_BASE", "OPENAI_API_KEY", "openai", "openai"),
    (
        "ANTHROPIC_BASE_URL",
        "ANTHROPIC_API_KEY",
        "anthropic",
        "anthropic",
    ),
    ("GEMINI_BASE_URL", "GEMINI_API_KEY", "gemini", "gemini"),
];

/// Writes `.env` anew.
pub(super) fn environment(file: &str) -> Result<Draft, String> {
    let mut pairs: Vec<(String, String)> = Vec::new();
    for line in file.lines().map(str::trim) {
        let line = line.strip_prefix("export ").unwrap_or(line);
        if let Some((name, value)) = line.split_once('=').filter(|_| !line.starts_with('#')) {
            pairs.push((name.trim().to_owned(), bare(value)));
        }
    }
    if pairs.is_empty() {
        return Err("this holds no NAME=value line".to_owned());
    }
    let mut draft = Draft::default();
    let key = |name: &str| {
        pairs
            .iter()
            .rev()
            .find(|(n, v)| n == name && !v.is_empty())
            .map(|(_, v)| v)
    };
    for (address, variable, name, api_format) in ADDRESSES {
        let is_new = !draft.providers.iter().any(|entry| entry.name() == name);
        if let Some(url) = key(address).filter(|_| is_new) {
            let mut entry = Entry::named(name);
            entry.set("api_format", Some(api_format));
            entry.set("base_url", Some(url.clone()));
            entry.set("api_key", key(variable).cloned());
            if vendors::is_private(url) {
                entry.set("allow_private_network", Some(true));
            }
            draft.providers.push(entry);
        }
    }
    for (name, value) in pairs.iter().filter(|(_, value)| !value.is_empty()) {
        setting(&mut draft, name, value);
    }
    Ok(draft)
}

fn setting(draft: &mut Draft, name: &str, value: &str) {
    let known = name.to_ascii_uppercase();
    let is_address = ADDRESSES.iter().any(|(address, ..)| *address == known);
    let vendor =
        ["OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY"].contains(&known.as_str());
    let has_provider = ADDRESSES.iter().any(|(_, variable, name, _)| {
        *variable == known && draft.providers.iter().any(|entry| entry.name() == *name)
    });
    match known.as_str() {
        _ if is_address || (vendor && has_provider) => {}
        "GOOGLE_API_KEY" => {
            draft
                .settings
                .entry("GEMINI_API_KEY")
                .or_insert(json!(value));
        }
        "DATABASE_URL" if !value.contains("://") => draft.remark(format!("{name}: it is no URL")),
        "PREFERRED_PROVIDER" if value == "google" => {
            draft.settings.insert(known, json!("gemini"));
        }
        "LOG_LEVEL" => {
            let level = match value.to_ascii_lowercase().as_str() {
                "warning" => "warn".to_owned(),
                "critical" | "fatal" => "error".to_owned(),
                level => level.to_owned(),
            };
            draft.settings.insert(known, json!(level));
        }
        _ if vendor || SETTINGS.contains(&known.as_str()) => {
            // Numbers and words are written as what they are.
            let value = match value {
                "true" | "True" => json!(true),
                "false" | "False" => json!(false),
                text => text
                    .parse::<u64>()
                    .map_or_else(|_| json!(text), |number| json!(number)),
            };
            draft.settings.insert(known, value);
        }
        _ => draft.remark(name.to_owned()),
    }
}

/// A value without its quotes and without the comment behind it.
fn bare(value: &str) -> String {
    let value = value.trim();
    for quote in ['"', '\''] {
        if let Some(inner) = value
            .strip_prefix(quote)
            .and_then(|rest| rest.split(quote).next())
        {
            return inner.to_owned();
        }
    }
    value
        .split(" #")
        .next()
        .unwrap_or_default()
        .trim_end()
        .to_owned()
}
