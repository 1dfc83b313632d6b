//! Members of a request besides its conversation.

use super::{codes, decode, encode, foreign, try_encode};
use crate::Dialect;
use crate::ir::{Effort, Output, Policy, ReasoningMode, Show, Tier};
use serde_json::json;

#[test]
fn all_members_are_read() {
    let request = decode(
        r#"{"model":"m","messages":[{"role":"user","content":"hi"}],"max_tokens":5,"max_completion_tokens":7,
        "stop":["a","","a","b"],"temperature":"0.5","top_p":1,"n":2,"seed":-3,"logprobs":true,"top_logprobs":4,
        "response_format":{"type":"json_object"},"reasoning_effort":"xhigh","verbosity":"low","user":"u",
        "safety_identifier":"s","metadata":{"a":"b"},"service_tier":"flex","store":true,"prompt_cache_key":"k",
        "stream":true,"stream_options":{"include_usage":true},"parallel_tool_calls":false,"logit_bias":{"1":2},
        "tools":null,"prompt_cache_options":{"mode":"explicit"},"whatever":[1]}"#,
    );
    assert_eq!(request.max_output, Some(7));
    assert_eq!(
        request
            .stop
            .iter()
            .map(|text| text.as_str().into_owned())
            .collect::<Vec<_>>(),
        ["a", "b"]
    );
    assert_eq!(request.sampling.temperature, Some(0.5));
    assert_eq!(request.sampling.seed, Some(-3));
    assert_eq!(
        (request.n, request.logprobs, request.parallel),
        (Some(2), Some(4), Some(false))
    );
    assert!(matches!(request.output, Output::Json));
    assert_eq!(request.reasoning.effort, Some(Effort::XHigh));
    assert_eq!(
        request
            .user
            .as_ref()
            .map(|user| user.as_str().into_owned())
            .as_deref(),
        Some("s")
    );
    assert_eq!(
        (request.tier, request.store),
        (Some(Tier::Flex), Some(true))
    );
    assert!(request.stream && request.include_usage && request.cache.explicit);
    let residue: Vec<_> = request
        .residue
        .iter()
        .map(|one| (one.field.as_ref(), one.policy))
        .collect();
    assert_eq!(
        residue,
        [
            ("logit_bias", Policy::Report),
            ("prompt_cache_options", Policy::Silent),
            ("whatever", Policy::Silent)
        ]
    );
}

#[test]
fn what_is_wrong_is_named() {
    let cases = [
        (r#"{"messages":[]}"#, "model is missing"),
        (r#"{"model":"m"}"#, "messages is missing"),
        (r#"{"model":"m","messages":[]}"#, "messages is empty"),
        (
            r#"{"model":"m","messages":[{"role":"robot","content":"x"}]}"#,
            "messages[0].role is `robot`",
        ),
        (
            r#"{"model":"m","messages":[{"role":"user","content":5}]}"#,
            "content must be a string",
        ),
        (
            r#"{"model":"m","messages":[{"role":"user","content":"x"}],"stop":5}"#,
            "stop must be",
        ),
        ("[1", "expected"),
    ];
    for (body, words) in cases {
        let refusal = crate::openai_chat::decode_request(body.as_bytes()).expect_err("wrong");
        assert!(
            refusal.message.contains(words),
            "{body}: {}",
            refusal.message
        );
    }
}

#[test]
fn reasoning_switches_of_other_servers_are_read() {
    let cases = [
        (
            r#""thinking":{"type":"disabled"}"#,
            ReasoningMode::Off,
            None,
            None,
        ),
        (
            r#""thinking":{"type":"enabled","budget_tokens":2048}"#,
            ReasoningMode::On,
            None,
            Some(2048),
        ),
        (
            r#""reasoning":{"effort":"high","exclude":true}"#,
            ReasoningMode::Unset,
            Some(Effort::High),
            None,
        ),
        (
            r#""reasoning":{"enabled":false}"#,
            ReasoningMode::Off,
            None,
            None,
        ),
        (r#""enable_thinking":false"#, ReasoningMode::Off, None, None),
        (
            r#""enable_thinking":true,"thinking_budget":0"#,
            ReasoningMode::Off,
            None,
            Some(0),
        ),
        (
            r#""reasoning_effort":"none""#,
            ReasoningMode::Off,
            None,
            None,
        ),
        (
            r#""reasoning_effort":null"#,
            ReasoningMode::Unset,
            None,
            None,
        ),
    ];
    for (member, mode, effort, budget) in cases {
        let body =
            format!(r#"{{"model":"m","messages":[{{"role":"user","content":"x"}}],{member}}}"#);
        let got = decode(&body).reasoning;
        assert_eq!(
            (got.mode, got.effort, got.budget),
            (mode, effort, budget),
            "{member}"
        );
    }
    let hidden =
        r#"{"model":"m","messages":[{"role":"user","content":"x"}],"reasoning":{"exclude":true}}"#;
    assert_eq!(decode(hidden).reasoning.show, Show::Hidden);
}

#[test]
fn residue_goes_back_unless_the_model_refuses_it() {
    let body = r#"{"model":"m","messages":[{"role":"user","content":"hi"}],"logit_bias":{"1":2},"prediction":{"type":"content","content":"x"}}"#;
    let request = decode(body);
    let (encoded, outbound) = encode(&request, "gpt-4o");
    assert_eq!(encoded["logit_bias"], json!({"1": 2}));
    assert!(outbound.report.is_empty());
    let (encoded, outbound) = encode(&request, "gpt-5.1");
    assert_eq!(encoded.get("logit_bias"), None);
    assert_eq!(codes(&outbound), "dropped:logit_bias");
}

#[test]
fn output_limit_has_the_server_s_name_and_bounds() {
    let mut request = foreign(Dialect::Anthropic);
    request.max_output = Some(1_000_000);
    let (body, outbound) = encode(&request, "gpt-4o");
    assert_eq!(body["max_completion_tokens"], 16384);
    assert_eq!(codes(&outbound), "clamped:max_tokens");
    let (body, _) = encode(&request, "deepseek-chat");
    assert_eq!(body["max_tokens"], 65536);
    let (body, outbound) = encode(&request, "some-local-model");
    assert_eq!(body["max_tokens"], 1_000_000);
    assert_eq!(codes(&outbound), "assumed:model");
}

#[test]
fn sampling_goes_where_it_is_taken() {
    let mut request = foreign(Dialect::Anthropic);
    request.sampling.temperature = Some(0.3);
    request.sampling.top_p = Some(1.0);
    request.sampling.top_k = Some(40.0);
    let (body, outbound) = encode(&request, "gpt-4o");
    assert_eq!(
        (&body["temperature"], &body["top_p"]),
        (&json!(0.3), &json!(1))
    );
    assert_eq!(codes(&outbound), "dropped:top_k");
    // A default value is no loss.
    let (body, outbound) = encode(&request, "gpt-5");
    assert_eq!(body.get("temperature"), None);
    assert_eq!(codes(&outbound), "dropped:temperature,dropped:top_k");
    // Allowed while reasoning is off.
    let (body, _) = encode(&request, "gpt-5.1");
    assert_eq!(body["temperature"], 0.3);
    request.reasoning.effort = Some(Effort::High);
    let (body, _) = encode(&request, "gpt-5.1");
    assert_eq!(body.get("temperature"), None);
    request.sampling.temperature = Some(3.0);
    let (body, outbound) = encode(&request, "gpt-4o");
    assert_eq!(body["temperature"], 2);
    assert!(codes(&outbound).contains("clamped:temperature"));
}

#[test]
fn stop_sequences_beyond_the_limit_are_watched() {
    let mut request = foreign(Dialect::Gemini);
    request.stop = ["a", "b", "", "a", "c", "d", "e"].map(Into::into).to_vec();
    let (body, outbound) = encode(&request, "gpt-4o");
    assert_eq!(body["stop"], json!(["a", "b", "c", "d"]));
    assert_eq!(outbound.undo.stop, ["e"]);
    assert_eq!(codes(&outbound), "emulated:generationConfig.stopSequences");
    let (body, outbound) = encode(&request, "gpt-5");
    assert_eq!(body.get("stop"), None);
    assert_eq!(outbound.undo.stop, ["a", "b", "c", "d", "e"]);
}

#[test]
fn alternatives_are_native_or_refused() {
    let mut request = foreign(Dialect::Gemini);
    request.n = Some(3);
    assert_eq!(encode(&request, "gpt-4o").0["n"], 3);
    let refusal = try_encode(&request, "gpt-5").expect_err("one alternative only");
    assert_eq!(
        refusal.param.as_deref(),
        Some("generationConfig.candidateCount")
    );
    request.n = Some(1);
    assert_eq!(encode(&request, "gpt-5").0.get("n"), None);
}

#[test]
fn effort_follows_the_table() {
    let off = |request: &mut crate::ir::Request<'_>| request.reasoning.mode = ReasoningMode::Off;
    let budget = |tokens: i64| {
        move |request: &mut crate::ir::Request<'_>| {
            request.reasoning.mode = ReasoningMode::On;
            request.reasoning.budget = Some(tokens);
        }
    };
    let effort = |effort: Effort| {
        move |request: &mut crate::ir::Request<'_>| request.reasoning.effort = Some(effort)
    };
    type Change = Box<dyn Fn(&mut crate::ir::Request<'_>)>;
    let cases: Vec<(&str, Change, &str, &str, &str)> = vec![
        ("off", Box::new(off), "gpt-5.1", "none", ""),
        (
            "off where it cannot be",
            Box::new(off),
            "gpt-5",
            "minimal",
            "clamped:thinking",
        ),
        (
            "off without minimal",
            Box::new(off),
            "o3",
            "low",
            "clamped:thinking",
        ),
        ("off on a plain model", Box::new(off), "gpt-4o", "", ""),
        (
            "off on an unknown server",
            Box::new(off),
            "mystery",
            "",
            "assumed:model",
        ),
        ("budget", Box::new(budget(8192)), "gpt-5", "medium", ""),
        ("dynamic budget", Box::new(budget(-1)), "gpt-5", "", ""),
        ("no budget", Box::new(budget(0)), "gpt-5.1", "none", ""),
        (
            "max",
            Box::new(effort(Effort::Max)),
            "gpt-5",
            "high",
            "clamped:thinking",
        ),
        (
            "minimal",
            Box::new(effort(Effort::Minimal)),
            "o3",
            "low",
            "clamped:thinking",
        ),
        (
            "xhigh",
            Box::new(effort(Effort::XHigh)),
            "gpt-5.6",
            "xhigh",
            "",
        ),
        (
            "effort on a plain model",
            Box::new(effort(Effort::High)),
            "gpt-4o",
            "",
            "dropped:thinking",
        ),
    ];
    for (case, change, model, want, report) in cases {
        let mut request = foreign(Dialect::Anthropic);
        change(&mut request);
        let (body, outbound) = encode(&request, model);
        assert_eq!(
            body.get("reasoning_effort")
                .and_then(|word| word.as_str())
                .unwrap_or_default(),
            want,
            "{case}"
        );
        assert_eq!(codes(&outbound), report, "{case}");
    }
}

#[test]
fn openai_s_own_members_stay_with_openai() {
    let mut request = foreign(Dialect::Anthropic);
    request.user = Some("user_abc_account_def".into());
    request.tier = Some(Tier::Flex);
    request.verbosity = Some("low".into());
    let mut aim = super::target("gpt-4o");
    aim.cache_key = Some("hub-1");
    aim.stream = true;
    let outbound = crate::openai_chat::encode_request(&request, &aim).expect("encodes");
    let body: serde_json::Value = serde_json::from_slice(&outbound.body).expect("JSON");
    super::valid(&super::REQUEST, &body);
    assert_eq!(body["prompt_cache_key"], "hub-1");
    assert_eq!(body["safety_identifier"].as_str().map(str::len), Some(42));
    assert_eq!(
        (&body["service_tier"], &body["verbosity"]),
        (&json!("flex"), &json!("low"))
    );
    assert_eq!(body["stream_options"], json!({"include_usage": true}));
    let (body, outbound) = encode(&request, "qwen-max");
    for name in [
        "prompt_cache_key",
        "safety_identifier",
        "user",
        "service_tier",
        "verbosity",
        "stream",
    ] {
        assert_eq!(body.get(name), None, "{name}");
    }
    assert_eq!(codes(&outbound), "dropped:service_tier");
}

#[test]
fn json_mode_says_json_once_and_early() {
    let mut request = foreign(Dialect::Gemini);
    request.output = Output::Json;
    let (body, outbound) = encode(&request, "gpt-4o");
    assert_eq!(
        body["messages"][0]["content"],
        "Respond with a JSON object."
    );
    assert_eq!(
        codes(&outbound),
        "emulated:generationConfig.responseJsonSchema"
    );
    // A later mention does not take the line away again: the beginning of the conversation stays.
    request.turns.push(crate::ir::Turn::new(
        crate::ir::Role::Assistant,
        vec![crate::ir::Part::text("here is json")],
    ));
    request.turns.push(crate::ir::Turn::new(
        crate::ir::Role::User,
        vec![crate::ir::Part::text("more JSON")],
    ));
    let (later, _) = encode(&request, "gpt-4o");
    assert_eq!(later["messages"][0], body["messages"][0]);
    let mut said = foreign(Dialect::Gemini);
    said.output = Output::Json;
    said.turns[0].parts[0] = crate::ir::Part::text("as Json please");
    assert_eq!(
        encode(&said, "gpt-4o").0["messages"]
            .as_array()
            .map(Vec::len),
        Some(1)
    );
}

#[test]
fn schemas_are_named_wrapped_and_emulated() {
    let mut request = foreign(Dialect::OpenAiResponses);
    let schema = |schema: &'static str| Output::Schema {
        name: None,
        description: None,
        schema: schema.into(),
        strict: Some(true),
    };
    request.output = schema(r#"{"type":"object","properties":{}}"#);
    let (body, outbound) = encode(&request, "gpt-4o");
    assert_eq!(body["response_format"]["json_schema"]["name"], "output");
    assert_eq!(body["response_format"]["json_schema"]["strict"], true);
    assert!(!outbound.undo.unwrap_value);
    request.output = schema(r#"{"type":"array","items":{"type":"string"}}"#);
    let (body, outbound) = encode(&request, "gpt-4o");
    let wrapped = &body["response_format"]["json_schema"]["schema"];
    assert_eq!(wrapped["properties"]["value"]["type"], "array");
    assert_eq!(wrapped["required"], json!(["value"]));
    assert!(outbound.undo.unwrap_value);
    let mut capability = crate::capability::of(Dialect::OpenAiChat, "gpt-4o").clone();
    capability.json_schema = false;
    let aim = crate::translate::Target {
        capability: &capability,
        ..super::target("gpt-4o")
    };
    let outbound = crate::openai_chat::encode_request(&request, &aim).expect("encodes");
    let body: serde_json::Value = serde_json::from_slice(&outbound.body).expect("JSON");
    assert_eq!(body["response_format"]["type"], "json_object");
    assert!(
        body["messages"][0]["content"]
            .as_str()
            .is_some_and(|text| text.contains(r#""type":"array""#))
    );
    assert!(outbound.undo.strip_fence);
}
