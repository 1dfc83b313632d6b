//! A stream is a stream: what an upstream has said reaches the client at once, in every framing.

use serde_json::Value;
use translator::Dialect;

use crate::answers::{Exchange, fold, without_usage};
use crate::cases;
use crate::events;
use crate::rules::{list, text};

/// The visible text that a frame adds.
fn added(dialect: Dialect, data: &Value) -> String {
    match dialect {
        Dialect::OpenAiChat => text(&data["choices"][0]["delta"], "content").to_owned(),
        Dialect::OpenAiResponses if data["type"] == "response.output_text.delta" => {
            text(data, "delta").to_owned()
        }
        Dialect::Anthropic => text(&data["delta"], "text").to_owned(),
        Dialect::Gemini => list(&data["candidates"][0]["content"], "parts")
            .iter()
            .map(|part| text(part, "text"))
            .collect(),
        Dialect::OpenAiResponses => String::new(),
    }
}

/// The visible text of a part of a stream.
fn said(dialect: Dialect, stream: &str) -> String {
    stream
        .lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .filter_map(|data| serde_json::from_str(data).ok())
        .map(|data: Value| added(dialect, &data))
        .collect()
}

#[test]
fn no_word_is_held_back() {
    let case = cases::answers()
        .into_iter()
        .find(|case| case.name == "text")
        .expect("the case exists");
    for upstream in Dialect::ALL {
        let frames = events::frames(&case.upstreams[&upstream].1);
        for client in Dialect::ALL {
            let place = format!("{} to {}", cases::word(upstream), cases::word(client));
            let exchange = Exchange::new(&case, upstream, client).expect("a plain question");
            let mut translation = exchange.stream();
            let mut out = Vec::new();
            for (at, frame) in frames.iter().enumerate() {
                translation.feed(frame.as_bytes(), &mut out);
                let seen = String::from_utf8(out.clone()).expect("whole characters");
                assert!(
                    client == Dialect::Gemini || !seen.is_empty(),
                    "{place}: frame {at} gave no sign of life"
                );
                let want = said(upstream, &frames[..=at].concat());
                assert_eq!(said(client, &seen), want, "{place}: after frame {at}");
            }
        }
    }
}

/// Gemini clients without `alt=sse` read a JSON list of the same chunks.
#[test]
fn a_json_list_holds_the_same_chunks() {
    for case in cases::answers() {
        for upstream in Dialect::ALL {
            let place = format!("{}: {}", case.name, cases::word(upstream));
            let stream = &case.upstreams[&upstream].1;
            let mut exchange =
                Exchange::new(&case, upstream, Dialect::Gemini).expect("a legal question");
            let (plain, _) = exchange.streamed(stream, stream.len()).expect("no panic");
            exchange.as_json_list();
            let (list, _) = exchange.streamed(stream, stream.len()).expect("no panic");
            let list: Value = serde_json::from_str(&list)
                .unwrap_or_else(|error| unreachable!("{place}: {error}\n{list}"));
            let chunks: Vec<Value> = events::read(Dialect::Gemini, &plain)
                .expect("legal")
                .into_iter()
                .map(|event| event.data)
                .collect();
            assert_eq!(list, Value::Array(chunks), "{place}");
        }
    }
}

/// Upstreams that name no frame, end lines by CRLF or leave the terminator out are read all the same.
#[test]
fn loose_framing_gives_the_same_answer() {
    for case in cases::answers() {
        for upstream in Dialect::ALL {
            let stream = &case.upstreams[&upstream].1;
            let unix = stream.replace("\r\n", "\n");
            let variants = [
                ("crlf", unix.replace('\n', "\r\n")),
                ("comments", unix.replace("data: ", ": keep-alive\ndata: ")),
                ("no space", unix.replace("data: {", "data:{")),
                (
                    "no names",
                    unix.lines()
                        .filter(|line| !line.starts_with("event:"))
                        .map(|line| format!("{line}\n"))
                        .collect(),
                ),
                ("no terminator", unix.replace("data: [DONE]\n\n", "")),
                ("no last line end", unix.trim_end().to_owned()),
            ];
            for client in Dialect::ALL {
                let exchange = Exchange::new(&case, upstream, client).expect("a legal question");
                let (plain, summary) = exchange.streamed(stream, stream.len()).expect("no panic");
                let view = |events: &[events::Event]| {
                    let view = fold(client, events);
                    if summary.satisfied {
                        without_usage(view)
                    } else {
                        view
                    }
                };
                let want = view(&events::read(client, &plain).expect("legal"));
                for (name, variant) in &variants {
                    let (out, _) = exchange.streamed(variant, variant.len()).expect("no panic");
                    let place = format!(
                        "{}: {} to {}, {name}",
                        case.name,
                        cases::word(upstream),
                        cases::word(client)
                    );
                    let events = events::read(client, &out)
                        .unwrap_or_else(|error| unreachable!("{place}: {error}\n{out}"));
                    assert_eq!(view(&events), want, "{place}");
                }
            }
        }
    }
}
