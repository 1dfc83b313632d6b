//! `profile`: the hubs that are remembered.

use clap::Subcommand;
use serde_json::{Value, json};

use crate::failure::{Ended, Failure, Kind};
use crate::output::{Layout, Show, column};
use crate::session::Session;

const PROFILES: Layout = Layout {
    things: "profiles",
    key: "name",
    columns: &[
        column("NAME", "name"),
        column("CURRENT", "current").show(Show::Yes),
        column("HUB", "url"),
        column("E-MAIL", "email"),
        column("LOGGED IN", "logged_in").show(Show::Yes),
    ],
};

/// What can be done with profiles.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// List them.
    #[command(visible_alias = "ls")]
    List,
    /// Use this one from now on.
    Use {
        /// Its name.
        name: String,
    },
    /// Forget one; the session at the hub goes on unless one logs out first.
    #[command(visible_alias = "rm")]
    Remove {
        /// Its name.
        name: String,
    },
    /// Where they are kept.
    Path,
}

/// Does it.
pub(crate) fn run(session: &Session, verb: &Verb) -> Ended {
    match verb {
        Verb::List => list(session),
        Verb::Use { name } => {
            let is_there = session.store.change(|profiles| {
                let is_there = profiles.profiles.contains_key(name);
                if is_there {
                    profiles.current = Some(name.clone());
                }
                is_there
            })?;
            told(session, is_there, name, "is in use")
        }
        Verb::Remove { name } => {
            session.confirm(&format!("forget profile `{name}`"))?;
            let is_there = session.store.change(|profiles| {
                if profiles.current.as_ref() == Some(name) {
                    profiles.current = None;
                }
                profiles.profiles.remove(name).is_some()
            })?;
            told(session, is_there, name, "forgotten")
        }
        Verb::Path => session
            .console
            .text(&format!("{}\n", session.store.path().display())),
    }
}

fn list(session: &Session) -> Ended {
    let profiles = session.store.read()?;
    let rows = profiles.profiles.iter().map(|(name, profile)| {
        json!({"name": name, "current": *name == session.profile, "url": profile.url, "email": profile.email,
            "logged_in": profile.login.is_some()})
    });
    session
        .console
        .list(&PROFILES, &rows.collect::<Vec<Value>>())
}

fn told(session: &Session, is_there: bool, name: &str, done: &str) -> Ended {
    if !is_there {
        return Err(Failure::new(
            Kind::NotFound,
            format!("there is no profile `{name}`"),
        ));
    }
    session.console.note(&format!("profile `{name}` {done}"));
    Ok(())
}
