//! The presets that come with the program: a line of models per role, of which the catalogue says which one is
//! current.

use std::sync::LazyLock;

use serde::Deserialize;

use crate::catalogue::{Catalogue, Identity, Model};
use crate::snapshot::{Provider, Snapshot};

/// A preset as the data has it: `vendor/family` for each role.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Bundled {
    pub name: String,
    pub description: String,
    pub big: String,
    pub middle: String,
    pub small: String,
}

static ALL: LazyLock<Vec<Bundled>> = LazyLock::new(|| {
    serde_json::from_str(include_str!("presets.json"))
        .expect("a test reads the data that is part of the program")
});

/// All of them.
pub(super) fn all() -> &'static [Bundled] {
    &ALL
}

/// The provider and the model that a line stands for here and now: `provider/model`.
pub(super) fn resolved(snapshot: &Snapshot, catalogue: &Catalogue, line: &str) -> String {
    let (vendor, family) = line.split_once('/').unwrap_or((line, ""));
    let provider = snapshot
        .providers
        .iter()
        .find(|provider| is_of(provider, vendor));
    let mut models: Vec<&Model> = catalogue
        .vendor(vendor)
        .map(|vendor| {
            vendor
                .models
                .iter()
                .filter(|model| serves(model, family))
                .collect()
        })
        .unwrap_or_default();
    // The newest first; of one day the plainest name.
    models.sort_by(|a, b| {
        b.released
            .cmp(&a.released)
            .then(a.id.len().cmp(&b.id.len()))
            .then(a.id.cmp(&b.id))
    });
    let listed =
        |model: &&&Model| provider.is_some_and(|provider| provider.lists(&model.id).is_some());
    let model = models.iter().find(listed).or_else(|| models.first());
    let name = match (provider, vendor) {
        (Some(provider), _) => &*provider.name,
        // As the provider would be called.
        (None, "google") => "gemini",
        (None, vendor) => vendor,
    };
    format!("{name}/{}", model.map_or(family, |model| &model.id))
}

fn is_of(provider: &Provider, vendor: &str) -> bool {
    let profile = provider.profile.map(|profile| profile.name.as_str());
    Identity::of(&provider.base.host, profile, &provider.name)
        == Identity::named(vendor).map_or(Identity::Unknown, Identity::Vendor)
        && Identity::named(vendor).is_some()
}

/// A model that an agent can work with.
fn serves(model: &Model, family: &str) -> bool {
    let has = |list: &[Box<str>], word: &str| list.iter().any(|one| **one == *word);
    model.family.as_deref() == Some(family)
        && model.status.as_deref() != Some("deprecated")
        && has(&model.abilities, "tool_call")
        && has(&model.gives, "text")
        && !model.id.ends_with("-latest")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Settings;

    #[test]
    fn every_line_stands_for_a_model() {
        let snapshot = Snapshot::build(&Settings::default(), 1).expect("defaults");
        let catalogue = Catalogue::built_in();
        let names: Vec<_> = all().iter().map(|preset| preset.name.as_str()).collect();
        assert_eq!(
            names,
            [
                "openai_premium",
                "gemini_balanced",
                "anthropic_pure",
                "cross_premium",
                "cross_balanced",
                "openai_reasoning",
                "cross_speed"
            ]
        );
        for preset in all() {
            for line in [&preset.big, &preset.middle, &preset.small] {
                let found = resolved(&snapshot, catalogue, line);
                let (_, model) = found.split_once('/').expect("two parts");
                let vendor = line.split_once('/').expect("two parts").0;
                let known = Identity::named(vendor).expect("a vendor");
                assert!(
                    catalogue.model(Identity::Vendor(known), model).is_some(),
                    "{line}: {found}"
                );
            }
        }
    }
}
