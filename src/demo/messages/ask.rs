//! The checks of a Messages request, and what it asks for.

use serde_json::{Map, Value, json};

use super::turns::read_turns;
use crate::demo::ask::{Ask, Choice, Dialect, Form, Thought, Tool};
use crate::demo::check;
use crate::demo::fault::Fault;

const MEMBERS: [&str; 26] = [
    "max_tokens",
    "messages",
    "model",
    "billing_policy",
    "cache_control",
    "compaction",
    "container",
    "context_management",
    "diagnostics",
    "fallback_credit_token",
    "fallbacks",
    "inference_geo",
    "mcp_servers",
    "metadata",
    "output_config",
    "service_tier",
    "speed",
    "stop_sequences",
    "stream",
    "system",
    "temperature",
    "thinking",
    "tool_choice",
    "tools",
    "top_k",
    "top_p",
];
/// What a count of input tokens may have.
const COUNTED: [&str; 11] = [
    "messages",
    "model",
    "cache_control",
    "context_management",
    "mcp_servers",
    "output_config",
    "speed",
    "system",
    "thinking",
    "tool_choice",
    "tools",
];
/// The newer API version, which has no sampling parameters.
const WITHOUT_SAMPLING: &str = "2026-10-21";

/// Reads a request; `version` is the version header.
pub(in crate::demo) fn read(body: &Value, version: Option<&str>) -> Result<Ask, Fault> {
    let members = check::object(body, "body")?;
    check::only(members, &MEMBERS)?;
    let mut ask = checked(members, body, version)?;
    let limit = members.get("max_tokens").and_then(Value::as_u64);
    ask.limit =
        Some(limit.ok_or_else(|| Fault::invalid("max_tokens", "max_tokens: Field required"))?);
    if version == Some(WITHOUT_SAMPLING)
        && let Some(name) = ["temperature", "top_p", "top_k"]
            .iter()
            .find(|name| members.contains_key(**name))
    {
        return Err(Fault::invalid(
            name,
            format!("{name}: Extra inputs are not permitted"),
        ));
    }
    check::sampling(members, 1.0)?;
    ask.stop = check::strings(members.get("stop_sequences"));
    if ask.stop.iter().any(|stop| stop.trim().is_empty()) {
        return Err(Fault::invalid(
            "stop_sequences",
            "stop_sequences: each stop sequence must contain non-whitespace",
        ));
    }
    Ok(ask)
}

/// Reads a request to count and answers it.
pub(in crate::demo) fn count(body: &Value, version: Option<&str>) -> Result<Value, Fault> {
    let members = check::object(body, "body")?;
    check::only(members, &COUNTED)?;
    Ok(json!({"input_tokens": checked(members, body, version)?.input_tokens}))
}

fn checked(
    members: &Map<String, Value>,
    body: &Value,
    version: Option<&str>,
) -> Result<Ask, Fault> {
    if !matches!(version, Some("2023-06-01" | WITHOUT_SAMPLING)) {
        return Err(Fault::invalid(
            "",
            "anthropic-version: header is required, and 2023-06-01 and 2026-10-21 are known here",
        ));
    }
    let model = check::text(members, "model", "body")?;
    let mut ask = Ask::new(Dialect::Messages, model, body);
    system(members.get("system"))?;
    read_turns(check::list(members, "messages")?, &mut ask)?;
    tools(members, &mut ask)?;
    ask.thought = thought(members)?;
    ask.form = form(
        members
            .get("output_config")
            .and_then(|config| config.get("format")),
    )?;
    Ok(ask)
}

fn system(system: Option<&Value>) -> Result<(), Fault> {
    for (kind, part) in check::parts(system.unwrap_or(&Value::Null), "system")? {
        if !kind.is_empty() && (kind != "text" || check::part_text(part).is_empty()) {
            return Err(Fault::invalid(
                "system",
                "system: text blocks must be non-empty, and other blocks are not permitted",
            ));
        }
    }
    Ok(())
}

fn thought(body: &Map<String, Value>) -> Result<Thought, Fault> {
    let Some(thinking) = body.get("thinking").filter(|thinking| !thinking.is_null()) else {
        return Ok(Thought::Off);
    };
    match thinking["type"].as_str() {
        Some("disabled") => return Ok(Thought::Off),
        Some("adaptive" | "between_tools") => {}
        Some("enabled") => {
            let budget = thinking["budget_tokens"].as_u64().unwrap_or_default();
            let most = body
                .get("max_tokens")
                .and_then(Value::as_u64)
                .unwrap_or(u64::MAX);
            if budget < 1024 {
                return Err(Fault::invalid(
                    "thinking",
                    "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024",
                ));
            }
            if budget >= most {
                return Err(Fault::invalid(
                    "thinking",
                    "`max_tokens` must be greater than `thinking.budget_tokens`",
                ));
            }
        }
        _ => {
            return Err(Fault::invalid(
                "thinking",
                "thinking.type: enabled, adaptive, between_tools or disabled is required",
            ));
        }
    }
    Ok(if thinking["display"] == "omitted" {
        Thought::Hidden
    } else {
        Thought::Shown
    })
}

fn tools(body: &Map<String, Value>, ask: &mut Ask) -> Result<(), Fault> {
    let tools = body
        .get("tools")
        .and_then(Value::as_array)
        .map_or(&[][..], Vec::as_slice);
    for (n, tool) in tools.iter().enumerate() {
        let path = format!("tools.{n}");
        let tool = check::object(tool, &path)?;
        if tool
            .get("type")
            .and_then(Value::as_str)
            .is_some_and(|kind| kind != "custom")
        {
            continue;
        }
        let name = check::text(tool, "name", &path)?;
        check::tool_name(name, 128, &format!("{path}.name"))?;
        if ask.tools.iter().any(|known| known.name == name) {
            return Err(Fault::invalid("tools", "tools: Tool names must be unique."));
        }
        let schema = tool.get("input_schema").unwrap_or(&Value::Null);
        if schema["type"] != "object" {
            return Err(Fault::invalid(
                "tools",
                format!("{path}.input_schema.type: 'object' is required"),
            ));
        }
        ask.tools.push(Tool {
            name: name.to_owned(),
            namespace: None,
            schema: Some(schema.clone()),
        });
    }
    let Some(choice) = body.get("tool_choice").filter(|choice| !choice.is_null()) else {
        return Ok(());
    };
    if tools.is_empty() {
        return Err(Fault::invalid(
            "tool_choice",
            "tool_choice: may only be specified while providing tools",
        ));
    }
    ask.parallel = choice["disable_parallel_tool_use"] != true;
    ask.choice = match (choice["type"].as_str(), choice["name"].as_str()) {
        (Some("auto"), _) => Choice::Auto,
        (Some("none"), _) => Choice::Never,
        (Some("any"), _) => Choice::Required,
        (Some("tool"), Some(name)) if tools.iter().any(|tool| tool["name"] == name) => {
            Choice::Named(vec![name.to_owned()])
        }
        (Some("tool"), name) => {
            return Err(Fault::invalid(
                "tool_choice",
                format!("tool_choice: tool {name:?} not found in provided tools"),
            ));
        }
        _ => {
            return Err(Fault::invalid(
                "tool_choice",
                "tool_choice.type: auto, any, tool or none is required",
            ));
        }
    };
    Ok(())
}

fn form(format: Option<&Value>) -> Result<Form, Fault> {
    let Some(format) = format.filter(|format| !format.is_null()) else {
        return Ok(Form::Text);
    };
    if format["type"] != "json_schema" {
        return Err(Fault::invalid(
            "output_config",
            "output_config.format.type: 'json_schema' is required",
        ));
    }
    check::object(&format["schema"], "output_config.format.schema")?;
    Ok(Form::Schema(format["schema"].clone()))
}
