//! The request that a trial of routes is about: pasted, or out of the request log.

use poem_openapi::types::Any;
use serde_json::Value;
use translator::Dialect;

use super::Admin;
use super::logs::{bodies, unknown};
use super::person::Identity;
use super::problem::{Answer, Problem};
use super::requests::bound_to;

/// What is tried.
pub(super) struct Subject {
    pub(super) dialect: Dialect,
    pub(super) body: Value,
    /// The model that was asked for, where the body does not say.
    pub(super) model: Option<String>,
}

/// A dialect by its name.
pub(super) fn dialect(name: &str) -> Answer<Dialect> {
    Dialect::parse(name).ok_or_else(|| {
        let words = Dialect::ALL.map(Dialect::as_str).join(", ");
        Problem::invalid(
            "dialect",
            "there is no such dialect",
            format!("use one of {words}"),
        )
    })
}

/// What somebody has pasted.
pub(super) fn pasted(request: Option<Any<Value>>) -> Answer<Subject> {
    let Some(Any(request)) = request else {
        return Err(Problem::invalid(
            "request",
            "there is nothing to try",
            "give a request, or the id of one in the log as `request_id`",
        ));
    };
    let body = match request {
        Value::String(text) => serde_json::from_str(&text).map_err(|error| {
            Problem::invalid(
                "request",
                format!("this text is no JSON: {error}"),
                "paste the body of a request alone",
            )
        })?,
        other => other,
    };
    Ok(Subject {
        dialect: told(&body),
        body,
        model: None,
    })
}

/// A request of the log, as it was captured.
pub(super) async fn logged(admin: &Admin, who: &Identity, id: &str) -> Answer<Subject> {
    let store = admin.control.store();
    let bound = bound_to(who);
    let row = store.request(id, bound.as_deref()).await.map_err(unknown)?;
    let (_, capture) = store.request_details(id).await?;
    let bodies = bodies(store, who, &row, capture)?;
    let refused = |what: &str, fix: &str| Problem::invalid("request_id", what, fix);
    let bodies = bodies.ok_or_else(|| {
        refused(
            "the body of this request was not captured, or you may not see it",
            "switch CAPTURE on and repeat the request, or paste it",
        )
    })?;
    let client = &bodies["client_request"];
    if client["truncated"] == true {
        return Err(refused(
            "the request was too long to be captured whole",
            "paste it",
        ));
    }
    let text = client["text"].as_str().unwrap_or_default();
    let body = serde_json::from_str(text)
        .map_err(|_| refused("what was captured is no JSON", "paste a request"))?;
    Ok(Subject {
        dialect: dialect(&row.ingress)?,
        body,
        model: Some(row.model_asked),
    })
}

/// The dialect that a body looks like.
fn told(body: &Value) -> Dialect {
    let has = |member: &str| body.get(member).is_some();
    if has("contents") {
        return Dialect::Gemini;
    }
    if has("input") || has("previous_response_id") {
        return Dialect::OpenAiResponses;
    }
    let messages = body["messages"].as_array();
    let messages = messages.map(Vec::as_slice).unwrap_or_default();
    let blocks = messages
        .iter()
        .filter_map(|message| message["content"].as_array())
        .flatten();
    let anthropic = ["tool_use", "tool_result", "thinking", "image", "document"];
    let has_blocks = blocks
        .filter_map(|block| block["type"].as_str())
        .any(|kind| anthropic.contains(&kind));
    let has_tools = body["tools"][0].get("input_schema").is_some();
    let is_chat = messages.iter().any(|message| {
        matches!(
            message["role"].as_str(),
            Some("system" | "developer" | "tool")
        )
    });
    // Chat has no `system` beside the messages; `max_tokens` alone is what a small Anthropic request has.
    let looks_small = has("max_tokens") && !is_chat && !has("n") && !has("stream_options");
    if has("system") || has("thinking") || has_blocks || has_tools || looks_small {
        Dialect::Anthropic
    } else {
        Dialect::OpenAiChat
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_body_tells_its_dialect() {
        let said = json!([{"role": "user", "content": "a"}]);
        for (body, dialect) in [
            (json!({"contents": []}), Dialect::Gemini),
            (
                json!({"model": "m", "input": "a"}),
                Dialect::OpenAiResponses,
            ),
            (json!({"model": "m", "messages": said}), Dialect::OpenAiChat),
            (
                json!({"model": "m", "max_tokens": 5, "messages": said}),
                Dialect::Anthropic,
            ),
            (
                json!({"max_tokens": 5, "messages": [{"role": "system", "content": "a"}]}),
                Dialect::OpenAiChat,
            ),
            (json!({"system": "s", "messages": said}), Dialect::Anthropic),
            (
                json!({"messages": said, "tools": [{"name": "f", "input_schema": {}}]}),
                Dialect::Anthropic,
            ),
        ] {
            assert_eq!(told(&body), dialect, "{body}");
        }
    }
}
