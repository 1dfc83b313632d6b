//! Requests, read: the items that clients send and the members beside them.

use serde_json::json;

use super::decode_request;
use crate::Dialect;
use crate::envelope;
use crate::ir::{
    Args, Effort, Kind, Opaque, OpaqueKind, Output, ReasoningMode, Request, Role, Show, Summary,
    ToolKind,
};

fn decode(body: &str) -> Request<'_> {
    decode_request(body.as_bytes()).expect("a request")
}

/// What an agent sends in its second turn.
pub(super) const CODEX: &str = r#"{
  "model":"m","stream":true,"store":false,"tool_choice":"auto","parallel_tool_calls":false,
  "include":["reasoning.encrypted_content"],"prompt_cache_key":"k","client_metadata":{"a":"b"},
  "reasoning":{"effort":"high","summary":"auto","context":"all_turns"},"text":{"verbosity":"low"},
  "input":[
    {"type":"additional_tools","id":"at_1","role":"developer","tools":[
      {"type":"namespace","name":"functions","description":"d","tools":[
        {"type":"custom","name":"exec","description":"run","format":{"type":"grammar","syntax":"lark","definition":"start: /.+/"}},
        {"type":"function","name":"wait","strict":false,"parameters":{"type":"object","properties":{"ms":{"type":"number","encrypted":true}}}}]},
      {"type":"namespace","name":"clock","description":"d","tools":[{"type":"function","name":"now","parameters":{"type":"object","properties":{}}}]}]},
    {"type":"message","id":"msg_0","role":"developer","content":[{"type":"input_text","text":"base prompt"}]},
    {"role":"user","content":"go"},
    {"type":"reasoning","id":"rs_1","summary":[{"type":"summary_text","text":"one"},{"type":"summary_text","text":"two"}],"content":null,"encrypted_content":"gAAA"},
    {"type":"message","id":"msg_1","role":"assistant","phase":"commentary","status":"completed","content":[{"type":"output_text","text":"looking","annotations":[],"logprobs":[]}]},
    {"type":"custom_tool_call","id":"ctc_1","status":"completed","call_id":"c1","name":"exec","namespace":"functions","input":"text(\"hi\")"},
    {"type":"function_call","id":"fc_1","status":"completed","call_id":"c2","name":"now","namespace":"clock","arguments":"{}"},
    {"type":"custom_tool_call_output","id":"ctco_1","call_id":"c1","output":[{"type":"input_text","text":"out"},{"type":"input_image","image_url":"data:image/png;base64,AAAA","detail":"original"}]},
    {"type":"function_call_output","id":"fco_1","call_id":"c2","output":"12:00"},
    {"type":"message","role":"assistant","phase":"commentary","content":"still here"},
    {"type":"message","role":"assistant","phase":"final_answer","content":"done"},
    {"type":"message","role":"user","content":[{"type":"input_text","text":"more"}]}
  ]}"#;

#[test]
fn codex_history_is_understood() {
    let request = decode(CODEX);
    let tools: Vec<_> = request
        .tools
        .iter()
        .map(|tool| (tool.namespace.as_deref(), tool.name.as_ref()))
        .collect();
    assert_eq!(
        tools,
        [
            (Some("functions"), "exec"),
            (Some("functions"), "wait"),
            (Some("clock"), "now")
        ]
    );
    assert!(matches!(
        request.tools[0].kind,
        ToolKind::Freeform { format: Some(_) }
    ));
    assert_eq!(request.instructions[0].text.as_str(), "base prompt");
    let roles: Vec<Role> = request.turns.iter().map(|turn| turn.role).collect();
    assert_eq!(
        roles,
        [
            Role::User,
            Role::Assistant,
            Role::User,
            Role::Assistant,
            Role::Assistant,
            Role::User
        ]
    );
    let turn = &request.turns[1];
    assert_eq!(turn.phase.as_deref(), Some("commentary"));
    let Kind::Reasoning { text } = &turn.parts[0].kind else {
        unreachable!("reasoning comes first")
    };
    assert_eq!(text.as_str(), "one\n\ntwo");
    assert_eq!(turn.parts[0].opaque[0].provider, None);
    let Kind::ToolCall(exec) = &turn.parts[2].kind else {
        unreachable!("the call is the third part")
    };
    assert!(matches!(&exec.args, Args::Freeform(text) if *text == *"text(\"hi\")"));
    assert_eq!(exec.namespace.as_deref(), Some("functions"));
    let Kind::ToolResult(result) = &request.turns[2].parts[0].kind else {
        unreachable!("the result comes first")
    };
    assert!(result.freeform && result.content.len() == 2);
    assert_eq!(request.turns[4].phase.as_deref(), Some("final_answer"));
    assert_eq!(request.reasoning.effort, Some(Effort::High));
    assert_eq!(request.reasoning.show, Show::Summary(Summary::Auto));
    assert!(request.stream);
}

#[test]
fn envelopes_are_opened() {
    let foreign = Opaque {
        origin: Dialect::Anthropic,
        provider: Some("p".into()),
        model: None,
        kind: OpaqueKind::Thinking,
        state: r#"{"type":"thinking","thinking":"t","signature":"s"}"#.into(),
    };
    let body = json!({"model":"m","input":[
        {"role":"user","content":"a"},
        {"type":"reasoning","id":"rs_1","summary":[],"encrypted_content":envelope::seal(std::slice::from_ref(&foreign))},
        {"type":"reasoning","id":"rs_2","summary":[],"encrypted_content":"hub1.damaged"},
        {"role":"assistant","content":"x"}]})
    .to_string();
    let request = decode(&body);
    assert_eq!(request.turns[1].parts[0].opaque, [foreign]);
    assert!(request.turns[1].parts[1].opaque.is_empty());
}

#[test]
fn every_input_item_is_taken_or_named() {
    let items = [
        r#"{"type":"tool_search_call","call_id":"c","status":"completed","execution":"client","arguments":{"query":"q"}}"#,
        r#"{"type":"tool_search_output","call_id":"c","execution":"client","tools":[{"type":"namespace","name":"n","description":"d","tools":[{"type":"function","name":"f"}]}]}"#,
        r#"{"type":"web_search_call","id":"ws_1","status":"completed","action":{"type":"search","query":"q"}}"#,
        r#"{"type":"local_shell_call","id":"l","call_id":"c","status":"completed","action":{"type":"exec","command":["ls"],"env":{}}}"#,
        r#"{"type":"local_shell_call_output","id":"l","output":"x"}"#,
        r#"{"type":"shell_call","call_id":"c","action":{"commands":["ls"]}}"#,
        r#"{"type":"shell_call_output","call_id":"c","output":[{"stdout":"o","stderr":"","outcome":{"type":"exit","exit_code":0}}]}"#,
        r#"{"type":"apply_patch_call","call_id":"c","status":"completed","operation":{"type":"delete_file","path":"p"}}"#,
        r#"{"type":"apply_patch_call_output","call_id":"c","status":"failed","output":"no"}"#,
        r#"{"type":"computer_call_output","call_id":"c","output":{"type":"computer_screenshot","image_url":"data:image/png;base64,AA"}}"#,
        r#"{"type":"mcp_list_tools","id":"m","server_label":"s","tools":[{"name":"n","input_schema":{}}]}"#,
        r#"{"type":"compaction","id":"cmp_1","encrypted_content":"e"}"#,
        r#"{"type":"configuration_update","reasoning":{"effort":"low"}}"#,
        r#"{"type":"something_newer","content":[{"type":"x"}],"id":7}"#,
    ];
    for item in items {
        let body = format!(r#"{{"model":"m","input":[{{"role":"user","content":"a"}},{item}]}}"#);
        let decoded = decode_request(body.as_bytes());
        if item.contains("something_newer") {
            assert!(
                decoded.is_err_and(|refusal| refusal.param.as_deref() == Some("input[1]")),
                "an id is no number"
            );
        } else {
            assert!(decoded.is_ok(), "{item}: {decoded:?}");
        }
    }
    for item in [
        r#"{"type":"item_reference","id":"msg_7"}"#,
        r#"{"id":"msg_7"}"#,
    ] {
        let body = format!(r#"{{"model":"m","input":[{item}]}}"#);
        let refusal = decode_request(body.as_bytes()).expect_err("not resolved");
        assert!(refusal.message.contains("msg_7"), "{refusal}");
    }
}

#[test]
fn members_are_read() {
    let request = decode(
        r#"{"model":"m","input":"x","instructions":"be","previous_response_id":"resp_1","store":true,"max_output_tokens":100,
        "temperature":0.5,"top_p":0.9,"top_logprobs":3,"service_tier":"fast","safety_identifier":"u","prompt_cache_key":"k",
        "reasoning":{"effort":"none","mode":"pro"},"truncation":"auto","background":false,"metadata":{"a":"b"},
        "text":{"format":{"type":"json_schema","name":"n","schema":{"type":"object"},"strict":true}},"future":1}"#,
    );
    assert_eq!(request.previous.as_deref(), Some("resp_1"));
    assert_eq!(
        (request.max_output, request.logprobs, request.store),
        (Some(100), Some(3), Some(true))
    );
    assert_eq!(request.reasoning.mode, ReasoningMode::Off);
    assert!(matches!(
        &request.output,
        Output::Schema {
            strict: Some(true),
            ..
        }
    ));
    let residue: Vec<(&str, &str)> = request
        .residue
        .iter()
        .map(|r| (r.field.as_ref(), r.raw))
        .collect();
    assert_eq!(
        residue,
        [
            ("truncation", "\"auto\""),
            ("future", "1"),
            ("reasoning.mode", "\"pro\"")
        ]
    );
}

#[test]
fn words_of_an_unknown_item_are_kept_wherever_they_stand() {
    for item in [
        r#"{"type":"mystery","text":"keep"}"#,
        r#"{"type":"mystery","content":"keep"}"#,
        r#"{"type":"mystery","content":[{"type":"x","text":"keep"}]}"#,
    ] {
        let body = format!(r#"{{"model":"m","input":[{item}]}}"#);
        let request = decode(&body);
        assert!(
            matches!(&request.turns[0].parts[0].kind, Kind::Other { text: Some(text), .. } if text.as_str() == "keep"),
            "{item}"
        );
    }
}
