//! Plans over whole snapshots: rules, resolution, order, rights.

mod resolution;
mod rules;

use std::cell::Cell;

use http::HeaderMap;
use translator::Dialect;

use super::{Chooser, Facts, NoRoute, Plan, plan};
use crate::config::{Environment, LoadOptions, load};
use crate::snapshot::{ClientKey, Snapshot};

/// A chooser that a test drives by hand.
#[derive(Debug, Default)]
struct Hand {
    random: Cell<u64>,
    turn: Cell<u64>,
    latency: Vec<(&'static str, f64)>,
    busy: Vec<(&'static str, u64)>,
}

impl Chooser for Hand {
    fn random(&self, below: u64) -> u64 {
        self.random.get().min(below.saturating_sub(1))
    }

    fn next(&self, _: &str) -> u64 {
        self.turn.replace(self.turn.get() + 1)
    }

    fn latency_ms(&self, provider: &str, _: &str) -> Option<f64> {
        self.latency
            .iter()
            .find(|(name, _)| *name == provider)
            .map(|(_, value)| *value)
    }

    fn busy(&self, provider: &str) -> u64 {
        self.busy
            .iter()
            .find(|(name, _)| *name == provider)
            .map_or(0, |(_, value)| *value)
    }
}

/// A snapshot of this file, given as a variable for each key.
fn snapshot(variables: &[(&str, &str)]) -> Snapshot {
    let environment: Environment = variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    let options = LoadOptions {
        config: None,
        directory: std::env::temp_dir().join("bridge-no-such-directory"),
        environment,
        host: None,
        port: None,
        log_level: None,
    };
    let settings = load(&options).unwrap_or_else(|errors| unreachable!("{errors}"));
    Snapshot::build(&settings, 1).unwrap_or_else(|errors| unreachable!("{errors}"))
}

/// What a test asks.
#[derive(Clone, Copy, Debug)]
struct Ask<'a> {
    model: &'a str,
    ingress: Dialect,
    body: &'a str,
    header: Option<(&'static str, &'static str)>,
    key: Option<&'a ClientKey>,
    pin: Option<&'a str>,
}

impl<'a> Ask<'a> {
    fn model(model: &'a str) -> Self {
        Self {
            model,
            ingress: Dialect::OpenAiChat,
            body: "{}",
            header: None,
            key: None,
            pin: None,
        }
    }

    fn plan(self, snapshot: &Snapshot, choose: &dyn Chooser) -> Result<Plan, NoRoute> {
        let mut headers = HeaderMap::new();
        if let Some((name, value)) = self.header {
            headers.insert(name, http::HeaderValue::from_static(value));
        }
        let facts = Facts {
            ingress: self.ingress,
            model: self.model,
            body: self.body.as_bytes(),
            headers: &headers,
            client_key: self.key,
            pin: self.pin,
        };
        plan(snapshot, &facts, choose)
    }

    /// `route: provider/model, provider/model`, or the error's text.
    fn told(self, snapshot: &Snapshot) -> String {
        self.told_by(snapshot, &Hand::default())
    }

    fn told_by(self, snapshot: &Snapshot, choose: &dyn Chooser) -> String {
        match self.plan(snapshot, choose) {
            Ok(plan) => {
                assert!(!plan.targets.is_empty());
                let targets: Vec<_> = plan
                    .targets
                    .iter()
                    .map(|target| format!("{}/{}", target.provider.name, target.model))
                    .collect();
                format!("{}: {}", plan.route, targets.join(", "))
            }
            Err(error) => error.to_string(),
        }
    }
}
