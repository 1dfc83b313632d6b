//! Upstreams that send nonsense made of sensible frames: lost, repeated, out of order, strange, cut anywhere.
//!
//! Whatever comes, the client gets a stream of its dialect with exactly one ending, and the same one however the
//! bytes are split.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use proptest::collection::vec;
use proptest::prelude::{Just, any};
use proptest::prop_oneof;
use proptest::sample::Index;
use proptest::strategy::Strategy;
use proptest::test_runner::TestCaseError;
use translator::Dialect;

use super::{holds, none};
use crate::answers::{Exchange, grammar, schema_problems};
use crate::{cases, events};

/// Frames that no answer case holds.
const STRANGE: [&str; 34] = [
    ": a comment\n\n",
    "\n\n",
    "event: ping\n\n",
    "data: {\"type\":\"ping\"}\n\n",
    "data: [DONE]\n\n",
    "data: {}\n\n",
    "data: []\n\n",
    "data: null\n\n",
    "data: 17\n\n",
    "data: \"text\"\n\n",
    "data: {\"a\":\n\n",
    "data: {\"type\":\n\n",
    "data: \n\n",
    "data\n\n",
    "id: 7\nretry: 10\n\n",
    "event: response.unknown\ndata: {\"type\":\"response.unknown\",\"sequence_number\":3,\"x\":{\"y\":[1]}}\n\n",
    "event: content_block_unknown\ndata: {\"type\":\"content_block_unknown\",\"index\":0}\n\n",
    "data: {\"type\":\"content_block_delta\",\"index\":9,\"delta\":{\"type\":\"text_delta\",\"text\":\"far\"}}\n\n",
    "data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"odd_delta\",\"odd\":1}}\n\n",
    "data: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"odd_block\",\"odd\":1}}\n\n",
    "data: {\"type\":\"response.output_item.added\",\"output_index\":0,\"item\":{\"type\":\"odd_item\",\"id\":\"o1\"}}\n\n",
    "data: {\"type\":\"response.output_item.done\",\"output_index\":7,\"item\":{\"type\":\"function_call\",\"call_id\":\"c7\",\"name\":\"f\",\"arguments\":\"{\"}}\n\n",
    "data: {\"type\":\"response.output_text.delta\",\"output_index\":3,\"content_index\":2,\"delta\":\"\\ud83d\\ude00\"}\n\n",
    "data: {\"choices\":[]}\n\n",
    "data: {\"choices\":[{\"index\":0,\"delta\":null,\"finish_reason\":\"odd\"}]}\n\n",
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"\\ud83d\\ude00 \\u0000\"}}]}\n\n",
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":4,\"function\":{\"arguments\":\"}{\"}}]}}]}\n\n",
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"function\":{\"name\":\"late\"}}]}}],\"usage\":{\"prompt_tokens\":-1}}\n\n",
    "data: {\"candidates\":[{\"content\":{\"parts\":[{\"odd\":1},{\"text\":\"\"},{}]},\"finishReason\":\"ODD\"}]}\n\n",
    "data: {\"candidates\":[{\"content\":{\"parts\":[{\"functionCall\":{\"name\":\"f\"}}]}}],\"usageMetadata\":{\"totalTokenCount\":3}}\n\n",
    "data: {\"candidates\":[]}\n\n",
    "data: {\"error\":{\"message\":\"down\"}}\n\n",
    "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"busy\"}}\n\n",
    "{\"error\":{\"code\":500,\"message\":\"raw\",\"status\":\"INTERNAL\"}}\n",
];

/// All frames of all answer cases of a dialect, with line feeds as line ends, case by case.
fn pool(upstream: Dialect) -> &'static [Vec<String>] {
    static POOL: OnceLock<BTreeMap<Dialect, Vec<Vec<String>>>> = OnceLock::new();
    let pool = POOL.get_or_init(|| {
        let cases = cases::answers();
        let frames = |dialect: Dialect| {
            cases
                .iter()
                .map(|case| {
                    let stream = case.upstreams[&dialect].1.replace("\r\n", "\n");
                    events::frames(&stream)
                        .into_iter()
                        .map(str::to_owned)
                        .collect()
                })
                .collect()
        };
        Dialect::ALL
            .into_iter()
            .map(|dialect| (dialect, frames(dialect)))
            .collect()
    });
    &pool[&upstream]
}

/// One exchange per pair: a client with tools, one with a schema, one with stop sequences.
fn exchanges() -> &'static BTreeMap<(Dialect, Dialect), Vec<Exchange>> {
    static EXCHANGES: OnceLock<BTreeMap<(Dialect, Dialect), Vec<Exchange>>> = OnceLock::new();
    EXCHANGES.get_or_init(|| {
        let cases = cases::answers();
        let mut all = BTreeMap::new();
        for upstream in Dialect::ALL {
            for client in Dialect::ALL {
                let exchanges = ["parallel_tools", "json", "stop_sequence"]
                    .into_iter()
                    .filter_map(|name| cases.iter().find(|case| case.name == name))
                    .map(|case| Exchange::new(case, upstream, client).expect("a legal question"))
                    .collect();
                all.insert((upstream, client), exchanges);
            }
        }
        all
    })
}

/// What happens to a stream on its way.
#[derive(Clone, Debug)]
enum Step {
    Drop(Index),
    Repeat(Index),
    Swap(Index, Index),
    Strange(Index, usize),
    /// A frame of another answer.
    Foreign(Index, Index, Index),
    /// Cuts the bytes of one frame in the middle.
    Maim(Index, Index),
}

/// A stream: which answer it was, what has happened to it, and how it arrives.
#[derive(Clone, Debug)]
struct Mix {
    case: Index,
    steps: Vec<Step>,
    line_end: &'static str,
    cut: Option<Index>,
    pieces: Vec<Index>,
    question: Index,
}

fn mix() -> impl Strategy<Value = Mix> {
    let step = prop_oneof![
        any::<Index>().prop_map(Step::Drop),
        any::<Index>().prop_map(Step::Repeat),
        (any::<Index>(), any::<Index>()).prop_map(|(a, b)| Step::Swap(a, b)),
        (any::<Index>(), 0..STRANGE.len()).prop_map(|(at, which)| Step::Strange(at, which)),
        (any::<Index>(), any::<Index>(), any::<Index>())
            .prop_map(|(at, case, frame)| Step::Foreign(at, case, frame)),
        (any::<Index>(), any::<Index>()).prop_map(|(at, cut)| Step::Maim(at, cut)),
    ];
    let line_end = prop_oneof![Just("\n"), Just("\r\n"), Just("\r")];
    let cut = proptest::option::weighted(0.3, any::<Index>());
    (
        any::<Index>(),
        vec(step, 0..12),
        line_end,
        cut,
        vec(any::<Index>(), 0..6),
        any::<Index>(),
    )
        .prop_map(|(case, steps, line_end, cut, pieces, question)| Mix {
            case,
            steps,
            line_end,
            cut,
            pieces,
            question,
        })
}

impl Mix {
    fn bytes(&self, upstream: Dialect) -> Vec<u8> {
        let pool = pool(upstream);
        let mut frames = self.case.get(pool).clone();
        for step in &self.steps {
            if frames.is_empty() {
                frames.push(String::new());
            }
            let at = |index: &Index| index.index(frames.len());
            match step {
                Step::Drop(index) => {
                    frames.remove(at(index));
                }
                Step::Repeat(index) => {
                    let at = at(index);
                    frames.insert(at, frames[at].clone());
                }
                Step::Swap(a, b) => {
                    let (a, b) = (at(a), at(b));
                    frames.swap(a, b);
                }
                Step::Strange(index, which) => frames.insert(at(index), STRANGE[*which].to_owned()),
                Step::Foreign(index, case, frame) => {
                    frames.insert(at(index), frame.get(case.get(pool).as_slice()).clone());
                }
                Step::Maim(index, cut) => {
                    let at = at(index);
                    let ends: Vec<usize> = frames[at].char_indices().map(|(at, _)| at).collect();
                    if !ends.is_empty() {
                        let end = *cut.get(&ends);
                        frames[at].truncate(end);
                        frames[at].push_str("\n\n");
                    }
                }
            }
        }
        let mut bytes = frames.concat().replace('\n', self.line_end).into_bytes();
        if let Some(cut) = &self.cut {
            bytes.truncate(cut.index(bytes.len() + 1));
        }
        bytes
    }

    /// Where the bytes are split.
    fn splits(&self, length: usize) -> Vec<usize> {
        let mut splits: Vec<usize> = self
            .pieces
            .iter()
            .map(|piece| piece.index(length + 1))
            .collect();
        splits.push(length);
        splits.sort_unstable();
        splits
    }
}

/// What is wrong with what the client gets.
fn judge(exchange: &Exchange, bytes: &[u8], splits: &[usize]) -> Vec<String> {
    let client = exchange.client;
    let (whole, summary) = match exchange.streamed_at(bytes, &[bytes.len()]) {
        Ok(streamed) => streamed,
        Err(error) => return vec![error],
    };
    let mut problems = Vec::new();
    match exchange.streamed_at(bytes, splits) {
        Ok((pieces, _)) if pieces == whole => {}
        Ok((pieces, _)) => problems.push(format!("split at {splits:?} the client gets\n{pieces}")),
        Err(error) => problems.push(error),
    }
    match events::read(client, &whole) {
        Ok(events) => {
            problems.extend(grammar(client, &events, summary.failure.is_some()));
            problems.extend(schema_problems(client, &events));
        }
        Err(error) => problems.push(error),
    }
    if problems.is_empty() {
        return problems;
    }
    problems.push(format!("the client gets\n{whole}"));
    problems
}

fn every_mix_is_a_proper_stream(upstream: Dialect) {
    holds(150, &mix(), |mix| {
        let bytes = mix.bytes(upstream);
        let splits = mix.splits(bytes.len());
        for client in Dialect::ALL {
            let exchange = mix.question.get(&exchanges()[&(upstream, client)]);
            none(&judge(exchange, &bytes, &splits), || {
                format!(
                    "{} to {}:\n{}",
                    cases::word(upstream),
                    cases::word(client),
                    String::from_utf8_lossy(&bytes)
                )
            })?;
        }
        Ok::<(), TestCaseError>(())
    });
}

#[test]
fn every_mix_of_chat_frames_is_a_proper_stream() {
    every_mix_is_a_proper_stream(Dialect::OpenAiChat);
}

#[test]
fn every_mix_of_responses_frames_is_a_proper_stream() {
    every_mix_is_a_proper_stream(Dialect::OpenAiResponses);
}

#[test]
fn every_mix_of_anthropic_frames_is_a_proper_stream() {
    every_mix_is_a_proper_stream(Dialect::Anthropic);
}

#[test]
fn every_mix_of_gemini_frames_is_a_proper_stream() {
    every_mix_is_a_proper_stream(Dialect::Gemini);
}

/// A client that was told of a failure is on record as one that was.
#[test]
fn a_call_that_is_no_object_is_a_failure_on_record() {
    let call = |args: &str| {
        let args = serde_json::Value::from(args);
        format!(
            "data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"tool_calls\":[{{\"index\":0,\"id\":\"c1\",\"function\":{{\"name\":\"f\",\"arguments\":{args}}}}}]}}}}]}}\n\ndata: {{\"choices\":[{{\"index\":0,\"delta\":{{}},\"finish_reason\":\"tool_calls\"}}]}}\n\ndata: [DONE]\n\n"
        )
    };
    let exchange = &exchanges()[&(Dialect::OpenAiChat, Dialect::Anthropic)][0];
    for (args, fails) in [
        ("{\"a\":1}", false),
        ("{\"a\":", true),
        ("[1]", true),
        ("7", true),
    ] {
        let stream = call(args);
        let (text, summary) = exchange
            .streamed(&stream, stream.len())
            .expect("a legal stream");
        assert_eq!(summary.failure.is_some(), fails, "{args}: {text}");
        assert_eq!(text.contains("event: error"), fails, "{args}: {text}");
        assert_eq!(summary.finish.is_none(), fails, "{args}");
    }
}
