//! Token counts: what an upstream has billed is what a client reads, whatever the dialects count into what.

use serde_json::Value;
use translator::Dialect;

use crate::answers::Exchange;
use crate::cases;
use crate::events;

/// Disjoint counts: fresh input, cache reads, cache writes, visible output, reasoning.
type Buckets = [u64; 5];

fn buckets(dialect: Dialect, body: &Value) -> Buckets {
    let number = |value: &Value| value.as_u64().unwrap_or(0);
    match dialect {
        Dialect::OpenAiChat | Dialect::OpenAiResponses => {
            let usage = &body["usage"];
            let chat = dialect == Dialect::OpenAiChat;
            let (input, output, inside, outside) = if chat {
                (
                    "prompt_tokens",
                    "completion_tokens",
                    "prompt_tokens_details",
                    "completion_tokens_details",
                )
            } else {
                (
                    "input_tokens",
                    "output_tokens",
                    "input_tokens_details",
                    "output_tokens_details",
                )
            };
            let read = number(&usage[inside]["cached_tokens"]);
            let write = number(&usage[inside]["cache_write_tokens"]);
            let reasoning = number(&usage[outside]["reasoning_tokens"]);
            let total = number(&usage["total_tokens"]);
            assert_eq!(
                total,
                number(&usage[input]) + number(&usage[output]),
                "total of {usage}"
            );
            [
                number(&usage[input]) - read - write,
                read,
                write,
                number(&usage[output]) - reasoning,
                reasoning,
            ]
        }
        Dialect::Anthropic => {
            let usage = &body["usage"];
            let reasoning = number(&usage["output_tokens_details"]["thinking_tokens"]);
            [
                number(&usage["input_tokens"]),
                number(&usage["cache_read_input_tokens"]),
                number(&usage["cache_creation_input_tokens"]),
                number(&usage["output_tokens"]) - reasoning,
                reasoning,
            ]
        }
        Dialect::Gemini => {
            let usage = &body["usageMetadata"];
            let count = |key: &str| number(&usage[key]);
            let (read, output, thoughts) = (
                count("cachedContentTokenCount"),
                count("candidatesTokenCount"),
                count("thoughtsTokenCount"),
            );
            assert_eq!(
                count("totalTokenCount"),
                count("promptTokenCount") + output + thoughts,
                "total of {usage}"
            );
            [count("promptTokenCount") - read, read, 0, output, thoughts]
        }
    }
}

/// Gemini has no word for cache writes: for its clients they are part of the prompt.
fn as_seen_by(client: Dialect, buckets: Buckets) -> Buckets {
    let [fresh, read, write, visible, reasoning] = buckets;
    if client == Dialect::Gemini {
        [fresh + write, read, 0, visible, reasoning]
    } else {
        buckets
    }
}

#[test]
fn every_client_reads_what_was_billed() {
    let mut compared = 0;
    for case in cases::answers() {
        for upstream in Dialect::ALL {
            let (complete, stream) = &case.upstreams[&upstream];
            let native = buckets(
                upstream,
                &serde_json::from_str(complete).expect("a case is JSON"),
            );
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
                assert_eq!(
                    buckets(client, &body),
                    as_seen_by(client, native),
                    "{place}"
                );
                let (_, summary) = exchange.streamed(stream, stream.len()).expect("no panic");
                if !summary.satisfied {
                    let usage = summary
                        .usage
                        .unwrap_or_else(|| unreachable!("{place}: no usage in the summary"));
                    let [fresh, read, write, visible, reasoning] = native;
                    let input = usage.input_total();
                    assert_eq!(input, fresh + read + write, "{place}: input for the ledger");
                    assert_eq!(
                        usage.output_total(),
                        visible + reasoning,
                        "{place}: output for the ledger"
                    );
                }
                compared += 1;
            }
        }
    }
    assert!(compared >= 12 * 16);
}

/// A sign of life between any two frames disturbs no client.
#[test]
fn heartbeats_disturb_no_client() {
    let case = cases::answers()
        .into_iter()
        .find(|case| case.name == "parallel_tools")
        .expect("the case exists");
    for upstream in Dialect::ALL {
        let stream = &case.upstreams[&upstream].1;
        for client in Dialect::ALL {
            let exchange = Exchange::new(&case, upstream, client).expect("a legal question");
            let (plain, _) = exchange.streamed(stream, stream.len()).expect("no panic");
            let mut out = Vec::new();
            let mut translation = exchange.stream();
            let mut beats = Vec::new();
            for frame in events::frames(stream) {
                let before = out.len();
                translation.heartbeat(&mut out);
                beats.push(String::from_utf8(out[before..].to_vec()).expect("utf-8"));
                translation.feed(frame.as_bytes(), &mut out);
            }
            translation.end(&mut out);
            let mut text = String::from_utf8(out).expect("utf-8");
            for beat in &beats {
                let legal = match client {
                    Dialect::OpenAiChat | Dialect::OpenAiResponses => {
                        beat.starts_with(':') && beat.ends_with("\n\n")
                    }
                    Dialect::Anthropic => beat == "event: ping\ndata: {\"type\":\"ping\"}\n\n",
                    Dialect::Gemini => !beat.is_empty() && beat.trim().is_empty(),
                };
                assert!(
                    legal,
                    "{} to {}: heartbeat {beat:?}",
                    cases::word(upstream),
                    cases::word(client)
                );
            }
            // Responses heartbeats must not use up sequence numbers, Chat ones no ids: the rest is as without.
            if client == Dialect::Gemini {
                text = text
                    .lines()
                    .filter(|line| !line.is_empty())
                    .map(|line| format!("{line}\n\n"))
                    .collect();
                let plain: String = plain
                    .lines()
                    .filter(|line| !line.is_empty())
                    .map(|line| format!("{line}\n\n"))
                    .collect();
                assert_eq!(text, plain, "{} to gemini", cases::word(upstream));
            } else {
                let without = |text: &str| text.replace(&beats[0], "");
                assert_eq!(
                    without(&text),
                    without(&plain),
                    "{} to {}",
                    cases::word(upstream),
                    cases::word(client)
                );
            }
        }
    }
}
