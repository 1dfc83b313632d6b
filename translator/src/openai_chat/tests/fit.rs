//! Bodies of Chat clients for servers that know less than OpenAI.

use super::{Fit, fit};
use crate::Dialect;
use crate::profile;

/// The body that a server gets and the report, or how else the body goes.
fn fitted(server: &str, model: &str, body: &str) -> String {
    let capability = profile::of(profile::named(server), Dialect::OpenAiChat, model);
    match fit(body, capability, body.contains(r#""stream":true"#)) {
        Fit::AsItIs => "as it is".to_owned(),
        Fit::Translate => "translate".to_owned(),
        Fit::Edited { body, report } => {
            let body = String::from_utf8(body).expect("text");
            format!("{body} {}", report.header()).trim_end().to_owned()
        }
    }
}

#[test]
fn members_are_edited_where_they_stand() {
    let cases = [
        (
            "deepseek",
            "deepseek-chat",
            r#"{"model":"m","messages":[{"role":"user","content":"a\u0062"}]}"#,
            "as it is",
        ),
        (
            "deepseek",
            "deepseek-chat",
            r#"{"model":"m","max_completion_tokens":5,"messages":[{"role":"developer","content":"x","name":"n"}],"x_own":[1,  2]}"#,
            r#"{"model":"m","max_tokens":5,"messages":[{"role":"system","content":"x","name":"n"}],"x_own":[1,  2]}"#,
        ),
        (
            "deepseek",
            "deepseek-chat",
            r#"{"max_tokens":4,"max_completion_tokens":5}"#,
            r#"{"max_tokens":4}"#,
        ),
        (
            "deepseek",
            "deepseek-chat",
            r#"{"max_tokens":null,"max_completion_tokens":5}"#,
            r#"{"max_tokens":5}"#,
        ),
        (
            "deepseek",
            "deepseek-chat",
            r#"{"store":false,"user":"u","parallel_tool_calls":true,"logit_bias":{"1":2},"seed":3}"#,
            "{} dropped:logit_bias,dropped:seed",
        ),
        (
            "deepseek",
            "deepseek-chat",
            r#"{"parallel_tool_calls":false}"#,
            "{} dropped:parallel_tool_calls",
        ),
        (
            "deepseek",
            "deepseek-chat",
            r#"{"reasoning_effort":"none"}"#,
            r#"{"thinking":{"type":"disabled"}}"#,
        ),
        (
            "deepseek",
            "deepseek-chat",
            r#"{"reasoning_effort":"high"}"#,
            r#"{"thinking":{"type":"enabled"}} degraded:reasoning_effort"#,
        ),
        (
            "deepseek",
            "deepseek-chat",
            r#"{"thinking":{"type":"enabled"},"reasoning_effort":"high"}"#,
            r#"{"thinking":{"type":"enabled"}}"#,
        ),
        (
            "qwen",
            "qwen-plus",
            r#"{"reasoning_effort":"low"}"#,
            r#"{"enable_thinking":true,"thinking_budget":2048}"#,
        ),
        (
            "openrouter",
            "x-ai/grok-4",
            r#"{"reasoning_effort":"max"}"#,
            r#"{"reasoning":{"effort":"xhigh"}}"#,
        ),
        (
            "vllm",
            "Qwen/Qwen3-8B",
            r#"{"reasoning_effort":"none"}"#,
            r#"{"chat_template_kwargs":{"enable_thinking":false}}"#,
        ),
        (
            "groq",
            "llama-3.3-70b",
            r#"{"reasoning_effort":"low","logprobs":true}"#,
            "{} dropped:reasoning_effort,dropped:logprobs",
        ),
        (
            "ollama",
            "qwen3",
            r#"{"reasoning_effort":"xhigh"}"#,
            r#"{"reasoning_effort":"high"} clamped:reasoning_effort"#,
        ),
        (
            "ollama",
            "qwen3",
            r#"{"reasoning_effort":"low"}"#,
            "as it is",
        ),
        (
            "zhipu",
            "glm-4.6",
            r#"{"temperature":1.5}"#,
            r#"{"temperature":1} clamped:temperature"#,
        ),
        (
            "xai",
            "grok-4",
            r#"{"presence_penalty":1,"temperature":1.5}"#,
            r#"{"temperature":1.5} dropped:presence_penalty"#,
        ),
        (
            "xai",
            "grok-3",
            r#"{"presence_penalty":1,"stop":["a"]}"#,
            "as it is",
        ),
        (
            "mistral",
            "mistral-large-latest",
            r#"{"seed":7,"stream":true,"stream_options":{"include_usage":true}}"#,
            r#"{"random_seed":7,"stream":true}"#,
        ),
        (
            "mistral",
            "mistral-large-latest",
            r#"{"messages":[{"role":"assistant","content":null,"tool_calls":[{"id":"abcdefgh1"}]},{"role":"tool","tool_call_id":"abcdefgh1"},{"role":"user","content":"x"}]}"#,
            r#"{"messages":[{"role":"assistant","tool_calls":[{"id":"abcdefgh1"}],"content":""},{"role":"tool","tool_call_id":"abcdefgh1"},{"role":"assistant","content":"I have the results."},{"role":"user","content":"x"}]} emulated:messages"#,
        ),
        (
            "openai",
            "gpt-5.4",
            r#"{"seed":7,"store":true,"reasoning_effort":"minimal","logprobs":true}"#,
            "as it is",
        ),
    ];
    for (server, model, body, want) in cases {
        if server == "openai" {
            let profile = profile::named(server).expect("known");
            assert!(
                profile.is_plain(Dialect::OpenAiChat),
                "the gateway does not even look"
            );
            continue;
        }
        assert_eq!(fitted(server, model, body), want, "{server} {body}");
    }
}

#[test]
fn what_needs_an_understanding_is_translated() {
    for (server, model, body) in [
        (
            "deepseek",
            "deepseek-chat",
            r#"{"response_format":{"type":"json_schema","json_schema":{}}}"#,
        ),
        (
            "deepseek",
            "deepseek-reasoner",
            r#"{"tool_choice":"required"}"#,
        ),
        (
            "deepseek",
            "deepseek-chat",
            r#"{"tool_choice":"required","thinking":{"type":"enabled"}}"#,
        ),
        (
            "lm-studio",
            "m",
            r#"{"response_format":{"type":"json_object"}}"#,
        ),
        (
            "lm-studio",
            "m",
            r#"{"tool_choice":{"type":"function","function":{"name":"f"}}}"#,
        ),
        ("zhipu", "glm-4.6", r#"{"tool_choice":"required"}"#),
        ("zhipu", "glm-4.6", r#"{"stop":["a","b"]}"#),
        ("xai", "grok-4", r#"{"stop":"a"}"#),
        ("qwen", "qwen3-32b", r#"{"messages":[]}"#),
        (
            "mistral",
            "mistral-large-latest",
            r#"{"messages":[{"role":"tool","tool_call_id":"call_1"}]}"#,
        ),
        (
            "mistral",
            "mistral-large-latest",
            r#"{"messages":[{"role":"user"},{"role":"system"}]}"#,
        ),
        (
            "text-only",
            "m",
            r#"{"messages":[{"role":"user","content":[]}]}"#,
        ),
    ] {
        assert_eq!(fitted(server, model, body), "translate", "{server} {body}");
    }
    for (server, model, body) in [
        ("deepseek", "deepseek-chat", r#"{"tool_choice":"required"}"#),
        ("qwen", "qwen3-32b", r#"{"enable_thinking":false}"#),
        ("qwen", "qwen3-32b", r#"{"stream":true}"#),
        (
            "mistral",
            "mistral-large-latest",
            r#"{"messages":[{"role":"system","content":"x"}]}"#,
        ),
    ] {
        assert_eq!(fitted(server, model, body), "as it is", "{server} {body}");
    }
}
