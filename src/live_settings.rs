//! Settings of the process, as distinct from those of requests, when the configuration changes while it runs.

use bridge::config::Settings;
use bridge::telemetry::{LevelChange, OtlpEndpoint, change_log_level};

/// What is in force, and what was said about it.
pub(crate) struct LiveSettings {
    log_level: String,
    /// Where the hub listens.
    bound: (String, u16),
    /// What the configuration said last.
    said: (String, u16),
    /// Where traces go, as the configuration said last.
    traces: Option<OtlpEndpoint>,
}

impl LiveSettings {
    /// The settings that the process has started with.
    pub(crate) fn of(settings: &Settings) -> Self {
        let place = (settings.host.clone(), settings.port);
        Self {
            log_level: settings.log_level.clone(),
            bound: place.clone(),
            said: place,
            traces: traces(settings),
        }
    }

    /// Puts in force what can be, and says once of the rest that it takes a restart.
    pub(crate) fn take(&mut self, settings: &Settings) {
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
        let traces = traces(settings);
        if self.traces != traces {
            self.traces = traces;
            tracing::warn!(
                "ENABLE_TELEMETRY, OTLP_ENDPOINT and OTLP_HEADERS are in force after a restart"
            );
        }
        let place = (settings.host.clone(), settings.port);
        if self.said == place {
            return;
        }
        if place != self.bound {
            let (host, port) = &self.bound;
            tracing::warn!(
                "HOST and PORT have changed to {}:{}, which needs a restart; the hub goes on at {host}:{port}",
                place.0,
                place.1
            );
        }
        self.said = place;
    }
}

fn traces(settings: &Settings) -> Option<OtlpEndpoint> {
    settings
        .enable_telemetry
        .then(|| settings.otlp_endpoint.clone())
}
