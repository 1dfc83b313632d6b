//! One of them: found by name, shown, removed, switched on and off.

use clap::{Args, Subcommand};
use serde_json::Value;

use super::list::all_pages;
use super::{Change, List, Resource};
use crate::client::{Answer, Call};
use crate::entry::items;
use crate::failure::{Ended, Failure, Kind};
use crate::session::Session;

/// What nearly every resource can.
#[derive(Debug, Subcommand)]
pub(crate) enum Plain {
    /// List them.
    #[command(visible_alias = "ls")]
    List(List),
    /// Show one.
    #[command(visible_alias = "get")]
    Show(Named),
    /// Change one in an editor (VISUAL, EDITOR).
    Edit(Named),
    /// Remove some.
    #[command(visible_alias = "rm")]
    Delete(Names),
}

/// What can be switched off and stays.
#[derive(Debug, Subcommand)]
pub(crate) enum Toggle {
    /// Switch some on.
    Enable(Names),
    /// Switch some off; they stay.
    Disable(Names),
}

/// One of them.
#[derive(Args, Clone, Debug)]
pub(crate) struct Named {
    /// Its name.
    pub(crate) name: String,
}

/// Some of them.
#[derive(Args, Clone, Debug)]
pub(crate) struct Names {
    /// Their names.
    #[arg(required = true, value_name = "NAME")]
    pub(crate) names: Vec<String>,
}

impl Resource {
    /// Does what nearly every resource can.
    pub(crate) async fn plain(&self, session: &Session, verb: &Plain) -> Ended {
        match verb {
            Plain::List(list) => self.list(session, list).await,
            Plain::Show(named) => self.show(session, named).await,
            Plain::Edit(named) => self.edit(session, &named.name).await,
            Plain::Delete(names) => self.delete(session, &names.names).await,
        }
    }

    /// Shows one.
    pub(crate) async fn show(&self, session: &Session, named: &Named) -> Ended {
        let answer = self.get(session, &named.name).await?;
        session.console.one(&self.layout, &answer.body)
    }

    /// Switches on and off by the member that says so, where the API has no call for it.
    pub(crate) async fn switched(&self, session: &Session, names: &Names, is_on: bool) -> Ended {
        let change = Change {
            set: vec![("enabled".to_owned(), Value::Bool(is_on))],
            ..Change::default()
        };
        for name in &names.names {
            self.update(session, name, &change).await?;
        }
        Ok(())
    }

    /// Switches on and off.
    pub(crate) async fn toggle(&self, session: &Session, verb: &Toggle) -> Ended {
        let (names, verb, done) = match verb {
            Toggle::Enable(names) => (names, "/enable", "enabled"),
            Toggle::Disable(names) => (names, "/disable", "disabled"),
        };
        for name in &names.names {
            let key = self.key(session, name).await?;
            let call = self.call("POST", &key, verb);
            if let Some(answer) = session.write(&call).await? {
                self.written(session, &answer.body, done)?;
            }
        }
        Ok(())
    }

    /// One of them, with its version.
    pub(crate) async fn get(&self, session: &Session, name: &str) -> Ended<Answer> {
        let key = self.key(session, name).await?;
        session.read(&self.call("GET", &key, "")).await
    }

    /// Removes some.
    pub(crate) async fn delete(&self, session: &Session, names: &[String]) -> Ended {
        let list: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
        session.confirm(&format!("delete {} {}", self.noun, list.join(", ")))?;
        for name in names {
            let key = self.key(session, name).await?;
            let call = self.call("DELETE", &key, "");
            if session.write(&call).await?.is_some() {
                session
                    .console
                    .note(&format!("{} `{name}` deleted", self.noun));
            }
        }
        Ok(())
    }

    /// What was written: the whole for programs, a word for people.
    pub(crate) fn written(&self, session: &Session, item: &Value, done: &str) -> Ended {
        let name = item[self.label.unwrap_or(self.layout.key)]
            .as_str()
            .unwrap_or_default();
        session
            .console
            .note(&format!("{} `{name}` {done}", self.noun));
        for warning in items(&item["warnings"]) {
            session.console.warn(&crate::output::plain(warning));
        }
        match session.console.format.is_for_people() {
            true => Ok(()),
            false => session.console.one(&self.layout, item),
        }
    }

    /// What the hub calls the one that people call so.
    pub(crate) async fn key(&self, session: &Session, name: &str) -> Ended<String> {
        let Some(label) = self.label.filter(|_| !is_identifier(name)) else {
            return Ok(name.to_owned());
        };
        let call = Call::new("GET", self.path).with("search", name);
        let rows = all_pages(session, &call).await?;
        let mut found = rows.iter().filter(|row| {
            row[label]
                .as_str()
                .is_some_and(|own| own.eq_ignore_ascii_case(name))
        });
        let key = |row: &Value| row[self.layout.key].as_str().unwrap_or_default().to_owned();
        match (found.next(), found.next()) {
            (Some(row), None) => Ok(key(row)),
            (Some(one), Some(other)) => Err(Failure::new(
                Kind::Conflict,
                format!(
                    "more than one {} is called `{name}`: {}, {}, ...",
                    self.noun,
                    key(one),
                    key(other)
                ),
            )
            .next("name it by its id")),
            (None, _) => Err(Failure::new(
                Kind::NotFound,
                format!("there is no {} `{name}`", self.noun),
            )),
        }
    }
}

/// Whether it is the hub's own name of a row.
fn is_identifier(name: &str) -> bool {
    name.len() == 36
        && name
            .bytes()
            .all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
}
