//! Upstreams that break off: a client must never take the rest for a complete answer.

use serde_json::Value;
use translator::Dialect;
use translator::error::{Failure, FailureKind};

use crate::answers::{Exchange, grammar, schema_problems};
use crate::cases;
use crate::events;

/// True when the frames so far say why the answer ended: then the cut has cost nothing that matters.
fn says_why(upstream: Dialect, frames: &[&str]) -> bool {
    frames.iter().any(|frame| {
        let data = frame
            .lines()
            .find_map(|line| line.strip_prefix("data: "))
            .unwrap_or("null");
        let data: Value = serde_json::from_str(data).unwrap_or(Value::Null);
        match upstream {
            Dialect::OpenAiChat => data["choices"][0]["finish_reason"].is_string(),
            Dialect::OpenAiResponses => {
                matches!(
                    data["type"].as_str(),
                    Some("response.completed" | "response.incomplete")
                )
            }
            Dialect::Anthropic => data["delta"]["stop_reason"].is_string(),
            Dialect::Gemini => {
                data["candidates"][0]["finishReason"].is_string()
                    || data["promptFeedback"].is_object()
            }
        }
    })
}

/// What is wrong with the client's stream after a cut.
fn after_cut(exchange: &Exchange, frames: &[&str], rest: &str) -> Option<String> {
    let fed = frames.concat() + rest;
    let (out, summary) = match exchange.streamed(&fed, fed.len().max(1)) {
        Ok(streamed) => streamed,
        Err(error) => return Some(error),
    };
    let events = match events::read(exchange.client, &out) {
        Ok(events) => events,
        Err(error) => return Some(error),
    };
    let complete = says_why(exchange.upstream, frames) || summary.satisfied;
    let mut problems = grammar(exchange.client, &events, true);
    if complete {
        // Either ending is fine, but it must be one of them.
        let success = grammar(exchange.client, &events, false);
        if success.is_empty() {
            problems.clear();
        }
    }
    // What came before the cut is judged with the whole stream; here the ending counts.
    let ending = events.len().saturating_sub(3);
    problems.extend(schema_problems(exchange.client, &events[ending..]));
    (!problems.is_empty()).then(|| problems.join("; "))
}

#[test]
fn a_cut_stream_ends_as_an_error() {
    let mut problems = Vec::new();
    for case in cases::answers() {
        for upstream in Dialect::ALL {
            let stream = &case.upstreams[&upstream].1;
            let frames = events::frames(stream);
            for client in Dialect::ALL {
                let place = format!(
                    "{}/{}__{}",
                    case.name,
                    cases::word(upstream),
                    cases::word(client)
                );
                let exchange = match Exchange::new(&case, upstream, client) {
                    Ok(exchange) => exchange,
                    Err(error) => {
                        problems.push(format!("{place}: {error}"));
                        continue;
                    }
                };
                for end in 0..frames.len() {
                    // After a whole frame, and in the middle of the next.
                    let half = frames[end]
                        .char_indices()
                        .nth(frames[end].chars().count() / 2)
                        .map_or(0, |(at, _)| at);
                    for rest in ["", &frames[end][..half]] {
                        let cut = if rest.is_empty() {
                            "after"
                        } else {
                            "within the frame after"
                        };
                        if let Some(problem) = after_cut(&exchange, &frames[..end], rest) {
                            problems.push(format!("{place} cut {cut} frame {end}: {problem}"));
                        }
                    }
                }
            }
        }
    }
    assert!(
        problems.is_empty(),
        "{} problems\n{}",
        problems.len(),
        problems.join("\n")
    );
}

/// The gateway reports a failure of its own in the middle of a stream.
#[test]
fn a_failure_of_the_gateway_ends_as_an_error() {
    let case = cases::answers()
        .into_iter()
        .find(|case| case.name == "text")
        .expect("the case exists");
    for upstream in Dialect::ALL {
        let frames = events::frames(&case.upstreams[&upstream].1);
        for client in Dialect::ALL {
            for taken in [0, 1, frames.len() / 2] {
                let exchange = Exchange::new(&case, upstream, client).expect("a plain question");
                let mut out = Vec::new();
                let mut translation = exchange.stream();
                translation.feed(frames[..taken].concat().as_bytes(), &mut out);
                translation.fail(
                    Failure::new(FailureKind::Timeout, "the upstream was silent for too long"),
                    &mut out,
                );
                let out = String::from_utf8(out).expect("utf-8");
                let place = format!(
                    "{} to {} after {taken} frames",
                    cases::word(upstream),
                    cases::word(client)
                );
                let events = events::read(client, &out)
                    .unwrap_or_else(|error| unreachable!("{place}: {error}\n{out}"));
                assert_eq!(
                    grammar(client, &events, true),
                    Vec::<String>::new(),
                    "{place}\n{out}"
                );
                assert_eq!(
                    schema_problems(client, &events),
                    Vec::<String>::new(),
                    "{place}\n{out}"
                );
                assert!(
                    out.contains("silent"),
                    "{place}: the message is lost\n{out}"
                );
            }
        }
    }
}

/// An upstream that speaks of an error within its stream is heard.
#[test]
fn an_error_frame_of_the_upstream_is_passed_on() {
    let frames = [
        (
            Dialect::OpenAiChat,
            "data: {\"error\":{\"message\":\"overload inside\",\"type\":\"server_error\",\"param\":null,\"code\":null}}\n\n",
        ),
        (
            Dialect::OpenAiResponses,
            "event: error\ndata: {\"type\":\"error\",\"sequence_number\":2,\"code\":\"server_error\",\"message\":\"overload inside\",\"param\":null}\n\n",
        ),
        (
            Dialect::Anthropic,
            "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"overload inside\"}}\n\n",
        ),
        (
            Dialect::Gemini,
            "data: {\"error\":{\"code\":503,\"message\":\"overload inside\",\"status\":\"UNAVAILABLE\"}}\r\n\r\n",
        ),
    ];
    let case = cases::answers()
        .into_iter()
        .find(|case| case.name == "text")
        .expect("the case exists");
    for (upstream, error) in frames {
        let begin = events::frames(&case.upstreams[&upstream].1);
        for client in Dialect::ALL {
            for taken in [0, 2, 4] {
                let exchange = Exchange::new(&case, upstream, client).expect("a plain question");
                let fed = begin[..taken.min(begin.len() - 1)].concat() + error;
                let (out, summary) = exchange.streamed(&fed, fed.len()).expect("no panic");
                let place = format!(
                    "{} to {} after {taken} frames",
                    cases::word(upstream),
                    cases::word(client)
                );
                let events = events::read(client, &out)
                    .unwrap_or_else(|error| unreachable!("{place}: {error}\n{out}"));
                assert_eq!(
                    grammar(client, &events, true),
                    Vec::<String>::new(),
                    "{place}\n{out}"
                );
                assert_eq!(
                    schema_problems(client, &events),
                    Vec::<String>::new(),
                    "{place}\n{out}"
                );
                assert!(
                    summary.failure.is_some() && out.contains("overload inside"),
                    "{place}\n{out}"
                );
            }
        }
    }
}
