//! Token counts: here input includes what the cache gave, and thoughts stand beside the visible output.

use std::ops::Range;

use super::wire_response::{Modality, UsageMetadata};
use crate::ir::Usage;
use crate::json::Writer;
use crate::wire::Tally;

/// `None` when there is no count at all, as on early chunks.
pub(super) fn read(wire: &UsageMetadata<'_>) -> Option<Usage> {
    let counts = [wire.prompt, wire.candidates, wire.thoughts, wire.total];
    if counts.iter().all(Option::is_none) {
        return None;
    }
    let mut tally = Tally::default();
    let (prompt, cached) = (tally.count(wire.prompt), tally.count(wire.cached));
    let input = wire.prompt_details.as_deref().unwrap_or_default();
    let output = wire.candidates_details.as_deref().unwrap_or_default();
    Some(Usage {
        fresh: prompt.saturating_sub(cached),
        cache_read: cached,
        tool_input: tally.count(wire.tool_prompt),
        output: tally.count(wire.candidates),
        reasoning: tally.count(wire.thoughts),
        audio_input: of(input, "AUDIO", &mut tally),
        audio_output: of(output, "AUDIO", &mut tally),
        image_output: of(output, "IMAGE", &mut tally),
        clamped: tally.clamped || cached > prompt,
        ..Usage::default()
    })
}

/// Reads a raw usage object.
pub(crate) fn read_usage(raw: &str) -> Option<Usage> {
    read(&crate::wire::parse_text(raw).ok()?)
}

fn of(details: &[Modality<'_>], name: &str, tally: &mut Tally) -> u64 {
    let mut sum = 0_u64;
    for detail in details {
        if detail
            .modality
            .as_ref()
            .is_some_and(|modality| modality.as_str() == name)
        {
            sum = sum.saturating_add(tally.count(detail.count));
        }
    }
    sum
}

/// Writes token counts; gives the place of the object.
pub(super) fn write(usage: &Usage, w: &mut Writer<'_>) -> Range<usize> {
    let prompt = usage
        .fresh
        .saturating_add(usage.cache_read)
        .saturating_add(usage.cache_write_total());
    w.object_at("usageMetadata", |w| {
        w.uint("promptTokenCount", prompt);
        w.uint("candidatesTokenCount", usage.output);
        w.uint(
            "totalTokenCount",
            usage.input_total().saturating_add(usage.output_total()),
        );
        for (name, count) in [
            ("cachedContentTokenCount", usage.cache_read),
            ("toolUsePromptTokenCount", usage.tool_input),
            ("thoughtsTokenCount", usage.reasoning),
        ] {
            if count > 0 {
                w.uint(name, count);
            }
        }
    })
}
