//! The targets: four requests, four responses, four streams, four errors, and server-sent events.

use std::fmt::Write as _;

use serde_json::value::RawValue;
use translator::answer::Answer;
use translator::error::{Failure, FailureKind};
use translator::ir::Request;
use translator::json::member;
use translator::translate::{self, Origin, StreamTranslation, Target, no_recall};
use translator::undo::{ToolAlias, Undo};
use translator::{Dialect, capability, sse};

/// A target: its name, and the function that panics when a promise is broken.
#[derive(Clone, Copy)]
pub struct FuzzTarget {
    /// The name, also of its folder of regressions.
    pub name: &'static str,
    /// Takes one input.
    pub run: fn(&[u8]),
    /// The kind of corpus that it begins with.
    pub diet: Diet,
}

/// What a target is fed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Diet {
    /// Requests of a dialect.
    Requests(Dialect),
    /// Complete answers of a dialect.
    Responses(Dialect),
    /// Streams of a dialect.
    Streams(Dialect),
    /// Streams of all dialects.
    AllStreams,
    /// Complete answers of all dialects, which no error body is, and error bodies.
    Errors,
}

/// All targets.
pub const TARGETS: [FuzzTarget; 17] = [
    FuzzTarget {
        name: "request_chat",
        run: |input| request(Dialect::OpenAiChat, input),
        diet: Diet::Requests(Dialect::OpenAiChat),
    },
    FuzzTarget {
        name: "request_responses",
        run: |input| request(Dialect::OpenAiResponses, input),
        diet: Diet::Requests(Dialect::OpenAiResponses),
    },
    FuzzTarget {
        name: "request_anthropic",
        run: |input| request(Dialect::Anthropic, input),
        diet: Diet::Requests(Dialect::Anthropic),
    },
    FuzzTarget {
        name: "request_gemini",
        run: |input| request(Dialect::Gemini, input),
        diet: Diet::Requests(Dialect::Gemini),
    },
    FuzzTarget {
        name: "response_chat",
        run: |input| response(Dialect::OpenAiChat, input),
        diet: Diet::Responses(Dialect::OpenAiChat),
    },
    FuzzTarget {
        name: "response_responses",
        run: |input| response(Dialect::OpenAiResponses, input),
        diet: Diet::Responses(Dialect::OpenAiResponses),
    },
    FuzzTarget {
        name: "response_anthropic",
        run: |input| response(Dialect::Anthropic, input),
        diet: Diet::Responses(Dialect::Anthropic),
    },
    FuzzTarget {
        name: "response_gemini",
        run: |input| response(Dialect::Gemini, input),
        diet: Diet::Responses(Dialect::Gemini),
    },
    FuzzTarget {
        name: "stream_chat",
        run: |input| stream(Dialect::OpenAiChat, input),
        diet: Diet::Streams(Dialect::OpenAiChat),
    },
    FuzzTarget {
        name: "stream_responses",
        run: |input| stream(Dialect::OpenAiResponses, input),
        diet: Diet::Streams(Dialect::OpenAiResponses),
    },
    FuzzTarget {
        name: "stream_anthropic",
        run: |input| stream(Dialect::Anthropic, input),
        diet: Diet::Streams(Dialect::Anthropic),
    },
    FuzzTarget {
        name: "stream_gemini",
        run: |input| stream(Dialect::Gemini, input),
        diet: Diet::Streams(Dialect::Gemini),
    },
    FuzzTarget {
        name: "error_chat",
        run: |input| error(Dialect::OpenAiChat, input),
        diet: Diet::Errors,
    },
    FuzzTarget {
        name: "error_responses",
        run: |input| error(Dialect::OpenAiResponses, input),
        diet: Diet::Errors,
    },
    FuzzTarget {
        name: "error_anthropic",
        run: |input| error(Dialect::Anthropic, input),
        diet: Diet::Errors,
    },
    FuzzTarget {
        name: "error_gemini",
        run: |input| error(Dialect::Gemini, input),
        diet: Diet::Errors,
    },
    FuzzTarget {
        name: "sse",
        run: server_sent_events,
        diet: Diet::AllStreams,
    },
];

/// Upstream models that requests are written for: between them every branch of the abilities.
const MODELS: [(Dialect, &str); 6] = [
    (Dialect::OpenAiChat, "gpt-4o"),
    (Dialect::OpenAiChat, "some-local-model"),
    (Dialect::OpenAiResponses, "gpt-5"),
    (Dialect::Anthropic, "claude-sonnet-4-5"),
    (Dialect::Anthropic, "claude-opus-4-8"),
    (Dialect::Gemini, "gemini-3-flash-preview"),
];

const ORIGIN: Origin<'_> = Origin {
    provider: "upstream",
    model: "model-1",
};
const SEED: u128 = 0x5eed_0000_1111_2222_3333_4444_5555_6666;

/// A request either is refused or becomes valid JSON for every upstream.
fn request(dialect: Dialect, input: &[u8]) {
    for (upstream, model) in MODELS {
        let Ok(mut request) = dialect.decode_request(input, &no_recall) else {
            return;
        };
        if request.model.is_empty() {
            request.model = model.into();
        }
        let _ = translator::estimate::request(&request);
        let target = Target {
            dialect: upstream,
            provider: "upstream",
            model,
            capability: capability::of(upstream, model),
            stream: request.stream,
            cache_key: Some("hub-key"),
            auto_cache: true,
            drop_state: false,
        };
        if let Ok(outbound) = translate::request(request, &target, false) {
            bounded(input.len(), outbound.body.len());
            json(&outbound.body);
        }
    }
}

/// A body either is a failure or becomes a valid answer for every client.
fn response(upstream: Dialect, input: &[u8]) {
    for (client, undo) in clients() {
        let mut out = Vec::new();
        match translate::response(
            upstream,
            input,
            ORIGIN,
            &undo,
            &mut answer(client),
            &mut out,
        ) {
            Ok(summary) => {
                assert!(summary.failure.is_none(), "a success with a failure");
                bounded(input.len(), out.len());
                json(&out);
            }
            Err(failure) => error_body(client, &failure),
        }
    }
}

/// A stream becomes whole frames of JSON with one ending, the same ones however the bytes are split.
fn stream(upstream: Dialect, input: &[u8]) {
    for (client, undo) in clients() {
        let whole = streamed(upstream, client, &undo, input, input.len().max(1));
        bounded(input.len(), whole.len());
        let size = 1 + input.len() % 7;
        let split = streamed(upstream, client, &undo, input, size);
        assert_eq!(
            String::from_utf8_lossy(&whole),
            String::from_utf8_lossy(&split),
            "in pieces of {size} bytes"
        );
        endings(client, &whole);
    }
}

fn streamed(upstream: Dialect, client: Dialect, undo: &Undo, input: &[u8], size: usize) -> Vec<u8> {
    let mut translation = StreamTranslation::new(upstream, &ORIGIN, undo, answer(client));
    let mut out = Vec::new();
    for piece in input.chunks(size) {
        translation.feed(piece, &mut out);
    }
    translation.end(&mut out);
    let summary = translation.summary();
    assert!(
        summary.is_over(),
        "the stream has neither an end nor a failure"
    );
    out
}

/// The last frame ends the stream, and no frame before it does.
fn endings(client: Dialect, stream: &[u8]) {
    let text = std::str::from_utf8(stream).expect("a stream is UTF-8");
    let mut ended = 0;
    for line in text.lines() {
        let Some(data) = line.strip_prefix("data: ") else {
            assert!(
                line.is_empty() || line.starts_with("event: "),
                "a stray line {line:?}"
            );
            continue;
        };
        let done = data == "[DONE]" && client == Dialect::OpenAiChat;
        if !done {
            json(data.as_bytes());
        }
        assert_eq!(ended, 0, "a frame after the end: {data}");
        let kind = member(data, "type").unwrap_or_default().trim_matches('"');
        let failed = member(data, "error").is_some_and(|error| error.starts_with('{'));
        ended += usize::from(match client {
            Dialect::OpenAiChat => failed || done,
            Dialect::OpenAiResponses => {
                matches!(
                    kind,
                    "response.completed" | "response.incomplete" | "response.failed"
                )
            }
            Dialect::Anthropic => matches!(kind, "message_stop" | "error"),
            Dialect::Gemini => failed,
        });
    }
    assert!(ended == 1 || client == Dialect::Gemini, "no end");
    assert!(!text.is_empty(), "not a word");
}

/// Any body of any status is a failure that every client can read.
fn error(upstream: Dialect, input: &[u8]) {
    for status in [200, 400, 401, 404, 413, 429, 500, 503, 529] {
        let failure = upstream.decode_error(status, input);
        bounded(input.len(), failure.message.len());
        for client in Dialect::ALL {
            error_body(client, &failure);
        }
    }
}

fn error_body(client: Dialect, failure: &Failure) {
    let mut out = Vec::new();
    let status = client.encode_error(failure, "req-1", &mut out);
    assert!(
        (400..600).contains(&status),
        "status {status} for {failure:?}"
    );
    assert!(
        status != 401 || failure.kind != FailureKind::UpstreamAuth,
        "the provider's 401 shows through"
    );
    json(&out);
}

/// Frames are the same however the bytes are split, and never longer than their input.
fn server_sent_events(input: &[u8]) {
    let read = |size: usize| {
        let mut decoder = sse::Decoder::new(300);
        let mut seen = String::new();
        let mut keep = |frame: sse::Frame<'_>| {
            write!(seen, "{:?} {:?};", frame.event, frame.data).expect("memory takes everything");
        };
        let fed = input
            .chunks(size)
            .try_for_each(|piece| decoder.feed(piece, &mut keep));
        let end = fed.and_then(|()| decoder.end(&mut keep));
        (seen, end)
    };
    let whole = read(input.len().max(1));
    for size in 1..4 {
        assert_eq!(whole, read(size), "in pieces of {size} bytes");
    }
}

/// Every client, and what its request has left to reverse; the Anthropic one has left everything.
fn clients() -> [(Dialect, Undo); 4] {
    let everything = Undo {
        tools: vec![
            ToolAlias {
                wire: "get_weather".into(),
                name: "weather".into(),
                namespace: Some("w".into()),
                freeform: false,
            },
            ToolAlias {
                wire: "run_code".into(),
                name: "run".into(),
                namespace: None,
                freeform: true,
            },
        ],
        unwrap_value: true,
        strip_fence: true,
        stop: vec!["END".into(), "\n\n".into()],
        ..Undo::default()
    };
    let [chat, responses, anthropic, gemini] = Dialect::ALL;
    [
        (chat, Undo::default()),
        (
            responses,
            Undo {
                tools: everything.tools.clone(),
                ..Undo::default()
            },
        ),
        (anthropic, everything),
        (
            gemini,
            Undo {
                stop: vec!["END".into()],
                ..Undo::default()
            },
        ),
    ]
}

fn answer(client: Dialect) -> Answer {
    let mut answer = Answer::new(&Request::new(client, "model".into()), SEED, 1_795_000_000);
    answer.show_reasoning = true;
    answer
}

fn json(bytes: &[u8]) {
    if let Err(error) = serde_json::from_slice::<&RawValue>(bytes) {
        unreachable!("no JSON: {error}: {}", String::from_utf8_lossy(bytes));
    }
}

/// What comes out is in proportion to what went in.
fn bounded(input: usize, output: usize) {
    assert!(output <= 4096 + input * 64, "{input} bytes became {output}");
}
