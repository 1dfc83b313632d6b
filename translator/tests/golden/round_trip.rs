//! Vendor state on its whole way: upstream, client, next request, upstream.
//!
//! A client sends back what it was given, as its SDK does. The upstream must find its own state again, byte
//! for byte and at its place; an upstream of another vendor must never see it.

use serde_json::{Value, json};
use translator::Dialect;
use translator::recall::{self, Kept, Key, no_recall};

use crate::answers::Exchange;
use crate::cases::{self, AnswerCase, TARGETS};
use crate::requests::{translate, translate_recalling};
use crate::rules::{self, list, text};
use crate::schemas;

/// The client's next request: its question, the answer as it was given, a result for each call.
fn next_request(client: Dialect, answer: &Value) -> Value {
    let question = cases::request("reasoning_tools_two_turns", client).expect("the case exists");
    let mut body: Value = serde_json::from_str(&question).expect("a case is JSON");
    let key = match client {
        Dialect::OpenAiChat | Dialect::Anthropic => "messages",
        Dialect::OpenAiResponses => "input",
        Dialect::Gemini => "contents",
    };
    let elements = list(&body, key);
    let users = elements
        .iter()
        .position(|element| element["role"] == "user")
        .expect("a question");
    let mut history = elements[..=users].to_vec();
    match client {
        Dialect::OpenAiChat => {
            let message = &answer["choices"][0]["message"];
            history.push(message.clone());
            for call in list(message, "tool_calls") {
                history.push(
                    json!({"role": "tool", "tool_call_id": call["id"], "content": "3 degrees"}),
                );
            }
        }
        Dialect::OpenAiResponses => {
            history.extend(list(answer, "output").iter().cloned());
            for item in list(answer, "output")
                .iter()
                .filter(|item| item["type"] == "function_call")
            {
                history.push(json!({"type": "function_call_output", "call_id": item["call_id"], "output": "3 degrees"}));
            }
        }
        Dialect::Anthropic => {
            history.push(json!({"role": "assistant", "content": answer["content"]}));
            let results: Vec<Value> = list(answer, "content")
                .iter()
                .filter(|block| block["type"] == "tool_use")
                .map(|block| json!({"type": "tool_result", "tool_use_id": block["id"], "content": "3 degrees"}))
                .collect();
            history.push(json!({"role": "user", "content": results}));
        }
        Dialect::Gemini => {
            let content = &answer["candidates"][0]["content"];
            history.push(content.clone());
            let results: Vec<Value> = list(content, "parts")
                .iter()
                .filter(|part| part["functionCall"].is_object())
                .map(|part| {
                    let call = &part["functionCall"];
                    json!({"functionResponse": {"id": call["id"], "name": call["name"], "response": {"output": "3 degrees"}}})
                })
                .collect();
            history.push(json!({"role": "user", "parts": results}));
        }
    }
    body[key] = Value::Array(history);
    body
}

/// Opaque fields of a dialect's request, in order.
fn opaque<'v>(value: &'v Value, found: &mut Vec<&'v str>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| opaque(item, found)),
        Value::Object(members) => {
            for (key, member) in members {
                match member.as_str() {
                    Some(state)
                        if matches!(
                            key.as_str(),
                            "signature" | "data" | "thoughtSignature" | "encrypted_content"
                        ) =>
                    {
                        found.push(state);
                    }
                    _ => opaque(member, found),
                }
            }
        }
        _ => {}
    }
}

fn reasoning_case() -> AnswerCase {
    cases::answers()
        .into_iter()
        .find(|case| case.name == "reasoning_tool")
        .expect("the case exists")
}

#[test]
fn state_comes_back_to_its_own_vendor() {
    let case = reasoning_case();
    let mut problems = Vec::new();
    for upstream in [
        Dialect::OpenAiResponses,
        Dialect::Anthropic,
        Dialect::Gemini,
    ] {
        let complete = &case.upstreams[&upstream].0;
        let native: Value = serde_json::from_str(complete).expect("a case is JSON");
        let mut sent = Vec::new();
        opaque(&native, &mut sent);
        let model = native["model"]
            .as_str()
            .or(native["modelVersion"].as_str())
            .expect("a model");
        for client in Dialect::ALL {
            let place = format!(
                "{} to {} and back",
                cases::word(upstream),
                cases::word(client)
            );
            let exchange = Exchange::new(&case, upstream, client).expect("a legal question");
            let (answer, _) = exchange.complete(complete).expect("a legal answer");
            let next = next_request(client, &answer);
            let outbound = match translate(client, next.to_string().as_bytes(), upstream, model) {
                Ok(outbound) => outbound,
                Err(error) => {
                    problems.push(format!("{place}: {error}"));
                    continue;
                }
            };
            let body: Value = serde_json::from_slice(&outbound.body).expect("JSON");
            let mut returned = Vec::new();
            opaque(&body, &mut returned);
            if returned != sent {
                problems.push(format!("{place}: {sent:?} came back as {returned:?}"));
            }
            problems.extend(
                rules::check(upstream, model, &body)
                    .into_iter()
                    .map(|problem| format!("{place}: {problem}")),
            );
            problems
                .extend(at_its_place(upstream, &body).map(|problem| format!("{place}: {problem}")));
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// The state stands before the call that it led to.
fn at_its_place(upstream: Dialect, body: &Value) -> Option<String> {
    let kinds: Vec<String> = match upstream {
        Dialect::OpenAiResponses => list(body, "input")
            .iter()
            .map(|item| text(item, "type").to_owned())
            .collect(),
        Dialect::Anthropic => list(&body["messages"][1], "content")
            .iter()
            .map(|block| text(block, "type").to_owned())
            .collect(),
        _ => {
            let signed = list(body, "contents")
                .iter()
                .flat_map(|content| list(content, "parts"))
                .find(|part| part.get("thoughtSignature").is_some())?;
            return (!signed["functionCall"].is_object())
                .then(|| format!("the signature is on {signed}"));
        }
    };
    let state = kinds.iter().position(|kind| {
        matches!(
            kind.as_str(),
            "reasoning" | "thinking" | "redacted_thinking"
        )
    });
    let call = kinds
        .iter()
        .position(|kind| matches!(kind.as_str(), "function_call" | "tool_use"));
    (state.is_none() || state > call).then(|| format!("order {kinds:?}"))
}

#[test]
fn state_is_never_shown_to_another_vendor() {
    let case = reasoning_case();
    let mut problems = Vec::new();
    for upstream in [
        Dialect::OpenAiResponses,
        Dialect::Anthropic,
        Dialect::Gemini,
    ] {
        let complete = &case.upstreams[&upstream].0;
        let native: Value = serde_json::from_str(complete).expect("a case is JSON");
        let mut sent = Vec::new();
        opaque(&native, &mut sent);
        for client in Dialect::ALL {
            let exchange = Exchange::new(&case, upstream, client).expect("a legal question");
            let (answer, _) = exchange.complete(complete).expect("a legal answer");
            let next = next_request(client, &answer).to_string();
            for (other, model) in TARGETS.into_iter().filter(|(other, _)| *other != upstream) {
                let place = format!(
                    "{} to {} to {model}",
                    cases::word(upstream),
                    cases::word(client)
                );
                match translate(client, next.as_bytes(), other, model) {
                    Ok(outbound) => {
                        let body = String::from_utf8(outbound.body).expect("utf-8");
                        let leak = sent.iter().any(|state| body.contains(state))
                            || body.contains("\"hub1.")
                            || body.contains("\"SFVCM");
                        if leak {
                            problems.push(format!("{place}: foreign state in {body}"));
                        }
                        let body: Value = serde_json::from_str(&body).expect("JSON");
                        problems.extend(
                            rules::check(other, model, &body)
                                .into_iter()
                                .map(|problem| format!("{place}: {problem}")),
                        );
                    }
                    Err(error) => problems.push(format!("{place}: {error}")),
                }
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// Most Chat clients drop members that they do not know: the hub has kept the state by call id.
#[test]
fn a_forgetful_chat_client_is_reminded() {
    let case = reasoning_case();
    let question =
        cases::request("reasoning_tools_two_turns", Dialect::OpenAiChat).expect("the case exists");
    let mut asked = Dialect::OpenAiChat
        .decode_request(question.as_bytes(), &no_recall)
        .expect("a request");
    asked.turns.truncate(1);
    for upstream in [
        Dialect::OpenAiResponses,
        Dialect::Anthropic,
        Dialect::Gemini,
    ] {
        let place = cases::word(upstream);
        let (complete, stream) = &case.upstreams[&upstream];
        let native: Value = serde_json::from_str(complete).expect("a case is JSON");
        let mut sent = Vec::new();
        opaque(&native, &mut sent);
        let model = native["model"]
            .as_str()
            .or(native["modelVersion"].as_str())
            .expect("a model");
        let mut exchange =
            Exchange::new(&case, upstream, Dialect::OpenAiChat).expect("a legal question");
        exchange.answers_to(recall::mark(&asked));
        let (answer, summary) = exchange.complete(complete).expect("a legal answer");
        let (_, streamed) = exchange.streamed(stream, stream.len()).expect("no panic");
        assert!(!summary.keep.is_empty(), "{place}: nothing was kept");
        assert_eq!(summary.keep, streamed.keep, "{place}: kept of the stream");
        let next =
            next_request(Dialect::OpenAiChat, &schemas::without_extensions(&answer)).to_string();
        let reminder = |key: Key<'_>| {
            let of_call =
                |kept: &&Kept| matches!(key, Key::Call(id) if kept.call.as_deref() == Some(id));
            let found = summary.keep.iter().filter(of_call);
            found
                .map(|kept| (kept.mark, kept.envelope.clone()))
                .collect()
        };
        let outbound = translate_recalling(
            Dialect::OpenAiChat,
            next.as_bytes(),
            upstream,
            model,
            &reminder,
        )
        .unwrap_or_else(|error| unreachable!("{place}: {error}"));
        let body: Value = serde_json::from_slice(&outbound.body).expect("JSON");
        let mut returned = Vec::new();
        opaque(&body, &mut returned);
        assert_eq!(returned, sent, "{place}");
        assert_eq!(
            rules::check(upstream, model, &body),
            Vec::<String>::new(),
            "{place}"
        );
    }
}
