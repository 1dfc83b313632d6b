//! `sessions`: where one is logged in oneself.

use clap::Subcommand;

use crate::endpoints;
use crate::entry::items;
use crate::failure::Ended;
use crate::output::{Layout, Show, column};
use crate::session::Session;

/// Sessions.
pub(crate) const SESSIONS: Layout = Layout {
    things: "sessions",
    key: "id",
    columns: &[
        column("ID", "id"),
        column("THIS ONE", "current").show(Show::Yes),
        column("CLIENT", "client"),
        column("ADDRESS", "address"),
        column("USED", "used_at").show(Show::Moment),
        column("SINCE", "created_at").show(Show::Moment),
        column("ENDS", "expires_at").show(Show::Moment),
    ],
};

/// What can be done with one's own sessions.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// List them.
    #[command(visible_alias = "ls")]
    List,
    /// End one.
    #[command(visible_aliases = ["delete", "rm"])]
    End {
        /// Its id.
        #[arg(required_unless_present = "all")]
        id: Option<String>,
        /// All but this one.
        #[arg(long, conflicts_with = "id")]
        all: bool,
    },
}

/// Does it.
pub(crate) async fn run(session: &Session, verb: &Verb) -> Ended {
    match verb {
        Verb::List => {
            let list = session.read(&endpoints::SESSIONS.call(&[])).await?.body;
            session.console.list(&SESSIONS, items(&list))
        }
        Verb::End { id, .. } => {
            let (call, what) = match id {
                Some(id) => (endpoints::SESSION_END.call(&[id]), format!("session {id}")),
                None => (
                    endpoints::SESSIONS_END.call(&[]),
                    "all other sessions".to_owned(),
                ),
            };
            session.confirm(&format!("end {what}"))?;
            if session.write(&call).await?.is_some() {
                session.console.note(&format!("{what} ended"));
            }
            Ok(())
        }
    }
}
