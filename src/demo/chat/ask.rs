//! The checks of a Chat Completions request, and what it asks for.

use serde_json::{Map, Value};

use super::turns::read_turns;
use crate::demo::ask::{Ask, Choice, Dialect, Form, Thought, Tool};
use crate::demo::check;
use crate::demo::fault::Fault;

const MEMBERS: [&str; 37] = [
    "messages",
    "model",
    "audio",
    "frequency_penalty",
    "function_call",
    "functions",
    "logit_bias",
    "logprobs",
    "max_completion_tokens",
    "max_tokens",
    "metadata",
    "modalities",
    "moderation",
    "n",
    "parallel_tool_calls",
    "prediction",
    "presence_penalty",
    "prompt_cache_key",
    "prompt_cache_options",
    "prompt_cache_retention",
    "reasoning_effort",
    "response_format",
    "safety_identifier",
    "seed",
    "service_tier",
    "stop",
    "store",
    "stream_options",
    "temperature",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "user",
    "verbosity",
    "web_search_options",
    "stream",
];

/// Reads a request.
pub(in crate::demo) fn read(body: &Value) -> Result<Ask, Fault> {
    let members = check::object(body, "body")?;
    check::only(members, &MEMBERS)?;
    let model = check::text(members, "model", "body")?;
    let mut ask = Ask::new(Dialect::Chat, model, body);
    read_turns(check::list(members, "messages")?, &mut ask)?;
    tools(members, &mut ask)?;
    settings(members, &mut ask)?;
    Ok(ask)
}

fn tools(body: &Map<String, Value>, ask: &mut Ask) -> Result<(), Fault> {
    if body.get("tools").is_some_and(|tools| !tools.is_null()) {
        for (n, tool) in check::list(body, "tools")?.iter().enumerate() {
            let path = format!("tools[{n}]");
            let kind = check::text(check::object(tool, &path)?, "type", &path)?;
            if !matches!(kind, "function" | "custom") {
                return Err(Fault::invalid(
                    &path,
                    format!("{path}.type: '{kind}' is neither function nor custom"),
                ));
            }
            let inner = check::object(&tool[kind], &path)?;
            let name = check::text(inner, "name", &path)?;
            check::tool_name(name, 64, &path)?;
            let schema = inner
                .get("parameters")
                .cloned()
                .unwrap_or_else(|| serde_json::json!({"type": "object"}));
            ask.tools.push(Tool {
                name: name.to_owned(),
                namespace: None,
                schema: (kind == "function").then_some(schema),
            });
        }
    }
    for name in ["tool_choice", "parallel_tool_calls"] {
        if ask.tools.is_empty() && body.get(name).is_some_and(|value| !value.is_null()) {
            return Err(Fault::invalid(
                name,
                format!("'{name}' is only allowed when 'tools' are specified."),
            ));
        }
    }
    ask.parallel = body
        .get("parallel_tool_calls")
        .and_then(Value::as_bool)
        .unwrap_or(true);
    ask.choice = choice(body.get("tool_choice"), ask)?;
    Ok(())
}

fn choice(choice: Option<&Value>, ask: &Ask) -> Result<Choice, Fault> {
    let wrong = |message: String| Err(Fault::invalid("tool_choice", message));
    let named = match choice {
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
        Some(value) if value["type"] == "allowed_tools" => {
            if value["allowed_tools"]["mode"] != "required" {
                return Ok(Choice::Auto);
            }
            let tools = value["allowed_tools"]["tools"]
                .as_array()
                .map_or(&[][..], Vec::as_slice);
            tools
                .iter()
                .filter_map(|tool| tool[tool["type"].as_str()?]["name"].as_str())
                .map(str::to_owned)
                .collect()
        }
        Some(value) => match value["type"]
            .as_str()
            .and_then(|kind| value[kind]["name"].as_str())
        {
            Some(name) => vec![name.to_owned()],
            None => {
                return wrong("tool_choice: a function or custom tool must be named".to_owned());
            }
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

fn settings(body: &Map<String, Value>, ask: &mut Ask) -> Result<(), Fault> {
    check::sampling(body, 2.0)?;
    let set = |name: &str| body.get(name).is_some_and(|value| !value.is_null());
    if set("stream_options") && body.get("stream") != Some(&Value::Bool(true)) {
        return Err(Fault::invalid(
            "stream_options",
            "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
        ));
    }
    if set("max_tokens") && set("max_completion_tokens") {
        return Err(Fault::invalid(
            "max_tokens",
            "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.",
        ));
    }
    for name in ["max_tokens", "max_completion_tokens", "n"] {
        if set(name) && body[name].as_u64().is_none_or(|value| value == 0) {
            return Err(Fault::invalid(
                name,
                format!("{name}: a whole number from 1 is required"),
            ));
        }
    }
    ask.limit = ["max_completion_tokens", "max_tokens"]
        .iter()
        .find_map(|name| body.get(*name)?.as_u64());
    ask.stop = check::strings(body.get("stop"));
    if ask.stop.len() > 4 {
        return Err(Fault::invalid(
            "stop",
            "stop: at most 4 sequences are allowed",
        ));
    }
    ask.thought = match body.get("reasoning_effort").and_then(Value::as_str) {
        None | Some("none") => Thought::Off,
        Some("minimal" | "low" | "medium" | "high" | "xhigh" | "max") => Thought::Hidden,
        Some(other) => {
            return Err(Fault::invalid(
                "reasoning_effort",
                format!("Invalid value: '{other}'."),
            ));
        }
    };
    ask.form = form(body.get("response_format"))?;
    Ok(())
}

fn form(format: Option<&Value>) -> Result<Form, Fault> {
    let Some(format) = format.filter(|format| !format.is_null()) else {
        return Ok(Form::Text);
    };
    match format["type"].as_str() {
        Some("text") => Ok(Form::Text),
        Some("json_object") => Ok(Form::Json),
        Some("json_schema") => {
            let path = "response_format.json_schema";
            let inner = check::object(&format["json_schema"], path)?;
            check::tool_name(check::text(inner, "name", path)?, 64, path)?;
            Ok(inner
                .get("schema")
                .map_or(Form::Json, |schema| Form::Schema(schema.clone())))
        }
        _ => Err(Fault::invalid(
            "response_format",
            "response_format.type: text, json_object or json_schema is required",
        )),
    }
}
