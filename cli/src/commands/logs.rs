//! `logs`: requests that came through, one by one.

use clap::{Args, Subcommand};
use serde_json::Value;

use super::log_entry::{Replay, ShowOne};
use crate::client::Call;
use crate::endpoints;
use crate::failure::Ended;
use crate::output::{Layout, Show, column};
use crate::resource::{Change, Paging, Period};
use crate::session::Session;

/// Requests.
pub(crate) const LOGS: Layout = Layout {
    things: "requests",
    key: "id",
    columns: &[
        column("AT", "at").show(Show::Moment),
        column("ID", "id"),
        column("KEY", "client_key"),
        column("INGRESS", "ingress"),
        column("ASKED", "model_asked"),
        column("PROVIDER", "provider"),
        column("SERVED", "model_served"),
        column("OUTCOME", "outcome").show(Show::State),
        column("STATUS", "status"),
        column("TIME", "total_ms").show(Show::Ms),
        column("IN", "tokens.input").show(Show::Number),
        column("OUT", "tokens.output").show(Show::Number),
        column("COST", "cost_nano_usd").show(Show::Nano),
        column("ERROR", "error").wide(),
        column("ROUTE", "route").wide(),
        column("UPSTREAM", "upstream").wide(),
        column("FIRST BYTE", "first_byte_ms").show(Show::Ms).wide(),
        column("ATTEMPTS", "attempts").wide(),
        column("STREAM", "stream").show(Show::Yes).wide(),
        column("FIDELITY", "fidelity").wide(),
    ],
};

/// What can be done with requests.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// List them, the newest first.
    #[command(visible_alias = "ls")]
    List(Box<Lists>),
    /// Show one: what happened, and both sides of it where they were captured.
    #[command(visible_alias = "get")]
    Show(ShowOne),
    /// The newest of them; with --follow, each as it ends.
    Tail(super::tail::Tail),
    /// Take them away, as JSON lines or CSV.
    Export(Box<Export>),
    /// Send a captured request again, as a client.
    Replay(Replay),
    /// Remove some, or what is older than is to be kept.
    Prune {
        /// These requests [default: what is older than `logs settings` says].
        #[arg(value_name = "ID")]
        ids: Vec<String>,
    },
    /// What is kept, and for how long; with --set, change it.
    Settings {
        #[command(flatten)]
        change: Change,
    },
}

/// Which of them.
#[derive(Args, Clone, Debug)]
pub(crate) struct Filter {
    /// Only failures.
    #[arg(long, conflicts_with = "outcome")]
    errors: bool,
    /// ok, error, cancelled or cut.
    #[arg(long)]
    outcome: Option<String>,
    /// A status such as 429, or the first digit of many.
    #[arg(long)]
    status: Option<u16>,
    /// Only this provider.
    #[arg(long, value_name = "NAME")]
    provider: Option<String>,
    /// Only this model.
    #[arg(long)]
    model: Option<String>,
    /// Only this client key.
    #[arg(long, value_name = "NAME")]
    key: Option<String>,
    /// Only this person.
    #[arg(long, value_name = "ADDRESS")]
    user: Option<String>,
    /// Only keys with this tag.
    #[arg(long)]
    tag: Option<String>,
    /// Only this route.
    #[arg(long, value_name = "NAME")]
    route: Option<String>,
    /// Only clients of this dialect.
    #[arg(long, value_name = "DIALECT")]
    ingress: Option<String>,
    /// Only upstreams of this dialect.
    #[arg(long, value_name = "DIALECT")]
    upstream: Option<String>,
    /// Only this kind of call: generate, count or embed.
    #[arg(long, value_name = "KIND")]
    call: Option<String>,
    /// Only errors of this kind.
    #[arg(long, value_name = "CODE")]
    error_code: Option<String>,
    /// Only those that took longer, in milliseconds.
    #[arg(long, value_name = "MS")]
    min_ms: Option<u64>,
    /// Only those with these words in them.
    #[arg(long, short, value_name = "WORDS")]
    search: Option<String>,
    #[command(flatten)]
    period: Period,
}

/// What to list.
#[derive(Args, Debug)]
pub(crate) struct Lists {
    #[command(flatten)]
    filter: Filter,
    #[command(flatten)]
    paging: Paging,
}

/// What to take away.
#[derive(Args, Debug)]
pub(crate) struct Export {
    /// jsonl or csv.
    #[arg(long, default_value = "jsonl", value_parser = ["jsonl", "csv"])]
    format: String,
    /// At most so many.
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
    /// Where to write it [default: standard output].
    #[arg(long, short = 'O', value_name = "FILE")]
    out: Option<String>,
    #[command(flatten)]
    filter: Filter,
}

/// Does it.
pub(crate) async fn run(session: &Session, verb: &Verb) -> Ended {
    match verb {
        Verb::List(lists) => lists.run(session).await,
        Verb::Show(one) => one.run(session).await,
        Verb::Tail(tail) => tail.run(session).await,
        Verb::Export(export) => export.run(session).await,
        Verb::Replay(replay) => replay.run(session).await,
        Verb::Prune { ids } => prune(session, ids).await,
        Verb::Settings { change } => settings(session, change).await,
    }
}

impl Filter {
    async fn on(&self, session: &Session, call: Call) -> Ended<Call> {
        let key = match &self.key {
            Some(key) => Some(super::api_keys::API_KEYS.key(session, key).await?),
            None => None,
        };
        let user = match &self.user {
            Some(user) => Some(super::users::USERS.key(session, user).await?),
            None => None,
        };
        let outcome = self.outcome.as_deref().or(self.errors.then_some("error"));
        let call = call
            .with_some("outcome", outcome)
            .with_some("status", self.status)
            .with_some("provider", self.provider.as_deref())
            .with_some("model", self.model.as_deref())
            .with_some("client_key_id", key)
            .with_some("user_id", user)
            .with_some("tag", self.tag.as_deref())
            .with_some("route", self.route.as_deref())
            .with_some("ingress", self.ingress.as_deref())
            .with_some("upstream", self.upstream.as_deref())
            .with_some("call", self.call.as_deref())
            .with_some("error_code", self.error_code.as_deref())
            .with_some("min_ms", self.min_ms)
            .with_some("search", self.search.as_deref());
        Ok(self.period.on(call))
    }
}

impl Lists {
    async fn run(&self, session: &Session) -> Ended {
        let call = self.filter.on(session, endpoints::LOGS.call(&[])).await?;
        self.paging.show(session, &LOGS, &call).await
    }
}

impl Export {
    async fn run(&self, session: &Session) -> Ended {
        let call = endpoints::LOGS_EXPORT
            .call(&[])
            .with("format", &self.format)
            .with_some("limit", self.limit);
        let call = self.filter.on(session, call).await?;
        let mut response = session.client.open(&call).await?;
        let mut out: Box<dyn std::io::Write> = match &self.out {
            Some(path) => Box::new(crate::output::file(path)?),
            None => Box::new(std::io::stdout()),
        };
        while let Some(chunk) = session.client.chunk(&mut response).await? {
            out.write_all(&chunk)?;
        }
        out.flush()?;
        Ok(())
    }
}

async fn prune(session: &Session, ids: &[String]) -> Ended {
    if ids.is_empty() {
        session.confirm("remove what is older than is to be kept")?;
        if let Some(answer) = session.write(&endpoints::LOGS_SWEEP.call(&[])).await? {
            session.console.json_or_yaml(&answer.body)?;
        }
        return Ok(());
    }
    session.confirm(&format!("remove {} requests from the log", ids.len()))?;
    for id in ids {
        if session
            .write(&endpoints::LOG_DELETE.call(&[id]))
            .await?
            .is_some()
        {
            session.console.note(&format!("request {id} removed"));
        }
    }
    Ok(())
}

async fn settings(session: &Session, change: &Change) -> Ended {
    const SETTINGS: Layout = Layout {
        things: "settings",
        key: "capture",
        columns: &[
            column("CAPTURE", "capture"),
            column("DAYS", "retention_days"),
            column("CAPTURED DAYS", "capture_retention_days"),
            column("CAPTURED MOST", "capture_max_bytes").show(Show::Bytes),
            column("CAPTURED", "captured_bytes").show(Show::Bytes),
        ],
    };
    let now = session
        .read(&endpoints::LOGS_SETTINGS.call(&[]))
        .await?
        .body;
    if change.is_none() {
        return session.console.one(&SETTINGS, &now);
    }
    let now: Value = match &change.file {
        Some(path) => crate::input::document(path)?,
        None => now,
    };
    let mut wanted = change.on(now);
    // It is told and cannot be set.
    if let Some(members) = wanted.as_object_mut() {
        members.remove("captured_bytes");
    }
    let call = endpoints::LOGS_SETTINGS_SET.call(&[]).body(wanted);
    match session.write(&call).await? {
        Some(answer) => session.console.one(&SETTINGS, &answer.body),
        None => Ok(()),
    }
}
