//! `app.yml` and the environment, key by key: the environment wins.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::client_entry::read_client_keys;
use super::file::Document;
use super::node::{Node, Reader, Unknown};
use super::pool_entry::read_pools;
use super::provider_entry::{MODES, read_providers};
use super::route_entry::{STRATEGIES, read_routes};
use super::{Place, Secret, Settings, TrustedProxies};
use crate::ledger::CaptureMode;
use crate::snapshot::{Auth, BreakerSettings};
use crate::telemetry::OtlpEndpoint;

/// Keys with one value.
const SINGLE: &[&str] = &[
    "MODE",
    "HOST",
    "PORT",
    "TRUSTED_PROXIES",
    "LOG_LEVEL",
    "DEBUG",
    "AUTH",
    "DATABASE_URL",
    "DATABASE_PATH",
    "DB_POOL_SIZE",
    "DB_POOL_TIMEOUT",
    "REDIS_URL",
    "PREFERRED_PROVIDER",
    "FALLBACK_STRATEGY",
    "MAX_TOKENS_LIMIT",
    "MIN_TOKENS_LIMIT",
    "MAX_BODY_SIZE",
    "BIG_MODEL",
    "MIDDLE_MODEL",
    "SMALL_MODEL",
    "OPENAI_API_KEY",
    "ANTHROPIC_API_KEY",
    "GEMINI_API_KEY",
    "PROVIDER_CONFIG_PATH",
    "JWT_SECRET_KEY",
    "ENCRYPTION_KEY",
    "ADMIN_EMAIL",
    "ADMIN_PASSWORD",
    "ENABLE_TELEMETRY",
    "OTLP_ENDPOINT",
    "OTLP_HEADERS",
    "CAPTURE",
    "CAPTURE_RETENTION_DAYS",
    "CAPTURE_MAX_BYTES",
    "RETENTION_DAYS",
    "RESPONSES_RETENTION_DAYS",
    "RESPONSES_MAX_BYTES",
    "AUDIT_RETENTION_DAYS",
    "HEALTH_RETENTION_DAYS",
    "CONVERSATION_MAX_COUNT",
    "CONVERSATION_MAX_MESSAGES",
    "CONVERSATION_MAX_BYTES",
    "CONVERSATION_MAX_MESSAGE_BYTES",
    "CONVERSATION_RETENTION_DAYS",
];

/// Keys with lists or maps; in a variable they are written as YAML or JSON.
const STRUCTURED: [&str; 6] = [
    "CIRCUIT_BREAKER",
    "ALIASES",
    "API_KEY_POOLS",
    "CLIENT_KEYS",
    "PROVIDERS",
    "ROUTES",
];

/// Keys that may also be set while the hub runs. How it is reached and who may use it are not among them.
pub const LIVE: [&str; 23] = [
    "MODE",
    "PREFERRED_PROVIDER",
    "FALLBACK_STRATEGY",
    "CIRCUIT_BREAKER",
    "MAX_TOKENS_LIMIT",
    "MIN_TOKENS_LIMIT",
    "MAX_BODY_SIZE",
    "BIG_MODEL",
    "MIDDLE_MODEL",
    "SMALL_MODEL",
    "CAPTURE",
    "CAPTURE_RETENTION_DAYS",
    "CAPTURE_MAX_BYTES",
    "RETENTION_DAYS",
    "RESPONSES_RETENTION_DAYS",
    "RESPONSES_MAX_BYTES",
    "AUDIT_RETENTION_DAYS",
    "HEALTH_RETENTION_DAYS",
    "CONVERSATION_MAX_COUNT",
    "CONVERSATION_MAX_MESSAGES",
    "CONVERSATION_MAX_BYTES",
    "CONVERSATION_MAX_MESSAGE_BYTES",
    "CONVERSATION_RETENTION_DAYS",
];

const CAPTURES: [(&str, CaptureMode); 3] = [
    ("off", CaptureMode::Off),
    ("errors", CaptureMode::Errors),
    ("all", CaptureMode::All),
];
const AUTHS: [(&str, Auth); 2] = [("required", Auth::Required), ("open", Auth::Open)];
const LOG_LEVELS: [(&str, &str); 7] = [
    ("trace", "trace"),
    ("debug", "debug"),
    ("info", "info"),
    ("warn", "warn"),
    ("warning", "warn"),
    ("error", "error"),
    ("off", "off"),
];

/// The values in force, by key.
#[derive(Debug, Default)]
pub(super) struct Values(BTreeMap<&'static str, (Value, Place)>);

impl Values {
    /// Lays the environment over the file.
    pub(super) fn collect(reader: &mut Reader<'_>, file: Option<Document>) -> Self {
        let mut values = Self::default();
        if let Some(file) = file.filter(|file| !file.value.is_null()) {
            let known: Vec<_> = SINGLE.iter().copied().chain(STRUCTURED).collect();
            let node = Node::new(&file.value, "the file", file.place.clone());
            if let Some(fields) = reader.fields(&node, &known) {
                for key in known {
                    if let Some(node) = fields.get(key) {
                        values.0.insert(key, (node.value.clone(), node.place));
                    }
                }
            }
        }
        for key in SINGLE.iter().copied().chain(STRUCTURED) {
            let Some(text) = reader.environment.get(key) else {
                continue;
            };
            let place = Place::variable(key);
            if SINGLE.contains(&key) {
                values
                    .0
                    .insert(key, (Value::String(text.to_owned()), place));
            } else if let Some(value) = structured(reader, key, text, &place) {
                values.0.insert(key, (value, place));
            }
        }
        values
    }

    /// The settings that an operator made, except those that are given already.
    pub(super) fn of_settings<'d>(
        defined: impl Iterator<Item = (&'d str, &'d Value)>,
        given: &BTreeSet<&'static str>,
    ) -> Self {
        let mut values = Self::default();
        for (name, value) in defined {
            if let Some(key) = LIVE
                .into_iter()
                .find(|key| *key == name && !given.contains(key))
            {
                let place = Place::defined("setting", key);
                values.0.insert(key, (value.clone(), place));
            }
        }
        values
    }

    /// The keys that have a value.
    pub(super) fn keys(&self) -> BTreeSet<&'static str> {
        self.0.keys().copied().collect()
    }

    /// Where the values stand.
    pub(super) fn places(&self) -> BTreeMap<&'static str, Place> {
        let places = self.0.iter();
        places
            .map(|(key, (_, place))| (*key, place.clone()))
            .collect()
    }

    /// A value that is there.
    pub(super) fn get(&self, key: &'static str) -> Option<Node<'_>> {
        let (value, place) = self.0.get(key)?;
        Some(Node::new(value, key, place.clone()))
    }
}

fn structured(reader: &mut Reader<'_>, key: &str, text: &str, place: &Place) -> Option<Value> {
    let mut errors = super::ConfigErrors::default();
    let document = super::file::parse_yaml(key, text.to_owned(), &mut errors);
    if document.is_none() {
        reader.error(
            place,
            format!("{key} is not valid YAML or JSON"),
            format!("correct or unset {key}"),
        );
    }
    document.map(|document| document.value)
}

/// Reads everything but `provider.json` and the single-key forms.
pub(super) fn read_values(reader: &mut Reader<'_>, values: &Values, settings: &mut Settings) {
    read_server(reader, values, settings);
    read_storage(reader, values, settings);
    read_routing(reader, values, settings);
    if let Some(node) = values.get("API_KEY_POOLS") {
        settings.key_pools = read_pools(reader, &node);
    }
    if let Some(node) = values.get("CLIENT_KEYS") {
        settings.client_keys = read_client_keys(reader, &node);
    }
    if let Some(node) = values.get("PROVIDERS") {
        settings.providers = read_providers(reader, &node);
    }
    if let Some(node) = values.get("ROUTES") {
        settings.routes = read_routes(reader, &node);
    }
}

/// Puts a value in the place of the default when it is there and sound.
fn set<T>(slot: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *slot = value;
    }
}

fn read_server(reader: &mut Reader<'_>, values: &Values, settings: &mut Settings) {
    set(
        &mut settings.host,
        values.get("HOST").and_then(|node| reader.text(&node)),
    );
    let port = values
        .get("PORT")
        .and_then(|node| reader.number(&node, 0, 65_535));
    set(
        &mut settings.port,
        port.and_then(|port| u16::try_from(port).ok()),
    );
    if let Some(node) = values.get("TRUSTED_PROXIES") {
        settings.trusted_proxies = read_proxies(reader, &node);
    }
    let level = values
        .get("LOG_LEVEL")
        .and_then(|node| reader.choice(&node, &LOG_LEVELS));
    let is_debug = values.get("DEBUG").and_then(|node| reader.boolean(&node));
    // The older word for a level; who names one means it.
    let level = level.or_else(|| is_debug.unwrap_or_default().then_some("debug"));
    set(&mut settings.log_level, level.map(str::to_owned));
    let auth = values
        .get("AUTH")
        .and_then(|node| reader.choice(&node, &AUTHS));
    set(&mut settings.auth, auth.map(Some));
    read_telemetry(reader, values, settings);
}

/// A list, or a text with commas.
fn read_proxies(reader: &mut Reader<'_>, node: &Node<'_>) -> TrustedProxies {
    let mut networks = Vec::new();
    for item in node.items() {
        let text = reader.text(&item).unwrap_or_default();
        for entry in text.split(',').map(str::trim) {
            match TrustedProxies::parse(entry) {
                Some(network) => networks.push(network),
                None if entry.is_empty() => {}
                None => reader.invalid(
                    &item,
                    entry,
                    "must name addresses or networks, for example 127.0.0.1 or 10.0.0.0/8",
                ),
            }
        }
    }
    networks.into_iter().collect()
}

/// Schemes of databases.
const DATABASES: [&str; 5] = ["sqlite", "postgres", "postgresql", "mysql", "mariadb"];

/// Schemes of a Redis.
const REDIS: [&str; 14] = [
    "redis",
    "rediss",
    "valkey",
    "valkeys",
    "redis-cluster",
    "rediss-cluster",
    "valkey-cluster",
    "valkeys-cluster",
    "redis-sentinel",
    "rediss-sentinel",
    "valkey-sentinel",
    "valkeys-sentinel",
    "redis+unix",
    "valkey+unix",
];

fn read_storage(reader: &mut Reader<'_>, values: &Values, settings: &mut Settings) {
    let path = values
        .get("DATABASE_PATH")
        .and_then(|node| reader.text(&node));
    set(
        &mut settings.database_url,
        path.map(|path| Secret::new(format!("sqlite://{path}?mode=rwc"))),
    );
    // An address with a password in it is as secret as the password, one without is not.
    let url = values
        .get("DATABASE_URL")
        .and_then(|node| storage_url(reader, &node, &DATABASES, "sqlite:, postgres: or mysql:"));
    set(&mut settings.database_url, url);
    settings.db_pool_size = values
        .get("DB_POOL_SIZE")
        .and_then(|node| reader.small(&node, 1));
    settings.db_pool_timeout = values
        .get("DB_POOL_TIMEOUT")
        .and_then(|node| reader.duration(&node));
    settings.redis_url = values
        .get("REDIS_URL")
        .and_then(|node| storage_url(reader, &node, &REDIS, "redis:// or rediss://"));
    settings.jwt_secret_key = values
        .get("JWT_SECRET_KEY")
        .and_then(|node| reader.secret(&node));
    settings.encryption_key = values
        .get("ENCRYPTION_KEY")
        .and_then(|node| reader.secret(&node));
    settings.admin_email = values
        .get("ADMIN_EMAIL")
        .and_then(|node| email(reader, &node));
    settings.admin_password = values
        .get("ADMIN_PASSWORD")
        .and_then(|node| reader.secret(&node));
}

/// The address of a storage. How it begins is looked at here, so that a mistake is told before the start fails; the
/// rest may be a password and is not shown.
fn storage_url(
    reader: &mut Reader<'_>,
    node: &Node<'_>,
    schemes: &[&str],
    usual: &str,
) -> Option<Secret> {
    let url = reader.hidden(node)?;
    let scheme = url.expose().split(':').next().unwrap_or_default();
    if url.expose().contains(':') && schemes.contains(&scheme) {
        return Some(url);
    }
    let what = format!("{} must begin with {usual}", node.name);
    reader.error(&node.place, what, "");
    None
}

fn email(reader: &mut Reader<'_>, node: &Node<'_>) -> Option<String> {
    let text = reader.text(node)?;
    let is_sound = text.trim().split_once('@').is_some_and(|(person, host)| {
        !person.is_empty() && !host.is_empty() && !host.contains('@')
    });
    if !is_sound {
        reader.error(
            &node.place,
            "ADMIN_EMAIL is not an e-mail address",
            "write it as name@host",
        );
    }
    is_sound.then_some(text)
}

/// Whether traces are collected, and where they go.
fn read_telemetry(reader: &mut Reader<'_>, values: &Values, settings: &mut Settings) {
    let enabled = values
        .get("ENABLE_TELEMETRY")
        .and_then(|node| reader.boolean(&node));
    set(&mut settings.enable_telemetry, enabled);
    if let Some(node) = values.get("OTLP_ENDPOINT")
        && let Some(url) = reader.text(&node)
    {
        match OtlpEndpoint::parse(&url) {
            Ok(endpoint) => settings.otlp_endpoint = endpoint,
            Err(why) => reader.error(
                &node.place,
                format!("OTLP_ENDPOINT {why}"),
                "write the collector's address, for example http://localhost:4318",
            ),
        }
    }
    if let Some(node) = values.get("OTLP_HEADERS")
        && let Some(list) = reader.secret(&node)
    {
        match settings.otlp_endpoint.clone().with_headers(list.expose()) {
            Ok(endpoint) => settings.otlp_endpoint = endpoint,
            Err(why) => reader.error(
                &node.place,
                format!("OTLP_HEADERS {why}"),
                "write name=value, several with commas between them",
            ),
        }
    }
}

/// How much is kept of requests, and for how long.
fn read_keeping(reader: &mut Reader<'_>, values: &Values, settings: &mut Settings) {
    let capture = values
        .get("CAPTURE")
        .and_then(|node| reader.choice(&node, &CAPTURES));
    set(&mut settings.capture, capture);
    let (retention, kept) = (&mut settings.retention, &mut settings.conversations);
    for (key, slot) in [
        ("RETENTION_DAYS", &mut retention.days),
        ("CAPTURE_RETENTION_DAYS", &mut retention.capture_days),
        ("CAPTURE_MAX_BYTES", &mut retention.capture_bytes),
        ("RESPONSES_RETENTION_DAYS", &mut retention.response_days),
        ("RESPONSES_MAX_BYTES", &mut retention.response_bytes),
        ("AUDIT_RETENTION_DAYS", &mut retention.audit_days),
        ("HEALTH_RETENTION_DAYS", &mut retention.health_days),
        ("CONVERSATION_MAX_COUNT", &mut kept.count),
        ("CONVERSATION_MAX_MESSAGES", &mut kept.messages),
        ("CONVERSATION_MAX_BYTES", &mut kept.bytes),
        ("CONVERSATION_RETENTION_DAYS", &mut kept.days),
    ] {
        let value = values.get(key).and_then(|node| reader.count(&node, 0));
        set(slot, value);
    }
    let value = values.get("CONVERSATION_MAX_MESSAGE_BYTES");
    let value = value.and_then(|node| reader.count(&node, 1024));
    set(&mut kept.message_bytes, value);
}

/// Reads what may also be set while the hub runs.
pub(super) fn read_routing(reader: &mut Reader<'_>, values: &Values, settings: &mut Settings) {
    read_keeping(reader, values, settings);
    let mode = values
        .get("MODE")
        .and_then(|node| reader.choice(&node, &MODES));
    set(&mut settings.mode, mode);
    if let Some(node) = values.get("PREFERRED_PROVIDER") {
        settings.preferred_provider = reader.text(&node).map(|name| (name, node.place));
    }
    let body = values
        .get("MAX_BODY_SIZE")
        .and_then(|node| reader.count(&node, 1024));
    set(
        &mut settings.max_body,
        body.and_then(|bytes| usize::try_from(bytes).ok()),
    );
    let strategy = values
        .get("FALLBACK_STRATEGY")
        .and_then(|node| reader.choice(&node, &STRATEGIES));
    set(&mut settings.fallback_strategy, strategy);
    if let Some(node) = values.get("CIRCUIT_BREAKER") {
        settings.circuit_breaker = read_breaker(reader, &node);
    }
    let clamps = &mut settings.clamps;
    for (key, clamp) in [
        ("MAX_TOKENS_LIMIT", &mut clamps.max_tokens),
        ("MIN_TOKENS_LIMIT", &mut clamps.min_tokens),
    ] {
        if let Some(node) = values.get(key) {
            *clamp = reader.count(&node, 1);
        }
    }
    if let (Some(most), Some(least)) = (clamps.max_tokens, clamps.min_tokens)
        && least > most
        && let Some(node) = values.get("MIN_TOKENS_LIMIT")
    {
        let what = format!("MIN_TOKENS_LIMIT ({least}) is above MAX_TOKENS_LIMIT ({most})");
        reader.error(&node.place, what, "swap or correct them");
    }
    for (key, model) in [
        ("BIG_MODEL", &mut settings.big_model),
        ("MIDDLE_MODEL", &mut settings.middle_model),
        ("SMALL_MODEL", &mut settings.small_model),
    ] {
        if let Some(node) = values.get(key) {
            *model = reader.text(&node);
        }
    }
    let Some(node) = values.get("ALIASES") else {
        return;
    };
    let Value::Object(map) = node.value else {
        reader.error(
            &node.place,
            "ALIASES must be a map",
            "write `ALIASES: {name: provider/model}`",
        );
        return;
    };
    for (alias, value) in map {
        let item = Node::new(value, alias, node.place.key(alias));
        settings
            .aliases
            .extend(reader.text(&item).map(|model| (alias.clone(), model)));
    }
}

/// Reads `{failure_threshold, recovery_timeout}`.
pub(super) fn read_breaker(reader: &mut Reader<'_>, node: &Node<'_>) -> BreakerSettings {
    let mut breaker = BreakerSettings::default();
    let known: &[&str] = match reader.unknown {
        Unknown::Error => &["failure_threshold", "recovery_timeout"],
        Unknown::Warning => &[
            "failure_threshold",
            "recovery_timeout",
            "half_open_requests",
            "enabled",
        ],
    };
    let Some(fields) = reader.fields(node, known) else {
        return breaker;
    };
    let threshold = fields
        .get("failure_threshold")
        .and_then(|node| reader.small(&node, 0));
    set(&mut breaker.failure_threshold, threshold);
    let timeout = fields
        .get("recovery_timeout")
        .and_then(|node| reader.duration(&node));
    set(&mut breaker.recovery_timeout, timeout);
    breaker
}
