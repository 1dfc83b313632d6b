//! Channels of one-api and new-api, as their admin APIs list them: a provider each, and a route for each model that a
//! channel renames.

use serde_json::{Value, json};

use super::draft::{Draft, Entry, literal};
use super::vendors::{self, Vendor};
use super::{text, unknown};

/// Which of the two: they number vendors differently.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Family {
    OneApi,
    NewApi,
}

/// Carried over, or of no matter: what was measured and when.
const KNOWN: [&str; 22] = [
    "id",
    "type",
    "key",
    "name",
    "base_url",
    "models",
    "model_mapping",
    "priority",
    "weight",
    "status",
    "created_time",
    "test_time",
    "response_time",
    "balance",
    "balance_updated_time",
    "used_quota",
    "group",
    "openai_organization",
    "test_model",
    "auto_ban",
    "other",
    "channel_info",
];

/// Writes them anew.
pub(super) fn migrate(export: &Value, family: Family) -> Result<Draft, String> {
    // The answer of the API, a page of it, or the list alone.
    let list = [
        &export["data"]["items"],
        &export["data"],
        &export["channels"],
        export,
    ]
    .into_iter()
    .find_map(Value::as_array);
    let Some(list) = list else {
        return Err("this is no list of channels: export it with GET /api/channel/".to_owned());
    };
    let mut draft = Draft::default();
    let mut renamed: Vec<(String, Vec<Value>)> = Vec::new();
    for channel in list {
        let Some(entry) = provider(&mut draft, channel, family) else {
            continue;
        };
        for (asked, served) in mapping(channel) {
            let target = json!({"provider": entry.name(), "model": served});
            match renamed.iter_mut().find(|(model, _)| *model == asked) {
                Some((_, targets)) => targets.push(target),
                None => renamed.push((asked, vec![target])),
            }
        }
        draft.providers.push(entry);
    }
    if draft.providers.is_empty() && !list.is_empty() && draft.remarks.is_empty() {
        return Err("none of these is a channel".to_owned());
    }
    for (asked, targets) in renamed {
        let mut entry = Entry::default();
        entry.set("match", Some(json!({"model": &asked})));
        entry.set("targets", Some(targets));
        draft.route(&asked, entry);
    }
    draft.remark("groups, users, tokens and quotas: make client keys with limits of their own");
    Ok(draft)
}

fn provider(draft: &mut Draft, channel: &Value, family: Family) -> Option<Entry> {
    let wish = text(channel, "name").map(str::to_owned);
    let wish = wish.unwrap_or_else(|| format!("channel-{}", channel["id"]));
    let kind = channel["type"].as_u64().unwrap_or(1);
    let written = text(channel, "base_url").map(|url| url.trim_end_matches('/').to_owned());
    let Some(vendor) = vendor(kind, family) else {
        draft.remark(format!(
            "channel `{wish}`: type {kind} speaks a protocol that the hub does not"
        ));
        return None;
    };
    let base = match &written {
        // These append the version themselves; the hub does so too where it is missing.
        Some(url) => Some(literal(url)),
        None => vendor.base_url().map(str::to_owned),
    };
    let Some(base) = base else {
        draft.remark(format!("channel `{wish}` has no base_url"));
        return None;
    };
    // A name in other letters than a provider's may have says nothing when these are taken away.
    let is_legal = wish.bytes().any(|byte| byte.is_ascii_alphanumeric());
    let wish = if is_legal { wish.as_str() } else { vendor.name };
    let mut entry = Entry::named(&draft.free_name(wish));
    entry.set("api_format", Some(vendor.api_format));
    entry.set("base_url", Some(base.clone()));
    let is_known = translator::profile::named(vendor.name).is_some_and(|_| vendor.name != "openai");
    entry.set(
        "profile",
        (is_known && vendor.api_format == "openai").then_some(vendor.name),
    );
    if vendor.name == "azure" {
        entry.set("api_version", text(channel, "other").map(str::to_owned));
    }
    keys(&mut entry, channel);
    if channel["status"].as_u64().is_some_and(|status| status != 1) {
        entry.set("enabled", Some(false));
    }
    // There the greatest comes first, here the smallest.
    entry.set(
        "priority",
        channel["priority"].as_i64().map(|priority| -priority),
    );
    entry.set(
        "weight",
        channel["weight"].as_u64().filter(|weight| *weight > 0),
    );
    if vendors::is_private(&base) {
        entry.set("allow_private_network", Some(true));
    }
    for model in models(channel) {
        entry.list("other", &model);
    }
    if let Some(group) = text(channel, "group").filter(|group| *group != "default") {
        entry.remark(format!("group `{group}`"));
    }
    for name in unknown(channel, &KNOWN) {
        entry.remark(name);
    }
    Some(entry)
}

fn vendor(kind: u64, family: Family) -> Option<&'static Vendor> {
    let number = |vendor: &Vendor| match family {
        Family::OneApi => vendor.one_api,
        Family::NewApi => vendor.new_api,
    };
    vendors::all().find(|vendor| kind != 0 && number(vendor) == kind)
}

/// One key, or a key on each line.
fn keys(entry: &mut Entry, channel: &Value) {
    let keys: Vec<String> = text(channel, "key")
        .unwrap_or_default()
        .lines()
        .map(str::trim)
        .filter(|key| !key.is_empty())
        .map(literal)
        .collect();
    match keys.len() {
        0 => entry.remark("the key: the export has none; add `api_key`"),
        1 => entry.set("api_key", keys.into_iter().next()),
        _ => entry.set("keys", Some(keys)),
    }
}

fn models(channel: &Value) -> Vec<String> {
    let mapped: Vec<(String, String)> = mapping(channel);
    let listed = text(channel, "models")
        .unwrap_or_default()
        .split(',')
        .map(str::trim);
    listed
        .filter(|model| !model.is_empty())
        // A name that is mapped is the clients', not the vendor's.
        .map(|model| {
            let served = mapped.iter().find(|(asked, _)| asked == model);
            served.map_or(model, |(_, served)| served).to_owned()
        })
        .collect()
}

/// The names that clients use, and the vendor's: an object, mostly written as text.
fn mapping(channel: &Value) -> Vec<(String, String)> {
    let value = &channel["model_mapping"];
    let parsed = value
        .as_str()
        .and_then(|text| serde_json::from_str::<Value>(text).ok());
    let object = parsed
        .as_ref()
        .unwrap_or(value)
        .as_object()
        .cloned()
        .unwrap_or_default();
    object
        .into_iter()
        .filter_map(|(asked, served)| Some((asked, served.as_str()?.to_owned())))
        .collect()
}
