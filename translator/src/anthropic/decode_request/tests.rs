use serde_json::{Value, json};

use super::*;
use crate::ir::{Kind, Opaque, OpaqueKind, ServerTool, ToolChoice, ToolKind};
use crate::{capability, envelope};

fn decode(body: &Value) -> Request<'static> {
    let bytes: &'static [u8] = Box::leak(body.to_string().into_bytes().into_boxed_slice());
    decode_request(bytes).expect("a request")
}

/// What Claude Code sends: attribution, system messages, deferred tools, results in order of completion.
fn agent() -> Value {
    json!({
        "model": "claude-opus-4-8", "max_tokens": 64000, "stream": true,
        "thinking": {"type": "adaptive", "display": "omitted"},
        "output_config": {"effort": "high", "task_budget": {"total": 5}},
        "context_management": {"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]},
        "metadata": {"user_id": "{\"device\":1}"},
        "safeguards": [],
        "system": [
            {"type": "text", "text": "x-anthropic-billing-header: cc_version=2; cc_entrypoint=cli"},
            {"type": "text", "text": "You help.", "cache_control": {"type": "ephemeral"}},
            {"type": "text", "text": "Long.", "cache_control": {"type": "ephemeral", "ttl": "1h"}}
        ],
        "tools": [
            {"name": "Bash", "description": "run", "input_schema": {"$schema": "x", "type": "object", "properties": {}}},
            {"name": "Late", "description": "d", "input_schema": {"type": "object"}, "defer_loading": true, "strict": true},
            {"type": "web_search_20250305", "name": "web_search", "max_uses": 8},
            {"type": "bash_20250124", "name": "bash"},
            {"type": "tool_search_tool_regex_20251119", "name": "tool_search_tool_regex"}
        ],
        "tool_choice": {"type": "tool", "name": "Bash", "disable_parallel_tool_use": true},
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "hi"}, {"type": "container_upload", "file_id": "f"}]},
            {"role": "system", "content": [{"type": "text", "text": "note", "cache_control": {"type": "ephemeral"}}]},
            {"role": "assistant", "content": [
                {"type": "thinking", "thinking": "hm \"so\"\n", "signature": "EqQB"},
                {"type": "text", "text": "ok", "citations": null},
                {"type": "tool_use", "id": "toolu_a", "name": "Bash", "input": {"b": 1, "a": 2}},
                {"type": "tool_use", "id": "toolu_b", "name": "ToolSearch", "input": {}}]},
            {"role": "user", "content": [
                {"tool_use_id": "toolu_b", "type": "tool_result", "content": [{"type": "tool_reference", "tool_name": "Late"}]},
                {"tool_use_id": "toolu_a", "type": "tool_result", "content": "out", "is_error": true, "cache_control": {"type": "ephemeral"}}]},
            {"role": "system", "content": "<total_tokens>9</total_tokens>"},
            {"role": "system", "content": [], "output_config": {"effort": "medium"}}
        ]
    })
}

#[test]
fn the_body_of_an_agent_is_understood() {
    let request = decode(&agent());
    assert!(request.stream);
    assert_eq!(request.instructions.len(), 2);
    assert_eq!(
        request.instructions[1].cache.and_then(|mark| mark.ttl),
        Some(3600)
    );
    assert_eq!(request.parallel, Some(false));
    assert_eq!(request.tool_choice, Some(ToolChoice::Named("Bash".into())));
    assert_eq!(request.reasoning.mode, ReasoningMode::Adaptive);
    assert_eq!(request.reasoning.effort, Some(Effort::High));
    assert_eq!(request.reasoning.show, Show::Hidden);
    let roles: Vec<Role> = request.turns.iter().map(|turn| turn.role).collect();
    assert_eq!(
        roles,
        [
            Role::User,
            Role::System,
            Role::Assistant,
            Role::User,
            Role::System
        ]
    );

    let policies: Vec<_> = request
        .residue
        .iter()
        .map(|member| (&*member.field, member.policy))
        .collect();
    assert!(
        policies.contains(&(ATTRIBUTION_FIELD, Policy::Silent)),
        "{policies:?}"
    );
    assert!(
        policies.contains(&("context_management", Policy::Silent)),
        "{policies:?}"
    );
    assert!(
        policies.contains(&("output_config.task_budget", Policy::Report)),
        "{policies:?}"
    );

    let Kind::Reasoning { text } = &request.turns[2].parts[0].kind else {
        unreachable!("thinking comes first")
    };
    assert_eq!(text.as_str(), "hm \"so\"\n");
    let state: Value =
        serde_json::from_str(&request.turns[2].parts[0].opaque[0].state).expect("a block");
    assert_eq!(
        state,
        json!({"type": "thinking", "thinking": "hm \"so\"\n", "signature": "EqQB"})
    );

    let Kind::ToolResult(first) = &request.turns[3].parts[0].kind else {
        unreachable!("results come first")
    };
    let Kind::Other {
        tag,
        text: Some(text),
        ..
    } = &first.content[0].kind
    else {
        unreachable!("a reference")
    };
    assert_eq!(
        (&**tag, &*text.as_str()),
        ("tool_reference", "[tool available: Late]")
    );
    let Kind::ToolResult(second) = &request.turns[3].parts[1].kind else {
        unreachable!("results come first")
    };
    assert!(second.is_error && request.turns[3].parts[1].cache.is_some());
}

#[test]
fn tools_have_their_kinds() {
    let request = decode(&agent());
    let kinds: Vec<_> = request
        .tools
        .iter()
        .map(|tool| (&*tool.name, tool.raw.is_some()))
        .collect();
    let want = [
        ("Bash", false),
        ("Late", true),
        ("web_search", true),
        ("bash", true),
        ("tool_search_tool_regex", true),
    ];
    assert_eq!(kinds, want);
    assert!(matches!(
        request.tools[2].kind,
        ToolKind::Server(ServerTool::WebSearch)
    ));
    assert!(matches!(&request.tools[3].kind, ToolKind::Vendor { tag } if tag == "bash_20250124"));
    assert!(matches!(
        request.tools[4].kind,
        ToolKind::Server(ServerTool::Other)
    ));
    assert_eq!(request.tools[1].strict, Some(true));
}

#[test]
fn envelopes_are_opened() {
    let state = Opaque {
        origin: Dialect::Gemini,
        provider: Some("google".into()),
        model: None,
        kind: OpaqueKind::Signature,
        state: "c2ln".into(),
    };
    let sealed = envelope::seal(std::slice::from_ref(&state));
    let request = decode(&json!({"model": "m", "max_tokens": 1, "messages": [
        {"role": "user", "content": "q"},
        {"role": "assistant", "content": [
            {"type": "thinking", "thinking": "t", "signature": sealed},
            {"type": "redacted_thinking", "data": sealed},
            {"type": "thinking", "thinking": "u", "signature": ""},
            {"type": "redacted_thinking", "data": "hub1.damaged"},
            {"type": "text", "text": "a"}]}]}));
    let states: Vec<usize> = request.turns[1]
        .parts
        .iter()
        .map(|part| part.opaque.len())
        .collect();
    assert_eq!(states, [1, 1, 0, 0, 0]);
    assert_eq!(request.turns[1].parts[1].opaque[0], state);
}

#[test]
fn media_documents_and_vendor_steps_are_read() {
    let request = decode(
        &json!({"model": "m", "messages": [{"role": "user", "content": [
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}},
        {"type": "image", "source": {"type": "url", "url": "https://x/y.png"}},
        {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "words"}, "title": "T", "context": "C", "citations": {"enabled": true}},
        {"type": "document", "source": {"type": "content", "content": [{"type": "text", "text": "in"}]}},
        {"type": "document", "source": {"type": "file", "file_id": "file_1"}},
        {"type": "search_result", "source": "https://s", "title": "S", "content": [{"type": "text", "text": "body"}]},
        {"type": "new_block", "text": "kept", "x": 1}]},
        {"role": "assistant", "content": [
            {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "rust"}},
            {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": [{"type": "web_search_result", "title": "R", "url": "https://r", "encrypted_content": "e"}]}]}]}),
    );
    let kinds: Vec<String> = request
        .turns
        .iter()
        .flat_map(|turn| &turn.parts)
        .map(|part| format!("{:?}", part.kind))
        .collect();
    let want = [
        "Base64",
        "Url",
        "title: Some",
        "Parts(",
        "File",
        "S\\nhttps://s\\nbody",
        "kept",
        "[web_search: rust]",
        "[web search result: R https://r]",
    ];
    for (kind, want) in kinds.iter().zip(want) {
        assert!(kind.contains(want), "{kind} should hold {want}");
    }
    assert!(kinds[2].contains("citations: true"));
}

#[test]
fn bad_requests_are_refused_by_name() {
    let cases = [
        (
            json!({"model": "m", "messages": [], "thread": {"type": "create"}}),
            Some("thread"),
        ),
        (json!({"messages": []}), Some("model")),
        (json!({"model": "m"}), Some("messages")),
        (json!({"model": "m", "messages": 3}), None),
    ];
    for (body, param) in cases {
        let refusal = decode_request(body.to_string().as_bytes()).expect_err("not a request");
        assert_eq!(refusal.param.as_deref(), param, "{refusal}");
    }
}

#[test]
fn nulls_and_loose_forms_are_taken() {
    let request = decode(
        &json!({"model": "m", "messages": [{"role": "user", "content": {"type": "text", "text": "x"}}],
        "tools": null, "system": null, "stop_sequences": "END", "temperature": "0.5", "thinking": {"type": "enabled", "budget_tokens": 2048.0}}),
    );
    assert_eq!(request.stop[0].as_str(), "END");
    assert_eq!(request.sampling.temperature, Some(0.5));
    assert_eq!(request.reasoning.budget, Some(2048));
    assert!(capability::of(Dialect::Anthropic, "m").assumed);
}

#[test]
fn an_attribution_line_hides_no_text_behind_it() {
    for system in [
        json!("x-anthropic-billing-header: cch=1;\nYou help."),
        json!([{"type": "text", "text": "x-anthropic-billing-header: cch=1;\nYou help."}]),
        json!([{"type": "text", "text": "x-anthropic-billing-header: cch=1;"}, {"type": "text", "text": "You help."}]),
    ] {
        let body = json!({"model": "m", "system": system, "messages": [{"role": "user", "content": "hi"}]}).to_string();
        let request = decode_request(body.as_bytes()).expect("a request");
        let texts: Vec<_> = request
            .instructions
            .iter()
            .map(|one| one.text.as_str())
            .collect();
        assert_eq!(texts, ["You help."]);
    }
}
