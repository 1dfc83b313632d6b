//! One line per server and switch: what an Anthropic client's request becomes, and what becomes of the answer.

use serde_json::{Value, json};

use super::{ORIGIN, PROVIDER, answer, codes, decode};
use crate::error::Failure;
use crate::ir::Request;
use crate::translate::{self, Outbound, StreamTranslation, Target, no_recall};
use crate::undo::Undo;
use crate::{Dialect, profile};

fn sent(server: &str, model: &str, stream: bool, request: Request<'_>) -> (Value, Outbound) {
    let target = Target {
        dialect: Dialect::OpenAiChat,
        provider: PROVIDER,
        model,
        capability: profile::of(profile::named(server), Dialect::OpenAiChat, model),
        stream,
        cache_key: Some("k"),
        auto_cache: false,
        drop_state: false,
    };
    let outbound = translate::request(request, &target, false).expect(server);
    let body = serde_json::from_slice(&outbound.body).expect("the body is JSON");
    (body, outbound)
}

/// What a request of an Anthropic client with these members becomes.
fn from_anthropic(server: &str, model: &str, stream: bool, members: &Value) -> (Value, Outbound) {
    let mut body =
        json!({"model": "m", "max_tokens": 100, "messages": [{"role": "user", "content": "hi"}]});
    for (name, value) in members.as_object().expect("members") {
        body[name.as_str()] = value.clone();
    }
    let text = body.to_string();
    let request = Dialect::Anthropic
        .decode_request(text.as_bytes(), &no_recall)
        .expect("a request");
    sent(server, model, stream, request)
}

fn tool(name: &str) -> Value {
    json!({"name": name, "input_schema": {"type": "object", "properties": {}}})
}

#[test]
fn requests_fit_their_server() {
    let on = json!({"type": "enabled", "budget_tokens": 4096});
    let forced = json!({"tools": [tool("f")], "tool_choice": {"type": "any"}});
    let named =
        json!({"tools": [tool("f"), tool("g")], "tool_choice": {"type": "tool", "name": "f"}});
    let single = json!({"tools": [tool("f")], "tool_choice": {"type": "tool", "name": "f"}});
    let forced_on = json!({"tools": [tool("f")], "tool_choice": {"type": "any"}, "thinking": on});
    let off = json!({"thinking": {"type": "disabled"}});
    let think = json!({"thinking": on});
    let stops = json!({"stop_sequences": ["a", "b"]});
    let schema = json!({"output_config": {"format": {"type": "json_schema", "schema": {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": false}}}});
    let none = json!({});
    // Server, model, stream, members of the request, pointer into the body, what must stand there, code of the report.
    let cases: Vec<(&str, &str, bool, &Value, &str, Value, &str)> = vec![
        (
            "openai",
            "gpt-4o",
            true,
            &none,
            "/max_completion_tokens",
            json!(100),
            "",
        ),
        (
            "openai",
            "gpt-4o",
            true,
            &none,
            "/stream_options/include_usage",
            json!(true),
            "",
        ),
        (
            "openai",
            "gpt-4o",
            false,
            &none,
            "/prompt_cache_key",
            json!("k"),
            "",
        ),
        ("generic", "m", true, &none, "/max_tokens", json!(100), ""),
        (
            "deepseek",
            "deepseek-chat",
            false,
            &think,
            "/thinking",
            json!({"type": "enabled"}),
            "degraded:thinking",
        ),
        (
            "deepseek",
            "deepseek-chat",
            false,
            &off,
            "/thinking",
            json!({"type": "disabled"}),
            "",
        ),
        (
            "deepseek",
            "deepseek-chat",
            false,
            &none,
            "/thinking",
            Value::Null,
            "",
        ),
        (
            "deepseek",
            "deepseek-chat",
            false,
            &none,
            "/prompt_cache_key",
            Value::Null,
            "",
        ),
        (
            "deepseek",
            "deepseek-chat",
            false,
            &forced,
            "/tool_choice",
            json!("required"),
            "",
        ),
        (
            "deepseek",
            "deepseek-chat",
            false,
            &forced_on,
            "/tool_choice",
            json!("auto"),
            "degraded:tool_choice",
        ),
        (
            "deepseek",
            "deepseek-reasoner",
            false,
            &forced,
            "/tool_choice",
            json!("auto"),
            "degraded:tool_choice",
        ),
        (
            "deepseek",
            "deepseek-chat",
            false,
            &schema,
            "/response_format",
            json!({"type": "json_object"}),
            "degraded:output_config.format",
        ),
        (
            "moonshot",
            "kimi-k2.5",
            false,
            &single,
            "/thinking",
            json!({"type": "disabled"}),
            "degraded:thinking",
        ),
        (
            "moonshot",
            "kimi-k2.5",
            false,
            &forced,
            "/tool_choice/function/name",
            json!("f"),
            "degraded:thinking",
        ),
        (
            "zhipu",
            "glm-4.6",
            false,
            &forced,
            "/tool_choice",
            json!("auto"),
            "degraded:tool_choice",
        ),
        (
            "zhipu",
            "glm-4.6",
            false,
            &stops,
            "/stop",
            json!(["a"]),
            "emulated:stop_sequences",
        ),
        (
            "zhipu",
            "glm-4.6",
            false,
            &off,
            "/thinking",
            json!({"type": "disabled"}),
            "",
        ),
        (
            "qwen",
            "qwen-plus",
            true,
            &think,
            "/enable_thinking",
            json!(true),
            "",
        ),
        (
            "qwen",
            "qwen-plus",
            true,
            &think,
            "/thinking_budget",
            json!(4096),
            "",
        ),
        (
            "qwen",
            "qwen3-32b",
            false,
            &think,
            "/enable_thinking",
            json!(false),
            "dropped:thinking",
        ),
        (
            "qwen",
            "qwen3-32b",
            false,
            &none,
            "/enable_thinking",
            json!(false),
            "",
        ),
        (
            "qwen",
            "qwen3-32b",
            true,
            &none,
            "/enable_thinking",
            Value::Null,
            "",
        ),
        (
            "qwen",
            "qwen-plus",
            false,
            &named,
            "/tool_choice/function/name",
            json!("f"),
            "",
        ),
        (
            "modelscope",
            "Qwen/Qwen3-32B",
            false,
            &none,
            "/enable_thinking",
            json!(false),
            "",
        ),
        (
            "aiping",
            "DeepSeek-V3.2",
            true,
            &off,
            "/enable_thinking",
            json!(false),
            "",
        ),
        (
            "openrouter",
            "anthropic/claude-opus-4.5",
            true,
            &think,
            "/reasoning",
            json!({"max_tokens": 4096}),
            "",
        ),
        (
            "openrouter",
            "openai/gpt-5",
            true,
            &off,
            "/reasoning",
            json!({"effort": "none"}),
            "",
        ),
        (
            "groq",
            "openai/gpt-oss-120b",
            true,
            &think,
            "/reasoning_effort",
            json!("medium"),
            "",
        ),
        (
            "groq",
            "llama-3.3-70b-versatile",
            true,
            &think,
            "/reasoning_effort",
            Value::Null,
            "dropped:thinking",
        ),
        (
            "mistral",
            "mistral-large-latest",
            true,
            &none,
            "/stream_options",
            Value::Null,
            "",
        ),
        (
            "mistral",
            "mistral-large-latest",
            true,
            &none,
            "/max_tokens",
            json!(100),
            "",
        ),
        (
            "xai",
            "grok-4",
            false,
            &stops,
            "/stop",
            Value::Null,
            "emulated:stop_sequences",
        ),
        (
            "xai",
            "grok-3",
            false,
            &stops,
            "/stop",
            json!(["a", "b"]),
            "",
        ),
        (
            "azure",
            "my-deployment",
            true,
            &none,
            "/max_completion_tokens",
            json!(100),
            "",
        ),
        (
            "ollama",
            "qwen3",
            true,
            &forced,
            "/tool_choice",
            json!("auto"),
            "degraded:tool_choice",
        ),
        (
            "vllm",
            "Qwen/Qwen3-8B",
            true,
            &off,
            "/chat_template_kwargs",
            json!({"enable_thinking": false}),
            "",
        ),
        (
            "vllm",
            "openai/gpt-oss-20b",
            true,
            &think,
            "/reasoning_effort",
            json!("medium"),
            "",
        ),
        (
            "llama.cpp",
            "m",
            true,
            &single,
            "/tool_choice",
            json!("required"),
            "",
        ),
        (
            "llama.cpp",
            "m",
            true,
            &named,
            "/tool_choice",
            json!("auto"),
            "degraded:tool_choice",
        ),
        (
            "lm-studio",
            "m",
            true,
            &schema,
            "/response_format/type",
            json!("json_schema"),
            "",
        ),
        (
            "text-only",
            "m",
            true,
            &forced,
            "/tool_choice",
            json!("auto"),
            "degraded:tool_choice",
        ),
    ];
    for (server, model, stream, members, pointer, want, code) in cases {
        let (body, outbound) = from_anthropic(server, model, stream, members);
        let found = body.pointer(pointer).cloned().unwrap_or_default();
        assert_eq!(found, want, "{server} {model} {pointer} of {body:#}");
        let report = codes(&outbound);
        let losses: Vec<&str> = report
            .split(',')
            .filter(|one| !one.starts_with("assumed"))
            .collect();
        assert!(
            losses.contains(&code) || (code.is_empty() && losses.is_empty()),
            "{server} {model} {members}: {report:?}"
        );
    }
}

const LOOP: &str = r#"{"model":"m","seed":5,"messages":[
    {"role":"developer","content":"be brief"},
    {"role":"user","content":"go"},
    {"role":"assistant","content":null,"reasoning_content":"hm","tool_calls":[{"id":"call_abc","type":"function","function":{"name":"f","arguments":"{}"}}]},
    {"role":"tool","tool_call_id":"call_abc","content":"42"},
    {"role":"user","content":"and now?"}]}"#;

#[test]
fn histories_fit_their_server() {
    let (body, outbound) = sent("mistral", "magistral-medium-latest", false, decode(LOOP));
    let call = &body["messages"][2];
    let id = call["tool_calls"][0]["id"].as_str().expect("an id");
    assert!(
        id.len() == 9 && id.bytes().all(|byte| byte.is_ascii_alphanumeric()),
        "{id}"
    );
    assert_eq!(body["messages"][3]["tool_call_id"], id);
    assert_eq!(
        call["content"],
        json!([{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}])
    );
    assert_eq!(
        body["messages"][4],
        json!({"role": "assistant", "content": "I have the results."})
    );
    assert_eq!(body["messages"][5]["role"], "user");
    assert_eq!(
        (&body["random_seed"], &body["seed"]),
        (&json!(5), &Value::Null)
    );
    assert_eq!(body["messages"][0]["role"], "system");
    assert!(codes(&outbound).contains("emulated:messages.content"));

    let (body, _) = sent("mistral", "mistral-large-latest", false, decode(LOOP));
    assert_eq!(
        body["messages"][2]["content"], "",
        "null content is refused there"
    );
    for (server, model, member) in [
        ("deepseek", "deepseek-reasoner", "reasoning_content"),
        ("moonshot", "kimi-k2-thinking", "reasoning_content"),
        ("zhipu", "glm-4.6", "reasoning_content"),
        ("groq", "gpt-oss-120b", "reasoning"),
        ("vllm", "gpt-oss-120b", "reasoning"),
    ] {
        let (body, _) = sent(server, model, false, decode(LOOP));
        assert_eq!(body["messages"][2][member], "hm", "{server}");
        assert_eq!(
            body["messages"].as_array().map(Vec::len),
            Some(5),
            "{server}"
        );
    }
    let (body, _) = sent("openai", "gpt-4o", false, decode(LOOP));
    assert_eq!(body["messages"][2].get("reasoning_content"), None);
    assert_eq!(body["messages"][0]["role"], "developer");
}

#[test]
fn a_client_s_own_switch_is_written_once() {
    for (server, model, member, want) in [
        (
            "qwen",
            "qwen-plus",
            r#""enable_thinking":true,"thinking_budget":9"#,
            json!({"enable_thinking": true, "thinking_budget": 9}),
        ),
        (
            "deepseek",
            "deepseek-chat",
            r#""thinking":{"type":"enabled"}"#,
            json!({"thinking": {"type": "enabled"}}),
        ),
        (
            "openrouter",
            "m",
            r#""reasoning":{"effort":"low","exclude":true}"#,
            json!({"reasoning": {"effort": "low", "exclude": true}}),
        ),
        (
            "vllm",
            "m",
            r#""chat_template_kwargs":{"x":1}"#,
            json!({"chat_template_kwargs": {"x": 1}}),
        ),
    ] {
        let text =
            format!(r#"{{"model":"m","messages":[{{"role":"user","content":"x"}}],{member}}}"#);
        let (body, outbound) = sent(server, model, true, decode(&text));
        for (name, value) in want.as_object().expect("members") {
            assert_eq!(&body[name.as_str()], value, "{server}");
            let raw = String::from_utf8_lossy(&outbound.body)
                .matches(&format!("\"{name}\""))
                .count();
            assert_eq!(raw, 1, "{server} {name}");
        }
    }
}

/// Reasoning and text that a Chat client gets, whole and streamed.
fn received(undo: &Undo, message: &Value) -> [(String, String); 2] {
    let whole = json!({"id": "1", "object": "chat.completion", "model": "m", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]});
    let mut out = Vec::new();
    translate::response(
        Dialect::OpenAiChat,
        whole.to_string().as_bytes(),
        ORIGIN,
        undo,
        &mut answer(),
        &mut out,
    )
    .expect("an answer");
    let whole: Value = serde_json::from_slice(&out).expect("JSON");
    let said = |message: &Value, name: &str| message[name].as_str().unwrap_or_default().to_owned();
    let message_out = &whole["choices"][0]["message"];
    let first = (
        said(message_out, "reasoning_content"),
        said(message_out, "content"),
    );

    let mut stream = StreamTranslation::new(Dialect::OpenAiChat, &ORIGIN, undo, answer());
    let mut out = Vec::new();
    for (name, value) in message.as_object().expect("members") {
        let pieces: Vec<Value> = match value.as_str() {
            Some(text) => text.chars().map(|c| json!(c.to_string())).collect(),
            None => vec![value.clone()],
        };
        for piece in pieces {
            let chunk = json!({"id": "1", "choices": [{"index": 0, "delta": {name.as_str(): piece}, "finish_reason": null}]});
            stream.feed(format!("data: {chunk}\n\n").as_bytes(), &mut out);
        }
    }
    stream.feed(b"data: {\"id\":\"1\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n", &mut out);
    stream.end(&mut out);
    let mut second = (String::new(), String::new());
    for line in String::from_utf8_lossy(&out)
        .lines()
        .filter_map(|line| line.strip_prefix("data: {"))
    {
        let chunk: Value = serde_json::from_str(&format!("{{{line}")).expect("JSON");
        second.0 += &said(&chunk["choices"][0]["delta"], "reasoning_content");
        second.1 += &said(&chunk["choices"][0]["delta"], "content");
    }
    [first, second]
}

#[test]
fn reasoning_is_found_wherever_a_server_puts_it() {
    let thinking = json!([{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}, {"type": "text", "text": "yes"}]);
    for (server, message, want) in [
        (
            "deepseek",
            json!({"reasoning_content": "hm", "content": "yes"}),
            ("hm", "yes"),
        ),
        (
            "openrouter",
            json!({"reasoning": "hm", "content": "yes"}),
            ("hm", "yes"),
        ),
        ("mistral", json!({"content": thinking}), ("hm", "yes")),
        (
            "vllm",
            json!({"content": "<think>\nhm\n</think>\n\nyes <think>no</think>"}),
            ("hm", "yes <think>no</think>"),
        ),
        (
            "ollama",
            json!({"content": "<think></think>yes"}),
            ("", "yes"),
        ),
        ("lm-studio", json!({"content": "<thing>"}), ("", "<thing>")),
        (
            "llama.cpp",
            json!({"reasoning_content": "hm", "content": "<think>yes"}),
            ("hm", "<think>yes"),
        ),
        (
            "generic",
            json!({"content": "<think>hm</think>yes"}),
            ("", "<think>hm</think>yes"),
        ),
        (
            "openai",
            json!({"content": "<think>hm</think>yes"}),
            ("", "<think>hm</think>yes"),
        ),
    ] {
        let (_, outbound) = from_anthropic(server, "m", true, &json!({}));
        for (form, got) in ["whole", "streamed"]
            .into_iter()
            .zip(received(&outbound.undo, &message))
        {
            assert_eq!((got.0.as_str(), got.1.as_str()), want, "{server} {form}");
        }
    }
}

#[test]
fn errors_are_read_in_every_shape() {
    for (server, status, body, want) in [
        (
            "vllm",
            400,
            r#"{"object":"error","message":"too long","type":"BadRequestError","code":400}"#,
            "too long",
        ),
        (
            "fastapi",
            422,
            r#"{"detail":[{"loc":["body","x"],"msg":"Extra inputs are not permitted","type":"extra_forbidden"}]}"#,
            "Extra inputs are not permitted",
        ),
        ("fastapi", 404, r#"{"detail":"Not Found"}"#, "Not Found"),
        (
            "mistral",
            401,
            r#"{"message":"Unauthorized","request_id":"x"}"#,
            "Unauthorized",
        ),
        (
            "ollama",
            404,
            r#"{"error":"model 'x' not found"}"#,
            "model 'x' not found",
        ),
        (
            "xai",
            400,
            r#"{"code":"invalid argument","error":"bad stop"}"#,
            "bad stop",
        ),
        (
            "azure",
            404,
            r#"{"error":{"code":"DeploymentNotFound","message":"no deployment"}}"#,
            "no deployment",
        ),
    ] {
        let failure: Failure = Dialect::OpenAiChat.decode_error(status, body.as_bytes());
        assert!(
            failure.message.contains(want),
            "{server}: {}",
            failure.message
        );
    }
}
