//! `version` and `db`: what runs, and what it stands on.

use clap::Subcommand;
use serde_json::{Value, json};

use crate::endpoints;
use crate::entry::items;
use crate::failure::{Ended, Failure};
use crate::output::{Layout, Show, column};
use crate::session::Session;

/// What can be asked of the database. To migrate it, run `bridge migrate` beside the hub.
#[derive(Debug, Subcommand)]
pub(crate) enum Database {
    /// How it is: kind, size, schema; exit code 7 where it is away or behind.
    Status,
    /// How large it is.
    Size,
    /// The steps of its schema.
    Migrations,
    /// Take back the room of what has gone, and count anew how the tables are filled. Writers of SQLite wait meanwhile.
    Vacuum,
}

/// Says what runs here and there.
pub(crate) async fn version(session: &Session) -> Ended {
    const VERSION: Layout = Layout {
        things: "versions",
        key: "hub",
        columns: &[
            column("BRIDGE-ADMIN", "bridge_admin"),
            column("HUB", "hub"),
            column("ADDRESS", "url"),
        ],
    };
    let system = session.read(&endpoints::SYSTEM.call(&[])).await;
    let (hub, told) = match system {
        Ok(system) => (system.body["version"].clone(), Ok(())),
        Err(failure) => (Value::Null, Err(failure)),
    };
    let version =
        json!({"bridge_admin": env!("CARGO_PKG_VERSION"), "hub": hub, "url": session.client.url()});
    session.console.one(&VERSION, &version)?;
    told
}

/// Says how the database is.
pub(crate) async fn database(session: &Session, verb: &Database) -> Ended {
    let system = async || session.read(&endpoints::SYSTEM.call(&[])).await;
    match verb {
        Database::Status => status(session, &system().await?.body),
        Database::Vacuum => vacuum(session).await,
        Database::Size => {
            const SIZE: Layout = Layout {
                things: "sizes",
                key: "size",
                columns: &[
                    column("KIND", "kind"),
                    column("SIZE", "size").show(Show::Bytes),
                ],
            };
            session
                .console
                .list(&SIZE, &[system().await?.body["database"].take()])
        }
        Database::Migrations => {
            const STEPS: Layout = Layout {
                things: "steps",
                key: "name",
                columns: &[
                    column("STEP", "name"),
                    column("DONE", "done").show(Show::Yes),
                ],
            };
            let system = system().await?.body;
            session
                .console
                .list(&STEPS, items(&system["database"]["migrations"]))
        }
    }
}

async fn vacuum(session: &Session) -> Ended {
    const VACUUMED: Layout = Layout {
        things: "databases",
        key: "kind",
        columns: &[
            column("KIND", "kind"),
            column("BEFORE", "size_before").show(Show::Bytes),
            column("AFTER", "size_after").show(Show::Bytes),
            column("TOOK", "took_ms").show(Show::Ms),
        ],
    };
    match session.write(&endpoints::VACUUM.call(&[])).await? {
        Some(answer) => session.console.list(&VACUUMED, &[answer.body]),
        None => Ok(()),
    }
}

fn status(session: &Session, system: &Value) -> Ended {
    const STATUS: Layout = Layout {
        things: "databases",
        key: "kind",
        columns: &[
            column("KIND", "kind"),
            column("OK", "ok").show(Show::State),
            column("SIZE", "size").show(Show::Bytes),
            column("STEPS", "steps"),
            column("QUEUED", "records.queued").show(Show::Number),
            column("KEPT", "records.kept").show(Show::Number),
            column("LOST", "records.unkept").show(Show::Number),
            column("WAITING", "records.waiting").show(Show::Number),
        ],
    };
    let database = &system["database"];
    let steps = items(&database["migrations"]);
    let done = steps
        .iter()
        .filter(|step| step["done"] == json!(true))
        .count();
    let shown = json!({"kind": database["kind"], "ok": database["ok"], "size": database["size"],
        "steps": format!("{done} of {}", steps.len()), "records": system["records"]});
    session.console.list(&STATUS, &[shown])?;
    if database["ok"] != json!(true) {
        return Err(Failure::check("the database does not answer"));
    }
    match steps.len() - done {
        0 => Ok(()),
        behind => Err(
            Failure::check(format!("{behind} steps of the schema are missing"))
                .next("run `bridge migrate` beside the hub"),
        ),
    }
}
