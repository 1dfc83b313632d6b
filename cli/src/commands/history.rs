//! The history of requests as conversations: whether it is kept, where, and how to go on with it from another program.

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};

use super::api_keys::API_KEYS;
use super::conversations::found;
use crate::endpoints;
use crate::failure::Ended;
use crate::output::{Layout, Show, column};
use crate::session::Session;

const STATUS: Layout = Layout {
    things: "histories",
    key: "store",
    columns: &[
        column("KEPT", "enabled").show(Show::Yes),
        column("WHERE", "store"),
        column("CONVERSATIONS", "conversations").show(Show::Number),
        column("MOST MESSAGES", "max_messages").show(Show::Number),
        column("NOT KEPT", "not_kept").show(Show::Number),
        column("KEYS", "keys").wide(),
    ],
};

/// What can be done with the history of requests.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Whether what goes through the hub is kept as conversations, where, and how much of it.
    Status,
    /// Keep what one's own client keys say and hear from now on.
    Enable(Enable),
    /// Keep nothing from now on; what was kept stays.
    Disable {
        /// Only of this client key.
        #[arg(long, value_name = "NAME")]
        key: Option<String>,
    },
    /// The request that goes on with a conversation, in any dialect, for another program to send.
    Request(Resume),
}

/// Where to keep it.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Place {
    /// In the database, sealed.
    Database,
    /// In files beside it.
    File,
}

/// What to keep.
#[derive(Args, Debug)]
pub(crate) struct Enable {
    /// Only of this client key.
    #[arg(long, value_name = "NAME")]
    key: Option<String>,
    /// Where to keep it.
    #[arg(long, value_enum, default_value = "database")]
    store: Place,
}

/// What to go on with.
#[derive(Args, Debug)]
pub(crate) struct Resume {
    /// The conversation; `last`, or `recorded`: the last that was recorded of requests, in files too.
    #[arg(default_value = "last")]
    id: String,
    /// What to say next.
    words: Vec<String>,
    /// Another model.
    #[arg(long, short)]
    model: Option<String>,
    /// Another dialect: openai-chat, openai-responses, anthropic, gemini.
    #[arg(long, value_name = "DIALECT")]
    dialect: Option<String>,
}

/// Does it.
pub(crate) async fn run(session: &Session, verb: &Verb) -> Ended {
    match verb {
        Verb::Status => {
            let status = session
                .read(&endpoints::HISTORY_STATUS.call(&[]))
                .await?
                .body;
            show(session, status)
        }
        Verb::Enable(enable) => {
            let place = match enable.store {
                Place::Database => "database",
                Place::File => "file",
            };
            let wish = json!({"enabled": true, "store": place});
            keep(session, wish, enable.key.as_deref()).await
        }
        Verb::Disable { key } => keep(session, json!({"enabled": false}), key.as_deref()).await,
        Verb::Request(resume) => resume.run(session).await,
    }
}

async fn keep(session: &Session, mut wish: Value, key: Option<&str>) -> Ended {
    if let Some(key) = key {
        wish["client_key_id"] = json!(API_KEYS.key(session, key).await?);
    }
    let call = endpoints::HISTORY_ENABLE.call(&[]).body(wish);
    match session.write(&call).await? {
        Some(answer) => show(session, answer.body),
        None => Ok(()),
    }
}

fn show(session: &Session, status: Value) -> Ended {
    match session.console.format.is_document() {
        true => session.console.one(&STATUS, &status),
        false => session.console.list(&STATUS, &[status]),
    }
}

/// Forgets what was recorded.
pub(super) async fn forget(session: &Session) -> Ended {
    session.confirm("remove all that was recorded of one's own client keys")?;
    if let Some(answer) = session.write(&endpoints::HISTORY_FORGET.call(&[])).await? {
        let gone = answer.body["conversations"].as_u64().unwrap_or_default();
        session
            .console
            .note(&format!("conversations removed: {gone}"));
    }
    Ok(())
}

impl Resume {
    async fn run(&self, session: &Session) -> Ended {
        let mut wish = json!({});
        if self.id != "recorded" {
            wish["conversation_id"] = json!(found(session, &self.id).await?);
        }
        let words = Some(self.words.join(" ")).filter(|words| !words.is_empty());
        let members = [
            ("message", &words),
            ("model", &self.model),
            ("dialect", &self.dialect),
        ];
        for (member, value) in members {
            if let Some(value) = value {
                wish[member] = json!(value);
            }
        }
        // It writes nothing: the answer is a request for somebody else to send.
        let call = endpoints::HISTORY_CONTINUE.call(&[]).body(wish);
        let answer = session.read(&call).await?.body;
        session.console.raw(&answer)
    }
}
