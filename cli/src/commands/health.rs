//! `health`: how providers are. Nobody's tokens are spent unless a check is asked for.

use clap::Subcommand;
use serde_json::{Value, json};

use super::providers::{TEST, checked};
use crate::endpoints;
use crate::entry::items;
use crate::failure::{Ended, Failure};
use crate::output::{Layout, Show, column};
use crate::resource::{Paging, Watch};
use crate::session::Session;

const HEALTH: Layout = Layout {
    things: "providers",
    key: "name",
    columns: &[
        column("PROVIDER", "name"),
        column("STATE", "state").show(Show::State),
        column("ENABLED", "enabled").show(Show::Yes),
        column("KEYS READY", "keys_ready").show(Show::Number),
        column("KEYS", "keys").show(Show::Number),
        column("IN FLIGHT", "in_flight").show(Show::Number),
        column("LAST CHECK", "last_check.at").show(Show::Moment),
        column("REASONS", "reasons"),
        column("LATENCY", "latency_ms").wide(),
        column("CHECKED WITH", "last_check.model").wide(),
        column("ERROR", "last_check.error").wide(),
    ],
};

const BREAKERS: Layout = Layout {
    things: "breakers",
    key: "provider",
    columns: &[
        column("PROVIDER", "provider"),
        column("MODEL", "model"),
        column("PHASE", "phase").show(Show::State),
        column("FAILURES", "failures").show(Show::Number),
        column("RETRY IN S", "retry_seconds").show(Show::Number),
    ],
};

const CHECKS: Layout = Layout {
    things: "checks",
    key: "id",
    columns: &[
        column("AT", "at").show(Show::Moment),
        column("OK", "ok").show(Show::State),
        column("STATUS", "status"),
        column("LATENCY", "latency_ms").show(Show::Ms),
        column("MODEL", "model"),
        column("ERROR", "error"),
    ],
};

/// What can be asked.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// How providers are, without asking them; exit code 7 where one is unhealthy.
    #[command(visible_alias = "list")]
    Show {
        /// Only this one.
        provider: Option<String>,
        #[command(flatten)]
        watch: Watch,
    },
    /// Ask them, with a small request each; exit code 7 where one fails.
    Check {
        /// Only this one.
        provider: Option<String>,
        /// With this model.
        #[arg(long, requires = "provider")]
        model: Option<String>,
    },
    /// The breakers.
    Breakers,
    /// What checks of one came to.
    History {
        /// Its name.
        provider: String,
        #[command(flatten)]
        paging: Paging,
    },
    /// Close breakers and end the rest of keys.
    Reset {
        /// The provider.
        provider: String,
        /// Only this model's breaker.
        #[arg(long)]
        model: Option<String>,
    },
}

/// Does it.
pub(crate) async fn run(session: &Session, verb: &Verb) -> Ended {
    match verb {
        Verb::Show { provider, watch } => {
            let is_watching = watch.every().is_some();
            session
                .watch(watch.every(), async || {
                    let rows = rows(session, provider.as_deref()).await?;
                    session.console.list(&HEALTH, &rows)?;
                    // Who watches wants to see it get better.
                    if is_watching { Ok(()) } else { judged(&rows) }
                })
                .await
        }
        Verb::Check { provider, model } => {
            check(session, provider.as_deref(), model.as_deref()).await
        }
        Verb::Breakers => {
            let breakers = session
                .read(&endpoints::HEALTH_BREAKERS.call(&[]))
                .await?
                .body;
            session.console.list(&BREAKERS, items(&breakers))
        }
        Verb::History { provider, paging } => {
            paging
                .show(
                    session,
                    &CHECKS,
                    &endpoints::HEALTH_HISTORY.call(&[provider]),
                )
                .await
        }
        Verb::Reset { provider, model } => {
            let call = endpoints::HEALTH_RESET
                .call(&[provider])
                .with_some("model", model.as_deref());
            if let Some(answer) = session.write(&call).await? {
                let count = |member: &str| answer.body[member].as_u64().unwrap_or_default();
                let (breakers, keys) = (count("breakers"), count("keys"));
                session.console.note(&format!(
                    "breakers closed: {breakers}; keys back in use: {keys}"
                ));
            }
            Ok(())
        }
    }
}

async fn rows(session: &Session, provider: Option<&str>) -> Ended<Vec<Value>> {
    match provider {
        Some(provider) => Ok(vec![
            session
                .read(&endpoints::HEALTH_OF.call(&[provider]))
                .await?
                .body,
        ]),
        None => {
            let health = session.read(&endpoints::HEALTH.call(&[])).await?.body;
            Ok(items(&health["providers"]).to_vec())
        }
    }
}

/// A provider that is switched off is not asked anything, so its state is nobody's trouble.
fn judged(rows: &[Value]) -> Ended {
    let is_ill = |row: &&Value| {
        row["enabled"] != json!(false)
            && matches!(
                row["state"].as_str(),
                Some("unhealthy" | "partially_healthy")
            )
    };
    let ill: Vec<&str> = rows
        .iter()
        .filter(is_ill)
        .filter_map(|row| row["name"].as_str())
        .collect();
    match ill.as_slice() {
        [] => Ok(()),
        ill => Err(Failure::check(format!("not healthy: {}", ill.join(", ")))),
    }
}

async fn check(session: &Session, provider: Option<&str>, model: Option<&str>) -> Ended {
    let call = match provider {
        Some(provider) => endpoints::HEALTH_CHECK_OF
            .call(&[provider])
            .with_some("model", model),
        None => endpoints::HEALTH_CHECK.call(&[]),
    };
    let Some(mut answer) = session.write(&call).await? else {
        return Ok(());
    };
    if let Some(provider) = provider {
        answer.body["provider"] = json!(provider);
        answer.body = json!([answer.body]);
    }
    session.console.list(&TEST, items(&answer.body))?;
    checked(items(&answer.body))
}
