//! What is said in a request, read from the wire of any dialect: translation may not lose or invent a word.

use serde_json::{Value, json};
use translator::Dialect;

use crate::cases;
use crate::requests::products;
use crate::rules::{list, text};

/// Cases that every dialect can say in full, so that nothing may differ.
const FAITHFUL: [&str; 14] = [
    "agent",
    "cached",
    "document",
    "forced_tool",
    "image",
    "json_schema",
    "max_tokens",
    "multi_turn",
    "parallel_tools",
    "reasoning_tools_two_turns",
    "refusal",
    "strict_tool",
    "system",
    "text",
];

/// Who or what: `system`, `user`, `assistant`, `media`, `call NAME`, `result`.
type Line = (String, String);

/// The conversation: neighbours of a kind joined, white space left out, since borders of blocks are no words.
fn transcript(dialect: Dialect, body: &Value) -> Vec<Line> {
    let mut lines = Vec::new();
    match dialect {
        Dialect::OpenAiChat => chat(body, &mut lines),
        Dialect::OpenAiResponses => responses(body, &mut lines),
        Dialect::Anthropic => anthropic(body, &mut lines),
        Dialect::Gemini => gemini(body, &mut lines),
    }
    let mut joined: Vec<Line> = Vec::new();
    for (kind, said) in lines {
        let said: String = said.split_whitespace().collect();
        match joined.last_mut() {
            Some((last, before))
                if *last == kind && matches!(kind.as_str(), "system" | "user" | "assistant") =>
            {
                before.push_str(&said);
            }
            _ if said.is_empty() => {}
            _ => joined.push((kind, said)),
        }
    }
    // Results come in any order, they are known by their ids.
    joined
        .chunk_by_mut(|a, b| a.0 == "result" && b.0 == "result")
        .for_each(<[Line]>::sort);
    joined
}

fn line(lines: &mut Vec<Line>, kind: impl Into<String>, said: impl Into<String>) {
    lines.push((kind.into(), said.into()));
}

fn arguments(value: &Value) -> String {
    match value.as_str() {
        Some(text) => serde_json::from_str(text).unwrap_or(json!({})),
        None => value.clone(),
    }
    .to_string()
}

fn chat(body: &Value, lines: &mut Vec<Line>) {
    for message in list(body, "messages") {
        let kind = match text(message, "role") {
            "developer" | "system" => "system",
            "tool" => "result",
            role => role,
        };
        line(lines, kind, text(message, "content"));
        line(lines, kind, text(message, "refusal"));
        for part in list(message, "content") {
            line(lines, kind, text(part, "text"));
            line(lines, "media", text(&part["image_url"], "url"));
            line(lines, "media", text(&part["file"], "file_data"));
        }
        for call in list(message, "tool_calls") {
            line(
                lines,
                format!("call {}", text(&call["function"], "name")),
                arguments(&call["function"]["arguments"]),
            );
        }
    }
}

fn responses(body: &Value, lines: &mut Vec<Line>) {
    line(lines, "system", text(body, "instructions"));
    line(lines, "user", text(body, "input"));
    for item in list(body, "input") {
        match text(item, "type") {
            "function_call" => line(
                lines,
                format!("call {}", text(item, "name")),
                arguments(&item["arguments"]),
            ),
            "function_call_output" => {
                let parts: String = list(item, "output")
                    .iter()
                    .map(|part| text(part, "text"))
                    .collect();
                line(lines, "result", format!("{}{parts}", text(item, "output")));
            }
            "" | "message" => {
                let kind = if item["role"] == "developer" {
                    "system"
                } else {
                    text(item, "role")
                };
                line(lines, kind, text(item, "content"));
                for part in list(item, "content") {
                    line(
                        lines,
                        kind,
                        format!("{}{}", text(part, "text"), text(part, "refusal")),
                    );
                    line(
                        lines,
                        "media",
                        format!("{}{}", text(part, "image_url"), text(part, "file_data")),
                    );
                }
            }
            _ => {}
        }
    }
}

fn anthropic(body: &Value, lines: &mut Vec<Line>) {
    line(lines, "system", text(body, "system"));
    // Claude Code's billing line differs from request to request and is meant for Anthropic alone.
    list(body, "system")
        .iter()
        .map(|block| text(block, "text"))
        .filter(|said| !said.starts_with("x-anthropic-billing-header:"))
        .for_each(|said| line(lines, "system", said));
    for message in list(body, "messages") {
        let role = text(message, "role");
        line(lines, role, text(message, "content"));
        for block in list(message, "content") {
            match text(block, "type") {
                "text" => line(lines, role, text(block, "text")),
                "tool_use" => line(
                    lines,
                    format!("call {}", text(block, "name")),
                    arguments(&block["input"]),
                ),
                "tool_result" => {
                    let parts: String = list(block, "content")
                        .iter()
                        .map(|part| text(part, "text"))
                        .collect();
                    line(
                        lines,
                        "result",
                        format!("{}{parts}", text(block, "content")),
                    );
                }
                "image" | "document" => {
                    let source = &block["source"];
                    let data = match text(source, "type") {
                        "base64" => format!(
                            "data:{};base64,{}",
                            text(source, "media_type"),
                            text(source, "data")
                        ),
                        _ => text(source, "url").to_owned(),
                    };
                    line(lines, "media", data);
                }
                _ => {}
            }
        }
    }
}

fn gemini(body: &Value, lines: &mut Vec<Line>) {
    list(&body["systemInstruction"], "parts")
        .iter()
        .for_each(|part| line(lines, "system", text(part, "text")));
    for content in list(body, "contents") {
        let role = if content["role"] == "model" {
            "assistant"
        } else {
            "user"
        };
        for part in list(content, "parts")
            .iter()
            .filter(|part| part["thought"] != true)
        {
            line(lines, role, text(part, "text"));
            if let Some(call) = part.get("functionCall") {
                line(
                    lines,
                    format!("call {}", text(call, "name")),
                    arguments(&call["args"]),
                );
            }
            if let Some(answer) = part.get("functionResponse") {
                let response = &answer["response"];
                let plain = response["output"].as_str().or(response["result"].as_str());
                line(
                    lines,
                    "result",
                    plain.map_or_else(|| response.to_string(), str::to_owned),
                );
            }
            if let Some(data) = part.get("inlineData") {
                line(
                    lines,
                    "media",
                    format!(
                        "data:{};base64,{}",
                        text(data, "mimeType"),
                        text(data, "data")
                    ),
                );
            }
            line(lines, "media", text(&part["fileData"], "fileUri"));
        }
    }
}

#[test]
fn not_a_word_is_lost_or_invented() {
    let mut problems = Vec::new();
    let mut compared = 0;
    for product in products()
        .iter()
        .filter(|product| FAITHFUL.contains(&product.case.as_str()))
    {
        let Ok(outbound) = &product.result else {
            continue;
        };
        let body = cases::request(&product.case, product.from).expect("a case has a body");
        let body: Value = serde_json::from_str(&body).expect("a case is JSON");
        let upstream: Value = serde_json::from_slice(&outbound.body).expect("JSON");
        let want = transcript(product.from, &body);
        let mut have = transcript(product.to, &upstream);
        for (kind, _) in &mut have {
            for alias in &outbound.undo.tools {
                if *kind == format!("call {}", alias.wire) {
                    *kind = format!("call {}", alias.name);
                }
            }
        }
        // A document of plain text has no place of its own but in Anthropic's dialect: it becomes words.
        if product.case == "document"
            && product.from == Dialect::Anthropic
            && product.to != Dialect::Anthropic
        {
            have.retain(|(kind, _)| kind == "media");
            assert_eq!(have.len(), 1, "{}: {have:?}", product.name());
            continue;
        }
        compared += 1;
        if want != have {
            problems.push(format!(
                "[{}] {}:\n  - {want:?}\n  + {have:?}",
                cases::word(product.to),
                product.name()
            ));
        }
    }
    assert!(
        problems.is_empty(),
        "{} of {compared}\n{}",
        problems.len(),
        problems.join("\n")
    );
    assert!(compared > 300, "only {compared} requests were compared");
}
