//! The messages of a Chat Completions request: roles, parts, and that calls have their results before anything else is said.

use serde_json::{Map, Value};

use crate::demo::ask::Ask;
use crate::demo::check::{self, Pairing};
use crate::demo::fault::Fault;

/// Reads the messages in order.
pub(super) fn read_turns(messages: &[Value], ask: &mut Ask) -> Result<(), Fault> {
    let mut pairing = Pairing::default();
    let mut results = Vec::new();
    for (n, message) in messages.iter().enumerate() {
        let path = format!("messages[{n}]");
        let message = check::object(message, &path)?;
        let role = check::text(message, "role", &path)?;
        if role != "tool" {
            pairing.settled(&path)?;
            if !results.is_empty() {
                ask.ran(std::mem::take(&mut results));
            }
        }
        let content = message.get("content").unwrap_or(&Value::Null);
        parts(role, content, &path)?;
        match role {
            "system" | "developer" => {}
            "user" => ask.said(&check::plain(content)),
            "assistant" => calls(message, &path, &mut pairing)?,
            "tool" => {
                pairing.result(check::text(message, "tool_call_id", &path)?, &path)?;
                results.push(check::plain(content));
            }
            _ => {
                return Err(Fault::invalid(
                    &path,
                    format!(
                        "{path}.role: '{role}' is not one of system, developer, user, assistant, tool"
                    ),
                ));
            }
        }
    }
    pairing.settled("messages")?;
    if !results.is_empty() {
        ask.ran(results);
    }
    Ok(())
}

fn parts(role: &str, content: &Value, path: &str) -> Result<(), Fault> {
    let allowed: &[&str] = match role {
        "user" => &["", "text", "image_url", "input_audio", "file"],
        "assistant" => &["", "text", "refusal"],
        _ => &["", "text"],
    };
    let parts = check::parts(content, &format!("{path}.content"))?;
    if role != "assistant" && parts.is_empty() {
        return Err(Fault::invalid(
            path,
            format!("{path}.content: a {role} message needs content"),
        ));
    }
    for (kind, part) in parts {
        if !allowed.contains(&kind) {
            return Err(Fault::invalid(
                path,
                format!(
                    "{path}.content: a part of type '{kind}' is not allowed in a {role} message"
                ),
            ));
        }
        let well = match kind {
            "image_url" => part.pointer("/image_url/url").is_some_and(Value::is_string),
            "input_audio" => part
                .pointer("/input_audio/data")
                .is_some_and(Value::is_string),
            "file" => part.get("file").is_some_and(Value::is_object),
            "text" => part.get("text").is_some_and(Value::is_string),
            _ => true,
        };
        if !well {
            return Err(Fault::invalid(
                path,
                format!("{path}.content: the part of type '{kind}' lacks its data"),
            ));
        }
    }
    Ok(())
}

fn calls(message: &Map<String, Value>, path: &str, pairing: &mut Pairing) -> Result<(), Fault> {
    let calls = message
        .get("tool_calls")
        .and_then(Value::as_array)
        .map_or(&[][..], Vec::as_slice);
    let silent = ["content", "refusal", "audio", "function_call"]
        .iter()
        .all(|name| message.get(*name).is_none_or(Value::is_null));
    if calls.is_empty() && silent {
        return Err(Fault::invalid(
            path,
            format!("{path}: an assistant message needs content or tool_calls"),
        ));
    }
    for (n, call) in calls.iter().enumerate() {
        let path = format!("{path}.tool_calls[{n}]");
        let call = check::object(call, &path)?;
        let id = check::text(call, "id", &path)?;
        if id.len() > 40 {
            return Err(Fault::invalid(
                &path,
                format!("{path}.id: string too long, at most 40 characters are allowed"),
            ));
        }
        let (inner, argument) = match call.get("type").and_then(Value::as_str) {
            Some("function") => ("function", "arguments"),
            Some("custom") => ("custom", "input"),
            _ => {
                return Err(Fault::invalid(
                    &path,
                    format!("{path}.type: 'function' or 'custom' is required"),
                ));
            }
        };
        let what = check::object(call.get(inner).unwrap_or(&Value::Null), &path)?;
        check::tool_name(check::text(what, "name", &path)?, 64, &path)?;
        if !what.get(argument).is_some_and(Value::is_string) {
            return Err(Fault::invalid(
                &path,
                format!("{path}.{inner}.{argument}: a string is required"),
            ));
        }
        pairing.call(id, &path)?;
    }
    Ok(())
}
