//! The turns and content blocks of a Messages request: roles, members, and that calls have their results in the next turn.

use serde_json::{Map, Value};

use super::STATE;
use crate::demo::ask::Ask;
use crate::demo::check::{self, Pairing};
use crate::demo::fault::Fault;
use crate::demo::seal;

/// Blocks of hosted tools and of state: accepted as they are.
const HOSTED: [&str; 14] = [
    "server_tool_use",
    "web_search_tool_result",
    "web_fetch_tool_result",
    "code_execution_tool_result",
    "bash_code_execution_tool_result",
    "text_editor_code_execution_tool_result",
    "tool_search_tool_result",
    "mcp_tool_use",
    "mcp_tool_result",
    "container_upload",
    "compaction",
    "tool_reference",
    "tool_addition",
    "tool_removal",
];

/// Reads the turns in order.
pub(super) fn read_turns(turns: &[Value], ask: &mut Ask) -> Result<(), Fault> {
    let mut pairing = Pairing::default();
    for (n, turn) in turns.iter().enumerate() {
        let path = format!("messages.{n}");
        let turn = check::object(turn, &path)?;
        let role = check::text(turn, "role", &path)?;
        let content = turn.get("content").unwrap_or(&Value::Null);
        let blocks = check::parts(content, &format!("{path}.content"))?;
        match role {
            _ if n == 0 && role != "user" => {
                return Err(Fault::invalid(
                    "messages",
                    "messages: first message must use the \"user\" role",
                ));
            }
            "user" => user(&blocks, &path, &mut pairing, ask)?,
            "assistant" => assistant(&blocks, &path, &mut pairing, ask)?,
            "system" => {}
            _ => {
                return Err(Fault::invalid(
                    "messages",
                    format!("{path}.role: Input should be 'user', 'assistant' or 'system'"),
                ));
            }
        }
        if blocks.is_empty() && !(role == "assistant" && n + 1 == turns.len()) && role != "system" {
            return Err(Fault::invalid(
                "messages",
                format!("{path}: user messages must have non-empty content"),
            ));
        }
    }
    pairing.settled("messages")
}

fn user(
    blocks: &[(&str, &Value)],
    path: &str,
    pairing: &mut Pairing,
    ask: &mut Ask,
) -> Result<(), Fault> {
    let mut results = Vec::new();
    let mut texts = Vec::new();
    for (n, (kind, block)) in blocks.iter().enumerate() {
        let path = format!("{path}.content.{n}");
        match *kind {
            "tool_result" => {
                if n > results.len() {
                    return Err(Fault::invalid(
                        "messages",
                        format!("{path}: `tool_result` blocks must come before any other block"),
                    ));
                }
                let block = check::object(block, &path)?;
                pairing.result(check::text(block, "tool_use_id", &path)?, &path)?;
                results.push(check::plain(block.get("content").unwrap_or(&Value::Null)));
            }
            "" | "text" => texts.push(text(block, &path)?),
            "image" | "document" => {
                if !block["source"]["type"].is_string() {
                    return Err(Fault::invalid(
                        "messages",
                        format!("{path}.{kind}.source.type: Field required"),
                    ));
                }
            }
            "search_result" => {}
            other if HOSTED.contains(&other) => {}
            other => {
                return Err(Fault::invalid(
                    "messages",
                    format!("{path}: '{other}' is not permitted in a user turn"),
                ));
            }
        }
    }
    pairing.settled(path)?;
    if !results.is_empty() {
        ask.ran(results);
    }
    ask.said(&texts.join("\n"));
    Ok(())
}

fn assistant(
    blocks: &[(&str, &Value)],
    path: &str,
    pairing: &mut Pairing,
    ask: &mut Ask,
) -> Result<(), Fault> {
    for (n, (kind, block)) in blocks.iter().enumerate() {
        let path = format!("{path}.content.{n}");
        match *kind {
            "" | "text" => drop(text(block, &path)?),
            "tool_use" => {
                let block = check::object(block, &path)?;
                let id = check::text(block, "id", &path)?;
                check::tool_name(id, 200, &format!("{path}.id"))?;
                check::tool_name(check::text(block, "name", &path)?, 200, &path)?;
                if !block.get("input").is_some_and(Value::is_object) {
                    return Err(Fault::invalid(
                        "messages",
                        format!("{path}.tool_use.input: Input should be a valid dictionary"),
                    ));
                }
                pairing.call(id, &path)?;
            }
            "thinking" => {
                thinking(check::object(block, &path)?, &path)?;
                ask.states += 1;
            }
            "redacted_thinking"
                if block["data"]
                    .as_str()
                    .is_some_and(|data| seal::genuine(STATE, data)) =>
            {
                ask.states += 1;
            }
            "redacted_thinking" => {
                return Err(Fault::invalid(
                    "messages",
                    format!("{path}: Invalid `data` in `redacted_thinking` block"),
                ));
            }
            other if HOSTED.contains(&other) => {}
            other => {
                return Err(Fault::invalid(
                    "messages",
                    format!("{path}: '{other}' is not permitted in an assistant turn"),
                ));
            }
        }
    }
    Ok(())
}

fn text<'a>(block: &'a Value, path: &str) -> Result<&'a str, Fault> {
    match check::part_text(block) {
        "" => Err(Fault::invalid(
            "messages",
            format!("{path}: text content blocks must be non-empty"),
        )),
        text => Ok(text),
    }
}

/// The signature must be ours and must belong to the text, unless the text was never shown.
fn thinking(block: &Map<String, Value>, path: &str) -> Result<(), Fault> {
    let member = |name: &str| block.get(name).and_then(Value::as_str);
    let (Some(text), Some(signature)) = (member("thinking"), member("signature")) else {
        return Err(Fault::invalid(
            "messages",
            format!("{path}: `thinking` and `signature` are required"),
        ));
    };
    if !seal::fits(STATE, signature, text) {
        return Err(Fault::invalid(
            "messages",
            format!("{path}: Invalid `signature` in `thinking` block"),
        ));
    }
    Ok(())
}
