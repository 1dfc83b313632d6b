//! Settings of the process, as distinct from those of requests, when the configuration changes while it runs.

use bridge::config::{Secret, Settings};
use bridge::telemetry::{LevelChange, OtlpEndpoint, change_log_level};

/// What is in force, and what was said about it.
pub(crate) struct LiveSettings {
    log_level: String,
    /// What the process has started with.
    started: Settings,
    /// What was said last to wait for a restart.
    waiting: Vec<String>,
}

impl LiveSettings {
    /// The settings that the process has started with.
    pub(crate) fn of(settings: &Settings) -> Self {
        Self {
            log_level: settings.log_level.clone(),
            started: settings.clone(),
            waiting: Vec::new(),
        }
    }

    /// Puts in force what can be, and says once of the rest that it takes a restart. Gives what waits for one.
    pub(crate) fn take(&mut self, settings: &Settings) -> Vec<String> {
        if self.log_level != settings.log_level {
            self.log_level.clone_from(&settings.log_level);
            let level = &self.log_level;
            match change_log_level(level) {
                LevelChange::InForce => tracing::info!("LOG_LEVEL is {level} from now on"),
                LevelChange::Overruled => {
                    tracing::warn!("LOG_LEVEL {level} is not in force, since RUST_LOG is set");
                }
                LevelChange::Refused => {
                    tracing::warn!("LOG_LEVEL {level} is no level; the old one stays");
                }
            }
        }
        let waiting = waiting(&self.started, settings);
        for words in &waiting {
            if !self.waiting.contains(words) {
                tracing::warn!("{words}");
            }
        }
        self.waiting.clone_from(&waiting);
        waiting
    }
}

/// What counts only at the start, and is not what the process has started with. Values that may be secret are not said.
fn waiting(started: &Settings, now: &Settings) -> Vec<String> {
    let mut waiting = Vec::new();
    let place = |settings: &Settings| (settings.host.clone(), settings.port);
    if place(started) != place(now) {
        waiting.push(format!(
            "HOST and PORT have changed to {}:{}, which needs a restart; the hub goes on at {}:{}",
            now.host, now.port, started.host, started.port
        ));
    }
    let secret = |secret: &Secret| secret.expose().to_owned();
    let changed = [
        (
            "TRUSTED_PROXIES",
            started.trusted_proxies != now.trusted_proxies,
        ),
        (
            "DATABASE_URL",
            started.database_url.expose() != now.database_url.expose(),
        ),
        (
            "DB_POOL_SIZE and DB_POOL_TIMEOUT",
            (started.db_pool_size, started.db_pool_timeout)
                != (now.db_pool_size, now.db_pool_timeout),
        ),
        (
            "REDIS_URL",
            started.redis_url.as_ref().map(secret) != now.redis_url.as_ref().map(secret),
        ),
        (
            "JWT_SECRET_KEY",
            started.jwt_secret_key.as_ref().map(secret) != now.jwt_secret_key.as_ref().map(secret),
        ),
        (
            "ENCRYPTION_KEY",
            started.encryption_key.as_ref().map(secret) != now.encryption_key.as_ref().map(secret),
        ),
        (
            "ENABLE_TELEMETRY, OTLP_ENDPOINT and OTLP_HEADERS",
            traces(started) != traces(now),
        ),
    ];
    for (keys, _) in changed.into_iter().filter(|(_, changed)| *changed) {
        waiting.push(format!(
            "{keys}: changed, which needs a restart; the hub goes on with what it started with"
        ));
    }
    waiting
}

fn traces(settings: &Settings) -> Option<OtlpEndpoint> {
    settings
        .enable_telemetry
        .then(|| settings.otlp_endpoint.clone())
}
