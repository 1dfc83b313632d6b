//! LiteLLM's `config.yaml`: a provider for each vendor, address and key of `model_list`, and a route for each group of
//! deployments, with the fallbacks behind.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::draft::{Draft, Entry, literal};
use super::{text, unknown, vendors};

/// What is carried over of `litellm_params`, or is of no matter here.
const PARAMS: [&str; 19] = [
    "model",
    "api_key",
    "api_base",
    "base_url",
    "api_version",
    "weight",
    "timeout",
    "max_retries",
    "extra_headers",
    "headers",
    "temperature",
    "top_p",
    "max_tokens",
    "seed",
    "drop_params",
    "custom_llm_provider",
    "stream_timeout",
    "order",
    "additional_drop_params",
];
/// Those that a route sets for every request.
const ROUTE_PARAMS: [&str; 4] = ["temperature", "top_p", "max_tokens", "seed"];

/// A deployment: where it goes, and its share.
struct Deployment {
    provider: String,
    model: Option<String>,
    weight: u64,
    params: Vec<(String, Value)>,
    remarks: Vec<String>,
}

/// Deployments by the name that clients ask for, in the order of the file.
type Groups = Vec<(String, Vec<Deployment>)>;

/// Writes it anew.
pub(super) fn migrate(config: &Value) -> Result<Draft, String> {
    let Some(list) = config["model_list"].as_array() else {
        return Err("this has no `model_list`: is it LiteLLM's config.yaml?".to_owned());
    };
    let mut draft = Draft::default();
    let mut groups: Groups = Vec::new();
    for item in list {
        let Some(name) = text(item, "model_name") else {
            draft.remark("an entry of model_list without a model_name");
            continue;
        };
        if let Some(deployment) = deployment(&mut draft, name, &item["litellm_params"]) {
            match groups.iter_mut().find(|(group, _)| group == name) {
                Some((_, deployments)) => deployments.push(deployment),
                None => groups.push((name.to_owned(), vec![deployment])),
            }
        }
    }
    let fallbacks = fallbacks(config);
    let strategy = strategy(&mut draft, config);
    // An exact name comes before a pattern that it fits too.
    let mut order: Vec<usize> = (0..groups.len()).collect();
    order.sort_by_key(|&at| groups[at].0.contains('*'));
    for at in order {
        route(&mut draft, &groups, at, strategy, &fallbacks);
    }
    aliases(&mut draft, config);
    beside(&mut draft, config);
    Ok(draft)
}

fn deployment(draft: &mut Draft, group: &str, params: &Value) -> Option<Deployment> {
    let Some(full) = text(params, "model") else {
        draft.remark(format!("`{group}` has no litellm_params.model"));
        return None;
    };
    let (vendor, model) = match text(params, "custom_llm_provider") {
        Some(vendor) => (vendor, full),
        None => full.split_once('/').unwrap_or((usual_vendor(full), full)),
    };
    let (vendor, model) = match vendors::named(vendor) {
        Some(vendor) => (vendor, model),
        // A model of an OpenAI-compatible server with a slash in its own name.
        None if text(params, "api_base").is_some() => (vendors::named("custom_openai")?, full),
        None => {
            draft.remark(format!(
                "`{group}`: `{full}` is of a vendor whose protocol the hub does not speak"
            ));
            return None;
        }
    };
    let provider = provider(draft, group, vendor, params)?;
    let mut remarks: Vec<String> = unknown(params, &PARAMS)
        .into_iter()
        .map(|name| format!("litellm_params.{name} of `{group}`"))
        .collect();
    if !super::is_nothing(&params["order"]) {
        remarks.push(format!(
            "`order` of a deployment of `{group}`: write the targets in that order"
        ));
    }
    let is_pattern = model.contains('*');
    if let Some(entry) = draft
        .providers
        .iter_mut()
        .find(|entry| entry.name() == provider)
        && !is_pattern
    {
        entry.list("other", model);
    }
    let given = ROUTE_PARAMS.iter().filter(|name| !params[**name].is_null());
    Some(Deployment {
        provider,
        model: (!is_pattern).then(|| model.to_owned()),
        weight: params["weight"].as_u64().unwrap_or(1),
        params: given
            .map(|name| ((*name).to_owned(), params[*name].clone()))
            .collect(),
        remarks,
    })
}

/// Whose model it is where nobody says.
fn usual_vendor(model: &str) -> &'static str {
    match model {
        model if model.starts_with("claude") => "anthropic",
        model if model.starts_with("gemini") => "gemini",
        _ => "openai",
    }
}

/// The provider of that vendor, address and key: one that is there, or a new one.
fn provider(
    draft: &mut Draft,
    group: &str,
    vendor: &vendors::Vendor,
    params: &Value,
) -> Option<String> {
    let written = text(params, "api_base").or_else(|| text(params, "base_url"));
    let base = written
        .map(reference)
        .or_else(|| vendor.base_url().map(str::to_owned));
    let Some(mut base) = base else {
        draft.remark(format!("`{group}`: `{}` has no api_base", vendor.name));
        return None;
    };
    if vendor.name == "ollama" && written.is_some() && !base.trim_end_matches('/').ends_with("/v1")
    {
        base = format!("{}/v1", base.trim_end_matches('/'));
    }
    let key = text(params, "api_key").map(reference);
    // A server of one's own mostly takes no key; the others have theirs in a variable of that name.
    let is_own = vendors::is_private(&base);
    let key = key.or_else(|| (!is_own).then(|| format!("${{{}}}", vendor.key)));
    let is_same = |entry: &&Entry| {
        entry.value.get("base_url") == Some(&json!(base))
            && entry.value.get("api_key").and_then(Value::as_str) == key.as_deref()
    };
    if let Some(entry) = draft.providers.iter().find(is_same) {
        return Some(entry.name().to_owned());
    }
    let name = draft.free_name(vendor.name);
    let mut entry = Entry::named(&name);
    entry.set("api_format", Some(vendor.api_format));
    entry.set("base_url", Some(base.clone()));
    if vendor.name == "azure" {
        entry.set("profile", Some("azure"));
        entry.set("api_version", text(params, "api_version").map(reference));
    } else if name != vendor.name && translator::profile::named(vendor.name).is_some() {
        entry.set("profile", Some(vendor.name));
    }
    entry.set("api_key", key);
    entry.set(
        "timeout",
        params["timeout"]
            .as_f64()
            .filter(|s| *s >= 1.0)
            .map(|s| s as u64),
    );
    entry.set(
        "max_retries",
        params["max_retries"].as_u64().map(|n| n.min(10)),
    );
    let headers = ["extra_headers", "headers"]
        .iter()
        .find_map(|name| params[*name].as_object());
    if let Some(headers) = headers {
        let headers = headers
            .iter()
            .filter_map(|(name, value)| Some((name.clone(), json!(reference(value.as_str()?)))));
        entry.set("headers", Some(Value::Object(headers.collect())));
    }
    if is_own {
        entry.set("allow_private_network", Some(true));
    }
    draft.providers.push(entry);
    Some(name)
}

/// `os.environ/NAME` as `${NAME}`.
fn reference(text: &str) -> String {
    match text.strip_prefix("os.environ/") {
        Some(name) => format!("${{{name}}}"),
        None => literal(text),
    }
}

/// The groups to try behind each group.
fn fallbacks(config: &Value) -> BTreeMap<String, Vec<String>> {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for section in ["router_settings", "litellm_settings"] {
        for item in config[section]["fallbacks"]
            .as_array()
            .into_iter()
            .flatten()
        {
            for (group, behind) in item.as_object().into_iter().flatten() {
                let behind = behind
                    .as_array()
                    .into_iter()
                    .flatten()
                    .filter_map(Value::as_str);
                found
                    .entry(group.clone())
                    .or_default()
                    .extend(behind.map(str::to_owned));
            }
        }
        let usual = config[section]["default_fallbacks"]
            .as_array()
            .into_iter()
            .flatten();
        found
            .entry("*".to_owned())
            .or_default()
            .extend(usual.filter_map(Value::as_str).map(str::to_owned));
    }
    found
}

/// How deployments of one group share their requests.
fn strategy(draft: &mut Draft, config: &Value) -> &'static str {
    let named = text(&config["router_settings"], "routing_strategy");
    match named.unwrap_or("simple-shuffle") {
        "simple-shuffle" => "weighted",
        "least-busy" => "least_busy",
        "latency-based-routing" => "least_latency",
        other => {
            draft.remark(format!(
                "routing_strategy `{other}`: `least_busy` is the nearest"
            ));
            "least_busy"
        }
    }
}

fn route(
    draft: &mut Draft,
    groups: &Groups,
    at: usize,
    strategy: &str,
    fallbacks: &BTreeMap<String, Vec<String>>,
) {
    let (group, deployments) = &groups[at];
    let behind = fallbacks
        .get(group)
        .filter(|names| !names.is_empty())
        .or_else(|| fallbacks.get("*"));
    let behind: Vec<&Deployment> = behind
        .into_iter()
        .flatten()
        .filter(|name| *name != group)
        .flat_map(|name| groups.iter().filter(move |(other, _)| other == name))
        .flat_map(|(_, deployments)| deployments)
        .collect();
    let mut entry = Entry::default();
    entry.set("match", Some(json!({"model": group})));
    let all = deployments.iter().chain(behind.iter().copied());
    let is_shared = deployments.len() > 1 && behind.is_empty();
    let targets: Vec<Value> = all
        .map(|deployment| {
            let mut target = json!({"provider": deployment.provider});
            if let Some(model) = &deployment.model {
                target["model"] = json!(model);
            }
            if is_shared && strategy == "weighted" {
                target["weight"] = json!(deployment.weight);
            }
            target
        })
        .collect();
    entry.set("targets", Some(targets));
    entry.set("strategy", is_shared.then_some(strategy));
    if deployments.len() > 1 && !behind.is_empty() {
        entry.remark("how the deployments share their requests: with fallbacks behind them they are tried in order");
    }
    let mut params = serde_json::Map::new();
    for deployment in deployments {
        deployment
            .remarks
            .iter()
            .for_each(|remark| entry.remark(remark));
        for (name, value) in &deployment.params {
            match params.get(name) {
                Some(other) if other != value => {
                    entry.remark(format!("`{name}` differs between deployments"));
                }
                _ => drop(params.insert(name.clone(), value.clone())),
            }
        }
    }
    entry.set("params", (!params.is_empty()).then_some(params));
    draft.route(group, entry);
}

/// Other names for groups.
fn aliases(draft: &mut Draft, config: &Value) {
    for (alias, group) in config["router_settings"]["model_group_alias"]
        .as_object()
        .into_iter()
        .flatten()
    {
        let group = group.as_str().or_else(|| text(group, "model"));
        let targets = group.and_then(|group| {
            let route = draft
                .routes
                .iter()
                .find(|route| route.value["match"]["model"] == json!(group))?;
            Some(route.value.clone())
        });
        let Some(mut value) = targets else {
            draft.remark(format!(
                "model_group_alias `{alias}`: there is no such group"
            ));
            continue;
        };
        value.shift_remove("name");
        value.shift_remove("priority");
        value.insert("match".to_owned(), json!({"model": alias}));
        draft.route(
            alias,
            Entry {
                value,
                remarks: Vec::new(),
            },
        );
    }
}

/// What stands beside the models.
fn beside(draft: &mut Draft, config: &Value) {
    let general = &config["general_settings"];
    if let Some(key) = text(general, "master_key") {
        let mut entry = Entry::named("master");
        entry.set("key", Some(reference(key)));
        draft.client_keys.push(entry);
        draft.remark("administration by the master_key: it is a client key here, and people log in to administer");
    }
    if !general["database_url"].is_null() {
        draft.remark(
            "general_settings.database_url: the hub makes a database of its own (DATABASE_URL)",
        );
    }
    let retries = &config["router_settings"]["num_retries"];
    let retries = retries
        .as_u64()
        .or_else(|| config["litellm_settings"]["num_retries"].as_u64());
    let timeout = config["router_settings"]["timeout"].as_f64();
    let timeout = timeout.or_else(|| config["litellm_settings"]["request_timeout"].as_f64());
    for entry in &mut draft.providers {
        if let Some(retries) = retries {
            entry
                .value
                .entry("max_retries")
                .or_insert(json!(retries.min(10)));
        }
        if let Some(timeout) = timeout.filter(|seconds| *seconds >= 1.0) {
            entry
                .value
                .entry("timeout")
                .or_insert(json!(timeout as u64));
        }
    }
    let breaker = &config["router_settings"];
    let failures = breaker["allowed_fails"].as_u64().filter(|n| *n > 0);
    let rest = breaker["cooldown_time"]
        .as_f64()
        .filter(|s| *s >= 1.0)
        .map(|s| s as u64);
    if failures.is_some() || rest.is_some() {
        let value = json!({"failure_threshold": failures.unwrap_or(5), "recovery_timeout": rest.unwrap_or(60)});
        draft.settings.insert("CIRCUIT_BREAKER".to_owned(), value);
    }
    let known = [
        ("general_settings", &["master_key", "database_url"][..]),
        (
            "litellm_settings",
            &[
                "fallbacks",
                "default_fallbacks",
                "num_retries",
                "request_timeout",
                "drop_params",
            ],
        ),
        (
            "router_settings",
            &[
                "fallbacks",
                "default_fallbacks",
                "num_retries",
                "timeout",
                "allowed_fails",
                "cooldown_time",
                "routing_strategy",
                "model_group_alias",
            ],
        ),
    ];
    for (section, known) in known {
        for name in unknown(&config[section], known) {
            draft.remark(format!("{section}.{name}"));
        }
    }
    for name in config["environment_variables"]
        .as_object()
        .into_iter()
        .flatten()
    {
        draft.remark(format!(
            "environment_variables.{}: put it into the environment or into .env",
            name.0
        ));
    }
    let sections = [
        "model_list",
        "general_settings",
        "litellm_settings",
        "router_settings",
        "environment_variables",
    ];
    for name in unknown(config, &sections) {
        draft.remark(name);
    }
}
