//! `presets`: a big, a middle and a small model under one name.

use clap::{Args, Subcommand};
use serde_json::Value;

use crate::endpoints;
use crate::entry::items;
use crate::failure::{Ended, Failure};
use crate::output::{Layout, Show, column};
use crate::resource::{Change, Does, List, Named, Names, Resource};
use crate::session::Session;

/// Presets.
pub(crate) const PRESETS: Resource = Resource {
    noun: "preset",
    path: "/api/presets",
    label: None,
    layout: Layout {
        things: "presets",
        key: "name",
        columns: &[
            column("NAME", "name"),
            column("ACTIVE", "is_active").show(Show::Yes),
            column("BIG", "big_model"),
            column("MIDDLE", "middle_model"),
            column("SMALL", "small_model"),
            column("SOURCE", "source"),
            column("DESCRIPTION", "description").wide(),
            column("WARNINGS", "warnings").wide(),
        ],
    },
    members: &[
        "name",
        "description",
        "big_model",
        "middle_model",
        "small_model",
    ],
    tells: &[
        "source",
        "place",
        "version",
        "updated_at",
        "problem",
        "is_active",
        "warnings",
    ],
    does: &[
        Does::List,
        Does::Show,
        Does::Create,
        Does::Replace,
        Does::Delete,
    ],
};

/// What a switch changes.
const STEPS: Layout = Layout {
    things: "changes",
    key: "key",
    columns: &[
        column("SETTING", "key"),
        column("BEFORE", "before"),
        column("AFTER", "after"),
    ],
};

/// What can be done with presets.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// List them.
    #[command(visible_alias = "ls")]
    List(List),
    /// Show one.
    Show(Named),
    /// Put one in force; with --dry-run, show what would change.
    Apply(Named),
    /// Keep models under a name: those that are given, else those in force.
    #[command(visible_alias = "create")]
    Save(Save),
    /// Remove some.
    #[command(visible_alias = "rm")]
    Delete(Names),
}

/// What to keep.
#[derive(Args, Debug)]
pub(crate) struct Save {
    /// Its name.
    name: String,
    /// What `opus` stands for.
    #[arg(long, value_name = "MODEL")]
    big: Option<String>,
    /// What `sonnet` stands for.
    #[arg(long, value_name = "MODEL")]
    middle: Option<String>,
    /// What `haiku` stands for.
    #[arg(long, value_name = "MODEL")]
    small: Option<String>,
    /// For people.
    #[arg(long)]
    description: Option<String>,
    #[command(flatten)]
    change: Change,
}

/// Does it.
pub(crate) async fn run(session: &Session, verb: &Verb) -> Ended {
    match verb {
        Verb::List(list) => PRESETS.list(session, list).await,
        Verb::Show(named) => PRESETS.show(session, named).await,
        Verb::Apply(named) => apply(session, &named.name).await,
        Verb::Save(save) => save.run(session).await,
        Verb::Delete(names) => PRESETS.delete(session, &names.names).await,
    }
}

/// Puts one in force; the hub itself says what would change.
pub(crate) async fn apply(session: &Session, name: &str) -> Ended {
    let call = endpoints::PRESET_APPLY.call(&[name]);
    let call = call.with_some("dry_run", session.is_dry().then_some(true));
    let applied = session.read(&call).await?.body;
    if !session.console.format.is_document() {
        session.console.list(&STEPS, items(&applied["changes"]))?;
        for warning in items(&applied["warnings"]) {
            session.console.warn(warning.as_str().unwrap_or_default());
        }
    } else {
        session.console.raw(&applied)?;
    }
    let done = match applied["applied"].as_bool() {
        Some(true) => "is in force",
        _ => "was not put in force (--dry-run)",
    };
    session.console.note(&format!("preset `{name}` {done}"));
    Ok(())
}

impl Save {
    async fn run(&self, session: &Session) -> Ended {
        let mut draft = PRESETS.begin(&self.change, Some(&self.name))?;
        if self.change.file.is_none() {
            let current =
                session.read(&endpoints::CURRENT.call(&[])).await?.body["current_models"].take();
            for (member, given) in [
                ("big_model", &self.big),
                ("middle_model", &self.middle),
                ("small_model", &self.small),
            ] {
                let model = given.as_deref().or(current[member].as_str());
                draft = draft.with(member, model);
            }
        }
        let draft = draft
            .with("description", self.description.as_deref())
            .changed(&self.change);
        if [&draft.get("big_model"), &draft.get("small_model")]
            .iter()
            .any(|model| model.is_null())
        {
            return Err(
                Failure::usage("no big or no small model is given, and none is in force")
                    .next("add --big MODEL and --small MODEL"),
            );
        }
        let members = ["big_model", "middle_model", "small_model", "description"];
        let given: Vec<(&str, Value)> = members
            .into_iter()
            .map(|member| (member, draft.get(member).clone()))
            .filter(|(_, value)| !value.is_null())
            .collect();
        PRESETS.assign(session, &self.name, given).await
    }
}
