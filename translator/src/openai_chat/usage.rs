//! Token counts, read and written. OpenAI's totals include their parts; the representation's buckets do not overlap.

use std::ops::Range;

use super::wire_response::WireUsage;
use crate::ir::Usage;
use crate::json::Writer;
use crate::wire::Tally;

/// Reads token counts; `None` when there are none at all.
pub(super) fn decode(wire: &WireUsage<'_>) -> Option<Usage> {
    let mut tally = Tally::default();
    let prompt = tally.known(wire.prompt);
    let completion = tally.known(wire.completion);
    if prompt.is_none() && completion.is_none() {
        return None;
    }
    let (prompt, completion) = (prompt.unwrap_or(0), completion.unwrap_or(0));
    let input = wire.prompt_details.as_ref();
    let output = wire.completion_details.as_ref();
    let read = tally
        .known(input.and_then(|details| details.cached))
        .or_else(|| tally.known(wire.cache_hit))
        .or_else(|| tally.known(wire.cached))
        .unwrap_or(0);
    let written = tally.count(input.and_then(|details| details.written));
    let reasoning = tally
        .known(output.and_then(|details| details.reasoning))
        .or_else(|| tally.known(wire.reasoning))
        .unwrap_or(0);
    // Some servers count reasoning beside the completion; their total tells.
    let apart = completion.saturating_add(reasoning);
    let beside = reasoning > 0 && tally.known(wire.total) == Some(prompt.saturating_add(apart));
    let all = if beside { apart } else { completion };
    let mut usage = Usage::from_inclusive(prompt, read, written, all, reasoning);
    usage.audio_input = tally.count(input.and_then(|details| details.audio));
    usage.audio_output = tally.count(output.and_then(|details| details.audio));
    usage.image_output = tally.count(output.and_then(|details| details.image));
    usage.clamped |= tally.clamped;
    Some(usage)
}

/// Reads a raw usage object.
pub(crate) fn read_usage(raw: &str) -> Option<Usage> {
    decode(&crate::wire::parse_text(raw).ok()?)
}

/// Writes token counts as a member `usage`; gives the place of the object.
pub(super) fn encode(usage: &Usage, w: &mut Writer<'_>) -> Range<usize> {
    let (input, output) = (usage.input_total(), usage.output_total());
    w.object_at("usage", |w| {
        w.uint("prompt_tokens", input);
        w.uint("completion_tokens", output);
        w.uint("total_tokens", input.saturating_add(output));
        w.object_in("prompt_tokens_details", |w| {
            w.uint("cached_tokens", usage.cache_read);
            w.uint("cache_write_tokens", usage.cache_write_total());
            w.uint("audio_tokens", usage.audio_input);
        });
        w.object_in("completion_tokens_details", |w| {
            w.uint("reasoning_tokens", usage.reasoning);
            w.uint("audio_tokens", usage.audio_output);
            w.uint("accepted_prediction_tokens", 0);
            w.uint("rejected_prediction_tokens", 0);
        });
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_server_s_counts_are_read() {
        let cases = [
            (
                "openai",
                r#"{"prompt_tokens":10,"completion_tokens":7,"total_tokens":17,"prompt_tokens_details":{"cached_tokens":4,"cache_write_tokens":1},"completion_tokens_details":{"reasoning_tokens":3}}"#,
                (5, 4, 1, 4, 3),
            ),
            (
                "deepseek",
                r#"{"prompt_tokens":10,"completion_tokens":7,"prompt_cache_hit_tokens":6,"prompt_cache_miss_tokens":4}"#,
                (4, 6, 0, 7, 0),
            ),
            (
                "moonshot",
                r#"{"prompt_tokens":10,"completion_tokens":7,"cached_tokens":2}"#,
                (8, 2, 0, 7, 0),
            ),
            (
                "cached outside prompt",
                r#"{"prompt_tokens":3,"completion_tokens":1,"prompt_tokens_details":{"cached_tokens":9}}"#,
                (0, 9, 0, 1, 0),
            ),
            (
                "reasoning outside completion",
                r#"{"prompt_tokens":3,"completion_tokens":2,"total_tokens":10,"completion_tokens_details":{"reasoning_tokens":5}}"#,
                (3, 0, 0, 2, 5),
            ),
            (
                "nulls",
                r#"{"prompt_tokens":3,"completion_tokens":2,"prompt_tokens_details":null,"completion_tokens_details":{"reasoning_tokens":null}}"#,
                (3, 0, 0, 2, 0),
            ),
        ];
        for (case, json, want) in cases {
            let usage = decode(&crate::wire::parse_text(json).expect(case)).expect(case);
            let got = (
                usage.fresh,
                usage.cache_read,
                usage.cache_write,
                usage.output,
                usage.reasoning,
            );
            assert_eq!(got, want, "{case}");
        }
        assert_eq!(decode(&crate::wire::parse_text("{}").expect("valid")), None);
    }
}
