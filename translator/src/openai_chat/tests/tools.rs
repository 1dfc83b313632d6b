//! Tools and the choice among them.

use super::{codes, decode, encode, foreign, try_encode};
use crate::Dialect;
use crate::ir::{Effort, Reasoning, ReasoningMode, ServerTool, Tool, ToolChoice, ToolKind};
use serde_json::json;

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

fn function(name: &'static str) -> Tool<'static> {
    tool(
        name,
        ToolKind::Function {
            schema: Some(r#"{"type":"object","properties":{"a":{"type":"string"}}}"#.into()),
        },
    )
}

#[test]
fn tools_are_read_in_every_form() {
    let request = decode(
        r#"{"model":"m","messages":[{"role":"user","content":"x"}],
        "tools":[{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object"},"strict":true},"cache_control":{"type":"ephemeral","ttl":"1h"}},
                 {"type":"custom","custom":{"name":"c","format":{"type":"grammar","grammar":{"syntax":"lark","definition":"s"}}}},
                 {"type":"function","name":"flat","parameters":{"type":"object"}},
                 {"type":"web_search","filters":{}},{"type":"martian","x":1}],
        "functions":[{"name":"old","parameters":{}}],"function_call":{"name":"old"},"web_search_options":{}}"#,
    );
    let names: Vec<_> = request
        .tools
        .iter()
        .map(|tool| tool.name.as_ref())
        .collect();
    assert_eq!(
        names,
        [
            "f",
            "c",
            "flat",
            "web_search",
            "martian",
            "old",
            "web_search"
        ]
    );
    assert_eq!(request.tools[0].strict, Some(true));
    assert_eq!(request.tools[0].cache.and_then(|mark| mark.ttl), Some(3600));
    assert!(matches!(
        &request.tools[1].kind,
        ToolKind::Freeform { format: Some(_) }
    ));
    assert!(matches!(
        request.tools[3].kind,
        ToolKind::Server(ServerTool::WebSearch)
    ));
    assert_eq!(
        request.tools[4].raw.as_deref(),
        Some(r#"{"type":"martian","x":1}"#)
    );
    assert_eq!(request.tool_choice, Some(ToolChoice::Named("old".into())));
}

#[test]
fn choices_are_read_and_written() {
    let tools = r#""tools":[{"type":"function","function":{"name":"f"}},{"type":"custom","custom":{"name":"c"}}]"#;
    let cases = [
        (r#""auto""#, ToolChoice::Auto, json!("auto")),
        (r#""none""#, ToolChoice::None, json!("none")),
        (r#""required""#, ToolChoice::Required, json!("required")),
        (
            r#"{"type":"function","function":{"name":"f"}}"#,
            ToolChoice::Named("f".into()),
            json!({"type":"function","function":{"name":"f"}}),
        ),
        (
            r#"{"type":"custom","custom":{"name":"c"}}"#,
            ToolChoice::Named("c".into()),
            json!({"type":"custom","custom":{"name":"c"}}),
        ),
        (
            r#"{"type":"allowed_tools","allowed_tools":{"mode":"required","tools":[{"type":"function","function":{"name":"f"}}]}}"#,
            ToolChoice::Allowed {
                names: vec!["f".into()],
                required: true,
            },
            json!({"type":"allowed_tools","allowed_tools":{"mode":"required","tools":[{"type":"function","function":{"name":"f"}}]}}),
        ),
    ];
    for (raw, choice, want) in cases {
        let body = format!(
            r#"{{"model":"m","messages":[{{"role":"user","content":"x"}}],{tools},"tool_choice":{raw}}}"#
        );
        let request = decode(&body);
        assert_eq!(request.tool_choice, Some(choice), "{raw}");
        assert_eq!(encode(&request, "gpt-4o").0["tool_choice"], want, "{raw}");
    }
}

#[test]
fn choice_and_parallel_need_tools() {
    let mut request = foreign(Dialect::Anthropic);
    request.tool_choice = Some(ToolChoice::Required);
    request.parallel = Some(false);
    let (body, _) = encode(&request, "gpt-4o");
    assert_eq!(
        (
            body.get("tools"),
            body.get("tool_choice"),
            body.get("parallel_tool_calls")
        ),
        (None, None, None)
    );
    request.tools.push(function("f"));
    let (body, _) = encode(&request, "gpt-4o");
    assert_eq!(
        (&body["tool_choice"], &body["parallel_tool_calls"]),
        (&json!("required"), &json!(false))
    );
    request.tool_choice = Some(ToolChoice::Named("ghost".into()));
    let (body, outbound) = encode(&request, "gpt-4o");
    assert_eq!(body["tool_choice"], "auto");
    assert_eq!(codes(&outbound), "degraded:tool_choice");
}

#[test]
fn narrow_choice_on_compatible_servers() {
    let mut request = foreign(Dialect::Gemini);
    request.tools = vec![function("f"), function("g")];
    request.tool_choice = Some(ToolChoice::Allowed {
        names: vec!["f".into()],
        required: true,
    });
    let (body, _) = encode(&request, "qwen-max");
    assert_eq!(body["tool_choice"]["function"]["name"], "f");
    request.tool_choice = Some(ToolChoice::Allowed {
        names: vec!["f".into(), "g".into()],
        required: true,
    });
    let (body, outbound) = encode(&request, "qwen-max");
    assert_eq!(body["tool_choice"], "required");
    assert_eq!(
        codes(&outbound),
        "degraded:toolConfig.functionCallingConfig"
    );
}

#[test]
fn names_are_made_legal_and_restored() {
    let mut request = foreign(Dialect::OpenAiResponses);
    request.tools = vec![function("f"), function("bad.name")];
    request.tools.push(Tool {
        namespace: Some("functions".into()),
        ..function("exec")
    });
    request.tool_choice = Some(ToolChoice::Named("exec".into()));
    let (body, _) = encode(&request, "gpt-4o");
    assert_eq!(
        body["tools"][2]["function"]["name"], "exec",
        "the bare name is enough"
    );
    request.tools.push(function("exec"));
    let (body, outbound) = encode(&request, "gpt-4o");
    assert_eq!(body["tools"][0]["function"]["name"], "f");
    assert_eq!(body["tools"][2]["function"]["name"], "functions__exec");
    assert_eq!(body["tool_choice"]["function"]["name"], "exec");
    let aliases: Vec<_> = outbound
        .undo
        .tools
        .iter()
        .map(|alias| (alias.name.as_str(), alias.namespace.as_deref()))
        .collect();
    assert_eq!(aliases, [("bad.name", None), ("exec", Some("functions"))]);
}

#[test]
fn custom_tools_are_native_or_emulated() {
    let mut request = foreign(Dialect::OpenAiResponses);
    let format = r#"{"type":"grammar","definition":"start: X","syntax":"lark"}"#;
    request.tools = vec![tool(
        "patch",
        ToolKind::Freeform {
            format: Some(format.into()),
        },
    )];
    let (body, outbound) = encode(&request, "gpt-4o");
    assert_eq!(
        body["tools"][0],
        json!({"type":"custom","custom":{"name":"patch","format":{"type":"grammar","grammar":{"definition":"start: X","syntax":"lark"}}}})
    );
    assert!(
        outbound.undo.tools[0].freeform,
        "a function call in answer to it is understood"
    );
    let (body, outbound) = encode(&request, "qwen-max");
    assert_eq!(
        body["tools"][0]["function"]["parameters"]["required"],
        json!(["input"])
    );
    assert!(
        body["tools"][0]["function"]["description"]
            .as_str()
            .is_some_and(|text| text.contains("start: X"))
    );
    assert!(outbound.undo.tools[0].freeform);
}

#[test]
fn models_that_refuse_tools_beside_reasoning() {
    let cases = [
        ("gpt-5.6", None, Some("none"), "dropped:thinking"),
        (
            "gpt-5.6",
            Some(Effort::High),
            Some("none"),
            "dropped:thinking",
        ),
        ("gpt-5.4", None, None, ""),
        (
            "gpt-5.4",
            Some(Effort::High),
            Some("none"),
            "dropped:thinking",
        ),
        ("gpt-5.1", Some(Effort::High), Some("high"), ""),
    ];
    for (model, effort, want, report) in cases {
        let mut request = foreign(Dialect::Anthropic);
        request.tools = vec![function("f")];
        request.reasoning.effort = effort;
        let (body, outbound) = encode(&request, model);
        assert_eq!(
            body.get("reasoning_effort").and_then(|word| word.as_str()),
            want,
            "{model} {effort:?}"
        );
        assert_eq!(codes(&outbound), report, "{model} {effort:?}");
    }
    let mut request = foreign(Dialect::Anthropic);
    request.tools = vec![function("f")];
    request.reasoning = Reasoning {
        mode: ReasoningMode::Off,
        ..Reasoning::default()
    };
    let (body, outbound) = encode(&request, "gpt-5.6");
    assert_eq!(
        (&body["reasoning_effort"], codes(&outbound).as_str()),
        (&json!("none"), "")
    );
}

#[test]
fn vendor_tools_are_functions_dropped_or_refused() {
    let mut request = foreign(Dialect::Anthropic);
    request.tools = vec![
        tool(
            "bash",
            ToolKind::Vendor {
                tag: "bash_20250124".into(),
            },
        ),
        tool("web_search", ToolKind::Server(ServerTool::WebSearch)),
    ];
    let (body, outbound) = encode(&request, "gpt-4o");
    assert_eq!(body["tools"].as_array().map(Vec::len), Some(1));
    assert_eq!(body["tools"][0]["function"]["name"], "bash");
    assert_eq!(codes(&outbound), "emulated:tools,dropped:tools");
    request.tools = vec![tool(
        "x",
        ToolKind::Vendor {
            tag: "local_shell".into(),
        },
    )];
    let (body, outbound) = encode(&request, "gpt-4o");
    assert!(body["tools"].is_null());
    assert_eq!(codes(&outbound), "dropped:tools");
    let raw = Some(r#"{"type":"mcp","server_url":"u"}"#.into());
    request.tools = vec![Tool {
        raw,
        ..tool("mcp", ToolKind::Server(ServerTool::Other))
    }];
    assert!(try_encode(&request, "gpt-4o").is_err());
    request.tools = vec![function("f"); 129];
    assert!(
        try_encode(&request, "gpt-4o")
            .expect_err("too many")
            .message
            .contains("129")
    );
}

#[test]
fn web_search_options_survive_the_same_dialect() {
    let body = r#"{"model":"m","messages":[{"role":"user","content":"x"}],"web_search_options":{"search_context_size":"low"}}"#;
    let (encoded, _) = encode(&decode(body), "gpt-4o");
    assert_eq!(
        encoded["web_search_options"],
        json!({"search_context_size":"low"})
    );
    assert_eq!(encoded.get("tools"), None);
}

#[test]
fn a_choice_by_bare_name_means_the_tool_outside_of_groups() {
    let mut request = foreign(Dialect::OpenAiResponses);
    let grouped = Tool {
        namespace: Some("fs".into()),
        ..function("read")
    };
    request.tools = vec![grouped, function("read"), function("fs__read")];
    request.tool_choice = Some(ToolChoice::Named("read".into()));
    let (body, outcome) = encode(&request, "gpt-5");
    let names: Vec<_> = (0..3)
        .filter_map(|at| body["tools"][at]["function"]["name"].as_str())
        .collect();
    assert_eq!(names[1..], ["read", "fs__read"]);
    assert!(names[0].starts_with("fs__read_"), "{names:?}");
    assert_eq!(
        body["tool_choice"],
        json!({"type": "function", "function": {"name": "read"}})
    );
    assert_eq!(outcome.undo.tools.len(), 1);
    assert_eq!(outcome.undo.tools[0].wire, names[0]);
}
