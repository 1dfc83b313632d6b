//! The immutable view of everything the data plane needs, behind an atomic pointer.
//!
//! A snapshot is built once from settings and then only read: looking something up never locks, never
//! waits and never fails. It must never know where its contents came from beyond a label, and it holds
//! no state that changes with traffic (that is the pools' business).

mod base_url;
mod build;
mod build_clients;
mod build_rules;
mod client;
mod credentials;
mod index;
mod key_pool;
mod matchers;
mod model_list;
mod provider;
mod proxy;
mod roles;
mod rule;
mod rule_list;
mod store;

use std::sync::Arc;
use std::time::Duration;

use crate::catalogue::PriceBook;
use crate::ledger::CaptureMode;

pub use base_url::BadUrl;
pub use base_url::{BaseUrl, Endpoint};
pub use client::{Allowance, ClientKey, ClientKeys};
pub use credentials::KeysOf;
pub use key_pool::{KeyPool, PoolKey, Rotation};
pub use matchers::RuleMatchers;
pub use model_list::ModelEntry;
pub use provider::Provider;
pub use proxy::{ProxyAddress, ProxyScheme};
pub use roles::{Role, Roles};
pub use rule::{HeaderMatch, Rule, RuleMatch, RuleTarget};
pub use rule_list::RuleList;
pub use store::SnapshotStore;

/// Whether the hub translates between dialects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Translate where client and provider speak different dialects, pass through where they do not.
    #[default]
    Transformer,
    /// Pass bytes through unchanged but for credentials and model name; never translate.
    Direct,
}

impl Mode {
    /// The name as configuration spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Transformer => "transformer",
            Self::Direct => "direct",
        }
    }
}

/// Whether callers must show a client key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Auth {
    /// Every call needs a client key.
    #[default]
    Required,
    /// No key needed; only ever on a loopback address.
    Open,
}

/// In which order the targets of a rule, or the providers of a model, are tried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Strategy {
    /// As written, or by provider priority.
    #[default]
    Priority,
    /// A random one first.
    Random,
    /// A random one first, by weight.
    Weighted,
    /// Each in turn.
    RoundRobin,
    /// The one with the lowest recent latency first; unmeasured ones are tried early.
    LeastLatency,
    /// The one with the fewest requests in flight first.
    LeastBusy,
}

impl Strategy {
    /// The name as configuration spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Priority => "priority",
            Self::Random => "random",
            Self::Weighted => "weighted",
            Self::RoundRobin => "round_robin",
            Self::LeastLatency => "least_latency",
            Self::LeastBusy => "least_busy",
        }
    }
}

/// Where an object was defined, which decides who may edit it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Source {
    /// The configuration file: read-only in interface and API.
    #[default]
    File,
    /// An environment variable.
    Environment,
    /// The older bridge's `provider.json`.
    Legacy,
    /// The database: made by interface, API or command line.
    Database,
    /// The built-in demonstration.
    Demo,
}

impl Source {
    /// A short label for listings.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Environment => "env",
            Self::Legacy => "provider.json",
            Self::Database => "db",
            Self::Demo => "demo",
        }
    }
}

/// Bounds put on the `max_tokens` of every request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Clamps {
    /// Upper bound in tokens.
    pub max_tokens: Option<u64>,
    /// Lower bound in tokens.
    pub min_tokens: Option<u64>,
}

/// When a breaker opens and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BreakerSettings {
    /// Consecutive failures that open it; 0 switches breakers off.
    pub failure_threshold: u32,
    /// How long it stays open before one probe is let through.
    pub recovery_timeout: Duration,
}

impl Default for BreakerSettings {
    fn default() -> Self {
        Self {
            failure_threshold: 5,
            recovery_timeout: Duration::from_secs(60),
        }
    }
}

/// The largest request body accepted unless configured otherwise: 64 MiB.
pub const DEFAULT_MAX_BODY: usize = 64 * 1024 * 1024;

/// Everything the data plane needs, at one version of the configuration.
#[derive(Debug)]
pub struct Snapshot {
    /// Grows with every accepted change.
    pub version: u64,
    /// The hub's mode, unless a provider or a rule says otherwise.
    pub mode: Mode,
    /// Whether callers must show a client key.
    pub auth: Auth,
    /// The client keys in force.
    pub client_keys: ClientKeys,
    /// Enabled providers, by priority, then name.
    pub providers: Vec<Arc<Provider>>,
    /// Rules, by priority, then as written.
    pub rules: RuleList,
    /// What the role names stand for, and aliases.
    pub roles: Roles,
    /// The provider for names that nothing else explains.
    pub preferred: Option<Arc<Provider>>,
    /// Hub-wide clamps.
    pub clamps: Clamps,
    /// How fallbacks are ordered where no rule decides.
    pub strategy: Strategy,
    /// Breaker settings for every provider and model.
    pub breaker: BreakerSettings,
    /// Largest accepted request body in bytes, after decompression.
    pub max_body: usize,
    /// What models cost.
    pub prices: PriceBook,
    /// Which requests leave their bodies.
    pub capture: CaptureMode,
    /// Expressions and keywords of all rules, each looked for once.
    pub(crate) matchers: RuleMatchers,
    /// Providers by name and by model.
    index: index::Index,
}

impl Snapshot {
    /// An enabled provider by its exact name.
    #[must_use]
    pub fn provider(&self, name: &str) -> Option<&Arc<Provider>> {
        self.index.provider(name).map(|at| &self.providers[at])
    }

    /// The enabled providers that list a model, by priority.
    pub fn listing(&self, model: &str) -> impl Iterator<Item = &Arc<Provider>> {
        self.index
            .listing(model)
            .iter()
            .map(|&at| &self.providers[at])
    }

    /// Every key pool in use, some perhaps twice.
    pub fn pools(&self) -> impl Iterator<Item = &Arc<KeyPool>> {
        let of_rules = self.rules.iter().flat_map(|rule| {
            rule.targets
                .iter()
                .filter_map(|target| target.pool.as_ref())
        });
        self.providers
            .iter()
            .map(|provider| &provider.pool)
            .chain(of_rules)
    }
}
