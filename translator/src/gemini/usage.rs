//! Token counts: here input includes what the cache gave, and thoughts stand beside the visible output.

use super::wire_response::UsageMetadata;
use crate::ir::Usage;
use crate::json::Writer;
use crate::wire::Number;

pub(super) fn read(wire: &UsageMetadata<'_>) -> Usage {
    let count = |number: Option<Number>| number.and_then(Number::as_u64).unwrap_or(0);
    let cached = count(wire.cached);
    Usage {
        fresh: count(wire.prompt).saturating_sub(cached),
        cache_read: cached,
        tool_input: count(wire.tool_prompt),
        output: count(wire.candidates),
        reasoning: count(wire.thoughts),
        ..Usage::default()
    }
}

pub(super) fn write(usage: &Usage, w: &mut Writer<'_>) {
    let prompt = usage
        .fresh
        .saturating_add(usage.cache_read)
        .saturating_add(usage.cache_write_total());
    w.object_in("usageMetadata", |w| {
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
    });
}
