//! `CLIENT_KEYS`.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::limits::parse_usd;
use super::node::{Fields, Node, Reader};
use super::provider_entry::read_dialect;
use super::{ClientKeySettings, Credential, KeyLimits};

const KEYS: [&str; 14] = [
    "name",
    "key",
    "tags",
    "enabled",
    "expires_at",
    "allowed_models",
    "allowed_providers",
    "allowed_dialects",
    "may_pin",
    "rpm",
    "tpm",
    "max_concurrency",
    "budget_day",
    "budget_month",
];

/// It stands for the key in the tables of requests and spending.
const LONGEST_NAME: usize = 64;

/// Reads the list of client keys.
pub(super) fn read_client_keys(reader: &mut Reader<'_>, node: &Node<'_>) -> Vec<ClientKeySettings> {
    let mut keys: Vec<ClientKeySettings> = Vec::new();
    for item in node.items() {
        let Some(key) = read_client_key(reader, &item) else {
            continue;
        };
        if keys.iter().any(|other| other.name == key.name) {
            reader.error(
                &key.place,
                format!("two client keys are called `{}`", key.name),
                "rename one",
            );
        } else if let Some(other) = keys.iter().find(|other| other.credential == key.credential) {
            let what = format!(
                "client keys `{}` and `{}` are the same key",
                other.name, key.name
            );
            reader.error(&key.place, what, "give each its own key");
        } else {
            keys.push(key);
        }
    }
    keys
}

fn read_client_key(reader: &mut Reader<'_>, node: &Node<'_>) -> Option<ClientKeySettings> {
    let fields = reader.fields(node, &KEYS)?;
    let Some(name) = fields.get("name").and_then(|node| reader.text(&node)) else {
        reader.error(&node.place, "a client key needs a name", "add `name: ...`");
        return None;
    };
    if name.len() > LONGEST_NAME {
        let what = format!("the name of a client key is longer than {LONGEST_NAME} bytes");
        reader.error(&node.place.key("name"), what, "shorten it");
        return None;
    }
    if name.chars().any(char::is_control) {
        let what = "the name of a client key has a control character in it";
        reader.error(&node.place.key("name"), what, "leave it out");
        return None;
    }
    let Some(key) = fields.get("key") else {
        reader.error(
            &node.place,
            format!("client key `{name}` has no key"),
            "add `key: ${VARIABLE}`",
        );
        return None;
    };
    let secret = reader.secret(&key)?;
    if secret.expose().len() < 8 {
        reader.error(
            &key.place,
            format!("the key of client `{name}` is shorter than 8 characters"),
            "use a long random key",
        );
        return None;
    }
    let tags = fields.get("tags").map(|node| reader.texts(&node));
    let enabled = fields
        .get("enabled")
        .and_then(|node| reader.boolean(&node))
        .unwrap_or(true);
    let expires_at_ms = fields
        .get("expires_at")
        .and_then(|node| read_time(reader, &node));
    Some(ClientKeySettings {
        tags: tags.unwrap_or_default(),
        limits: read_limits(reader, &fields),
        enabled,
        expires_at_ms,
        ..ClientKeySettings::new(&name, Credential::Plain(secret), node.place.clone())
    })
}

fn read_limits(reader: &mut Reader<'_>, fields: &Fields<'_>) -> KeyLimits {
    let mut texts = |key: &str| fields.get(key).map(|node| reader.texts(&node));
    let (allowed_models, allowed_providers) = (texts("allowed_models"), texts("allowed_providers"));
    let allowed_dialects = fields.get("allowed_dialects").map(|node| {
        let items = node.items();
        let dialects = items.iter().filter_map(|item| read_dialect(reader, item));
        dialects
            .map(|dialect| dialect.as_str().to_owned())
            .collect()
    });
    let may_pin = fields.get("may_pin").and_then(|node| reader.boolean(&node));
    let mut count = |key: &str| fields.get(key).and_then(|node| reader.count(&node, 1));
    let (rpm, tpm) = (count("rpm"), count("tpm"));
    let max_concurrency = fields
        .get("max_concurrency")
        .and_then(|node| reader.small(&node, 1));
    let mut budget = |key: &str| fields.get(key).and_then(|node| read_usd(reader, &node));
    KeyLimits {
        allowed_models,
        allowed_providers,
        allowed_dialects,
        may_pin: may_pin.unwrap_or(true),
        rpm,
        tpm,
        max_concurrency,
        budget_day_nano_usd: budget("budget_day"),
        budget_month_nano_usd: budget("budget_month"),
    }
}

/// An amount of US dollars above nothing, in billionths.
fn read_usd(reader: &mut Reader<'_>, node: &Node<'_>) -> Option<i64> {
    let text = reader.text(node)?;
    let amount = parse_usd(text.trim()).filter(|amount| *amount > 0);
    if amount.is_none() {
        reader.invalid(
            node,
            &text,
            "must be an amount of US dollars above 0, such as \"5.00\"",
        );
    }
    amount
}

/// A point in time, in milliseconds since 1970.
fn read_time(reader: &mut Reader<'_>, node: &Node<'_>) -> Option<i64> {
    let text = reader.text(node)?;
    let time = OffsetDateTime::parse(text.trim(), &Rfc3339).ok();
    if time.is_none() {
        reader.invalid(node, &text, "must be a time such as 2027-01-31T00:00:00Z");
    }
    i64::try_from(time?.unix_timestamp_nanos() / 1_000_000).ok()
}
