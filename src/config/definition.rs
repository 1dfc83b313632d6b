//! What operators define while the hub runs, laid over what files and environment say.
//!
//! A definition has the form of the same thing in `app.yml` and is read by the same code, so that one grammar
//! and one set of errors hold for both. Files own what they name: a definition of the same name is
//! left out, and told.

use std::net::SocketAddr;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::document::{Values, read_routing};
use super::model_entry::read_model;
use super::node::{Node, Reader};
use super::pool_entry::read_pool;
use super::provider_entry::read_provider;
use super::route_entry::read_route;
use super::{ConfigErrors, Environment, KeyWeights, PRIORITIES, Place, Secret, Settings};
use crate::catalogue::{Catalogue, IMPORTED_CATALOGUE};
use crate::snapshot::Source;

/// Which kind of thing is defined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// A provider.
    Provider,
    /// A pool of provider keys.
    KeyPool,
    /// A route rule.
    Route,
    /// A name for a model.
    Alias,
    /// A named choice of models.
    Preset,
    /// A setting of the hub.
    Setting,
    /// What the operator says of a model: context, capabilities, prices.
    Model,
}

impl Kind {
    /// All kinds, in the order in which they may refer to one another.
    pub const ALL: [Self; 7] = [
        Self::KeyPool,
        Self::Provider,
        Self::Route,
        Self::Alias,
        Self::Preset,
        Self::Setting,
        Self::Model,
    ];

    /// The name in rows and messages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Provider => "provider",
            Self::KeyPool => "key_pool",
            Self::Route => "route",
            Self::Alias => "alias",
            Self::Preset => "preset",
            Self::Setting => "setting",
            Self::Model => "model",
        }
    }

    /// The kind of this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

/// A secret value of a definition.
#[derive(Clone, Debug)]
pub struct DefinedSecret {
    /// `key`, `proxy`, or `header:NAME`.
    pub field: String,
    /// Whether it is in use.
    pub enabled: bool,
    /// Its share under the weighted strategy.
    pub weight: u32,
    /// The value.
    pub value: Secret,
}

/// Something that an operator defined.
#[derive(Clone, Debug)]
pub struct Definition {
    /// Which kind of thing.
    pub kind: Kind,
    /// Unique within its kind.
    pub name: String,
    /// Whether it is in force.
    pub enabled: bool,
    /// Its priority; smaller first.
    pub position: i64,
    /// Its members as `app.yml` has them, without name, priority and secrets.
    pub document: Value,
    /// Its secrets, in order.
    pub secrets: Vec<DefinedSecret>,
}

impl Definition {
    fn place(&self) -> Place {
        Place::defined(self.kind.as_str(), &self.name)
    }

    /// The whole entry, as `app.yml` has it.
    fn entry(&self) -> Value {
        let mut entry = self.document.as_object().cloned().unwrap_or_default();
        entry.insert("name".to_owned(), self.name.as_str().into());
        entry.insert("enabled".to_owned(), self.enabled.into());
        // Of rows from before there were bounds.
        let priority = self.position.clamp(*PRIORITIES.start(), *PRIORITIES.end());
        entry.insert("priority".to_owned(), priority.into());
        Value::Object(entry)
    }

    /// The values in use of a field.
    fn values(&self, field: &str) -> impl Iterator<Item = &Secret> {
        self.secrets
            .iter()
            .filter(move |secret| secret.enabled && secret.field == field)
            .map(|secret| &secret.value)
    }

    /// What the keys weigh, where it is not 1.
    fn weights(&self) -> KeyWeights {
        let keys = self.secrets.iter().filter(|secret| secret.field == "key");
        keys.filter(|key| key.weight != 1)
            .map(|key| (key.value.masked(), key.weight))
            .collect()
    }
}

impl Settings {
    /// Lays definitions over these settings. Each error has the place of its definition; a definition with
    /// errors may be half there, so the result is only of use where there are none.
    #[must_use]
    pub fn with_definitions(mut self, definitions: &[Definition]) -> (Self, ConfigErrors) {
        let environment = Environment::default();
        let mut reader = Reader::new(&environment);
        for kind in Kind::ALL {
            for definition in definitions
                .iter()
                .filter(|definition| definition.kind == kind)
            {
                self.lay(&mut reader, definition);
            }
        }
        let defined = definitions
            .iter()
            .filter(|definition| definition.kind == Kind::Setting)
            .filter_map(|setting| Some((setting.name.as_str(), setting.document.get("value")?)));
        let values = Values::of_settings(defined, &self.given);
        read_routing(&mut reader, &values, &mut self);
        self.warnings.append(&mut reader.warnings);
        (self, reader.errors)
    }

    fn lay(&mut self, reader: &mut Reader<'_>, definition: &Definition) {
        match definition.kind {
            Kind::Provider => self.lay_provider(reader, definition),
            Kind::KeyPool => self.lay_pool(reader, definition),
            Kind::Route => self.lay_route(reader, definition),
            Kind::Alias => self.lay_alias(reader, definition),
            Kind::Model => self.lay_model(reader, definition),
            // A preset acts by the settings that are made from it; settings are read together.
            Kind::Preset | Kind::Setting => {}
        }
    }

    fn lay_provider(&mut self, reader: &mut Reader<'_>, definition: &Definition) {
        if self.provider(&definition.name).is_some() {
            return self.warn_owned(definition);
        }
        let entry = definition.entry();
        let node = Node::new(&entry, &definition.name, definition.place());
        let Some(mut provider) = read_provider(reader, &node, Source::Database) else {
            return;
        };
        provider.keys = definition.values("key").cloned().collect();
        provider.key_weights = definition.weights();
        provider.wants_key = definition
            .secrets
            .iter()
            .any(|secret| secret.field == "key");
        provider.proxy = definition
            .values("proxy")
            .next()
            .cloned()
            .or(provider.proxy);
        for secret in definition.secrets.iter().filter(|secret| secret.enabled) {
            if let Some(name) = secret.field.strip_prefix("header:") {
                provider
                    .headers
                    .push((name.to_owned(), secret.value.clone()));
            }
        }
        self.providers.push(provider);
    }

    fn lay_pool(&mut self, reader: &mut Reader<'_>, definition: &Definition) {
        if self
            .key_pools
            .iter()
            .any(|pool| pool.name == definition.name)
        {
            return self.warn_owned(definition);
        }
        // A pool has neither priority nor switch.
        let entry = definition.document.clone();
        let node = Node::new(&entry, &definition.name, definition.place());
        if let Some(mut pool) = read_pool(reader, &node) {
            pool.keys = definition.values("key").cloned().collect();
            pool.weights = definition.weights();
            self.key_pools.push(pool);
        }
    }

    fn lay_route(&mut self, reader: &mut Reader<'_>, definition: &Definition) {
        if self
            .routes
            .iter()
            .any(|route| route.name == definition.name)
        {
            return self.warn_owned(definition);
        }
        let entry = definition.entry();
        let node = Node::new(&entry, &definition.name, definition.place());
        self.routes
            .extend(read_route(reader, &node, Source::Database));
    }

    fn lay_model(&mut self, reader: &mut Reader<'_>, definition: &Definition) {
        if !definition.enabled {
            return;
        }
        if definition.name == IMPORTED_CATALOGUE {
            match Catalogue::of(&definition.document) {
                Ok(catalogue) => self.catalogue = Some(Arc::new(catalogue)),
                Err(error) => reader.error(
                    &definition.place(),
                    error.to_string(),
                    "import a file of this form, or remove it",
                ),
            }
            return;
        }
        let node = Node::new(&definition.document, &definition.name, definition.place());
        self.models
            .extend(read_model(reader, &node, &definition.name));
    }

    fn lay_alias(&mut self, reader: &mut Reader<'_>, definition: &Definition) {
        if self
            .aliases
            .iter()
            .any(|(name, _)| *name == definition.name)
        {
            return self.warn_owned(definition);
        }
        let empty = Map::new();
        let members = definition.document.as_object().unwrap_or(&empty);
        match members.get("model").and_then(Value::as_str) {
            Some(model) if definition.enabled => {
                self.aliases
                    .push((definition.name.clone(), model.to_owned()));
            }
            Some(_) => {}
            None => reader.error(
                &definition.place().key("model"),
                "an alias needs a model",
                "name it as provider/model, or as a model that a provider lists",
            ),
        }
    }

    fn warn_owned(&mut self, definition: &Definition) {
        self.warnings.push(format!(
            "{}: left out, since a file defines one of this name",
            definition.place()
        ));
    }

    /// These settings with definitions and, last of all, the demonstration laid over.
    #[must_use]
    pub fn complete(
        self,
        definitions: &[Definition],
        demo: Option<SocketAddr>,
    ) -> (Self, ConfigErrors) {
        let (settings, errors) = self.with_definitions(definitions);
        match demo {
            Some(address) => (settings.with_demo(address), errors),
            None => (settings, errors),
        }
    }
}
