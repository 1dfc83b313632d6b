//! The prices in force: what the operator says, else the catalogue.

use std::collections::HashMap;
use std::sync::Arc;

use super::document::{Catalogue, Model};
use super::rates::Rates;
use super::vendor::Identity;

/// What an operator says of a model.
#[derive(Clone, Debug)]
pub struct Override {
    /// The provider it is about; absent for all.
    pub provider: Option<String>,
    /// The model as it goes on the wire.
    pub model: String,
    /// Which edition of it this is.
    pub version: Arc<str>,
    /// The prices.
    pub rates: Rates,
}

/// A price and the list it is from.
#[derive(Clone, Copy, Debug)]
pub struct Price<'b> {
    /// The price.
    pub rates: &'b Rates,
    /// Where it is from.
    pub version: &'b Arc<str>,
}

/// What an operator says, by model.
type Manual = HashMap<Box<str>, (Rates, Arc<str>)>;

/// The prices in force.
#[derive(Clone, Debug, Default)]
pub struct PriceBook {
    /// By provider, empty for all, and model.
    manual: HashMap<Box<str>, Manual>,
    /// By the name of the provider.
    identities: HashMap<Arc<str>, Identity>,
    /// In place of the one that comes with the program.
    imported: Option<Arc<Catalogue>>,
}

impl PriceBook {
    /// The prices for these providers.
    #[must_use]
    pub fn new(
        identities: impl IntoIterator<Item = (Arc<str>, Identity)>,
        overrides: impl IntoIterator<Item = Override>,
        imported: Option<Arc<Catalogue>>,
    ) -> Self {
        let mut manual = HashMap::<Box<str>, Manual>::new();
        for one in overrides {
            manual
                .entry(one.provider.unwrap_or_default().into_boxed_str())
                .or_default()
                .insert(one.model.into_boxed_str(), (one.rates, one.version));
        }
        Self {
            manual,
            identities: identities.into_iter().collect(),
            imported,
        }
    }

    /// The catalogue in force.
    #[must_use]
    pub fn catalogue(&self) -> &Arc<Catalogue> {
        self.imported
            .as_ref()
            .unwrap_or_else(|| Catalogue::built_in())
    }

    /// The price of a model at a provider. Absent when nobody knows it.
    #[must_use]
    pub fn price(&self, provider: &str, model: &str) -> Option<Price<'_>> {
        for whose in [provider, ""] {
            if let Some((rates, version)) =
                self.manual.get(whose).and_then(|models| models.get(model))
            {
                return Some(Price { rates, version });
            }
        }
        let rates = self.model(provider, model)?.rates.as_ref()?;
        Some(Price {
            rates,
            version: &self.catalogue().version,
        })
    }

    /// What the catalogue says of a model at a provider.
    #[must_use]
    pub fn model(&self, provider: &str, model: &str) -> Option<&Model> {
        let identity = *self.identities.get(provider)?;
        if identity == Identity::Unknown {
            return None;
        }
        self.catalogue().model(identity, model)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::WireCost;

    #[test]
    fn a_manual_price_beats_the_catalogue() {
        let rates = |input| {
            let cost = WireCost {
                input: Some(input),
                output: Some(1.0),
                ..WireCost::default()
            };
            Rates::of(&cost, None).expect("a price")
        };
        let say = |provider: Option<&str>, model: &str, input| Override {
            provider: provider.map(str::to_owned),
            model: model.to_owned(),
            version: "manual".into(),
            rates: rates(input),
        };
        let book = PriceBook::new(
            [
                ("openai".into(), Identity::Vendor("openai")),
                ("house".into(), Identity::Unknown),
            ],
            [
                say(Some("openai"), "gpt-4o", 7.0),
                say(None, "house-1", 0.0),
            ],
            None,
        );
        let price = |provider, model| {
            let price = book.price(provider, model)?;
            Some((price.rates.input, price.version.to_string()))
        };
        assert_eq!(
            price("openai", "gpt-4o"),
            Some((7_000_000_000, "manual".into()))
        );
        assert_eq!(price("house", "house-1"), Some((0, "manual".into())));
        let (input, version) = price("openai", "gpt-4o-mini").expect("in the catalogue");
        assert_eq!(input, 150_000_000);
        assert_eq!(version, "models.dev@2026-07-02");
        assert_eq!(price("house", "gpt-4o"), None);
        assert_eq!(price("nobody", "gpt-4o"), None);
    }
}
