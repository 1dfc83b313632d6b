//! Which server an upstream is, as data: what it lacks or adds, laid over the capability record of the model.
//!
//! `data/profiles.json` holds one record per server. A server is recognised by the name that the configuration gives
//! its profile, else by its address, else by models that it alone serves. The code knows no server by name.

use std::sync::OnceLock;

use serde::Deserialize;
use serde_json::Value;

use crate::Dialect;
use crate::capability::{self, Capability, Record};

/// What is known of a kind of server.
#[derive(Debug)]
pub struct Profile {
    /// Its name in the configuration.
    pub name: String,
    /// Its name for people.
    pub title: String,
    /// Its usual address, what the vendor's SDK calls base URL.
    pub base_url: String,
    /// How it is addressed, where that differs from its dialect.
    pub address: Address,
    hosts: Vec<String>,
    served: Vec<String>,
    layers: [Layer; 4],
    /// Merged records, made when first asked for: per record of [`capability`] and layer of models.
    merged: Vec<OnceLock<Capability>>,
    most: usize,
}

/// How a server is addressed, where that differs from its dialect.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Address {
    /// The header that carries the key.
    pub auth_header: Option<String>,
    /// The model stands in the path, below this, unless the base URL ends in a version.
    pub deployments: Option<String>,
    /// The value of `api-version` that goes with such paths.
    pub api_version: Option<String>,
}

/// What a profile says of one dialect.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Layer {
    set: Record,
    models: Vec<Models>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Models {
    models: Vec<String>,
    set: Record,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireProfile {
    name: String,
    title: String,
    base_url: String,
    #[serde(default)]
    hosts: Vec<String>,
    #[serde(default)]
    served: Vec<String>,
    #[serde(default)]
    address: Address,
    #[serde(default, rename = "openai-chat")]
    chat: Layer,
    #[serde(default, rename = "openai-responses")]
    responses: Layer,
    #[serde(default)]
    anthropic: Layer,
    #[serde(default)]
    gemini: Layer,
}

const DATA: &str = include_str!("../data/profiles.json");

/// All profiles, in the order of the data.
#[must_use]
pub fn all() -> &'static [Profile] {
    static TABLE: OnceLock<Vec<Profile>> = OnceLock::new();
    TABLE.get_or_init(|| {
        let wire: Vec<WireProfile> =
            serde_json::from_str(DATA).expect("the data is part of the crate and read by a test");
        wire.into_iter().map(Profile::new).collect()
    })
}

/// The profile of a name.
#[must_use]
pub fn named(name: &str) -> Option<&'static Profile> {
    all()
        .iter()
        .find(|profile| profile.name.eq_ignore_ascii_case(name))
}

/// The profile of the server at `host` and `port`.
#[must_use]
pub fn at(host: &str, port: u16) -> Option<&'static Profile> {
    let is_here = |pattern: &String| match pattern.strip_prefix(':') {
        Some(digits) => digits.parse() == Ok(port),
        None if pattern.starts_with(['.', '-']) => {
            host.len() > pattern.len() && host.ends_with(pattern.as_str())
        }
        None => host == pattern,
    };
    all()
        .iter()
        .find(|profile| profile.hosts.iter().any(is_here))
}

/// The abilities of a model at a server. `profile` is what the configuration or the address say; without one, the
/// server that alone serves such a model is assumed, if there is one.
#[must_use]
pub fn of(profile: Option<&'static Profile>, dialect: Dialect, model: &str) -> &'static Capability {
    let name = capability::bare(model);
    let serves = |profile: &&Profile| {
        let mut served = profile.served.iter();
        served.any(|prefix| capability::begins_with(name, prefix))
    };
    match profile.or_else(|| all().iter().find(serves)) {
        Some(profile) => profile.capability(dialect, model),
        None => capability::of(dialect, model),
    }
}

impl Profile {
    fn new(wire: WireProfile) -> Self {
        let layers = [wire.chat, wire.responses, wire.anthropic, wire.gemini];
        let most = layers
            .iter()
            .map(|layer| layer.models.len())
            .max()
            .unwrap_or(0);
        Self {
            name: wire.name,
            title: wire.title,
            base_url: wire.base_url,
            address: wire.address,
            hosts: wire.hosts,
            served: wire.served,
            merged: (0..capability::count() * (most + 1))
                .map(|_| OnceLock::new())
                .collect(),
            layers,
            most,
        }
    }

    /// Its usual address, where all its users have the same.
    #[must_use]
    pub fn usual_base_url(&self) -> Option<&str> {
        let fixed = !self.base_url.is_empty() && !self.base_url.contains("RESOURCE");
        fixed.then_some(self.base_url.as_str())
    }

    /// Nothing is said of this dialect: its upstream takes what its models take.
    #[must_use]
    pub fn is_plain(&self, dialect: Dialect) -> bool {
        let layer = &self.layers[dialect as usize];
        layer.set.is_empty() && layer.models.is_empty()
    }

    /// The abilities of a model at this server.
    fn capability(&'static self, dialect: Dialect, model: &str) -> &'static Capability {
        let found = capability::find(dialect, model);
        if self.is_plain(dialect) {
            return found.capability;
        }
        let layer = &self.layers[dialect as usize];
        let name = capability::bare(model);
        // The longest prefix wins.
        let matching = layer.models.iter().enumerate().filter_map(|(at, models)| {
            let begins = |prefix: &&String| capability::begins_with(name, prefix);
            models
                .models
                .iter()
                .filter(begins)
                .map(String::len)
                .max()
                .map(|length| (length, at))
        });
        let at = matching.max().map(|(_, at)| at);
        let slot = found.number * (self.most + 1) + at.map_or(0, |at| at + 1);
        self.merged[slot].get_or_init(|| {
            let mut record = found.record.clone();
            capability::lay(&layer.set, &mut record);
            if let Some(at) = at {
                capability::lay(&layer.models[at].set, &mut record);
            }
            serde_json::from_value(Value::Object(record))
                .expect("every combination is read by a test")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_combination_can_be_read() {
        let models = [
            "",
            "gpt-4o",
            "gpt-5",
            "gpt-6",
            "o3",
            "deepseek-chat",
            "kimi-k2",
            "qwen3-max",
            "glm-4.6",
            "mistral-large",
            "claude-opus-5",
            "gemini-3-pro",
        ];
        for profile in all() {
            for dialect in Dialect::ALL {
                for model in models {
                    profile.capability(dialect, model);
                }
                for models in &profile.layers[dialect as usize].models {
                    for model in &models.models {
                        profile.capability(dialect, model);
                    }
                }
            }
        }
    }

    #[test]
    fn names_and_addresses_are_unambiguous() {
        for (at_, profile) in all().iter().enumerate() {
            assert_eq!(
                named(&profile.name).map(|found| &found.title),
                Some(&profile.title),
                "{}",
                profile.name
            );
            for other in &all()[at_ + 1..] {
                assert!(
                    profile.hosts.iter().all(|host| !other.hosts.contains(host)),
                    "{} {}",
                    profile.name,
                    other.name
                );
            }
        }
    }

    #[test]
    fn servers_are_recognised() {
        let name = |host, port| at(host, port).map(|profile| profile.name.as_str());
        for (host, port, want) in [
            ("api.openai.com", 443, Some("openai")),
            ("dashscope.aliyuncs.com", 443, Some("qwen")),
            ("dashscope-intl.aliyuncs.com", 443, Some("qwen")),
            ("api-inference.modelscope.cn", 443, Some("modelscope")),
            ("aiping.cn", 443, Some("aiping")),
            ("api.deepseek.com", 443, Some("deepseek")),
            ("api.moonshot.cn", 443, Some("moonshot")),
            ("open.bigmodel.cn", 443, Some("zhipu")),
            ("openrouter.ai", 443, Some("openrouter")),
            ("api.groq.com", 443, Some("groq")),
            ("api.mistral.ai", 443, Some("mistral")),
            ("api.x.ai", 443, Some("xai")),
            ("mine.openai.azure.com", 443, Some("azure")),
            (".openai.azure.com", 443, None),
            ("127.0.0.1", 11434, Some("ollama")),
            ("localhost", 1234, Some("lm-studio")),
            ("127.0.0.1", 8000, None),
            ("example.org", 443, None),
        ] {
            assert_eq!(name(host, port), want, "{host}:{port}");
        }
    }

    #[test]
    fn the_server_is_laid_over_the_model() {
        let chat = Dialect::OpenAiChat;
        assert_eq!(
            of(None, chat, "gpt-4o").chat,
            crate::switches::ChatSwitches::default()
        );
        assert!(std::ptr::eq(
            of(named("openai"), chat, "gpt-4o"),
            capability::of(chat, "gpt-4o")
        ));
        let groq = of(named("groq"), chat, "openai/gpt-oss-120b");
        assert_eq!((groq.n_max, groq.logprobs), (1, false));
        assert!(
            std::ptr::eq(groq, of(named("groq"), chat, "gpt-oss-20b")),
            "made once"
        );
        // A model that one server alone serves gives the server away.
        assert!(
            of(None, chat, "deepseek-chat").chat.thinking == crate::switches::ThinkingSwitch::Type
        );
        assert!(
            of(None, chat, "deepseek-ai/DeepSeek-V3").chat.thinking
                == crate::switches::ThinkingSwitch::Effort
        );
    }
}
