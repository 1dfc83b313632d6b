//! Micro-benchmarks: decode and encode of each dialect on the small and the 120 KB request, and one stream event.

#![expect(missing_docs, reason = "criterion writes a function")]

#[path = "../src/cases.rs"]
#[allow(dead_code, reason = "the runner uses more of it")]
mod cases;

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use translator::answer::Answer;
use translator::translate::{self, Origin, StreamTranslation, Target, no_recall};
use translator::undo::Undo;
use translator::{Dialect, capability};

const MODELS: [(Dialect, &str); 4] = [
    (Dialect::OpenAiChat, "gpt-4o"),
    (Dialect::OpenAiResponses, "gpt-5.1"),
    (Dialect::Anthropic, "claude-sonnet-4-5"),
    (Dialect::Gemini, "gemini-3-flash-preview"),
];

fn target(dialect: Dialect, model: &'static str) -> Target<'static> {
    Target {
        dialect,
        provider: "bench",
        model,
        capability: capability::of(dialect, model),
        stream: false,
        cache_key: None,
        auto_cache: true,
        drop_state: false,
    }
}

/// The same request in every dialect: the Anthropic one, carried over by the translator itself.
fn bodies(agent: bool) -> Vec<(Dialect, Vec<u8>)> {
    let case = cases::all(1.0)
        .into_iter()
        .find(|case| case.id == if agent { "f" } else { "b" })
        .expect("the case exists");
    let source = case.body(false);
    MODELS
        .iter()
        .map(|&(dialect, model)| {
            let request = Dialect::Anthropic
                .decode_request(&source, &no_recall)
                .expect("valid");
            let body = translate::request(request, &target(dialect, model), false)
                .expect("can be carried")
                .body;
            (dialect, body)
        })
        .collect()
}

fn requests(criterion: &mut Criterion) {
    for (size, agent) in [("1KB", false), ("120KB", true)] {
        let mut group = criterion.benchmark_group(format!("request/{size}"));
        for (dialect, body) in bodies(agent) {
            group.throughput(Throughput::Bytes(body.len() as u64));
            group.bench_function(format!("decode/{}", dialect.as_str()), |bencher| {
                bencher.iter(|| {
                    dialect
                        .decode_request(black_box(&body), &no_recall)
                        .map(|request| request.turns.len())
                });
            });
        }
        let source = &bodies(agent)[2].1;
        for &(dialect, model) in &MODELS {
            group.bench_function(format!("anthropic->{}", dialect.as_str()), |bencher| {
                bencher.iter(|| {
                    let request = Dialect::Anthropic
                        .decode_request(black_box(source), &no_recall)
                        .expect("valid");
                    translate::request(request, &target(dialect, model), false)
                        .map(|outbound| outbound.body.len())
                });
            });
        }
        group.finish();
    }
}

const CHUNKS: [(Dialect, &str, &str); 2] = [
    (
        Dialect::OpenAiChat,
        "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":null}]}\n\n",
        "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"twenty bytes of text\"},\"logprobs\":null,\"finish_reason\":null}]}\n\n",
    ),
    (
        Dialect::Anthropic,
        "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"m\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"m\",\"content\":[],\"usage\":{\"input_tokens\":3,\"output_tokens\":1}}}\n\nevent: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n",
        "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"twenty bytes of text\"}}\n\n",
    ),
];

fn stream_events(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("stream/event");
    for (upstream, head, chunk) in CHUNKS {
        for client in Dialect::ALL {
            let request = translator::ir::Request::new(client, "m".into());
            let origin = Origin {
                provider: "bench",
                model: "m",
            };
            let mut stream = StreamTranslation::new(
                upstream,
                &origin,
                &Undo::default(),
                Answer::new(&request, 1, 1),
            );
            let mut out = Vec::new();
            stream.feed(head.as_bytes(), &mut out);
            group.bench_function(
                format!("{}->{}", upstream.as_str(), client.as_str()),
                |bencher| {
                    bencher.iter(|| {
                        out.clear();
                        stream.feed(black_box(chunk.as_bytes()), &mut out);
                        out.len()
                    });
                },
            );
        }
    }
    group.finish();
}

criterion_group!(benches, requests, stream_events);
criterion_main!(benches);
