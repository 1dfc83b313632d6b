//! The checks of a Responses request, and what it asks for.

use serde_json::{Map, Value, json};

use super::turns::{read_items, read_tool};
use crate::demo::ask::{Ask, Choice, Dialect, Form, Thought};
use crate::demo::check;
use crate::demo::fault::Fault;

const MEMBERS: [&str; 34] = [
    "access_programs",
    "background",
    // No schema has it; Codex sends it with every request, and the vendor takes it.
    "client_metadata",
    "context_management",
    "conversation",
    "image",
    "include",
    "input",
    "instructions",
    "max_output_tokens",
    "max_tool_calls",
    "metadata",
    "model",
    "moderation",
    "parallel_tool_calls",
    "previous_response_id",
    "prompt",
    "prompt_cache_key",
    "prompt_cache_options",
    "prompt_cache_retention",
    "reasoning",
    "safety_identifier",
    "service_tier",
    "store",
    "stream_options",
    "temperature",
    "text",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "truncation",
    "user",
    "stream",
];
/// What a count of input tokens may have.
const COUNTED: [&str; 12] = [
    "conversation",
    "input",
    "instructions",
    "model",
    "parallel_tool_calls",
    "personality",
    "previous_response_id",
    "reasoning",
    "text",
    "tool_choice",
    "tools",
    "truncation",
];
const INCLUDES: [&str; 8] = [
    "file_search_call.results",
    "web_search_call.results",
    "web_search_call.action.sources",
    "message.input_image.image_url",
    "computer_call_output.output.image_url",
    "code_interpreter_call.outputs",
    "reasoning.encrypted_content",
    "message.output_text.logprobs",
];

/// Reads a request.
pub(in crate::demo) fn read(body: &Value) -> Result<Ask, Fault> {
    checked(body, &MEMBERS)
}

/// Reads a request to count and answers it.
pub(in crate::demo) fn count(body: &Value) -> Result<Value, Fault> {
    let ask = checked(body, &COUNTED)?;
    Ok(json!({"object": "response.input_tokens", "input_tokens": ask.input_tokens}))
}

fn checked(body: &Value, known: &[&str]) -> Result<Ask, Fault> {
    let members = check::object(body, "body")?;
    check::only(members, known)?;
    let model = check::text(members, "model", "body")?;
    let mut ask = Ask::new(Dialect::Responses, model, body);
    stateless(members)?;
    match members.get("tools") {
        None | Some(Value::Null) => {}
        Some(Value::Array(tools)) => {
            for (n, tool) in tools.iter().enumerate() {
                read_tool(tool, None, &format!("tools[{n}]"), &mut ask.tools)?;
            }
        }
        Some(_) => return Err(Fault::invalid("tools", "tools: an array is expected")),
    }
    match members.get("input") {
        Some(Value::String(text)) => ask.said(text),
        Some(Value::Array(items)) if !items.is_empty() => read_items(items, &mut ask)?,
        Some(Value::Array(_)) | None => {
            return Err(Fault::invalid(
                "input",
                "Missing required parameter: 'input'.",
            ));
        }
        Some(_) => {
            return Err(Fault::invalid(
                "input",
                "input: a string or an array of items is expected",
            ));
        }
    }
    settings(members, &mut ask)?;
    Ok(ask)
}

fn stateless(body: &Map<String, Value>) -> Result<(), Fault> {
    for name in ["previous_response_id", "conversation", "prompt"] {
        if body.get(name).is_some_and(|value| !value.is_null()) {
            let code = Some("previous_response_not_found");
            let message = format!("'{name}' was not found: the demo upstream stores nothing");
            return Err(Fault {
                param: Some(name.to_owned()),
                ..Fault::of(400, code, message)
            });
        }
    }
    Ok(())
}

fn settings(body: &Map<String, Value>, ask: &mut Ask) -> Result<(), Fault> {
    check::sampling(body, 2.0)?;
    if let Some(limit) = body
        .get("max_output_tokens")
        .filter(|value| !value.is_null())
    {
        ask.limit = limit.as_u64().filter(|limit| *limit >= 16);
        if ask.limit.is_none() {
            return Err(Fault::invalid(
                "max_output_tokens",
                "Invalid 'max_output_tokens': expected an integer of at least 16.",
            ));
        }
    }
    for include in check::strings(body.get("include")) {
        if !INCLUDES.contains(&include.as_str()) {
            return Err(Fault::invalid(
                "include",
                format!("Invalid value: '{include}'."),
            ));
        }
    }
    ask.parallel = body
        .get("parallel_tool_calls")
        .and_then(Value::as_bool)
        .unwrap_or(true);
    ask.choice = choice(body.get("tool_choice"), ask)?;
    ask.thought = thought(body.get("reasoning"))?;
    ask.form = form(body.get("text").and_then(|text| text.get("format")))?;
    Ok(())
}

fn thought(reasoning: Option<&Value>) -> Result<Thought, Fault> {
    let Some(reasoning) = reasoning.filter(|reasoning| !reasoning.is_null()) else {
        return Ok(Thought::Off);
    };
    let shown = reasoning["summary"].is_string() || reasoning["generate_summary"].is_string();
    match reasoning["effort"].as_str() {
        Some("none") => Ok(Thought::Off),
        None if !shown => Ok(Thought::Off),
        None | Some("minimal" | "low" | "medium" | "high" | "xhigh" | "max") => Ok(if shown {
            Thought::Shown
        } else {
            Thought::Hidden
        }),
        Some(other) => Err(Fault::invalid(
            "reasoning.effort",
            format!("Invalid value: '{other}'."),
        )),
    }
}

fn choice(choice: Option<&Value>, ask: &Ask) -> Result<Choice, Fault> {
    let wrong = |message: String| Err(Fault::invalid("tool_choice", message));
    let named: Vec<String> = match choice {
        None | Some(Value::Null) => return Ok(Choice::Auto),
        Some(Value::String(mode)) => {
            return match mode.as_str() {
                "auto" => Ok(Choice::Auto),
                "none" => Ok(Choice::Never),
                "required" => Ok(Choice::Required),
                _ => wrong(format!(
                    "Invalid value: '{mode}'. Supported values are: 'none', 'auto', and 'required'."
                )),
            };
        }
        Some(value) => match value["type"].as_str() {
            Some("function" | "custom") => value["name"]
                .as_str()
                .map(str::to_owned)
                .into_iter()
                .collect(),
            Some("allowed_tools") if value["mode"] == "required" => {
                let tools = value["tools"].as_array().map_or(&[][..], Vec::as_slice);
                tools
                    .iter()
                    .filter_map(|tool| tool["name"].as_str())
                    .map(str::to_owned)
                    .collect()
            }
            Some(_) => return Ok(Choice::Auto),
            None => return wrong("tool_choice.type: a string is required".to_owned()),
        },
    };
    match named
        .iter()
        .find(|name| ask.tools.iter().all(|tool| tool.name != **name))
    {
        Some(name) => wrong(format!(
            "Tool choice '{name}' not found in 'tools' parameter."
        )),
        None => Ok(Choice::Named(named)),
    }
}

fn form(format: Option<&Value>) -> Result<Form, Fault> {
    let Some(format) = format.and_then(Value::as_object) else {
        return Ok(Form::Text);
    };
    match format.get("type").and_then(Value::as_str) {
        Some("text") => Ok(Form::Text),
        Some("json_object") => Ok(Form::Json),
        Some("json_schema") => {
            check::tool_name(
                check::text(format, "name", "text.format")?,
                64,
                "text.format.name",
            )?;
            let schema = format.get("schema").unwrap_or(&Value::Null);
            check::object(schema, "text.format.schema")?;
            Ok(Form::Schema(schema.clone()))
        }
        _ => Err(Fault::invalid(
            "text.format",
            "text.format.type: text, json_object or json_schema is required",
        )),
    }
}
