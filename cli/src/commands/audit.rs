//! `audit`: who changed what.

use clap::{Args, Subcommand};

use crate::endpoints;
use crate::failure::Ended;
use crate::output::{Layout, Show, column};
use crate::resource::{Paging, Period};
use crate::session::Session;

const AUDIT: Layout = Layout {
    things: "changes",
    key: "id",
    columns: &[
        column("AT", "at").show(Show::Moment),
        column("ACTOR", "actor"),
        column("ACTION", "action"),
        column("KIND", "kind"),
        column("TARGET", "target"),
        column("ADDRESS", "address"),
        column("BEFORE", "before").wide(),
        column("AFTER", "after").wide(),
        column("ID", "id").wide(),
    ],
};

/// What can be asked.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// List changes, the newest first.
    #[command(visible_alias = "ls")]
    List(Lists),
}

/// Which of them.
#[derive(Args, Debug)]
pub(crate) struct Lists {
    /// Only by this person.
    #[arg(long, value_name = "ADDRESS")]
    actor: Option<String>,
    /// Only of this kind of thing, such as `provider`.
    #[arg(long)]
    kind: Option<String>,
    /// Only of this thing.
    #[arg(long, value_name = "NAME")]
    target: Option<String>,
    /// Only this act, such as `delete`.
    #[arg(long)]
    action: Option<String>,
    #[command(flatten)]
    period: Period,
    #[command(flatten)]
    paging: Paging,
}

/// Does it.
pub(crate) async fn run(session: &Session, verb: &Verb) -> Ended {
    let Verb::List(lists) = verb;
    let call = endpoints::AUDIT
        .call(&[])
        .with_some("actor", lists.actor.as_deref())
        .with_some("kind", lists.kind.as_deref())
        .with_some("target", lists.target.as_deref())
        .with_some("action", lists.action.as_deref());
    lists
        .paging
        .show(session, &AUDIT, &lists.period.on(call))
        .await
}
