//! Every answer and every stream event of the demo upstream is what the vendors' schemas allow, in all four dialects;
//! and what it hands out (calls, reasoning state) is accepted when it comes back, and refused when it was altered.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex};

use jsonschema::Validator;
use serde_json::{Value, json};

use super::ask::{Ask, Dialect};
use super::fault::Fault;
use super::script::{Answer, answer};
use super::{chat, gemini, messages, responses, server};

const DIALECTS: [Dialect; 4] = [
    Dialect::Chat,
    Dialect::Responses,
    Dialect::Messages,
    Dialect::Gemini,
];
const VERSION: Option<&str> = Some("2023-06-01");

static SCHEMAS: LazyLock<Mutex<HashMap<String, &'static Validator>>> =
    LazyLock::new(Mutex::default);

fn validate(schema: &str, value: &Value, case: &str) {
    let validator = *SCHEMAS
        .lock()
        .expect("no test panics with the lock")
        .entry(schema.to_owned())
        .or_insert_with(|| {
            let path = format!(
                "{}/translator/tests/specs/{schema}.schema.json",
                env!("CARGO_MANIFEST_DIR")
            );
            let text = std::fs::read_to_string(&path).expect(&path);
            let schema = serde_json::from_str(&text).expect("the schema is JSON");
            Box::leak(Box::new(
                jsonschema::draft202012::new(&schema).expect("the schema compiles"),
            ))
        });
    let error = validator
        .validate(value)
        .err()
        .map(|error| error.to_string());
    assert_eq!(error, None, "{case}: {value}");
}

fn read(dialect: Dialect, body: &Value) -> Result<Ask, Fault> {
    match dialect {
        Dialect::Chat => chat::read(body),
        Dialect::Responses => responses::read(body),
        Dialect::Messages => messages::read(body, VERSION),
        Dialect::Gemini => gemini::read(body, "demo-model"),
    }
}

fn whole(ask: &Ask, answer: &Answer, body: &Value) -> Value {
    match ask.dialect {
        Dialect::Chat => chat::whole(ask, answer, body),
        Dialect::Responses => responses::whole(ask, answer, body),
        Dialect::Messages => messages::whole(ask, answer, body),
        Dialect::Gemini => gemini::whole(ask, answer, body),
    }
}

/// A request with two tools, the turns behind its first user text, and a schema for the answer when asked.
fn request(dialect: Dialect, user: &str, rest: &[Value], schema: Option<&Value>) -> Value {
    let parameters = json!({"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer", "minimum": 2}}, "required": ["city"]});
    let names = ["weather", "clock"];
    let turns = |first: Value| [vec![first], rest.to_vec()].concat();
    let functions = |key: &str| names.map(|name| json!({"name": name, key: parameters}));
    let mut body = match dialect {
        Dialect::Chat => json!({
            "model": "demo-model", "messages": turns(json!({"role": "user", "content": user})),
            "tools": functions("parameters").map(|function| json!({"type": "function", "function": function})),
        }),
        Dialect::Responses => json!({
            "model": "demo-model", "input": turns(json!({"role": "user", "content": user})),
            "tools": functions("parameters").map(|mut tool| { tool["type"] = json!("function"); tool["strict"] = json!(false); tool }),
        }),
        Dialect::Messages => json!({
            "model": "demo-model", "max_tokens": 4000, "messages": turns(json!({"role": "user", "content": user})),
            "tools": functions("input_schema"),
        }),
        Dialect::Gemini => json!({
            "contents": turns(json!({"role": "user", "parts": [{"text": user}]})),
            "tools": [{"functionDeclarations": functions("parametersJsonSchema")}],
        }),
    };
    if let Some(schema) = schema {
        match dialect {
            Dialect::Chat => {
                body["response_format"] = json!({"type": "json_schema", "json_schema": {"name": "out", "schema": schema}});
            }
            Dialect::Responses => {
                body["text"] =
                    json!({"format": {"type": "json_schema", "name": "out", "schema": schema}});
            }
            Dialect::Messages => {
                body["output_config"] =
                    json!({"format": {"type": "json_schema", "schema": schema}});
            }
            Dialect::Gemini => {
                body["generationConfig"] =
                    json!({"responseMimeType": "application/json", "responseJsonSchema": schema});
            }
        }
    }
    body
}

fn text(dialect: Dialect, whole: &Value) -> String {
    let found = match dialect {
        Dialect::Chat => whole.pointer("/choices/0/message/content").cloned(),
        Dialect::Responses => whole["output"].as_array().and_then(|items| {
            items
                .iter()
                .find_map(|item| item.pointer("/content/0/text").cloned())
        }),
        Dialect::Messages => whole["content"]
            .as_array()
            .and_then(|blocks| blocks.iter().find_map(|block| block.get("text").cloned())),
        Dialect::Gemini => whole
            .pointer("/candidates/0/content/parts")
            .and_then(Value::as_array)
            .and_then(|parts| {
                parts
                    .iter()
                    .find(|part| part["thought"] != true)
                    .and_then(|part| part.get("text").cloned())
            }),
    };
    found
        .and_then(|text| text.as_str().map(str::to_owned))
        .unwrap_or_default()
}

/// The turns that bring an answer back: the answer itself, and a result for each of its calls.
fn back(dialect: Dialect, whole: &Value) -> Vec<Value> {
    match dialect {
        Dialect::Chat => {
            let message = &whole["choices"][0]["message"];
            let calls = message["tool_calls"]
                .as_array()
                .cloned()
                .unwrap_or_default();
            let results = calls
                .iter()
                .map(|call| json!({"role": "tool", "tool_call_id": call["id"], "content": "rain"}));
            [message.clone()].into_iter().chain(results).collect()
        }
        Dialect::Responses => {
            let output = whole["output"].as_array().cloned().unwrap_or_default();
            let calls: Vec<Value> = output
                .iter()
                .filter(|item| item["type"] == "function_call")
                .cloned()
                .collect();
            let results = calls.iter().map(|call| json!({"type": "function_call_output", "call_id": call["call_id"], "output": "rain"}));
            output.into_iter().chain(results).collect()
        }
        Dialect::Messages => {
            let blocks = whole["content"].as_array().cloned().unwrap_or_default();
            let results: Vec<Value> = blocks
                .iter()
                .filter(|block| block["type"] == "tool_use")
                .map(|call| json!({"type": "tool_result", "tool_use_id": call["id"], "content": "rain"}))
                .collect();
            vec![
                json!({"role": "assistant", "content": blocks}),
                json!({"role": "user", "content": results}),
            ]
        }
        Dialect::Gemini => {
            let content = &whole["candidates"][0]["content"];
            let parts = content["parts"].as_array().cloned().unwrap_or_default();
            let results: Vec<Value> = parts
                .iter()
                .filter_map(|part| part.get("functionCall"))
                .map(|call| json!({"functionResponse": {"id": call["id"], "name": call["name"], "response": {"output": "rain"}}}))
                .collect();
            vec![content.clone(), json!({"role": "user", "parts": results})]
        }
    }
}

/// Compatible servers' reasoning member is not in the vendor's schema.
fn without_extension(mut value: Value) -> Value {
    for place in ["/choices/0/message", "/choices/0/delta"] {
        if let Some(inner) = value.pointer_mut(place).and_then(Value::as_object_mut) {
            inner.remove("reasoning_content");
        }
    }
    value
}

fn schemas(dialect: Dialect) -> (&'static str, &'static str) {
    match dialect {
        Dialect::Chat => ("openai/chat.completion", "openai/chat.chunk"),
        Dialect::Responses => ("openai/response", "openai/responses.stream_event"),
        Dialect::Messages => ("anthropic/message", "anthropic/stream_event"),
        Dialect::Gemini => (
            "gemini/generate_content.response",
            "gemini/generate_content.response",
        ),
    }
}

#[test]
fn answers_and_events_satisfy_the_schemas() {
    let schema = json!({"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": false});
    let words = [
        "",
        "demo:reasoning",
        "demo:tool",
        "demo:parallel",
        "demo:reasoning demo:parallel",
        "demo:json",
        "demo:long",
        "demo:refusal",
        "demo:length",
        "demo:empty",
        "demo:cached",
        "demo:usage",
        "demo:cut",
        "demo:reasoning demo:length",
    ];
    for dialect in DIALECTS {
        let (body_schema, event_schema) = schemas(dialect);
        for (word, schema) in words
            .iter()
            .map(|word| (*word, None))
            .chain([("as JSON", Some(&schema))])
        {
            let case = format!("{dialect:?} {word:?}");
            let body = request(dialect, &format!("Hello {word}"), &[], schema);
            let ask = read(dialect, &body).expect(&case);
            let answer = answer(&ask).expect(&case);
            validate(
                body_schema,
                &without_extension(whole(&ask, &answer, &body)),
                &case,
            );
            for event in server::events(&ask, &answer, &body) {
                validate(event_schema, &without_extension(event.data), &case);
            }
        }
    }
}

#[test]
fn structured_output_satisfies_its_schema() {
    let schema = json!({"type": "object", "properties": {"name": {"type": "string"}, "age": {"type": "integer", "minimum": 18}}, "required": ["name", "age"], "additionalProperties": false});
    for dialect in DIALECTS {
        let body = request(dialect, "Who?", &[], Some(&schema));
        let ask = read(dialect, &body).expect("the request is right");
        let answer = answer(&ask).expect("nothing asks for an error");
        let made: Value = serde_json::from_str(&text(dialect, &whole(&ask, &answer, &body)))
            .expect("the text is JSON");
        assert!(jsonschema::is_valid(&schema, &made), "{dialect:?}: {made}");
    }
}

#[test]
fn an_answer_that_comes_back_is_accepted_and_quoted() {
    for dialect in DIALECTS {
        for word in ["demo:tool", "demo:parallel", "demo:reasoning demo:parallel"] {
            let user = format!("Weather? {word}");
            let body = request(dialect, &user, &[], None);
            let ask = read(dialect, &body).expect("the request is right");
            let first = whole(
                &ask,
                &answer(&ask).expect("nothing asks for an error"),
                &body,
            );
            let body = request(dialect, &user, &back(dialect, &first), None);
            let ask = read(dialect, &body)
                .unwrap_or_else(|fault| unreachable!("{dialect:?} {word}: {fault:?}"));
            let said = text(
                dialect,
                &whole(
                    &ask,
                    &answer(&ask).expect("nothing asks for an error"),
                    &body,
                ),
            );
            assert!(said.contains("rain"), "{dialect:?} {word}: {said}");
            let carries_state = dialect != Dialect::Chat && word.contains("reasoning");
            assert_eq!(
                said.contains("came back intact: 1"),
                carries_state,
                "{dialect:?} {word}: {said}"
            );
        }
    }
}

#[test]
fn altered_state_and_lost_results_are_refused() {
    for dialect in DIALECTS {
        let user = "Weather? demo:reasoning demo:tool";
        let body = request(dialect, user, &[], None);
        let ask = read(dialect, &body).expect("the request is right");
        let first = whole(
            &ask,
            &answer(&ask).expect("nothing asks for an error"),
            &body,
        );
        let turns = back(dialect, &first);
        let without_results = request(dialect, user, &turns[..turns.len() - 1], None);
        assert_eq!(
            read(dialect, &without_results)
                .err()
                .map(|fault| fault.status),
            Some(400),
            "{dialect:?}"
        );
        if dialect != Dialect::Chat {
            let state = if dialect == Dialect::Responses {
                "encrypted_content"
            } else {
                "ignature\":\""
            };
            let altered = Value::Array(turns).to_string().replace("ZGVtby", "eGVtby");
            assert!(altered.contains(state), "{dialect:?}: {altered}");
            let turns: Vec<Value> = serde_json::from_str(&altered).expect("still JSON");
            assert_eq!(
                read(dialect, &request(dialect, user, &turns, None))
                    .err()
                    .map(|fault| fault.status),
                Some(400),
                "{dialect:?}"
            );
        }
    }
}

#[test]
fn wrong_requests_are_refused_in_the_vendor_s_shape() {
    let shapes = [
        "openai/error",
        "openai/error",
        "anthropic/error",
        "gemini/error",
    ];
    for (dialect, shape) in DIALECTS.into_iter().zip(shapes) {
        let mut body = request(dialect, "Hello", &[], None);
        body["surprise"] = json!(1);
        let fault = read(dialect, &body).expect_err("the member is unknown");
        assert!(
            fault.message.contains("surprise"),
            "{dialect:?}: {}",
            fault.message
        );
        for status in [400, 401, 403, 404, 413, 429, 500, 503, 529] {
            let ask = read(
                dialect,
                &request(dialect, &format!("demo:error-{status}"), &[], None),
            )
            .expect("the request is right");
            let fault = answer(&ask).expect_err("the text asks for an error");
            assert_eq!(fault.status, status);
            validate(
                shape,
                &fault.body(dialect),
                &format!("{dialect:?} {status}"),
            );
        }
    }
}

#[test]
fn takes_what_codex_sends_beside_the_schema() {
    let mut body = request(Dialect::Responses, "hello", &[], None);
    body["client_metadata"] = json!({"x-codex-installation-id": "1"});
    assert_eq!(read(Dialect::Responses, &body).expect("fine").user, "hello");
    let counted = responses::count(&body).expect_err("nobody counts with it");
    assert_eq!(counted.param.as_deref(), Some("client_metadata"));
}

#[test]
fn refuses_what_each_vendor_refuses() {
    let cases = [
        (Dialect::Chat, json!({"model": "m", "messages": []})),
        (
            Dialect::Chat,
            json!({"model": "m", "messages": [{"role": "robot", "content": "x"}]}),
        ),
        (
            Dialect::Chat,
            json!({"model": "m", "messages": [{"role": "tool", "tool_call_id": "a", "content": "x"}]}),
        ),
        (
            Dialect::Chat,
            json!({"model": "m", "messages": [{"role": "user", "content": "x"}], "tool_choice": "auto"}),
        ),
        (
            Dialect::Chat,
            json!({"model": "m", "messages": [{"role": "user", "content": "x"}], "stream_options": {}}),
        ),
        (
            Dialect::Chat,
            json!({"model": "m", "messages": [{"role": "user", "content": [{"type": "input_text", "text": "x"}]}]}),
        ),
        (
            Dialect::Responses,
            json!({"model": "m", "input": [{"type": "function_call_output", "call_id": "a", "output": "x"}]}),
        ),
        (
            Dialect::Responses,
            json!({"model": "m", "input": [{"role": "assistant", "content": [{"type": "input_text", "text": "x"}]}]}),
        ),
        (
            Dialect::Responses,
            json!({"model": "m", "input": "x", "max_output_tokens": 4}),
        ),
        (
            Dialect::Responses,
            json!({"model": "m", "input": [{"type": "reasoning", "summary": []}, {"role": "user", "content": "x"}]}),
        ),
        (
            Dialect::Messages,
            json!({"model": "m", "messages": [{"role": "user", "content": "x"}]}),
        ),
        (
            Dialect::Messages,
            json!({"model": "m", "max_tokens": 9, "messages": [{"role": "assistant", "content": "x"}]}),
        ),
        (
            Dialect::Messages,
            json!({"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": [{"type": "text", "text": ""}]}]}),
        ),
        (
            Dialect::Messages,
            json!({"model": "m", "max_tokens": 2000, "thinking": {"type": "enabled", "budget_tokens": 2000}, "messages": [{"role": "user", "content": "x"}]}),
        ),
        (
            Dialect::Gemini,
            json!({"contents": [{"role": "assistant", "parts": [{"text": "x"}]}]}),
        ),
        (
            Dialect::Gemini,
            json!({"contents": [{"role": "user", "parts": [{"text": "x", "functionCall": {"name": "f"}}]}]}),
        ),
        (
            Dialect::Gemini,
            json!({"contents": [{"role": "user", "parts": [{"text": "x"}]}], "generationConfig": {"thinkingConfig": {"thinkingBudget": 1, "thinkingLevel": "LOW"}}}),
        ),
    ];
    for (dialect, body) in cases {
        assert_eq!(
            read(dialect, &body).err().map(|fault| fault.status),
            Some(400),
            "{dialect:?}: {body}"
        );
    }
}
