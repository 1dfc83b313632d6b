//! The event sequence of a Responses stream, derived from the finished items.

use serde_json::{Value, json};

use super::answer::{items, shell, whole};
use crate::demo::ask::Ask;
use crate::demo::fault::Fault;
use crate::demo::frames::Event;
use crate::demo::script::{Answer, Finish, fragments, pieces};

/// The events of a stream.
pub(in crate::demo) fn events(ask: &Ask, answer: &Answer, body: &Value) -> Vec<Event> {
    let mut events = vec![
        json!({"type": "response.created", "response": shell(ask, body, "in_progress")}),
        json!({"type": "response.in_progress", "response": shell(ask, body, "in_progress")}),
    ];
    for (n, item) in items(ask, answer).iter().enumerate() {
        item_events(item, n, &mut events);
    }
    let terminal = if answer.finish == Finish::Length {
        "response.incomplete"
    } else {
        "response.completed"
    };
    events.push(json!({"type": terminal, "response": whole(ask, answer, body)}));
    let numbered = events.into_iter().enumerate().map(|(n, mut event)| {
        event["sequence_number"] = json!(n);
        Event::typed(event)
    });
    numbered.collect()
}

fn item_events(item: &Value, index: usize, events: &mut Vec<Value>) {
    let mut blank = item.clone();
    for (name, empty) in [
        ("status", json!("in_progress")),
        ("arguments", json!("")),
        ("input", json!("")),
        ("content", json!([])),
        ("summary", json!([])),
    ] {
        if blank.get(name).is_some() {
            blank[name] = empty;
        }
    }
    events
        .push(json!({"type": "response.output_item.added", "output_index": index, "item": blank}));
    let body = match item["type"].as_str() {
        Some("message") => part_events(&item["content"][0]),
        Some("reasoning") => summary_events(&item["summary"]),
        Some("function_call") => {
            argument_events("response.function_call_arguments", "arguments", item)
        }
        Some("custom_tool_call") => {
            argument_events("response.custom_tool_call_input", "input", item)
        }
        _ => Vec::new(),
    };
    events.extend(body.into_iter().map(|mut event| {
        event["item_id"] = item["id"].clone();
        event["output_index"] = json!(index);
        event
    }));
    events.push(json!({"type": "response.output_item.done", "output_index": index, "item": item}));
}

fn part_events(part: &Value) -> Vec<Value> {
    let refusal = part["type"] == "refusal";
    let name = if refusal { "refusal" } else { "text" };
    let text = part[name].as_str().unwrap_or_default();
    let family = if refusal {
        "response.refusal"
    } else {
        "response.output_text"
    };
    let mut empty = part.clone();
    empty[name] = json!("");
    let mut events =
        vec![json!({"type": "response.content_part.added", "content_index": 0, "part": empty})];
    events.extend(pieces(text).iter().map(
        |piece| json!({"type": format!("{family}.delta"), "content_index": 0, "delta": piece}),
    ));
    let mut done = json!({"type": format!("{family}.done"), "content_index": 0});
    done[name] = json!(text);
    events.push(done);
    if !refusal {
        for event in &mut events[1..] {
            event["logprobs"] = json!([]);
        }
    }
    events.push(json!({"type": "response.content_part.done", "content_index": 0, "part": part}));
    events
}

fn summary_events(summary: &Value) -> Vec<Value> {
    let mut events = Vec::new();
    for (n, part) in summary
        .as_array()
        .map_or(&[][..], Vec::as_slice)
        .iter()
        .enumerate()
    {
        let text = part["text"].as_str().unwrap_or_default();
        let empty = json!({"type": "summary_text", "text": ""});
        events.push(json!({"type": "response.reasoning_summary_part.added", "summary_index": n, "part": empty}));
        events.extend(pieces(text).iter().map(|piece| json!({"type": "response.reasoning_summary_text.delta", "summary_index": n, "delta": piece})));
        events.push(json!({"type": "response.reasoning_summary_text.done", "summary_index": n, "text": text}));
        events.push(json!({"type": "response.reasoning_summary_part.done", "summary_index": n, "part": part}));
    }
    events
}

fn argument_events(family: &str, name: &str, item: &Value) -> Vec<Value> {
    let text = item[name].as_str().unwrap_or_default();
    let mut events: Vec<Value> = fragments(text)
        .iter()
        .map(|fragment| json!({"type": format!("{family}.delta"), "delta": fragment}))
        .collect();
    let mut done = json!({"type": format!("{family}.done")});
    done[name] = json!(text);
    events.push(done);
    events
}

/// The error event in the middle of a stream: its members flat, as typed clients read them, and nested, as untyped ones do.
pub(in crate::demo) fn failure(fault: &Fault, number: usize) -> Vec<Event> {
    let error = fault.openai();
    vec![Event::typed(json!({
        "type": "error",
        "sequence_number": number,
        "code": error["code"],
        "message": error["message"],
        "param": null,
        "error": error,
    }))]
}
