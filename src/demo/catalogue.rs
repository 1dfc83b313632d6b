//! The models that the demo upstream offers, in the shape of each vendor. Other names are welcome too, so that a client
//! need not change its own; only names that begin with `missing` are unknown.

use serde_json::{Value, json};

use super::ask::Dialect;
use super::fault::Fault;

const MODELS: [&str; 3] = ["demo-model", "demo-small", "demo-embedding"];

/// Refuses an unknown model.
pub(super) fn known(model: &str) -> Result<(), Fault> {
    if model.starts_with("missing") {
        Err(Fault::unknown_model(model))
    } else {
        Ok(())
    }
}

/// All models.
pub(super) fn list(dialect: Dialect) -> Value {
    let models: Vec<Value> = MODELS.iter().map(|name| entry(dialect, name)).collect();
    match dialect {
        Dialect::Chat | Dialect::Responses => json!({"object": "list", "data": models}),
        Dialect::Messages => {
            json!({"data": models, "has_more": false, "first_id": MODELS[0], "last_id": MODELS[2]})
        }
        Dialect::Gemini => json!({"models": models}),
    }
}

/// One model.
pub(super) fn one(dialect: Dialect, model: &str) -> Result<Value, Fault> {
    known(model)?;
    Ok(entry(dialect, model))
}

fn entry(dialect: Dialect, model: &str) -> Value {
    match dialect {
        Dialect::Chat | Dialect::Responses => {
            json!({"id": model, "object": "model", "created": 1_790_000_000, "owned_by": "demo"})
        }
        Dialect::Messages => anthropic(model),
        Dialect::Gemini => json!({
            "name": format!("models/{model}"),
            "version": "1",
            "displayName": model,
            "description": "The built-in demo upstream",
            "inputTokenLimit": 1_000_000,
            "outputTokenLimit": 64_000,
            "supportedGenerationMethods": ["generateContent", "countTokens", "embedContent", "batchEmbedContents"],
            "thinking": true,
        }),
    }
}

fn anthropic(model: &str) -> Value {
    let yes = json!({"supported": true});
    let no = json!({"supported": false});
    json!({
        "id": model,
        "type": "model",
        "display_name": model,
        "created_at": "2026-09-22T00:00:00Z",
        "capabilities": {
            "batch": no, "citations": no, "code_execution": no,
            "context_management": {"supported": false, "clear_thinking_20251015": no, "clear_tool_uses_20250919": no, "compact_20260112": no},
            "effort": {"supported": true, "low": yes, "medium": yes, "high": yes, "max": yes, "xhigh": yes},
            "image_input": yes, "pdf_input": yes,
            "server_tools": {"supported": false, "code_execution": no, "web_search": no},
            "structured_outputs": yes,
            "thinking": {"supported": true, "types": {"adaptive": yes, "between_tools": yes, "disabled": yes, "enabled": yes}},
        },
        "deprecated_at": null,
        "lifecycle": "active",
        "line": null,
        "max_input_tokens": 1_000_000,
        "max_tokens": 64_000,
        "retires_at": null,
    })
}
