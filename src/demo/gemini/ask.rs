//! The checks of a generateContent request, and what it asks for.

use serde_json::{Value, json};

use super::turns::read_contents;
use super::{member, only};
use crate::demo::ask::{Ask, Choice, Dialect, Form, Thought, Tool};
use crate::demo::check;
use crate::demo::fault::Fault;

const MEMBERS: [&str; 12] = [
    "model",
    "contents",
    "systemInstruction",
    "tools",
    "toolConfig",
    "safetySettings",
    "generationConfig",
    "cachedContent",
    "labels",
    "serviceTier",
    "continuationToken",
    "store",
];
const CONFIG: [&str; 21] = [
    "stopSequences",
    "responseMimeType",
    "responseSchema",
    "responseJsonSchema",
    "responseModalities",
    "candidateCount",
    "maxOutputTokens",
    "temperature",
    "topP",
    "topK",
    "seed",
    "presencePenalty",
    "frequencyPenalty",
    "responseLogprobs",
    "logprobs",
    "enableEnhancedCivicAnswers",
    "speechConfig",
    "thinkingConfig",
    "imageConfig",
    "mediaResolution",
    "audioTranscriptionConfig",
];

/// Reads a request for the model that the path names.
pub(in crate::demo) fn read(body: &Value, model: &str) -> Result<Ask, Fault> {
    only(body, &MEMBERS, "request")?;
    let mut ask = Ask::new(Dialect::Gemini, model, body);
    if let Some(system) = member(body, "systemInstruction")
        && !system.is_string()
        && member(system, "parts").is_none()
    {
        return Err(Fault::invalid(
            "",
            "system_instruction.parts: at least one part is required",
        ));
    }
    let contents = member(body, "contents")
        .and_then(Value::as_array)
        .filter(|all| !all.is_empty());
    let Some(contents) = contents else {
        return Err(Fault::invalid(
            "",
            "* GenerateContentRequest.contents: contents is not specified",
        ));
    };
    read_contents(contents, &mut ask)?;
    for (n, group) in member(body, "tools")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .enumerate()
    {
        read_tools(group, n, &mut ask)?;
    }
    if let Some(calling) =
        member(body, "toolConfig").and_then(|config| member(config, "functionCallingConfig"))
    {
        ask.choice = choice(calling, &ask)?;
    }
    if let Some(config) = member(body, "generationConfig") {
        settings(config, &mut ask)?;
    }
    Ok(ask)
}

/// Reads a request to count, in either of its two forms, and answers it.
pub(in crate::demo) fn count(body: &Value, model: &str) -> Result<Value, Fault> {
    let request = match member(body, "generateContentRequest") {
        Some(request) => request.clone(),
        None => {
            only(body, &["contents", "model"], "request")?;
            body.clone()
        }
    };
    let total = read(&request, model)?.input_tokens;
    Ok(
        json!({"totalTokens": total, "promptTokensDetails": [{"modality": "TEXT", "tokenCount": total}]}),
    )
}

fn read_tools(group: &Value, number: usize, ask: &mut Ask) -> Result<(), Fault> {
    let declarations = member(group, "functionDeclarations").and_then(Value::as_array);
    for (n, tool) in declarations.into_iter().flatten().enumerate() {
        let path = format!("tools[{number}].function_declarations[{n}]");
        let known = [
            "name",
            "description",
            "parameters",
            "parametersJsonSchema",
            "response",
            "responseJsonSchema",
            "behavior",
        ];
        only(tool, &known, &path)?;
        let name = check::text(check::object(tool, &path)?, "name", &path)?;
        let first = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        if !first
            || name.len() > 128
            || !name
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "_.:-".contains(c))
        {
            return Err(Fault::invalid(
                "",
                format!("{path}.name: Invalid function name {name:?}"),
            ));
        }
        let schemas = (
            member(tool, "parameters"),
            member(tool, "parametersJsonSchema"),
        );
        let schema = match schemas {
            (Some(_), Some(_)) => {
                return Err(Fault::invalid(
                    "",
                    format!("{path}: parameters and parameters_json_schema exclude each other"),
                ));
            }
            (one, other) => one
                .or(other)
                .cloned()
                .unwrap_or_else(|| json!({"type": "object"})),
        };
        ask.tools.push(Tool {
            name: name.to_owned(),
            namespace: None,
            schema: Some(schema),
        });
    }
    Ok(())
}

fn choice(calling: &Value, ask: &Ask) -> Result<Choice, Fault> {
    let names = check::strings(member(calling, "allowedFunctionNames"));
    let mode = member(calling, "mode")
        .and_then(Value::as_str)
        .unwrap_or("AUTO")
        .to_ascii_uppercase();
    if let Some(name) = names
        .iter()
        .find(|name| ask.tools.iter().all(|tool| tool.name != **name))
    {
        return Err(Fault::invalid(
            "",
            format!("allowed_function_names: '{name}' is not a declared function"),
        ));
    }
    match mode.as_str() {
        "AUTO" | "VALIDATED" | "MODE_UNSPECIFIED" if names.is_empty() || mode == "VALIDATED" => {
            Ok(Choice::Auto)
        }
        "AUTO" | "NONE" if !names.is_empty() => Err(Fault::invalid(
            "",
            "allowed_function_names is only allowed with the modes ANY and VALIDATED",
        )),
        "NONE" => Ok(Choice::Never),
        "ANY" if names.is_empty() => Ok(Choice::Required),
        "ANY" => Ok(Choice::Named(names)),
        _ => Err(Fault::invalid(
            "",
            format!("function_calling_config.mode: Invalid value '{mode}'"),
        )),
    }
}

fn settings(config: &Value, ask: &mut Ask) -> Result<(), Fault> {
    only(config, &CONFIG, "generation_config")?;
    check::sampling(check::object(config, "generation_config")?, 2.0)?;
    ask.stop = check::strings(member(config, "stopSequences"));
    if ask.stop.len() > 5 {
        return Err(Fault::invalid("", "stop_sequences: at most 5 are allowed"));
    }
    ask.limit = member(config, "maxOutputTokens").and_then(Value::as_u64);
    let json =
        member(config, "responseMimeType").and_then(Value::as_str) == Some("application/json");
    let schemas = (
        member(config, "responseSchema"),
        member(config, "responseJsonSchema"),
    );
    ask.form = match schemas {
        (Some(_), Some(_)) => {
            return Err(Fault::invalid(
                "",
                "response_schema and response_json_schema exclude each other",
            ));
        }
        (None, None) if json => Form::Json,
        (None, None) => Form::Text,
        _ if !json => {
            return Err(Fault::invalid(
                "",
                "a response schema needs the response mime type application/json",
            ));
        }
        (one, other) => one
            .or(other)
            .map_or(Form::Json, |schema| Form::Schema(schema.clone())),
    };
    if let Some(thinking) = member(config, "thinkingConfig") {
        ask.thought = thought(thinking)?;
    }
    Ok(())
}

fn thought(thinking: &Value) -> Result<Thought, Fault> {
    only(
        thinking,
        &["includeThoughts", "thinkingBudget", "thinkingLevel"],
        "generation_config.thinking_config",
    )?;
    let budget = member(thinking, "thinkingBudget").and_then(Value::as_i64);
    let level = member(thinking, "thinkingLevel").and_then(Value::as_str);
    if budget.is_some() && level.is_some() {
        return Err(Fault::invalid(
            "",
            "You can only set one of thinking budget and thinking level.",
        ));
    }
    let shown = member(thinking, "includeThoughts").and_then(Value::as_bool) == Some(true);
    Ok(match (shown, budget, level) {
        (_, Some(0), _) => Thought::Off,
        (true, _, _) => Thought::Shown,
        (false, None, None) => Thought::Off,
        (false, _, _) => Thought::Hidden,
    })
}
