//! claude-code-router's `config.json`: providers as they are, and its router's situations as routes.

use serde_json::{Value, json};

use super::draft::{Draft, Entry};
use super::{text, unknown, vendors};

const KNOWN: [&str; 9] = [
    "Providers",
    "providers",
    "Router",
    "APIKEY",
    "PROXY_URL",
    "HOST",
    "PORT",
    "API_TIMEOUT_MS",
    "LOG_LEVEL",
];
const PROVIDER: [&str; 5] = ["name", "api_base_url", "api_key", "models", "transformer"];
const SITUATIONS: [&str; 7] = [
    "default",
    "background",
    "think",
    "longContext",
    "longContextThreshold",
    "webSearch",
    "image",
];
/// Where a request counts as long when nobody says.
const LONG: u64 = 60_000;
/// What Claude Code asks for its small things.
const SMALL: &str = "*haiku*";

/// Writes it anew.
pub(super) fn migrate(config: &Value) -> Result<Draft, String> {
    let providers = config["Providers"]
        .as_array()
        .or_else(|| config["providers"].as_array());
    let Some(providers) = providers else {
        return Err("this has no `Providers`: is it claude-code-router's config.json?".to_owned());
    };
    let mut draft = Draft::default();
    let mut names = Vec::new();
    let timeout = config["API_TIMEOUT_MS"]
        .as_u64()
        .or_else(|| text(config, "API_TIMEOUT_MS")?.parse().ok());
    for item in providers {
        let Some(mut entry) = provider(&mut draft, item) else {
            continue;
        };
        entry.set("timeout", timeout.map(|ms| (ms / 1000).max(1)));
        through_proxy(&mut entry, config);
        names.push((
            text(item, "name").unwrap_or_default().to_owned(),
            entry.name().to_owned(),
        ));
        draft.providers.push(entry);
    }
    situations(&mut draft, &config["Router"], &names);
    if let Some(key) = text(config, "APIKEY") {
        let mut entry = Entry::named("claude-code-router");
        entry.set("key", Some(reference(key)));
        draft.client_keys.push(entry);
    }
    if let Some(host) = text(config, "HOST") {
        draft
            .settings
            .insert("HOST".to_owned(), json!(reference(host)));
    }
    let port = config["PORT"]
        .as_u64()
        .or_else(|| text(config, "PORT")?.parse().ok());
    if let Some(port) = port {
        draft.settings.insert("PORT".to_owned(), json!(port));
    }
    for name in unknown(config, &KNOWN) {
        draft.remark(name);
    }
    Ok(draft)
}

/// What is near is reached without the proxy. A proxy that is near has to be allowed.
fn through_proxy(entry: &mut Entry, config: &Value) {
    let Some(proxy) = text(config, "PROXY_URL") else {
        return;
    };
    if entry.value.contains_key("allow_private_network") {
        return;
    }
    entry.set("proxy", Some(reference(proxy)));
    if vendors::is_private(proxy) {
        entry.set("allow_private_network", Some(true));
    }
}

fn provider(draft: &mut Draft, item: &Value) -> Option<Entry> {
    let Some(wish) = text(item, "name") else {
        draft.remark("a provider without a name");
        return None;
    };
    let Some(url) = text(item, "api_base_url") else {
        draft.remark(format!("provider `{wish}` has no api_base_url"));
        return None;
    };
    let mut entry = Entry::named(&draft.free_name(wish));
    let uses = transformers(&item["transformer"]["use"]);
    let (api_format, base) = address(url, &uses);
    entry.set("api_format", Some(api_format));
    entry.set("base_url", Some(reference(&base)));
    entry.set("api_key", text(item, "api_key").map(reference));
    if vendors::is_private(&base) {
        entry.set("allow_private_network", Some(true));
    }
    for model in item["models"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
    {
        entry.list("other", model);
    }
    // What these do for a vendor, the hub knows from the vendor's profile.
    let own = [
        "anthropic",
        "gemini",
        "openai",
        "openrouter",
        "deepseek",
        "groq",
        "reasoning",
        "tooluse",
        "enhancetool",
        "cleancache",
        "maxtoken",
        "sampling",
        "maxcompletiontokens",
    ];
    for name in uses
        .iter()
        .filter(|name| !own.contains(&name.to_lowercase().as_str()))
    {
        entry.remark(format!("transformer `{name}`"));
    }
    for name in unknown(&item["transformer"], &["use"]) {
        entry.remark(format!("transformers of `{name}` alone"));
    }
    for name in unknown(item, &PROVIDER) {
        entry.remark(name);
    }
    Some(entry)
}

/// The names in a list of transformers, each of which may stand in a list with its options.
fn transformers(list: &Value) -> Vec<String> {
    let name = |item: &Value| {
        item.as_str()
            .or_else(|| item.get(0)?.as_str())
            .map(str::to_owned)
    };
    list.as_array()
        .into_iter()
        .flatten()
        .filter_map(name)
        .collect()
}

/// The dialect, and the base URL out of the whole address that stands there.
fn address(url: &str, uses: &[String]) -> (&'static str, String) {
    let has = |name: &str| uses.iter().any(|used| used.eq_ignore_ascii_case(name));
    let bare = url.trim_end_matches('/');
    let without = |end: &str| {
        bare.strip_suffix(end)
            .map(|base| base.trim_end_matches('/').to_owned())
    };
    if has("gemini") || bare.contains("generativelanguage.") && !bare.contains("/openai") {
        return (
            "gemini",
            without("/models").unwrap_or_else(|| bare.to_owned()),
        );
    }
    if let Some(base) = without("/v1/messages").or_else(|| without("/messages")) {
        return ("anthropic", base);
    }
    if let Some(base) = without("/responses") {
        return ("openai-responses", base);
    }
    let base = without("/chat/completions").unwrap_or_else(|| bare.to_owned());
    (
        if has("anthropic") {
            "anthropic"
        } else {
            "openai"
        },
        base,
    )
}

/// `$NAME` and `${NAME}` stand for variables in both files.
fn reference(text: &str) -> String {
    let Some(name) = text.strip_prefix('$') else {
        return text.to_owned();
    };
    let name = name.trim_start_matches('{').trim_end_matches('}');
    match name
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && !name.is_empty()
    {
        true => format!("${{{name}}}"),
        false => super::draft::literal(text),
    }
}

/// The router's situations, the most special one first.
fn situations(draft: &mut Draft, router: &Value, names: &[(String, String)]) {
    let target = |situation: &str| -> Option<(String, String)> {
        let (provider, model) = text(router, situation)?.split_once(',')?;
        let (_, name) = names.iter().find(|(old, _)| old == provider.trim())?;
        Some((name.clone(), model.trim().to_owned()))
    };
    for situation in SITUATIONS {
        if text(router, situation).is_some() && target(situation).is_none() {
            draft.remark(format!(
                "Router.{situation}: it names no provider of this file"
            ));
        }
    }
    let long = router["longContextThreshold"].as_u64().unwrap_or(LONG);
    let rules = [
        ("image", json!({"has": ["images"]})),
        ("longContext", json!({"min_input_tokens": long})),
        ("background", json!({"model": SMALL})),
        ("think", json!({"has": ["thinking"]})),
    ];
    for (situation, condition) in rules {
        if let Some((provider, model)) = target(situation) {
            let mut entry = Entry::default();
            entry.set("match", Some(condition));
            entry.set(
                "targets",
                Some(vec![json!({"provider": provider, "model": model})]),
            );
            draft.route(situation, entry);
        }
    }
    if let Some((provider, model)) = target("default") {
        let mut entry = Entry::default();
        entry.set("match", Some(json!({"model": "claude-*"})));
        entry.set(
            "targets",
            Some(vec![json!({"provider": &provider, "model": &model})]),
        );
        draft.route("default", entry);
        let whole = format!("{provider}/{model}");
        for role in ["BIG_MODEL", "MIDDLE_MODEL"] {
            draft.settings.insert(role.to_owned(), json!(whole));
        }
        let small =
            target("background").map_or(whole, |(provider, model)| format!("{provider}/{model}"));
        draft
            .settings
            .insert("SMALL_MODEL".to_owned(), json!(small));
        draft
            .settings
            .insert("PREFERRED_PROVIDER".to_owned(), json!(provider));
    }
    if text(router, "webSearch").is_some() {
        draft.remark(
            "Router.webSearch: no rule looks for a search tool; match a keyword or a model instead",
        );
    }
    for name in unknown(router, &SITUATIONS) {
        draft.remark(format!("Router.{name}"));
    }
}
