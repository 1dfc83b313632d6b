//! `config`: settings, and the whole configuration as a document.

use std::collections::BTreeMap;

use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use crate::endpoints;
use crate::entry::items;
use crate::failure::{Ended, Failure, Kind};
use crate::input;
use crate::output::{Layout, Show, column};
use crate::resource::{Paging, parse_value};
use crate::session::Session;

const SETTINGS: Layout = Layout {
    things: "settings",
    key: "key",
    columns: &[
        column("KEY", "key"),
        column("VALUE", "value"),
        column("SOURCE", "source"),
        column("READ ONLY", "is_read_only").show(Show::Yes).wide(),
        column("DEFAULT", "default").wide(),
        column("CHOICES", "choices").wide(),
        column("PLACE", "place").wide(),
        column("ABOUT", "about").wide(),
    ],
};

const CHANGES: Layout = Layout {
    things: "changes",
    key: "key",
    columns: &[
        column("AT", "at").show(Show::Moment),
        column("ACTOR", "actor"),
        column("KEY", "key"),
        column("BEFORE", "before"),
        column("AFTER", "after"),
        column("ADDRESS", "address").wide(),
    ],
};

const DIFFERENCES: Layout = Layout {
    things: "differences",
    key: "name",
    columns: &[
        column("ACTION", "action").show(Show::State),
        column("KIND", "kind"),
        column("NAME", "name"),
        column("CHANGE", "change"),
        column("SECRETS", "secrets"),
        column("NOTE", "note"),
    ],
};

/// What can be done with the configuration.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Show settings: all, or some.
    #[command(visible_alias = "list")]
    Get {
        /// Their keys; one alone is shown as its value.
        #[arg(value_name = "KEY")]
        keys: Vec<String>,
    },
    /// Change settings.
    Set {
        /// Keys with values in YAML, such as `MAX_TOKENS_LIMIT=8192`.
        #[arg(required = true, value_name = "KEY=VALUE", value_parser = pair)]
        pairs: Vec<(String, Value)>,
    },
    /// Go back to the defaults.
    Unset {
        /// The keys.
        #[arg(required = true, value_name = "KEY")]
        keys: Vec<String>,
    },
    /// Who changed which setting.
    History {
        #[command(flatten)]
        paging: Paging,
    },
    /// Write everything that the database owns as YAML; secrets stay where they are.
    Export {
        /// Where to write it [default: standard output].
        #[arg(long, short = 'O', value_name = "FILE")]
        out: Option<String>,
    },
    /// Write the configuration of an older gateway as an `app.yml`; offline.
    MigrateFrom(super::migrate_from::MigrateFrom),
    /// Take a document in: all of it or nothing. With --dry-run, say what would change.
    Import(Document),
    /// Say what a document would change; exit code 7 where it would change something.
    Diff(Document),
    /// Say whether a document makes sense; exit code 7 where it does not.
    Validate {
        /// The document; `-` reads standard input.
        #[arg(long, short, value_name = "FILE")]
        file: String,
    },
}

/// A document.
#[derive(Args, Debug)]
pub(crate) struct Document {
    /// The document, in YAML; `-` reads standard input.
    #[arg(long, short, value_name = "FILE")]
    file: String,
    /// Remove what the document does not name.
    #[arg(long)]
    replace: bool,
}

fn pair(text: &str) -> Result<(String, Value), String> {
    let (key, value) = text.split_once('=').ok_or("write it like KEY=value")?;
    Ok((key.to_owned(), parse_value(value)))
}

/// Does it.
pub(crate) async fn run(session: &Session, verb: &Verb) -> Ended {
    match verb {
        Verb::Get { keys } => get(session, keys).await,
        Verb::Set { pairs } => change(session, pairs.iter().cloned().collect()).await,
        Verb::Unset { keys } => {
            change(
                session,
                keys.iter().map(|key| (key.clone(), Value::Null)).collect(),
            )
            .await
        }
        Verb::History { paging } => {
            paging
                .show(session, &CHANGES, &endpoints::CONFIG_HISTORY.call(&[]))
                .await
        }
        Verb::MigrateFrom(migrate) => migrate.run(&session.console),
        Verb::Export { out } => export(session, out.as_deref()).await,
        Verb::Import(document) => document.import(session).await,
        Verb::Diff(document) => document.diff(session).await,
        Verb::Validate { file } => validate(session, file).await,
    }
}

async fn get(session: &Session, keys: &[String]) -> Ended {
    let config = session.read(&endpoints::CONFIG.call(&[])).await?.body;
    let all = items(&config["settings"]);
    if keys.is_empty() {
        return session.console.list(&SETTINGS, all);
    }
    let found = keys.iter().map(|key| {
        let named = all.iter().find(|setting| {
            setting["key"]
                .as_str()
                .is_some_and(|own| own.eq_ignore_ascii_case(key))
        });
        named.cloned().ok_or_else(|| {
            Failure::new(Kind::NotFound, format!("there is no setting `{key}`"))
                .next("see them: bridge-admin config get")
        })
    });
    let found = found.collect::<Ended<Vec<Value>>>()?;
    match found.as_slice() {
        [one] if session.console.format.is_for_people() && session.console.columns.is_empty() => {
            session
                .console
                .text(&format!("{}\n", crate::output::plain(&one["value"])))
        }
        [one] => session.console.one(&SETTINGS, one),
        several => session.console.list(&SETTINGS, several),
    }
}

async fn change(session: &Session, settings: Map<String, Value>) -> Ended {
    let config = session.read(&endpoints::CONFIG.call(&[])).await?;
    let keys: Vec<String> = settings.keys().cloned().collect();
    let call = endpoints::CONFIG_SET
        .call(&[])
        .body(json!({"settings": settings}))
        .if_match(config.etag);
    if let Some(answer) = session.write(&call).await? {
        let changed = items(&answer.body["settings"]).iter().filter(|setting| {
            setting["key"]
                .as_str()
                .is_some_and(|own| keys.iter().any(|key| key == own))
        });
        session
            .console
            .list(&SETTINGS, &changed.cloned().collect::<Vec<_>>())?;
    }
    Ok(())
}

async fn export(session: &Session, out: Option<&str>) -> Ended {
    let text = session
        .client
        .text(&endpoints::CONFIG_EXPORT.call(&[]))
        .await?;
    match out {
        None => session.console.text(&text),
        Some(path) => {
            std::io::Write::write_all(&mut crate::output::file(path)?, text.as_bytes())?;
            session.console.note(&format!("written to {path}"));
            Ok(())
        }
    }
}

impl Document {
    fn body(&self, is_dry: bool) -> Ended<Value> {
        Ok(
            json!({"document": input::text(&self.file)?, "dry_run": is_dry, "replace": self.replace}),
        )
    }

    async fn import(&self, session: &Session) -> Ended {
        if self.replace {
            session.confirm("remove everything that the document does not name")?;
        }
        // The hub itself says what would change.
        let call = endpoints::CONFIG_IMPORT
            .call(&[])
            .body(self.body(session.is_dry())?);
        let answer = session.read(&call).await?.body;
        show(session, &answer)?;
        session.console.note(match answer["applied"].as_bool() {
            Some(true) => "taken in",
            _ => "nothing was changed (--dry-run)",
        });
        Ok(())
    }

    async fn diff(&self, session: &Session) -> Ended {
        let call = endpoints::CONFIG_DIFF.call(&[]).body(self.body(true)?);
        let answer = session.read(&call).await?.body;
        show(session, &answer)?;
        match items(&answer["differences"]).len() {
            0 => Ok(()),
            several => Err(Failure::check(format!("{several} differences"))),
        }
    }
}

fn show(session: &Session, answer: &Value) -> Ended {
    if session.console.format.is_document() {
        return session.console.raw(answer);
    }
    let rows = items(&answer["differences"]).iter().map(|difference| {
        let mut row = difference.clone();
        let entry = |side: &str| match difference["kind"].as_str() {
            // A setting is a value and nothing else.
            Some("setting") => difference[side]["document"].clone(),
            _ => difference[side].clone(),
        };
        row["change"] = json!(changed(&entry("before"), &entry("after")));
        row
    });
    session
        .console
        .list(&DIFFERENCES, &rows.collect::<Vec<_>>())?;

    let unchanged = answer["unchanged"].as_u64().unwrap_or_default();
    session
        .console
        .note(&format!("{unchanged} entries are the same"));
    Ok(())
}

/// Member by member: what it was, what it becomes.
fn changed(before: &Value, after: &Value) -> Vec<String> {
    let (before, after) = (leaves(before), leaves(after));
    let mut lines: Vec<String> = Vec::new();
    for (member, value) in &after {
        match before.get(member) {
            Some(was) if was == value => {}
            Some(was) => lines.push(format!("{member}: {was} -> {value}")),
            None => lines.push(format!("{member}: {value}")),
        }
    }
    let gone = before
        .iter()
        .filter(|(member, _)| !after.contains_key(*member));
    lines.extend(gone.map(|(member, was)| format!("{member}: {was} -> nothing")));
    lines
}

/// The members of an entry, deep ones by their paths.
fn leaves(entry: &Value) -> BTreeMap<String, String> {
    let mut out = BTreeMap::new();
    let mut open: Vec<(String, &Value)> = vec![(String::new(), entry)];
    while let Some((path, value)) = open.pop() {
        match value {
            Value::Object(members) => {
                for (name, inner) in members {
                    let deeper = match path.as_str() {
                        "" | "document" => name.clone(),
                        path => format!("{path}.{name}"),
                    };
                    open.push((deeper, inner));
                }
            }
            Value::Null => {}
            _ => drop(out.insert(path, crate::output::plain(value))),
        }
    }
    out
}

async fn validate(session: &Session, file: &str) -> Ended {
    let document = Document {
        file: file.to_owned(),
        replace: false,
    };
    // Comparing puts the whole configuration together, as taking it in would.
    let call = endpoints::CONFIG_DIFF.call(&[]).body(document.body(true)?);
    match session.read(&call).await {
        Ok(_) => {
            session.console.note("the document makes sense");
            Ok(())
        }
        Err(failure) if failure.kind() == Kind::Failed && failure.status() == Some(422) => {
            Err(failure.of_kind(Kind::CheckFailed))
        }
        Err(failure) => Err(failure),
    }
}
