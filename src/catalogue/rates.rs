//! What tokens cost.

use serde::{Deserialize, Serialize};

/// Nano-USD of a USD, which is also nano-USD per million tokens of USD per million tokens.
const NANO: f64 = 1e9;
/// No vendor asks a million dollars for a million tokens.
const ABSURD: f64 = 1e6;

/// Prices as files and definitions write them, in USD per million tokens.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct WireCost {
    /// Input read afresh.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input: Option<f64>,
    /// Output.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<f64>,
    /// Reasoning, where it has a price of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<f64>,
    /// Input from a cache.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_read: Option<f64>,
    /// Input written to a cache.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_write: Option<f64>,
    /// Input written to a cache for an hour.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_write_1h: Option<f64>,
    /// Audio in the input.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_audio: Option<f64>,
    /// Audio in the output.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_audio: Option<f64>,
    /// Images in the output.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_image: Option<f64>,
    /// Other prices for longer prompts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tiers: Vec<WireTier>,
}

impl WireCost {
    /// Whether every price can be one: no negative ones, none that are no number, none that are absurd.
    pub(super) fn is_possible(&self) -> bool {
        let prices = [
            self.input,
            self.output,
            self.reasoning,
            self.cache_read,
            self.cache_write,
            self.cache_write_1h,
            self.input_audio,
            self.output_audio,
            self.output_image,
        ];
        prices
            .into_iter()
            .flatten()
            .all(|price| nano(price).is_some())
            && self.tiers.iter().all(|tier| tier.cost.is_possible())
    }
}

/// Prices once a prompt has more than so many tokens. What is not named stays.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct WireTier {
    /// So many tokens.
    pub over: u64,
    /// The prices.
    #[serde(flatten)]
    pub cost: Box<WireCost>,
}

/// Prices in nano-USD per million tokens. What a vendor does not charge apart has the price of what it is part of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rates {
    pub(crate) input: u64,
    pub(crate) output: u64,
    pub(crate) reasoning: u64,
    pub(crate) cache_read: u64,
    pub(crate) cache_write: u64,
    pub(crate) cache_write_1h: u64,
    pub(crate) input_audio: u64,
    pub(crate) output_audio: u64,
    pub(crate) output_image: u64,
    /// By length, the shortest first.
    tiers: Box<[(u64, Rates)]>,
}

impl Rates {
    /// The prices of a document; none when input or output have none, or a price cannot be. `hour_write` is what
    /// writing to a cache for an hour costs in prices of input, where the vendor says so.
    #[must_use]
    pub fn of(cost: &WireCost, hour_write: Option<f64>) -> Option<Self> {
        let mut rates = Self::flat(cost, hour_write)?;
        let mut tiers = Vec::with_capacity(cost.tiers.len());
        for tier in &cost.tiers {
            let merged = over(cost, &tier.cost);
            tiers.push((tier.over, Self::flat(&merged, hour_write)?));
        }
        tiers.sort_by_key(|(over, _)| *over);
        rates.tiers = tiers.into();
        Some(rates)
    }

    fn flat(cost: &WireCost, hour_write: Option<f64>) -> Option<Self> {
        let input = nano(cost.input?)?;
        let output = nano(cost.output?)?;
        let or = |price: Option<f64>, other: u64| price.map_or(Some(other), nano);
        let cache_write = or(cost.cache_write, input)?;
        let hour = match (cost.cache_write, hour_write) {
            (Some(_), Some(times)) => nano(cost.input? * times)?,
            _ => cache_write,
        };
        Some(Self {
            input,
            output,
            reasoning: or(cost.reasoning, output)?,
            cache_read: or(cost.cache_read, input)?,
            cache_write,
            cache_write_1h: or(cost.cache_write_1h, hour)?,
            input_audio: or(cost.input_audio, input)?,
            output_audio: or(cost.output_audio, output)?,
            output_image: or(cost.output_image, output)?,
            tiers: Box::default(),
        })
    }

    /// The prices for a prompt of so many tokens.
    #[must_use]
    pub fn at(&self, input: u64) -> &Self {
        self.tiers
            .iter()
            .rev()
            .find(|(over, _)| input > *over)
            .map_or(self, |(_, rates)| rates)
    }
}

fn over(base: &WireCost, tier: &WireCost) -> WireCost {
    WireCost {
        input: tier.input.or(base.input),
        output: tier.output.or(base.output),
        reasoning: tier.reasoning.or(base.reasoning),
        cache_read: tier.cache_read.or(base.cache_read),
        cache_write: tier.cache_write.or(base.cache_write),
        cache_write_1h: tier.cache_write_1h.or(base.cache_write_1h),
        input_audio: tier.input_audio.or(base.input_audio),
        output_audio: tier.output_audio.or(base.output_audio),
        output_image: tier.output_image.or(base.output_image),
        tiers: Vec::new(),
    }
}

fn nano(usd: f64) -> Option<u64> {
    // Also refuses what is not a number.
    (0.0..=ABSURD)
        .contains(&usd)
        .then(|| (usd * NANO).round() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_are_exact_and_complete_or_absent() {
        let cost = WireCost {
            input: Some(0.0028),
            output: Some(15.0),
            cache_write: Some(0.0035),
            tiers: vec![WireTier {
                over: 200_000,
                cost: Box::new(WireCost {
                    input: Some(0.0056),
                    ..WireCost::default()
                }),
            }],
            ..WireCost::default()
        };
        let rates = Rates::of(&cost, Some(2.0)).expect("both prices are there");
        assert_eq!(rates.input, 2_800_000);
        assert_eq!(rates.cache_read, rates.input);
        assert_eq!(rates.cache_write_1h, 5_600_000);
        assert_eq!(rates.reasoning, 15_000_000_000);
        assert_eq!(rates.at(200_000).input, rates.input);
        assert_eq!(rates.at(200_001).input, 5_600_000);
        assert_eq!(rates.at(200_001).output, rates.output);
        for bad in [None, Some(-1.0), Some(f64::NAN), Some(1e9)] {
            let cost = WireCost {
                input: bad,
                ..cost.clone()
            };
            assert_eq!(Rates::of(&cost, None), None);
        }
    }
}
