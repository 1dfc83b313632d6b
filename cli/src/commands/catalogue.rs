//! `models catalog`: what is known of the models of the world.

use clap::{Args, Subcommand};
use serde_json::Value;

use crate::endpoints;
use crate::failure::{Ended, Failure, Kind};
use crate::input;
use crate::output::{Layout, Show, column};
use crate::resource::{Paging, all_pages};
use crate::session::Session;

/// A model of the catalogue; prices are dollars for a million tokens.
const CATALOGUE: Layout = Layout {
    things: "models",
    key: "id",
    columns: &[
        column("VENDOR", "vendor"),
        column("MODEL", "id"),
        column("CONTEXT", "context").show(Show::Number),
        column("MAX OUTPUT", "max_output").show(Show::Number),
        column("INPUT $/M", "cost.input"),
        column("OUTPUT $/M", "cost.output"),
        column("CACHED $/M", "cost.cache_read").wide(),
        column("ABILITIES", "abilities").wide(),
        column("TAKES", "takes").wide(),
        column("RELEASED", "released").wide(),
        column("STATUS", "status").wide(),
    ],
};

/// What can be done with the catalogue.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// List its models.
    #[command(visible_alias = "ls")]
    List(Lists),
    /// Show one.
    Show {
        /// Its name at its vendor.
        id: String,
        /// Its vendor, where several have one of that name.
        #[arg(long)]
        vendor: Option<String>,
    },
    /// Which catalogue it is.
    Info,
    /// Put another one in its place.
    Import {
        /// The file, in JSON; `-` reads standard input.
        file: String,
    },
    /// Go back to the one that comes with the hub.
    Reset,
}

/// What to list.
#[derive(Args, Debug)]
pub(crate) struct Lists {
    /// Only of this vendor.
    #[arg(long)]
    vendor: Option<String>,
    /// Only those with these words in them.
    #[arg(long, short, value_name = "WORDS")]
    search: Option<String>,
    #[command(flatten)]
    paging: Paging,
}

/// Does it.
pub(crate) async fn run(session: &Session, verb: &Verb) -> Ended {
    match verb {
        Verb::List(lists) => {
            let call = endpoints::CATALOGUE_MODELS.call(&[]);
            let call = call
                .with_some("vendor", lists.vendor.as_deref())
                .with_some("search", lists.search.as_deref());
            lists.paging.show(session, &CATALOGUE, &call).await
        }
        Verb::Show { id, vendor } => show(session, id, vendor.as_deref()).await,
        Verb::Info => info(
            session,
            &session.read(&endpoints::CATALOGUE.call(&[])).await?.body,
        ),
        Verb::Import { file } => {
            let document = input::parse(file, &input::text(file)?)?;
            let call = endpoints::CATALOGUE_SET.call(&[]).body(document);
            match session.write(&call).await? {
                Some(answer) => info(session, &answer.body),
                None => Ok(()),
            }
        }
        Verb::Reset => {
            session
                .confirm("put the catalogue that comes with the hub in the place of this one")?;
            if session
                .write(&endpoints::CATALOGUE_RESET.call(&[]))
                .await?
                .is_some()
            {
                session
                    .console
                    .note("the catalogue is the one that comes with the hub");
            }
            Ok(())
        }
    }
}

async fn show(session: &Session, id: &str, vendor: Option<&str>) -> Ended {
    let call = endpoints::CATALOGUE_MODELS
        .call(&[])
        .with("search", id)
        .with_some("vendor", vendor);
    let mut models = all_pages(session, &call).await?;
    models.retain(|model| model["id"] == id);
    match models.as_slice() {
        [] => Err(
            Failure::new(Kind::NotFound, format!("the catalogue has no model `{id}`")).next(
                format!("look for it: bridge-admin models catalog list --search {id}"),
            ),
        ),
        [model] => session.console.one(&CATALOGUE, model),
        several => session.console.list(&CATALOGUE, several),
    }
}

fn info(session: &Session, info: &Value) -> Ended {
    const INFO: Layout = Layout {
        things: "catalogues",
        key: "version",
        columns: &[
            column("VERSION", "version"),
            column("SOURCE", "source"),
            column("MODELS", "models").show(Show::Number),
            column("VENDORS", "vendors").wide(),
        ],
    };
    session.console.one(&INFO, info)
}
