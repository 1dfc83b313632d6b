//! What a request costs.

use super::Tokens;
use crate::catalogue::Rates;

/// Tokens of a price.
const MILLION: u128 = 1_000_000;

/// The cost in nano-USD. Each token is charged once: a part with a price of its own is taken out of its bucket.
#[must_use]
pub fn cost_nano_usd(rates: &Rates, tokens: &Tokens) -> i64 {
    let rates = rates.at(tokens.input);
    // Audio has its price where it is read afresh; from a cache it costs what the cache costs.
    let fresh = tokens.uncached.saturating_add(tokens.tool_input);
    let audio = tokens.audio_input.min(fresh);
    let reasoning = tokens.reasoning.min(tokens.output);
    let spoken = tokens.output - reasoning;
    let sound = tokens.audio_output.min(spoken);
    let images = tokens.image_output.min(spoken - sound);
    let parts = [
        (fresh - audio, rates.input),
        (audio, rates.input_audio),
        (tokens.cache_read, rates.cache_read),
        (tokens.cache_write_5m, rates.cache_write),
        (tokens.cache_write, rates.cache_write),
        (tokens.cache_write_1h, rates.cache_write_1h),
        (reasoning, rates.reasoning),
        (sound, rates.output_audio),
        (images, rates.output_image),
        (spoken - sound - images, rates.output),
    ];
    let sum = parts.iter().fold(0_u128, |sum, (count, rate)| {
        sum.saturating_add(u128::from(*count) * u128::from(*rate))
    });
    i64::try_from(sum.saturating_add(MILLION / 2) / MILLION).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::{Catalogue, Identity, WireCost};

    #[test]
    fn every_bucket_at_its_price() {
        let rates = |vendor, model| {
            let model = Catalogue::built_in().model(Identity::Vendor(vendor), model);
            model.and_then(|model| model.rates.clone()).expect("priced")
        };
        let tokens = Tokens {
            input: 1_000_000,
            uncached: 100_000,
            cache_read: 800_000,
            cache_write_5m: 60_000,
            cache_write_1h: 40_000,
            output: 10_000,
            reasoning: 4_000,
            ..Tokens::default()
        };
        // 3 / 15 USD, reads 0.30, writes 3.75, for an hour 6.
        let usd = 0.1 * 3.0 + 0.8 * 0.3 + 0.06 * 3.75 + 0.04 * 6.0 + 0.01 * 15.0;
        let cost = cost_nano_usd(&rates("anthropic", "claude-3-7-sonnet"), &tokens);
        assert_eq!(cost, (usd * 1e9_f64).round() as i64);
        let one = Tokens {
            input: 1,
            uncached: 1,
            ..Tokens::default()
        };
        assert_eq!(cost_nano_usd(&rates("openai", "gpt-4.1-nano"), &one), 100);
    }

    #[test]
    fn long_prompts_sound_and_absurd_counts() {
        let cost = WireCost {
            input: Some(1.0),
            output: Some(2.0),
            input_audio: Some(10.0),
            output_audio: Some(20.0),
            ..WireCost::default()
        };
        let rates = Rates::of(&cost, None).expect("a price");
        let tokens = Tokens {
            input: 10,
            uncached: 10,
            audio_input: 4,
            output: 10,
            reasoning: 2,
            audio_output: 3,
            ..Tokens::default()
        };
        assert_eq!(
            cost_nano_usd(&rates, &tokens),
            6_000 + 40_000 + 14_000 + 60_000
        );
        let absurd = Tokens {
            uncached: u64::MAX,
            audio_input: u64::MAX,
            output: u64::MAX,
            reasoning: u64::MAX,
            audio_output: u64::MAX,
            cache_write: u64::MAX,
            ..Tokens::default()
        };
        assert_eq!(cost_nano_usd(&rates, &absurd), i64::MAX);
    }
}
