//! The items of a Responses input: their members, their order, and that calls, results and reasoning belong together.

use serde_json::{Map, Value};

use super::STATE;
use crate::demo::ask::{Ask, Tool};
use crate::demo::check::{self, Pairing};
use crate::demo::fault::Fault;
use crate::demo::seal;

/// Items of hosted tools and of state: accepted as they are.
const HOSTED: [&str; 24] = [
    "web_search_call",
    "file_search_call",
    "code_interpreter_call",
    "image_generation_call",
    "computer_call",
    "computer_call_output",
    "local_shell_call",
    "local_shell_call_output",
    "shell_call",
    "shell_call_output",
    "apply_patch_call",
    "apply_patch_call_output",
    "mcp_call",
    "mcp_list_tools",
    "mcp_approval_request",
    "mcp_approval_response",
    "tool_search_call",
    "tool_search_output",
    "program",
    "program_output",
    "compaction",
    "compaction_trigger",
    "configuration_update",
    "additional_tools",
];

/// Reads the items in order.
pub(super) fn read_items(items: &[Value], ask: &mut Ask) -> Result<(), Fault> {
    let mut pairing = Pairing::default();
    let mut results = Vec::new();
    for (n, item) in items.iter().enumerate() {
        let path = format!("input[{n}]");
        let members = check::object(item, &path)?;
        let kind = kind(members, &path)?;
        if !kind.ends_with("_output") && !results.is_empty() {
            ask.ran(std::mem::take(&mut results));
        }
        match kind {
            "message" => message(members, &path, ask)?,
            "function_call" | "custom_tool_call" => call(members, kind, &path, &mut pairing)?,
            "function_call_output" | "custom_tool_call_output" => {
                pairing.result(check::text(members, "call_id", &path)?, &path)?;
                let output = members.get("output").unwrap_or(&Value::Null);
                if !output.is_string() && !output.is_array() {
                    return Err(Fault::invalid(
                        &path,
                        format!("{path}.output: a string or an array is required"),
                    ));
                }
                results.push(check::plain(output));
            }
            "reasoning" => {
                reasoning(members, &path, ask)?;
                followed(items.get(n + 1), &path)?;
            }
            "item_reference" => {
                let id = check::text(members, "id", &path)?;
                return Err(Fault::of(
                    404,
                    None,
                    format!("Item with id '{id}' not found: the demo upstream stores nothing"),
                ));
            }
            "additional_tools" => {
                for tool in check::list(members, "tools")? {
                    read_tool(tool, None, &path, &mut ask.tools)?;
                }
            }
            _ => {}
        }
    }
    pairing.settled("input")?;
    if !results.is_empty() {
        ask.ran(results);
    }
    Ok(())
}

fn kind<'a>(item: &'a Map<String, Value>, path: &str) -> Result<&'a str, Fault> {
    const OWN: [&str; 7] = [
        "message",
        "function_call",
        "custom_tool_call",
        "function_call_output",
        "custom_tool_call_output",
        "reasoning",
        "item_reference",
    ];
    match item.get("type").and_then(Value::as_str) {
        None if item.contains_key("role") => Ok("message"),
        Some(kind) if OWN.contains(&kind) || HOSTED.contains(&kind) => Ok(kind),
        Some(kind) => Err(Fault::invalid(
            path,
            format!("{path}.type: '{kind}' is not a known item type"),
        )),
        None => Err(Fault::invalid(
            path,
            format!("{path}: 'type' or 'role' is required"),
        )),
    }
}

fn message(item: &Map<String, Value>, path: &str, ask: &mut Ask) -> Result<(), Fault> {
    let role = check::text(item, "role", path)?;
    let allowed: &[&str] = match role {
        "user" | "system" | "developer" => {
            &["", "input_text", "input_image", "input_file", "input_audio"]
        }
        "assistant" => &["", "output_text", "refusal"],
        _ => {
            return Err(Fault::invalid(
                path,
                format!("{path}.role: '{role}' is not one of user, assistant, system, developer"),
            ));
        }
    };
    let content = item.get("content").unwrap_or(&Value::Null);
    for (kind, part) in check::parts(content, &format!("{path}.content"))? {
        if !allowed.contains(&kind) {
            let message = format!(
                "{path}.content: Invalid value: '{kind}'. Supported values for the role {role} are: {allowed:?}."
            );
            return Err(Fault::invalid(path, message));
        }
        if kind.ends_with("_text") && !part.get("text").is_some_and(Value::is_string) {
            return Err(Fault::invalid(
                path,
                format!("{path}.content: the part of type '{kind}' lacks its text"),
            ));
        }
    }
    if role == "user" {
        ask.said(&check::plain(content));
    }
    Ok(())
}

fn call(
    item: &Map<String, Value>,
    kind: &str,
    path: &str,
    pairing: &mut Pairing,
) -> Result<(), Fault> {
    let id = check::text(item, "call_id", path)?;
    if id.len() > 64 {
        return Err(Fault::invalid(
            path,
            format!("{path}.call_id: string too long, at most 64 characters are allowed"),
        ));
    }
    let (prefix, argument) = if kind == "function_call" {
        ("fc_", "arguments")
    } else {
        ("ctc_", "input")
    };
    if let Some(own) = item
        .get("id")
        .and_then(Value::as_str)
        .filter(|own| !own.starts_with(prefix))
    {
        let message =
            format!("Invalid '{path}.id': '{own}'. Expected an ID that begins with '{prefix}'.");
        return Err(Fault::invalid(path, message));
    }
    check::tool_name(check::text(item, "name", path)?, 128, path)?;
    if !item.get(argument).is_some_and(Value::is_string) {
        return Err(Fault::invalid(
            path,
            format!("{path}.{argument}: a string is required"),
        ));
    }
    pairing.call(id, path)
}

fn reasoning(item: &Map<String, Value>, path: &str, ask: &mut Ask) -> Result<(), Fault> {
    if !item.get("summary").is_some_and(Value::is_array) {
        return Err(Fault::invalid(
            path,
            format!("{path}.summary: an array is required"),
        ));
    }
    match item.get("encrypted_content") {
        Some(Value::String(state)) if seal::genuine(STATE, state) => ask.states += 1,
        Some(Value::String(_)) => {
            let message = format!(
                "The encrypted content of {path} could not be verified. Reason: it was not made here, or it was altered."
            );
            return Err(Fault::of(400, Some("invalid_encrypted_content"), message));
        }
        _ => {}
    }
    Ok(())
}

/// Reasoning must come back together with what it led to.
fn followed(next: Option<&Value>, path: &str) -> Result<(), Fault> {
    let leads = next.is_some_and(|next| {
        let kind = next["type"].as_str().unwrap_or("message");
        (kind == "message" && next["role"] == "assistant")
            || kind == "reasoning"
            || (kind.ends_with("_call") && kind != "message")
    });
    if leads {
        return Ok(());
    }
    Err(Fault::invalid(
        path,
        format!(
            "{path}: the item of type 'reasoning' was provided without its required following item."
        ),
    ))
}

/// Reads one tool; those of a namespace are read one by one, hosted tools are accepted and never called.
pub(super) fn read_tool(
    tool: &Value,
    namespace: Option<&str>,
    path: &str,
    tools: &mut Vec<Tool>,
) -> Result<(), Fault> {
    let members = check::object(tool, path)?;
    let kind = check::text(members, "type", path)?;
    match kind {
        "function" | "custom" => {
            let name = check::text(members, "name", path)?;
            check::tool_name(name, 128, path)?;
            let schema = members
                .get("parameters")
                .filter(|schema| !schema.is_null())
                .cloned();
            let schema = schema.unwrap_or_else(|| serde_json::json!({"type": "object"}));
            tools.push(Tool {
                name: name.to_owned(),
                namespace: namespace.map(str::to_owned),
                schema: (kind == "function").then_some(schema),
            });
        }
        "namespace" => {
            let name = check::text(members, "name", path)?;
            for inner in check::list(members, "tools")? {
                read_tool(inner, Some(name), path, tools)?;
            }
        }
        _ => {}
    }
    Ok(())
}
