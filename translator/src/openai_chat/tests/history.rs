//! Messages, parts, reasoning and state of a conversation, both ways.

use super::{PROVIDER, codes, decode, encode, foreign, try_encode};
use crate::ir::{
    Args, CacheMark, Instruction, Kind, Opaque, OpaqueKind, Part, Request, Role, Source, ToolCall,
    ToolResult, Turn,
};
use crate::recall::{self, Kept, Key};
use crate::{Dialect, Text, envelope, openai_chat};
use serde_json::{Value, json};

fn state(origin: Dialect, kind: OpaqueKind, state: &'static str) -> Opaque<'static> {
    Opaque {
        origin,
        provider: Some("p".into()),
        model: Some("m".into()),
        kind,
        state: state.into(),
    }
}

fn messages(json: &str) -> String {
    format!(r#"{{"model":"m","messages":[{json}]}}"#)
}

fn kinds(request: &Request<'_>) -> Vec<String> {
    let name = |part: &Part<'_>| match &part.kind {
        Kind::Text { text, .. } => format!("text {}", text.as_str()),
        Kind::Refusal(text) => format!("refusal {}", text.as_str()),
        Kind::Image { source, detail } => format!("image {} {detail:?}", place(source)),
        Kind::Document { source, title, .. } => {
            format!(
                "document {} {:?}",
                place(source),
                title.as_ref().map(|title| title.as_str().into_owned())
            )
        }
        Kind::Audio { source } => format!("audio {}", place(source)),
        Kind::Video { source, .. } => format!("video {}", place(source)),
        Kind::Reasoning { text } => format!("reasoning {}+{}", text.as_str(), part.opaque.len()),
        Kind::ToolCall(call) => format!(
            "call {} {} {}+{}",
            call.id,
            call.name,
            call.args.to_text().as_str(),
            part.opaque.len()
        ),
        Kind::ToolResult(result) => format!("result {} x{}", result.id, result.content.len()),
        Kind::ServerTool { .. } => "server".to_owned(),
        Kind::Other { tag, text, raw } => {
            format!(
                "other {tag} {:?} {raw}",
                text.as_ref().map(|text| text.as_str().into_owned())
            )
        }
    };
    request
        .turns
        .iter()
        .flat_map(|turn| {
            turn.parts
                .iter()
                .map(move |part| format!("{:?} {}", turn.role, name(part)))
        })
        .collect()
}

fn place(source: &Source<'_>) -> String {
    match source {
        Source::Base64 { mime, data } => format!("{mime} {}", data.as_str()),
        Source::Url { url, .. } => url.as_str().into_owned(),
        Source::File { id, .. } => format!("file {}", id.as_str()),
        Source::Text(_) | Source::Parts(_) => "inline".to_owned(),
    }
}

#[test]
fn every_part_is_read() {
    let body = messages(
        r#"{"role":"user","content":[{"type":"text","text":"a"},{"type":"input_text","text":"b"},
        {"type":"image_url","image_url":{"url":"https://x/y.png","detail":"low"}},{"type":"image_url","image_url":"data:image/png;base64,QUI_"},
        {"type":"input_audio","input_audio":{"data":"QUJD","format":"mp3"}},
        {"type":"file","file":{"file_data":"data:application/pdf;base64,QUJD","filename":"a.pdf"}},{"type":"file","file":{"file_id":"file-1"}},
        {"type":"video_url","video_url":{"url":"https://x/v.mp4"}},{"type":"martian","inner":{"text":"hello"}}]}"#,
    );
    assert_eq!(
        kinds(&decode(&body)),
        [
            "User text a",
            "User text b",
            "User image https://x/y.png Some(Low)",
            "User image image/png QUI/ None",
            "User audio audio/mpeg QUJD",
            "User document application/pdf QUJD Some(\"a.pdf\")",
            "User document file file-1 None",
            "User video https://x/v.mp4",
            r#"User other martian Some("hello") {"type":"martian","inner":{"text":"hello"}}"#,
        ]
    );
}

#[test]
fn roles_become_turns() {
    let body = messages(
        r#"{"role":"system","content":"one"},{"role":"developer","content":[{"type":"text","text":"two"},{"type":"text","text":"three"}]},
        {"role":"user","content":"hi","name":"bob"},
        {"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":""}},{"id":"c2","type":"custom","custom":{"name":"g","input":"raw"}},{"id":"c3","function":{"name":"h","arguments":{"a": 1}}}]},
        {"role":"tool","tool_call_id":"c1","content":"r1"},{"role":"tool","tool_call_id":"c2","content":[{"type":"text","text":"r2"}]},
        {"role":"system","content":"late"},{"role":"assistant","content":"done","refusal":"no"},
        {"role":"assistant","content":null,"function_call":{"name":"old","arguments":"{}"}},{"role":"function","name":"old","content":"res"}"#,
    );
    let request = decode(&body);
    let instructions: Vec<_> = request
        .instructions
        .iter()
        .map(|one| one.text.as_str().into_owned())
        .collect();
    assert_eq!(instructions, ["one", "two", "three"]);
    assert_eq!(request.turns[0].name.as_deref(), Some("bob"));
    assert_eq!(
        kinds(&request),
        [
            "User text hi",
            "Assistant call c1 f {}+0",
            "Assistant call c2 g raw+0",
            r#"Assistant call c3 h {"a":1}+0"#,
            "User result c1 x1",
            "User result c2 x1",
            "System text late",
            "Assistant text done",
            "Assistant refusal no",
            "Assistant call call_8_0 old {}+0",
            "User result call_8_0 x1",
        ]
    );
    let freeform: Vec<bool> = request.turns[2]
        .parts
        .iter()
        .map(|part| matches!(&part.kind, Kind::ToolResult(result) if result.freeform))
        .collect();
    assert_eq!(freeform, [false, true]);
}

#[test]
fn a_conversation_in_the_same_dialect_comes_out_as_it_went_in() {
    let conversation = json!([
        {"role":"developer","content":"be good"},
        {"role":"user","content":[{"type":"text","text":"look\n"},{"type":"image_url","image_url":{"url":"data:image/png;base64,QUJD","detail":"high"}}]},
        {"role":"assistant","content":"calling","tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{\"a\": 1}"}},{"id":"c2","type":"custom","custom":{"name":"g","input":"raw"}}]},
        {"role":"tool","tool_call_id":"c1","content":"r\u{e9}"},
        {"role":"tool","tool_call_id":"c2","content":[{"type":"text","text":"x"},{"type":"text","text":"y"}]},
        {"role":"user","content":"and?","name":"bob"},
        {"role":"assistant","refusal":"no"},
        {"role":"user","content":[{"type":"file","file":{"file_id":"file-1"}}]}
    ]);
    let body = json!({"model":"m","messages":conversation}).to_string();
    let (encoded, outbound) = encode(&decode(&body), "gpt-4o");
    assert_eq!(encoded["messages"], conversation);
    assert!(outbound.report.is_empty(), "{}", codes(&outbound));
}

#[test]
fn compatible_servers_get_system_and_strings() {
    let mut capability = crate::capability::of(Dialect::OpenAiChat, "mystery").clone();
    capability.string_content = true;
    let mut request = foreign(Dialect::Anthropic);
    request.instructions = ["one", "two"]
        .map(|text| Instruction {
            text: text.into(),
            cache: Some(CacheMark { ttl: None }),
        })
        .to_vec();
    request.turns[0].parts.push(Part::text("world"));
    let aim = crate::translate::Target {
        capability: &capability,
        ..super::target("mystery")
    };
    let outbound = openai_chat::encode_request(&request, &aim).expect("encodes");
    let body: Value = serde_json::from_slice(&outbound.body).expect("JSON");
    assert_eq!(
        body["messages"],
        json!([{"role":"system","content":"one\n\ntwo"},{"role":"user","content":"hello\n\nworld"}])
    );
    let image = Kind::Image {
        source: Source::Url {
            url: "https://x".into(),
            mime: None,
        },
        detail: None,
    };
    request.turns[0].parts.push(Part::new(image));
    assert!(openai_chat::encode_request(&request, &aim).is_err());
}

#[test]
fn cache_marks_are_the_last_four() {
    let mut request = foreign(Dialect::Anthropic);
    let mark = Some(CacheMark { ttl: Some(300) });
    request.instructions.push(Instruction {
        text: "i".into(),
        cache: mark,
    });
    for _ in 0..4 {
        request.turns[0].parts.push(Part {
            cache: mark,
            ..Part::text("x")
        });
    }
    let (body, _) = encode(&request, "gpt-5.6");
    let text = body["messages"].to_string();
    assert_eq!(text.matches("prompt_cache_breakpoint").count(), 4);
    assert!(!body["messages"][0].to_string().contains("breakpoint"));
    let (body, _) = encode(&request, "gpt-4o");
    assert!(!body["messages"].to_string().contains("breakpoint"));
    assert_eq!(body["messages"][0]["content"], "i");
}

fn tool_loop() -> Request<'static> {
    let mut request = foreign(Dialect::Anthropic);
    let call = |id: &'static str, args: Args<'static>| {
        Part::new(Kind::ToolCall(ToolCall {
            id: id.into(),
            name: "f".into(),
            namespace: None,
            args,
        }))
    };
    request.turns.push(Turn::new(
        Role::Assistant,
        vec![
            Part::new(Kind::Reasoning {
                text: "thinking".into(),
            }),
            Part::text("a "),
            call("toolu_1", Args::Object(r#"{ "x": 1.50 }"#.into())),
            Part::text("b"),
            call("toolu_2", Args::Text("".into())),
        ],
    ));
    let result = |id: &'static str, content: Vec<Part<'static>>, is_error: bool| {
        Part::new(Kind::ToolResult(ToolResult {
            id: id.into(),
            content,
            is_error,
            ..ToolResult::default()
        }))
    };
    let image = Part::new(Kind::Image {
        source: Source::Base64 {
            mime: "image/png".into(),
            data: "QUJD".into(),
        },
        detail: None,
    });
    request.turns.push(Turn::new(
        Role::User,
        vec![
            result("toolu_1", vec![image], false),
            Part::text("next"),
            result("toolu_2", vec![Part::text("bad")], true),
        ],
    ));
    request
}

#[test]
fn results_come_first_and_their_media_behind_them() {
    let (body, outbound) = encode(&tool_loop(), "gpt-4o");
    assert_eq!(
        body["messages"],
        json!([
            {"role":"user","content":"hello"},
            {"role":"assistant","content":"a b","tool_calls":[
                {"id":"toolu_1","type":"function","function":{"name":"f","arguments":"{\"x\":1.50}"}},
                {"id":"toolu_2","type":"function","function":{"name":"f","arguments":"{}"}}]},
            {"role":"tool","tool_call_id":"toolu_1","content":"See attached content."},
            {"role":"tool","tool_call_id":"toolu_2","content":"Error: bad"},
            {"role":"user","content":[{"type":"text","text":"[tool result toolu_1 attachments]"},
                {"type":"image_url","image_url":{"url":"data:image/png;base64,QUJD"}}]},
            {"role":"user","content":"next"}
        ])
    );
    assert_eq!(codes(&outbound), "emulated:messages.content");
}

#[test]
fn reasoning_goes_back_where_it_is_demanded() {
    let (body, _) = encode(&tool_loop(), "deepseek-reasoner");
    assert_eq!(body["messages"][1]["reasoning_content"], "thinking");
    let mut request = tool_loop();
    request.turns[1].parts.remove(0);
    let (body, _) = encode(&request, "deepseek-reasoner");
    assert_eq!(body["messages"][1]["reasoning_content"], " ");
    let (body, _) = encode(&request, "qwen-max");
    assert_eq!(body["messages"][1].get("reasoning_content"), None);
}

#[test]
fn long_call_ids_are_shortened_alike() {
    let mut request = tool_loop();
    let long: &'static str = "toolu_0123456789012345678901234567890123456789";
    for turn in &mut request.turns {
        for part in &mut turn.parts {
            match &mut part.kind {
                Kind::ToolCall(call) if call.id == "toolu_1" => call.id = long.into(),
                Kind::ToolResult(result) if result.id == "toolu_1" => result.id = long.into(),
                _ => {}
            }
        }
    }
    let (body, _) = encode(&request, "gpt-4o");
    let id = body["messages"][1]["tool_calls"][0]["id"]
        .as_str()
        .expect("an id");
    assert!(id.len() <= 40);
    assert_eq!(body["messages"][2]["tool_call_id"], id);
}

#[test]
fn earlier_messages_never_change() {
    let request = tool_loop();
    let (whole, _) = encode(&request, "gpt-4o");
    let mut shorter = request.clone();
    shorter.turns.truncate(1);
    let (start, _) = encode(&shorter, "gpt-4o");
    assert_eq!(start["messages"][0], whole["messages"][0]);
    let mut longer = request;
    longer
        .turns
        .push(Turn::new(Role::Assistant, vec![Part::text("ok")]));
    longer
        .turns
        .push(Turn::new(Role::User, vec![Part::text("thanks")]));
    let (end, _) = encode(&longer, "gpt-4o");
    let (whole, end) = (whole["messages"].as_array(), end["messages"].as_array());
    assert_eq!(
        whole.map(|all| &all[..]),
        end.map(|all| &all[..all.len() - 2])
    );
}

#[test]
fn what_chat_cannot_hold_is_refused_or_rendered() {
    let part = |kind: Kind<'static>| {
        let mut request = foreign(Dialect::Anthropic);
        request.turns[0].parts = vec![Part::new(kind)];
        request
    };
    let document = |source: Source<'static>| Kind::Document {
        source,
        title: Some("T".into()),
        context: None,
        citations: true,
    };
    let file = Source::File {
        id: "file_9".into(),
        mime: None,
    };
    let refused = [
        (
            "document by url",
            part(document(Source::Url {
                url: "https://x/a.pdf".into(),
                mime: None,
            })),
            "base64",
        ),
        ("foreign file", part(document(file.clone())), "file_9"),
        (
            "foreign image",
            part(Kind::Image {
                source: file,
                detail: None,
            }),
            "file_9",
        ),
        (
            "video",
            part(Kind::Video {
                source: Source::Text("x".into()),
                metadata: None,
            }),
            "video",
        ),
        (
            "ogg",
            part(Kind::Audio {
                source: Source::Base64 {
                    mime: "audio/ogg".into(),
                    data: "QUJD".into(),
                },
            }),
            "audio/ogg",
        ),
    ];
    for (case, request, words) in refused {
        let refusal = try_encode(&request, "gpt-4o").expect_err(case);
        assert!(
            refusal.message.contains(words),
            "{case}: {}",
            refusal.message
        );
    }
    let (body, outbound) = encode(&part(document(Source::Text("words".into()))), "gpt-4o");
    assert_eq!(
        body["messages"][0]["content"],
        "<document title=\"T\">\nwords\n</document>"
    );
    assert_eq!(
        codes(&outbound),
        "dropped:messages.content.citations,emulated:messages.content"
    );
    let pdf = Source::Base64 {
        mime: "application/pdf".into(),
        data: "QUJD".into(),
    };
    let (body, _) = encode(&part(document(pdf)), "gpt-4o");
    assert_eq!(
        body["messages"][0]["content"][0]["file"],
        json!({"filename":"T","file_data":"data:application/pdf;base64,QUJD"})
    );
    let unknown = Kind::Other {
        tag: "x".into(),
        text: Some("kept".into()),
        raw: "{}".into(),
    };
    assert_eq!(
        encode(&part(unknown), "gpt-4o").0["messages"][0]["content"],
        "kept"
    );
}

#[test]
fn an_answer_that_was_begun_is_asked_for() {
    let mut request = foreign(Dialect::Anthropic);
    request
        .turns
        .push(Turn::new(Role::Assistant, vec![Part::text("{")]));
    let (body, outbound) = encode(&request, "gpt-4o");
    assert_eq!(body["messages"][2]["role"], "user");
    assert_eq!(codes(&outbound), "degraded:messages");
    request.dialect = Dialect::OpenAiChat;
    assert_eq!(
        encode(&request, "gpt-4o").0["messages"]
            .as_array()
            .map(Vec::len),
        Some(2)
    );
}

#[test]
fn state_comes_back_from_details_from_calls_and_from_memory() {
    let thinking = envelope::seal(&[state(Dialect::Anthropic, OpaqueKind::Thinking, "{}")]);
    let signature = envelope::seal_base64(&[state(Dialect::Gemini, OpaqueKind::Signature, "c2ln")]);
    let detail = |call: u32| {
        format!(r#"{{"type":"hub.state","data":"{thinking}","index":{call},"call":{call}}}"#)
    };
    let call = |id: &str, extra: &str| {
        format!(
            r#"{{"id":"{id}","type":"function","function":{{"name":"f","arguments":"{{}}"}}{extra}}}"#
        )
    };
    let extra = format!(r#","extra_content":{{"google":{{"thought_signature":"{signature}"}}}}"#);
    let cases = [
        (
            "details",
            format!(
                r#""content":"t","reasoning_content":"r","reasoning_details":[{},{}],"tool_calls":[{},{}]"#,
                detail(0),
                detail(1),
                call("a", ""),
                call("b", "")
            ),
            vec![
                "reasoning r+1",
                "text t",
                "call a f {}+0",
                "reasoning +1",
                "call b f {}+0",
            ],
        ),
        (
            "extra content",
            format!(r#""tool_calls":[{}]"#, call("a", &extra)),
            vec!["call a f {}+1"],
        ),
        (
            "memory",
            format!(
                r#""content":"t","tool_calls":[{},{}]"#,
                call("kept", ""),
                call("b", "")
            ),
            vec![
                "reasoning +1",
                "text t",
                "call kept f {}+1",
                "call b f {}+0",
            ],
        ),
        (
            "stranger's signature",
            {
                let extra = r#","extra_content":{"google":{"thought_signature":"bmF0aXZl"}}"#;
                format!(r#""tool_calls":[{}]"#, call("a", extra))
            },
            vec!["call a f {}+2"],
        ),
    ];
    let question = r#"{"role":"user","content":"x"}"#;
    let asked = messages(question);
    let asked = openai_chat::decode_request(asked.as_bytes()).expect("a request");
    let kept = Kept::with_call(
        "kept".to_owned(),
        "f",
        &Args::Text("{}".into()),
        recall::mark(&asked),
        &[
            state(Dialect::Anthropic, OpaqueKind::Thinking, "{}"),
            state(Dialect::Gemini, OpaqueKind::Signature, "c2ln"),
        ],
    );
    let recall = |key: Key<'_>| match key {
        Key::Call("kept") => vec![(kept.mark, kept.envelope.clone())],
        _ => Vec::new(),
    };
    for (case, members, want) in cases {
        let body = messages(&format!(r#"{question},{{"role":"assistant",{members}}}"#));
        let request = Dialect::OpenAiChat
            .decode_request(body.as_bytes(), &recall)
            .expect(case);
        let got: Vec<String> = kinds(&request)[1..]
            .iter()
            .map(|kind| kind.replacen("Assistant ", "", 1))
            .collect();
        assert_eq!(got, want, "{case}");
    }
}

#[test]
fn only_the_server_s_own_state_goes_back_to_it() {
    let mut request = tool_loop();
    let details = r#"[{"type":"reasoning.encrypted","data":"zzz"}]"#;
    let own = Opaque {
        provider: Some(PROVIDER.into()),
        ..state(Dialect::OpenAiChat, OpaqueKind::Reasoning, details)
    };
    request.turns[1].parts[0].opaque = vec![
        own.clone(),
        state(Dialect::Anthropic, OpaqueKind::Thinking, "{}"),
    ];
    let (body, _) = encode(&request, "mystery");
    assert_eq!(
        body["messages"][1]["reasoning_details"],
        serde_json::from_str::<Value>(details).expect("JSON")
    );
    request.turns[1].parts[0].opaque = vec![Opaque {
        provider: Some("another".into()),
        ..own.clone()
    }];
    assert_eq!(
        encode(&request, "mystery").0["messages"][1].get("reasoning_details"),
        None
    );
    request.turns[1].parts[0].opaque = vec![own];
    let aim = crate::translate::Target {
        drop_state: true,
        ..super::target("mystery")
    };
    let outbound = openai_chat::encode_request(&request, &aim).expect("encodes");
    assert!(!String::from_utf8_lossy(&outbound.body).contains("reasoning_details"));
}

#[test]
fn escaped_text_passes_as_it_is() {
    let body = messages(r#"{"role":"user","content":"\u00e9\n\ud83d\ude00"}"#);
    let request = decode(&body);
    assert!(matches!(
        &request.turns[0].parts[0].kind,
        Kind::Text {
            text: Text::Json(_),
            ..
        }
    ));
    let outbound =
        openai_chat::encode_request(&request, &super::target("gpt-4o")).expect("encodes");
    assert!(
        String::from_utf8_lossy(&outbound.body).contains(r#""content":"\u00e9\n\ud83d\ude00""#)
    );
}

#[test]
fn strings_among_parts_are_texts() {
    let body = messages(r#"{"role":"user","content":["a",{"type":"text","text":"b"}]}"#);
    assert_eq!(kinds(&decode(&body)), ["User text a", "User text b"]);
    let wrong = messages(r#"{"role":"user","content":["a",5]}"#);
    assert!(openai_chat::decode_request(wrong.as_bytes()).is_err());
}

#[test]
fn marks_on_results_count_once() {
    let mut request = tool_loop();
    let mark = Some(CacheMark { ttl: None });
    for part in &mut request.turns[2].parts {
        part.cache = mark;
        if let Kind::ToolResult(result) = &mut part.kind {
            result.content.push(Part {
                cache: mark,
                ..Part::text("more")
            });
            result.content.push(Part::text("end"));
        }
    }
    let (body, _) = encode(&request, "gpt-5.6");
    assert_eq!(
        body["messages"]
            .to_string()
            .matches("prompt_cache_breakpoint")
            .count(),
        4
    );
}

#[test]
fn calls_of_neighbouring_turns_stand_in_one_message() {
    let call = |id: &'static str| {
        Part::new(Kind::ToolCall(ToolCall {
            id: id.into(),
            name: "f".into(),
            namespace: None,
            args: Args::Object("{}".into()),
        }))
    };
    let result = |id: &'static str| {
        Part::new(Kind::ToolResult(ToolResult {
            id: id.into(),
            content: vec![Part::text(id)],
            ..ToolResult::default()
        }))
    };
    let mut request = foreign(Dialect::Anthropic);
    request.turns.extend([
        Turn::new(Role::Assistant, vec![call("t1")]),
        Turn::new(Role::Assistant, vec![Part::text("and"), call("t2")]),
        Turn::new(Role::User, vec![result("t1"), result("t2")]),
        Turn::new(Role::Assistant, vec![Part::text("one")]),
        Turn::new(Role::Assistant, vec![Part::text("two")]),
        Turn::new(Role::User, vec![Part::text("go on")]),
    ]);
    let (body, _) = encode(&request, "gpt-4o");
    let roles: Vec<_> = body["messages"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|message| message["role"].as_str().unwrap_or_default())
        .collect();
    assert_eq!(
        roles,
        [
            "user",
            "assistant",
            "tool",
            "tool",
            "assistant",
            "assistant",
            "user"
        ]
    );
    let calls = body["messages"][1]["tool_calls"].as_array().expect("calls");
    assert_eq!([&calls[0]["id"], &calls[1]["id"]], ["t1", "t2"]);
    assert_eq!(body["messages"][1]["content"], "and");
}

/// A reasoning item, words, another reasoning item and a call: each stays with what follows it. The state of the
/// words themselves is neither's.
#[test]
fn state_keeps_its_place_to_the_words() {
    use crate::ir::{Event, Opening};

    let opaque = |kind, words| vec![state(Dialect::OpenAiResponses, kind, words)];
    let call = Opening::ToolCall {
        id: "a".into(),
        name: "f".into(),
        namespace: None,
        freeform: false,
    };
    let part = |part: u32, kind, text: &'static str, opaque| {
        let delta = Event::Delta {
            part,
            text: text.into(),
        };
        let open = Event::Open {
            part,
            choice: 0,
            kind,
            opaque: Vec::new(),
        };
        let delta = (!text.is_empty()).then_some(delta);
        let close = Event::Close { part, opaque };
        [Some(open), delta, Some(close)].into_iter().flatten()
    };
    let events: Vec<Event<'_>> = [
        part(
            0,
            Opening::Reasoning,
            "why",
            opaque(OpaqueKind::Reasoning, "1"),
        ),
        part(
            1,
            Opening::Text,
            "let me",
            opaque(OpaqueKind::Signature, "2"),
        ),
        part(
            2,
            Opening::Reasoning,
            "",
            opaque(OpaqueKind::Reasoning, "3"),
        ),
        part(3, call, "{}", Vec::new()),
    ]
    .into_iter()
    .flatten()
    .collect();

    let mut fold = crate::fold::Fold::default();
    events.iter().for_each(|event| fold.event(event));
    let mut whole = Vec::new();
    openai_chat::encode_response(&fold.finish(), &mut super::answer(), &mut whole);
    let whole: Value = serde_json::from_slice(&whole).expect("JSON");

    let mut encoder = openai_chat::StreamEncoder::new(super::answer());
    let mut stream = Vec::new();
    events
        .iter()
        .for_each(|event| encoder.event(event, &mut stream));
    let stream = String::from_utf8(stream).expect("UTF-8");
    let records: Vec<Value> = stream
        .split("\n\n")
        .filter_map(|frame| serde_json::from_str::<Value>(frame.strip_prefix("data: ")?).ok())
        .map(|chunk| chunk["choices"][0]["delta"]["reasoning_details"][0].clone())
        .filter(|record| !record.is_null())
        .collect();

    let message = &whole["choices"][0]["message"];
    assert_eq!(message["reasoning_details"], Value::from(records));

    let body = messages(&format!(r#"{{"role":"user","content":"x"}},{message}"#));
    let request = decode(&body);
    let got: Vec<(String, &str)> = kinds(&request)[1..]
        .iter()
        .zip(&request.turns[1].parts)
        .map(|(kind, part)| {
            let state = part.opaque.first().map_or("", |state| &*state.state);
            (kind.replacen("Assistant ", "", 1), state)
        })
        .collect();
    let got: Vec<(&str, &str)> = got.iter().map(|(kind, state)| (&**kind, *state)).collect();
    let want = [
        ("reasoning why+1", "1"),
        ("reasoning +1", "2"),
        ("text let me", ""),
        ("reasoning +1", "3"),
        ("call a f {}+0", ""),
    ];
    assert_eq!(got, want);
}

#[test]
fn a_signature_on_the_reasoning_before_a_call_goes_back_on_the_call() {
    let sign = |state: &'static str| Opaque {
        provider: Some(PROVIDER.into()),
        ..self::state(Dialect::OpenAiChat, OpaqueKind::Signature, state)
    };
    let thought = |state| Part {
        opaque: vec![sign(state)],
        ..Part::new(Kind::Reasoning {
            text: Text::default(),
        })
    };
    let call = |id: &'static str| {
        Part::new(Kind::ToolCall(ToolCall {
            id: id.into(),
            name: "f".into(),
            namespace: None,
            args: Args::Object("{}".into()),
        }))
    };
    let own = Part {
        opaque: vec![sign("own")],
        ..call("d")
    };
    let mut request = foreign(Dialect::Anthropic);
    request.turns = vec![Turn::new(
        Role::Assistant,
        vec![
            thought("first"),
            Part::text("t"),
            call("a"),
            call("b"),
            thought("second"),
            call("c"),
            thought("third"),
            own,
            call("e"),
        ],
    )];
    let ids = ["a", "b", "c", "d", "e"];
    let calls = |model: &str| {
        let (body, _) = encode(&request, model);
        let messages = body["messages"].as_array().expect("messages").clone();
        let written = messages
            .iter()
            .find(|message| message["role"] == "assistant");
        let calls = written.expect("the assistant's turn")["tool_calls"].clone();
        ids.iter()
            .enumerate()
            .map(|(at, id)| {
                assert_eq!(calls[at]["id"], *id);
                calls[at]["extra_content"]["google"]["thought_signature"].clone()
            })
            .collect::<Vec<_>>()
    };
    let want = [
        json!("first"),
        Value::Null,
        json!("second"),
        json!("own"),
        Value::Null,
    ];
    assert_eq!(calls("gemini-3-pro-preview"), want);
}

#[test]
fn a_summary_does_not_run_into_what_is_said_behind_it() {
    let body = r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"go"},{"role":"assistant","content":[
        {"type":"compaction","content":"User wants 3 files."},{"type":"text","text":"ok"}]},
        {"role":"user","content":"on"}]}"#;
    let request = Dialect::Anthropic
        .decode_request(body.as_bytes(), &recall::no_recall)
        .expect("a request");
    let (body, outbound) = encode(&request, "gpt-4o");
    assert_eq!(
        body["messages"][1]["content"],
        "[conversation summary] User wants 3 files.\n\nok"
    );
    assert!(
        codes(&outbound).contains("emulated:messages.content"),
        "{}",
        codes(&outbound)
    );
}
