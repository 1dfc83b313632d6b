//! The admin API, its document and its pages of documentation. One file per resource.
//!
//! Handlers read the database and change it through [`Control`]; the only way from here to a provider is a
//! named service of the gateway. It must never know how a request of the data plane is served.

mod aliases;
mod audit;
mod auth;
mod bundle;
mod bundled_presets;
mod client_key_rows;
mod client_keys;
mod conversation_archives;
mod conversation_history;
mod conversation_messages;
mod conversation_view;
mod conversations;
mod debug_logs;
mod definition;
mod docs;
mod document;
mod first_start;
mod guard;
mod health;
mod key_bounds;
mod key_events;
mod key_limits;
mod key_pools;
mod known;
mod logs;
mod logs_stream;
mod models;
mod owned;
mod page;
mod password;
mod people;
mod period;
mod person;
mod pool_entry;
mod pool_key;
mod pool_keys;
mod preferences;
mod presets;
mod problem;
mod provider_entry;
mod provider_trials;
mod providers;
mod requests;
mod route_entry;
mod route_order;
mod route_trials;
mod route_warning;
mod routes;
mod sessions;
mod setting;
mod settings;
mod setup;
mod stats;
mod switch;
mod system;
mod throttle;
mod token;
mod transfer;
mod translations;
mod trial_subject;
mod upkeep;
mod users;
mod version;
mod visitor;

use std::sync::Arc;
use std::time::Instant;

use poem::endpoint::BoxEndpoint;
use poem::{EndpointExt as _, Response, Route};
use poem_openapi::{OpenApi, OpenApiService};
use tokio::sync::Semaphore;

use crate::control::Control;
use crate::conversation_files::ConversationFiles;

pub use document::document;
pub use first_start::{Welcome, first_start};
use guard::Guard;
pub use password::Passwords;
pub use person::{Identity, Role};
pub use throttle::Throttle;
pub use token::Tokens;

/// What handlers share.
#[derive(Clone, Debug)]
pub struct Admin {
    /// The way to read and change what is defined.
    pub control: Arc<Control>,
    /// Signs and checks session tokens.
    pub tokens: Arc<Tokens>,
    /// Conversations that are kept in files.
    pub files: ConversationFiles,
    /// Places for those who follow what happens, each on a connection of their own.
    pub watchers: Arc<Semaphore>,
    /// The place of whoever copies the database or cleans it up.
    pub upkeep: Arc<Semaphore>,
    /// Since when there is an administration.
    pub started: Instant,
    /// Hashes and compares passwords.
    pub passwords: Passwords,
    /// Slows down whoever guesses them.
    pub throttle: Arc<Throttle>,
}

/// Most who follow at the same time.
const MOST_WATCHERS: usize = 64;

/// Paths of older set-ups.
const OLDER: [&str; 8] = [
    "/switch_model",
    "/config",
    "/models",
    "/debug_logs",
    "/conversation",
    "/conversation/status",
    "/conversation/enable",
    "/conversation/continue",
];

/// Paths below those that are the data plane's.
const GATEWAYS: [&str; 3] = [
    "/api/hello",
    "/api/translate/explain",
    "/api/event_logging/batch",
];

/// The first segments of the paths that are the admin API's.
const OURS: [&str; 4] = ["api", "docs", "openapi.json", "redoc"];

/// Whether a path is the admin API's. The gateway's own below `/api` are not.
#[must_use]
pub fn owns(path: &str) -> bool {
    let first = path
        .trim_start_matches('/')
        .split('/')
        .next()
        .unwrap_or_default();
    OLDER.contains(&path) || OURS.contains(&first) && !GATEWAYS.contains(&path)
}

/// The call of the data plane that people may make too, with a session instead of a client key.
const SHARED: &str = "/api/translate/explain";

/// Whether a call is the admin API's.
#[must_use]
pub fn takes(path: &str, headers: &poem::http::HeaderMap) -> bool {
    let has_session = || {
        let value = headers.get("authorization");
        let value = value.and_then(|value| value.to_str().ok());
        let token = value
            .and_then(|value| value.split_once(' '))
            .map(|(_, token)| token.trim());
        // The form of a session token, which no client key of the hub's making has.
        token.is_some_and(|token| token.starts_with("eyJ") && token.matches('.').count() == 2)
    };
    owns(path) || path == SHARED && has_session()
}

impl Admin {
    /// Over this configuration.
    #[must_use]
    pub fn new(control: Arc<Control>) -> Self {
        let given = control.files().jwt_secret_key.clone();
        let tokens = Tokens::new(control.store().vault(), given.as_ref());
        let files = ConversationFiles::below(control.folder());
        Self {
            control,
            tokens: Arc::new(tokens),
            files,
            watchers: Arc::new(Semaphore::new(MOST_WATCHERS)),
            upkeep: Arc::new(Semaphore::new(1)),
            started: Instant::now(),
            passwords: Passwords::default(),
            throttle: Arc::default(),
        }
    }

    /// All calls of the admin API, behind the guard.
    #[must_use]
    pub fn endpoint(&self) -> BoxEndpoint<'static, Response> {
        let service = service(resources(self));
        let guard = Guard {
            store: self.control.store().clone(),
            tokens: Arc::clone(&self.tokens),
            is_demo: self.control.in_force().settings.demo,
        };
        let routes = Route::new().nest("/", service);
        docs::lay_out(routes, document()).with(guard).boxed()
    }
}

/// The resources, in the order of the document.
fn resources(admin: &Admin) -> impl OpenApi + use<> {
    let people = (
        auth::Auth(admin.clone()),
        users::Users(admin.clone()),
        key_bounds::KeyBounds(admin.clone()),
        client_keys::ClientKeys(admin.clone()),
        preferences::PreferencesApi(admin.clone()),
        audit::Audit(admin.clone()),
        setup::Setup(admin.clone()),
    );
    let routing = (
        aliases::Aliases(admin.clone()),
        // Before providers: its fixed paths stand in the place of names.
        provider_trials::ProviderTrials(admin.clone()),
        providers::Providers(admin.clone()),
        key_pools::KeyPools(admin.clone()),
        pool_keys::PoolKeys(admin.clone()),
        route_trials::RouteTrials(admin.clone()),
        routes::Routes(admin.clone()),
        translations::Translations(admin.clone()),
    );
    let account = (
        stats::Stats(admin.clone()),
        logs::Logs(admin.clone()),
        models::Models(admin.clone()),
        debug_logs::DebugLogs(admin.clone()),
    );
    let configuration = (
        settings::Settings(admin.clone()),
        transfer::Transfer(admin.clone()),
        presets::Presets(admin.clone()),
        switch::ModelSwitch(admin.clone()),
        health::HealthOfAll(admin.clone()),
        system::Systems(admin.clone()),
        upkeep::Upkeep(admin.clone()),
    );
    let talk = (
        // Before conversations: its fixed paths stand in the place of identifiers.
        conversation_archives::ConversationArchives(admin.clone()),
        conversations::Conversations(admin.clone()),
        conversation_history::ConversationHistory(admin.clone()),
        conversation_messages::ConversationMessages(admin.clone()),
    );
    (people, routing, account, configuration, talk)
}

fn service<T: OpenApi>(resources: T) -> OpenApiService<T, ()> {
    OpenApiService::new(resources, "LLM Bridge", env!("CARGO_PKG_VERSION")).description(
        "Administration of the hub: providers, routes, keys, people, requests and statistics.",
    )
}
