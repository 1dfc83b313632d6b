//! Token counts, in both directions. The service counts fresh, cached and written input apart.

use std::ops::Range;

use super::wire::Usage as WireUsage;
use crate::ir::Usage;
use crate::json::Writer;
use crate::wire::Tally;

/// Counts so far; a stream tells them in pieces, and a later piece overwrites an earlier one.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    input: u64,
    read: u64,
    write: u64,
    write_5m: u64,
    write_1h: u64,
    output: u64,
    thinking: u64,
    tally: Tally,
}

impl Counts {
    /// Takes the members that are present.
    pub(super) fn update(&mut self, wire: &WireUsage<'_>) {
        let mut tally = self.tally;
        let mut set = |place: &mut u64, value| *place = tally.known(value).unwrap_or(*place);
        set(&mut self.input, wire.input_tokens);
        set(&mut self.read, wire.cache_read_input_tokens);
        set(&mut self.write, wire.cache_creation_input_tokens);
        set(&mut self.output, wire.output_tokens);
        if let Some(split) = &wire.cache_creation {
            set(&mut self.write_5m, split.short);
            set(&mut self.write_1h, split.long);
        }
        if let Some(details) = &wire.output_tokens_details {
            set(&mut self.thinking, details.thinking_tokens);
        }
        self.tally = tally;
    }

    /// Takes a raw usage object and gives the buckets so far; `None` when it is none.
    pub(crate) fn read(&mut self, raw: &str) -> Option<Usage> {
        self.update(&crate::wire::parse_text(raw).ok()?);
        Some(self.usage())
    }

    /// The disjoint buckets.
    pub(super) const fn usage(&self) -> Usage {
        let split = self.write_5m.saturating_add(self.write_1h);
        Usage {
            fresh: self.input,
            cache_read: self.read,
            cache_write_5m: self.write_5m,
            cache_write_1h: self.write_1h,
            // The total may come without a split, or grow after the split was told.
            cache_write: self.write.saturating_sub(split),
            tool_input: 0,
            output: self.output.saturating_sub(self.thinking),
            reasoning: if self.thinking < self.output {
                self.thinking
            } else {
                self.output
            },
            audio_input: 0,
            audio_output: 0,
            image_output: 0,
            early: false,
            estimated: false,
            clamped: self.tally.clamped || self.thinking > self.output,
        }
    }
}

/// Writes the `usage` of a message, with every member that the service sends; gives the place of the object.
pub(super) fn write_message(w: &mut Writer<'_>, usage: &Usage) -> Range<usize> {
    w.object_at("usage", |w| {
        w.uint("input_tokens", usage.fresh.saturating_add(usage.tool_input));
        w.uint("cache_creation_input_tokens", usage.cache_write_total());
        w.uint("cache_read_input_tokens", usage.cache_read);
        w.object_in("cache_creation", |w| {
            w.uint(
                "ephemeral_5m_input_tokens",
                usage.cache_write_5m.saturating_add(usage.cache_write),
            );
            w.uint("ephemeral_1h_input_tokens", usage.cache_write_1h);
        });
        w.uint("output_tokens", usage.output_total());
        write_details(w, usage);
        w.null("server_tool_use");
        w.str("service_tier", "standard");
        w.null("inference_geo");
        w.null("speed");
    })
}

/// Writes the cumulative `usage` of a `message_delta`.
pub(super) fn write_delta(w: &mut Writer<'_>, usage: &Usage) {
    w.object_in("usage", |w| {
        w.uint("input_tokens", usage.fresh.saturating_add(usage.tool_input));
        w.uint("cache_creation_input_tokens", usage.cache_write_total());
        w.uint("cache_read_input_tokens", usage.cache_read);
        w.uint("output_tokens", usage.output_total());
        write_details(w, usage);
        w.null("server_tool_use");
    });
}

fn write_details(w: &mut Writer<'_>, usage: &Usage) {
    if usage.reasoning == 0 {
        w.null("output_tokens_details");
    } else {
        w.object_in("output_tokens_details", |w| {
            w.uint("thinking_tokens", usage.reasoning);
        });
    }
}
