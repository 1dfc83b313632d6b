//! Requests: reading what clients send, writing what upstreams take.

use std::sync::OnceLock;

use serde_json::{Value, json};

use super::{call, chat, check, encode, picture, result, signature, target, thinking, user};
use crate::Dialect;
use crate::gemini::decode_request;
use crate::ir::{
    Effort, Kind, Opaque, Output, Part, Reasoning, ReasoningMode, Request, Role, Show, Summary,
    ToolChoice, Turn,
};
use crate::translate::Target;

#[test]
fn fixtures_survive_decoding_and_encoding() {
    let fixture: Value = serde_json::from_str(include_str!(
        "../../../tests/specs/fixtures/gemini/generate_content.request.json"
    ))
    .expect("fixture is JSON");
    for body in fixture["valid"].as_array().expect("list") {
        let bytes = body.to_string();
        let request = decode_request(bytes.as_bytes()).expect("fixture is a request");
        let (again, _) = encode(&request, "gemini-3.5-flash");
        assert_eq!(
            again["contents"].as_array().map(Vec::len),
            body["contents"].as_array().map(Vec::len)
        );
        assert_eq!(again["safetySettings"], body["safetySettings"]);
        assert_eq!(again["cachedContent"], body["cachedContent"]);
    }
}

#[test]
fn both_spellings_read_alike() {
    let camel = br#"{"systemInstruction":{"parts":[{"text":"s"}]},"contents":[{"parts":[{"inlineData":{"mimeType":"image/png","data":"ab-_"}},{"text":"t"}]}],
        "tools":[{"functionDeclarations":[{"name":"f","parametersJsonSchema":{"type":"object","properties":{"snake_case":{"type":"string"}}}}]}],
        "toolConfig":{"functionCallingConfig":{"mode":"ANY","allowedFunctionNames":["f"]}},
        "generationConfig":{"maxOutputTokens":"9","thinkingConfig":{"thinkingLevel":"HIGH","includeThoughts":true},"stopSequences":["x"]}}"#;
    let snake = br#"{"system_instruction":{"parts":{"text":"s"}},"contents":{"parts":[{"inline_data":{"mime_type":"image/png","data":"ab+/"}},{"text":"t"}]},
        "tools":{"function_declarations":{"name":"f","parameters":{"type":"OBJECT","properties":{"snake_case":{"type":"STRING"}}}}},
        "tool_config":{"function_calling_config":{"mode":"any","allowed_function_names":["f"]}},
        "generation_config":{"max_output_tokens":9,"thinking_config":{"thinking_level":"high","include_thoughts":true},"stop_sequences":["x"]}}"#;
    let bodies = [&camel[..], &snake[..]].map(|body| {
        let request = decode_request(body).expect("is a request");
        assert_eq!(request.reasoning.effort, Some(Effort::High));
        assert_eq!(request.reasoning.show, Show::Summary(Summary::Auto));
        assert_eq!(request.tool_choice, Some(ToolChoice::Named("f".into())));
        assert_eq!(request.max_output, Some(9));
        encode(&request, "gemini-3.5-flash").0
    });
    assert_eq!(bodies[0], bodies[1]);
}

#[test]
fn lenient_forms_are_read() {
    let cases = [
        ("string contents", r#"{"contents":"hi"}"#),
        (
            "string instruction",
            r#"{"contents":[{"parts":[{"text":"hi"}]}],"systemInstruction":"s"}"#,
        ),
        (
            "string parts",
            r#"{"contents":[{"role":"user","parts":"hi"}]}"#,
        ),
        (
            "nulls",
            r#"{"contents":[{"role":null,"parts":[{"text":"hi","thought":null}]}],"tools":null,"generationConfig":null}"#,
        ),
        (
            "unknown members",
            r#"{"contents":[{"role":"user","parts":[{"text":"hi"},{"futureData":{"a":1}}]}],"future":{"x":[1]}}"#,
        ),
    ];
    for (name, body) in cases {
        let request =
            decode_request(body.as_bytes()).unwrap_or_else(|error| unreachable!("{name}: {error}"));
        assert_eq!(request.turns[0].role, Role::User, "{name}");
        let Kind::Text { text, .. } = &request.turns[0].parts[0].kind else {
            unreachable!("{name}")
        };
        assert_eq!(text.as_str(), "hi", "{name}");
    }
    assert!(decode_request(b"{\"contents\":").is_err());
}

#[test]
fn missing_ids_are_made_and_matched() {
    let body = br#"{"contents":[{"role":"user","parts":[{"text":"q"}]},
        {"role":"model","parts":[{"functionCall":{"name":"a","args":{}}},{"functionCall":{"name":"b"}},{"functionCall":{"name":"a"}}]},
        {"role":"function","parts":[{"functionResponse":{"name":"b","response":{"output":"B"}}},
            {"functionResponse":{"name":"a","response":{"result":"A1"}}},{"functionResponse":{"name":"a","response":{"error":"no"}}}]}]}"#;
    let request = decode_request(body).expect("is a request");
    let ids: Vec<&str> = request.turns[1]
        .parts
        .iter()
        .map(|part| match &part.kind {
            Kind::ToolCall(call) => &*call.id,
            other => unreachable!("{other:?}"),
        })
        .collect();
    assert_eq!(ids, ["call_1_0", "call_1_1", "call_1_2"]);
    let results: Vec<(&str, String, bool)> = request.turns[2]
        .parts
        .iter()
        .map(|part| match &part.kind {
            Kind::ToolResult(result) => (
                &*result.id,
                crate::gemini::encode_turns::result_text(&result.content),
                result.is_error,
            ),
            other => unreachable!("{other:?}"),
        })
        .collect();
    let want = [
        ("call_1_1", "B", false),
        ("call_1_0", "A1", false),
        ("call_1_2", "no", true),
    ];
    assert_eq!(
        results,
        want.map(|(id, text, error)| (id, text.to_owned(), error))
    );
    // The upstream gets them in the order of the calls.
    let (body, _) = encode(&request, "gemini-2.5-flash");
    let names: Vec<&Value> = body["contents"][2]["parts"]
        .as_array()
        .expect("parts")
        .iter()
        .map(|part| &part["functionResponse"]["name"])
        .collect();
    assert_eq!(names, ["a", "b", "a"]);
}

#[test]
fn structured_results_come_back_as_they_were() {
    for response in [
        json!({"a":1,"b":[2]}),
        json!({"output":"x"}),
        json!({"result":5}),
        json!({"error":"e"}),
        json!({}),
    ] {
        let body = json!({"contents":[{"role":"user","parts":[{"text":"q"}]},
            {"role":"model","parts":[{"functionCall":{"name":"f","args":{}}}]},
            {"role":"user","parts":[{"functionResponse":{"name":"f","response":response}}]}]})
        .to_string();
        let request = decode_request(body.as_bytes()).expect("is a request");
        let (again, _) = encode(&request, "gemini-2.5-flash");
        assert_eq!(
            again["contents"][2]["parts"][0]["functionResponse"]["response"],
            response
        );
    }
}

#[test]
fn turns_alternate_and_calls_are_answered() {
    let mut request = chat(vec![
        Turn::new(Role::Assistant, vec![Part::text("hello")]),
        user("a"),
        user("b"),
        Turn::new(
            Role::Assistant,
            vec![
                Part::text(""),
                call("1", "f", "{\"x\": 1}"),
                call("2", "g", ""),
            ],
        ),
        Turn::new(
            Role::User,
            vec![
                result("2", vec![Part::text("two")]),
                result("9", vec![Part::text("nine")]),
            ],
        ),
        user("c"),
        Turn::new(Role::System, vec![Part::text("mind")]),
        Turn::new(Role::Assistant, vec![Part::text("d")]),
    ]);
    request.instructions.push(crate::ir::Instruction {
        text: "sys".into(),
        cache: None,
    });
    let (body, outbound) = encode(&request, "gemini-4-neon");
    assert_eq!(
        body,
        json!({"systemInstruction":{"parts":[{"text":"sys"}]},"contents":[
            {"role":"user","parts":[{"text":"(conversation start)"}]},
            {"role":"model","parts":[{"text":"hello"}]},
            {"role":"user","parts":[{"text":"a"},{"text":"b"}]},
            {"role":"model","parts":[
                {"functionCall":{"id":"1","name":"f","args":{"x":1}},"thoughtSignature":"skip_thought_signature_validator"},
                {"functionCall":{"id":"2","name":"g","args":{}}}]},
            {"role":"user","parts":[
                {"functionResponse":{"id":"1","name":"f","response":{"error":"Tool call was not executed."}}},
                {"functionResponse":{"id":"2","name":"g","response":{"output":"two"}}},
                {"text":"[tool result for unknown call 9]: nine"},{"text":"c"},
                {"text":"<system_note>mind</system_note>"}]},
            {"role":"model","parts":[{"text":"d"}]},
            {"role":"user","parts":[{"text":"Continue exactly from where the previous message ends."}]}]})
    );
    assert!(
        outbound
            .report
            .entries()
            .iter()
            .any(|entry| entry.code() == "degraded:messages")
    );
}

#[test]
fn a_growing_conversation_keeps_its_beginning() {
    let turns = vec![
        user("a"),
        Turn::new(Role::Assistant, vec![Part::text("t"), call("1", "f", "{}")]),
        Turn::new(Role::User, vec![result("1", vec![Part::text("r")])]),
        Turn::new(Role::Assistant, vec![call("2", "f", "{}")]),
        Turn::new(Role::User, vec![result("2", vec![Part::text("r")])]),
        Turn::new(Role::Assistant, vec![Part::text("done")]),
        user("b"),
    ];
    let whole = encode(&chat(turns.clone()), "gemini-3-pro").0;
    for length in [1, 3, 5, 7] {
        let part = encode(&chat(turns[..length].to_vec()), "gemini-3-pro").0;
        let part = part["contents"].as_array().expect("list");
        assert_eq!(
            &whole["contents"].as_array().expect("list")[..part.len()],
            &part[..],
            "{length}"
        );
    }
}

#[test]
fn signatures_go_back_to_their_vendor_alone() {
    let reasoning = |opaque| Part {
        opaque: vec![opaque],
        ..Part::new(Kind::Reasoning { text: "".into() })
    };
    let thought = Part {
        opaque: vec![signature("QUJD")],
        ..Part::new(Kind::Reasoning { text: "hm".into() })
    };
    let with = |part: Part<'static>, opaque| Part {
        opaque: vec![opaque],
        ..part
    };
    let foreign = Opaque {
        provider: Some("other".into()),
        ..signature("T1RI")
    };
    let cases = [
        (
            "own on the call",
            vec![with(call("1", "f", "{}"), signature("QUJD"))],
            json!([{"functionCall":{"id":"1","name":"f","args":{}},"thoughtSignature":"QUJD"}]),
        ),
        (
            "before the call",
            vec![reasoning(signature("QUJD")), call("1", "f", "{}")],
            json!([{"functionCall":{"id":"1","name":"f","args":{}},"thoughtSignature":"QUJD"}]),
        ),
        (
            "on the thought",
            vec![thought, call("1", "f", "{}")],
            json!([{"text":"hm","thought":true,"thoughtSignature":"QUJD"},{"functionCall":{"id":"1","name":"f","args":{}},"thoughtSignature":"skip_thought_signature_validator"}]),
        ),
        (
            "text and call",
            vec![
                Part::text("t"),
                reasoning(signature("VA==")),
                reasoning(signature("QUJD")),
                call("1", "f", "{}"),
            ],
            json!([{"text":"t"},{"text":"","thoughtSignature":"VA=="},{"functionCall":{"id":"1","name":"f","args":{}},"thoughtSignature":"QUJD"}]),
        ),
        (
            "other vendor",
            vec![reasoning(thinking()), call("1", "f", "{}")],
            json!([{"functionCall":{"id":"1","name":"f","args":{}},"thoughtSignature":"skip_thought_signature_validator"}]),
        ),
        (
            "other provider",
            vec![with(call("1", "f", "{}"), foreign)],
            json!([{"functionCall":{"id":"1","name":"f","args":{}},"thoughtSignature":"skip_thought_signature_validator"}]),
        ),
    ];
    for (name, parts, want) in cases {
        let request = chat(vec![
            user("q"),
            Turn::new(Role::Assistant, parts),
            Turn::new(Role::User, vec![result("1", vec![Part::text("r")])]),
        ]);
        assert_eq!(
            encode(&request, "gemini-3-pro").0["contents"][1]["parts"],
            want,
            "{name}"
        );
    }
    let request = chat(vec![
        user("q"),
        Turn::new(
            Role::Assistant,
            vec![Part::text("t"), reasoning(signature("QUJD"))],
        ),
        user("r"),
    ]);
    assert_eq!(
        encode(&request, "gemini-3-pro").0["contents"][1]["parts"],
        json!([{"text":"t"},{"text":"","thoughtSignature":"QUJD"}])
    );
    let dropped = crate::gemini::encode_request(
        &request,
        &Target {
            drop_state: true,
            ..target("gemini-3-pro")
        },
    )
    .expect("fine");
    assert!(!String::from_utf8_lossy(&dropped.body).contains("QUJD"));
}

#[test]
fn media_in_results_follow_the_model() {
    let turns = vec![
        user("q"),
        Turn::new(
            Role::Assistant,
            vec![call("1", "f", "{}"), call("2", "f", "{}")],
        ),
        Turn::new(
            Role::User,
            vec![
                result("1", vec![picture()]),
                result("2", vec![Part::text("two"), picture()]),
            ],
        ),
    ];
    let (new, _) = encode(&chat(turns.clone()), "gemini-3-pro");
    assert_eq!(
        new["contents"][2]["parts"][0]["functionResponse"]["parts"][0]["inlineData"]["data"],
        "iVBORw0K"
    );
    assert_eq!(
        new["contents"][2]["parts"].as_array().map(Vec::len),
        Some(2)
    );
    let (old, outbound) = encode(&chat(turns), "gemini-2.5-pro");
    let parts = old["contents"][2]["parts"].as_array().expect("parts");
    assert_eq!(parts.len(), 6);
    assert_eq!(
        parts[0]["functionResponse"]["response"]["output"],
        "See attached content."
    );
    assert_eq!(parts[2]["text"], "[tool result 1 attachments]");
    assert!(
        outbound
            .report
            .entries()
            .iter()
            .any(|entry| entry.code() == "emulated:messages.content")
    );
}

#[test]
fn reasoning_knobs() {
    let effort = |effort| Reasoning {
        effort: Some(effort),
        ..Reasoning::default()
    };
    let budget = |budget| Reasoning {
        mode: ReasoningMode::On,
        budget: Some(budget),
        ..Reasoning::default()
    };
    let off = Reasoning {
        mode: ReasoningMode::Off,
        ..Reasoning::default()
    };
    let cases = [
        (
            "gemini-3-pro",
            effort(Effort::Medium),
            json!({"thinkingLevel":"HIGH","includeThoughts":true}),
            true,
        ),
        (
            "gemini-3-pro",
            effort(Effort::Minimal),
            json!({"thinkingLevel":"LOW","includeThoughts":true}),
            true,
        ),
        (
            "gemini-3.5-flash",
            effort(Effort::Minimal),
            json!({"thinkingLevel":"MINIMAL","includeThoughts":true}),
            false,
        ),
        (
            "gemini-3.5-flash",
            budget(8192),
            json!({"thinkingLevel":"MEDIUM","includeThoughts":true}),
            false,
        ),
        (
            "gemini-4-neon",
            effort(Effort::Max),
            json!({"thinkingLevel":"XHIGH","includeThoughts":true}),
            true,
        ),
        ("gemini-3-pro", off, json!({"thinkingLevel":"LOW"}), true),
        ("gemini-2.5-pro", off, json!({"thinkingBudget":128}), true),
        ("gemini-2.5-flash", off, json!({"thinkingBudget":0}), false),
        (
            "gemini-2.5-flash",
            effort(Effort::XHigh),
            json!({"thinkingBudget":24576,"includeThoughts":true}),
            false,
        ),
        (
            "gemini-2.5-pro",
            budget(99_999),
            json!({"thinkingBudget":32768,"includeThoughts":true}),
            true,
        ),
        (
            "gemini-2.5-pro",
            budget(-1),
            json!({"thinkingBudget":-1,"includeThoughts":true}),
            false,
        ),
        ("gemini-2.0-flash", effort(Effort::High), Value::Null, true),
        ("gemini-3-pro", Reasoning::default(), Value::Null, false),
    ];
    for (model, reasoning, want, reported) in cases {
        let mut request = chat(vec![user("q")]);
        request.reasoning = reasoning;
        let (body, outbound) = encode(&request, model);
        assert_eq!(
            body["generationConfig"]["thinkingConfig"], want,
            "{model} {reasoning:?}"
        );
        let entries = outbound.report.entries();
        assert_eq!(
            entries
                .iter()
                .any(|entry| entry.field == "reasoning_effort"),
            reported,
            "{model} {reasoning:?}"
        );
    }
    let mut request = Request::new(Dialect::OpenAiResponses, "m".into());
    request.turns = vec![user("q")];
    request.reasoning = effort(Effort::Low);
    let config = |request: &Request<'_>| {
        encode(request, "gemini-3-pro").0["generationConfig"]["thinkingConfig"].clone()
    };
    assert_eq!(config(&request), json!({"thinkingLevel":"LOW"}));
    request.reasoning.show = Show::Summary(Summary::Auto);
    assert_eq!(
        config(&request),
        json!({"thinkingLevel":"LOW","includeThoughts":true})
    );
}

#[test]
fn tools_are_declared_and_chosen() {
    let body = br#"{"contents":[{"parts":[{"text":"q"}]}],"tools":[{"functionDeclarations":[
        {"name":"f","description":"d","parameters":{"type":"OBJECT","properties":{"n":{"type":"INTEGER","nullable":true}},"required":["n"]}},
        {"name":"empty"}]},{"googleSearch":{}}],"toolConfig":{"functionCallingConfig":{"mode":"VALIDATED"}}}"#;
    let request = decode_request(body).expect("is a request");
    let (new, _) = encode(&request, "gemini-3-pro");
    assert_eq!(
        new["tools"],
        json!([{"functionDeclarations":[
            {"name":"f","description":"d","parametersJsonSchema":{"type":"object","properties":{"n":{"type":["integer","null"]}},"required":["n"]}},
            {"name":"empty"}]},{"googleSearch":{}}])
    );
    assert_eq!(
        new["toolConfig"],
        json!({"functionCallingConfig":{"mode":"VALIDATED"},"includeServerSideToolInvocations":true})
    );
    let (old, outbound) = encode(&request, "gemini-2.0-flash");
    assert_eq!(
        old["tools"],
        json!([{"functionDeclarations":[
            {"name":"f","description":"d","parameters":{"type":"OBJECT","properties":{"n":{"type":"INTEGER","nullable":true}},"required":["n"]}},
            {"name":"empty"}]}])
    );
    assert!(
        outbound
            .report
            .entries()
            .iter()
            .any(|entry| entry.code() == "dropped:tools")
    );
}

#[test]
fn tool_names_and_forms_are_undone() {
    use crate::ir::{Tool, ToolKind};
    let tool = |name: &'static str, namespace: Option<&'static str>, kind| Tool {
        name: name.into(),
        namespace: namespace.map(Into::into),
        description: None,
        kind,
        strict: None,
        cache: None,
        raw: None,
    };
    let function = || ToolKind::Function { schema: None };
    let mut request = chat(vec![
        user("q"),
        Turn::new(Role::Assistant, vec![call("1", "1 bad name", "{}")]),
    ]);
    request.tools = vec![
        tool("1 bad name", None, function()),
        tool("run", Some("ns"), function()),
        tool("run", None, function()),
        tool(
            "patch",
            None,
            ToolKind::Freeform {
                format: Some(r#"{"type":"grammar"}"#.into()),
            },
        ),
    ];
    request.tool_choice = Some(ToolChoice::Named("1 bad name".into()));
    let (body, outbound) = encode(&request, "gemini-3-pro");
    let declared = &body["tools"][0]["functionDeclarations"];
    let wire = declared[0]["name"].as_str().expect("name");
    assert!(wire.starts_with("t_1_bad_name_"), "{wire}");
    assert_eq!(
        body["contents"][1]["parts"][0]["functionCall"]["name"],
        wire
    );
    assert_eq!(
        body["toolConfig"]["functionCallingConfig"],
        json!({"mode":"ANY","allowedFunctionNames":[wire]})
    );
    assert_eq!(declared[1]["name"], "ns__run");
    assert_eq!(declared[2]["name"], "run");
    assert_eq!(
        declared[3]["parametersJsonSchema"]["required"],
        json!(["input"])
    );
    let aliases: Vec<(&str, &str, bool)> = outbound
        .undo
        .tools
        .iter()
        .map(|alias| (alias.wire.as_str(), alias.name.as_str(), alias.freeform))
        .collect();
    assert_eq!(
        aliases,
        [
            (wire, "1 bad name", false),
            ("ns__run", "run", false),
            ("patch", "patch", true)
        ]
    );
}

#[test]
fn limits_are_kept() {
    let mut request = chat(vec![user("q")]);
    request.sampling.temperature = Some(3.0);
    request.sampling.top_k = Some(5.0);
    request.sampling.frequency_penalty = Some(1.0);
    request.sampling.seed = Some(-1);
    request.max_output = Some(1 << 40);
    request.stop = ["a", "b", "c", "d", "e", "f"].map(Into::into).to_vec();
    let (body, outbound) = encode(&request, "gemini-4-neon");
    let config = &body["generationConfig"];
    assert_eq!(config["stopSequences"].as_array().map(Vec::len), Some(5));
    assert_eq!(outbound.undo.stop, ["f"]);
    assert_eq!(config["temperature"], 2);
    assert_eq!(config["seed"], 0x7fff_ffff);
    assert!(config.get("topK").is_none() && config.get("frequencyPenalty").is_none());
    let codes: Vec<String> = outbound
        .report
        .entries()
        .iter()
        .map(crate::fidelity::Entry::code)
        .collect();
    for code in [
        "clamped:temperature",
        "dropped:top_k",
        "dropped:frequency_penalty",
        "clamped:seed",
        "clamped:max_completion_tokens",
        "emulated:stop",
    ] {
        assert!(
            codes.iter().any(|known| known == code),
            "{code} in {codes:?}"
        );
    }
    request.n = Some(3);
    assert!(crate::gemini::encode_request(&request, &target("gemini-3-pro")).is_err());
    assert_eq!(
        encode(&request, "gemini-2.5-pro").0["generationConfig"]["candidateCount"],
        3
    );
}

#[test]
fn structured_output_beside_tools() {
    let body = br#"{"contents":"q","tools":[{"functionDeclarations":[{"name":"f"}]}],
        "generationConfig":{"responseMimeType":"application/json","responseSchema":{"type":"OBJECT","properties":{"a":{"type":"STRING"}}}}}"#;
    let request = decode_request(body).expect("is a request");
    assert!(matches!(request.output, Output::Schema { .. }));
    let (new, _) = encode(&request, "gemini-3-pro");
    assert_eq!(
        new["generationConfig"],
        json!({"responseMimeType":"application/json","responseJsonSchema":{"type":"object","properties":{"a":{"type":"string"}}}})
    );
    let (old, outbound) = encode(&request, "gemini-2.5-flash");
    assert!(old.get("generationConfig").is_none());
    assert!(
        old["systemInstruction"]["parts"][0]["text"]
            .as_str()
            .is_some_and(|text| text.contains("\"properties\""))
    );
    assert!(outbound.undo.strip_fence);
}

#[test]
fn count_requests_are_wrapped() {
    let outbound =
        crate::gemini::encode_count_request(&chat(vec![user("q")]), &target("gemini-3-pro"))
            .expect("fine");
    let body: Value = serde_json::from_slice(&outbound.body).expect("JSON");
    static CELL: OnceLock<jsonschema::Validator> = OnceLock::new();
    check(
        include_str!("../../../tests/specs/gemini/count_tokens.request.schema.json"),
        &CELL,
        &body,
    );
    assert_eq!(
        body["generateContentRequest"]["model"],
        "models/gemini-3-pro"
    );
}

#[test]
fn addresses_keep_their_meaning() {
    let cases = [
        (
            json!({"fileUri":"https://www.youtube.com/watch?v=1"}),
            json!({"fileUri":"https://www.youtube.com/watch?v=1"}),
        ),
        (
            json!({"file_uri":"https://a/b.png?x"}),
            json!({"mimeType":"image/png","fileUri":"https://a/b.png?x"}),
        ),
        (
            json!({"fileUri":"https://generativelanguage.googleapis.com/v1beta/files/x","mime_type":"video/mp4"}),
            json!({"mimeType":"video/mp4","fileUri":"https://generativelanguage.googleapis.com/v1beta/files/x"}),
        ),
    ];
    for (given, want) in cases {
        let body = json!({"contents":[{"parts":[{"fileData":given}]}]}).to_string();
        let request = decode_request(body.as_bytes()).expect("is a request");
        assert_eq!(
            encode(&request, "gemini-3-pro").0["contents"][0]["parts"][0]["fileData"],
            want
        );
    }
    let stored = Part::new(Kind::Image {
        source: crate::ir::Source::File {
            id: "file-1".into(),
            mime: None,
        },
        detail: None,
    });
    let request = chat(vec![Turn::new(Role::User, vec![stored])]);
    let refusal = crate::gemini::encode_request(&request, &target("gemini-3-pro"))
        .expect_err("lies elsewhere");
    assert!(refusal.message.contains("file-1"));
}

#[test]
fn results_are_read_in_every_form() {
    let cases = [
        (r#"{"output":"a\nb"}"#, "a\nb", false),
        (r#"{"result":"a"}"#, "a", false),
        (r#"{"name":"f","content":"a"}"#, "a", false),
        (
            r#"{"name":"f","size": 1}"#,
            r#"{"name":"f","size":1}"#,
            false,
        ),
        (r#"{"error":"a"}"#, "a", true),
        (r#"{"error":{"code": 1}}"#, r#"{"code":1}"#, true),
        (
            r#"{"error":null,"output":"a"}"#,
            r#"{"error":null,"output":"a"}"#,
            false,
        ),
        (r#""bare""#, "bare", false),
        ("{}", "{}", false),
    ];
    for (raw, want, failed) in cases {
        let (text, is_error) = crate::gemini::decode_parts::result_text(raw);
        assert_eq!((&*text.as_str(), is_error), (want, failed), "{raw}");
    }
}

#[test]
fn foreign_members_are_reported_or_refused() {
    let cases = [
        (
            "empty safety",
            r#"{"contents":"q","safetySettings":[]}"#,
            Some(vec![]),
        ),
        (
            "safety",
            r#"{"contents":"q","safetySettings":[{"category":"HARM_CATEGORY_HARASSMENT","threshold":"OFF"}]}"#,
            Some(vec!["safetySettings"]),
        ),
        (
            "cached prompt",
            r#"{"contents":"q","cachedContent":"cachedContents/x"}"#,
            None,
        ),
        (
            "pictures",
            r#"{"contents":"q","generationConfig":{"responseModalities":["TEXT","IMAGE"]}}"#,
            None,
        ),
        (
            "text",
            r#"{"contents":"q","generationConfig":{"responseModalities":["TEXT"]}}"#,
            Some(vec![]),
        ),
    ];
    for (name, body, want) in cases {
        let mut request = decode_request(body.as_bytes()).expect("is a request");
        encode(&request, "gemini-3-pro");
        // Seen as another dialect's request, the same members must not reach the wire.
        request.dialect = Dialect::OpenAiChat;
        let outbound = crate::gemini::encode_request(&request, &target("gemini-3-pro"));
        let got = outbound.ok().map(|outbound| {
            outbound
                .report
                .entries()
                .iter()
                .map(|entry| entry.field.clone().into_owned())
                .collect::<Vec<_>>()
        });
        assert_eq!(
            got,
            want.map(|fields| fields.into_iter().map(str::to_owned).collect()),
            "{name}"
        );
    }
}

#[test]
fn media_behind_a_result_belong_to_it() {
    let body = br#"{"contents":[{"parts":[{"text":"q"}]},{"role":"model","parts":[{"functionCall":{"name":"f"}}]},
        {"parts":[{"functionResponse":{"name":"f","response":{"output":"o"}}},{"inlineData":{"mimeType":"image/png","data":"iVBORw0K"}},{"text":"t"}]}]}"#;
    let request = decode_request(body).expect("is a request");
    let parts = &request.turns[2].parts;
    assert_eq!(parts.len(), 2);
    let Kind::ToolResult(result) = &parts[0].kind else {
        unreachable!("a result comes first")
    };
    assert!(matches!(result.content[1].kind, Kind::Image { .. }));
    let (body, _) = encode(&request, "gemini-2.5-flash");
    assert_eq!(
        body["contents"][2]["parts"].as_array().map(Vec::len),
        Some(4)
    );
}

#[test]
fn white_space_is_a_turn_of_the_user() {
    let turns = |last: &'static str| {
        vec![
            user("hi"),
            Turn::new(Role::Assistant, vec![Part::text("yo")]),
            user(last),
        ]
    };
    for model in ["gemini-2.5-flash", "gemini-3.6-pro"] {
        let (body, _) = encode(&chat(turns(" \n")), model);
        assert_eq!(
            body["contents"][2],
            json!({"role": "user", "parts": [{"text": "(no content)"}]})
        );
        let (body, _) = encode(&chat(vec![user(" ")]), model);
        assert_eq!(
            body["contents"],
            json!([{"role": "user", "parts": [{"text": "(no content)"}]}])
        );
        let (body, _) = encode(&chat(vec![user(" "), user("hi")]), model);
        assert_eq!(
            body["contents"],
            json!([{"role": "user", "parts": [{"text": "hi"}]}])
        );
    }
}
