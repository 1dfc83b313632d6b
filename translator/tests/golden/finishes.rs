//! Why an answer ended, in each client's words. A wrong word ends an agent's task or makes it loop.

use serde_json::{Value, json};
use translator::Dialect;

use crate::answers::{Exchange, fold, grammar};
use crate::cases::{self, AnswerCase};
use crate::events;

/// The words for one reason: Chat, Responses, Anthropic, Gemini.
type Words = [&'static str; 4];

const DONE: Words = ["stop", "completed", "end_turn", "STOP"];
const CALLS: Words = ["tool_calls", "completed", "tool_use", "STOP"];
const LENGTH: Words = [
    "length",
    "incomplete max_output_tokens",
    "max_tokens",
    "MAX_TOKENS",
];
const FILTER: Words = [
    "content_filter",
    "incomplete content_filter",
    "refusal",
    "SAFETY",
];
const REFUSAL: Words = ["stop", "completed", "refusal", "SAFETY"];

/// The reason of a case. Refusals differ by upstream: OpenAI models refuse in words, the others filter.
fn words(case: &str, upstream: Dialect) -> Words {
    let openai = matches!(upstream, Dialect::OpenAiChat | Dialect::OpenAiResponses);
    match case {
        "max_tokens" => LENGTH,
        "content_filter" => FILTER,
        "refusal" if openai => REFUSAL,
        "refusal" => FILTER,
        "one_tool" | "parallel_tools" | "text_then_tool" | "reasoning_tool" | "freeform_call"
        | "renamed_call" | "empty_arguments" | "interleaved" => CALLS,
        _ => DONE,
    }
}

/// The word in a client's complete answer.
fn word(client: Dialect, body: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or("").to_owned();
    match client {
        Dialect::OpenAiChat => text(&body["choices"][0]["finish_reason"]),
        Dialect::OpenAiResponses => {
            let reason = text(&body["incomplete_details"]["reason"]);
            format!("{} {reason}", text(&body["status"]))
                .trim_end()
                .to_owned()
        }
        Dialect::Anthropic => text(&body["stop_reason"]),
        Dialect::Gemini => text(&body["candidates"][0]["finishReason"]),
    }
}

fn accepted(case: &AnswerCase, upstream: Dialect, client: Dialect, got: &str) -> bool {
    let want = words(&case.name, upstream)[client as usize];
    match case.name.as_str() {
        // Only Anthropic has a word for it, and only Anthropic or the hub knows that it happened.
        "stop_sequence" if client == Dialect::Anthropic => {
            matches!(got, "stop_sequence" | "end_turn")
        }
        // A blocked prompt keeps Google's own reason for Google's clients.
        "content_filter" if client == Dialect::Gemini => {
            matches!(got, "SAFETY" | "PROHIBITED_CONTENT" | "")
        }
        _ => got == want,
    }
}

#[test]
fn every_client_hears_why() {
    let mut problems = Vec::new();
    for case in cases::answers() {
        for upstream in Dialect::ALL {
            let (complete, stream) = &case.upstreams[&upstream];
            for client in Dialect::ALL {
                let exchange = Exchange::new(&case, upstream, client).expect("a legal question");
                let place = format!(
                    "{}: {} to {}",
                    case.name,
                    cases::word(upstream),
                    cases::word(client)
                );
                let (body, _) = exchange
                    .complete(complete)
                    .unwrap_or_else(|error| unreachable!("{place}: {error}"));
                let (out, _) = exchange.streamed(stream, stream.len()).expect("no panic");
                let streamed = fold(client, &events::read(client, &out).expect("legal frames"));
                for (form, body) in [("complete", &body), ("stream", &streamed)] {
                    let got = word(client, body);
                    if !accepted(&case, upstream, client, &got) {
                        problems.push(format!(
                            "{place}, {form}: {got:?}, expected {:?}",
                            words(&case.name, upstream)[client as usize]
                        ));
                    }
                }
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// Anthropic's own details of a refusal reach Anthropic's clients, a refusal's words every client.
#[test]
fn a_refusal_keeps_its_details() {
    let case = cases::answers()
        .into_iter()
        .find(|case| case.name == "refusal")
        .expect("the case exists");
    let seen = |upstream, client| {
        let exchange = Exchange::new(&case, upstream, client).expect("a plain question");
        exchange
            .complete(&case.upstreams[&upstream].0)
            .expect("an answer")
            .0
    };
    let details = &seen(Dialect::Anthropic, Dialect::Anthropic)["stop_details"];
    assert_eq!(
        (&details["type"], &details["category"]),
        (&json!("refusal"), &json!("cyber"))
    );
    for upstream in [
        Dialect::OpenAiChat,
        Dialect::OpenAiResponses,
        Dialect::Anthropic,
    ] {
        for client in Dialect::ALL {
            let body = seen(upstream, client).to_string();
            assert!(
                body.contains("I can't help with that."),
                "{} to {}: {body}",
                cases::word(upstream),
                cases::word(client)
            );
        }
    }
    let chat = &seen(Dialect::OpenAiResponses, Dialect::OpenAiChat)["choices"][0]["message"];
    assert!(
        chat["content"].is_null() && chat["refusal"].is_string(),
        "{chat}"
    );
    let item = &seen(Dialect::OpenAiChat, Dialect::OpenAiResponses)["output"][0];
    assert_eq!(item["content"][0]["type"], "refusal");
}

/// A call that the model could not finish is an error for every client but Gemini's, which know the reason.
#[test]
fn an_unusable_call_is_no_success() {
    let body = json!({
        "candidates": [{"finishReason": "MALFORMED_FUNCTION_CALL", "finishMessage": "Malformed function call: get_weather(", "index": 0}],
        "usageMetadata": {"promptTokenCount": 24, "totalTokenCount": 24},
        "modelVersion": "gemini-3-flash-preview",
        "responseId": "r",
    })
    .to_string();
    let stream = format!("data: {body}\r\n\r\n");
    let case = cases::answers()
        .into_iter()
        .find(|case| case.name == "one_tool")
        .expect("the case exists");
    for client in Dialect::ALL {
        let exchange = Exchange::new(&case, Dialect::Gemini, client).expect("a legal question");
        let complete = exchange.complete(&body);
        let (out, summary) = exchange.streamed(&stream, stream.len()).expect("no panic");
        let events = events::read(client, &out).expect("legal frames");
        if client == Dialect::Gemini {
            assert_eq!(
                word(client, &complete.expect("an answer").0),
                "MALFORMED_FUNCTION_CALL"
            );
            assert_eq!(
                word(client, &fold(client, &events)),
                "MALFORMED_FUNCTION_CALL"
            );
        } else {
            assert!(complete.is_err(), "{}", cases::word(client));
            assert!(summary.failure.is_some(), "{}", cases::word(client));
            assert_eq!(
                grammar(client, &events, true),
                Vec::<String>::new(),
                "{}",
                cases::word(client)
            );
        }
    }
}
