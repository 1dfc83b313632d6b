//! The models that a caller may use, in the shape of the caller's dialect.

use http::{HeaderMap, Response};
use translator::Dialect;
use translator::capability;
use translator::error::{Failure, FailureKind};
use translator::json::Writer;

use super::body::AnswerBody;
use super::query;
use super::reply;
use super::service::Caller;
use crate::snapshot::ModelEntry;

/// Models have no birthday here; clients want a date all the same.
const CREATED: u64 = 1_735_689_600;
const CREATED_TEXT: &str = "2025-01-01T00:00:00Z";
const MOST: usize = 1_000;

/// In front of the names that clients of Anthropic's dialect would not show: Claude Code lists what begins with
/// `claude` or `anthropic` alone.
const SHOWN: &str = "claude-hub/";

/// The name behind a name that the list of Anthropic's dialect gave.
pub(super) fn plain_name(ingress: Dialect, name: &str) -> &str {
    match ingress {
        Dialect::Anthropic => name.strip_prefix(SHOWN).unwrap_or(name),
        _ => name,
    }
}

/// The models of a caller, and for Anthropic's dialect each once more under a name that its clients show.
fn entries(caller: &Caller, dialect: Dialect) -> Vec<ModelEntry> {
    let mut entries = caller.snapshot.models(caller.key.as_deref());
    if dialect == Dialect::Anthropic {
        let shown = |entry: &ModelEntry| {
            entry.id.starts_with("claude") || entry.id.starts_with("anthropic")
        };
        let again: Vec<ModelEntry> = entries
            .iter()
            .filter(|entry| !shown(entry))
            .map(|entry| ModelEntry {
                id: format!("{SHOWN}{}", entry.id).into(),
                ..entry.clone()
            })
            .collect();
        entries.extend(again);
    }
    entries
}

/// The list, or one model of it.
pub(super) fn answer(
    caller: &Caller,
    dialect: Dialect,
    model: Option<&str>,
    uri_query: Option<&str>,
) -> Response<AnswerBody> {
    let entries = entries(caller, dialect);
    let mut out = Vec::with_capacity(entries.len() * 160 + 128);
    match model {
        Some(name) => {
            let bare = name.strip_prefix("models/").unwrap_or(name);
            // `provider/model` is a name of the model too.
            let of_provider = |entry: &&ModelEntry| {
                bare.split_once('/').is_some_and(|(provider, model)| {
                    *entry.id == *model && entry.provider.as_deref() == Some(provider)
                })
            };
            let found = entries
                .iter()
                .find(|entry| *entry.id == *bare)
                .or_else(|| entries.iter().find(of_provider))
                .map(|entry| ModelEntry {
                    id: bare.into(),
                    ..entry.clone()
                });
            let Some(entry) = &found else {
                let failure = Failure::new(
                    FailureKind::NotFound,
                    format!("no model {bare} is known to this hub"),
                )
                .with_code("model_not_found");
                return caller.refuse(dialect, &failure);
            };
            Writer::new(&mut out).object(|w| one(dialect, caller, entry, w));
        }
        None => list(dialect, caller, &entries, uri_query, &mut out),
    }
    let mut response = reply::json(out);
    let headers: &mut HeaderMap = response.headers_mut();
    reply::identify(headers, dialect, &caller.request_id);
    response
}

fn list(
    dialect: Dialect,
    caller: &Caller,
    entries: &[ModelEntry],
    uri_query: Option<&str>,
    out: &mut Vec<u8>,
) {
    let page = page(dialect, entries, uri_query);
    let more = page.more;
    Writer::new(out).object(|w| match dialect {
        Dialect::Gemini => {
            w.array_in("models", |w| {
                for entry in page.entries {
                    w.object(|w| one(dialect, caller, entry, w));
                }
            });
            if let (true, Some(last)) = (more, page.entries.last()) {
                w.str("nextPageToken", &last.id);
            }
        }
        Dialect::Anthropic => {
            w.array_in("data", |w| {
                for entry in page.entries {
                    w.object(|w| one(dialect, caller, entry, w));
                }
            });
            w.bool("has_more", more);
            for (name, entry) in [
                ("first_id", page.entries.first()),
                ("last_id", page.entries.last()),
            ] {
                match entry {
                    Some(entry) => w.str(name, &entry.id),
                    None => w.null(name),
                }
            }
        }
        Dialect::OpenAiChat | Dialect::OpenAiResponses => {
            w.str("object", "list");
            w.array_in("data", |w| {
                for entry in page.entries {
                    w.object(|w| one(dialect, caller, entry, w));
                }
            });
        }
    });
}

struct Page<'e> {
    entries: &'e [ModelEntry],
    more: bool,
}

/// The part of the list that is asked for. OpenAI's list has no pages.
fn page<'e>(dialect: Dialect, entries: &'e [ModelEntry], uri_query: Option<&str>) -> Page<'e> {
    let (size, after, default) = match dialect {
        Dialect::Anthropic => ("limit", "after_id", 20),
        Dialect::Gemini => ("pageSize", "pageToken", 50),
        Dialect::OpenAiChat | Dialect::OpenAiResponses => {
            return Page {
                entries,
                more: false,
            };
        }
    };
    let place = |id: &str| entries.iter().position(|entry| *entry.id == *id);
    let size = query::get(uri_query, size)
        .and_then(|size| size.parse::<usize>().ok())
        .unwrap_or(default)
        .clamp(1, MOST);
    if dialect == Dialect::Anthropic
        && let Some(end) = query::get(uri_query, "before_id").and_then(|id| place(&id))
    {
        let start = end.saturating_sub(size);
        return Page {
            entries: &entries[start..end],
            more: start > 0,
        };
    }
    let start = query::get(uri_query, after)
        .and_then(|id| place(&id))
        .map_or(0, |at| at + 1);
    let end = (start + size).min(entries.len());
    Page {
        entries: &entries[start..end],
        more: end < entries.len(),
    }
}

fn one(dialect: Dialect, caller: &Caller, entry: &ModelEntry, w: &mut Writer<'_>) {
    match dialect {
        Dialect::OpenAiChat | Dialect::OpenAiResponses => {
            w.str("id", &entry.id);
            w.str("object", "model");
            w.uint("created", CREATED);
            w.str(
                "owned_by",
                entry.provider.as_deref().unwrap_or("llm-bridge"),
            );
        }
        Dialect::Anthropic => {
            w.str("type", "model");
            w.str("id", &entry.id);
            w.str("display_name", plain_name(dialect, &entry.id));
            w.str("created_at", CREATED_TEXT);
            w.null("max_input_tokens");
            match output_limit(caller, entry) {
                Some(limit) => w.uint("max_tokens", limit),
                None => w.null("max_tokens"),
            }
            w.null("capabilities");
        }
        Dialect::Gemini => {
            w.str("name", &format!("models/{}", entry.id));
            w.str("baseModelId", &entry.id);
            w.str("version", "001");
            w.str("displayName", &entry.id);
            w.str("description", entry.target.as_deref().unwrap_or(&entry.id));
            if let Some(limit) = output_limit(caller, entry) {
                w.uint("outputTokenLimit", limit);
            }
            w.array_in("supportedGenerationMethods", |w| {
                for verb in ["generateContent", "streamGenerateContent", "countTokens"] {
                    w.item_str(verb);
                }
                if entry.id.contains("embed") {
                    w.item_str("embedContent");
                    w.item_str("batchEmbedContents");
                }
            });
        }
    }
}

/// The output limit, where the table knows the model.
fn output_limit(caller: &Caller, entry: &ModelEntry) -> Option<u64> {
    let provider = caller.snapshot.provider(entry.provider.as_deref()?)?;
    let model = entry.target.as_deref().unwrap_or(&entry.id);
    capability::of(provider.dialect, model).max_output
}
