//! Generated answers, as an upstream would write them, read by every client: streamed and complete are the same.
//!
//! The upstream's body and stream are written by the translator's own encoders from one representation, so that
//! both say the same thing by construction.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use proptest::collection::vec;
use proptest::prelude::{Just, any};
use proptest::prop_oneof;
use proptest::sample::Index;
use proptest::strategy::Strategy;
use proptest::test_runner::TestCaseError;
use serde_json::Value;
use translator::answer::Answer;
use translator::ir::{Citation, Event, Finish, Opening, OutPart, Request, Response, Usage};
use translator::{Dialect, Text};

use super::{holds, none};
use crate::answers::{Exchange, fold, grammar, masked, normal, schema_problems};
use crate::cases::{CREATED, SEED};
use crate::requests::pretty;
use crate::snapshots::difference;
use crate::{cases, events, fixtures, schemas};

/// An exchange per pair: a client that has asked with the tool `get_weather`.
fn exchange(upstream: Dialect, client: Dialect) -> &'static Exchange {
    static EXCHANGES: OnceLock<BTreeMap<(Dialect, Dialect), Exchange>> = OnceLock::new();
    let exchanges = EXCHANGES.get_or_init(|| {
        let cases = cases::answers();
        let case = cases
            .iter()
            .find(|case| case.name == "parallel_tools")
            .expect("the case exists");
        Dialect::ALL
            .into_iter()
            .flat_map(|upstream| Dialect::ALL.map(|client| (upstream, client)))
            .map(|(upstream, client)| {
                let exchange = Exchange::new(case, upstream, client).expect("a legal question");
                ((upstream, client), exchange)
            })
            .collect()
    });
    &exchanges[&(upstream, client)]
}

/// Words with everything that needs care: escapes, fences, characters of all lengths, white space.
pub(super) fn words() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => "[a-z]{1,6} ",
        1 => Just("\"quoted\" \\ /".to_owned()),
        1 => Just("line\nline\r\n\ttab".to_owned()),
        1 => Just("```json\n{\"a\": 1}\n```".to_owned()),
        1 => Just("\u{1f600}é\u{2028}\u{feff}".to_owned()),
        1 => Just("\u{1}\u{7f}".to_owned()),
        1 => Just("data: [DONE]\n\n".to_owned()),
        1 => Just(" ".to_owned()),
    ];
    vec(piece, 1..5).prop_map(|pieces| pieces.concat())
}

/// JSON of any shape, small.
pub(super) fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-1000_i32..1000).prop_map(|n| Value::from(f64::from(n) / 8.0)),
        words().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec(("[a-z_$]{1,5}", inner), 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// An object, as arguments of a call are.
pub(super) fn object() -> impl Strategy<Value = Value> {
    vec(("[a-z]{1,5}", json()), 0..4)
        .prop_map(|members| Value::Object(members.into_iter().collect()))
}

pub(super) fn usage() -> impl Strategy<Value = Usage> {
    let count = || prop_oneof![Just(0_u64), 1_u64..1_000_000];
    (
        count(),
        count(),
        count(),
        count(),
        count(),
        count(),
        count(),
        count(),
    )
        .prop_map(
            |(
                fresh,
                cache_read,
                cache_write_5m,
                cache_write_1h,
                cache_write,
                tool_input,
                output,
                reasoning,
            )| Usage {
                fresh,
                cache_read,
                cache_write_5m,
                cache_write_1h,
                cache_write,
                tool_input,
                output,
                reasoning,
                ..Usage::default()
            },
        )
}

fn part() -> impl Strategy<Value = OutPart> {
    let plain = |kind: Opening<'static>| {
        words().prop_map(move |text| OutPart {
            choice: 0,
            kind: kind.clone(),
            text,
            citations: Vec::new(),
            opaque: Vec::new(),
        })
    };
    let cited = (words(), vec("[a-z]{1,4}", 1..3)).prop_map(|(text, sites)| OutPart {
        choice: 0,
        kind: Opening::Text,
        text,
        citations: sites
            .into_iter()
            .map(|site| Citation {
                url: Some(format!("https://{site}.example/").into()),
                title: Some(site.into()),
                ..Citation::default()
            })
            .collect(),
        opaque: Vec::new(),
    });
    let call = (
        object(),
        "[a-zA-Z0-9]{4,12}",
        prop_oneof![Just("get_weather"), Just("other-tool")],
    )
        .prop_map(|(args, id, name)| OutPart {
            choice: 0,
            kind: Opening::ToolCall {
                id: format!("call_{id}").into(),
                name: name.into(),
                namespace: None,
                freeform: false,
            },
            text: args.to_string(),
            citations: Vec::new(),
            opaque: Vec::new(),
        });
    prop_oneof![
        3 => plain(Opening::Text),
        1 => cited,
        2 => plain(Opening::Reasoning),
        1 => plain(Opening::Refusal),
        3 => call,
    ]
}

fn finish() -> impl Strategy<Value = Finish<'static>> {
    prop_oneof![
        4 => Just(Finish::Stop),
        1 => Just(Finish::Length),
        1 => Just(Finish::ContentFilter { category: None, explanation: None }),
        1 => Just(Finish::StopSequence(None)),
        1 => Just(Finish::StopSequence(Some(Text::borrowed("END\n")))),
        1 => Just(Finish::Refusal),
    ]
}

/// An answer, and where its text is cut into deltas.
#[derive(Clone, Debug)]
struct Said {
    response: Response,
    cuts: Vec<Index>,
}

fn said() -> impl Strategy<Value = Said> {
    (
        vec(part(), 0..6),
        finish(),
        usage(),
        vec(any::<Index>(), 0..8),
    )
        .prop_map(|(mut parts, finish, usage, cuts)| {
            // Two parts of one kind in a row are one part in a stream of most dialects, and ids are unique.
            parts.dedup_by(|a, b| {
                !is_call(a) && std::mem::discriminant(&a.kind) == std::mem::discriminant(&b.kind)
            });
            let mut ids = Vec::new();
            parts.retain(|part| match &part.kind {
                Opening::ToolCall { id, .. } => {
                    let new = !ids.contains(id);
                    ids.push(id.clone());
                    new
                }
                _ => true,
            });
            let finish = if finish == Finish::Stop && parts.iter().any(is_call) {
                Finish::ToolUse
            } else {
                finish
            };
            let response = Response {
                id: "upstream-1".to_owned(),
                model: "model-1".to_owned(),
                parts,
                finish: vec![Some(finish)],
                logprobs: Vec::new(),
                usage: Some(usage),
            };
            Said { response, cuts }
        })
}

const fn is_call(part: &OutPart) -> bool {
    matches!(part.kind, Opening::ToolCall { .. })
}

/// What only the upstream's own form of an answer can hold.
fn fit(upstream: Dialect, mut said: Said) -> Said {
    let parts = &mut said.response.parts;
    if upstream == Dialect::OpenAiChat {
        // One message: reasoning, words, then calls; a stream could say more than the complete answer.
        parts.sort_by_key(|part| match part.kind {
            Opening::Reasoning => 0,
            Opening::Text => 1,
            Opening::Refusal => 2,
            _ => 3,
        });
        // A filter that left no words gets some, and a complete message has them before its calls.
        if parts.iter().any(is_call)
            && matches!(said.response.finish[0], Some(Finish::ContentFilter { .. }))
        {
            said.response.finish[0] = Some(Finish::Length);
        }
    } else {
        // Words of refusal are text elsewhere, but for Responses.
        if upstream != Dialect::OpenAiResponses {
            parts.retain(|part| part.kind != Opening::Refusal);
        }
    }
    parts.dedup_by(|a, b| {
        !is_call(a) && std::mem::discriminant(&a.kind) == std::mem::discriminant(&b.kind)
    });
    said
}

pub(super) fn upstream_answer(upstream: Dialect) -> Answer {
    let mut answer = Answer::new(
        &Request::new(upstream, "model-1".into()),
        SEED ^ 77,
        CREATED,
    );
    answer.show_reasoning = true;
    answer.include_usage = true;
    answer
}

fn body(upstream: Dialect, response: &Response) -> String {
    let mut out = Vec::new();
    upstream.encode_response(response, &mut upstream_answer(upstream), &mut out);
    String::from_utf8(out).expect("UTF-8")
}

fn stream(upstream: Dialect, said: &Said) -> String {
    let mut out = Vec::new();
    let mut encoder = upstream.stream_encoder(upstream_answer(upstream));
    let response = &said.response;
    encoder.event(
        &Event::Start {
            id: (&*response.id).into(),
            model: (&*response.model).into(),
        },
        &mut out,
    );
    for (number, part) in response.parts.iter().enumerate() {
        let number = u32::try_from(number).expect("few parts");
        encoder.event(
            &Event::Open {
                part: number,
                choice: 0,
                kind: part.kind.clone(),
                opaque: part.opaque.clone(),
            },
            &mut out,
        );
        for text in pieces(&part.text, &said.cuts) {
            encoder.event(
                &Event::Delta {
                    part: number,
                    text: text.into(),
                },
                &mut out,
            );
        }
        for citation in &part.citations {
            encoder.event(
                &Event::Citation {
                    part: number,
                    citation: citation.clone(),
                },
                &mut out,
            );
        }
        encoder.event(
            &Event::Close {
                part: number,
                opaque: Vec::new(),
            },
            &mut out,
        );
    }
    encoder.event(&Event::Usage(response.usage.expect("generated")), &mut out);
    for reason in response.finish.iter().flatten() {
        encoder.event(
            &Event::Finish {
                choice: 0,
                reason: reason.clone(),
            },
            &mut out,
        );
    }
    encoder.end(&mut out);
    String::from_utf8(out).expect("UTF-8")
}

/// A text in pieces, none of them empty.
fn pieces<'t>(text: &'t str, cuts: &[Index]) -> Vec<&'t str> {
    let places: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
    let mut ends: Vec<usize> = cuts
        .iter()
        .filter(|_| !places.is_empty())
        .map(|cut| *cut.get(&places))
        .collect();
    ends.push(text.len());
    ends.sort_unstable();
    ends.dedup();
    let mut start = 0;
    ends.into_iter()
        .filter(|end| *end > 0)
        .map(|end| {
            let piece = &text[start..end];
            start = end;
            piece
        })
        .collect()
}

/// What is wrong with the answer as one client sees it.
fn judge(exchange: &Exchange, body: &str, stream: &str) -> Vec<String> {
    let client = exchange.client;
    let mut problems = Vec::new();
    let complete = match exchange.complete(body) {
        Ok((complete, _)) => complete,
        Err(error) => return vec![format!("complete: {error}")],
    };
    let plain = fixtures::without_store(&schemas::without_extensions(&complete));
    problems.extend(schemas::problems(schemas::body(client), &plain));
    let (text, _) = match exchange.streamed(stream, stream.len()) {
        Ok(streamed) => streamed,
        Err(error) => return vec![format!("stream: {error}")],
    };
    let events = match events::read(client, &text) {
        Ok(events) => events,
        Err(error) => return vec![format!("stream: {error}")],
    };
    problems.extend(grammar(client, &events, false));
    problems.extend(schema_problems(client, &events));
    let complete = masked(&normal(client, &complete), exchange, body);
    let streamed = masked(&fold(client, &events), exchange, body);
    if complete != streamed {
        problems.push(format!(
            "- complete, + streamed\n{}",
            difference(&pretty(&complete), &pretty(&streamed))
        ));
    }
    problems
}

fn streamed_is_complete(upstream: Dialect) {
    holds(
        80,
        &said().prop_map(move |said| fit(upstream, said)),
        |said| {
            let body = body(upstream, &said.response);
            let stream = stream(upstream, &said);
            for client in Dialect::ALL {
                none(&judge(exchange(upstream, client), &body, &stream), || {
                    format!(
                        "{} to {}\n{body}\n{stream}",
                        cases::word(upstream),
                        cases::word(client)
                    )
                })?;
            }
            Ok::<(), TestCaseError>(())
        },
    );
}

#[test]
fn chat_answers_are_the_same_streamed_and_complete() {
    streamed_is_complete(Dialect::OpenAiChat);
}

#[test]
fn responses_answers_are_the_same_streamed_and_complete() {
    streamed_is_complete(Dialect::OpenAiResponses);
}

#[test]
fn anthropic_answers_are_the_same_streamed_and_complete() {
    streamed_is_complete(Dialect::Anthropic);
}

#[test]
fn gemini_answers_are_the_same_streamed_and_complete() {
    streamed_is_complete(Dialect::Gemini);
}
