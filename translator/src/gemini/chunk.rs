//! Pieces that streamed and complete answers are written of.

use std::ops::Range;

use super::{finish, logprobs, signatures, usage};
use crate::ir::{Args, ArgsShape, Citation, Finish, Opaque, Usage};
use crate::json::{self, Writer};
use crate::{Text, envelope};

/// A call, with its state. The first call of an answer always has some, because the vendor demands it back: a model
/// of another vendor that gave none is known by an empty envelope.
pub(super) fn call(
    id: &str,
    name: &str,
    args: &Args<'_>,
    states: &[Opaque<'_>],
    is_first: bool,
    w: &mut Writer<'_>,
) {
    let (args, _) = args.to_object();
    w.object(|w| {
        w.object_in("functionCall", |w| {
            w.str("id", id);
            w.str("name", name);
            w.raw("args", &json::compact(&args));
        });
        if is_first && states.is_empty() {
            w.str("thoughtSignature", &envelope::seal_base64(states));
        } else {
            sign(states, w);
        }
    });
}

/// Arguments that are no JSON: there is no form for such a call.
pub(super) fn is_cut(args: &Args<'_>) -> bool {
    args.to_object().1 == ArgsShape::Invalid
}

/// The reason of an end with a call that could not be written. A limit explains it; nothing else does.
pub(super) fn reason<'r>(reason: Option<&Finish<'r>>, cut: bool) -> Option<Finish<'r>> {
    match reason {
        Some(Finish::Length) | None => reason.cloned(),
        Some(_) if cut => Some(Finish::BadToolCall("MALFORMED_FUNCTION_CALL".into())),
        Some(reason) => Some(reason.clone()),
    }
}

/// Words, with state if there is any.
pub(super) fn text(text: &Text<'_>, thought: bool, states: &[Opaque<'_>], w: &mut Writer<'_>) {
    w.object(|w| {
        w.text("text", text);
        if thought {
            w.bool("thought", true);
        }
        sign(states, w);
    });
}

pub(super) fn media(mime: &str, data: &Text<'_>, w: &mut Writer<'_>) {
    w.object(|w| {
        w.object_in("inlineData", |w| {
            w.str("mimeType", mime);
            w.text("data", data);
        });
    });
}

fn sign(states: &[Opaque<'_>], w: &mut Writer<'_>) {
    if let Some(signature) = signatures::kept(states) {
        w.str("thoughtSignature", &signature);
    }
}

/// A step of this vendor's own tools; those of others have no form here.
pub(super) fn server(raw: &str, w: &mut Writer<'_>) -> bool {
    const STEPS: [&str; 4] = [
        "executableCode",
        "codeExecutionResult",
        "toolCall",
        "toolResponse",
    ];
    let native = json::members(raw)
        .next()
        .is_some_and(|(key, _)| STEPS.contains(&&*key));
    if native {
        w.item_raw(raw);
    }
    native
}

/// The members behind `content`: why the candidate ended and what it cites.
pub(super) fn ending(
    reason: Option<&Finish<'_>>,
    citations: &[Citation<'_>],
    tokens: Option<&str>,
    w: &mut Writer<'_>,
) {
    w.str("finishReason", reason.map_or("OTHER", finish::word));
    if let Some(message) = reason.and_then(finish::explanation) {
        w.text("finishMessage", message);
    }
    if let Some(tokens) = tokens {
        logprobs::write(tokens, w);
    }
    let sources = citations.iter().filter(|citation| citation.url.is_some());
    if sources.clone().next().is_none() {
        return;
    }
    w.object_in("groundingMetadata", |w| {
        w.array_in("groundingChunks", |w| {
            for citation in sources {
                w.object(|w| {
                    w.object_in("web", |w| {
                        if let Some(url) = &citation.url {
                            w.str("uri", url);
                        }
                        if let Some(title) = &citation.title {
                            w.str("title", title);
                        }
                    });
                });
            }
        });
    });
}

/// The members behind `candidates`; gives the place of the usage object.
pub(super) fn envelope(
    counts: Option<&Usage>,
    model: &str,
    id: &str,
    w: &mut Writer<'_>,
) -> Option<Range<usize>> {
    let told = counts.map(|counts| usage::write(counts, w));
    w.str("modelVersion", model);
    w.str("responseId", id);
    told
}
