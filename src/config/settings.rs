//! What configuration says, as plain data. Names are still names here; the snapshot connects them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};
use translator::Dialect;
use translator::profile::Profile;

use super::{Credential, DigestKey, KeyLimits, Place, Secret, TrustedProxies};
use crate::catalogue::{Catalogue, Override};
use crate::conversations::KeptBounds;
use crate::ledger::CaptureMode;
use crate::snapshot::{
    Auth, BreakerSettings, Clamps, DEFAULT_MAX_BODY, Mode, Rotation, Source, Strategy,
};
use crate::store::retention::Retention;
use crate::telemetry::OtlpEndpoint;

/// Everything that files and environment say.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `MODE`
    pub mode: Mode,
    /// `HOST`
    pub host: String,
    /// `PORT`
    pub port: u16,
    /// `TRUSTED_PROXIES`
    pub trusted_proxies: TrustedProxies,
    /// `LOG_LEVEL`; `debug` where `DEBUG` is true and nothing names a level.
    pub log_level: String,
    /// `AUTH`; nothing where nobody said it.
    pub auth: Option<Auth>,
    /// `DATABASE_URL`, or made from `DATABASE_PATH`.
    pub database_url: Secret,
    /// `DB_POOL_SIZE`
    pub db_pool_size: Option<u32>,
    /// `DB_POOL_TIMEOUT`
    pub db_pool_timeout: Option<Duration>,
    /// `REDIS_URL`
    pub redis_url: Option<Secret>,
    /// `PREFERRED_PROVIDER`
    pub preferred_provider: Option<(String, Place)>,
    /// `FALLBACK_STRATEGY`
    pub fallback_strategy: Strategy,
    /// `CIRCUIT_BREAKER`
    pub circuit_breaker: BreakerSettings,
    /// `MAX_TOKENS_LIMIT`, `MIN_TOKENS_LIMIT`
    pub clamps: Clamps,
    /// `MAX_BODY_SIZE` in bytes.
    pub max_body: usize,
    /// `BIG_MODEL`
    pub big_model: Option<String>,
    /// `MIDDLE_MODEL`
    pub middle_model: Option<String>,
    /// `SMALL_MODEL`
    pub small_model: Option<String>,
    /// `ALIASES`
    pub aliases: Vec<(String, String)>,
    /// `API_KEY_POOLS`
    pub key_pools: Vec<PoolSettings>,
    /// `CLIENT_KEYS`
    pub client_keys: Vec<ClientKeySettings>,
    /// What digests of client keys are made under. Without it each process has its own, and only keys of
    /// files are known.
    pub digest_key: Option<DigestKey>,
    /// `PROVIDERS`, those of `provider.json`, and those of the single-key forms.
    pub providers: Vec<ProviderSettings>,
    /// `ROUTES`
    pub routes: Vec<RouteSettings>,
    /// `JWT_SECRET_KEY`
    pub jwt_secret_key: Option<Secret>,
    /// `ENCRYPTION_KEY`
    pub encryption_key: Option<Secret>,
    /// `ADMIN_EMAIL`
    pub admin_email: Option<String>,
    /// `ADMIN_PASSWORD`
    pub admin_password: Option<Secret>,
    /// `ENABLE_TELEMETRY`
    pub enable_telemetry: bool,
    /// `OTLP_ENDPOINT`, `OTLP_HEADERS`
    pub otlp_endpoint: OtlpEndpoint,
    /// `CAPTURE`
    pub capture: CaptureMode,
    /// `RETENTION_DAYS`, `CAPTURE_RETENTION_DAYS`, `CAPTURE_MAX_BYTES`
    pub retention: Retention,
    /// `CONVERSATION_...`
    pub conversations: KeptBounds,
    /// What the operator says of models.
    pub models: Vec<Override>,
    /// A newer catalogue than the one that comes with the program.
    pub catalogue: Option<Arc<Catalogue>>,
    /// The keys that files and environment give a value; nothing else may set these.
    pub given: BTreeSet<&'static str>,
    /// Where they do.
    pub given_at: BTreeMap<&'static str, Place>,
    /// Whether the demonstration is laid over.
    pub demo: bool,
    /// The files that were read, to watch.
    pub files: Vec<PathBuf>,
    /// What is odd but no error.
    pub warnings: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            mode: Mode::default(),
            host: "127.0.0.1".to_owned(),
            port: 8000,
            trusted_proxies: TrustedProxies::default(),
            log_level: "info".to_owned(),
            auth: None,
            database_url: Secret::new("sqlite://data/app.db?mode=rwc"),
            db_pool_size: None,
            db_pool_timeout: None,
            redis_url: None,
            preferred_provider: None,
            fallback_strategy: Strategy::default(),
            circuit_breaker: BreakerSettings::default(),
            clamps: Clamps::default(),
            max_body: DEFAULT_MAX_BODY,
            big_model: None,
            middle_model: None,
            small_model: None,
            aliases: Vec::new(),
            key_pools: Vec::new(),
            client_keys: Vec::new(),
            digest_key: None,
            providers: Vec::new(),
            routes: Vec::new(),
            jwt_secret_key: None,
            encryption_key: None,
            admin_email: None,
            admin_password: None,
            enable_telemetry: false,
            otlp_endpoint: OtlpEndpoint::default(),
            capture: CaptureMode::default(),
            retention: Retention::default(),
            conversations: KeptBounds::default(),
            models: Vec::new(),
            catalogue: None,
            given: BTreeSet::new(),
            given_at: BTreeMap::new(),
            demo: false,
            files: Vec::new(),
            warnings: Vec::new(),
        }
    }
}

impl Settings {
    /// Who may call; only who has a client key, where nobody said it.
    #[must_use]
    pub fn auth(&self) -> Auth {
        self.auth.unwrap_or_default()
    }

    /// Whether `HOST` can only be reached from this machine.
    #[must_use]
    pub fn host_is_loopback(&self) -> bool {
        let host = self.host.trim_matches(['[', ']']);
        host.eq_ignore_ascii_case("localhost")
            || host
                .parse::<IpAddr>()
                .is_ok_and(|address| address.is_loopback())
    }

    /// A provider's settings by name.
    #[must_use]
    pub fn provider(&self, name: &str) -> Option<&ProviderSettings> {
        self.providers.iter().find(|provider| provider.name == name)
    }
}

/// The weights of keys by their masks; those of weight 1 are not named.
pub type KeyWeights = BTreeMap<String, u32>;

/// A named pool of keys.
#[derive(Clone, Debug, Default)]
pub struct PoolSettings {
    /// Unique name.
    pub name: String,
    /// The keys; those whose variables are not set are left out.
    pub keys: Vec<Secret>,
    /// The header that carries a key; the dialect's own by default.
    pub auth_header: Option<String>,
    /// Its value with `{key}` in it.
    pub auth_format: Option<String>,
    /// `strategy`
    pub strategy: Rotation,
    /// The weights of its keys.
    pub weights: KeyWeights,
    /// Most requests in flight per key.
    pub max_concurrency_per_key: Option<usize>,
    /// Where it was written.
    pub place: Place,
}

/// The models of a provider.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModelLists {
    /// For `opus`.
    pub big: Vec<String>,
    /// For `sonnet`.
    pub middle: Vec<String>,
    /// For `haiku`.
    pub small: Vec<String>,
    /// Without a role.
    pub other: Vec<String>,
}

/// A provider.
#[derive(Clone, Debug)]
pub struct ProviderSettings {
    /// Unique name.
    pub name: String,
    /// `api_format`
    pub dialect: Dialect,
    /// `base_url`
    pub base_url: String,
    /// `profile`; `None` leaves it to the address.
    pub profile: Option<&'static Profile>,
    /// `api_version`
    pub api_version: Option<String>,
    /// `api_key` and `keys`.
    pub keys: Vec<Secret>,
    /// Whether a key was configured at all, though its variable may not be set.
    pub wants_key: bool,
    /// `key_pool`
    pub key_pool: Option<String>,
    /// `key_strategy`, for keys of its own.
    pub key_strategy: Rotation,
    /// The weights of its own keys.
    pub key_weights: KeyWeights,
    /// `auth_header`
    pub auth_header: Option<String>,
    /// `auth_format`
    pub auth_format: Option<String>,
    /// `enabled`
    pub enabled: bool,
    /// `priority`, smaller first.
    pub priority: i64,
    /// `timeout`
    pub timeout: Duration,
    /// `max_retries`
    pub max_retries: u32,
    /// `headers`
    pub headers: Vec<(String, Secret)>,
    /// `max_tokens_limit`
    pub max_tokens_limit: Option<u64>,
    /// `omit_params`
    pub omit_params: Vec<String>,
    /// `always_stream`
    pub always_stream: bool,
    /// `allow_private_network`
    pub allow_private_network: bool,
    /// `models`
    pub models: ModelLists,
    /// `mode`
    pub mode: Option<Mode>,
    /// `max_concurrency`
    pub max_concurrency: Option<usize>,
    /// `max_concurrency_per_key`
    pub max_concurrency_per_key: Option<usize>,
    /// `proxy`
    pub proxy: Option<Secret>,
    /// `weight`
    pub weight: u32,
    /// Who owns it.
    pub source: Source,
    /// Where it was written.
    pub place: Place,
}

impl ProviderSettings {
    /// A provider with defaults for all that is not named.
    #[must_use]
    pub fn new(name: &str, dialect: Dialect, base_url: &str, source: Source, place: Place) -> Self {
        Self {
            name: name.to_owned(),
            dialect,
            base_url: base_url.to_owned(),
            profile: None,
            api_version: None,
            keys: Vec::new(),
            wants_key: false,
            key_pool: None,
            key_strategy: Rotation::default(),
            key_weights: KeyWeights::new(),
            auth_header: None,
            auth_format: None,
            enabled: true,
            priority: 100,
            timeout: Duration::from_secs(600),
            max_retries: 1,
            headers: Vec::new(),
            max_tokens_limit: None,
            omit_params: Vec::new(),
            always_stream: false,
            allow_private_network: false,
            models: ModelLists::default(),
            mode: None,
            max_concurrency: None,
            max_concurrency_per_key: None,
            proxy: None,
            weight: 1,
            source,
            place,
        }
    }
}

/// A client key, of a file or the database.
#[derive(Clone, Debug)]
pub struct ClientKeySettings {
    /// Its id in the database; a key of a file goes by its name.
    pub id: Option<String>,
    /// Its name.
    pub name: String,
    /// How it is recognised.
    pub credential: Credential,
    /// Until when digests behind the first work, in milliseconds since 1970; `None` is without end.
    pub previous_until_ms: Option<i64>,
    /// `tags`
    pub tags: Vec<String>,
    /// What it may do and how much of it.
    pub limits: KeyLimits,
    /// Id of the user it belongs to.
    pub owner: Option<String>,
    /// `enabled`
    pub enabled: bool,
    /// `expires_at`, in milliseconds since 1970.
    pub expires_at_ms: Option<i64>,
    /// Where it was written.
    pub place: Place,
}

impl ClientKeySettings {
    /// A key without limits.
    #[must_use]
    pub fn new(name: &str, credential: Credential, place: Place) -> Self {
        Self {
            id: None,
            name: name.to_owned(),
            credential,
            previous_until_ms: None,
            tags: Vec::new(),
            limits: KeyLimits::default(),
            owner: None,
            enabled: true,
            expires_at_ms: None,
            place,
        }
    }
}

/// A route rule.
#[derive(Clone, Debug)]
pub struct RouteSettings {
    /// Unique name.
    pub name: String,
    /// `enabled`
    pub enabled: bool,
    /// `priority`, smaller first.
    pub priority: i64,
    /// `match`
    pub matches: MatchSettings,
    /// `targets`
    pub targets: Vec<TargetSettings>,
    /// `strategy`
    pub strategy: Strategy,
    /// `mode`
    pub mode: Option<Mode>,
    /// `key_pool`
    pub key_pool: Option<String>,
    /// `params`
    pub params: Map<String, Value>,
    /// Who owns it.
    pub source: Source,
    /// Where it was written.
    pub place: Place,
}

/// The conditions of a rule; see the snapshot's `RuleMatch`.
#[derive(Clone, Debug, Default)]
pub struct MatchSettings {
    /// `model`, patterns.
    pub model: Vec<String>,
    /// `model_regex`
    pub model_regex: Vec<String>,
    /// `keyword`
    pub keyword: Vec<String>,
    /// `header`: name and patterns.
    pub header: Vec<(String, Vec<String>)>,
    /// `client_key`
    pub client_key: Vec<String>,
    /// `tag`
    pub tag: Vec<String>,
    /// `has: [tools]`
    pub has_tools: bool,
    /// `has: [images]`
    pub has_images: bool,
    /// `has: [thinking]`
    pub has_thinking: bool,
    /// `min_input_tokens`
    pub min_input_tokens: Option<u64>,
    /// `max_input_tokens`
    pub max_input_tokens: Option<u64>,
    /// `ingress`
    pub ingress: Vec<Dialect>,
    /// Only names of which nothing that somebody has set up says who serves them.
    pub unexplained: bool,
}

/// One target of a rule.
#[derive(Clone, Debug)]
pub struct TargetSettings {
    /// `provider`
    pub provider: String,
    /// `model`; absent keeps the requested name.
    pub model: Option<String>,
    /// `weight`
    pub weight: u32,
    /// Where it was written.
    pub place: Place,
}
