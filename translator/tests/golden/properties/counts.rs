//! Token counts: what an encoder writes is what the decoder of the same dialect reads.

use proptest::test_runner::TestCaseError;
use translator::Dialect;
use translator::ir::{Event, Finish, Response, Usage};
use translator::translate::Origin;

use super::answers::{upstream_answer, usage};
use super::holds;
use crate::cases;

/// The buckets that a dialect has words for; others are counted into a bucket that contains them.
fn sayable(dialect: Dialect, usage: Usage) -> Usage {
    match dialect {
        Dialect::OpenAiChat | Dialect::OpenAiResponses => Usage {
            fresh: usage.fresh + usage.tool_input,
            cache_write_5m: 0,
            cache_write_1h: 0,
            cache_write: usage.cache_write_total(),
            tool_input: 0,
            ..usage
        },
        Dialect::Anthropic => Usage {
            fresh: usage.fresh + usage.tool_input,
            // The default life.
            cache_write_5m: usage.cache_write_5m + usage.cache_write,
            cache_write: 0,
            tool_input: 0,
            ..usage
        },
        Dialect::Gemini => Usage {
            fresh: usage.fresh + usage.cache_write_total(),
            cache_write_5m: 0,
            cache_write_1h: 0,
            cache_write: 0,
            ..usage
        },
    }
}

const ORIGIN: Origin<'_> = Origin {
    provider: "p",
    model: "m",
};

fn from_body(dialect: Dialect, usage: Usage) -> Option<Usage> {
    let response = Response {
        finish: vec![Some(Finish::Stop)],
        usage: Some(usage),
        ..Response::default()
    };
    let mut body = Vec::new();
    dialect.encode_response(&response, &mut upstream_answer(dialect), &mut body);
    let mut seen = None;
    dialect.decode_response(&body, ORIGIN, &mut |event| {
        if let Event::Usage(usage) = event {
            seen = Some(usage);
        }
    });
    seen
}

fn from_stream(dialect: Dialect, usage: Usage) -> Option<Usage> {
    let mut stream = Vec::new();
    let mut encoder = dialect.stream_encoder(upstream_answer(dialect));
    for event in [
        Event::Start {
            id: "".into(),
            model: "".into(),
        },
        Event::Usage(usage),
        Event::Finish {
            choice: 0,
            reason: Finish::Stop,
        },
    ] {
        encoder.event(&event, &mut stream);
    }
    encoder.end(&mut stream);
    let mut decoder = dialect.stream_decoder(&ORIGIN);
    let mut seen = None;
    let mut keep = |event: Event<'_>| {
        if let Event::Usage(usage) = event {
            seen = Some(usage);
        }
    };
    translator::sse::Decoder::default()
        .feed(&stream, |frame| decoder.frame(frame, &mut keep))
        .expect("a legal stream");
    decoder.end(&mut keep);
    seen
}

#[test]
fn counts_come_back_as_they_went_out() {
    holds(300, &usage(), |usage| {
        for dialect in Dialect::ALL {
            let want = sayable(dialect, usage);
            let same = |seen: Option<Usage>, form: &str| {
                // Nothing counted is no count: the hub estimates.
                if seen == Some(want) || (seen.is_none() && want == Usage::default()) {
                    return Ok(());
                }
                Err(TestCaseError::fail(format!(
                    "{} {form}: {usage:?} came back as {seen:?}",
                    cases::word(dialect)
                )))
            };
            same(from_body(dialect, usage), "body")?;
            // An Anthropic stream tells at its end how much was written, and for how long only at its beginning.
            let streamed = from_stream(dialect, usage).map(|seen| match dialect {
                Dialect::Anthropic if seen.cache_write_total() == want.cache_write_total() => {
                    Usage {
                        cache_write_5m: want.cache_write_5m,
                        cache_write_1h: want.cache_write_1h,
                        cache_write: 0,
                        ..seen
                    }
                }
                _ => seen,
            });
            same(streamed, "stream")?;
        }
        Ok(())
    });
}
