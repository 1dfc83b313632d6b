//! `routes`: the rules that decide where requests go.

use clap::{ArgGroup, Args, Subcommand};
use serde_json::{Value, json};

use crate::endpoints;
use crate::failure::{Ended, Failure};
use crate::output::{Layout, Show, column};
use crate::resource::{Change, Does, Draft, Paging, Plain, Resource, Toggle, parse_value};
use crate::session::Session;

use super::explanation::Explain;

/// Routes.
pub(crate) const ROUTES: Resource = Resource {
    noun: "route",
    path: "/api/routes",
    label: None,
    layout: Layout {
        things: "routes",
        key: "name",
        columns: &[
            column("NAME", "name"),
            column("PRIORITY", "priority"),
            column("ENABLED", "enabled").show(Show::Yes),
            column("MATCH", "match"),
            column("TARGETS", "targets").show(Show::Targets),
            column("STRATEGY", "strategy"),
            column("MODE", "mode").wide(),
            column("POOL", "key_pool").wide(),
            column("PARAMS", "params").wide(),
            column("SOURCE", "source"),
            column("CHANGED", "updated_at").show(Show::Moment).wide(),
            column("WARNINGS", "warnings").wide(),
            column("PROBLEM", "problem").wide(),
        ],
    },
    members: &[
        "name",
        "description",
        "enabled",
        "priority",
        "match",
        "targets",
        "strategy",
        "mode",
        "key_pool",
        "params",
    ],
    tells: &[
        "source",
        "place",
        "version",
        "updated_at",
        "problem",
        "warnings",
    ],
    does: &[
        Does::List,
        Does::Show,
        Does::Create,
        Does::Replace,
        Does::Delete,
        Does::Toggle,
    ],
};

const VERSIONS: Layout = Layout {
    things: "versions",
    key: "version",
    columns: &[
        column("VERSION", "version"),
        column("AT", "at").show(Show::Moment),
        column("ACTOR", "actor"),
        column("ACTION", "action"),
        column("MATCH", "route.document.match"),
        column("TARGETS", "route.document.targets").show(Show::Targets),
        column("PRIORITY", "route.priority").wide(),
    ],
};

/// What can be done with routes.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    #[command(flatten)]
    Plain(Plain),
    #[command(flatten)]
    Toggle(Toggle),
    /// Add one.
    Create(Box<Write>),
    /// Change one.
    Update(Box<Write>),
    /// Put one before or behind another, or at a priority.
    Move(Move),
    /// What a request would meet: rules, targets, what would be sent. Nothing is sent; exit code 7 where it would be
    /// refused.
    #[command(visible_alias = "test")]
    Explain(Explain),
    /// What one was.
    History {
        /// Its name.
        name: String,
        #[command(flatten)]
        paging: Paging,
    },
    /// Make one what it was.
    Rollback {
        /// Its name.
        name: String,
        /// The version; see `routes history`.
        #[arg(value_name = "VERSION")]
        to: i64,
    },
}

/// A route to be written.
#[derive(Args, Debug)]
pub(crate) struct Write {
    /// Its name.
    name: String,
    /// Where requests go: `provider`, or `provider/model`; again for further targets.
    #[arg(long = "to", value_name = "PROVIDER[/MODEL]")]
    to: Vec<String>,
    /// Names of models that it holds for; `*` and `?` stand for others.
    #[arg(long, value_name = "PATTERNS", value_delimiter = ',')]
    model: Vec<String>,
    /// Dialects of the caller that it holds for.
    #[arg(long, value_name = "DIALECTS", value_delimiter = ',')]
    ingress: Vec<String>,
    /// Words in the conversation that it holds for.
    #[arg(long, value_name = "WORDS", value_delimiter = ',')]
    keyword: Vec<String>,
    /// What must be there: tools, images, thinking.
    #[arg(long, value_name = "THINGS", value_delimiter = ',')]
    has: Vec<String>,
    /// Tags of client keys that it holds for.
    #[arg(long, value_name = "TAGS", value_delimiter = ',')]
    tag: Vec<String>,
    /// Client keys that it holds for.
    #[arg(long, value_name = "KEYS", value_delimiter = ',')]
    client_key: Vec<String>,
    /// priority, random, weighted, round_robin, least_latency or least_busy.
    #[arg(long)]
    strategy: Option<String>,
    /// Smaller is looked at first.
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    priority: Option<i64>,
    /// transformer (translate) or direct (pass through).
    #[arg(long)]
    mode: Option<String>,
    /// A key pool in the place of the providers' own.
    #[arg(long, value_name = "NAME")]
    key_pool: Option<String>,
    /// A parameter to put over the request's, such as `temperature=0`.
    #[arg(long, value_name = "NAME=VALUE", value_parser = parameter)]
    param: Vec<(String, Value)>,
    /// For people.
    #[arg(long)]
    description: Option<String>,
    #[command(flatten)]
    change: Change,
}

fn parameter(text: &str) -> Result<(String, Value), String> {
    let (name, value) = text.split_once('=').ok_or("write it like name=value")?;
    Ok((name.to_owned(), parse_value(value)))
}

/// Where to put a route.
#[derive(Args, Debug)]
#[command(group = ArgGroup::new("where").required(true))]
pub(crate) struct Move {
    /// Its name.
    name: String,
    /// Before this one.
    #[arg(long, value_name = "NAME", group = "where")]
    before: Option<String>,
    /// Behind this one.
    #[arg(long, value_name = "NAME", group = "where")]
    after: Option<String>,
    /// At this priority.
    #[arg(long, value_name = "N", group = "where", allow_hyphen_values = true)]
    priority: Option<i64>,
}

/// Does it.
pub(crate) async fn run(session: &Session, verb: &Verb) -> Ended {
    match verb {
        Verb::Plain(verb) => ROUTES.plain(session, verb).await,
        Verb::Toggle(verb) => ROUTES.toggle(session, verb).await,
        Verb::Create(write) => {
            let draft = write.on(ROUTES.begin(&write.change, Some(&write.name))?);
            if draft.get("targets").is_null() {
                return Err(Failure::usage("the route leads nowhere")
                    .next("add --to PROVIDER/MODEL, or -f FILE"));
            }
            ROUTES.create(session, draft).await.map(drop)
        }
        Verb::Update(write) => {
            let draft = write.on(ROUTES.take(session, &write.name, &write.change).await?);
            ROUTES.replace(session, &write.name, draft).await.map(drop)
        }
        Verb::Move(place) => place.run(session).await,
        Verb::Explain(explain) => explain.run(session).await,
        Verb::History { name, paging } => {
            let call = endpoints::ROUTE_VERSIONS.call(&[name]);
            paging.show(session, &VERSIONS, &call).await
        }
        Verb::Rollback { name, to: version } => {
            let call = endpoints::ROUTE_ROLLBACK
                .call(&[name])
                .body(json!({"version": version}));
            if session.write(&call).await?.is_some() {
                session.console.note(&format!(
                    "route `{name}` is what it was in version {version}"
                ));
            }
            Ok(())
        }
    }
}

impl Write {
    fn on(&self, draft: Draft) -> Draft {
        let targets: Vec<Value> = self.to.iter().map(|target| spelled(target)).collect();
        let mut draft = draft
            .with(
                "targets",
                Some(targets).filter(|targets| !targets.is_empty()),
            )
            .with("description", self.description.as_deref())
            .with("strategy", self.strategy.as_deref())
            .with("priority", self.priority)
            .with("mode", self.mode.as_deref())
            .with("key_pool", self.key_pool.as_deref())
            .with_list("match.model", &self.model)
            .with_list("match.ingress", &self.ingress)
            .with_list("match.keyword", &self.keyword)
            .with_list("match.has", &self.has)
            .with_list("match.tag", &self.tag)
            .with_list("match.client_key", &self.client_key);
        for (name, value) in &self.param {
            draft = draft.with(&format!("params.{name}"), Some(value.clone()));
        }
        draft.changed(&self.change)
    }
}

/// Only the first slash parts: models have slashes of their own.
fn spelled(target: &str) -> Value {
    match target.split_once('/') {
        Some((provider, model)) => json!({"provider": provider, "model": model}),
        None => json!({"provider": target}),
    }
}

impl Move {
    async fn run(&self, session: &Session) -> Ended {
        let place = match (&self.before, &self.after, self.priority) {
            (Some(before), _, _) => json!({"before": before}),
            (None, Some(after), _) => json!({"after": after}),
            (None, None, priority) => json!({"priority": priority}),
        };
        let call = endpoints::ROUTE_MOVE.call(&[&self.name]).body(place);
        match session.write(&call).await? {
            Some(answer) => ROUTES.written(session, &answer.body, "moved"),
            None => Ok(()),
        }
    }
}
