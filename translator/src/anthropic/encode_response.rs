//! Writes a complete answer.

use std::borrow::Cow;
use std::ops::Range;

use super::decode_parts::is_server_step;
use super::{finish, usage};
use crate::answer::Answer;
use crate::envelope;
use crate::error::{Failure, FailureKind};
use crate::ident::{Charset, call_id};
use crate::ir::{Args, Citation, Finish, Opaque, OpaqueKind, Opening, OutPart, Response};
use crate::json::{self, Writer};
use crate::{Dialect, Text};

/// Longest call id that clients are known to take.
const CALL_ID_MAX: usize = 128;

/// Why an answer cannot be told: clients run every call that they are given, so that one whose arguments are no object
/// must end as an error. The output limit explains such a call, and clients know what to do then.
pub(crate) fn unusable(response: &Response) -> Option<Failure> {
    match response.finish.first().and_then(Option::as_ref) {
        Some(Finish::Length) => return None,
        Some(Finish::BadToolCall(_)) => return Some(unusable_call()),
        _ => {}
    }
    let mut parts = response.choice(0);
    parts
        .any(|part| match &part.kind {
            Opening::ToolCall { freeform, .. } => {
                !freeform && !part.text.trim().is_empty() && !is_object(&part.text)
            }
            _ => false,
        })
        .then(unusable_call)
}

/// Clients send the input back, and no upstream takes one that is not an object.
pub(super) fn is_object(args: &str) -> bool {
    args.trim_start().starts_with('{')
        && serde_json::from_str::<serde::de::IgnoredAny>(args).is_ok()
}

pub(super) fn unusable_call() -> Failure {
    Failure::new(
        FailureKind::Upstream,
        "the model produced a tool call whose arguments are not a JSON object",
    )
}

/// Writes a complete answer; gives the place of its usage object.
pub(crate) fn encode_response(
    response: &Response,
    answer: &mut Answer,
    out: &mut Vec<u8>,
) -> Option<Range<usize>> {
    let id = answer.ids.next("msg_");
    let mut told = None;
    Writer::new(out).object(|w| {
        w.str("id", &id);
        w.str("type", "message");
        w.str("role", "assistant");
        w.str("model", &answer.model);
        w.array_in("content", |w| {
            // State of a text stands before the next block, and not at all behind the last one: clients take
            // the last block for the answer.
            let mut held: &[Opaque<'_>] = &[];
            for part in response.choice(0) {
                if !held.is_empty() {
                    write_state(w, std::mem::take(&mut held));
                }
                write_part(w, part);
                if matches!(part.kind, Opening::Text | Opening::Refusal) {
                    held = &part.opaque;
                }
            }
        });
        let fallback = if response.has_call(0) {
            Finish::ToolUse
        } else {
            Finish::Stop
        };
        finish::write(
            w,
            Some(
                response
                    .finish
                    .first()
                    .and_then(Option::as_ref)
                    .unwrap_or(&fallback),
            ),
        );
        w.null("container");
        w.null("diagnostics");
        told = Some(usage::write_message(w, &response.usage.unwrap_or_default()));
    });
    told
}

fn write_part(w: &mut Writer<'_>, part: &OutPart) {
    match &part.kind {
        Opening::Text | Opening::Refusal => {
            if !part.text.is_empty() {
                w.object(|w| write_text(w, &part.text, &part.citations));
            }
        }
        Opening::Reasoning => write_reasoning(w, part),
        Opening::ToolCall {
            id, name, freeform, ..
        } => {
            if !part.opaque.is_empty() {
                write_state(w, &part.opaque);
            }
            let text = Text::borrowed(&part.text);
            let args = if *freeform {
                Args::Freeform(text)
            } else {
                Args::Text(text)
            };
            w.object(|w| {
                w.str("type", "tool_use");
                w.str("id", &client_call_id(id));
                w.str("name", name);
                w.raw("input", &args.to_object().0);
            });
        }
        Opening::Media { mime } => w.object(|w| write_text(w, &media_note(mime), &[])),
        Opening::ServerTool { raw, .. } => {
            if is_native_step(raw) {
                w.item_raw(raw);
            }
        }
    }
}

/// A call id that every Anthropic upstream would take back.
pub(crate) fn client_call_id(id: &str) -> Cow<'_, str> {
    call_id(id, Charset::Word, CALL_ID_MAX)
}

/// What stands for a picture or a sound, which this dialect's answers cannot hold.
pub(super) fn media_note(mime: &str) -> String {
    format!("[{mime} omitted: this API cannot carry it]")
}

/// True for a step in this dialect's own form. Steps of other vendors have no place here; what they
/// found is in the text.
pub(super) fn is_native_step(raw: &str) -> bool {
    json::member(raw, "type").is_some_and(|tag| is_server_step(tag.trim_matches('"')))
}

fn write_text(w: &mut Writer<'_>, text: &str, citations: &[Citation<'_>]) {
    w.str("type", "text");
    w.str("text", text);
    let citations: Vec<Cow<'_, str>> = citations.iter().filter_map(citation).collect();
    if citations.is_empty() {
        w.null("citations");
    } else {
        w.array_in("citations", |w| {
            citations.iter().for_each(|raw| w.item_raw(raw));
        });
    }
}

/// A citation in this dialect's form: its own, or one of the web. The vendor's index of the source is
/// replaced by an empty envelope, by which a later request knows that it must not go back.
pub(super) fn citation<'c>(citation: &'c Citation<'_>) -> Option<Cow<'c, str>> {
    if json::member(&citation.raw, "type").is_some_and(|tag| tag.ends_with("_location\"")) {
        return Some(Cow::Borrowed(&citation.raw));
    }
    let url = citation.url.as_deref()?;
    let mut out = Vec::with_capacity(160);
    Writer::new(&mut out).object(|w| {
        w.str("type", "web_search_result_location");
        w.str("url", url);
        match &citation.title {
            Some(title) => w.str("title", title),
            None => w.null("title"),
        }
        w.str("cited_text", citation.quote.as_deref().unwrap_or_default());
        w.str("encrypted_index", &envelope::seal(&[]));
    });
    Some(Cow::Owned(crate::ir::into_string(out)))
}

fn write_reasoning(w: &mut Writer<'_>, part: &OutPart) {
    if let Some(block) = native_block(&part.opaque) {
        w.item_raw(block);
    } else if !part.text.is_empty() {
        w.object(|w| {
            w.str("type", "thinking");
            w.str("thinking", &part.text);
            w.str("signature", &envelope::seal(&part.opaque));
        });
    } else if !part.opaque.is_empty() {
        write_state(w, &part.opaque);
    }
}

fn write_state(w: &mut Writer<'_>, states: &[Opaque<'_>]) {
    w.object(|w| {
        w.str("type", "redacted_thinking");
        w.str("data", &envelope::seal(states));
    });
}

/// The vendor's own block, when that is the one and only state.
pub(super) fn native_block<'s>(states: &'s [Opaque<'_>]) -> Option<&'s str> {
    match states {
        [state] if state.origin == Dialect::Anthropic && state.kind == OpaqueKind::Thinking => {
            Some(&state.state)
        }
        _ => None,
    }
}
