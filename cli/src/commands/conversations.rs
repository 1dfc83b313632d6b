//! `conversations`: what was said through the hub and kept there.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::continuation::Continue;
use super::history;
use crate::client::Call;
use crate::endpoints;
use crate::entry::items;
use crate::failure::{Ended, Failure, Kind};
use crate::input;
use crate::output::{Layout, Show, column, harmless};
use crate::resource::{Change, Does, Names, Paging, Resource, all_pages};
use crate::session::Session;

/// Conversations.
pub(crate) const CONVERSATIONS: Resource = Resource {
    noun: "conversation",
    path: "/api/conversations",
    label: None,
    layout: Layout {
        things: "conversations",
        key: "id",
        columns: &[
            column("ID", "id"),
            column("TITLE", "title"),
            column("MODEL", "model"),
            column("ORIGIN", "origin"),
            column("MESSAGES", "totals.messages").show(Show::Number),
            column("IN", "totals.input_tokens").show(Show::Number),
            column("OUT", "totals.output_tokens").show(Show::Number),
            column("LAST SAID", "updated_at").show(Show::Moment),
            column("DIALECT", "dialect").wide(),
            column("TAGS", "tags").wide(),
            column("SIZE", "totals.bytes").show(Show::Bytes).wide(),
            column("BEGUN", "created_at").show(Show::Moment).wide(),
        ],
    },
    members: &["title", "model", "dialect", "system", "tags"],
    tells: &[
        "id",
        "origin",
        "client_key_id",
        "totals",
        "version",
        "created_at",
        "updated_at",
    ],
    does: &[
        Does::List,
        Does::Show,
        Does::Create,
        Does::Replace,
        Does::Delete,
    ],
};

/// What can be done with conversations. `last` is the one in which something was said last.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// List one's own.
    #[command(visible_alias = "ls")]
    List(Lists),
    /// Show one, with what was said.
    #[command(visible_alias = "get")]
    Show(ShowOne),
    /// Begin one.
    Create(Change),
    /// Change what is written over one: title, model, system, tags.
    Update {
        /// Its id, or `last`.
        id: String,
        #[command(flatten)]
        change: Change,
    },
    /// Go on with one, with any model, in any dialect.
    Continue(Continue),
    /// Remove some.
    #[command(visible_alias = "rm")]
    Delete(Names),
    /// Remove all of one's own; with --recorded, only what was recorded of requests.
    Clear {
        /// Only what was recorded of requests, in files too.
        #[arg(long)]
        recorded: bool,
    },
    #[command(flatten)]
    History(history::Verb),
    /// Take one along, or all of them, as JSON.
    Export {
        /// Its id, or `last` [default: all].
        id: Option<String>,
        /// Where to write it [default: standard output].
        #[arg(long, short = 'O', value_name = "FILE")]
        out: Option<String>,
    },
    /// Take in what was exported.
    Import {
        /// The file; `-` reads standard input.
        file: String,
    },
}

/// What to list.
#[derive(Args, Debug)]
pub(crate) struct Lists {
    /// Only those with these words in title, tags, or what was said.
    #[arg(long, short, value_name = "WORDS")]
    search: Option<String>,
    /// Only those with this model.
    #[arg(long)]
    model: Option<String>,
    /// Only those with this tag.
    #[arg(long)]
    tag: Option<String>,
    /// interface, gateway or import.
    #[arg(long)]
    origin: Option<String>,
    #[command(flatten)]
    paging: Paging,
}

/// What to show.
#[derive(Args, Debug)]
pub(crate) struct ShowOne {
    /// Its id, or `last`.
    id: String,
    /// Only the last so many messages.
    #[arg(long, value_name = "N")]
    last: Option<usize>,
}

/// Does it.
pub(crate) async fn run(session: &Session, verb: &Verb) -> Ended {
    match verb {
        Verb::List(lists) => lists.run(session).await,
        Verb::Show(one) => one.run(session).await,
        Verb::Create(change) => {
            let draft = CONVERSATIONS.begin(change, None)?.changed(change);
            CONVERSATIONS.create(session, draft).await.map(drop)
        }
        Verb::Update { id, change } => {
            let id = found(session, id).await?;
            CONVERSATIONS.update(session, &id, change).await
        }
        Verb::Continue(go_on) => go_on.run(session).await,
        Verb::Delete(names) => {
            let mut ids = Vec::new();
            for name in &names.names {
                ids.push(found(session, name).await?);
            }
            CONVERSATIONS.delete(session, &ids).await
        }
        Verb::Clear { recorded: true } => history::forget(session).await,
        Verb::Clear { recorded: false } => clear(session).await,
        Verb::History(verb) => history::run(session, verb).await,
        Verb::Export { id, out } => export(session, id.as_deref(), out.as_deref()).await,
        Verb::Import { file } => import(session, file).await,
    }
}

/// The id of one; `last` is the newest.
pub(super) async fn found(session: &Session, id: &str) -> Ended<String> {
    if id != "last" {
        return Ok(id.to_owned());
    }
    let call = Call::new("GET", CONVERSATIONS.path).with("limit", 1);
    let page = session.read(&call).await?.body;
    let newest = page["items"][0]["id"].as_str().map(str::to_owned);
    newest.ok_or_else(|| Failure::new(Kind::NotFound, "there is no conversation yet"))
}

impl Lists {
    async fn run(&self, session: &Session) -> Ended {
        let call = Call::new("GET", CONVERSATIONS.path)
            .with_some("query", self.search.as_deref())
            .with_some("model", self.model.as_deref())
            .with_some("tag", self.tag.as_deref())
            .with_some("origin", self.origin.as_deref());
        self.paging
            .show(session, &CONVERSATIONS.layout, &call)
            .await
    }
}

/// All that was said in one.
pub(super) async fn messages(session: &Session, id: &str) -> Ended<Vec<Value>> {
    all_pages(session, &endpoints::MESSAGES.call(&[id])).await
}

impl ShowOne {
    async fn run(&self, session: &Session) -> Ended {
        let id = found(session, &self.id).await?;
        let mut conversation = CONVERSATIONS.get(session, &id).await?.body;
        let mut messages = messages(session, &id).await?;
        if let Some(last) = self.last {
            messages.drain(..messages.len().saturating_sub(last));
        }
        if !session.console.format.is_for_people() {
            conversation["messages"] = Value::Array(messages);
            return session.console.one(&CONVERSATIONS.layout, &conversation);
        }
        session.console.one(&CONVERSATIONS.layout, &conversation)?;
        for message in &messages {
            session.console.text(&told(message))?;
        }
        Ok(())
    }
}

/// A message in words.
fn told(message: &Value) -> String {
    let role = message["role"].as_str().unwrap_or_default();
    let model = message["model"]
        .as_str()
        .map_or_else(String::new, |model| format!(" ({})", harmless(model)));
    let mut out = format!("\n--- {role}{model}\n");
    for part in items(&message["content"]) {
        let text = |member: &str| part[member].as_str().unwrap_or_default();
        let words = match text("type") {
            "text" => text("text").to_owned(),
            "reasoning" => format!("(thinks) {}", text("text")),
            "tool_call" => format!("(calls {} {})", text("name"), text("arguments")),
            "tool_result" => format!(
                "(result of {}: {})",
                text("call_id"),
                crate::output::plain(&part["content"])
            ),
            other => format!("({other})"),
        };
        for line in words.lines() {
            out.push_str(&harmless(line));
            out.push('\n');
        }
    }
    out
}

async fn clear(session: &Session) -> Ended {
    let all = all_pages(session, &Call::new("GET", CONVERSATIONS.path)).await?;
    let ids: Vec<String> = all
        .iter()
        .filter_map(|row| row["id"].as_str().map(str::to_owned))
        .collect();
    if ids.is_empty() {
        session.console.note("there is no conversation");
        return Ok(());
    }
    session.confirm(&format!("remove all {} conversations", ids.len()))?;
    for id in &ids {
        session
            .write(&endpoints::CONVERSATION_DELETE.call(&[id]))
            .await?;
    }
    if !session.is_dry() {
        session
            .console
            .note(&format!("conversations removed: {}", ids.len()));
    }
    Ok(())
}

async fn export(session: &Session, id: Option<&str>, out: Option<&str>) -> Ended {
    let call = match id {
        Some(id) => endpoints::CONVERSATION_EXPORT.call(&[&found(session, id).await?]),
        None => endpoints::CONVERSATIONS_EXPORT.call(&[]),
    };
    let text = session.client.text(&call).await?;
    // An answer that breaks off is not whole: a file with half of it would look like all of it.
    let whole: Value =
        serde_json::from_str(&text).map_err(|_| Failure::failed("the answer broke off"))?;
    match out {
        None => session.console.json(&whole),
        Some(path) => {
            std::io::Write::write_all(&mut crate::output::file(path)?, text.as_bytes())?;
            let count = items(&whole["conversations"]).len();
            session
                .console
                .note(&format!("conversations written to {path}: {count}"));
            Ok(())
        }
    }
}

async fn import(session: &Session, file: &str) -> Ended {
    let archive = input::parse(file, &input::text(file)?)?;
    let call = endpoints::CONVERSATIONS_IMPORT.call(&[]).body(archive);
    let Some(answer) = session.write(&call).await? else {
        return Ok(());
    };
    let (ids, messages) = (items(&answer.body["ids"]), &answer.body["messages"]);
    session.console.note(&format!(
        "taken in: {} conversations, {messages} messages",
        ids.len()
    ));
    let rows: Vec<Value> = ids.iter().map(|id| json!({"id": id})).collect();
    match session.console.format.is_for_people() {
        true => Ok(()),
        false => session.console.list(&CONVERSATIONS.layout, &rows),
    }
}
