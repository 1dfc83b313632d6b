//! `PROVIDERS`.

use translator::Dialect;
use translator::profile::{self, Profile};

use super::node::{Fields, Node, Reader};
use super::pool_entry::{read_format, read_header_name, read_keys, read_rotation};
use super::vendor::vendor;
use super::{ModelLists, PRIORITIES, Place, ProviderSettings, Secret};
use crate::routing::closest;
use crate::snapshot::{BaseUrl, Mode, ProxyAddress, Source};

const KEYS: [&str; 27] = [
    "name",
    "api_format",
    "base_url",
    "profile",
    "api_version",
    "api_key",
    "key_pool",
    "key_strategy",
    "keys",
    "auth_header",
    "auth_format",
    "enabled",
    "priority",
    "timeout",
    "max_retries",
    "headers",
    "max_tokens_limit",
    "omit_params",
    "always_stream",
    "allow_private_network",
    "models",
    "mode",
    "max_concurrency",
    "max_concurrency_per_key",
    "proxy",
    "weight",
    "description",
];

const MODEL_KEYS: [&str; 4] = ["big", "middle", "small", "other"];

/// The words for a mode.
pub(super) const MODES: [(&str, Mode); 2] =
    [("transformer", Mode::Transformer), ("direct", Mode::Direct)];

/// Reads the list of providers.
pub(super) fn read_providers(reader: &mut Reader<'_>, node: &Node<'_>) -> Vec<ProviderSettings> {
    let source = if node.place.is_variable() {
        Source::Environment
    } else {
        Source::File
    };
    let mut providers: Vec<ProviderSettings> = Vec::new();
    for item in node.items() {
        let Some(provider) = read_provider(reader, &item, source) else {
            continue;
        };
        if providers.iter().any(|other| other.name == provider.name) {
            reader.error(
                &provider.place,
                format!("two providers are called `{}`", provider.name),
                "rename one",
            );
        } else {
            providers.push(provider);
        }
    }
    providers
}

pub(super) fn read_provider(
    reader: &mut Reader<'_>,
    node: &Node<'_>,
    source: Source,
) -> Option<ProviderSettings> {
    let fields = reader.fields(node, &KEYS)?;
    let Some(name) = fields.get("name").and_then(|node| reader.text(&node)) else {
        reader.error(&node.place, "a provider needs a name", "add `name: ...`");
        return None;
    };
    check_name(reader, &name, &node.place);
    let known = vendor(&name);
    let dialect = match fields.get("api_format") {
        Some(format) => read_dialect(reader, &format)?,
        None => known.map_or(Dialect::OpenAiChat, |vendor| vendor.dialect),
    };
    let enabled = fields
        .get("enabled")
        .and_then(|node| reader.boolean(&node))
        .unwrap_or(true);
    let mut profile = fields
        .get("profile")
        .and_then(|node| read_profile(reader, &node));
    if fields.get("base_url").is_none() && known.is_none() {
        // A known server's name stands for its address.
        profile = profile.or_else(|| profile::named(&name));
    }
    let base_url = match fields.get("base_url") {
        Some(url) => read_base_url(reader, &url).unwrap_or_default(),
        None => known
            .map(|vendor| vendor.base_url)
            .or_else(|| profile.and_then(Profile::usual_base_url))
            .map(str::to_owned)
            .unwrap_or_else(|| {
                let fix = "add `base_url: https://...`, what the vendor's SDK calls base URL";
                reader.error(
                    &node.place,
                    format!("provider `{name}` has no base_url"),
                    fix,
                );
                String::new()
            }),
    };
    let mut provider = ProviderSettings::new(&name, dialect, &base_url, source, node.place.clone());
    provider.enabled = enabled;
    provider.profile = profile;
    provider.api_version = fields
        .get("api_version")
        .and_then(|node| read_api_version(reader, &node));
    read_credentials(reader, &fields, &mut provider);
    read_limits(reader, &fields, &mut provider);
    provider.headers = fields
        .get("headers")
        .map(|node| read_headers(reader, &node))
        .unwrap_or_default();
    provider.models = fields
        .get("models")
        .map(|node| read_models(reader, &node))
        .unwrap_or_default();
    provider.mode = fields
        .get("mode")
        .and_then(|node| reader.choice(&node, &MODES));
    provider.proxy = fields
        .get("proxy")
        .and_then(|node| read_proxy(reader, &node));
    if let Some(allow) = fields
        .get("allow_private_network")
        .and_then(|node| reader.boolean(&node))
    {
        provider.allow_private_network = allow;
    }
    Some(provider)
}

/// A provider's name stands before a slash and in headers.
pub(super) fn check_name(reader: &mut Reader<'_>, name: &str, place: &Place) {
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.is_empty() || name.len() > 64 || !name.chars().all(legal) {
        let shown: String = name.chars().take(40).collect();
        let fix = "use up to 64 letters, digits, `-`, `_` and `.`";
        reader.error(
            place,
            format!("`{shown}` cannot be the name of a provider"),
            fix,
        );
    }
}

pub(super) fn read_dialect(reader: &mut Reader<'_>, node: &Node<'_>) -> Option<Dialect> {
    let text = reader.text(node)?;
    let dialect = Dialect::parse(text.trim());
    if dialect.is_none() {
        reader.invalid(
            node,
            &text,
            "must be one of openai, openai-responses, anthropic, gemini",
        );
    }
    dialect
}

/// The name of a profile of a server.
fn read_profile(reader: &mut Reader<'_>, node: &Node<'_>) -> Option<&'static Profile> {
    let text = reader.text(node)?;
    let found = profile::named(text.trim());
    if found.is_none() {
        let names = || profile::all().iter().map(|profile| profile.name.as_str());
        let fix = match closest(text.trim(), names(), 1).pop() {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("use one of {}", names().collect::<Vec<_>>().join(", ")),
        };
        let shown: String = text.chars().take(40).collect();
        reader.error(&node.place, format!("there is no profile `{shown}`"), fix);
    }
    found
}

/// A version goes into the query as it is.
fn read_api_version(reader: &mut Reader<'_>, node: &Node<'_>) -> Option<String> {
    let text = reader.text(node)?;
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    if !text.chars().all(legal) {
        let fix = "write it as in 2024-10-21";
        reader.error(
            &node.place,
            "api_version must be letters, digits, `-`, `.` and `_`",
            fix,
        );
        return None;
    }
    Some(text)
}

fn read_base_url(reader: &mut Reader<'_>, node: &Node<'_>) -> Option<String> {
    let text = reader.text(node)?;
    if let Err(why) = BaseUrl::parse(&text) {
        let fix = "write it as https://host/path, as the vendor's SDK has it";
        reader.error(&node.place, format!("{} {why}", node.name), fix);
        return None;
    }
    Some(text.trim().to_owned())
}

fn read_credentials(reader: &mut Reader<'_>, fields: &Fields<'_>, provider: &mut ProviderSettings) {
    provider.key_pool = fields.get("key_pool").and_then(|node| reader.text(&node));
    for key in ["api_key", "keys"] {
        if let Some(node) = fields.get(key) {
            provider.wants_key = true;
            let keys = read_keys(reader, &node);
            provider.keys.extend(keys.secrets);
            provider.key_weights.extend(keys.weights);
        }
    }
    provider.key_strategy = fields
        .get("key_strategy")
        .and_then(|node| read_rotation(reader, &node))
        .unwrap_or_default();
    provider.auth_header = fields
        .get("auth_header")
        .and_then(|node| read_header_name(reader, &node));
    provider.auth_format = fields
        .get("auth_format")
        .and_then(|node| read_format(reader, &node));
}

fn read_limits(reader: &mut Reader<'_>, fields: &Fields<'_>, provider: &mut ProviderSettings) {
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
        .and_then(|node| reader.number(&node, 0, 10))
    {
        provider.max_retries = u32::try_from(retries).unwrap_or(0);
    }
    if let Some(weight) = fields.get("weight").and_then(|node| reader.small(&node, 0)) {
        provider.weight = weight;
    }
    provider.omit_params = fields
        .get("omit_params")
        .map(|node| reader.texts(&node))
        .unwrap_or_default();
    provider.always_stream = fields
        .get("always_stream")
        .and_then(|node| reader.boolean(&node))
        .unwrap_or(false);
    provider.max_tokens_limit = fields
        .get("max_tokens_limit")
        .and_then(|node| reader.count(&node, 1));
    let mut limit = |key| {
        fields
            .get(key)
            .and_then(|node| reader.small(&node, 1))
            .map(|n| n as usize)
    };
    provider.max_concurrency = limit("max_concurrency");
    provider.max_concurrency_per_key = limit("max_concurrency_per_key");
}

pub(super) fn read_headers(reader: &mut Reader<'_>, node: &Node<'_>) -> Vec<(String, Secret)> {
    let serde_json::Value::Object(map) = node.value else {
        reader.error(
            &node.place,
            "headers must be a map",
            "write `headers: {Name: value}`",
        );
        return Vec::new();
    };
    let mut headers = Vec::new();
    for (name, value) in map {
        let item = Node::new(value, name, node.place.key(name));
        // These belong to the hub: credentials, framing, routing.
        const OURS: [&str; 6] = [
            "host",
            "content-length",
            "transfer-encoding",
            "connection",
            "upgrade",
            "te",
        ];
        if name.parse::<http::HeaderName>().is_err()
            || OURS.contains(&name.to_ascii_lowercase().as_str())
        {
            reader.error(
                &item.place,
                format!("`{name}` cannot be set as a header"),
                "remove it",
            );
        } else if let Some(text) = reader.hidden(&item) {
            headers.push((name.clone(), text));
        }
    }
    headers
}

/// A map of role lists, or one list without roles.
pub(super) fn read_models(reader: &mut Reader<'_>, node: &Node<'_>) -> ModelLists {
    if !node.value.is_object() {
        return ModelLists {
            other: reader.texts(node),
            ..ModelLists::default()
        };
    }
    let Some(fields) = reader.fields(node, &MODEL_KEYS) else {
        return ModelLists::default();
    };
    let mut list = |key| {
        fields
            .get(key)
            .map(|node| reader.texts(&node))
            .unwrap_or_default()
    };
    ModelLists {
        big: list("big"),
        middle: list("middle"),
        small: list("small"),
        other: list("other"),
    }
}

pub(super) fn read_proxy(reader: &mut Reader<'_>, node: &Node<'_>) -> Option<Secret> {
    let secret = reader.secret(node)?;
    if let Err(why) = ProxyAddress::parse(secret.expose()) {
        let fix = "write its full address, such as http://name:password@host:3128";
        reader.error(&node.place, why, fix);
        return None;
    }
    Some(secret)
}
