//! The contents of a generateContent request: roles, parts, thought signatures, and that calls have their responses next.

use serde_json::Value;

use super::{STATE, member, only};
use crate::demo::ask::Ask;
use crate::demo::fault::Fault;
use crate::demo::seal;

/// A part has exactly one of these.
const DATA: [&str; 9] = [
    "text",
    "inlineData",
    "fileData",
    "functionCall",
    "functionResponse",
    "executableCode",
    "codeExecutionResult",
    "toolCall",
    "toolResponse",
];
/// What may stand beside them.
const BESIDE: [&str; 11] = [
    "thought",
    "thoughtSignature",
    "videoMetadata",
    "mediaResolution",
    "partMetadata",
    "audioTranscription",
    "mediaProcessing",
    "speechMetadata",
    "documentMetadata",
    "spreadsheetMetadata",
    "audioMetadata",
];
/// The vendor's documented stand-in for the signature of a call that was made elsewhere.
const BYPASS: [&str; 2] = [
    "skip_thought_signature_validator",
    "context_engineering_is_the_way_to_go",
];

/// Reads the contents in order.
pub(super) fn read_contents(contents: &[Value], ask: &mut Ask) -> Result<(), Fault> {
    let mut calls: Vec<&Value> = Vec::new();
    for (n, content) in contents.iter().enumerate() {
        let path = format!("contents[{n}]");
        only(content, &["role", "parts"], &path)?;
        let parts = member(content, "parts")
            .and_then(Value::as_array)
            .filter(|parts| !parts.is_empty());
        let parts = parts.ok_or_else(|| {
            Fault::invalid(
                "",
                format!("* GenerateContentRequest.{path}.parts: contents.parts must not be empty."),
            )
        })?;
        for (m, part) in parts.iter().enumerate() {
            check_part(part, &format!("{path}.parts[{m}]"), ask)?;
        }
        let responses: Vec<&Value> = parts
            .iter()
            .filter_map(|part| member(part, "functionResponse"))
            .collect();
        if calls.len() != responses.len() {
            let message = "Please ensure that the number of function response parts is equal to the number of function call parts of the function call turn.";
            return Err(Fault::invalid("", message));
        }
        match member(content, "role").and_then(Value::as_str) {
            None | Some("user") => user(parts, &responses, &calls, &path, ask)?,
            Some("model") if n == 0 => {
                return Err(Fault::invalid(
                    "",
                    "Please ensure that the first turn is a user turn.",
                ));
            }
            Some("model") => {}
            Some(_) => return Err(Fault::invalid("", "Please use a valid role: user, model.")),
        }
        calls = parts
            .iter()
            .filter_map(|part| member(part, "functionCall"))
            .collect();
    }
    if !calls.is_empty() {
        return Err(Fault::invalid(
            "",
            "Please ensure that a function call turn is followed by a function response turn.",
        ));
    }
    signed(contents, ask)
}

fn check_part(part: &Value, path: &str, ask: &mut Ask) -> Result<(), Fault> {
    let known: Vec<&str> = DATA.into_iter().chain(BESIDE).collect();
    only(part, &known, path)?;
    let data: Vec<&str> = DATA
        .into_iter()
        .filter(|name| member(part, name).is_some())
        .collect();
    let [kind] = data[..] else {
        return Err(Fault::invalid(
            "",
            format!(
                "{path}: required oneof field 'data' must have exactly one initialized field, found {data:?}"
            ),
        ));
    };
    let value = member(part, kind).unwrap_or(&Value::Null);
    let well = match kind {
        "text" => value.is_string(),
        "inlineData" => member(value, "mimeType").is_some() && member(value, "data").is_some(),
        "functionCall" => {
            member(value, "name").is_some() && member(value, "args").is_none_or(Value::is_object)
        }
        "functionResponse" => {
            member(value, "name").is_some()
                && member(value, "response").is_some_and(Value::is_object)
        }
        _ => value.is_object(),
    };
    if !well {
        return Err(Fault::invalid(
            "",
            format!("{path}.{kind}: a required field is missing or of the wrong type"),
        ));
    }
    match member(part, "thoughtSignature").and_then(Value::as_str) {
        None => {}
        Some(signature) if seal::genuine(STATE, signature) => ask.states += 1,
        Some(signature)
            if BYPASS
                .iter()
                .any(|bypass| signature.trim_end_matches('=') == *bypass) => {}
        Some(_) => {
            return Err(Fault::invalid(
                "",
                format!("{path}: Thought signature is not valid."),
            ));
        }
    }
    Ok(())
}

fn user(
    parts: &[Value],
    responses: &[&Value],
    calls: &[&Value],
    path: &str,
    ask: &mut Ask,
) -> Result<(), Fault> {
    let name = |value: &Value| {
        member(value, "name")
            .and_then(Value::as_str)
            .map(str::to_owned)
    };
    let id = |value: &Value| {
        member(value, "id")
            .and_then(Value::as_str)
            .map(str::to_owned)
    };
    for response in responses {
        let answers = |call: &&&Value| {
            name(call) == name(response) && (id(response).is_none() || id(call) == id(response))
        };
        if calls.iter().find(answers).is_none() {
            return Err(Fault::invalid(
                "",
                format!(
                    "{path}: the function response {:?} has no function call",
                    name(response)
                ),
            ));
        }
    }
    if !responses.is_empty() {
        ask.ran(responses.iter().map(|response| result(response)).collect());
    }
    let texts: Vec<&str> = parts
        .iter()
        .filter_map(|part| part["text"].as_str())
        .collect();
    ask.said(&texts.join("\n"));
    Ok(())
}

fn result(response: &Value) -> String {
    let value = &response["response"];
    let lone = ["output", "result", "error"]
        .iter()
        .find_map(|name| value[*name].as_str());
    lone.map_or_else(|| value.to_string(), str::to_owned)
}

/// The newer models demand the signature of the first call of each step since the last user text.
fn signed(contents: &[Value], ask: &Ask) -> Result<(), Fault> {
    if !["gemini-3", "gemini-4"]
        .iter()
        .any(|line| ask.model.starts_with(line))
    {
        return Ok(());
    }
    for content in contents.iter().rev() {
        let parts = member(content, "parts")
            .and_then(Value::as_array)
            .map_or(&[][..], Vec::as_slice);
        let model = member(content, "role").and_then(Value::as_str) == Some("model");
        if !model && parts.iter().any(|part| part["text"].is_string()) {
            break;
        }
        let first = parts
            .iter()
            .find(|part| member(part, "functionCall").is_some());
        if first.is_some_and(|part| member(part, "thoughtSignature").is_none()) {
            return Err(Fault::invalid(
                "",
                "Function call is missing a thought_signature in functionCall parts.",
            ));
        }
    }
    Ok(())
}
