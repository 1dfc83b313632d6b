//! One provider of the older bridge's file, in all the spellings that were in use.

use serde_json::Value;
use translator::Dialect;

use super::node::{Fields, Node, Reader};
use super::pool_entry::{read_format, read_header_name, read_keys};
use super::provider_entry::{
    MODES, check_name, read_dialect, read_headers, read_models, read_proxy,
};
use super::vendor::vendor;
use super::{ModelLists, PRIORITIES, ProviderSettings, Secret};
use crate::snapshot::{BaseUrl, Source};

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
const REST: [&str; 14] = [
    "name",
    "enabled",
    "priority",
    "timeout",
    "max_retries",
    "models",
    "auth_type",
    "auth_header",
    "auth_format",
    "key_pool",
    "proxy",
    "weight",
    "mode",
    "description",
];

/// Reads a provider; `name` is its key in the map form.
pub(super) fn read_entry(
    reader: &mut Reader<'_>,
    node: &Node<'_>,
    name: Option<String>,
) -> Option<ProviderSettings> {
    let known: Vec<&str> = [
        &FORMAT[..],
        &URL,
        &KEY,
        &HEADERS,
        &LIMIT,
        &BIG,
        &MIDDLE,
        &SMALL,
        &REST,
    ]
    .concat();
    let fields = reader.fields(node, &known)?;
    let Some(name) = fields
        .get("name")
        .and_then(|node| reader.text(&node))
        .or(name)
    else {
        reader.error(
            &node.place,
            "a provider needs a name",
            "add `\"name\": \"...\"`",
        );
        return None;
    };
    check_name(reader, &name, &node.place);
    let dialect = match fields.any(&FORMAT) {
        Some(format) => read_dialect(reader, &format)?,
        None => vendor(&name).map_or(Dialect::OpenAiChat, |vendor| vendor.dialect),
    };
    let url = match fields
        .any(&URL)
        .and_then(|node| Some((reader.text(&node)?, node.place)))
    {
        Some((url, place)) => {
            if let Err(why) = BaseUrl::parse(&url) {
                reader.error(
                    &place,
                    format!("base_url of `{name}` {why}"),
                    "write it as https://host/path",
                );
                return None;
            }
            url
        }
        None => match vendor(&name) {
            Some(vendor) => vendor.base_url.to_owned(),
            None => {
                reader.error(
                    &node.place,
                    format!("provider `{name}` has no base_url"),
                    "add `\"base_url\": \"https://...\"`",
                );
                return None;
            }
        },
    };
    let mut provider =
        ProviderSettings::new(&name, dialect, &url, Source::Legacy, node.place.clone());
    read_behaviour(reader, &fields, &mut provider);
    read_credentials(reader, &fields, &mut provider);
    provider.models = read_lists(reader, &fields);
    allow_named_private_address(reader, &mut provider);
    Some(provider)
}

fn read_behaviour(reader: &mut Reader<'_>, fields: &Fields<'_>, provider: &mut ProviderSettings) {
    if let Some(enabled) = fields.get("enabled").and_then(|node| reader.boolean(&node)) {
        provider.enabled = enabled;
    }
    if let Some(priority) = fields
        .get("priority")
        .and_then(|node| reader.number(&node, *PRIORITIES.start(), *PRIORITIES.end()))
    {
        provider.priority = priority;
    }
    if let Some(timeout) = fields
        .get("timeout")
        .and_then(|node| reader.duration(&node))
    {
        provider.timeout = timeout;
    }
    if let Some(retries) = fields
        .get("max_retries")
        .and_then(|node| reader.number(&node, 0, i64::MAX))
    {
        // The older bridge set no bound; ten is more than any request survives.
        provider.max_retries = u32::try_from(retries.min(10)).unwrap_or(10);
    }
    if let Some(weight) = fields.get("weight").and_then(|node| reader.small(&node, 0)) {
        provider.weight = weight;
    }
    provider.max_tokens_limit = fields.any(&LIMIT).and_then(|node| reader.count(&node, 1));
    provider.mode = fields
        .get("mode")
        .and_then(|node| reader.choice(&node, &MODES));
    provider.proxy = fields
        .get("proxy")
        .and_then(|node| read_proxy(reader, &node));
    provider.headers = fields
        .any(&HEADERS)
        .map(|node| read_headers(reader, &node))
        .unwrap_or_default();
}

fn read_credentials(reader: &mut Reader<'_>, fields: &Fields<'_>, provider: &mut ProviderSettings) {
    if let Some(node) = fields.any(&KEY) {
        provider.wants_key = true;
        let keys = read_keys(reader, &node);
        (provider.keys, provider.key_weights) = (keys.secrets, keys.weights);
    }
    provider.key_pool = fields.get("key_pool").and_then(|node| reader.text(&node));
    provider.auth_header = fields
        .get("auth_header")
        .and_then(|node| read_header_name(reader, &node));
    provider.auth_format = fields
        .get("auth_format")
        .and_then(|node| read_format(reader, &node));
    let Some(node) = fields.get("auth_type") else {
        return;
    };
    let Some(kind) = reader.text(&node) else {
        return;
    };
    let (header, format) = match kind.to_ascii_lowercase().replace('-', "_").as_str() {
        "bearer" | "auth_token" | "token" | "oauth" => ("authorization", "Bearer {key}"),
        "x_api_key" => ("x-api-key", "{key}"),
        "x_goog_api_key" => ("x-goog-api-key", "{key}"),
        "api_key" => return,
        "none" => {
            provider.wants_key = false;
            provider.keys = Vec::<Secret>::new();
            return;
        }
        _ => {
            reader.warn(
                &node.place,
                "this auth_type is not known; the dialect's own header is used",
            );
            return;
        }
    };
    provider
        .auth_header
        .get_or_insert_with(|| header.to_owned());
    provider
        .auth_format
        .get_or_insert_with(|| format.to_owned());
}

/// `big_models` and its like, and `models` as a map or a list.
fn read_lists(reader: &mut Reader<'_>, fields: &Fields<'_>) -> ModelLists {
    let mut lists = fields
        .get("models")
        .map(|node| read_model_member(reader, &node))
        .unwrap_or_default();
    for (keys, list) in [
        (&BIG[..], &mut lists.big),
        (&MIDDLE[..], &mut lists.middle),
        (&SMALL[..], &mut lists.small),
    ] {
        if let Some(node) = fields.any(keys) {
            list.extend(reader.texts(&node));
        }
    }
    lists
}

fn read_model_member(reader: &mut Reader<'_>, node: &Node<'_>) -> ModelLists {
    // Some files have `medium` for the middle list.
    match node.value {
        Value::Object(map) if map.contains_key("medium") => {
            let texts = |reader: &mut Reader<'_>, key: &str| {
                map.get(key)
                    .map(|value| reader.texts(&Node::new(value, key, node.place.key(key))))
                    .unwrap_or_default()
            };
            ModelLists {
                big: texts(reader, "big"),
                middle: texts(reader, "medium"),
                small: texts(reader, "small"),
                other: texts(reader, "other"),
            }
        }
        _ => read_models(reader, node),
    }
}

/// The older bridge had no guard against private addresses: one written in its file is meant.
fn allow_named_private_address(reader: &mut Reader<'_>, provider: &mut ProviderSettings) {
    let Ok(base) = BaseUrl::parse(&provider.base_url) else {
        return;
    };
    let private = match base.host.parse::<std::net::IpAddr>() {
        Ok(std::net::IpAddr::V4(address)) => address.is_loopback() || address.is_private(),
        Ok(std::net::IpAddr::V6(address)) => address.is_loopback() || address.is_unique_local(),
        Err(_) => base.is_loopback(),
    };
    if private {
        provider.allow_private_network = true;
        let what = format!(
            "provider `{}` is on a private address, which its file is taken to allow",
            provider.name
        );
        reader.warn(&provider.place, &what);
    }
}
