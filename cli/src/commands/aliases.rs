//! `aliases`: names for models.

use clap::{Args, Subcommand};
use serde_json::json;

use crate::failure::Ended;
use crate::output::{Layout, Show, column};
use crate::resource::List;
use crate::resource::{Change, Does, Named, Names, Resource};
use crate::session::Session;

/// Aliases.
pub(crate) const ALIASES: Resource = Resource {
    noun: "alias",
    path: "/api/aliases",
    label: None,
    layout: Layout {
        things: "aliases",
        key: "name",
        columns: &[
            column("NAME", "name"),
            column("MODEL", "model"),
            column("ENABLED", "enabled").show(Show::Yes),
            column("SOURCE", "source").wide(),
            column("CHANGED", "updated_at").show(Show::Moment).wide(),
        ],
    },
    members: &["name", "model", "enabled"],
    tells: &["source", "version", "updated_at"],
    does: &[
        Does::List,
        Does::Show,
        Does::Create,
        Does::Replace,
        Does::Delete,
    ],
};

/// What can be done with aliases.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// List them.
    #[command(visible_alias = "ls")]
    List(List),
    /// Show one.
    Show(Named),
    /// Make or change some: `aliases set haiku=openai/gpt-5-mini`.
    Set(Set),
    /// Remove some.
    #[command(visible_aliases = ["delete", "rm"])]
    Unset(Names),
    /// Change one.
    Update(Update),
    /// Switch some on.
    Enable(Names),
    /// Switch some off; they stay.
    Disable(Names),
}

/// New meanings.
#[derive(Args, Debug)]
pub(crate) struct Set {
    /// What clients ask for, and what they get: `provider/model`, or a model that a provider lists.
    #[arg(required = true, value_name = "NAME=MODEL", value_parser = pair)]
    pairs: Vec<(String, String)>,
}

/// A change.
#[derive(Args, Debug)]
pub(crate) struct Update {
    /// Its name.
    name: String,
    #[command(flatten)]
    change: Change,
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, model)) if !name.is_empty() && !model.is_empty() => {
            Ok((name.to_owned(), model.to_owned()))
        }
        _ => Err("write it like name=model".to_owned()),
    }
}

/// Does it.
pub(crate) async fn run(session: &Session, verb: &Verb) -> Ended {
    match verb {
        Verb::List(list) => ALIASES.list(session, list).await,
        Verb::Show(named) => ALIASES.show(session, named).await,
        Verb::Set(set) => {
            for (name, model) in &set.pairs {
                ALIASES
                    .assign(session, name, vec![("model", json!(model))])
                    .await?;
            }
            Ok(())
        }
        Verb::Unset(names) => ALIASES.delete(session, &names.names).await,
        Verb::Update(update) => ALIASES.update(session, &update.name, &update.change).await,
        Verb::Enable(names) => ALIASES.switched(session, names, true).await,
        Verb::Disable(names) => ALIASES.switched(session, names, false).await,
    }
}
