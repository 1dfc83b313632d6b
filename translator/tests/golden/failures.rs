//! Errors of every upstream, as every client reads them: status, type, schema, and the words that agents act on.

use serde_json::{Value, json};
use translator::Dialect;

use crate::{cases, schemas};

/// What a client must get: HTTP status, and type (OpenAI `type`, Anthropic `error.type`, Gemini `status`).
type Expected = [(Dialect, u16, &'static str); 3];

/// An upstream's answer of some status, and what each client makes of it. Responses clients get what Chat clients get.
struct Case {
    name: &'static str,
    upstream: Dialect,
    status: u16,
    body: Value,
    expected: Expected,
}

const fn expected(
    chat: (u16, &'static str),
    anthropic: (u16, &'static str),
    gemini: (u16, &'static str),
) -> Expected {
    [
        (Dialect::OpenAiChat, chat.0, chat.1),
        (Dialect::Anthropic, anthropic.0, anthropic.1),
        (Dialect::Gemini, gemini.0, gemini.1),
    ]
}

const INVALID: Expected = expected(
    (400, "invalid_request_error"),
    (400, "invalid_request_error"),
    (400, "INVALID_ARGUMENT"),
);
const LIMIT: Expected = expected(
    (429, ""),
    (429, "rate_limit_error"),
    (429, "RESOURCE_EXHAUSTED"),
);
const KEY: Expected = expected((502, "server_error"), (502, "api_error"), (500, "INTERNAL"));
const OVERLOAD: Expected = expected(
    (503, "server_error"),
    (529, "overloaded_error"),
    (503, "UNAVAILABLE"),
);
const UNKNOWN: Expected = expected(
    (404, "invalid_request_error"),
    (404, "not_found_error"),
    (404, "NOT_FOUND"),
);

fn table() -> Vec<Case> {
    let openai = |message: &str, kind: &str, code: Value| json!({"error": {"message": message, "type": kind, "param": null, "code": code}});
    let anthropic = |kind: &str, message: &str| json!({"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_1"});
    let gemini = |code: u16, status: &str, message: &str| json!({"error": {"code": code, "message": message, "status": status}});
    let case = |name, upstream, status, body, expected| Case {
        name,
        upstream,
        status,
        body,
        expected,
    };
    vec![
        case(
            "invalid",
            Dialect::OpenAiChat,
            400,
            openai("bad thing", "invalid_request_error", Value::Null),
            INVALID,
        ),
        case(
            "invalid",
            Dialect::Anthropic,
            400,
            anthropic("invalid_request_error", "bad thing"),
            INVALID,
        ),
        case(
            "invalid",
            Dialect::Gemini,
            400,
            gemini(400, "INVALID_ARGUMENT", "bad thing"),
            INVALID,
        ),
        case(
            "key",
            Dialect::OpenAiChat,
            401,
            openai("bad key", "invalid_request_error", json!("invalid_api_key")),
            KEY,
        ),
        case(
            "key",
            Dialect::Anthropic,
            401,
            anthropic("authentication_error", "invalid x-api-key"),
            KEY,
        ),
        case(
            "key",
            Dialect::Gemini,
            403,
            gemini(
                403,
                "PERMISSION_DENIED",
                "Method doesn't allow unregistered callers (callers without established identity). Please use API Key or other form of API consumer identity to call this API.",
            ),
            KEY,
        ),
        case(
            "key",
            Dialect::Gemini,
            400,
            json!({"error": {"code": 400, "message": "API key not valid.", "status": "INVALID_ARGUMENT",
            "details": [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}]}}),
            KEY,
        ),
        case(
            "model",
            Dialect::OpenAiResponses,
            404,
            openai(
                "no such model",
                "invalid_request_error",
                json!("model_not_found"),
            ),
            UNKNOWN,
        ),
        case(
            "model",
            Dialect::Anthropic,
            404,
            anthropic("not_found_error", "model: x"),
            UNKNOWN,
        ),
        case(
            "model",
            Dialect::Gemini,
            404,
            gemini(404, "NOT_FOUND", "models/x is not found"),
            UNKNOWN,
        ),
        case(
            "rate",
            Dialect::OpenAiChat,
            429,
            openai(
                "Rate limit reached",
                "requests",
                json!("rate_limit_exceeded"),
            ),
            LIMIT,
        ),
        case(
            "rate",
            Dialect::Anthropic,
            429,
            anthropic("rate_limit_error", "slow down"),
            LIMIT,
        ),
        case(
            "rate",
            Dialect::Gemini,
            429,
            gemini(429, "RESOURCE_EXHAUSTED", "quota"),
            LIMIT,
        ),
        case(
            "overload",
            Dialect::OpenAiChat,
            503,
            openai("overloaded", "server_error", Value::Null),
            OVERLOAD,
        ),
        case(
            "overload",
            Dialect::Anthropic,
            529,
            anthropic("overloaded_error", "Overloaded"),
            OVERLOAD,
        ),
        case(
            "overload",
            Dialect::Gemini,
            503,
            gemini(503, "UNAVAILABLE", "try later"),
            OVERLOAD,
        ),
        case(
            "billing",
            Dialect::OpenAiChat,
            429,
            openai(
                "no money",
                "insufficient_quota",
                json!("insufficient_quota"),
            ),
            expected(
                (429, "insufficient_quota"),
                (402, "billing_error"),
                (429, "RESOURCE_EXHAUSTED"),
            ),
        ),
        case(
            "billing",
            Dialect::Anthropic,
            402,
            anthropic("billing_error", "no money"),
            expected(
                (429, "insufficient_quota"),
                (402, "billing_error"),
                (429, "RESOURCE_EXHAUSTED"),
            ),
        ),
        case(
            "timeout",
            Dialect::Gemini,
            504,
            gemini(504, "DEADLINE_EXCEEDED", "too slow"),
            expected(
                (504, "server_error"),
                (504, "timeout_error"),
                (504, "DEADLINE_EXCEEDED"),
            ),
        ),
    ]
}

/// The dialect's word for what went wrong.
fn kind(client: Dialect, body: &Value) -> &str {
    let key = if client == Dialect::Gemini {
        "status"
    } else {
        "type"
    };
    body["error"][key].as_str().unwrap_or("")
}

#[test]
fn errors_are_translated_any_to_any() {
    let mut problems = Vec::new();
    for case in table() {
        for client in Dialect::ALL {
            let place = format!(
                "{} {} to {}",
                case.name,
                cases::word(case.upstream),
                cases::word(client)
            );
            let failure = case
                .upstream
                .decode_error(case.status, case.body.to_string().as_bytes());
            let mut out = Vec::new();
            let status = client.encode_error(&failure, "req_hub_1", &mut out);
            let body: Value = serde_json::from_slice(&out).unwrap_or(Value::Null);
            problems.extend(
                schemas::problems(schemas::error(client), &body)
                    .into_iter()
                    .map(|problem| format!("{place}: {problem}")),
            );
            let like = if client == Dialect::OpenAiResponses {
                Dialect::OpenAiChat
            } else {
                client
            };
            let (_, want, word) = case
                .expected
                .into_iter()
                .find(|(dialect, ..)| *dialect == like)
                .expect("all are listed");
            if status != want || (!word.is_empty() && kind(client, &body) != word) {
                problems.push(format!(
                    "{place}: {status} {}, expected {want} {word}",
                    kind(client, &body)
                ));
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// Agents shorten the conversation when they read these words, and only then.
#[test]
fn a_context_overflow_speaks_each_clients_language() {
    let overflows = [
        (
            Dialect::OpenAiChat,
            json!({"error": {"message": "This model's maximum context length is 128000 tokens. However, your messages resulted in 130001 tokens.", "type": "invalid_request_error", "param": "messages", "code": "context_length_exceeded"}}),
        ),
        (
            Dialect::Anthropic,
            json!({"type": "error", "error": {"type": "invalid_request_error", "message": "prompt is too long: 130001 tokens > 128000 maximum"}}),
        ),
        (
            Dialect::Gemini,
            json!({"error": {"code": 400, "status": "INVALID_ARGUMENT", "message": "The input token count (130001) exceeds the maximum number of tokens allowed (128000)."}}),
        ),
    ];
    for (upstream, body) in overflows {
        for client in Dialect::ALL {
            let place = format!("{} to {}", cases::word(upstream), cases::word(client));
            let failure = upstream.decode_error(400, body.to_string().as_bytes());
            let mut out = Vec::new();
            assert_eq!(
                client.encode_error(&failure, "req_hub_1", &mut out),
                400,
                "{place}"
            );
            let body: Value = serde_json::from_slice(&out).expect("JSON");
            let message = body["error"]["message"].as_str().unwrap_or("");
            assert!(
                message.contains("130001") && message.contains("128000"),
                "{place}: {message}"
            );
            match client {
                Dialect::OpenAiChat | Dialect::OpenAiResponses => {
                    assert_eq!(body["error"]["code"], "context_length_exceeded", "{place}");
                }
                Dialect::Anthropic => assert!(
                    message.contains("prompt is too long: 130001 tokens > 128000 maximum"),
                    "{place}: {message}"
                ),
                Dialect::Gemini => assert!(
                    message.contains("The input token count (130001) exceeds"),
                    "{place}: {message}"
                ),
            }
        }
    }
}

/// Whatever stands in an error body, a client gets a legal error.
#[test]
fn strange_error_bodies_become_legal_errors() {
    let bodies = [
        "",
        "<html>502 Bad Gateway</html>",
        "null",
        "[]",
        "{\"detail\":\"Not Found\"}",
        "{\"error\":\"plain words\"}",
        "[{\"error\":{\"code\":503,\"message\":\"m\",\"status\":\"UNAVAILABLE\"}}]",
        "{\"object\":\"error\",\"message\":\"vllm\",\"code\":400}",
        "\u{feff}{",
    ];
    for upstream in Dialect::ALL {
        for client in Dialect::ALL {
            for body in bodies {
                for status in [400, 422, 500, 502, 599] {
                    let failure = upstream.decode_error(status, body.as_bytes());
                    let mut out = Vec::new();
                    let answered = client.encode_error(&failure, "req_hub_1", &mut out);
                    let place = format!(
                        "{} to {}: {status} {body:?}",
                        cases::word(upstream),
                        cases::word(client)
                    );
                    let document: Value = serde_json::from_slice(&out).unwrap_or(Value::Null);
                    assert_eq!(
                        schemas::problems(schemas::error(client), &document),
                        Vec::<String>::new(),
                        "{place}: {document}"
                    );
                    let range = if status < 500 { 400..500 } else { 500..600 };
                    assert!(
                        range.contains(&answered) || body.contains("503"),
                        "{place}: answered {answered}"
                    );
                    assert!(
                        document["error"]["message"]
                            .as_str()
                            .is_some_and(|message| !message.is_empty()),
                        "{place}: no message"
                    );
                }
            }
        }
    }
}

/// The words of a vendor that speaks otherwise are no codes to those who know OpenAI's.
#[test]
fn openai_clients_get_codes_that_they_know() {
    for (status, word, code) in [
        (429, "RESOURCE_EXHAUSTED", json!("rate_limit_exceeded")),
        (404, "NOT_FOUND", json!("model_not_found")),
        (500, "INTERNAL", Value::Null),
        (400, "INVALID_ARGUMENT", Value::Null),
        (409, "ABORTED", Value::Null),
    ] {
        let body = json!({"error": {"code": status, "message": "words", "status": word}});
        let failure = Dialect::Gemini.decode_error(status, body.to_string().as_bytes());
        for client in [Dialect::OpenAiChat, Dialect::OpenAiResponses] {
            let mut out = Vec::new();
            client.encode_error(&failure, "req_hub_1", &mut out);
            let told: Value = serde_json::from_slice(&out).expect("JSON");
            assert_eq!(told["error"]["code"], code, "{word}: {told}");
        }
    }
}
