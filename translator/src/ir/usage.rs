//! Token counts in disjoint buckets.

/// Token counts. The buckets do not overlap: input is the sum of the first six, output of the next two.
/// The modalities are notes on tokens that a bucket holds already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Input that was read afresh.
    pub fresh: u64,
    /// Input from a prompt cache.
    pub cache_read: u64,
    /// Input written to a cache for 5 minutes.
    pub cache_write_5m: u64,
    /// Input written to a cache for an hour.
    pub cache_write_1h: u64,
    /// Input written to a cache, life unknown.
    pub cache_write: u64,
    /// Input that the vendor's own tools brought in (Gemini).
    pub tool_input: u64,
    /// Visible output.
    pub output: u64,
    /// Reasoning output.
    pub reasoning: u64,
    /// Of the input: audio.
    pub audio_input: u64,
    /// Of the visible output: audio.
    pub audio_output: u64,
    /// Of the visible output: images.
    pub image_output: u64,
    /// The output was counted before it was written (Anthropic's first event); a later report stands over it.
    pub early: bool,
    /// The hub counted, because the upstream did not say.
    pub estimated: bool,
    /// The upstream gave a count that cannot be (negative, absurd, a part larger than its whole); it was bounded.
    pub clamped: bool,
}

impl Usage {
    /// All input.
    #[must_use]
    pub const fn input_total(&self) -> u64 {
        self.fresh
            .saturating_add(self.cache_read)
            .saturating_add(self.cache_write_total())
            .saturating_add(self.tool_input)
    }

    /// All cache writes.
    #[must_use]
    pub const fn cache_write_total(&self) -> u64 {
        self.cache_write_5m
            .saturating_add(self.cache_write_1h)
            .saturating_add(self.cache_write)
    }

    /// All output.
    #[must_use]
    pub const fn output_total(&self) -> u64 {
        self.output.saturating_add(self.reasoning)
    }

    /// The counts of both.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            fresh: self.fresh.saturating_add(other.fresh),
            cache_read: self.cache_read.saturating_add(other.cache_read),
            cache_write_5m: self.cache_write_5m.saturating_add(other.cache_write_5m),
            cache_write_1h: self.cache_write_1h.saturating_add(other.cache_write_1h),
            cache_write: self.cache_write.saturating_add(other.cache_write),
            tool_input: self.tool_input.saturating_add(other.tool_input),
            output: self.output.saturating_add(other.output),
            reasoning: self.reasoning.saturating_add(other.reasoning),
            audio_input: self.audio_input.saturating_add(other.audio_input),
            audio_output: self.audio_output.saturating_add(other.audio_output),
            image_output: self.image_output.saturating_add(other.image_output),
            early: self.early || other.early,
            estimated: self.estimated || other.estimated,
            clamped: self.clamped || other.clamped,
        }
    }

    /// From inclusive counts, as OpenAI gives them. Parts larger than the whole make it larger: no bucket is negative.
    #[must_use]
    pub const fn from_inclusive(
        input: u64,
        read: u64,
        write: u64,
        output: u64,
        reasoning: u64,
    ) -> Self {
        Self {
            fresh: input.saturating_sub(read).saturating_sub(write),
            cache_read: read,
            cache_write_5m: 0,
            cache_write_1h: 0,
            cache_write: write,
            tool_input: 0,
            output: output.saturating_sub(reasoning),
            reasoning,
            audio_input: 0,
            audio_output: 0,
            image_output: 0,
            early: false,
            estimated: false,
            clamped: read.saturating_add(write) > input || reasoning > output,
        }
    }
}
