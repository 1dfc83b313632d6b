//! History as Google's SDKs return it.

use serde_json::json;

use super::thinking;
use crate::envelope;
use crate::gemini::decode_request;
use crate::ir::{Kind, Part, Role};

#[test]
fn the_chunks_of_a_streamed_answer_are_one_turn() {
    let state = envelope::seal_base64(&[thinking()]);
    let body = json!({"contents": [
        {"role": "user", "parts": [{"text": "q"}]},
        {"role": "model", "parts": [{"text": "I ", "thought": true}]},
        {"role": "model", "parts": [{"text": "see", "thought": true}]},
        {"role": "model", "parts": [{"text": "The qui", "thoughtSignature": state}]},
        {"role": "model", "parts": [{"text": "ck \"brow"}]},
        {"role": "model", "parts": [{"text": "n\""}]},
        {"role": "model", "parts": [{"text": "", "thoughtSignature": "QUJD"}]},
        {"role": "model", "parts": [{"text": "fox"}]},
        {"role": "model", "parts": [{"functionCall": {"name": "f", "args": {}}}]},
        {"role": "model", "parts": [{"functionCall": {"name": "f", "args": {}}}]},
        {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {"output": "1"}}}]},
        {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {"output": "2"}}}]},
    ]})
    .to_string();
    let request = decode_request(body.as_bytes()).expect("is a request");
    let roles: Vec<Role> = request.turns.iter().map(|turn| turn.role).collect();
    assert_eq!(roles, [Role::User, Role::Assistant, Role::User, Role::User]);
    let told = |part: &Part<'_>| match &part.kind {
        Kind::Text { text, .. } => format!("text {}+{}", text.as_str(), part.opaque.len()),
        Kind::Reasoning { text } => format!("thought {}+{}", text.as_str(), part.opaque.len()),
        Kind::ToolCall(call) => format!("call {}", call.id),
        Kind::ToolResult(result) => format!("result {}", result.id),
        other => unreachable!("{other:?}"),
    };
    let parts = request.turns[1..].iter().flat_map(|turn| &turn.parts);
    let want = [
        "thought I see+0",
        "thought +1",
        "text The quick \"brown\"+0",
        "thought +1",
        "text fox+0",
        "call call_8_0",
        "call call_9_0",
        "result call_8_0",
        "result call_9_0",
    ];
    assert_eq!(parts.map(told).collect::<Vec<_>>(), want);
}
