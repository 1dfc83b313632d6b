//! The admin API, its document and its pages of documentation. One file per resource.
//!
//! Handlers read the database and change it through [`Control`]; the only way from here to a provider is a
//! named service of the gateway. It must never know how a request of the data plane is served.

mod aliases;
mod auth;
mod definition;
mod guard;
mod health;
mod owned;
mod page;
mod password;
mod people;
mod person;
mod problem;
mod provider_entry;
mod provider_trials;
mod providers;
mod sessions;
mod throttle;
mod token;
mod users;
mod version;
mod visitor;

use std::sync::Arc;

use poem::endpoint::BoxEndpoint;
use poem::{EndpointExt as _, Response, Route};
use poem_openapi::{OpenApi, OpenApiService};

use crate::control::Control;

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
    /// Hashes and compares passwords.
    pub passwords: Passwords,
    /// Slows down whoever guesses them.
    pub throttle: Arc<Throttle>,
}

/// The first segments of the paths that are the admin API's.
const OURS: [&str; 3] = ["api", "docs", "openapi.json"];

/// Whether a path is the admin API's. The gateway's own below `/api` are not.
#[must_use]
pub fn owns(path: &str) -> bool {
    let first = path
        .trim_start_matches('/')
        .split('/')
        .next()
        .unwrap_or_default();
    OURS.contains(&first) && !["/api/hello", "/api/translate/explain"].contains(&path)
}

impl Admin {
    /// Over this configuration.
    #[must_use]
    pub fn new(control: Arc<Control>) -> Self {
        let given = control.files().jwt_secret_key.clone();
        let tokens = Tokens::new(control.store().vault(), given.as_ref());
        Self {
            control,
            tokens: Arc::new(tokens),
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
        };
        Route::new().nest("/", service).with(guard).boxed()
    }
}

/// The resources, in the order of the document.
fn resources(admin: &Admin) -> impl OpenApi + 'static {
    let people = (auth::Auth(admin.clone()), users::Users(admin.clone()));
    let routing = (
        aliases::Aliases(admin.clone()),
        // Before providers: its fixed paths stand in the place of names.
        provider_trials::ProviderTrials(admin.clone()),
        providers::Providers(admin.clone()),
    );
    (people, routing)
}

fn service<T: OpenApi>(resources: T) -> OpenApiService<T, ()> {
    OpenApiService::new(resources, "LLM Bridge", env!("CARGO_PKG_VERSION")).description(
        "Administration of the hub: providers, routes, keys, people, requests and statistics.",
    )
}
