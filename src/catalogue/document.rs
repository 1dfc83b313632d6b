//! The catalogue file, and finding a model in it.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use serde::Deserialize;

use super::name::{plain, prefixed, undated};
use super::rates::{Rates, WireCost};
use super::vendor::{Identity, hour_write};

/// The form that this version reads.
const FORMAT: &str = "model-catalog/1";

/// The name under which a newer catalogue is kept among what operators say of models.
pub const IMPORTED_CATALOGUE: &str = "catalogue";

static BUILT_IN: LazyLock<Arc<Catalogue>> = LazyLock::new(|| {
    let text = include_str!("../../catalogue/model_catalog.json");
    let read = Catalogue::parse(text).expect("a test reads the file that is part of the program");
    Arc::new(read)
});

/// A catalogue cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueError {
    /// It is no JSON, or not of that form.
    #[error("the catalogue cannot be read: {0}")]
    Json(#[from] serde_json::Error),
    /// It is of another form.
    #[error("the catalogue has the form {0:?}, this version reads {FORMAT:?}")]
    Format(String),
    /// A price is negative, or no number, or absurd.
    #[error(
        "the catalogue has a price of {0} that cannot be; prices are from 0 to a million US dollars for a million tokens"
    )]
    Price(String),
}

#[derive(Deserialize)]
struct Wire {
    format: String,
    snapshot_date: String,
    #[serde(default)]
    source: String,
    providers: HashMap<String, WireVendor>,
}

#[derive(Deserialize)]
struct WireVendor {
    name: String,
    models: Vec<WireModel>,
}

#[derive(Deserialize)]
struct WireModel {
    id: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    family: Option<String>,
    #[serde(default)]
    release_date: Option<String>,
    #[serde(default)]
    knowledge: Option<String>,
    #[serde(default)]
    status: Option<String>,
    #[serde(default)]
    context: u64,
    #[serde(default)]
    max_input: Option<u64>,
    #[serde(default)]
    max_output: u64,
    #[serde(default, rename = "in")]
    takes: Vec<String>,
    #[serde(default, rename = "out")]
    gives: Vec<String>,
    #[serde(default)]
    caps: Vec<String>,
    #[serde(default)]
    cost: Option<WireCost>,
}

/// What is known of a model.
#[derive(Clone, Debug)]
pub struct Model {
    /// What goes on the wire.
    pub id: Box<str>,
    /// For people.
    pub name: Box<str>,
    /// Which line of models it belongs to.
    pub family: Option<Box<str>>,
    /// When it came out.
    pub released: Option<Box<str>>,
    /// Until when it knows the world.
    pub knowledge: Option<Box<str>>,
    /// `deprecated`, `beta`.
    pub status: Option<Box<str>>,
    /// Tokens of input and output together; 0 for models without a text window.
    pub context: u64,
    /// Tokens of input, where the vendor says so.
    pub max_input: Option<u64>,
    /// Tokens of output.
    pub max_output: u64,
    /// Modalities of the input.
    pub takes: Box<[Box<str>]>,
    /// Modalities of the output.
    pub gives: Box<[Box<str>]>,
    /// What it can do.
    pub abilities: Box<[Box<str>]>,
    /// The prices as written.
    pub cost: Option<Box<WireCost>>,
    /// The prices to calculate with; absent when they are not known.
    pub rates: Option<Rates>,
}

/// A vendor and its models.
#[derive(Debug)]
pub struct Vendor {
    /// For people.
    pub name: Box<str>,
    /// In the order of the file.
    pub models: Vec<Model>,
    exact: HashMap<Box<str>, usize>,
    alike: HashMap<Box<str>, usize>,
}

/// All vendors.
#[derive(Debug)]
pub struct Catalogue {
    /// Where from and of when.
    pub version: Arc<str>,
    vendors: HashMap<Box<str>, Vendor>,
}

impl Catalogue {
    /// The catalogue that comes with the program. Read when it is first asked for.
    #[must_use]
    pub fn built_in() -> &'static Arc<Self> {
        &BUILT_IN
    }

    /// Reads a catalogue.
    ///
    /// # Errors
    /// When it is not one.
    pub fn parse(text: &str) -> Result<Self, CatalogueError> {
        Self::read(serde_json::from_str(text)?)
    }

    /// Reads a catalogue.
    ///
    /// # Errors
    /// When it is not one.
    pub fn of(document: &serde_json::Value) -> Result<Self, CatalogueError> {
        Self::read(Wire::deserialize(document)?)
    }

    fn read(wire: Wire) -> Result<Self, CatalogueError> {
        if wire.format != FORMAT {
            return Err(CatalogueError::Format(wire.format));
        }
        for (id, vendor) in &wire.providers {
            let impossible =
                |model: &&WireModel| model.cost.as_ref().is_some_and(|cost| !cost.is_possible());
            if let Some(model) = vendor.models.iter().find(impossible) {
                return Err(CatalogueError::Price(format!("{id}/{}", model.id)));
            }
        }
        let source = wire.source.split_whitespace().next().unwrap_or("catalogue");
        let version = format!("{source}@{}", wire.snapshot_date);
        let vendors = wire
            .providers
            .into_iter()
            .map(|(id, vendor)| {
                let vendor = Vendor::of(&id, vendor);
                (id.into_boxed_str(), vendor)
            })
            .collect();
        Ok(Self {
            version: version.into(),
            vendors,
        })
    }

    /// A vendor by its id.
    #[must_use]
    pub fn vendor(&self, id: &str) -> Option<&Vendor> {
        self.vendors.get(id)
    }

    /// All vendors by id, in order.
    #[must_use]
    pub fn vendors(&self) -> Vec<(&str, &Vendor)> {
        let mut all: Vec<_> = self
            .vendors
            .iter()
            .map(|(id, vendor)| (&**id, vendor))
            .collect();
        all.sort_unstable_by_key(|(id, _)| *id);
        all
    }

    /// A model of a provider.
    #[must_use]
    pub fn model(&self, identity: Identity, name: &str) -> Option<&Model> {
        match identity {
            Identity::Vendor(vendor) => {
                let vendor = self.vendor(vendor)?;
                // Gateways before a vendor put its name before the model's.
                vendor
                    .model(name)
                    .or_else(|| vendor.model(prefixed(name)?.1))
            }
            Identity::Prefixed => {
                let (vendor, model) = prefixed(name)?;
                let vendor = Identity::named(vendor).unwrap_or(vendor);
                self.vendor(vendor)?.model(model)
            }
            Identity::Unknown => None,
        }
    }
}

impl Vendor {
    fn of(id: &str, wire: WireVendor) -> Self {
        let hour_write = hour_write(id);
        let models: Vec<Model> = wire
            .models
            .into_iter()
            .map(|model| Model::of(model, hour_write))
            .collect();
        let mut exact = HashMap::with_capacity(models.len());
        let mut alike = HashMap::with_capacity(models.len());
        for (at, model) in models.iter().enumerate() {
            exact.insert(model.id.clone(), at);
            alike.insert(plain(&model.id).into_boxed_str(), at);
        }
        // Without a date the newest one is meant, unless that name is a model of its own.
        for (at, model) in models.iter().enumerate() {
            let name = plain(&model.id);
            if let Some(undated) = undated(&name) {
                let newest = alike.entry(undated.into()).or_insert(at);
                let is_dated = plain(&models[*newest].id) != undated;
                if is_dated && models[*newest].released < model.released {
                    *newest = at;
                }
            }
        }
        Self {
            name: wire.name.into(),
            models,
            exact,
            alike,
        }
    }

    /// A model by its name, in another spelling, or of another date where that one is not listed.
    #[must_use]
    pub fn model(&self, name: &str) -> Option<&Model> {
        let found = self.exact.get(name).or_else(|| {
            let name = plain(name);
            self.alike
                .get(name.as_str())
                .or_else(|| self.alike.get(undated(&name)?))
        });
        found.map(|at| &self.models[*at])
    }
}

impl Model {
    fn of(wire: WireModel, hour_write: Option<f64>) -> Self {
        let list = |names: Vec<String>| names.into_iter().map(Into::into).collect();
        let text = |text: Option<String>| text.map(Into::into);
        Self {
            rates: wire
                .cost
                .as_ref()
                .and_then(|cost| Rates::of(cost, hour_write)),
            cost: wire.cost.map(Box::new),
            id: wire.id.into(),
            name: wire.name.into(),
            family: text(wire.family),
            released: text(wire.release_date),
            knowledge: text(wire.knowledge),
            status: text(wire.status),
            context: wire.context,
            max_input: wire.max_input,
            max_output: wire.max_output,
            takes: list(wire.takes),
            gives: list(wire.gives),
            abilities: list(wire.caps),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(identity: Identity, name: &str) -> Option<String> {
        Catalogue::built_in()
            .model(identity, name)
            .map(|model| model.id.to_string())
    }

    #[test]
    fn models_are_found_as_people_write_them() {
        let anthropic = Identity::Vendor("anthropic");
        let openai = Identity::Vendor("openai");
        for (identity, name, wanted) in [
            (openai, "gpt-4o-2024-05-13", Some("gpt-4o-2024-05-13")),
            (openai, "gpt-4o-2031-01-01", Some("gpt-4o")),
            (openai, "GPT-4o", Some("gpt-4o")),
            (openai, "openai/gpt-4.1-mini", Some("gpt-4.1-mini")),
            (openai, "claude-sonnet-4-5", None),
            (
                Identity::Prefixed,
                "anthropic/claude-sonnet-4.5",
                Some("claude-sonnet-4-5"),
            ),
            (Identity::Prefixed, "openai/gpt-4o", Some("gpt-4o")),
            (Identity::Prefixed, "gpt-4o", None),
            (Identity::Unknown, "gpt-4o", None),
            (
                anthropic,
                "claude-sonnet-4-5@20250929",
                Some("claude-sonnet-4-5-20250929"),
            ),
        ] {
            assert_eq!(found(identity, name).as_deref(), wanted, "{name}");
        }
    }

    #[test]
    fn an_hour_in_the_cache_costs_twice_the_input_at_the_vendor_that_says_so() {
        let catalogue = Catalogue::built_in();
        let model = catalogue.model(Identity::Vendor("anthropic"), "claude-sonnet-4-5");
        let rates = model
            .and_then(|model| model.rates.as_ref())
            .expect("priced");
        assert_eq!(rates.cache_write_1h, 2 * rates.input);
        assert_eq!(rates.cache_write * 4, 5 * rates.input);
        let unpriced: usize = catalogue
            .vendors()
            .iter()
            .flat_map(|(_, vendor)| &vendor.models)
            .filter(|model| model.rates.is_none())
            .count();
        assert_eq!(unpriced, 19);
    }

    #[test]
    fn another_form_is_refused() {
        let text = r#"{"format":"model-catalog/9","snapshot_date":"2030-01-01","providers":{}}"#;
        assert!(matches!(
            Catalogue::parse(text),
            Err(CatalogueError::Format(_))
        ));
        assert!(Catalogue::parse("[]").is_err());
    }
}
