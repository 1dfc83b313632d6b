//! Requests, written: the rules of input items, tools and settings.

use serde_json::{Value, json};

use super::schema_check::assert_valid;
use super::tests_decode_request::CODEX;
use super::{decode_request, encode_count_request, encode_request};
use crate::Dialect;
use crate::capability;
use crate::error::Refusal;
use crate::ir::{
    Args, Effort, Instruction, Kind, Opaque, OpaqueKind, Output, Part, ReasoningMode, Request,
    Role, ServerTool, Source, Tool, ToolCall, ToolChoice, ToolKind, ToolResult, Turn,
};
use crate::translate::{Outbound, Target};

fn target(model: &str) -> Target<'_> {
    Target {
        dialect: Dialect::OpenAiResponses,
        provider: "upstream",
        model,
        capability: capability::of(Dialect::OpenAiResponses, model),
        stream: true,
        cache_key: None,
        auto_cache: true,
        drop_state: false,
    }
}

fn decode(body: &str) -> Request<'_> {
    decode_request(body.as_bytes()).expect("a request")
}

fn encode(request: &Request<'_>, model: &str) -> (Value, Outbound) {
    let outbound = encode_request(request, &target(model)).expect("can be carried");
    (assert_valid("request", &outbound.body), outbound)
}

fn refused(request: &Request<'_>) -> Refusal {
    encode_request(request, &target("gpt-5.5")).expect_err("cannot be carried")
}

fn codes(outbound: &Outbound) -> Vec<String> {
    outbound
        .report
        .entries()
        .iter()
        .map(crate::fidelity::Entry::code)
        .collect()
}

fn from_chat() -> Request<'static> {
    let mut request = Request::new(Dialect::OpenAiChat, "m".into());
    request
        .turns
        .push(Turn::new(Role::User, vec![Part::text("hi")]));
    request
}

fn tool(name: &'static str, kind: ToolKind<'static>) -> Tool<'static> {
    Tool {
        name: name.into(),
        namespace: None,
        description: None,
        kind,
        strict: None,
        cache: None,
        raw: None,
    }
}

fn call(id: &'static str, name: &'static str, args: Args<'static>) -> Part<'static> {
    Part::new(Kind::ToolCall(ToolCall {
        id: id.into(),
        name: name.into(),
        namespace: None,
        args,
    }))
}

#[test]
fn codex_history_goes_back_in_its_own_dialect() {
    let request = decode(CODEX);
    let outbound = encode_request(&request, &target("gpt-6-astra")).expect("can be carried");
    let mut body: Value = serde_json::from_slice(&outbound.body).expect("json");
    let own = body
        .as_object_mut()
        .and_then(|body| body.remove("client_metadata"));
    assert_eq!(
        own,
        Some(json!({"a":"b"})),
        "a member that nobody knows goes through"
    );
    assert_valid("request", body.to_string().as_bytes());
    assert!(outbound.report.is_empty(), "{:?}", outbound.report);
    let types: Vec<&str> = body["input"]
        .as_array()
        .expect("items")
        .iter()
        .map(|item| item["type"].as_str().expect("type"))
        .collect();
    assert_eq!(
        types,
        [
            "message",
            "reasoning",
            "message",
            "custom_tool_call",
            "function_call",
            "custom_tool_call_output",
            "function_call_output",
            "message",
            "message",
            "message"
        ]
    );
    assert_eq!(body["instructions"], "base prompt");
    assert_eq!(
        body["input"][1],
        json!({"type":"reasoning","id":"rs_1","summary":[{"type":"summary_text","text":"one"},{"type":"summary_text","text":"two"}],"encrypted_content":"gAAA"})
    );
    assert_eq!(body["input"][2]["phase"], "commentary");
    assert_eq!(body["input"][3]["namespace"], "functions");
    assert!(body["input"][3].get("id").is_none());
    assert_eq!(body["tools"][0]["type"], "namespace");
    assert_eq!(body["tools"][0]["tools"][0]["format"]["syntax"], "lark");
    assert_eq!(
        body["reasoning"],
        json!({"effort":"high","summary":"auto","context":"all_turns"})
    );
    assert_eq!(
        (&body["store"], &body["include"]),
        (&json!(false), &json!(["reasoning.encrypted_content"]))
    );
}

#[test]
fn state_goes_back_to_its_own_provider_alone() {
    let state = |provider: Option<&'static str>, origin| {
        Opaque {
        origin,
        provider: provider.map(Into::into),
        model: None,
        kind: OpaqueKind::Reasoning,
        state: r#"{"id":"rs_9","type":"reasoning","summary":[],"content":null,"encrypted_content":"e"}"#.into(),
    }
    };
    let cases = [
        (
            "same provider",
            Some("upstream"),
            Dialect::OpenAiResponses,
            false,
            true,
        ),
        ("client's own", None, Dialect::OpenAiResponses, false, true),
        (
            "another provider",
            Some("other"),
            Dialect::OpenAiResponses,
            false,
            false,
        ),
        (
            "another dialect",
            Some("upstream"),
            Dialect::Anthropic,
            false,
            false,
        ),
        (
            "refused before",
            Some("upstream"),
            Dialect::OpenAiResponses,
            true,
            false,
        ),
    ];
    for (name, provider, origin, drop_state, want) in cases {
        let mut request = from_chat();
        let mut part = Part::new(Kind::Reasoning {
            text: "thought".into(),
        });
        part.opaque.push(state(provider, origin));
        request
            .turns
            .push(Turn::new(Role::Assistant, vec![part, Part::text("answer")]));
        request
            .turns
            .push(Turn::new(Role::User, vec![Part::text("next")]));
        let target = Target {
            drop_state,
            ..target("gpt-5.5")
        };
        let outbound = encode_request(&request, &target).expect("can be carried");
        let body = assert_valid("request", &outbound.body);
        let found = body["input"]
            .as_array()
            .expect("items")
            .iter()
            .any(|item| item["type"] == "reasoning");
        assert_eq!(found, want, "{name}");
        assert!(
            !body.to_string().contains("thought"),
            "{name}: foreign reasoning is no answer"
        );
    }
}

#[test]
fn state_is_shown_once() {
    let state = Opaque {
        origin: Dialect::OpenAiResponses,
        provider: Some("upstream".into()),
        model: None,
        kind: OpaqueKind::Reasoning,
        state: r#"{"id":"rs_9","type":"reasoning","summary":[],"encrypted_content":"e"}"#.into(),
    };
    let mut request = from_chat();
    let mut reasoning = Part::new(Kind::Reasoning { text: "".into() });
    reasoning.opaque.push(state.clone());
    // A client that drops reasoning returns the call alone; the state is then kept with the call.
    let mut call = call("c1", "f", Args::Text("{}".into()));
    call.opaque.push(state);
    for parts in [vec![reasoning.clone(), call.clone()], vec![call]] {
        request.turns.truncate(1);
        request.turns.push(Turn::new(Role::Assistant, parts));
        let (body, _) = encode(&request, "gpt-5.5");
        let types: Vec<&Value> = body["input"]
            .as_array()
            .expect("items")
            .iter()
            .map(|item| &item["type"])
            .collect();
        assert_eq!(types, ["message", "reasoning", "function_call"]);
    }
}

#[test]
fn reasoning_without_follower_is_left_out() {
    let body = r#"{"model":"m","input":[{"role":"user","content":"a"},
        {"type":"reasoning","id":"rs_1","summary":[],"encrypted_content":"e"},{"role":"user","content":"b"}]}"#;
    let (body, _) = encode(&decode(body), "gpt-5.5");
    assert_eq!(body["input"].as_array().map(Vec::len), Some(2), "{body}");
}

#[test]
fn searched_tools_round_trip() {
    let body = r#"{"model":"m","tools":[{"type":"tool_search","execution":"client","description":"find"}],"input":[
        {"role":"user","content":"a"},
        {"type":"tool_search_call","id":"tsc_1","call_id":"c","status":"completed","execution":"client","arguments":{"query":"q"}},
        {"type":"tool_search_output","call_id":"c","status":"completed","execution":"client","tools":[{"type":"namespace","name":"n","description":"d","tools":[{"type":"function","name":"f"}]}]}]}"#;
    let request = decode(body);
    let names: Vec<&str> = request
        .tools
        .iter()
        .map(|tool| tool.name.as_ref())
        .collect();
    assert_eq!(names, ["tool_search", "f"], "what was found is declared");
    let (body, _) = encode(&request, "gpt-5.5");
    assert_eq!(body["input"][1]["type"], "tool_search_call");
    assert_eq!(body["input"][1]["arguments"], json!({"query":"q"}));
    assert_eq!(body["input"][2]["tools"][0]["name"], "n");
    assert_eq!(body["tools"][0]["type"], "tool_search");
}

#[test]
fn input_may_be_a_string_and_members_null() {
    let request = decode(
        r#"{"model":"m","input":"a\nb","tools":null,"tool_choice":null,"temperature":null,"reasoning":{"effort":null},"text":null,"metadata":null}"#,
    );
    assert!(matches!(&request.turns[0].parts[0].kind, Kind::Text { text, .. } if *text == *"a\nb"));
    assert!(
        request.tools.is_empty()
            && request.tool_choice.is_none()
            && request.reasoning.effort.is_none()
    );
    let (body, _) = encode(&request, "gpt-4o");
    assert_eq!(
        body["include"],
        Value::Null,
        "a model that does not reason is not asked for reasoning"
    );
}

#[test]
fn tool_choice_forms() {
    let cases = [
        (r#""auto""#, ToolChoice::Auto),
        (r#""required""#, ToolChoice::Required),
        (
            r#"{"type":"function","name":"f"}"#,
            ToolChoice::Named("f".into()),
        ),
        (
            r#"{"type":"custom","name":"c"}"#,
            ToolChoice::Named("c".into()),
        ),
        (
            r#"{"type":"code_interpreter"}"#,
            ToolChoice::Named("code_interpreter".into()),
        ),
        (
            r#"{"type":"allowed_tools","mode":"required","tools":[{"type":"function","name":"f"},{"type":"custom","name":"c"}]}"#,
            ToolChoice::Allowed {
                names: vec!["f".into(), "c".into()],
                required: true,
            },
        ),
    ];
    for (choice, want) in cases {
        let tools = r#"[{"type":"function","name":"f","parameters":{"type":"object","properties":{}},"strict":null},{"type":"custom","name":"c"},{"type":"code_interpreter","container":{"type":"auto"}}]"#;
        let body = format!(r#"{{"model":"m","input":"x","tools":{tools},"tool_choice":{choice}}}"#);
        let request = decode(&body);
        assert_eq!(request.tool_choice, Some(want), "{choice}");
        let (out, _) = encode(&request, "gpt-5.5");
        let back: Value = serde_json::from_str(choice).expect("json");
        assert_eq!(out["tool_choice"], back, "{choice}");
    }
}

#[test]
fn foreign_tools_are_written() {
    let mut request = from_chat();
    let schema = r#"{"type":"object","properties":{"a":{"type":"string"}}}"#;
    request.tools = vec![
        tool(
            "f",
            ToolKind::Function {
                schema: Some(schema.into()),
            },
        ),
        tool("none", ToolKind::Function { schema: None }),
        tool(
            "with.dot",
            ToolKind::Function {
                schema: Some(r#"{"type":"object"}"#.into()),
            },
        ),
        tool(
            "c",
            ToolKind::Freeform {
                format: Some(
                    r#"{"type":"grammar","grammar":{"definition":"d","syntax":"lark"}}"#.into(),
                ),
            },
        ),
        tool("web_search", ToolKind::Server(ServerTool::WebSearch)),
        tool("run", ToolKind::Server(ServerTool::CodeExecution)),
        tool(
            "bash",
            ToolKind::Vendor {
                tag: "bash_20250124".into(),
            },
        ),
    ];
    request.tools[4].raw = Some(r#"{"type":"web_search_20250305","name":"web_search","max_uses":3,"allowed_domains":["a.org"]}"#.into());
    request.parallel = Some(false);
    let (body, outbound) = encode(&request, "gpt-5.5");
    let tools = body["tools"].as_array().expect("tools");
    assert_eq!(tools[0]["strict"], false, "strictness is always said");
    assert_eq!(
        tools[1]["parameters"],
        json!({"type":"object","properties":{}})
    );
    assert_eq!(tools[2]["parameters"]["properties"], json!({}));
    assert_eq!(outbound.undo.tools[0].name, "with.dot");
    assert_eq!(
        outbound.undo.tools[0].wire,
        tools[2]["name"].as_str().expect("name")
    );
    assert_eq!(
        tools[3]["format"],
        json!({"type":"grammar","definition":"d","syntax":"lark"})
    );
    assert_eq!(tools[4]["filters"]["allowed_domains"], json!(["a.org"]));
    assert_eq!(
        (&tools[5]["type"], &tools[6]["name"]),
        (&json!("code_interpreter"), &json!("bash"))
    );
    assert!(codes(&outbound).contains(&"dropped:tools".to_owned()));
    assert_eq!(body["parallel_tool_calls"], false);

    request.tools = vec![tool("maps", ToolKind::Server(ServerTool::Other))];
    assert!(refused(&request).message.contains("maps"));
    request.tools.clear();
    request.tool_choice = Some(ToolChoice::Auto);
    let (body, _) = encode(&request, "gpt-5.5");
    assert!(
        body.get("tool_choice").is_none() && body.get("parallel_tool_calls").is_none(),
        "{body}"
    );
}

#[test]
fn turns_become_items_by_the_rules() {
    let mut request = from_chat();
    request.instructions = ["one", "", "two"]
        .map(|text| Instruction {
            text: text.into(),
            cache: None,
        })
        .into();
    let long = "x".repeat(65);
    request.turns.extend([
        Turn::new(
            Role::Assistant,
            vec![
                Part::text("a"),
                Part::text("b"),
                call("c1", "f", Args::Object(r#"{"q": 1}"#.into())),
                call("c2", "c", Args::Freeform("free".into())),
                Part::new(Kind::ToolCall(ToolCall {
                    id: long.clone().into(),
                    name: "g".into(),
                    namespace: None,
                    args: Args::Text("".into()),
                })),
            ],
        ),
        Turn::new(
            Role::User,
            vec![
                Part::new(Kind::ToolResult(ToolResult {
                    id: "c1".into(),
                    content: vec![Part::text("broken")],
                    is_error: true,
                    ..ToolResult::default()
                })),
                Part::new(Kind::ToolResult(ToolResult {
                    id: "c2".into(),
                    ..ToolResult::default()
                })),
                Part::new(Kind::ToolResult(ToolResult {
                    id: long.into(),
                    content: vec![
                        Part::text("see"),
                        Part::new(Kind::Image {
                            source: Source::Base64 {
                                mime: "image/png".into(),
                                data: "AAAA".into(),
                            },
                            detail: None,
                        }),
                    ],
                    ..ToolResult::default()
                })),
                Part::text("go on"),
            ],
        ),
        Turn::new(Role::System, vec![Part::text("mind this")]),
    ]);
    let (body, _) = encode(&request, "gpt-5.5");
    let input = body["input"].as_array().expect("items");
    assert_eq!(body["instructions"], "one\n\ntwo");
    assert_eq!(
        input[1],
        json!({"type":"message","role":"assistant","content":"ab"})
    );
    assert_eq!(input[2]["arguments"], r#"{"q":1}"#);
    assert_eq!(
        input[3],
        json!({"type":"custom_tool_call","call_id":"c2","name":"c","input":"free"})
    );
    assert_eq!(input[4]["arguments"], "{}");
    assert_eq!(input[5]["output"], "Error: broken");
    assert_eq!(
        input[6]["type"], "custom_tool_call_output",
        "an output has the type of its call"
    );
    assert_eq!(input[7]["call_id"], input[4]["call_id"]);
    assert_eq!(
        input[7]["output"][1],
        json!({"type":"input_image","image_url":"data:image/png;base64,AAAA","detail":"auto"})
    );
    assert_eq!(
        input[8]["content"][0],
        json!({"type":"input_text","text":"go on"})
    );
    assert_eq!(input[9]["role"], "developer");
}

#[test]
fn a_growing_conversation_keeps_its_bytes() {
    let mut request = from_chat();
    request.output = Output::Json;
    let mut before: Option<Vec<Value>> = None;
    for round in 0..4 {
        request.turns.push(Turn::new(
            Role::Assistant,
            vec![Part::text("json"), call("c", "f", Args::Text("{}".into()))],
        ));
        let result = ToolResult {
            id: "c".into(),
            content: vec![Part::text("r")],
            ..ToolResult::default()
        };
        request.turns.push(Turn::new(
            Role::User,
            vec![Part::new(Kind::ToolResult(result)), Part::text("json?")],
        ));
        let (body, _) = encode(&request, "gpt-5.5");
        let now = body["input"].as_array().expect("items").clone();
        assert_eq!(
            body["instructions"], "Respond with a JSON object.",
            "round {round}"
        );
        if let Some(before) = before {
            assert_eq!(now[..before.len()], before[..], "round {round}");
        }
        before = Some(now);
    }
}

#[test]
fn settings_are_clamped_dropped_and_emulated_with_a_report() {
    let mut request = from_chat();
    request.max_output = Some(5);
    request.sampling.temperature = Some(0.3);
    request.sampling.top_p = Some(1.0);
    request.sampling.seed = Some(1);
    request.sampling.top_k = Some(3.0);
    request.sampling.presence_penalty = Some(0.0);
    request.sampling.frequency_penalty = Some(0.5);
    request.stop = vec!["END".into(), "".into(), "END".into()];
    request.reasoning.effort = Some(Effort::Max);
    let (body, outbound) = encode(&request, "gpt-5");
    assert_eq!(
        (&body["max_output_tokens"], &body["reasoning"]["effort"]),
        (&json!(16), &json!("high"))
    );
    assert!(body.get("temperature").is_none() && body.get("top_p").is_none());
    assert_eq!(outbound.undo.stop, ["END"]);
    assert_eq!(
        codes(&outbound),
        [
            "clamped:reasoning_effort",
            "clamped:max_completion_tokens",
            "dropped:temperature",
            "dropped:top_k",
            "dropped:frequency_penalty",
            "dropped:seed",
            "emulated:stop"
        ]
    );
    let (body, _) = encode(&request, "gpt-4o");
    assert_eq!(
        (&body["temperature"], body.get("reasoning")),
        (&json!(0.3), None)
    );

    request.reasoning.effort = None;
    request.reasoning.mode = ReasoningMode::Off;
    let (body, outbound) = encode(&request, "gpt-5.5");
    assert_eq!(
        (&body["reasoning"]["effort"], &body["temperature"]),
        (&json!("none"), &json!(0.3))
    );
    assert!(!codes(&outbound).contains(&"dropped:temperature".to_owned()));
    let (body, _) = encode(&request, "gpt-5");
    assert_eq!(body["reasoning"]["effort"], "minimal");

    request.n = Some(2);
    assert_eq!(refused(&request).param.as_deref(), Some("n"));
}

#[test]
fn schemas_have_an_object_at_the_root() {
    let mut request = from_chat();
    let schema = |schema: &'static str, strict| Output::Schema {
        name: None,
        description: None,
        schema: schema.into(),
        strict,
    };
    request.output = schema(
        r##"{"type":"array","items":{"$ref":"#/$defs/a"},"$defs":{"a":{"type":"string"}}}"##,
        Some(true),
    );
    let (body, outbound) = encode(&request, "gpt-5.5");
    let format = &body["text"]["format"];
    assert!(outbound.undo.unwrap_value);
    assert_eq!(
        (&format["name"], &format["schema"]["type"]),
        (&json!("output"), &json!("object"))
    );
    assert_eq!(
        format["schema"]["$defs"]["a"]["type"], "string",
        "references look at the root"
    );
    request.output = schema(r#"{"type":"object","properties":{}}"#, None);
    let (body, outbound) = encode(&request, "gpt-5.5");
    assert_eq!(
        (
            &body["text"]["format"]["strict"],
            outbound.undo.unwrap_value
        ),
        (&json!(false), false)
    );
}

#[test]
fn what_the_service_cannot_take_is_refused_by_name() {
    let cases = [
        (
            "sound",
            Kind::Audio {
                source: Source::Base64 {
                    mime: "audio/wav".into(),
                    data: "A".into(),
                },
            },
        ),
        (
            "video",
            Kind::Video {
                source: Source::Url {
                    url: "u".into(),
                    mime: None,
                },
                metadata: None,
            },
        ),
        (
            "lives at another vendor",
            Kind::Document {
                source: Source::File {
                    id: "file_1".into(),
                    mime: None,
                },
                title: None,
                context: None,
                citations: false,
            },
        ),
    ];
    for (want, kind) in cases {
        let mut request = Request::new(Dialect::Anthropic, "m".into());
        request
            .turns
            .push(Turn::new(Role::User, vec![Part::new(kind)]));
        assert!(refused(&request).message.contains(want), "{want}");
    }
}

#[test]
fn documents_and_marks_are_written() {
    let document = |source, title: Option<&'static str>| {
        Part::new(Kind::Document {
            source,
            title: title.map(Into::into),
            context: None,
            citations: false,
        })
    };
    let mut request = Request::new(Dialect::Anthropic, "m".into());
    request.user = Some("device".into());
    let mut parts = vec![
        document(
            Source::Base64 {
                mime: "application/pdf".into(),
                data: "AAAA".into(),
            },
            None,
        ),
        document(
            Source::Url {
                url: "https://a/b.pdf".into(),
                mime: None,
            },
            Some("b.pdf"),
        ),
        document(Source::Text("body".into()), Some("T")),
        document(Source::Parts(vec![Part::text("inner")]), None),
    ];
    parts.extend((0..5).map(|index| Part::text(format!("t{index}"))));
    for part in &mut parts {
        part.cache = Some(crate::ir::CacheMark { ttl: Some(3600) });
    }
    request.turns.push(Turn::new(Role::User, parts));
    let (body, _) = encode(&request, "gpt-6-astra");
    let content = body["input"][0]["content"].as_array().expect("parts");
    assert_eq!(content[0]["filename"], "document.pdf");
    assert_eq!(content[1]["file_url"], "https://a/b.pdf");
    assert_eq!(content[2]["text"], "T:\nbody");
    assert_eq!(content[3]["text"], "inner");
    let marked = content
        .iter()
        .filter(|part| part.get("prompt_cache_breakpoint").is_some())
        .count();
    assert_eq!(marked, 4, "the last four");
    assert!(content[8].get("prompt_cache_breakpoint").is_some());
    assert!(
        body["safety_identifier"]
            .as_str()
            .is_some_and(|user| user.starts_with("u_") && user.len() == 42)
    );
    let (body, _) = encode(&request, "gpt-5.5");
    assert!(
        !body.to_string().contains("prompt_cache_breakpoint"),
        "an older model takes none"
    );
}

#[test]
fn a_count_asks_for_less() {
    let mut request = from_chat();
    request.max_output = Some(100);
    request.sampling.temperature = Some(1.0);
    let outbound = encode_count_request(&request, &target("gpt-5.5")).expect("can be carried");
    let body = assert_valid("count", &outbound.body);
    assert!(body.get("stream").is_none() && body.get("store").is_none());
}

#[test]
fn instructions_alone_are_an_item() {
    let mut request = Request::new(Dialect::OpenAiChat, "m".into());
    request.instructions.push(Instruction {
        text: "only".into(),
        cache: None,
    });
    let (body, _) = encode(&request, "gpt-5.5");
    assert_eq!(body["input"][0]["role"], "developer");
    assert!(body.get("instructions").is_none());
}
