//! `models`: what clients can ask for. A name that stands for a model of a provider is an alias; `models create` makes
//! one in the words of older tools.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::aliases::ALIASES;
use super::catalogue;
use super::prices;
use super::providers::PROVIDERS;
use crate::client::Call;
use crate::endpoints;
use crate::entry::items;
use crate::failure::{Ended, Failure, Kind};
use crate::output::{Layout, Show, column};
use crate::resource::{Change, Names, all_pages};
use crate::session::Session;

/// Models as clients ask for them.
const MODELS: Layout = Layout {
    things: "models",
    key: "name",
    columns: &[
        column("NAME", "name"),
        column("KIND", "kind"),
        column("PROVIDER", "provider"),
        column("TARGET MODEL", "model"),
        column("ENABLED", "enabled").show(Show::Yes),
    ],
};

/// What a provider was found to offer.
const ADOPTED: Layout = Layout {
    things: "new models",
    key: "model",
    columns: &[
        column("PROVIDER", "provider"),
        column("MODEL", "model"),
        column("LIST", "list"),
    ],
};

/// What can be done with models.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// List what clients can ask for: models of providers, and aliases.
    #[command(visible_alias = "ls")]
    List(Lists),
    /// Show one: what it stands for, and what it costs where.
    Show {
        /// Its name.
        name: String,
    },
    /// Give a model of a provider a name.
    Create(Create),
    /// Change what a name stands for.
    Update(Update),
    /// Remove names.
    #[command(visible_alias = "rm")]
    Delete(Names),
    /// Switch names on.
    Enable(Names),
    /// Switch names off; they stay.
    Disable(Names),
    /// Ask a provider what it offers, and list what is new in its configuration.
    Refresh(Refresh),
    /// The catalogue: context windows, abilities, list prices.
    #[command(subcommand, visible_alias = "catalogue")]
    Catalog(catalogue::Verb),
    /// Prices of one's own, over those of the catalogue.
    #[command(subcommand)]
    Prices(prices::Verb),
    /// What requests asked for lately, and where they went.
    Mappings {
        /// How many.
        #[arg(long, default_value_t = 50)]
        limit: u32,
    },
}

/// What to list.
#[derive(Args, Debug)]
pub(crate) struct Lists {
    /// Only of this provider.
    #[arg(long, value_name = "NAME")]
    provider: Option<String>,
    /// Only those with these words in them.
    #[arg(long, short, value_name = "WORDS")]
    search: Option<String>,
}

/// A name for a model.
#[derive(Args, Debug)]
pub(crate) struct Create {
    /// What clients ask for.
    #[arg(long, value_name = "NAME")]
    route_key: String,
    /// The model they get.
    #[arg(long, value_name = "MODEL")]
    target_model: String,
    /// The provider they get it from.
    #[arg(long, value_name = "NAME")]
    provider: String,
}

/// Another meaning of a name.
#[derive(Args, Debug)]
pub(crate) struct Update {
    /// What clients ask for.
    name: String,
    /// The model they get from now on.
    #[arg(long, value_name = "MODEL")]
    target_model: Option<String>,
    /// The provider they get it from.
    #[arg(long, value_name = "NAME")]
    provider: Option<String>,
}

/// What to ask a provider for.
#[derive(Args, Debug)]
pub(crate) struct Refresh {
    /// The provider.
    #[arg(long, value_name = "NAME")]
    provider: String,
    /// Only models with these words in them.
    #[arg(long, short, value_name = "WORDS")]
    search: Option<String>,
    /// In which list they go: big, middle, small, other.
    #[arg(long, value_name = "LIST", default_value = "other")]
    list: String,
}

/// Does it.
pub(crate) async fn run(session: &Session, verb: &Verb) -> Ended {
    match verb {
        Verb::List(lists) => {
            let models =
                models(session, lists.provider.as_deref(), lists.search.as_deref()).await?;
            session.console.list(&MODELS, &models)
        }
        Verb::Show { name } => show(session, name).await,
        Verb::Create(create) => {
            let draft = ALIASES
                .begin(&Change::default(), Some(&create.route_key))?
                .with(
                    "model",
                    Some(format!("{}/{}", create.provider, create.target_model)),
                );
            ALIASES.create(session, draft).await.map(drop)
        }
        Verb::Update(update) => update.run(session).await,
        Verb::Delete(names) => ALIASES.delete(session, &names.names).await,
        Verb::Enable(names) => ALIASES.switched(session, names, true).await,
        Verb::Disable(names) => ALIASES.switched(session, names, false).await,
        Verb::Refresh(refresh) => refresh.run(session).await,
        Verb::Catalog(verb) => catalogue::run(session, verb).await,
        Verb::Prices(verb) => prices::run(session, verb).await,
        Verb::Mappings { limit } => mappings(session, *limit).await,
    }
}

/// Models of providers, and aliases.
async fn models(
    session: &Session,
    provider: Option<&str>,
    search: Option<&str>,
) -> Ended<Vec<Value>> {
    let all = session.read(&endpoints::MODELS.call(&[])).await?.body;
    let aliases = all_pages(session, &Call::new("GET", ALIASES.path)).await?;
    let aliases = aliases.iter().map(|alias| {
        let target = alias["model"].as_str().unwrap_or_default();
        let (owner, model) = parted(target, |name| !all["models"][name].is_null());
        json!({"name": alias["name"], "kind": "alias", "provider": owner, "model": model, "enabled": alias["enabled"]})
    });
    let mut rows: Vec<Value> = aliases.collect();
    for (owner, models) in all["models"].as_object().into_iter().flatten() {
        rows.extend(items(models).iter().map(|model| {
            json!({"name": model, "kind": "model", "provider": owner, "model": model, "enabled": true})
        }));
    }
    rows.retain(|row| {
        let has = |member: &str, words: &str| {
            row[member]
                .as_str()
                .is_some_and(|text| text.contains(words))
        };
        provider.is_none_or(|provider| row["provider"] == provider)
            && search.is_none_or(|words| has("name", words) || has("model", words))
    });
    Ok(rows)
}

/// The provider of a target, where it names one that is there: models have slashes in their names too.
fn parted(target: &str, is_provider: impl Fn(&str) -> bool) -> (Option<&str>, &str) {
    match target.split_once('/') {
        Some((provider, model)) if is_provider(provider) => (Some(provider), model),
        _ => (None, target),
    }
}

async fn show(session: &Session, name: &str) -> Ended {
    let mut rows = models(session, None, None).await?;
    rows.retain(|row| row["name"] == name);
    if rows.is_empty() {
        return Err(Failure::new(Kind::NotFound, format!("nobody lists a model `{name}`"))
            .next("see them: bridge-admin models list; the catalogue has more: bridge-admin models catalog list"));
    }
    for row in &mut rows {
        let (Some(provider), Some(model)) = (row["provider"].as_str(), row["model"].as_str())
        else {
            continue;
        };
        let call = endpoints::PRICE
            .call(&[])
            .with("provider", provider)
            .with("model", model);
        let price = session.read(&call).await?.body;
        row["price_source"] = price["source"].clone();
        row["catalogue"] = price["catalogue"].clone();
    }
    match <[Value; 1]>::try_from(rows) {
        Ok([row]) => session.console.one(&MODELS, &row),
        Err(rows) => session.console.list(&MODELS, &rows),
    }
}

impl Update {
    async fn run(&self, session: &Session) -> Ended {
        let draft = ALIASES
            .take(session, &self.name, &Change::default())
            .await?;
        let now = draft.get("model").as_str().unwrap_or_default().to_owned();
        let providers = all_pages(session, &Call::new("GET", PROVIDERS.path)).await?;
        let (owner, model) = parted(&now, |name| {
            let called = |row: &Value| row["name"].as_str().map(str::to_owned);
            let mut names = providers.iter().filter_map(called);
            names.any(|own| own.eq_ignore_ascii_case(name))
        });
        let model = self.target_model.as_deref().unwrap_or(model);
        let target = match self.provider.as_deref().or(owner) {
            Some(provider) => format!("{provider}/{model}"),
            None => model.to_owned(),
        };
        let draft = draft.with("model", Some(target));
        ALIASES.replace(session, &self.name, draft).await.map(drop)
    }
}

impl Refresh {
    async fn run(&self, session: &Session) -> Ended {
        let call = endpoints::PROVIDER_OFFER.call(&[&self.provider]);
        let offer = session
            .read(&call.with_some("search", self.search.as_deref()))
            .await?
            .body;
        let new = items(&offer)
            .iter()
            .filter(|model| model["listed"] != json!(true));
        let new: Vec<&Value> = new.map(|model| &model["id"]).collect();
        if new.is_empty() {
            session.console.note(&format!(
                "provider `{}` offers nothing that is not listed",
                self.provider
            ));
            return Ok(());
        }
        let body = json!({"models": new, "list": self.list});
        let call = endpoints::PROVIDER_ADOPT.call(&[&self.provider]).body(body);
        if session.write(&call).await?.is_some() {
            let rows = new
                .iter()
                .map(|model| json!({"provider": self.provider, "model": model, "list": self.list}));
            session.console.list(&ADOPTED, &rows.collect::<Vec<_>>())?;
        }
        Ok(())
    }
}

async fn mappings(session: &Session, limit: u32) -> Ended {
    const MAPPINGS: Layout = Layout {
        things: "requests",
        key: "request_id",
        columns: &[
            column("AT", "timestamp").show(Show::Moment),
            column("ASKED", "original_model"),
            column("SERVED", "mapped_model"),
            column("PROVIDER", "provider"),
            column("ROUTE", "route"),
            column("STATUS", "status"),
            column("REQUEST", "request_id").wide(),
        ],
    };
    let call = endpoints::MAPPINGS
        .call(&[])
        .with("log_type", "model_mapping")
        .with("limit", limit);
    let mappings = session.read(&call).await?.body;
    session.console.list(&MAPPINGS, items(&mappings["logs"]))
}
