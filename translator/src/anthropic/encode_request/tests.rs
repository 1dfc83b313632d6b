use serde_json::{Value, json};

use super::super::proof::{COUNT, REQUEST, check, target};
use super::*;
use crate::envelope;
use crate::ir::{Effort, Opaque, OpaqueKind, ReasoningMode};

fn decode(body: &Value) -> Request<'static> {
    let bytes: &'static [u8] = Box::leak(body.to_string().into_bytes().into_boxed_slice());
    super::super::decode_request(bytes).expect("a request")
}

/// A request as if it had come in the Chat dialect.
fn foreign(body: &Value) -> Request<'static> {
    let mut request = decode(body);
    request.dialect = Dialect::OpenAiChat;
    request
}

fn encode(request: &Request<'_>, model: &'static str) -> (Value, Outbound) {
    let outbound = encode_request(request, &target(model)).expect("can be carried");
    let body: Value = serde_json::from_slice(&outbound.body).expect("JSON");
    check(REQUEST, &body, model);
    (body, outbound)
}

fn ask() -> Value {
    json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]})
}

fn with(extra: &Value) -> Value {
    let mut body = ask();
    for (key, value) in extra.as_object().expect("members") {
        body[key] = value.clone();
    }
    body
}

const TOOL: &str =
    r#"[{"name":"f","input_schema":{"type":"object","properties":{"a":{"type":"integer"}}}}]"#;

fn tools() -> Value {
    serde_json::from_str(TOOL).expect("JSON")
}

#[test]
fn thinking_follows_the_model() {
    let effort = |effort| move |request: &mut Request<'_>| request.reasoning.effort = Some(effort);
    let off = |request: &mut Request<'_>| request.reasoning.mode = ReasoningMode::Off;
    type Change = Box<dyn Fn(&mut Request<'_>)>;
    let cases: Vec<(&str, &str, Change, Value, Value)> = vec![
        (
            "nothing said",
            "claude-opus-4-8",
            Box::new(|_| {}),
            Value::Null,
            Value::Null,
        ),
        (
            "effort, adaptive",
            "claude-opus-4-8",
            Box::new(effort(Effort::XHigh)),
            json!({"type": "adaptive", "display": "summarized"}),
            json!({"effort": "xhigh"}),
        ),
        (
            "effort, 4.6 knows no xhigh",
            "claude-opus-4-6",
            Box::new(effort(Effort::XHigh)),
            json!({"type": "adaptive", "display": "summarized"}),
            json!({"effort": "high"}),
        ),
        (
            "minimal is low",
            "claude-opus-4-8",
            Box::new(effort(Effort::Minimal)),
            json!({"type": "adaptive", "display": "summarized"}),
            json!({"effort": "low"}),
        ),
        (
            "effort, budget",
            "claude-sonnet-4-5",
            Box::new(effort(Effort::Medium)),
            json!({"type": "enabled", "budget_tokens": 8192, "display": "summarized"}),
            Value::Null,
        ),
        (
            "off",
            "claude-opus-4-8",
            Box::new(off),
            json!({"type": "disabled"}),
            Value::Null,
        ),
        (
            "off, budget",
            "claude-sonnet-4-5",
            Box::new(off),
            json!({"type": "disabled"}),
            Value::Null,
        ),
        (
            "off cannot be",
            "claude-opus-5-5",
            Box::new(off),
            json!({"type": "adaptive"}),
            json!({"effort": "low"}),
        ),
        (
            "off, between tools",
            "claude-sonnet-5-5",
            Box::new(off),
            json!({"type": "between_tools"}),
            Value::Null,
        ),
        (
            "no reasoning",
            "claude-3-5-haiku-latest",
            Box::new(effort(Effort::High)),
            Value::Null,
            Value::Null,
        ),
    ];
    for (case, model, change, thinking, config) in cases {
        let mut request = foreign(&ask());
        change(&mut request);
        let (mut body, _) = encode(&request, Box::leak(model.to_owned().into_boxed_str()));
        if thinking["display"].is_null()
            && let Some(thinking) = body["thinking"].as_object_mut()
        {
            thinking.remove("display");
        }
        assert_eq!(body["thinking"], thinking, "{case}");
        assert_eq!(body["output_config"], config, "{case}");
    }
}

#[test]
fn budgets_fit_the_output_limit() {
    // limit, wanted, budget sent, limit sent
    let cases = [
        (Some(32000), 31999, Some(24000), 32000),
        (Some(32000), 4096, Some(4096), 32000),
        (Some(1100), 4096, Some(1024), 1100),
        (Some(1000), 4096, None, 1000),
        (Some(900_000), 4096, Some(4096), 64000),
        (None, 8192, Some(8192), 40192),
    ];
    for (limit, wanted, budget, max) in cases {
        let mut body = with(
            &json!({"thinking": {"type": "enabled", "budget_tokens": wanted}, "temperature": 0.3}),
        );
        if let Some(limit) = limit {
            body["max_tokens"] = json!(limit);
        }
        let (sent, outbound) = encode(&decode(&body), "claude-haiku-4-5");
        assert_eq!(
            sent["thinking"]["budget_tokens"].as_i64(),
            budget,
            "{limit:?}"
        );
        assert_eq!(sent["max_tokens"], max, "{limit:?}");
        let dropped = outbound
            .report
            .entries()
            .iter()
            .any(|entry| entry.code() == "dropped:temperature");
        assert_eq!(dropped, budget.is_some(), "{limit:?}");
    }
}

#[test]
fn sampling_is_what_the_model_takes() {
    let wish = json!({"temperature": 1.7, "top_p": 0.5, "top_k": 3});
    let (body, outbound) = encode(&foreign(&with(&wish)), "claude-sonnet-4-5");
    assert_eq!(
        (&body["temperature"], &body["top_p"], &body["top_k"]),
        (&json!(1), &Value::Null, &json!(3))
    );
    assert_eq!(
        outbound.report.header(),
        "dropped:top_p,clamped:temperature"
    );
    let (body, outbound) = encode(&foreign(&with(&wish)), "claude-opus-4-8");
    assert!(body.get("temperature").is_none() && body.get("top_k").is_none());
    assert_eq!(
        outbound.report.header(),
        "dropped:temperature,dropped:top_p,dropped:top_k"
    );
    let (_, outbound) = encode(
        &foreign(&with(&json!({"temperature": 1, "top_p": 1}))),
        "claude-opus-4-8",
    );
    assert!(
        outbound.report.is_empty(),
        "defaults are no loss: {}",
        outbound.report.header()
    );
}

#[test]
fn forced_choice_where_it_is_refused() {
    let body = with(&json!({"tools": tools(), "tool_choice": {"type": "tool", "name": "f"}}));
    let (sent, _) = encode(&foreign(&body), "claude-opus-5");
    assert_eq!(sent["tool_choice"], json!({"type": "tool", "name": "f"}));

    let (sent, outbound) = encode(&foreign(&body), "claude-opus-5-5");
    assert_eq!(sent["tool_choice"], json!({"type": "auto"}));
    assert_eq!(sent["tools"][0]["strict"], true);
    let blocks = sent["messages"][0]["content"].as_array().expect("blocks");
    assert_eq!(
        blocks.last().expect("a block")["text"],
        "Use the tool \"f\" to answer."
    );
    assert_eq!(outbound.report.header(), "emulated:tool_choice");

    // A wish to think gives way to the force.
    let mut request = foreign(&body);
    request.reasoning.effort = Some(Effort::Max);
    let (sent, outbound) = encode(&request, "claude-opus-4-6");
    assert_eq!(
        (&sent["thinking"]["type"], &sent["tool_choice"]["type"]),
        (&json!("disabled"), &json!("tool"))
    );
    assert_eq!(sent["output_config"]["effort"], "high");
    assert!(outbound.report.first_loss().is_some());
}

#[test]
fn choice_and_parallel_calls() {
    let cases = [
        (
            json!({"type": "auto", "disable_parallel_tool_use": true}),
            json!({"type": "auto", "disable_parallel_tool_use": true}),
        ),
        (
            json!({"type": "none", "disable_parallel_tool_use": true}),
            json!({"type": "none"}),
        ),
        (json!({"type": "any"}), json!({"type": "any"})),
        (
            json!({"type": "tool", "name": "gone"}),
            json!({"type": "auto"}),
        ),
    ];
    for (given, sent) in cases {
        let (body, _) = encode(
            &foreign(&with(&json!({"tools": tools(), "tool_choice": given}))),
            "claude-opus-4-8",
        );
        assert_eq!(body["tool_choice"], sent, "{given}");
    }
    let (body, _) = encode(
        &foreign(&with(&json!({"tool_choice": {"type": "any"}}))),
        "claude-opus-4-8",
    );
    assert!(body.get("tool_choice").is_none(), "no choice without tools");
}

#[test]
fn turns_are_arranged() {
    let body = json!({"model": "m", "tools": tools(), "messages": [
        {"role": "assistant", "content": "begun"},
        {"role": "user", "content": "a"}, {"role": "user", "content": "  "}, {"role": "user", "content": "b"},
        {"role": "system", "content": "one"}, {"role": "system", "content": "two"},
        {"role": "assistant", "content": [{"type": "thinking", "thinking": "t", "signature": ""},
            {"type": "tool_use", "id": "call.0", "name": "f", "input": {"a": 1}}, {"type": "text", "text": ""}]},
        {"role": "system", "content": "three"},
        {"role": "user", "content": [{"type": "text", "text": "late"}, {"type": "tool_result", "tool_use_id": "call.0", "content": "r"}]},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "call.0", "name": "f", "input": {}}]}]});
    let (sent, _) = encode(&foreign(&body), "claude-opus-4-8");
    let messages = sent["messages"].as_array().expect("messages");
    let roles: Vec<&str> = messages
        .iter()
        .filter_map(|message| message["role"].as_str())
        .collect();
    assert_eq!(
        roles,
        [
            "user",
            "assistant",
            "user",
            "system",
            "assistant",
            "user",
            "assistant",
            "user"
        ]
    );
    assert_eq!(
        messages[2]["content"].as_array().map(Vec::len),
        Some(2),
        "blank text is gone"
    );
    assert_eq!(messages[3]["content"][1]["text"], "two");
    let (first, second) = (
        &messages[4]["content"][0]["id"],
        &messages[6]["content"][0]["id"],
    );
    assert_ne!(first, second, "ids are unique");
    assert_eq!(
        &messages[5]["content"][0]["tool_use_id"], first,
        "results come first"
    );
    assert_eq!(
        messages[5]["content"][1]["text"],
        "<system_note>three</system_note>"
    );
    assert_eq!(&messages[7]["content"][0]["tool_use_id"], second);
    assert_eq!(messages[7]["content"][0]["is_error"], true);

    let (sent, _) = encode(&foreign(&body), "claude-sonnet-4-5");
    assert_eq!(
        sent["messages"][2]["content"][2]["text"],
        "<system_note>one</system_note>"
    );
}

#[test]
fn a_longer_conversation_keeps_its_prefix() {
    let turns = [
        json!({"role": "user", "content": "a"}),
        json!({"role": "system", "content": "s"}),
        json!({"role": "assistant", "content": [{"type": "tool_use", "id": "x", "name": "f", "input": {}}]}),
        json!({"role": "user", "content": [{"type": "tool_result", "tool_use_id": "x", "content": "r"}]}),
        json!({"role": "system", "content": "left"}),
        json!({"role": "assistant", "content": "done"}),
        json!({"role": "user", "content": "b"}),
    ];
    for model in ["claude-opus-4-8", "claude-sonnet-4-5"] {
        let mut before: Vec<Value> = Vec::new();
        for upto in [2, 5, 7] {
            let body = json!({"model": "m", "tools": tools(), "messages": turns[..upto]});
            let (sent, _) = encode(&foreign(&body), model);
            let now = sent["messages"].as_array().expect("messages").clone();
            assert_eq!(now[..before.len()], before[..], "{model} {upto}");
            before = now;
        }
    }
}

#[test]
fn prefill_only_where_the_model_continues() {
    let mut body = ask();
    body["messages"] = json!([{"role": "user", "content": "q"}, {"role": "assistant", "content": "The answer is  "}]);
    let (sent, _) = encode(&foreign(&body), "claude-sonnet-4-5");
    assert_eq!(sent["messages"][1]["content"][0]["text"], "The answer is");
    let (sent, outbound) = encode(&foreign(&body), "claude-opus-4-8");
    assert_eq!(sent["messages"][2]["content"][0]["text"], CONTINUE);
    assert_eq!(outbound.report.header(), "degraded:messages");
}

#[test]
fn own_thinking_goes_back_and_foreign_thinking_does_not() {
    let own = |provider: &'static str| Opaque {
        origin: Dialect::Anthropic,
        provider: Some(provider.into()),
        model: None,
        kind: OpaqueKind::Thinking,
        state: r#"{"type":"thinking","thinking":"exact","signature":"S"}"#.into(),
    };
    let body = |signature: String| {
        json!({"model": "m", "tools": tools(), "max_tokens": 9000, "thinking": {"type": "enabled", "budget_tokens": 2000}, "messages": [
            {"role": "user", "content": "q"},
            {"role": "assistant", "content": [{"type": "thinking", "thinking": "shown", "signature": signature},
                {"type": "tool_use", "id": "x", "name": "f", "input": {}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "x", "content": "r"}]}]})
    };
    let (sent, _) = encode(
        &decode(&body(envelope::seal(&[own("claude")]))),
        "claude-sonnet-4-5",
    );
    assert_eq!(sent["messages"][1]["content"][0]["thinking"], "exact");
    assert_eq!(sent["thinking"]["type"], "enabled");
    let (sent, outbound) = encode(
        &decode(&body(envelope::seal(&[own("other")]))),
        "claude-sonnet-4-5",
    );
    assert_eq!(sent["messages"][1]["content"][0]["type"], "tool_use");
    assert_eq!(
        sent["thinking"],
        json!({"type": "disabled"}),
        "the loop lacks its thinking"
    );
    assert_eq!(outbound.report.header(), "degraded:thinking");
    let (sent, _) = encode(&decode(&body("EqNative".into())), "claude-sonnet-4-5");
    assert_eq!(sent["messages"][1]["content"][0]["signature"], "EqNative");
}

#[test]
fn cache_marks_are_few_and_in_order() {
    let mark = |ttl: &str| json!({"type": "ephemeral", "ttl": ttl});
    let mut body = with(
        &json!({"tools": tools(), "system": [{"type": "text", "text": "s", "cache_control": mark("5m")}]}),
    );
    body["tools"][0]["cache_control"] = mark("5m");
    body["messages"] = json!([{"role": "user", "content": (0..4).map(|n| json!({"type": "text", "text": format!("{n}"), "cache_control": mark("1h")})).collect::<Vec<_>>()}]);
    let (sent, outbound) = encode(&decode(&body), "claude-opus-4-8");
    assert!(
        sent["tools"][0].get("cache_control").is_none()
            && sent["system"][0].get("cache_control").is_none()
    );
    assert_eq!(
        sent["messages"][0]["content"][3]["cache_control"]["ttl"],
        "1h"
    );
    assert_eq!(outbound.report.header(), "dropped:cache_control");

    body["messages"] = json!([{"role": "user", "content": [{"type": "text", "text": "q", "cache_control": mark("1h")}]}]);
    let (sent, outbound) = encode(&decode(&body), "claude-opus-4-8");
    assert_eq!(
        sent["messages"][0]["content"][0]["cache_control"],
        json!({"type": "ephemeral"})
    );
    assert_eq!(outbound.report.header(), "clamped:cache_control");
}

#[test]
fn automatic_caching_for_clients_that_expect_it() {
    let encode = |request: &Request<'_>| {
        let target = Target {
            auto_cache: true,
            ..target("claude-opus-4-8")
        };
        let outbound = encode_request(request, &target).expect("can be carried");
        serde_json::from_slice::<Value>(&outbound.body).expect("JSON")["cache_control"].is_object()
    };
    let with_tools = with(&json!({"tools": tools()}));
    assert!(encode(&foreign(&with_tools)));
    assert!(!encode(&foreign(&ask())), "a single short question");
    assert!(
        !encode(&decode(&with_tools)),
        "clients of this dialect mark by themselves"
    );
    let mut explicit = foreign(&with_tools);
    explicit.cache.explicit = true;
    assert!(!encode(&explicit));
}

#[test]
fn the_form_of_the_answer() {
    let schema = json!({"output_config": {"format": {"type": "json_schema", "schema": {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": false}}}});
    let (sent, outbound) = encode(&foreign(&with(&schema)), "claude-opus-4-8");
    assert_eq!(sent["output_config"]["format"]["type"], "json_schema");
    assert!(outbound.undo.is_empty());
    let (sent, outbound) = encode(&foreign(&with(&schema)), "claude-3-7-sonnet-latest");
    assert!(
        sent["system"][0]["text"]
            .as_str()
            .is_some_and(|text| text.contains("\"required\":[\"a\"]"))
    );
    assert!(outbound.undo.strip_fence);
    let mut json_mode = foreign(&ask());
    json_mode.output = crate::ir::Output::Json;
    let (sent, outbound) = encode(&json_mode, "claude-opus-4-8");
    assert!(
        sent["system"][0]["text"]
            .as_str()
            .is_some_and(|text| text.contains("JSON object"))
    );
    assert!(outbound.undo.strip_fence);
}

#[test]
fn tools_are_named_and_restored() {
    let mut request = foreign(&with(&json!({"tools": [
        {"name": "a.b", "input_schema": {"anyOf": [{"type": "object", "properties": {"x": {"type": "string"}}}]}},
        {"name": "exec", "description": "run it"}]})));
    request.tools[1].kind = crate::ir::ToolKind::Freeform {
        format: Some(r#"{"type":"text"}"#.into()),
    };
    request.tools[1].namespace = Some("functions".into());
    let (sent, outbound) = encode(&request, "claude-opus-4-8");
    assert_eq!(
        sent["tools"][0]["input_schema"],
        json!({"type": "object", "properties": {"x": {"type": "string"}}})
    );
    assert_eq!(sent["tools"][1]["name"], "exec");
    assert_eq!(
        sent["tools"][1]["input_schema"]["required"],
        json!(["input"])
    );
    let aliases: Vec<_> = outbound
        .undo
        .tools
        .iter()
        .map(|alias| (&*alias.name, alias.freeform, alias.namespace.as_deref()))
        .collect();
    assert_eq!(
        aliases,
        [("a.b", false, None), ("exec", true, Some("functions"))]
    );
    assert_eq!(outbound.undo.tools[0].wire, sent["tools"][0]["name"]);
}

#[test]
fn stop_sequences_that_the_service_refuses_are_watched_for() {
    let (sent, outbound) = encode(
        &foreign(&with(
            &json!({"stop_sequences": ["END", "\n\n", "END", ""]}),
        )),
        "claude-opus-4-8",
    );
    assert_eq!(sent["stop_sequences"], json!(["END"]));
    assert_eq!(outbound.undo.stop, ["\n\n"]);
}

#[test]
fn what_cannot_be_carried_is_refused_by_name() {
    let image = |source: Value| json!({"messages": [{"role": "user", "content": [{"type": "image", "source": source}]}]});
    let cases = [
        (
            image(json!({"type": "base64", "media_type": "image/heic", "data": "aGk="})),
            "image/heic",
        ),
        (
            image(json!({"type": "url", "url": "http://x/y.png"})),
            "https://",
        ),
        (
            image(json!({"type": "file", "file_id": "file_1"})),
            "another provider",
        ),
    ];
    for (extra, words) in cases {
        let refusal = encode_request(&foreign(&with(&extra)), &target("claude-opus-4-8"))
            .expect_err("cannot be carried");
        assert!(refusal.message.contains(words), "{refusal}");
        assert_eq!(refusal.param.as_deref(), Some("messages.content"));
    }
    let mut many = foreign(&ask());
    many.n = Some(2);
    assert_eq!(
        encode_request(&many, &target("claude-opus-4-8"))
            .expect_err("one answer")
            .param
            .as_deref(),
        Some("n")
    );
}

#[test]
fn results_and_documents() {
    let body = json!({"model": "m", "tools": tools(), "messages": [
        {"role": "user", "content": [{"type": "document", "source": {"type": "base64", "media_type": "text/csv", "data": "YSxi"}, "title": "t"},
            {"type": "document", "source": {"type": "content", "content": "inner"}}]},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "x", "name": "f", "input": {}}, {"type": "tool_use", "id": "y", "name": "f", "input": {}}]},
        {"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "x", "is_error": true, "content": [{"type": "text", "text": "no"}, {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}}]},
            {"type": "tool_result", "tool_use_id": "y", "content": [{"type": "image", "source": {"type": "base64", "media_type": "image/jpg", "data": "aGk="}, "cache_control": {"type": "ephemeral"}}]}]}]});
    let (sent, outbound) = encode(&foreign(&body), "claude-opus-4-8");
    assert_eq!(
        sent["messages"][0]["content"][0]["source"],
        json!({"type": "text", "media_type": "text/plain", "data": "a,b"})
    );
    assert_eq!(
        sent["messages"][0]["content"][1]["source"]["content"][0]["text"],
        "inner"
    );
    let results = &sent["messages"][2]["content"];
    assert_eq!(
        results[0]["content"],
        json!([{"type": "text", "text": "no"}])
    );
    assert_eq!(
        results[1]["content"][0]["source"]["media_type"],
        "image/jpeg"
    );
    assert!(
        results[1]["cache_control"].is_object()
            && results[1]["content"][0].get("cache_control").is_none()
    );
    assert_eq!(outbound.report.header(), "dropped:messages.content");
}

#[test]
fn the_same_dialect_keeps_what_only_it_knows() {
    let mut body = with(&json!({"max_tokens": 9, "speed": "fast",
        "system": [{"type": "text", "text": "s"}, {"type": "text", "text": "x-anthropic-billing-header: v"}],
        "tools": [{"name": "f", "input_schema": {"type": "object"}, "defer_loading": true}, {"type": "bash_20250124", "name": "bash"}]}));
    body["messages"][0]["content"] = json!([{"type": "search_result", "source": "u", "title": "t", "content": [{"type": "text", "text": "b"}]}]);
    let (sent, _) = encode(&decode(&body), "claude-opus-4-8");
    assert_eq!(
        sent["system"][0]["text"], "x-anthropic-billing-header: v",
        "the attribution stands first"
    );
    assert_eq!(sent["tools"], body["tools"]);
    assert_eq!(sent["speed"], "fast");
    assert_eq!(sent["messages"][0]["content"][0]["title"], "t");
    let (sent, outbound) = encode(&foreign(&body), "claude-opus-4-8");
    assert_eq!(sent["system"], json!([{"type": "text", "text": "s"}]));
    assert_eq!(sent["messages"][0]["content"][0]["text"], "t\nu\nb");
    assert_eq!(
        outbound.report.header(),
        "dropped:speed,dropped:tools,emulated:messages.content"
    );
}

#[test]
fn counting_sends_the_prompt_alone() {
    let body = with(
        &json!({"max_tokens": 5, "temperature": 0.1, "stop_sequences": ["x"], "metadata": {"user_id": "u"}, "stream": true,
        "system": "s", "tools": tools(), "speed": "fast", "container": {"id": "c"}}),
    );
    for request in [
        decode(&body),
        foreign(&with(&json!({"max_tokens": 5, "tools": tools()}))),
    ] {
        let outbound =
            encode_count_request(&request, &target("claude-opus-4-8")).expect("can be counted");
        let sent: Value = serde_json::from_slice(&outbound.body).expect("JSON");
        check(COUNT, &sent, "count");
        assert!(sent["messages"].is_array() && sent["tools"].is_array());
    }
}

#[test]
fn instructions_alone_become_a_question() {
    let body = json!({"model": "m", "system": [{"type": "text", "text": "first"}, {"type": "text", "text": "do it"}], "messages": []});
    let (sent, _) = encode(&foreign(&body), "claude-opus-4-8");
    assert_eq!(sent["system"], json!([{"type": "text", "text": "first"}]));
    assert_eq!(sent["messages"][0]["content"][0]["text"], "do it");
}

#[test]
fn an_empty_answer_in_history_leaves_no_trace() {
    let body =
        json!({"model": "m", "system": "s", "messages": [{"role": "assistant", "content": ""}]});
    let (sent, _) = encode(&foreign(&body), "claude-opus-4-8");
    assert!(
        sent.get("system").is_none(),
        "the instruction became the question"
    );
    assert_eq!(sent["messages"][0]["content"][0]["text"], "s");
}

#[test]
fn thinking_blocks_never_stand_in_a_row() {
    let signed = |text| json!({"type": "thinking", "thinking": text, "signature": "S"});
    let body = json!({"model": "m", "tools": tools(), "messages": [
        {"role": "user", "content": "q"},
        {"role": "assistant", "content": [signed("a"), {"type": "text", "text": " "}, signed("b"), {"type": "redacted_thinking", "data": "D"},
            {"type": "tool_use", "id": "t", "name": "f", "input": {}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "r"}]}]});
    let (sent, _) = encode(&decode(&body), "claude-opus-4-8");
    let kinds: Vec<&str> = sent["messages"][1]["content"]
        .as_array()
        .expect("blocks")
        .iter()
        .filter_map(|block| block["type"].as_str())
        .collect();
    assert_eq!(kinds, ["thinking", "redacted_thinking", "tool_use"]);
    assert_eq!(sent["messages"][1]["content"][0]["thinking"], "b");
}

#[test]
fn edits_of_thinking_go_only_with_thinking() {
    let edits = json!({"edits": [{"type": "clear_thinking_20251015", "keep": "all"}, {"type": "clear_tool_uses_20250919"}]});
    for (thinking, want) in [
        (json!({"type": "adaptive"}), 2),
        (json!({"type": "disabled"}), 1),
    ] {
        let body = with(&json!({"thinking": thinking, "context_management": edits}));
        // A beta member, which the schema of plain requests does not know.
        let outbound =
            encode_request(&decode(&body), &target("claude-opus-4-8")).expect("can be carried");
        let sent: Value = serde_json::from_slice(&outbound.body).expect("JSON");
        let sent = sent["context_management"]["edits"].as_array().map(Vec::len);
        assert_eq!(sent, Some(want), "{thinking}");
    }
}
