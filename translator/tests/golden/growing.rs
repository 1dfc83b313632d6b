//! A growing conversation: what was sent for earlier turns is the beginning of what is sent for later ones.
//!
//! Vendors cache prompts by their prefix and bind reasoning to it, so a turn may never be rendered
//! differently because another turn has come after it.

use serde_json::Value;
use serde_json::value::RawValue;
use translator::Dialect;

use crate::cases::{self, TARGETS};
use crate::requests::translate;

/// The member that holds the conversation.
const fn conversation(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::OpenAiChat | Dialect::Anthropic => "messages",
        Dialect::OpenAiResponses => "input",
        Dialect::Gemini => "contents",
    }
}

/// True for what the model said: a conversation can be cut before it.
fn is_models(dialect: Dialect, element: &Value) -> bool {
    match dialect {
        Dialect::OpenAiChat | Dialect::Anthropic => element["role"] == "assistant",
        Dialect::Gemini => element["role"] == "model",
        Dialect::OpenAiResponses => {
            element["role"] == "assistant"
                || element["type"]
                    .as_str()
                    .is_some_and(|kind| kind == "reasoning" || kind.ends_with("_call"))
        }
    }
}

/// The bodies that the client sent, one per request of the conversation.
fn stages(dialect: Dialect, body: &Value) -> Vec<String> {
    let key = conversation(dialect);
    let Some(elements) = body[key].as_array() else {
        return Vec::new();
    };
    let mut ends: Vec<usize> = (1..elements.len())
        .filter(|&at| is_models(dialect, &elements[at]) && !is_models(dialect, &elements[at - 1]))
        .collect();
    ends.push(elements.len());
    ends.into_iter()
        .map(|end| {
            let mut stage = body.clone();
            stage[key] = Value::Array(elements[..end].to_vec());
            stage.to_string()
        })
        .collect()
}

/// The raw text of members of a body.
fn raw(body: &[u8], key: &str) -> Option<String> {
    let members: std::collections::BTreeMap<String, Box<RawValue>> =
        serde_json::from_slice(body).ok()?;
    members.get(key).map(|value| without_marks(value.get()))
}

/// Cache marks may move from turn to turn: vendors do not count them as content.
fn without_marks(text: &str) -> String {
    let mut out = text.to_owned();
    for key in [",\"cache_control\":{", ",\"prompt_cache_breakpoint\":{"] {
        while let Some(start) = out.find(key) {
            let end = out[start..]
                .find('}')
                .map_or(out.len(), |end| start + end + 1);
            out.replace_range(start..end, "");
        }
    }
    out
}

/// Why the later body does not begin with the earlier one.
pub(crate) fn compare(to: Dialect, earlier: &[u8], later: &[u8]) -> Option<String> {
    for key in ["instructions", "system", "systemInstruction", "tools"] {
        let (before, after) = (raw(earlier, key), raw(later, key));
        if before != after {
            return Some(format!("{key} changed from {before:?} to {after:?}"));
        }
    }
    let key = conversation(to);
    let (before, after) = (raw(earlier, key)?, raw(later, key)?);
    let before = before.strip_suffix(']').unwrap_or(&before);
    if after.starts_with(before) {
        return None;
    }
    // A turn of the client may grow by further blocks when nothing came between: an append all the same.
    if let Some(open) = before.strip_suffix("]}")
        && after
            .strip_prefix(open)
            .is_some_and(|more| more.starts_with(','))
    {
        return None;
    }
    let same = before
        .bytes()
        .zip(after.bytes())
        .take_while(|(a, b)| a == b)
        .count();
    let show = |text: &str| {
        String::from_utf8_lossy(
            &text.as_bytes()[same.saturating_sub(40)..text.len().min(same + 80)],
        )
        .into_owned()
    };
    Some(format!(
        "{key} changed at byte {same}: ...{} | ...{}",
        show(before),
        show(&after)
    ))
}

#[test]
fn earlier_turns_keep_their_bytes() {
    let mut problems = Vec::new();
    let mut compared = 0;
    for case in cases::requests() {
        for (from, body) in &case.bodies {
            let body: Value = serde_json::from_str(body).expect("a case is JSON");
            let stages = stages(*from, &body);
            for (to, model) in TARGETS {
                let bodies: Vec<_> = stages
                    .iter()
                    .map(|stage| translate(*from, stage.as_bytes(), to, model))
                    .collect();
                for (at, pair) in bodies.windows(2).enumerate() {
                    let place = format!(
                        "[{}] {}/{}__{model} stage {at}",
                        cases::word(to),
                        case.name,
                        cases::word(*from)
                    );
                    match pair {
                        [Ok(earlier), Ok(later)] => {
                            compared += 1;
                            let problem = compare(to, &earlier.body, &later.body);
                            problems.extend(problem.map(|problem| format!("{place}: {problem}")));
                        }
                        [Err(error), _] | [_, Err(error)] => {
                            problems.push(format!("{place}: {error}"));
                        }
                        _ => unreachable!("windows of two"),
                    }
                }
            }
        }
    }
    assert!(
        problems.is_empty(),
        "{} problems\n{}",
        problems.len(),
        problems.join("\n")
    );
    assert!(compared > 300, "only {compared} stages were compared");
}

#[test]
fn a_changed_turn_is_noticed() {
    let first = br#"{"messages":[{"role":"user","content":"a"}],"tools":[1]}"#;
    let grown = br#"{"messages":[{"role":"user","content":"a"},{"role":"assistant"}],"tools":[1]}"#;
    let changed =
        br#"{"messages":[{"role":"user","content":"b"},{"role":"assistant"}],"tools":[1]}"#;
    let marked = br#"{"messages":[{"role":"user","content":"a","cache_control":{"type":"ephemeral"}}],"tools":[1]}"#;
    assert_eq!(compare(Dialect::Anthropic, first, grown), None);
    assert_eq!(compare(Dialect::Anthropic, marked, grown), None);
    let blocks = br#"{"messages":[{"content":[{"text":"a"}]}]}"#;
    let more = br#"{"messages":[{"content":[{"text":"a"},{"text":"b"}]}]}"#;
    assert_eq!(compare(Dialect::Anthropic, blocks, more), None);
    assert!(compare(Dialect::Anthropic, more, blocks).is_some());
    assert!(compare(Dialect::Anthropic, first, changed).is_some());
    assert!(compare(Dialect::Anthropic, first, br#"{"messages":[],"tools":[2]}"#).is_some());
}
