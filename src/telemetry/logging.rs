//! Log lines on standard error.

use std::sync::OnceLock;

use tracing_subscriber::EnvFilter;

/// Puts another filter in force; set when logging has started.
static RELOAD: OnceLock<Reload> = OnceLock::new();

type Reload = Box<dyn Fn(EnvFilter) -> bool + Send + Sync>;

/// What became of a change of the level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LevelChange {
    /// It is in force.
    InForce,
    /// `RUST_LOG` is set, which wins.
    Overruled,
    /// It is no level and no filter, or logging was not started here.
    Refused,
}

/// Starts logging at a level (`info`, or a filter such as `info,bridge=debug`). `RUST_LOG` wins. A second
/// call changes nothing.
pub fn init(level: &str) {
    let filter = EnvFilter::try_from_default_env()
        .ok()
        .or_else(|| filter(level))
        .unwrap_or_else(|| EnvFilter::new(QUIET));
    let json = std::env::var("LOG_FORMAT").is_ok_and(|format| format.eq_ignore_ascii_case("json"));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    let reload: Reload = if json {
        let builder = builder.json().with_filter_reloading();
        let handle = builder.reload_handle();
        if builder.try_init().is_err() {
            return;
        }
        Box::new(move |filter| handle.reload(filter).is_ok())
    } else {
        let builder = builder
            .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
            .with_target(false)
            .with_filter_reloading();
        let handle = builder.reload_handle();
        if builder.try_init().is_err() {
            return;
        }
        Box::new(move |filter| handle.reload(filter).is_ok())
    };
    let _ = RELOAD.set(reload);
}

/// Logs at another level from now on.
#[must_use]
pub fn change_level(level: &str) -> LevelChange {
    if EnvFilter::try_from_default_env().is_ok() {
        return LevelChange::Overruled;
    }
    let changed = filter(level)
        .zip(RELOAD.get())
        .is_some_and(|(filter, reload)| reload(filter));
    if changed {
        LevelChange::InForce
    } else {
        LevelChange::Refused
    }
}

/// What libraries say at `info` is of no use to who runs a hub; a filter that names parts is taken as it is.
const QUIET: &str = "info,fred=warn,sea_orm_migration=warn,sqlx=warn";

fn filter(level: &str) -> Option<EnvFilter> {
    let level = level.to_ascii_lowercase();
    EnvFilter::try_new(if level == "info" { QUIET } else { &level }).ok()
}
