//! Reads a complete answer as events.

use std::borrow::Cow;

use super::decode_parts::{is_server_step, server_summary};
use super::finish;
use super::usage::Counts;
use super::wire::{Answer, Block};
use crate::Dialect;
use crate::error::{Failure, FailureKind};
use crate::ir::{Args, Citation, Event, Opaque, OpaqueKind, Opening};
use crate::json;
use crate::translate::Origin;
use crate::wire::parse;

/// Reads a complete answer, and gives its usage object as it was written. A body that is no answer gives one `Fail`.
pub(crate) fn decode_response<'b>(
    body: &'b [u8],
    origin: Origin<'_>,
    sink: &mut dyn FnMut(Event<'_>),
) -> Option<&'b str> {
    let answer: Answer<'_> = match parse(body) {
        Ok(answer) => answer,
        Err(error) => {
            let message = format!("upstream answer cannot be read: {error}");
            sink(Event::Fail(Failure::new(FailureKind::Upstream, message)));
            return None;
        }
    };
    if answer.error.is_some() {
        sink(Event::Fail(super::decode_error(0, body)));
        return None;
    }
    let Some(content) = answer.content else {
        sink(Event::Fail(Failure::new(
            FailureKind::Upstream,
            "upstream answer has no content",
        )));
        return None;
    };
    sink(Event::Start {
        id: answer.id.unwrap_or_default().0,
        model: answer.model.unwrap_or_default().0,
    });
    let called = content.iter().any(|block| block.tag() == "tool_use");
    for (part, block) in (0..).zip(&content) {
        whole(part, block, origin, sink);
    }
    if let Some(usage) = &answer.usage {
        let mut counts = Counts::default();
        counts.update(&usage.value);
        sink(Event::Usage(counts.usage()));
    }
    // Compatible servers leave the reason out now and then.
    let reason = answer.stop_reason.map_or(
        Cow::Borrowed(if called { "tool_use" } else { "end_turn" }),
        |reason| reason.0,
    );
    sink(Event::Finish {
        choice: 0,
        reason: finish::decode(reason, answer.stop_sequence, answer.stop_details),
    });
    answer.usage.map(|usage| usage.raw.get())
}

/// Gives a block that is known as a whole.
pub(super) fn whole(
    part: u32,
    block: &Block<'_>,
    origin: Origin<'_>,
    sink: &mut dyn FnMut(Event<'_>),
) {
    let mut open = |kind| {
        sink(Event::Open {
            part,
            choice: 0,
            kind,
            opaque: Vec::new(),
        });
    };
    let mut opaque = Vec::new();
    match block.tag() {
        "text" => {
            open(Opening::Text);
            if let Some(text) = &block.text {
                sink(Event::Delta {
                    part,
                    text: text.clone(),
                });
            }
            for raw in block
                .citations
                .map(crate::wire::Raw::get)
                .into_iter()
                .flat_map(json::elements)
            {
                sink(Event::Citation {
                    part,
                    citation: citation(raw),
                });
            }
        }
        "thinking" => {
            open(Opening::Reasoning);
            if let Some(text) = &block.thinking {
                sink(Event::Delta {
                    part,
                    text: text.clone(),
                });
            }
            if block
                .signature
                .as_ref()
                .is_some_and(|signature| !signature.is_empty())
            {
                opaque.push(state(block.rebuild(), origin));
            }
        }
        "redacted_thinking" => {
            open(Opening::Reasoning);
            opaque.push(state(block.rebuild(), origin));
        }
        "tool_use" => {
            open(call(block));
            if let Some(input) = block.input {
                sink(Event::Delta {
                    part,
                    text: Args::object_of(input.get()).into(),
                });
            }
        }
        tag if is_server_step(tag) => open(server_step(block)),
        _ => return,
    }
    sink(Event::Close { part, opaque });
}

/// The opening of a call.
pub(super) fn call<'a>(block: &Block<'a>) -> Opening<'a> {
    let word = |word: &Option<crate::wire::Str<'a>>| word.clone().unwrap_or_default().0;
    Opening::ToolCall {
        id: word(&block.id),
        name: word(&block.name),
        namespace: None,
        freeform: false,
    }
}

/// A step that the vendor ran itself.
pub(super) fn server_step<'a>(block: &Block<'_>) -> Opening<'a> {
    Opening::ServerTool {
        summary: Cow::Owned(server_summary(block)),
        raw: Cow::Owned(block.rebuild()),
    }
}

/// Vendor state of a thinking block: the block itself.
pub(super) fn state<'a>(block: String, origin: Origin<'a>) -> Opaque<'a> {
    Opaque {
        origin: Dialect::Anthropic,
        provider: Some(Cow::Borrowed(origin.provider)),
        model: Some(Cow::Borrowed(origin.model)),
        kind: OpaqueKind::Thinking,
        state: Cow::Owned(block),
    }
}

/// A citation, reduced to what every dialect can say.
pub(super) fn citation(raw: &str) -> Citation<'_> {
    let text = |key| {
        json::member(raw, key)
            .filter(|value| value.starts_with('"'))
            .map(|value| crate::Text::Json(value).into_cow())
    };
    Citation {
        url: text("url").or_else(|| text("source")),
        title: text("title").or_else(|| text("document_title")),
        quote: text("cited_text"),
        span: None,
        raw: Cow::Borrowed(raw),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::proof::ORIGIN;
    use super::*;
    use crate::fold::Fold;
    use crate::ident::Ids;
    use crate::ir::Response;

    fn decode(body: &str) -> (Response, Option<Failure>) {
        let (mut fold, mut failed) = (Fold::default(), None);
        decode_response(body.as_bytes(), ORIGIN, &mut |event| {
            if let Event::Fail(failure) = &event {
                failed = Some(failure.clone());
            }
            fold.event(&event);
        });
        (fold.finish(), failed)
    }

    /// Every published example comes out of the representation as it went in, but for id and model.
    #[test]
    fn published_answers_survive() {
        let fixtures: Value = serde_json::from_str(include_str!(
            "../../tests/specs/fixtures/anthropic/message.json"
        ))
        .expect("JSON");
        for document in fixtures["valid"].as_array().expect("documents") {
            let (response, failure) = decode(&document.to_string());
            assert!(failure.is_none(), "{document}");
            let mut answer = crate::answer::Answer {
                dialect: Dialect::Anthropic,
                model: document["model"].as_str().expect("a model").to_owned(),
                ids: Ids::new(1),
                created: 0,
                include_usage: true,
                show_reasoning: true,
                function_calls: false,
                json_array: false,
                input_estimate: 0,
                echo: String::new(),
                before: None,
            };
            let mut out = Vec::new();
            super::super::encode_response(&response, &mut answer, &mut out);
            let again: Value = serde_json::from_slice(&out).expect("JSON");
            let blocks = |value: &Value| -> Vec<Value> {
                let mut blocks = value["content"].as_array().expect("blocks").clone();
                for block in &mut blocks {
                    if let Some(members) = block.as_object_mut() {
                        // Who called the tool is always the model itself where this crate speaks.
                        members.remove("caller");
                    }
                }
                blocks
            };
            assert_eq!(blocks(&again), blocks(document));
            for member in ["stop_reason", "stop_sequence", "stop_details", "model"] {
                assert_eq!(again[member], document[member], "{member}");
            }
            for member in ["input_tokens", "output_tokens"] {
                assert_eq!(
                    again["usage"][member], document["usage"][member],
                    "{member}"
                );
            }
        }
    }

    #[test]
    fn what_is_no_answer_fails() {
        let cases = [
            ("<html>", FailureKind::Upstream),
            ("{}", FailureKind::Upstream),
            (
                r#"{"type":"error","error":{"type":"overloaded_error","message":"busy"}}"#,
                FailureKind::Overloaded,
            ),
        ];
        for (body, kind) in cases {
            assert_eq!(
                decode(body).1.map(|failure| failure.kind),
                Some(kind),
                "{body}"
            );
        }
    }

    #[test]
    fn a_missing_reason_is_guessed() {
        let body =
            json!({"content": [{"type": "tool_use", "id": "x", "name": "f", "input": {"a": 1}}]});
        let (response, _) = decode(&body.to_string());
        assert_eq!(response.finish, [Some(crate::ir::Finish::ToolUse)]);
        assert_eq!(response.parts[0].text, r#"{"a":1}"#);
        assert!(response.usage.is_none());
    }
}
