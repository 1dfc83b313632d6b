//! Requests in and out, answers in and out, each checked against the published shape of the dialect.

mod answers;
mod history;
mod requests;

use std::sync::OnceLock;

use serde_json::Value;

use crate::Dialect;
use crate::capability;
use crate::ir::{
    Args, Kind, Opaque, OpaqueKind, Part, Request, Role, Source, ToolCall, ToolResult, Turn,
};
use crate::translate::{Origin, Outbound, Target};

pub(super) const ORIGIN: Origin<'static> = Origin {
    provider: "google",
    model: "gemini-3-pro",
};

pub(super) fn target(model: &str) -> Target<'_> {
    Target {
        dialect: Dialect::Gemini,
        provider: "google",
        model,
        capability: capability::of(Dialect::Gemini, model),
        stream: false,
        cache_key: None,
        auto_cache: false,
        drop_state: false,
    }
}

pub(super) fn check(
    schema: &'static str,
    cell: &'static OnceLock<jsonschema::Validator>,
    value: &Value,
) {
    let validator = cell.get_or_init(|| {
        let schema: Value = serde_json::from_str(schema).expect("schema is JSON");
        jsonschema::draft202012::new(&schema).expect("schema is valid")
    });
    let errors: Vec<String> = validator
        .iter_errors(value)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{errors:#?}\n{value:#}");
}

pub(super) fn check_request(value: &Value) {
    static CELL: OnceLock<jsonschema::Validator> = OnceLock::new();
    check(
        include_str!("../../../tests/specs/gemini/generate_content.request.schema.json"),
        &CELL,
        value,
    );
}

pub(super) fn check_answer(value: &Value) {
    static CELL: OnceLock<jsonschema::Validator> = OnceLock::new();
    check(
        include_str!("../../../tests/specs/gemini/generate_content.response.schema.json"),
        &CELL,
        value,
    );
}

pub(super) fn check_error(value: &Value) {
    static CELL: OnceLock<jsonschema::Validator> = OnceLock::new();
    check(
        include_str!("../../../tests/specs/gemini/error.schema.json"),
        &CELL,
        value,
    );
}

pub(super) fn encode(request: &Request<'_>, model: &str) -> (Value, Outbound) {
    let outbound = super::encode_request(request, &target(model)).expect("can be carried");
    let body: Value = serde_json::from_slice(&outbound.body).expect("body is JSON");
    check_request(&body);
    (body, outbound)
}

pub(super) fn chat(turns: Vec<Turn<'static>>) -> Request<'static> {
    let mut request = Request::new(Dialect::OpenAiChat, "m".into());
    request.turns = turns;
    request
}

pub(super) fn user(text: &'static str) -> Turn<'static> {
    Turn::new(Role::User, vec![Part::text(text)])
}

pub(super) fn call(id: &'static str, name: &'static str, args: &'static str) -> Part<'static> {
    Part::new(Kind::ToolCall(ToolCall {
        id: id.into(),
        name: name.into(),
        namespace: None,
        args: Args::Text(args.into()),
    }))
}

pub(super) fn result(id: &'static str, content: Vec<Part<'static>>) -> Part<'static> {
    Part::new(Kind::ToolResult(ToolResult {
        id: id.into(),
        content,
        ..ToolResult::default()
    }))
}

pub(super) fn signature(state: &'static str) -> Opaque<'static> {
    Opaque {
        origin: Dialect::Gemini,
        provider: Some("google".into()),
        model: None,
        kind: OpaqueKind::Signature,
        state: state.into(),
    }
}

pub(super) fn thinking() -> Opaque<'static> {
    Opaque {
        origin: Dialect::Anthropic,
        provider: Some("anthropic".into()),
        model: Some("claude".into()),
        kind: OpaqueKind::Thinking,
        state: r#"{"type":"thinking","thinking":"","signature":"x"}"#.into(),
    }
}

pub(super) fn picture() -> Part<'static> {
    Part::new(Kind::Image {
        source: Source::Base64 {
            mime: "image/png".into(),
            data: "iVBORw0K".into(),
        },
        detail: None,
    })
}
