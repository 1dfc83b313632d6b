//! The demonstration laid over the settings: four providers at one address, one per dialect.

use std::net::SocketAddr;

use translator::Dialect;

use super::priority::LAST;
use super::{MatchSettings, Place, ProviderSettings, RouteSettings, Settings, TargetSettings};
use crate::snapshot::{Auth, Source};

/// Provider name, its dialect, its path, and the ingress it serves: never its own, so that every plain
/// request shows a translation.
const DEMO: [(&str, Dialect, &str, Dialect); 4] = [
    (
        "demo-openai",
        Dialect::OpenAiChat,
        "/v1",
        Dialect::Anthropic,
    ),
    (
        "demo-responses",
        Dialect::OpenAiResponses,
        "/v1",
        Dialect::Gemini,
    ),
    (
        "demo-anthropic",
        Dialect::Anthropic,
        "",
        Dialect::OpenAiChat,
    ),
    (
        "demo-gemini",
        Dialect::Gemini,
        "/v1beta",
        Dialect::OpenAiResponses,
    ),
];

/// The model that a demonstration provider lists. Google's SDK joins inputs of embeddings when a model's name
/// holds its own brand, so none does.
const fn model_of(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::OpenAiChat => "demo-model-chat",
        Dialect::OpenAiResponses => "demo-model-responses",
        Dialect::Anthropic => "demo-model-messages",
        Dialect::Gemini => "demo-model-generate",
    }
}

impl Settings {
    /// Adds the demonstration's providers, and rules below all others that send every plain model name
    /// to one of them. `provider/model` still reaches the provider it names.
    ///
    /// Without client keys the hub is opened, if only this machine can reach it and nobody said `AUTH: required`.
    #[must_use]
    pub fn with_demo(mut self, address: SocketAddr) -> Self {
        self.demo = true;
        if self.client_keys.is_empty() && self.auth.is_none() {
            if self.host_is_loopback() {
                self.auth = Some(Auth::Open);
            } else {
                self.warnings.push(format!(
                    "the demonstration stays closed: HOST {} can be reached from other machines; set CLIENT_KEYS, or HOST 127.0.0.1",
                    self.host
                ));
            }
        }
        for (name, dialect, path, ingress) in DEMO {
            self.providers.retain(|provider| provider.name != name);
            let url = format!("http://{address}{path}");
            let mut provider =
                ProviderSettings::new(name, dialect, &url, Source::Demo, Place::default());
            provider.allow_private_network = true;
            // A name of its own: providers that list the same model stand in for one another.
            provider.models.other = vec![model_of(dialect).to_owned()];
            provider.priority = LAST;
            self.providers.push(provider);
            self.routes.push(demo_route(name, ingress));
        }
        self
    }
}

fn demo_route(provider: &str, ingress: Dialect) -> RouteSettings {
    RouteSettings {
        name: format!("demo-{}", ingress.as_str()),
        enabled: true,
        priority: LAST,
        matches: MatchSettings {
            ingress: vec![ingress],
            unexplained: true,
            ..MatchSettings::default()
        },
        targets: vec![TargetSettings {
            provider: provider.to_owned(),
            model: None,
            weight: 1,
            place: Place::default(),
        }],
        strategy: crate::snapshot::Strategy::Priority,
        mode: Some(crate::snapshot::Mode::Transformer),
        key_pool: None,
        params: serde_json::Map::new(),
        source: Source::Demo,
        place: Place::default(),
    }
}
