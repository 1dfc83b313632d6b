//! A complete answer becomes a client's body.

use std::ops::Range;

use super::decode_reasoning::Place;
use super::encode_members::{
    FILTERED, annotation, details, finish_reason, image, logprobs, native_reason, signature,
};
use super::usage;
use crate::Text;
use crate::answer::Answer;
use crate::ir::{Finish, Opaque, OpaqueKind, Opening, OutPart, Response};
use crate::json::Writer;

/// Writes a completion; gives the place of its usage object.
pub(crate) fn encode_response(
    response: &Response,
    answer: &mut Answer,
    out: &mut Vec<u8>,
) -> Option<Range<usize>> {
    let id = answer.ids.next("chatcmpl-");
    let last = response
        .parts
        .iter()
        .map(|part| part.choice + 1)
        .max()
        .unwrap_or(1);
    let choices = last.max(u32::try_from(response.finish.len()).unwrap_or(1));
    let mut told = None;
    Writer::new(out).object(|w| {
        w.str("id", &id);
        w.str("object", "chat.completion");
        w.uint("created", answer.created);
        w.str("model", &answer.model);
        w.array_in("choices", |w| {
            for choice in 0..choices {
                alternative(response, choice, answer, w);
            }
        });
        told = Some(usage::encode(&response.usage.unwrap_or_default(), w));
    });
    told
}

fn alternative(response: &Response, choice: u32, answer: &Answer, w: &mut Writer<'_>) {
    let parts: Vec<&OutPart> = response.choice(choice).collect();
    let finish = response
        .finish
        .get(choice as usize)
        .cloned()
        .flatten()
        .unwrap_or(Finish::Stop);
    w.object(|w| {
        w.uint("index", u64::from(choice));
        w.object_in("message", |w| message(&parts, &finish, answer, w));
        match response.logprobs(choice) {
            Some(tokens) => w.object_in("logprobs", |w| logprobs(tokens, w)),
            None => w.null("logprobs"),
        }
        w.str(
            "finish_reason",
            finish_reason(&finish, answer.function_calls),
        );
        if let Some(word) = native_reason(&finish) {
            w.str("native_finish_reason", word);
        }
    });
}

fn message(parts: &[&OutPart], finish: &Finish<'_>, answer: &Answer, w: &mut Writer<'_>) {
    w.str("role", "assistant");
    let has_text = parts.iter().any(|part| matches!(part.kind, Opening::Text));
    let has_call = parts
        .iter()
        .any(|part| matches!(part.kind, Opening::ToolCall { .. }));
    let refusal = refusal(parts, finish, has_text);
    if has_text {
        joined("content", parts, |kind| matches!(kind, Opening::Text), w);
    } else if has_call || refusal.is_some() {
        w.null("content");
    } else {
        w.str("content", "");
    }
    match refusal {
        Some(words) => w.str("refusal", &words),
        None => w.null("refusal"),
    }
    if answer.show_reasoning
        && parts
            .iter()
            .any(|part| part.kind == Opening::Reasoning && !part.text.is_empty())
    {
        joined(
            "reasoning_content",
            parts,
            |kind| *kind == Opening::Reasoning,
            w,
        );
    }
    states(parts, w);
    annotations(parts, w);
    if has_call && answer.function_calls {
        function_call(parts, w);
    } else if has_call {
        w.array_in("tool_calls", |w| {
            parts.iter().for_each(|part| call(part, w));
        });
    }
    images(parts, w);
}

/// Words of refusal; a filter that left nothing gets a sentence, so that the client sees why.
fn refusal(parts: &[&OutPart], finish: &Finish<'_>, has_text: bool) -> Option<String> {
    let words: String = parts
        .iter()
        .filter(|part| part.kind == Opening::Refusal)
        .map(|part| part.text.as_str())
        .collect();
    if !words.is_empty() {
        return Some(words);
    }
    match finish {
        Finish::ContentFilter { explanation, .. } if !has_text => Some(
            explanation
                .as_ref()
                .map_or_else(|| FILTERED.to_owned(), |text| text.as_str().into_owned()),
        ),
        Finish::BadToolCall(name) => Some(format!(
            "The model produced an unusable tool call ({name})."
        )),
        _ => None,
    }
}

fn joined(
    key: &'static str,
    parts: &[&OutPart],
    wanted: impl Fn(&Opening<'static>) -> bool,
    w: &mut Writer<'_>,
) {
    let texts: Vec<Text<'_>> = parts
        .iter()
        .filter(|part| wanted(&part.kind))
        .map(|part| Text::borrowed(&part.text))
        .collect();
    w.concat(key, &texts.iter().collect::<Vec<_>>());
}

/// State of all parts but the signatures of calls, each record with the number of calls before it.
fn states(parts: &[&OutPart], w: &mut Writer<'_>) {
    let is_call = |part: &OutPart| matches!(part.kind, Opening::ToolCall { .. });
    let stays =
        |part: &OutPart, state: &Opaque<'_>| is_call(part) && state.kind == OpaqueKind::Signature;
    if !parts
        .iter()
        .any(|part| part.opaque.iter().any(|state| !stays(part, state)))
    {
        return;
    }
    w.array_in("reasoning_details", |w| {
        let (mut number, mut calls, mut spoken) = (0, 0, false);
        for part in parts {
            let is_words = matches!(part.kind, Opening::Text | Opening::Refusal);
            let place = match is_words {
                true => Place::Words,
                false if spoken => Place::BehindWords,
                false => Place::Reasoning,
            };
            spoken |= is_words && !part.text.is_empty();
            let moved: Vec<&Opaque<'_>> = part
                .opaque
                .iter()
                .filter(|state| !stays(part, state))
                .collect();
            if !moved.is_empty() {
                details(number, (calls, place), &moved, w);
                number += 1;
            }
            calls += u64::from(is_call(part));
        }
    });
}

fn annotations(parts: &[&OutPart], w: &mut Writer<'_>) {
    let cites = |part: &OutPart| {
        part.kind == Opening::Text && part.citations.iter().any(|citation| citation.url.is_some())
    };
    if !parts.iter().any(|part| cites(part)) {
        return;
    }
    w.array_in("annotations", |w| {
        let mut start = 0;
        for part in parts.iter().filter(|part| part.kind == Opening::Text) {
            let end = start + part.text.chars().count() as u64;
            for citation in &part.citations {
                if let Some(url) = &citation.url {
                    let span = citation
                        .span
                        .map_or((start, end), |(from, to)| (start + from, start + to));
                    annotation(url, citation.title.as_deref().unwrap_or_default(), span, w);
                }
            }
            start = end;
        }
    });
}

fn call(part: &OutPart, w: &mut Writer<'_>) {
    let Opening::ToolCall {
        id, name, freeform, ..
    } = &part.kind
    else {
        return;
    };
    w.object(|w| {
        w.str("id", id);
        let (kind, text) = if *freeform {
            ("custom", "input")
        } else {
            ("function", "arguments")
        };
        w.str("type", kind);
        w.object_in(kind, |w| {
            w.str("name", name);
            let empty = part.text.is_empty() && !freeform;
            w.str(text, if empty { "{}" } else { &part.text });
        });
        let signatures: Vec<&Opaque<'_>> = part
            .opaque
            .iter()
            .filter(|state| state.kind == OpaqueKind::Signature)
            .collect();
        signature(&signatures, w);
    });
}

/// The deprecated form, which has room for one call: the model makes the others again when it has the result.
fn function_call(parts: &[&OutPart], w: &mut Writer<'_>) {
    let first = parts.iter().find_map(|part| match &part.kind {
        Opening::ToolCall { name, .. } => Some((name, &part.text)),
        _ => None,
    });
    if let Some((name, arguments)) = first {
        w.object_in("function_call", |w| {
            w.str("name", name);
            let empty = arguments.is_empty();
            w.str("arguments", if empty { "{}" } else { arguments });
        });
    }
}

fn images(parts: &[&OutPart], w: &mut Writer<'_>) {
    let pictures: Vec<(&str, &str)> = parts
        .iter()
        .filter_map(|part| match &part.kind {
            Opening::Media { mime } if mime.starts_with("image/") => {
                Some((mime.as_ref(), part.text.as_str()))
            }
            _ => None,
        })
        .collect();
    if !pictures.is_empty() {
        w.array_in("images", |w| {
            for (index, (mime, data)) in pictures.into_iter().enumerate() {
                image(index as u64, mime, &Text::borrowed(data), w);
            }
        });
    }
}
