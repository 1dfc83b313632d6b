//! What whole answers and streamed ones write alike: vendor state, pictures, citations, finish reasons.

use super::decode_reasoning::{HUB_STATE, Place};
use crate::ir::{Finish, Opaque, OpaqueKind};
use crate::json::Writer;
use crate::{Dialect, Text, envelope};

/// The words when a vendor's filter gave none.
pub(super) const FILTERED: &str = "The answer was withheld by a content filter.";

/// The state of a call beside it: its own dialect's as it is, any other in an envelope.
pub(super) fn signature(states: &[&Opaque<'_>], w: &mut Writer<'_>) {
    let Some(first) = states.first() else { return };
    w.object_in("extra_content", |w| {
        w.object_in("google", |w| {
            if first.origin == Dialect::OpenAiChat {
                w.str("thought_signature", &first.state);
            } else {
                let states: Vec<Opaque<'_>> = states.iter().map(|state| (*state).clone()).collect();
                w.str("thought_signature", &envelope::seal_base64(&states));
            }
        });
    });
}

/// Elements of `reasoning_details`: the server's own records as they are, foreign state in an envelope that says
/// before which call it belongs.
pub(super) fn details(
    number: u64,
    (calls, place): (u64, Place),
    states: &[&Opaque<'_>],
    w: &mut Writer<'_>,
) {
    let is_native = |state: &&&Opaque<'_>| {
        state.origin == Dialect::OpenAiChat && state.kind == OpaqueKind::Reasoning
    };
    for state in states.iter().filter(is_native) {
        crate::json::elements(&state.state).for_each(|element| w.item_raw(element));
    }
    let foreign: Vec<Opaque<'_>> = states
        .iter()
        .filter(|state| !is_native(state))
        .map(|state| (*state).clone())
        .collect();
    if foreign.is_empty() {
        return;
    }
    w.object(|w| {
        w.str("type", HUB_STATE);
        w.str("data", &envelope::seal(&foreign));
        w.uint("index", number);
        if calls > 0 {
            w.uint("call", calls);
        } else if let Some(place) = place.word() {
            w.str("place", place);
        }
    });
}

/// A picture, as an element of `images`.
pub(super) fn image(index: u64, mime: &str, data: &Text<'_>, w: &mut Writer<'_>) {
    w.object(|w| {
        w.uint("index", index);
        w.str("type", "image_url");
        w.object_in("image_url", |w| {
            let (head, mime, tail) = (
                Text::borrowed("data:"),
                Text::borrowed(mime),
                Text::borrowed(";base64,"),
            );
            w.concat("url", &[&head, &mime, &tail, data]);
        });
    });
}

/// A citation of the answer's text between two characters.
pub(super) fn annotation(url: &str, title: &str, (start, end): (u64, u64), w: &mut Writer<'_>) {
    w.object(|w| {
        w.str("type", "url_citation");
        w.object_in("url_citation", |w| {
            w.uint("start_index", start);
            w.uint("end_index", end);
            w.str("title", title);
            w.str("url", url);
        });
    });
}

/// The word for why an answer ended; `function_calls` when calls go out in the deprecated form.
pub(super) const fn finish_reason(reason: &Finish<'_>, function_calls: bool) -> &'static str {
    match reason {
        Finish::ToolUse if function_calls => "function_call",
        Finish::ToolUse => "tool_calls",
        Finish::Length | Finish::ContextWindow | Finish::Pause | Finish::Continuation => "length",
        // An unusable call must not look like the end of the task.
        Finish::ContentFilter { .. } | Finish::Recitation | Finish::BadToolCall(_) => {
            "content_filter"
        }
        Finish::Stop
        | Finish::StopSequence(_)
        | Finish::Refusal
        | Finish::Language
        | Finish::Compaction
        | Finish::ImageFail(_)
        | Finish::Cancelled
        | Finish::Other(_) => "stop",
    }
}

/// The upstream's own word, where the dialect's closed set has none for it.
pub(super) fn native_reason<'f>(reason: &'f Finish<'_>) -> Option<&'f str> {
    match reason {
        Finish::ContentFilter { category, .. } => category.as_deref(),
        Finish::Recitation => Some("RECITATION"),
        Finish::Language => Some("LANGUAGE"),
        Finish::BadToolCall(word) | Finish::ImageFail(word) | Finish::Other(word) => {
            Some(word.as_ref())
        }
        _ => None,
    }
    .filter(|word| !word.is_empty())
}

/// The members of `logprobs`; `tokens` are list elements.
pub(super) fn logprobs(tokens: &str, w: &mut Writer<'_>) {
    w.raw("content", &format!("[{tokens}]"));
    w.null("refusal");
}

/// Characters of a text, counted without decoding it.
pub(super) fn characters(text: &Text<'_>) -> u64 {
    let literal = match text {
        Text::Plain(text) => return text.chars().count() as u64,
        Text::Json(literal) => literal.as_bytes(),
    };
    let inner = &literal[1..literal.len() - 1];
    let (mut count, mut i) = (0, 0);
    while let Some(&byte) = inner.get(i) {
        match (byte, inner.get(i + 1)) {
            (b'\\', Some(b'u')) => {
                // The first half of a surrogate pair is no character of its own.
                let high = matches!(inner.get(i + 2), Some(b'd' | b'D'))
                    && matches!(
                        inner.get(i + 3),
                        Some(b'8' | b'9' | b'a' | b'b' | b'A' | b'B')
                    );
                count += u64::from(!high);
                i += 6;
            }
            (b'\\', _) => {
                count += 1;
                i += 2;
            }
            _ => {
                count += u64::from(byte & 0xc0 != 0x80);
                i += 1;
            }
        }
    }
    count
}
