//! What is known when a part or an answer ends: the finish reason, and the server's own records of its reasoning.

use std::borrow::Cow;

use serde_json::Value;

use crate::Text;
use crate::ir::Finish;
use crate::json::Writer;
use crate::wire::Raw;

/// The finish reason; `None` when it is null or empty.
pub(super) fn finish_reason(
    raw: Raw<'_>,
    matched: Option<Raw<'_>>,
    refused: bool,
) -> Option<Finish<'static>> {
    let literal = raw.get();
    let word = literal
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))?;
    Some(match word {
        "" => return None,
        "stop" | "eos" | "end_turn" | "eos_token" if refused => Finish::Refusal,
        "stop" | "eos" | "end_turn" | "eos_token" => match matched.map(Raw::get) {
            // vLLM and SGLang say which sequence they met.
            Some(text) if text.starts_with('"') => {
                Finish::StopSequence(Some(Text::Json(text).into_owned()))
            }
            _ => Finish::Stop,
        },
        "stop_sequence" => Finish::StopSequence(None),
        "length" | "max_tokens" | "model_length" => Finish::Length,
        "tool_calls" | "function_call" | "tool_use" => Finish::ToolUse,
        "content_filter" | "safety" => Finish::ContentFilter {
            category: None,
            explanation: None,
        },
        other => Finish::Other(Cow::Owned(other.to_owned())),
    })
}

/// Fragments of one element, told by equal `index` and `type`, are put together again.
pub(super) fn joined_details(details: &[String]) -> String {
    let mut whole: Vec<Value> = Vec::new();
    for element in details
        .iter()
        .filter_map(|element| serde_json::from_str::<Value>(element).ok())
    {
        let same = |last: &Value| {
            element.get("index").is_some_and(|index| !index.is_null())
                && last.get("index") == element.get("index")
                && last.get("type") == element.get("type")
        };
        match whole.last_mut().filter(|last| same(last)) {
            Some(Value::Object(last)) => {
                for (name, value) in element.as_object().into_iter().flatten() {
                    match (last.get_mut(name), value) {
                        (Some(Value::String(text)), Value::String(more))
                            if matches!(name.as_str(), "text" | "summary" | "data") =>
                        {
                            text.push_str(more);
                        }
                        (_, Value::Null) => {}
                        _ => {
                            last.insert(name.clone(), value.clone());
                        }
                    }
                }
            }
            _ => whole.push(element),
        }
    }
    let mut out = Vec::new();
    Writer::new(&mut out).array(|w| {
        whole
            .iter()
            .for_each(|element| w.item_raw(&element.to_string()));
    });
    crate::ir::into_string(out)
}
