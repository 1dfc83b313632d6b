//! What the tests of this dialect share: schemas, targets, and short ways through the verbs.

mod answers;
mod history;
mod profiles;
mod requests;
mod streams;
mod tools;

use std::sync::LazyLock;

use jsonschema::Validator;
use serde_json::Value;

use crate::answer::Answer;
use crate::capability;
use crate::error::Refusal;
use crate::ident::Ids;
use crate::ir::{Event, Request, Role, Turn};
use crate::translate::{Origin, Outbound, Target};
use crate::{Dialect, openai_chat};

macro_rules! schema {
    ($name:literal) => {
        LazyLock::new(|| {
            let text = include_str!(concat!(
                "../../../tests/specs/openai/",
                $name,
                ".schema.json"
            ));
            let schema = serde_json::from_str(text).expect("the schema is JSON");
            jsonschema::draft202012::new(&schema).expect("the schema is a schema")
        })
    };
}

static REQUEST: LazyLock<Validator> = schema!("chat.request");
static COMPLETION: LazyLock<Validator> = schema!("chat.completion");
static CHUNK: LazyLock<Validator> = schema!("chat.chunk");
static ERROR: LazyLock<Validator> = schema!("error");

/// Extensions that compatible servers and clients know, and the vendor's schema does not.
const EXTENSIONS: [&str; 7] = [
    "native_finish_reason",
    "reasoning_content",
    "reasoning_details",
    "extra_content",
    "images",
    "reasoning",
    "top_k",
];

fn strip(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for name in EXTENSIONS {
                members.remove(name);
            }
            members.values_mut().for_each(strip);
        }
        Value::Array(items) => items.iter_mut().for_each(strip),
        _ => {}
    }
}

#[track_caller]
fn valid(validator: &Validator, value: &Value) {
    let mut stripped = value.clone();
    strip(&mut stripped);
    let errors: Vec<String> = validator
        .iter_errors(&stripped)
        .map(|error| format!("{} at {}", error, error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{errors:?}\n{value:#}");
}

fn decode(json: &str) -> Request<'_> {
    openai_chat::decode_request(json.as_bytes()).expect("a request")
}

const PROVIDER: &str = "somebody";

fn target(model: &str) -> Target<'_> {
    Target {
        dialect: Dialect::OpenAiChat,
        provider: PROVIDER,
        model,
        capability: capability::of(Dialect::OpenAiChat, model),
        stream: false,
        cache_key: None,
        auto_cache: false,
        drop_state: false,
    }
}

fn try_encode(request: &Request<'_>, model: &str) -> Result<(Value, Outbound), Refusal> {
    let outbound = openai_chat::encode_request(request, &target(model))?;
    let body: Value = serde_json::from_slice(&outbound.body).expect("the body is JSON");
    valid(&REQUEST, &body);
    Ok((body, outbound))
}

#[track_caller]
fn encode(request: &Request<'_>, model: &str) -> (Value, Outbound) {
    match try_encode(request, model) {
        Ok(encoded) => encoded,
        Err(refusal) => unreachable!("refused: {refusal}"),
    }
}

/// A request of another dialect with one user turn.
fn foreign(dialect: Dialect) -> Request<'static> {
    let mut request = Request::new(dialect, "client-model".into());
    request
        .turns
        .push(Turn::new(Role::User, vec![crate::ir::Part::text("hello")]));
    request
}

fn codes(outbound: &Outbound) -> String {
    outbound.report.header()
}

const ORIGIN: Origin<'static> = Origin {
    provider: PROVIDER,
    model: "m",
};

fn answer() -> Answer {
    Answer {
        dialect: Dialect::OpenAiChat,
        model: "client-model".to_owned(),
        ids: Ids::new(1),
        created: 1_700_000_000,
        include_usage: true,
        show_reasoning: true,
        function_calls: false,
        json_array: false,
        input_estimate: 0,
        echo: String::new(),
        before: None,
    }
}

/// Events in one line each, short enough for tables.
fn short(event: &Event<'_>) -> String {
    use crate::ir::Opening;
    match event {
        Event::Start { id, model } => format!("start {id} {model}"),
        Event::Open {
            part,
            choice,
            kind,
            opaque,
        } => {
            let kind = match kind {
                Opening::Text => "text".to_owned(),
                Opening::Reasoning => "reasoning".to_owned(),
                Opening::Refusal => "refusal".to_owned(),
                Opening::ToolCall {
                    id, name, freeform, ..
                } => {
                    format!("{} {id} {name}", if *freeform { "custom" } else { "call" })
                }
                Opening::Media { mime } => format!("media {mime}"),
                Opening::ServerTool { .. } => "server".to_owned(),
            };
            let states: String = opaque
                .iter()
                .map(|state| format!(" [{}]", state.state))
                .collect();
            format!("open {part}/{choice} {kind}{states}")
        }
        Event::Delta { part, text } => format!("delta {part} {}", text.as_str()),
        Event::Citation { part, citation } => {
            format!("cite {part} {:?} {:?}", citation.url, citation.span)
        }
        Event::Close { part, opaque } => {
            let states: String = opaque
                .iter()
                .map(|state| format!(" [{}]", state.state))
                .collect();
            format!("close {part}{states}")
        }
        Event::Usage(usage) => format!("usage {} {}", usage.input_total(), usage.output_total()),
        Event::Finish { choice, reason } => format!("finish {choice} {reason:?}"),
        Event::Fail(failure) => format!("fail {:?} {}", failure.kind, failure.message),
        Event::Logprobs { choice, tokens } => format!("logprobs {choice} {tokens}"),
        Event::Ping => "ping".to_owned(),
    }
}
