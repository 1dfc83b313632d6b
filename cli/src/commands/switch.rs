//! `switch`: other models behind `opus`, `sonnet` and `haiku`, at once.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::endpoints;
use crate::entry::items;
use crate::failure::{Ended, Failure};
use crate::output::{Layout, column};
use crate::session::Session;

/// What is in force.
const CURRENT: Layout = Layout {
    things: "models",
    key: "current_preset",
    columns: &[
        column("PRESET", "current_preset"),
        column("BIG", "current_models.big_model"),
        column("MIDDLE", "current_models.middle_model"),
        column("SMALL", "current_models.small_model"),
        column("MODE", "mode"),
        column("PREFERRED PROVIDER", "preferred_provider").wide(),
        column("PROVIDERS", "providers").wide(),
    ],
};

/// Switches models.
#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Switch {
    #[command(subcommand)]
    verb: Option<Verb>,
    /// The name of a preset.
    #[arg(long, value_name = "NAME", conflicts_with_all = ["big", "middle", "small"])]
    preset: Option<String>,
    /// What `opus` stands for from now on.
    #[arg(long, value_name = "MODEL")]
    big: Option<String>,
    /// What `sonnet` stands for from now on.
    #[arg(long, value_name = "MODEL")]
    middle: Option<String>,
    /// What `haiku` stands for from now on.
    #[arg(long, value_name = "MODEL")]
    small: Option<String>,
    /// Conversations go on across a switch; they always do.
    #[arg(long)]
    preserve_conversation: bool,
}

/// What else there is to it.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// What is in force.
    Status,
}

impl Switch {
    /// Switches, or says what is in force.
    pub(crate) async fn run(&self, session: &Session) -> Ended {
        if self.verb.is_some() {
            return status(session).await;
        }
        let mut body = json!({});
        let models = [
            ("preset", &self.preset),
            ("big_model", &self.big),
            ("middle_model", &self.middle),
            ("small_model", &self.small),
        ];
        for (member, value) in models {
            if let Some(value) = value {
                body[member] = json!(value);
            }
        }
        if body == json!({}) {
            return Err(Failure::usage("there is nothing to switch to")
                .next("add --preset NAME, or --big MODEL and --small MODEL; `switch status` shows what is in force"));
        }
        if self.preserve_conversation {
            body["preserve_conversation"] = json!(true);
        }
        let Some(answer) = session
            .write(&endpoints::SWITCH.call(&[]).body(body))
            .await?
        else {
            return Ok(());
        };
        for warning in items(&answer.body["warnings"]) {
            session.console.warn(warning.as_str().unwrap_or_default());
        }
        session
            .console
            .note(answer.body["message"].as_str().unwrap_or("switched"));
        match session.console.format.is_for_people() {
            true => show(session, &answer.body),
            false => session.console.raw(&answer.body),
        }
    }
}

async fn status(session: &Session) -> Ended {
    let current = session.read(&endpoints::CURRENT.call(&[])).await?.body;
    match session.console.format.is_for_people() {
        true => session.console.list(&CURRENT, &[current]),
        false => session.console.one(&CURRENT, &current),
    }
}

fn show(session: &Session, switched: &Value) -> Ended {
    let models = &switched["current_models"];
    session.console.one(&CURRENT, models)
}
