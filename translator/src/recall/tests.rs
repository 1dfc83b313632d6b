use super::*;
use crate::Dialect;
use crate::ir::ToolCall;

fn request(turns: Vec<Turn<'static>>) -> Request<'static> {
    let mut request = Request::new(Dialect::OpenAiChat, "m".into());
    request.turns = turns;
    request
}

fn user(text: &'static str) -> Turn<'static> {
    Turn::new(Role::User, vec![Part::text(text)])
}

fn called(args: &'static str) -> Turn<'static> {
    let call = ToolCall {
        id: "call_0".into(),
        name: "f".into(),
        namespace: None,
        args: Args::Text(Text::borrowed(args)),
    };
    Turn::new(Role::Assistant, vec![Part::new(Kind::ToolCall(call))])
}

fn state(kind: OpaqueKind, state: &'static str) -> Opaque<'static> {
    Opaque {
        origin: Dialect::Anthropic,
        provider: Some("p".into()),
        model: None,
        kind,
        state: state.into(),
    }
}

/// What was kept with `call_0` when it answered a question.
fn kept(question: &'static str, name: &'static str) -> (Mark, String) {
    let args = Args::Object(r#"{"a": 1.0, "b": "\u00e9"}"#.into());
    let before = mark(&request(vec![user(question)]));
    let states = [state(OpaqueKind::Thinking, name)];
    let kept = Kept::with_call("call_0".into(), "f", &args, before, &states);
    (kept.mark, kept.envelope)
}

fn states(request: &Request<'_>) -> Vec<String> {
    let parts = request.turns.iter().flat_map(|turn| &turn.parts);
    parts
        .flat_map(|part| {
            part.opaque
                .iter()
                .map(|state| state.state.clone().into_owned())
        })
        .collect()
}

#[test]
fn conversations_that_share_an_id_keep_their_own_state() {
    let store = [kept("one", "first"), kept("two", "second")];
    let recall = |key: Key<'_>| match key {
        Key::Call("call_0") => store.to_vec(),
        _ => Vec::new(),
    };
    // Numbers, escapes and the order of members are the client's own.
    let args = r#"{"b":"é","a":1}"#;
    for (question, want) in [("one", "first"), ("two", "second")] {
        let mut asked = request(vec![user(question), called(args)]);
        fill(&mut asked, &recall);
        assert_eq!(states(&asked), [want], "{question}");
        assert!(matches!(
            asked.turns[1].parts[0].kind,
            Kind::Reasoning { .. }
        ));
    }
    let strangers = [
        ("another question", vec![user("three"), called(args)]),
        ("another call", vec![user("one"), called(r#"{"a":2}"#)]),
        (
            "more before it",
            vec![user("zero"), user("one"), called(args)],
        ),
    ];
    for (case, turns) in strangers {
        let mut asked = request(turns);
        fill(&mut asked, &recall);
        assert!(states(&asked).is_empty(), "{case}");
    }
}

#[test]
fn a_random_id_is_enough_as_long_as_nobody_else_has_it() {
    const ID: &str = "call_AbCdEfGhIjKlMnOpQrStUvWx";
    let turn = |args| {
        let mut turn = called(args);
        if let Kind::ToolCall(call) = &mut turn.parts[0].kind {
            call.id = ID.into();
        }
        turn
    };
    let one = kept("one", "first");
    let other = (Kept::without_state(ID.to_owned(), 7).mark, String::new());
    let alone = vec![one.clone()];
    let shared = vec![one, other];
    let args = r#"{"a":1,"b":"é"}"#;
    let cases = [
        ("cut history", &alone, args, "first"),
        ("another call", &alone, "{}", ""),
        ("an id that was used twice", &shared, args, ""),
    ];
    for (case, store, args, want) in cases {
        let recall = |_: Key<'_>| store.clone();
        let mut asked = request(vec![user("elsewhere"), turn(args)]);
        fill(&mut asked, &recall);
        assert_eq!(states(&asked).join(","), want, "{case}");
    }
}

#[test]
fn what_the_client_returns_is_not_replaced() {
    let recall = |_: Key<'_>| vec![kept("one", "kept")];
    let mut turn = called(r#"{"a":1,"b":"é"}"#);
    let own = Part {
        opaque: vec![state(OpaqueKind::Thinking, "returned")],
        ..Part::new(Kind::Reasoning {
            text: Text::default(),
        })
    };
    turn.parts.insert(0, own);
    let mut asked = request(vec![user("one"), turn]);
    fill(&mut asked, &recall);
    assert_eq!(states(&asked), ["returned"]);
}

#[test]
fn answers_without_calls_are_known_by_their_words() {
    let before = mark(&request(vec![user("one")]));
    let signature = [state(OpaqueKind::Signature, "c2ln")];
    let kept = Kept::with_words("done.", before, &signature);
    let recall = |key: Key<'_>| match key {
        Key::Answer(mark) if mark() == kept.mark => vec![(kept.mark, kept.envelope.clone())],
        _ => Vec::new(),
    };
    let answer = || {
        let parts = vec![Part::text("do"), Part::text("ne.")];
        Turn::new(Role::Assistant, parts)
    };
    let mut asked = request(vec![user("one"), answer(), user("next")]);
    fill(&mut asked, &recall);
    assert_eq!(states(&asked), ["c2ln"]);
    assert_eq!(asked.turns[1].parts[1].opaque.len(), 1, "on the last words");
    let mut asked = request(vec![user("two"), answer()]);
    fill(&mut asked, &recall);
    assert!(states(&asked).is_empty());
}

#[test]
fn words_whose_reasoning_came_back_lack_only_their_phase() {
    let before = mark(&request(vec![user("one")]));
    let phase = Opaque {
        origin: Dialect::OpenAiResponses,
        ..state(OpaqueKind::Phase, "final_answer")
    };
    let states = [phase.clone(), state(OpaqueKind::Signature, "c2ln")];
    let kept = Kept::with_words("done.", before, &states);
    let recall = |key: Key<'_>| match key {
        Key::Answer(mark) if mark() == kept.mark => vec![(kept.mark, kept.envelope.clone())],
        _ => Vec::new(),
    };
    let answer = |returned: Vec<Opaque<'static>>| {
        let reasoning = Part {
            opaque: returned,
            ..Part::new(Kind::Reasoning {
                text: Text::default(),
            })
        };
        let parts = vec![reasoning, Part::text("done.")];
        let mut asked = request(vec![user("one"), Turn::new(Role::Assistant, parts)]);
        fill(&mut asked, &recall);
        asked
    };
    let thought = state(OpaqueKind::Reasoning, "returned");
    let asked = answer(vec![thought.clone()]);
    assert_eq!(self::states(&asked), ["returned", "final_answer"]);
    assert_eq!(
        asked.turns[1].parts[1].opaque.len(),
        1,
        "the phase is on the words"
    );
    let asked = answer(vec![thought, phase]);
    assert_eq!(self::states(&asked), ["returned", "final_answer"]);
}

#[test]
fn words_become_the_reasoning_that_they_were() {
    let words = Opaque {
        origin: Dialect::OpenAiChat,
        ..state(OpaqueKind::Words, "I thought")
    };
    let before = mark(&request(vec![user("one")]));
    let args = Args::Text(Text::borrowed("{}"));
    let kept = Kept::with_call("call_0".into(), "f", &args, before, &[words]);
    let recall = |_: Key<'_>| vec![(kept.mark, kept.envelope.clone())];
    let mut asked = request(vec![user("one"), called("")]);
    fill(&mut asked, &recall);
    let part = &asked.turns[1].parts[0];
    assert!(matches!(&part.kind, Kind::Reasoning { text } if *text == *"I thought"));
    assert!(part.opaque.is_empty());
}

#[test]
fn arguments_are_told_apart_by_what_they_say() {
    let of = |text: &'static str| canonical(&Args::Text(Text::borrowed(text)));
    for (one, same) in [
        (
            r#"{"a":1,"b":[true,null]}"#,
            r#"{ "b" : [ true, null ], "a" : 1.0 }"#,
        ),
        (r#"{"a":"\u00e9","\u0062":1e2}"#, r#"{"b":100,"a":"é"}"#),
        (r#"{"a":{"x":1,"y":2},"a":3}"#, r#"{"a":3}"#),
    ] {
        assert_eq!(of(one), of(same), "{one} {same}");
    }
    let others = [
        "{}",
        r#"{"a":1}"#,
        r#"{"a":"1"}"#,
        r#"{"a":true}"#,
        r#"{"a":"true"}"#,
        r#"{"a":[]}"#,
        r#"{"a":{}}"#,
        r#"{"a":[[],[]]}"#,
        r#"{"a":[[[]]]}"#,
        r#"{"a":{"b":1},"c":2}"#,
        r#"{"a":{"b":1,"c":2}}"#,
        r#"{"a":2,"b":1}"#,
        r#"{"a":1,"b":2}"#,
        r#"{"a":1"#,
    ];
    let hashes: std::collections::HashSet<u64> = others.into_iter().map(of).collect();
    assert_eq!(hashes.len(), others.len());
}
